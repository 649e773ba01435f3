/** A forgotten passphrase, between the app and the command line, on either end. Real browser, real server. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { violations } from "../browser/axe";
import { PASSPHRASE, Phone } from "./phone";
import { Service } from "./service";

const ANEW = "a new kettle on the shelf";
const NOTE = "He asked for the number of the housing desk.";

let service: Service;
let sam: Phone;
let rhea: Phone;
let file: string;

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  rhea = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  file = service.aCase();
  await sam.sync();
}, 240_000);

afterAll(async () => {
  await Promise.all([sam.end(), rhea.end()]);
  await service.end();
});

/** What stands under "Show the request" or "Show the answer". */
async function line(of: Phone): Promise<string> {
  return of.page.locator(".app-code").inputValue();
}

/** A request or an answer as a file that the command line takes. */
function kept(name: string, text: string): string {
  const path = join(service.folder, name);
  writeFileSync(path, text);
  return path;
}

async function asks(): Promise<string> {
  const { page } = sam;
  await sam.press("I have forgotten it");
  await sam.sees("Forgotten passphrase");
  for (const box of ["New passphrase", "The same again"]) await page.getByLabel(box).fill(ANEW);
  await sam.press("Ask for help");
  await sam.sees("Ask a colleague to let you in");
  return line(sam);
}

async function readsBack(heard: string): Promise<string> {
  await sam.page.getByLabel(/six digits/).fill(heard);
  await sam.press("Show what to read back");
  await sam.page.getByText("Read these back").waitFor();
  return (await sam.page.locator(".app-readout").innerText()).replaceAll(" ", "");
}

/** What lies outside of what is sealed: boxes, and the wrapped key. */
async function boxes(of: Phone): Promise<{ readonly boxes: readonly string[]; readonly wrapped: string }> {
  return of.page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const asked = indexedDB.open("notes");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(new Error("no database"));
    });
    const found = await new Promise<{ readonly wrapped: Uint8Array; readonly help?: { readonly boxes: readonly { readonly sealed: Uint8Array }[] } }>((resolve) => {
      const asked = database.transaction("keyring").objectStore("keyring").get("0");
      asked.onsuccess = () => resolve(asked.result);
    });
    database.close();
    return { boxes: (found.help?.boxes ?? []).map(({ sealed }) => String(sealed)), wrapped: String(found.wrapped) };
  });
}

describe("Sam forgets the passphrase of his phone", () => {
  let request = "";

  it("has something unsent, and is locked", async () => {
    await sam.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
    await service.stop();
    await sam.press("New note");
    await sam.page.getByLabel("Note", { exact: true }).fill(NOTE);
    await sam.press("Save as a draft");
    await sam.sees("Case J. B.");
    await sam.home();
    await sam.press("More");
    await sam.press("Lock");
    await sam.sees("Notes");
    await service.start();
  });

  it("asks, also after the app was shut in the middle of it", async () => {
    request = await asks();
    expect(request).toMatch(/^fieldkeep-help1:[A-Za-z0-9_-]{2000,}$/);
    expect(await violations(sam.page)).toEqual([]);
    await sam.off();
    await sam.on();
    await sam.press("I have forgotten it");
    await sam.sees("Ask a colleague to let you in");
    expect(await line(sam)).toBe(request);
  });

  it("refuses wrong digits at the other end, and an answer to another request", async () => {
    const asking = kept("please.help", request);
    const asked = service.run("ruth", "device", "help", asking);
    expect([asked["name"], asked["label"], asked["warnings"]]).toEqual(["Sam", "phone", []]);
    const right = await readsBack(String(asked["read_out"]));
    const wrong = String((Number(right) + 1) % 1_000_000).padStart(6, "0");
    expect(() => service.run("ruth", "device", "help", asking, "--digits", wrong)).toThrow(/wrong-digits/);
    await sam.page.getByLabel("Their answer").fill("fieldkeep-answer1:AAAA");
    await sam.page.getByLabel("Your new passphrase").fill(ANEW);
    await sam.press("Open");
    await sam.shows("That is not a whole answer");
  });

  it("is let in by a coordinator on the command line, and nothing is lost", async () => {
    const asking = kept("please.help", request);
    const digits = await readsBack(String(service.run("ruth", "device", "help", asking)["read_out"]));
    const answer = String(service.run("ruth", "device", "help", asking, "--digits", digits)["answer"]);
    await sam.page.getByLabel("Their answer").fill(answer);
    await sam.page.getByLabel("Your new passphrase").fill(PASSPHRASE);
    await sam.press("Open");
    await sam.shows("That is not the new passphrase that you chose");
    await sam.page.getByLabel("Your new passphrase").fill(ANEW);
    await sam.press("Open");
    await sam.sees("My cases");
    await sam.shows(/Ruth \(Ruth's laptop\) helped to open this phone/);
    await sam.sync();
    service.run("ruth", "sync");
    const found = JSON.stringify(service.run("ruth", "note", "list", file));
    expect(found).toContain(NOTE);
  });

  it("opens with the new passphrase from then on, and not with the old one, nor with that answer again", async () => {
    await sam.off();
    await sam.on();
    await sam.page.getByRole("textbox").fill(PASSPHRASE);
    await sam.press("Open");
    await sam.shows("That is not the passphrase");
    await sam.page.getByRole("textbox").fill(ANEW);
    await sam.press("Open");
    await sam.sees("My cases");
    await sam.shows("Case J. B.");
  });
});

describe("Rhea, a coordinator with a phone, helps somebody at a laptop", () => {
  it("compares digits and gives an answer that opens it", async () => {
    await rhea.on();
    await rhea.join(service.invite("Rhea", "coordinator"));
    await rhea.sync();
    service.enrol("Priya", "navigator");
    service.run("priya", "sync");
    const chosen = kept("chosen.txt", `${ANEW}\n`);
    const request = String(service.run("priya", "device", "forgotten", "--new-passphrase-file", chosen)["request"]);
    await rhea.press("More");
    await rhea.press(/^Help a colleague in/);
    await rhea.page.getByLabel("Their request").fill(request);
    await rhea.press("Continue");
    await rhea.page.getByText("Who asks").waitFor();
    await rhea.shows(/Priya[\s\S]*Navigator[\s\S]*Priya's laptop/);
    expect(await violations(rhea.page)).toEqual([]);
    const readOut = (await rhea.page.locator(".app-readout").innerText()).replaceAll(" ", "");
    const digits = String(service.run("priya", "device", "forgotten", "--heard", readOut)["digits"]);
    await rhea.page.getByLabel(/read back/).fill(digits);
    await rhea.press("Let them in");
    await rhea.shows("The digits agree");
    const answer = kept("answer.help", await line(rhea));
    const opened = service.run("priya", "device", "forgotten", "--answer", answer, "--new-passphrase-file", chosen);
    expect([opened["opened"], opened["helped_by"]]).toEqual([true, "Rhea"]);
    await rhea.home();
    await rhea.shows(/you helped to open Priya's Priya's laptop/i);
  });

  it("had a box on Sam's phone, and has none when she may help no more: another key, and all boxes new", async () => {
    await sam.sync();
    const before = await boxes(sam);
    expect(before.boxes).toHaveLength(3); // Ruth, Rhea, the recovery key
    service.run("ruth", "sync");
    service.run("ruth", "device", "suspend", "Rhea", "--reason", "unsure");
    await sam.sync();
    await expect.poll(async () => (await boxes(sam)).boxes.length).toBe(2);
    const after = await boxes(sam);
    expect(after.wrapped).not.toBe(before.wrapped);
    expect(after.boxes.filter((box) => before.boxes.includes(box))).toEqual([]);
    await sam.shows("Case J. B.");
    service.run("ruth", "device", "reinstate", "Rhea");
    await sam.sync();
    expect((await boxes(sam)).boxes).toHaveLength(3);
  });

  it("reads out nothing while the service cannot say whether that phone was lost", async () => {
    const request = String(service.run("ruth", "device", "forgotten", "--new-passphrase-file", kept("chosen.txt", `${ANEW}\n`))["request"]);
    await service.stop();
    await rhea.press("More");
    await rhea.press(/^Help a colleague in/);
    await rhea.page.getByLabel("Their request").fill(request);
    await rhea.press("Continue");
    await rhea.shows("The service could not be reached");
    await service.start();
  });

  it("asked nobody else for anything", () => {
    expect([...sam.foreign, ...rhea.foreign]).toEqual([]);
  });
});
