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

describe("a conflict with a colleague's computer", () => {
  let task: string;

  it("is shown with both answers, who gave them and when", async () => {
    task = String(service.run("ruth", "record", "add", "task", "--file", file, "--set", "what=ask about the tenancy", "--set", "due=2027-01-01", "--set", "owner=Sam", "--set", "task_state=open")["record"]);
    service.run("ruth", "sync");
    await sam.sync();
    await service.stop();
    await openCase();
    await sam.page.getByRole("button", { name: "Task", exact: true }).click();
    await sam.press("Change");
    await sam.page.getByRole("group", { name: /^Due/ }).getByLabel("Day").fill("5");
    await sam.press("Save");
    await sam.sees("Case J. B.");
    await service.start();
    service.run("ruth", "record", "edit", task, "--set", "due=2027-01-09");
    service.run("ruth", "sync");
    await sam.sync();
    await sam.shows("1 decision waits");
    await sam.press("See what to decide");
    await sam.press(/Due|Decide|Task/);
    await sam.shows(/5 January 2027[^]*9 January 2027|9 January 2027[^]*5 January 2027/);
    await sam.shows(/Ruth, on Ruth's laptop/);
  });

  it("is decided on the phone, with a reason, and nowhere is left of it", async () => {
    await sam.page.getByLabel("5 January 2027").check();
    await sam.page.getByLabel("Why").fill("The landlord rang: the fifth.");
    await sam.press("Decide");
    await sam.sync();
    expect(await sam.text()).not.toContain("decision waits");
    service.run("ruth", "sync");
    expect(service.run("ruth", "conflicts", "list")["conflicts"]).toEqual([]);
    expect(JSON.stringify(service.run("ruth", "record", "show", task))).toContain("2027-01-05");
  });
});

describe("money, and a plan", () => {
  it("is spent from the phone's own allowance with no signal", async () => {
    await service.stop();
    await sam.home();
    await openCase();
    await sam.press("Something else");
    await sam.press("Spend");
    const { page } = sam;
    await page.getByLabel(/^Amount/).fill("14.20");
    await page.getByRole("group", { name: /^Bought on/ }).getByRole("button", { name: "Now" }).click();
    await page.getByRole("group", { name: /^Category/ }).getByRole("radio").first().check();
    await page.getByLabel(/^Item/).fill("a taxi to the hearing");
    await page.getByLabel(/^Paid to/).fill("Station Cars");
    for (const name of [/^Which barrier/, /^For whom/, /^How it was paid/, /^Why there is no receipt/]) {
      await page.getByRole("group", { name }).getByRole("radio").first().check();
    }
    await sam.press("Save");
    await sam.sees("Case J. B.");
    await sam.press("More");
    await sam.press(/Fund|Money/);
    await sam.shows("£45.80");
  });

  it("is the same in the fund and in the file on both devices", async () => {
    await service.start();
    await sam.sync();
    service.run("ruth", "sync");
    await sam.sync();
    const fund = service.run("ruth", "fund", "show");
    expect([fund["spent"], fund["allotted"]]).toEqual([1420, 10000]);
    await openCase();
    await sam.page.getByText("Compare with a colleague").click();
    await sam.shows(service.stateHash("ruth", file).slice(0, 16));
  });
});

describe("a visit that was planned", () => {
  const today = new Date().toISOString().slice(0, 10);

  it("is on home, with who waits, and is overdue when its time is past", async () => {
    const minute = (at: string): string => `{"at": "${today}T${at}", "precision": "minute"}`;
    const more = ["--set", "purpose=see how he is", "--set", `start=${minute("00:00")}`, "--set", `due_back=${minute("00:01")}`];
    service.run("ruth", "record", "add", "visit_plan", "--file", file, ...more, "--set", "visitors=Sam", "--set", "buddy=Ruth");
    service.run("ruth", "sync");
    await sam.sync();
    await sam.shows(/Visits today[^]*Visit: Case J\. B\.[^]*Not checked out[^]*Buddy: Ruth[^]*ring Ruth/);
  });

  it("is finished on one screen, with what was spent, in one go", async () => {
    await service.stop();
    await openCase();
    await sam.press("Finish visit");
    await sam.sees("Finish visit");
    const { page } = sam;
    await page.getByLabel("Spoke", { exact: true }).first().check();
    await page.getByLabel("Note", { exact: true }).fill("We took a taxi home.");
    for (const name of ["suicide_or_self_harm", "threat_to_someone", "child_concern"]) await page.locator(`input[name="${name}"][value="not_discussed"]`).check();
    await sam.shows("Ruth planned this visit");
    await page.getByLabel("I spent money on this visit").check();
    await page.getByLabel(/^Amount/).fill("5.80");
    await page.getByLabel(/^Item/).fill("a taxi home");
    await page.getByLabel(/^Paid to/).fill("Station Cars");
    for (const name of [/^Category/, /^Which barrier/, /^For whom/, /^How it was paid/, /^Why there is no receipt/]) {
      await page.getByRole("group", { name }).getByRole("radio").first().check();
    }
    await sam.press("Sign and finish");
    await sam.sees("Case J. B.");
    await service.start();
    await sam.sync();
    service.run("ruth", "sync");
    expect(service.run("ruth", "fund", "show")["spent"]).toBe(2000);
    const records = service.run("ruth", "record", "list", file)["records"] as readonly { readonly type: string }[];
    expect(records.filter(({ type }) => type === "spend")).toHaveLength(2);
  });
});

describe("what is due", () => {
  const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toLocaleDateString("sv-SE", { timeZone: "Europe/London" });

  it("from a colleague's computer is due on the phone, and done there without a signal it is done on both", async () => {
    const add = (what: string, due: string): string => String(service.run("ruth", "task", "add", what, "--file", file, "--due", due, "--owner", "Sam")["record"]);
    const task = add("ring the food bank", day(-2));
    add("return the keys", day(3));
    service.run("ruth", "sync");
    await sam.sync();
    await sam.shows(/What is due: 1 overdue/);
    await service.stop();
    await sam.press("What is due");
    await sam.sees("What is due");
    await sam.shows(/Overdue[^]*ring the food bank[^]*2 days overdue[^]*In the next 7 days[^]*return the keys[^]*In 3 days/);
    const done = sam.page.getByRole("button", { name: /^Done ring the food bank/ });
    const undo = sam.page.getByRole("button", { name: /^Undo ring the food bank/ });
    await done.press("Enter");
    await undo.press("Enter");
    await done.press("Enter");
    await undo.waitFor();
    await sam.home();
    await sam.shows(/What is due: Nothing overdue/);
    await service.start();
    await sam.sync();
    service.run("ruth", "sync");
    const left = service.run("ruth", "due", "--all")["due"] as readonly { readonly what: string; readonly owner: string }[];
    expect(left.map(({ what, owner }) => [what, owner])).toEqual([["return the keys", "Sam"]]);
    expect(JSON.stringify(service.run("ruth", "record", "show", task))).toContain("done");
  });

  it("a task that is added on the phone is the same on both", async () => {
    await sam.home();
    await sam.press("What is due");
    await sam.page.getByText("Add a task").click();
    await sam.press("For Case J. B.");
    await sam.page.getByLabel("What", { exact: true }).fill("ask about the school run");
    const [year = "", month = "", date = ""] = day(1).split("-");
    const boxes = sam.page.getByRole("group", { name: /^Due/ });
    for (const [box, text] of [["Day", date], ["Month", month], ["Year", year]] as const) await boxes.getByLabel(box).fill(text);
    await sam.press("Save");
    await sam.sees("What is due");
    await sam.shows(/In the next 7 days[^]*ask about the school run[^]*Tomorrow/);
    await sam.sync();
    service.run("ruth", "sync");
    const due = service.run("ruth", "due", "--all")["due"] as readonly { readonly what: string; readonly owner: string; readonly day: string }[];
    expect(due.filter(({ what }) => what === "ask about the school run").map(({ owner, day: on }) => [owner, on])).toEqual([["Sam", day(1)]]);
  });
});

describe("all the while", () => {
  it("asked nobody else for anything, and broke no rule of its page", () => {
    expect(sam.foreign).toEqual([]);
    expect(sam.complaints.filter((one) => !/ERR_CONNECTION_REFUSED|Failed to fetch|Failed to load resource/.test(one))).toEqual([]);
  });
});
