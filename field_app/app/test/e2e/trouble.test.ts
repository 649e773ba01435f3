/** What goes wrong on a phone: each is said plainly, and no typed word is lost. Real browser, real server, real command line. */
import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Release, signatureOf } from "../../build/release";
import { releaseKey } from "../../build/release_key";
import { APP } from "../browser/machine";
import { PASSPHRASE, Phone } from "./phone";
import { Service } from "./service";

let service: Service;
let sam: Phone;
let file: string;

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  file = service.aCase();
  await sam.sync();
  await sam.page.evaluate(() => navigator.serviceWorker.ready);
}, 120_000);

afterAll(async () => {
  await sam.end();
  await service.end();
});

const noteBox = (page: Page): ReturnType<Page["getByLabel"]> => page.getByLabel("Note", { exact: true });

async function openCase(): Promise<void> {
  await sam.home();
  await sam.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
  await sam.sees("Case J. B.");
}

async function beginNote(words: string): Promise<void> {
  await openCase();
  await sam.press("New note");
  await noteBox(sam.page).pressSequentially(words);
}

async function draft(words: string): Promise<void> {
  await beginNote(words);
  await sam.press("Save as a draft");
  await sam.sees("Case J. B.");
}

async function unlock(page: Page): Promise<void> {
  await page.getByRole("textbox").fill(PASSPHRASE);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("heading", { name: "My cases", level: 1 }).waitFor();
}

/** Opens what was not finished, and gives back what is typed in it. */
async function unfinished(page: Page): Promise<string> {
  await page.getByRole("heading", { name: "Not finished" }).waitFor();
  await page.getByRole("button", { name: /Case note|Note/ }).first().click();
  return noteBox(page).inputValue();
}

/** How many notes of the case a colleague's computer has. */
function notesThere(): number {
  service.run("ruth", "sync");
  const records = service.run("ruth", "record", "list", file)["records"] as readonly { readonly type: string }[];
  return records.filter(({ type }) => type === "case_note").length;
}

describe("a second window", () => {
  it("says so, takes over when somebody wants it, and has what was typed in the first a moment before", async () => {
    await beginNote("Typed in the first window, a moment ago");
    const second = await sam.browser.newPage();
    await second.goto(`${service.address}/`);
    await second.getByRole("heading", { name: "Open in another window" }).waitFor();
    await noteBox(sam.page).pressSequentially(" and then this");
    await second.getByRole("button", { name: "Use it here" }).click();
    await sam.sees("Open in another window");
    expect(await sam.text()).not.toContain("Typed in");
    await unlock(second);
    expect(await unfinished(second)).toBe("Typed in the first window, a moment ago and then this");
    await second.close();
    await sam.press("Use it here");
    await sam.sees("Notes");
    await sam.page.getByRole("textbox").fill(PASSPHRASE);
    await sam.press("Open");
    await sam.sees("New case note");
    expect(await noteBox(sam.page).inputValue()).toBe("Typed in the first window, a moment ago and then this");
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
  });
});

describe("a newer release while somebody writes", () => {
  it("waits, and after it was let in every word is there", async () => {
    service.app = newerRelease(service);
    await service.stop();
    await service.start();
    await beginNote("Written while a newer app came in");
    expect(await noteBox(sam.page).inputValue()).toBe("Written while a newer app came in");
    await sam.page.evaluate(() => dispatchEvent(new Event("online"))); // which is when the app asks
    await sam.page.waitForTimeout(1_500);
    expect(await noteBox(sam.page).inputValue()).toBe("Written while a newer app came in");
    await noteBox(sam.page).pressSequentially(", to the end");
    await sam.home();
    await sam.shows("A newer version is on this phone");
    await sam.press("Use it now");
    await sam.sees("Notes");
    await sam.unlock();
    expect(await unfinished(sam.page)).toBe("Written while a newer app came in, to the end");
    expect(await sam.page.evaluate(async () => (await fetch("icon.svg")).text())).toContain("#d3f45e");
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
  });
});

describe("a lost answer", () => {
  it("leaves the note once, on the phone and everywhere", async () => {
    await sam.sync();
    const before = notesThere();
    await draft("Its answer was lost on the way");
    let lost = 0;
    await sam.page.route("**/v1/sync", async (route) => {
      if (lost === 0) await route.fetch();
      lost += 1;
      await route.abort();
    });
    await sam.sync();
    await sam.shows(/1 thing|not sent|on this phone/);
    expect(lost).toBeGreaterThan(0);
    expect(notesThere()).toBe(before + 1);
    await sam.page.unroute("**/v1/sync");
    await sam.sync();
    await sam.shows(/Everything sent/);
    expect(notesThere()).toBe(before + 1);
    await openCase();
    await sam.shows("Its answer was lost"); // the heading comes before the records do
    expect((await sam.text()).split("Its answer was lost").length - 1).toBe(1);
  });
});

describe("a browser that has emptied the cache", () => {
  it("opens with a signal, and everything is there", async () => {
    await draft("Written before the cache was emptied");
    await sam.page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    await sam.page.reload();
    await sam.sees("Notes");
    await sam.unlock();
    await openCase();
    await sam.shows("Written before the cache was emptied");
    await sam.sync();
    await sam.shows(/Everything sent/);
  });
});

describe("no room left", () => {
  it("is said while somebody writes, and when they save; afterwards nothing is lost", async () => {
    await beginNote("Begun with room");
    await sam.page.waitForTimeout(400);
    const session = await sam.browser.newCDPSession(sam.page);
    const origin = service.address;
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    let written = "Begun with room, and written on without ";
    await noteBox(sam.page).fill(written);
    const full = sam.page.getByText("Not saved: there may be no room on this phone");
    for (let n = 0; n < 70 && !(await full.isVisible()); n++) {
      written += "x"; // the browser looks at its quota every half minute
      await noteBox(sam.page).fill(written);
      await sam.page.waitForTimeout(600);
    }
    await full.waitFor();
    await sam.press("Save as a draft");
    await sam.shows("There is no room left on this phone");
    expect(await noteBox(sam.page).inputValue()).toBe(written);
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
    await sam.shows("Begun with room, and written on without");
  });
});

describe("a clock that is two days ahead", () => {
  it("is found out by a sync; times are marked as unsure, and everything arrives", async () => {
    await sam.sync();
    const before = notesThere();
    await sam.off();
    await sam.on();
    await sam.page.addInitScript(() => {
      const { now } = Date;
      const ahead = 2 * 86_400_000;
      globalThis.Date = new Proxy(Date, {
        construct: (target, given: readonly unknown[]) => Reflect.construct(target, given.length === 0 ? [now() + ahead] : given),
        get: (target, name): unknown => (name === "now" ? () => now() + ahead : Reflect.get(target, name)),
      });
    });
    await sam.page.reload();
    await sam.unlock();
    await sam.sync();
    await draft("Written by a clock that is wrong");
    await sam.shows(/clock unsure/i);
    await sam.sync();
    await sam.shows(/Everything sent/);
    expect(notesThere()).toBe(before + 1);
    await sam.off();
    await sam.on();
    await sam.unlock();
    await sam.sync();
  });
});

describe("somebody who lost their place while offline", () => {
  it("sees that it is held; and when nobody lets it in, that it needs them, and why", async () => {
    await service.stop();
    await draft("Written when he was out of the file already");
    await service.start();
    service.run("ruth", "member", "remove", file, "Sam");
    service.run("ruth", "sync");
    await sam.sync();
    await sam.page.getByRole("button", { name: /last sent/ }).click();
    await sam.shows("This is held for review");
    service.run("ruth", "sync");
    const [held] = service.run("ruth", "held", "list")["held"] as readonly { readonly id: string }[];
    service.run("ruth", "held", "refuse", held?.id ?? "", "--reason", "wrong_file");
    service.run("ruth", "member", "add", file, "Sam", "--role", "navigator");
    service.run("ruth", "sync");
    await sam.sync();
    await sam.page.getByRole("button", { name: /last sent/ }).click();
    await sam.shows(/needs you/i);
    await sam.shows("This was not let in. It was held for review, and a colleague decided against it.");
  });
});

describe("a phone that was removed while offline", () => {
  it("hands in everything, wipes itself and says so", async () => {
    await service.stop();
    await draft("The last words of a phone that was removed");
    await service.start();
    service.run("office/perpetrator-administrator", "device", "revoke", "Sam", "--reason", "left", "--yes");
    service.run("office/perpetrator-administrator", "sync");
    await sam.home();
    await sam.press("Send and fetch");
    await sam.shows("This phone was removed from the service");
    await sam.page.reload();
    await sam.page.getByRole("textbox").fill(PASSPHRASE);
    await sam.press("Open");
    await sam.shows("This phone was removed from the service");
    await sam.shows("Its person has left. What was not sent yet was handed in first. Then everything was wiped from this phone.");
    expect(await sam.text()).not.toContain("J. B.");
    service.run("ruth", "sync");
    expect(JSON.stringify(service.run("ruth", "held", "list"))).toContain("Sam");
    const [held] = service.run("ruth", "held", "list")["held"] as readonly { readonly id: string }[];
    expect(JSON.stringify(service.run("ruth", "held", "show", held?.id ?? ""))).toContain("The last words of a phone");
  });
});

/** The same app with another icon, signed as ours. */
function newerRelease({ folder }: Service): string {
  const newer = join(folder, "newer");
  cpSync(APP, newer, { recursive: true });
  const digest = (text: string): string => `sha256-${createHash("sha256").update(text).digest("base64")}`;
  const icon = readFileSync(join(newer, "icon.svg"), "utf8").replace("#f4d35e", "#d3f45e");
  const built = JSON.parse(readFileSync(join(newer, "release.json"), "utf8")) as Release;
  const files = built.files.map((one) => (one.path === "icon.svg" ? { ...one, digest: digest(icon) } : one));
  const list = JSON.stringify({ ...built, number: Date.now(), id: createHash("sha256").update(JSON.stringify(files)).digest("hex"), files });
  for (const [path, text] of [["icon.svg", icon], ["release.json", list], ["release.sig", signatureOf(list, releaseKey())]] as const) writeFileSync(join(newer, path), text);
  return newer;
}
