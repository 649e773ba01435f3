/** Partner support asks something of the other side, from a phone: what they see there, and what stays behind. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "../browser/axe";
import { Phone } from "./phone";
import { Service } from "./service";

const WORDS = "Ring the duty desk before you set out, and go in twos.";
const PACK = { person_using_abuse: { names: "Dan Pike", history: "three assaults" }, people_harmed: { names: "Cheryl Marr", address: "14 Hawthorn Close, Norton" } };
const WHY = "She told us that she moves soon.";
const day = (from: number): string => new Date(Date.now() + from * 86_400_000).toISOString().slice(0, 10);

let service: Service;
let kit: Phone;
let desk: string;
let jacks: string;

/** A code for the side of partner support. */
const inviteThere = (name: string, ...roles: readonly string[]): string =>
  String(service.run("office/victim-administrator", "invite", "--name", name, ...roles.flatMap((role) => ["--role", role]))["code"]);

function sync(...profiles: readonly string[]): void {
  for (const profile of profiles) service.run(profile, "sync");
}

beforeAll(async () => {
  service = await Service.begin();
  service.take("jo", inviteThere("Jo", "coordinator", "referral_desk"));
  desk = String(service.run("jo", "file", "create", "intake")["file"]);
  sync("jo");
  const asked = String(service.run("jo", "desk", "request", desk)["request"]);
  const gate = String(service.run("none", "desk", "certify", asked, "--authority", join(service.folder, "office", "authority"))["gate"]);
  service.run("jo", "desk", "open", desk, gate);
  sync("jo");
  kit = new Phone(service);
  await kit.on();
  await kit.join(inviteThere("Kit", "coordinator"));
  sync("jo");
  service.run("jo", "member", "add", desk, "Kit", "--role", "coordinator");
  sync("jo", "ruth");
  jacks = String(service.run("ruth", "file", "create", "case")["file"]);
  service.run("ruth", "record", "add", "person", "--file", jacks, "--set", 'names={"name": "Jack", "kind": "given"}', "--set", "known_as=Jack");
  sync("ruth", "ruth", "jo");
  service.run("jo", "record", "add", "task", "--file", desk, "--set", "what=ring the court", "--set", `due=${day(13)}`, "--set", "owner=Jo", "--set", "task_state=open");
  sync("jo");
  await kit.sync();
}, 180_000);
afterAll(async () => {
  await kit.end();
  await service.end();
});

describe("an instruction", () => {
  it("is asked from the desk, for whole weeks, of which one whose end tells of a day cannot be chosen", async () => {
    const { page } = kit;
    await kit.home();
    await page.locator(".app-card").filter({ hasText: "Desk" }).getByRole("button").first().click();
    await kit.press("Ask the other side");
    await kit.sees("Ask something of the other side");
    await kit.shows("Jack");
    expect(await page.getByLabel(/^2 weeks/).isDisabled()).toBe(true);
    expect(await page.getByLabel(/^3 weeks/).isDisabled()).toBe(false);
    await page.getByLabel("How they should go about it").check();
    await page.getByLabel("No home visits").check();
    await page.getByLabel(/^3 weeks/).check();
    await page.getByLabel(/^Why/).fill(WHY);
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await kit.press("Ask this");
    await kit.shows("Asked already");
    await kit.shows(/No home visits[^]*Not sent yet/);
  });

  it("is there on the other side, and nothing of why", async () => {
    await kit.sync();
    await kit.sync();
    sync("ruth");
    const [found] = service.run("ruth", "instruction", "list", jacks)["instructions"] as readonly { readonly say: readonly string[]; readonly until: string }[];
    expect([found?.say, found?.until]).toEqual([["no_home_visits"], day(20)]);
    expect(JSON.stringify(service.run("ruth", "instruction", "list"))).not.toContain("moves soon");
  });
});

describe("words that take two people", () => {
  it("are asked for at a laptop, read on the phone as they are, and go when Kit agrees", async () => {
    service.run("jo", "instruction", "ask", WORDS, "--file", desk, "--based-on", "police", "--weeks", "3", "--why", WHY);
    sync("jo");
    await kit.sync();
    await kit.press("Read them");
    await kit.sees("Words that wait for you");
    await kit.shows(WORDS);
    await kit.shows(WHY);
    await kit.press(/^I agree/);
    await kit.press("Send exactly these words");
    await kit.shows("Nobody asks you to read anything");
    await kit.sync();
    await kit.sync();
    sync("ruth");
    const [found] = service.run("ruth", "instruction", "list", jacks)["instructions"] as readonly { readonly words: readonly string[] }[];
    expect(found?.words).toEqual([WORDS]);
    expect(JSON.stringify(service.run("ruth", "instruction", "list"))).not.toContain("moves soon");
  });
});

describe("a referral", () => {
  it("is whole on the phone at the desk; the other desk has its part, and nothing of hers", async () => {
    const theirs = String(service.run("ruth", "file", "create", "intake")["file"]);
    sync("ruth");
    const asked = String(service.run("ruth", "desk", "request", theirs)["request"]);
    const gate = String(service.run("none", "desk", "certify", asked, "--authority", join(service.folder, "office", "authority"))["gate"]);
    service.run("ruth", "desk", "open", theirs, gate);
    sync("ruth");
    const sets = Object.entries(PACK).flatMap(([field, row]) => ["--set", `${field}=${JSON.stringify(row)}`]);
    service.run("jo", "record", "add", "referral_intake", "--file", desk, "--set", "received_on=2026-11-20", "--set", "referral_source=matac", ...sets);
    sync("jo");
    await kit.sync();
    const { page } = kit;
    await kit.press("More");
    await kit.press(/^Referrals/);
    await kit.press(/^Give the other side its part/);
    await kit.sees("Give the other side its part");
    await page.getByLabel(/^Reason/).fill("He hit Cheryl in Hawthorn Close.");
    await kit.press("Show what goes");
    await kit.shows("repeats what is known of somebody who is harmed");
    await page.getByLabel(/^Reason/).fill("Three assaults since May.");
    await kit.press("Show what goes");
    await kit.shows(/nothing else[^]*Three assaults since May/);
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await kit.press("Give them exactly this");
    await kit.shows("Saved on this phone");
    await kit.sync();
    await kit.sync();
    sync("ruth");
    const [waits] = service.run("ruth", "referral", "list")["referrals"] as readonly { readonly who: string; readonly source: string }[];
    expect([waits?.who, waits?.source]).toEqual(["Dan Pike", "matac"]);
    expect(JSON.stringify(service.run("ruth", "record", "list", theirs))).not.toMatch(/Cheryl|Hawthorn/);
    await kit.press("More");
    await kit.press(/^Referrals/);
    await kit.shows("Given to the other side");
  });

  it("asked nobody else for anything", () => {
    expect(kit.foreign).toEqual([]);
  });
});
