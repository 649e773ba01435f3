/** The day when nobody can open a file any more: a clean phone, a permit, and shares on paper. Real browser, real server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "../browser/axe";
import { Phone } from "./phone";
import { Service } from "./service";

const OFFICE = "office/perpetrator-administrator";
const NOTE = "He asked for the number of the housing desk.";

let service: Service;
let rea: Phone;
let file: string;

/** The words of a share, as somebody types them from the sheet. */
function words(folder: string, number: number): string {
  const sheet = readFileSync(join(service.folder, folder, `recovery-perpetrator-${number}.txt`), "utf8");
  const rows = /^[ \t]*WORDS[ \t]*$([^]*?)^[ \t]*WHAT THIS IS[ \t]*$/m.exec(sheet)?.[1] ?? "";
  const numbered = [...rows.matchAll(/\b(\d{1,2})\s+([a-z]+)/gi)].map(([, at, word]) => [Number(at), word] as const);
  return numbered.sort(([a], [b]) => a - b).map(([, word]) => word).join(" ");
}

beforeAll(async () => {
  service = await Service.begin();
  service.run("ruth", "sync");
  file = String(service.run("ruth", "file", "create", "case")["file"]);
  service.run("ruth", "record", "add", "person", "--file", file, "--set", "known_as=Jack Brown");
  service.run("ruth", "note", "add", "--file", file, NOTE);
  service.run("ruth", "sync");
  rea = new Phone(service);
  await rea.on();
  await rea.join(service.invite("Rea", "coordinator", "fund_holder"));
  await rea.sync();
}, 240_000);

afterAll(async () => {
  await rea.end();
  await service.end();
});

interface OnRecord {
  readonly permits: readonly { readonly ended: boolean }[];
  readonly drills: readonly unknown[];
}

function onRecord(): OnRecord {
  service.run(OFFICE, "sync");
  return service.run(OFFICE, "registry", "show")["recovery"] as OnRecord;
}

/** Into the boxes for old shares, or into those of a drill. */
async function typed(where: "old" | "tried", ...shares: readonly string[]): Promise<void> {
  for (const [at, share] of shares.entries()) await rea.page.locator(`#${where}-${at}`).fill(share);
}

describe("Ruth's laptop is lost, and she alone was in a case", () => {
  it("does not come back by itself, nor with the fresh shares", async () => {
    service.run(OFFICE, "device", "revoke", "Ruth", "--reason", "lost", "--yes");
    service.run(OFFICE, "recovery", "split", "--out", join(service.folder, "fresh"), "--holder", "Ada", "--holder", "Bo", "--holder", "Cy");
    service.run(OFFICE, "recovery", "allow", "Rea", "--reason", "devices_lost");
    await rea.sync();
    await rea.sync();
    await rea.press("More");
    await rea.press(/^Recovery/);
    await rea.sees("Recovery");
    await rea.shows(/Ada, Bo, Cy[^]*Can be brought back/);
    await rea.page.getByText("Type the old shares").click();
    await typed("old", words("fresh", 1), words("fresh", 2));
    await rea.press("Bring them back");
    await rea.shows("no file waits for their key");
    expect(await violations(rea.page)).toEqual([]);
    expect(await overflow(rea.page)).toBeLessThanOrEqual(0);
  });

  it("says which word was mistyped, and then brings all of it back with the old shares", async () => {
    const [first = "", ...rest] = words("office", 1).split(" ");
    await typed("old", [`${first}x`, ...rest].join(" "), words("office", 3));
    await rea.press("Bring them back");
    await rea.shows(/Share 1: word 1, .* is none of the list/);
    await typed("old", words("office", 1), words("office", 3));
    await rea.press("Bring them back");
    await rea.shows(/files? (is|are) back/);
    await rea.home();
    await rea.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
    await rea.shows(NOTE);
    service.enrol("Sam", "navigator");
    const held = onRecord().permits;
    expect(held.map(({ ended }) => ended)).toEqual([true]);
    expect(rea.foreign).toEqual([]);
  });

  it("a drill with the fresh shares opens what came back", async () => {
    await rea.home();
    await rea.sync();
    await rea.press("More");
    await rea.press(/^Recovery/);
    await rea.page.getByText("Type the shares").click();
    await typed("tried", words("fresh", 2), words("fresh", 3));
    await rea.press("Try the shares");
    await rea.shows(/They open (\d+) of \1 files here/);
    await rea.sync();
    const drills = onRecord().drills;
    expect(drills).toHaveLength(1);
  });
});
