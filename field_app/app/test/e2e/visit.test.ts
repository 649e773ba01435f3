/** A visit with no signal, from joining to what a colleague's computer shows: real browser, real server, real command line. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Phone } from "./phone";
import { Service } from "./service";

let service: Service;
let sam: Phone;
let file: string;

const NOTE = "He opened the door at once. Calm, tired. Said he has not been to her street since March.";

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  file = service.aCase();
  await sam.sync();
}, 120_000);

afterAll(async () => {
  await sam.end();
  await service.end();
});

async function openCase(): Promise<void> {
  await sam.home();
  await sam.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
  await sam.sees("Case J. B.");
}

describe("a visit with no signal", () => {
  it("opens cold without a network, and takes what is written", async () => {
    await sam.page.evaluate(() => navigator.serviceWorker.ready);
    await sam.off();
    await service.stop();
    await sam.on();
    await sam.unlock();
    await openCase();
    await sam.press("New contact");
    await sam.press("Spoke");
    await sam.sees("Case J. B.");
    await sam.shows("Spoke");
    await sam.press("New note");
    await sam.page.getByLabel("Note", { exact: true }).fill(NOTE);
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
    await sam.shows("He opened the door at once");
  });

  it("has every word that was typed when the battery dies in the middle of a sentence", async () => {
    await openCase();
    await sam.press("New note");
    await sam.page.getByLabel("Note", { exact: true }).pressSequentially("She rang while I was there and he pu", { delay: 20 });
    await sam.page.waitForTimeout(700);
    await sam.dies();
    await sam.on();
    await sam.unlock();
    await sam.shows("Not finished");
    await sam.page.getByRole("button", { name: /Case note|Note/ }).first().click();
    await expect.poll(() => sam.page.getByLabel("Note", { exact: true }).inputValue()).toBe("She rang while I was there and he pu");
    await openCase();
    await sam.shows("Spoke");
    await sam.shows("He opened the door at once");
  });

  it("sends it when there is a signal, and a colleague's computer shows the same", async () => {
    await service.start();
    await sam.sync();
    await sam.shows(/Everything sent/);
    service.run("ruth", "sync");
    const records = service.run("ruth", "record", "list", file)["records"] as readonly { readonly type: string; readonly record: string }[];
    const note = records.find(({ type }) => type === "case_note");
    expect(JSON.stringify(service.run("ruth", "record", "show", note?.record ?? ""))).toContain(NOTE);
    expect(records.map(({ type }) => type)).toContain("contact");
  });
});

describe("all the while", () => {
  it("asked nobody else for anything, and broke no rule of its page", () => {
    expect(sam.foreign).toEqual([]);
    expect(sam.complaints.filter((one) => !/ERR_CONNECTION_REFUSED|Failed to fetch|Failed to load resource/.test(one))).toEqual([]);
  });
});
