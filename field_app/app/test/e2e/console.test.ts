/** A supervisor at a computer: who wrote what, whether it is all true, and that it turns red when it is not. Real browser, real server. */
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Download } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "../browser/axe";
import { findInProfile } from "../browser/machine";
import { PASSPHRASE, Phone } from "./phone";
import { Service } from "./service";

const NOTE = "He asked whether she has moved to Leeds.";
const HERS = "She sleeps at her sister's in Otley.";
const DESK = { width: 1280, height: 900 };
const SMALL = { width: 360, height: 740 };

let service: Service;
let vera: Phone;
let file: string;
let theirs: string;

beforeAll(async () => {
  service = await Service.begin();
  service.enrol("Sam", "navigator");
  file = service.aCase();
  service.run("sam", "sync");
  service.run("sam", "record", "add", "case_note", "--file", file, "--set", `body=${NOTE}`);
  service.run("sam", "sync");
  service.run("ruth", "sync");
  const lena = String(service.run("office/victim-administrator", "invite", "--name", "Lena", "--role", "link_worker")["code"]);
  service.run("lena", "device", "enrol", lena, "--label", "Lena's laptop");
  theirs = String(service.run("lena", "file", "create", "case")["file"]);
  service.run("lena", "record", "add", "case_note", "--file", theirs, "--set", `body=${HERS}`);
  service.run("lena", "sync");
  vera = new Phone(service);
  await vera.on();
  await vera.page.setViewportSize(DESK);
  await joins();
}, 300_000);

afterAll(async () => {
  await vera.end();
  await service.end();
});

async function joins(): Promise<void> {
  const code = String(service.run("office/oversight-administrator", "invite", "--name", "Vera", "--role", "supervisor_perpetrator")["code"]);
  const { page } = vera;
  await vera.sees("Choose a passphrase");
  for (const box of await page.getByRole("textbox").all()) await box.fill(PASSPHRASE);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Invitation").fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Oversight: supervisors, who read nothing").waitFor();
  await page.getByRole("button", { name: /^Join as/ }).click();
  await vera.sees("Sync health");
}

async function goTo(way: string): Promise<void> {
  await vera.page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: way }).click();
  await vera.sees(way === "Health" ? "Sync health" : way);
}

/** The browser is shut, opened and unlocked. */
async function again(): Promise<void> {
  await vera.off();
  await vera.on();
  await vera.page.setViewportSize(DESK);
  await vera.page.getByRole("textbox").fill(PASSPHRASE);
  await vera.press("Open");
  await vera.sees("Sync health");
}

async function check(how: "Check what is new" | "Check everything again"): Promise<void> {
  const { page } = vera;
  await page.getByRole("button", { name: how }).click();
  await page.getByRole("button", { name: how, disabled: false }).waitFor();
  await page.waitForTimeout(200);
}

async function downloaded(button: string): Promise<string> {
  const came: Promise<Download> = vera.page.waitForEvent("download");
  await vera.press(button);
  const path = await (await came).path();
  return readFileSync(path, "utf8");
}

/** What the operator's own hand does to the server's database, beside every rule. */
function sql(statement: string): string {
  const folder = join(service.folder, "server");
  const database = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) => name === "perpetrator.db");
  if (database === undefined) throw new Error(`no database of the perpetrator side in ${folder}`);
  const ran = spawnSync("sqlite3", [join(folder, database), statement], { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout.trim();
}

describe("a supervisor", () => {
  it("checks the side, and it is verified and witnessed", async () => {
    await vera.shows("Nothing is checked yet");
    await check("Check what is new");
    await vera.shows(/Verified to checkpoint \d+, witnessed by [1-9]\d* devices?/);
    await vera.shows(/Sam's laptop/);
    await vera.shows(/Nothing is held/);
  });

  it("sees what each device says of itself, and that this is its own word", async () => {
    const line = vera.page.locator("tbody tr", { hasText: "Sam's laptop" });
    const cells = await line.locator("th, td").allInnerTexts();
    const heads = await vera.page.locator("thead th").allInnerTexts();
    const cell = (head: string): string => cells[heads.indexOf(head)] ?? "";
    expect([cell("Standing"), cell("Not sent"), cell("Held"), cell("Conflicts"), cell("Clock")]).toEqual(["In use", "0", "0", "0", "Right"]);
    expect(cell("Version")).toMatch(/^fieldkeep-py\//);
    expect(cell("Last sync")).toMatch(/^\d\d:\d\d$/);
    await vera.shows(/nothing about them is signed/);
    await goTo("Charts");
    const chart = vera.page.locator("section", { hasText: "Conflicts open" });
    expect(await chart.locator("tbody tr").count()).toBe(1);
    await vera.shows(/Weeks in which it did not ask are left out/);
    await goTo("Health");
  });

  it("sees who wrote and who received, and that it is in the signed tree", async () => {
    await goTo("Audit");
    await vera.shows(/Sam\s+Sam's laptop\s+Wrote\s+Case/);
    await vera.shows(/Ruth\s+Ruth's laptop\s+Received\s+Case/);
    await vera.page.locator("summary", { hasText: "Show some rows only" }).click();
    await vera.page.getByLabel("Person", { exact: true }).selectOption("Sam");
    await vera.page.getByLabel("What", { exact: true }).selectOption("Wrote");
    await expect.poll(() => vera.page.locator("tbody tr").count()).toBeGreaterThan(0);
    for (const row of await vera.page.locator("tbody tr").allInnerTexts()) expect(row).toMatch(/Sam's laptop\s+Wrote/);
    await vera.page.getByRole("button", { name: /^Show of row/ }).first().click();
    await vera.shows(/is in the signed tree of \d+ rows: computed here/);
  });

  it("fetches only what is new the next time, also after the browser was shut", async () => {
    service.run("sam", "record", "add", "case_note", "--file", file, "--set", "body=Second visit.");
    service.run("sam", "sync");
    await again();
    await vera.shows(/Verified to checkpoint/);
    const asked: string[] = [];
    vera.page.on("request", (request) => asked.push(request.url()));
    await check("Check what is new");
    await vera.shows(/Verified to checkpoint/);
    const from = asked.flatMap((url) => /events\?from=(\d+)/.exec(url)?.[1] ?? []);
    expect(from).toHaveLength(1);
    expect(Number(from[0])).toBeGreaterThan(10);
    expect(asked.filter((url) => url.includes("/log/"))).toHaveLength(1);
  });

  it("takes out a file that another program verifies with nothing but the authority's fingerprint, and rows", async () => {
    await goTo("Export");
    const bundle = await downloaded("Save the signed logs");
    writeFileSync(join(service.folder, "bundle.jsonl"), bundle);
    const verified = service.run("ruth", "audit", "verify", join(service.folder, "bundle.jsonl"));
    expect(verified["ok"]).toBe(true);
    expect(verified["side"]).toBe("perpetrator");
    const wall = service.run("ruth", "audit", "wall", join(service.folder, "bundle.jsonl"));
    expect(wall["crossings"]).toBe(0);
    const rows = (await downloaded("Save the rows")).trimEnd().split("\r\n");
    expect(rows).toHaveLength(Number(verified["leaves"]) + 1);
    expect(rows[0]).toBe("row,time,time_is_own,person,device,act,file,detail");
  });

  it("can open nothing: no grant names this device, and no part was ever sent to it", async () => {
    const lines = readFileSync(join(service.folder, "bundle.jsonl"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as { readonly cose?: string; readonly log?: string });
    await goTo("Settings");
    await vera.shows(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
    const device = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(await vera.text())?.[0] ?? "";
    const id = Buffer.from(device.replaceAll("-", ""), "hex");
    expect(id).toHaveLength(16);
    const signed = lines.flatMap(({ cose }) => (cose === undefined ? [] : [Buffer.from(cose, "base64")]));
    expect(signed.length).toBeGreaterThan(10);
    expect(signed.filter((one) => one.includes(id))).toEqual([]);
    expect(JSON.stringify(lines)).not.toContain(NOTE);
    expect(findInProfile(vera.profile, NOTE)).toEqual([]);
  });

  it("has nothing of the other side", async () => {
    const bundle = readFileSync(join(service.folder, "bundle.jsonl"), "utf8");
    expect(bundle).toContain(file);
    expect(bundle).not.toContain(theirs);
    for (const way of ["Health", "Audit"]) {
      await goTo(way);
      expect(await vera.text()).not.toMatch(/Lena|victim/i);
    }
    const status = await vera.page.evaluate(async () => (await fetch("/v1/audit/victim/logs")).status);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it("is for everybody: axe finds nothing, wide and narrow, and no page is wider than its window", async () => {
    for (const size of [DESK, SMALL]) {
      await vera.page.setViewportSize(size);
      for (const way of ["Health", "Audit", "Charts", "Export"]) {
        await goTo(way);
        expect([way, size.width, await violations(vera.page)]).toEqual([way, size.width, []]);
        expect([way, size.width, await overflow(vera.page)]).toEqual([way, size.width, 0]);
      }
    }
    await vera.page.setViewportSize(DESK);
  });

  it("goes everywhere by keyboard alone", async () => {
    await goTo("Health");
    const { page } = vera;
    const seen: string[] = [];
    for (let i = 0; i < 14; i += 1) {
      await page.keyboard.press("Tab");
      seen.push(await page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.getAttribute("aria-label") || ""));
    }
    for (const what of ["Check what is new", "Check everything again", "Devices"]) expect(seen.some((one) => one.startsWith(what))).toBe(true);
  });
});

describe("a server that was tampered with", () => {
  it("turns the mark red, and names the row that was changed", async () => {
    await goTo("Audit");
    await vera.page.locator("summary", { hasText: "Show some rows only" }).click();
    await vera.page.getByLabel("What", { exact: true }).selectOption("Received");
    const row = Number((await vera.page.locator("tbody th").first().innerText()).trim());
    const was = sql(`select hex(event) from audit_event where n=${row}`);
    sql(`update audit_event set event=x'${was.slice(0, -2)}${was.endsWith("00") ? "01" : "00"}' where n=${row}`);
    await check("Check what is new");
    await vera.shows(/Verified to checkpoint/);
    await check("Check everything again");
    await vera.shows(new RegExp(`Not verified: \\d+ things? (is|are) wrong`));
    await vera.shows(new RegExp(`Row ${row}: event ${row} is not what it was when this device verified it`));
    expect(await vera.page.locator(".moj-alert--error").count()).toBe(1);
    await vera.page.getByRole("button", { name: `Show it row ${row}`, exact: true }).first().click();
    await vera.shows(new RegExp(`${row} Wrong`));
    expect(await violations(vera.page)).toEqual([]);
    await goTo("Export");
    const spoilt = await downloaded("Save the signed logs");
    writeFileSync(join(service.folder, "spoilt.jsonl"), spoilt);
    expect(() => service.run("ruth", "audit", "verify", join(service.folder, "spoilt.jsonl"))).toThrow(/contradiction|bad-export/);
    sql(`update audit_event set event=x'${was}' where n=${row}`);
    await check("Check everything again");
    await vera.shows(/Verified to checkpoint/);
    await again();
    await vera.shows(/Verified to checkpoint/);
  });

  it("turns the mark red for an entry that was changed, and names its place", async () => {
    const [log = "", seq = "", was = ""] = sql("select hex(log_id)||'|'||seq||'|'||hex(cose) from entry where seq=2 limit 1").split("|");
    sql(`update entry set cose=x'${was.slice(0, -2)}${was.endsWith("00") ? "01" : "00"}' where hex(log_id)='${log}' and seq=${seq}`);
    await check("Check everything again");
    await vera.shows(/Not verified/);
    await vera.shows(new RegExp(`Row \\d+: entry ${seq} of log ${log.toLowerCase().slice(0, 8)} is not what it was`));
    await again();
    await vera.shows(/Not verified/);
  });
});

describe("all the while", () => {
  it("asked nobody else for anything, and broke no rule of its page", () => {
    expect(vera.foreign).toEqual([]);
    expect(vera.complaints.filter((one) => !/Failed to load resource/.test(one))).toEqual([]);
  });
});
