/** Writing on the screens: contacts, notes, a visit that is finished, decisions. */
import { describe, expect, it } from "vitest";
import { overflow, violations } from "./axe";
import { choose, heading, openCase, page, phones, press, setUp } from "./phone";

phones();

describe("writing", () => {
  const wrote = (): Promise<string> => page.evaluate(() => JSON.stringify(screens.device.wrote));

  it("a contact takes two taps", async () => {
    await setUp();
    await openCase();
    await press("New contact");
    await press("No answer");
    await heading("J.T. · 0417");
    expect(await wrote()).toContain('{"act":"set","field":"result","value":"no_answer"}');
  });

  it("a note needs its three answers, is told what is missing, and goes with its draft", async () => {
    await setUp();
    await openCase();
    await press("New note");
    await page.getByLabel("Note", { exact: true }).fill("He asked about the group.");
    await press("Sign");
    await page.getByRole("heading", { name: "There is a problem" }).waitFor();
    expect(await page.getByRole("alert").getByRole("link").allTextContents()).toEqual([
      "Choose an answer to “Suicide or self-harm”",
      "Choose an answer to “Threat to someone”",
      "Choose an answer to “Concern for a child”",
    ]);
    for (const name of ["suicide_or_self_harm", "threat_to_someone", "child_concern"]) {
      await page.locator(`input[name="${name}"][value="nothing_noted"]`).check();
    }
    await press("Sign");
    await heading("J.T. · 0417");
    expect(await wrote()).toContain('"value":"He asked about the group."');
    await press("Home");
    await heading("My cases");
    expect(await page.getByText("Not finished").count()).toBe(0);
  });

  it("what the other side will be told is said before", async () => {
    await setUp();
    await openCase();
    await press("New contact");
    await press("Change this, or say more");
    await page.getByRole("button", { name: "Save", exact: true }).waitFor();
    await choose("Spoke");
    await page.getByText("Partner support will be told: contact made").waitFor();
  });

  it("finishing a visit writes a contact, its note, what was spent and the check-out together", async () => {
    await setUp();
    await openCase();
    await press("Finish visit");
    await heading("Finish visit");
    await choose("Spoke");
    await page.getByLabel("Note", { exact: true }).fill("All well.");
    for (const name of ["suicide_or_self_harm", "threat_to_someone", "child_concern"]) {
      await page.locator(`input[name="${name}"][value="not_discussed"]`).check();
    }
    await choose("I spent money on this visit");
    await press("Sign and finish");
    expect(await page.getByRole("alert").getByRole("link").count()).toBeGreaterThan(4);
    expect(await violations(page)).toEqual([]);
    await page.getByLabel(/^Amount/).fill("14.20");
    await page.getByLabel(/^Item/).fill("a taxi to the hearing");
    await page.getByLabel(/^Paid to/).fill("Station Cars");
    for (const name of [/^Category/, /^Which barrier/, /^For whom/, /^How it was paid/, /^Why there is no receipt/]) {
      await page.getByRole("group", { name }).getByRole("radio").first().check();
    }
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await choose("I am out and safe: check me out");
    await press("Sign and finish");
    await heading("J.T. · 0417");
    const [{ changes }] = JSON.parse(await wrote()) as [{ changes: { type: string; refers?: object }[] }];
    expect(changes.map((change) => [change.type, change.refers])).toEqual([
      ["contact", undefined],
      ["case_note", { contact: 0 }],
      ["spend", undefined],
      ["visit_plan", undefined],
    ]);
  });

  it("a decision takes a choice and a reason", async () => {
    await setUp();
    await press("See what to decide");
    await press(/message may/);
    await press("Decide");
    expect(await page.getByRole("alert").getByRole("link").allTextContents()).toEqual(["Choose what is right", "Say why"]);
    await choose("No");
    await page.getByLabel(/^Why/).fill("asked her again");
    await press("Decide");
    await heading("Decisions that wait");
    expect(await page.getByRole("button", { name: /message may/ }).count()).toBe(0);
    expect(await page.evaluate(() => JSON.stringify(screens.device.decided))).toBe(
      '[{"field":"may_leave_message","value":"no","reason":"asked her again"}]',
    );
  });

  it("a failure says what, why and what to do, and keeps what was typed", async () => {
    await setUp();
    await page.evaluate(() => {
      screens.device.offline = true;
    });
    await press("Send and fetch");
    await page.getByRole("alert", { name: /Nothing was sent/ }).waitFor();
    await page.getByText("The service cannot be reached. It is tried again by itself.").waitFor();
  });
});

it("two texts are put together word by word, with a choice where both changed the same", async () => {
  await setUp();
  await press("More");
  await press("Decisions that wait");
  await press(/in hazard/);
  await choose("Put together word by word");
  await page.getByLabel(/^Why/).fill("Both are right in part.");
  await press("Decide");
  await page.getByText("Say whose words stand where both changed them").waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  for (const group of await page.getByRole("group", { name: /^Both changed/ }).all()) await group.getByLabel(/^Sam Pike/).check();
  expect(await violations(page)).toEqual([]);
  await press("Decide");
  await heading("Decisions that wait");
  const [decided] = await page.evaluate(() => screens.device.decided);
  expect(decided?.value).toBe("A dog in the yard, loose after eight. Ring before you open the side gate. Park in the road, not in the drive.");
});

it("home shows whose visit is overdue, to the buddy too", async () => {
  await setUp();
  await page.getByRole("heading", { name: "Visits today" }).waitFor();
  const cards = await page.locator(".app-card").filter({ hasText: "Visit:" }).allInnerTexts();
  expect(cards[0]).toMatch(/M\.O\.[^]*Not checked out[^]*You are the buddy[^]*Jo Baker/);
  expect(cards[1]).toMatch(/J\.T\.[^]*Back by[^]*Buddy: Priya Nair/);
  await press("Visit: J.T. · 0417");
  await heading("Before you knock");
});
