/** src/screens in a real browser, with the real store, over a device in memory: what people do, and what stays behind. */
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { overflow, violations } from "./axe";
import { DESK, PAGES, type Site, browse, complaints, findInProfile, killBrowser, newProfile, removeProfile, serve } from "./machine";

const PASSPHRASE = "correct horse battery";

let site: Site;
let profile: string;
let browser: BrowserContext;
let page: Page;
let heard: string[];

const heading = (name: string | RegExp): Promise<void> => page.getByRole("heading", { level: 1, name }).waitFor();
const press = (name: string | RegExp): Promise<void> => page.getByRole("button", { name }).first().click();
const choose = (name: string): Promise<void> => page.getByLabel(name, { exact: true }).first().click();

async function start(path = "screens.html"): Promise<void> {
  page = await browser.newPage();
  heard = complaints(page);
  await page.goto(`${site.address}${path}`);
}

async function setUp(): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("The same again").fill(PASSPHRASE);
  await press("Continue");
  await heading("My cases");
}

async function unlock(passphrase = PASSPHRASE): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await press("Open");
}

async function openCase(): Promise<void> {
  await page.getByRole("button", { name: "J.T. · 0417", exact: true }).click();
  await heading("J.T. · 0417");
}

beforeAll(async () => {
  site = await serve(PAGES);
});
afterAll(() => site.stop());
beforeEach(async () => {
  profile = newProfile();
  browser = await browse(profile);
  await start();
});
afterEach(async () => {
  expect(heard).toEqual([]);
  await browser.close().catch(() => undefined);
  removeProfile(profile);
});

async function withAlerts(): Promise<void> {
  await page.goto(`${site.address}screens.html?alerts`);
  await unlock();
  await heading("My cases");
}

async function helpCompared(): Promise<void> {
  await press("More");
  await press(/^Help a colleague in/);
  await page.getByLabel("Their request").fill("fieldkeep-help1:AAAA");
  await press("Continue");
  await page.getByText("042 917").waitFor();
}

async function atDesk(side: "victim" | "other"): Promise<void> {
  await page.goto(`${site.address}screens.html?desk${side === "victim" ? "&victim" : ""}`);
  await unlock();
  await heading("My cases");
  await press("More");
  await press(/^Referrals/);
  await heading("Referrals");
}

const TELLING = "Ring first. Not on Friday: she is at the school.";

async function asked(text = "Ring first, and go in twos."): Promise<void> {
  await page.goto(`${site.address}screens.html?victim`);
  await unlock();
  await heading("My cases");
  await page.evaluate((words) => screens.device.asks(words), text);
  await press("Read them");
  await heading("Words that wait for you");
}

async function inOwnWords(): Promise<void> {
  await page.goto(`${site.address}screens.html?victim`);
  await unlock();
  await openCase();
  await press("Ask the other side");
  await page.getByLabel(/^Something in your own words/).check();
}

async function recovering(): Promise<void> {
  await page.goto(`${site.address}screens.html?permit`);
  await unlock();
  await heading("My cases");
  await press("More");
  await press(/^Recovery/);
  await heading("Recovery");
}

/** Every screen, by the presses that lead to it from home. */
const SCREENS: readonly (readonly [string, () => Promise<void>])[] = [
  ["home", async () => undefined],
  ["file", openCase],
  ["types", async () => { await openCase(); await press("Something else"); await heading("What do you want to write?"); }],
  ["contact", async () => { await openCase(); await press("New contact"); await heading("New contact"); }],
  ["write", async () => { await openCase(); await press("New note"); await heading("New case note"); await press("Sign"); }],
  ["record", async () => { await openCase(); await press("Case note"); await heading("Case note"); await press("Add to it"); }],
  ["record to decide", async () => { await openCase(); await press("Contact point"); await heading("Contact point"); }],
  ["change", async () => { await openCase(); await press("Order"); await heading("Order"); await press("Change"); await heading("Change order"); }],
  ["visit", async () => { await openCase(); await press("Before you knock"); await heading("Before you knock"); }],
  ["visit, nothing known", async () => { await page.getByRole("button", { name: "M.O. · 0422", exact: true }).click(); await press("Before you knock"); await heading("Before you knock"); }],
  ["finish", async () => { await openCase(); await press("Finish visit"); await heading("Finish visit"); await press("Sign and finish"); }],
  ["urgent", async () => { await press(/^Urgent/); await heading("Somebody is in danger"); }],
  ["alerts on the first screen", async () => { await withAlerts(); await page.getByText("Says he will go to her, J.T. · 0417").waitFor(); }],
  ["alerts", async () => { await withAlerts(); await press(/^See the alert/); await page.getByText("2 alerts are open").waitFor(); }],
  ["alert: rung", async () => { await withAlerts(); await press(/^See the alert/); await press(/^I rang somebody/); await press("Put it on record"); await page.getByText("Say whom you rang").first().waitFor(); }],
  ["alert: acknowledged", async () => { await withAlerts(); await press(/^See the alert/); await press(/^I have it/); await press("Acknowledge it"); await page.getByText("Say what you do about it").first().waitFor(); }],
  ["alert: stood down", async () => { await withAlerts(); await press(/^See the alert/); await press(/^Stand it down/); await press("Stand it down"); await page.getByText("Say why it is over").first().waitFor(); }],
  ["search", async () => { await press("Search"); await heading("Search"); await page.getByLabel("Words").fill("tenancy"); await page.keyboard.press("Enter"); await page.getByText("1 record").waitFor(); }],
  ["more", async () => { await press("More"); await heading("More"); }],
  ["sending", async () => { await press("More"); await press("What is being sent"); await heading("What is being sent"); await press(/^Discard/); }],
  ["conflicts", async () => { await press("More"); await press("Decisions that wait"); await heading("Decisions that wait"); }],
  ["conflict", async () => { await press("More"); await press("Decisions that wait"); await press(/message may/); await heading(/message may/); await choose("Another answer"); await press("Decide"); }],
  ["fund", async () => { await press("More"); await press(/^Fund/); await heading("Fund"); await press(/^Put this right/); }],
  ["handovers", async () => { await press("More"); await press(/^Handovers/); await page.getByText("Priya decides on Monday").waitFor(); }],
  ["held", async () => { await page.getByRole("button", { name: "M.O. · 0422", exact: true }).click(); await press("See what is held"); await press(/^Do not/); await page.getByText("Why it is not let in").waitFor(); }],
  ["lost", async () => { await press("More"); await press("A phone is lost"); await press(/^Jo Baker/); await press("Keep it out now"); }],
  ["help: asked", async () => { await press("More"); await press(/^Help a colleague in/); await heading("Help a colleague in"); await press("Continue"); }],
  ["help: compared", async () => { await helpCompared(); await press("Let them in"); }],
  ["help: wrong digits", async () => { await helpCompared(); await page.getByLabel(/read back/).fill("111 111"); await press("Let them in"); await page.getByText("Those are not the digits").waitFor(); }],
  ["help: done", async () => { await helpCompared(); await page.getByLabel(/read back/).fill("123 456"); await press("Let them in"); await page.getByText("The digits agree").waitFor(); }],
  ["words that wait", async () => { await asked(TELLING); await page.getByText("a day (word 5)").waitFor(); await press(/^I agree/); }],
  ["words of one's own", async () => { await inOwnWords(); await page.getByLabel(/^What to do/).fill(TELLING); await page.getByText("These are never sent").waitFor(); await press("Ask a second person"); }],
  ["referrals, whole", async () => { await atDesk("victim"); await press(/^Compare the names/); await page.getByText("found in 6f1c2d3e").waitFor(); await press(/^Something is missing/); await press("Make it my task"); }],
  ["referral: its part", async () => { await atDesk("victim"); await press(/^Give the other side/); await heading("Give the other side its part"); await page.getByLabel("Names", { exact: true }).fill(""); await press("Show what goes"); }],
  ["referral: what goes", async () => { await atDesk("victim"); await press(/^Give the other side/); await press("Show what goes"); await page.getByText("and nothing else").waitFor(); }],
  ["referrals, the part", async () => { await atDesk("other"); await press(/^Begin a case/); await page.getByText("Who else works on it?").waitFor(); }],
  ["referral: declined", async () => { await atDesk("other"); await press(/^Decline it/); await press("Decline this referral"); await page.getByText("There is a problem").waitFor(); }],
  ["recovery", async () => { await recovering(); await page.getByText("Type the old shares").click(); await page.getByText("Type the shares").click(); await page.getByText("A file did not open whole").click(); await page.getByRole("button", { name: "Try the shares" }).click(); await page.getByText("More shares are needed").waitFor(); }],
  ["help: with shares", async () => { await press("More"); await press(/^Help a colleague in/); await page.getByLabel("Their request").fill("fieldkeep-help1:AAAA"); await page.getByLabel(/I have the recovery shares/).check(); await press("Continue"); await page.getByLabel(/read back/).fill("123 456"); await press("Let them in"); await page.getByText("More shares are needed").waitFor(); }],
  ["settings", async () => { await press("More"); await press(/^Settings/); await heading("Settings"); }],
];

describe("an alert", () => {
  it("of one's own says whom to ring next, and has no way to end it; a colleague's has, by keyboard alone", async () => {
    await setUp();
    await withAlerts();
    await press(/^See the alert/);
    const own = page.locator(".app-card", { hasText: "Says he will go to her" });
    await own.getByText("Ten minutes without an answer").waitFor();
    expect(await own.getByRole("link", { name: /Ring 01632 960101/ }).getAttribute("href")).toBe("tel:01632960101");
    expect(await own.getByRole("button", { name: /^Stand it down|^I have it/ }).count()).toBe(0);
    const theirs = page.locator(".app-card", { hasText: "Weapon" });
    await theirs.getByText("Priya Nair has it").waitFor();
    await theirs.getByRole("button", { name: /^I have it/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Police informed").focus();
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Acknowledge it" }).focus();
    await page.keyboard.press("Enter");
    await theirs.getByText("Sam Pike has it").waitFor();
    await theirs.getByRole("button", { name: /^Stand it down/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Why is it over?").fill("The police have him.");
    await page.getByRole("button", { name: "Stand it down" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("1 alert is open").waitFor();
    expect(await page.evaluate(() => screens.device.alerted.map(([act, , how]) => [act, how]))).toEqual([["acknowledge", "police_informed"], ["stand down", "The police have him."]]);
  });
});

const done = (): Promise<string> => page.evaluate(() => JSON.stringify(screens.device.done));
const byKey = async (name: string | RegExp, key = "Enter"): Promise<void> => {
  await page.getByRole("button", { name }).or(page.getByLabel(name)).first().focus();
  await page.keyboard.press(key);
};

describe("words that take two people", () => {
  it("are read by a second person, who has to say so twice, by keyboard alone", async () => {
    await setUp();
    await asked();
    await page.getByText("Priya Nair asks to tell Jack").waitFor();
    expect(await page.getByText("He was seen near her work.").count()).toBe(1);
    await byKey(/^I agree/);
    expect(await done()).toBe("[]");
    await byKey("Send exactly these words");
    await page.getByText("Nobody asks you to read anything").waitFor();
    expect(await done()).toMatch(/agreed/);
  });

  it("are asked for with whose knowledge it is, and taken back with a reason", async () => {
    await setUp();
    await inOwnWords();
    await page.getByLabel(/^What to do/).fill("Ring first, and go in twos.");
    await page.getByLabel("Jack (0000)").check();
    await page.getByLabel(/^1 week/).check();
    await press("Ask a second person");
    expect(await page.getByRole("alert").getByRole("link").allTextContents()).toEqual(["Say whose knowledge it is"]);
    await page.getByRole("group", { name: /^Whose knowledge|^Based on|knowledge/i }).getByLabel("Police", { exact: true }).check();
    await press("Ask a second person");
    await page.getByText("Nothing goes until a second person").waitFor();
    await page.getByText("You ask to tell Jack").waitFor();
    await press(/^Take it back/);
    await press("Take these words back");
    await page.getByText("Say why you take it back").first().waitFor();
    await page.getByLabel("Why do you take it back?").fill("not needed");
    await press("Take these words back");
    await page.getByText("You ask to tell Jack").waitFor({ state: "detached" });
    expect(await done()).toMatch(/"ask".*"basedOn":\["police"\].*"withdrawn"/);
  });
});

describe("a referral", () => {
  it("is shown exactly as it goes before it goes, by keyboard, and what was typed stays on the phone", async () => {
    await setUp();
    await atDesk("victim");
    await byKey(/^Give the other side/);
    await heading("Give the other side its part");
    await page.getByLabel(/^Reason/).fill("He hit Cheryl Marr.");
    await press("Show what goes");
    await page.getByText("It repeats what is known of somebody who is harmed").waitFor();
    expect(await done()).toBe("[]");
    await page.waitForTimeout(400);
    await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Home" }).click();
    await byKey(/^Part of a referral/);
    await heading("Give the other side its part");
    expect(await page.getByLabel(/^Reason/).inputValue()).toBe("He hit Cheryl Marr.");
    await page.getByLabel(/^Reason/).fill("Three assaults since May.");
    await page.getByText("What was looked at and stays here").click();
    await page.getByLabel("In their words").check();
    await byKey("Show what goes");
    await page.getByText("Three assaults since May.").waitFor();
    await byKey("Give them exactly this");
    await page.getByText("It goes to the other side’s desk").waitFor();
    expect(await done()).toBe('[["split",{"names":"Jack Ames","reason":"Three assaults since May."},["words"]]]');
    await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Home" }).click();
    await heading("My cases");
    expect(await page.getByRole("button", { name: /^Part of a referral/ }).count()).toBe(0);
  });

  it("becomes a case with those who are chosen, or is declined with a reason and a day", async () => {
    await setUp();
    await atDesk("other");
    await byKey(/^Begin a case from the referral of Jack/);
    await byKey("Priya Nair, navigator", "Space");
    await byKey("Begin the case");
    await heading("J.T. · 0417");
    await press("More");
    await press(/^Referrals/);
    await press(/^Decline it the referral of Dan/);
    await page.getByRole("group", { name: /^Why it is declined/ }).getByRole("radio").first().check();
    await page.getByLabel(/^In a few words/).fill("lives out of the area");
    for (const [box, text] of [["Day", "4"], ["Month", "12"], ["Year", "2026"]] as const) await page.getByLabel(box, { exact: true }).fill(text);
    await press("Decline this referral");
    await page.getByText("No referral waits").waitFor();
    const said = '{"decision":"declined_not_suitable","reason":"lives out of the area","due":"2026-12-04"}';
    expect(await done()).toBe(`[["begin",["Priya Nair"]],["decline",${said}]]`);
  });
});

describe("recovery shares", () => {
  it("are typed box by box, by keyboard, and are gone from the page once they were used", async () => {
    await setUp();
    await recovering();
    const section = page.locator("details", { hasText: "Type the old shares" }).first();
    await section.locator("summary").focus();
    await page.keyboard.press("Enter");
    await section.getByLabel("Share 1").fill("acid acrobat romp");
    await section.getByRole("button", { name: "Bring them back" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("1 share(s) were given, want 2").waitFor();
    expect(await section.getByLabel("Share 1").inputValue()).toBe("acid acrobat romp");
    await section.getByLabel("Share 2").fill("acid acrobat axis");
    await section.getByRole("button", { name: "Bring them back" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("1 file is back").waitFor();
    expect(await page.content()).not.toContain("acrobat");
    expect(await done()).toBe('[["bring back",2]]');
    await page.getByText("A file did not open whole").click();
    await press(/^Give the keys again/);
    await page.getByText("It goes with the next sync").first().waitFor();
  });
});

describe("every screen", () => {
  for (const [name, go] of SCREENS) {
    it(`${name}: no violation, nothing wider than the phone, also with text twice as large`, async () => {
      await setUp();
      await go();
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page), "at 100 %").toBeLessThanOrEqual(0);
      await page.evaluate(() => {
        document.documentElement.style.fontSize = "200%";
      });
      expect(await overflow(page), "at 200 %").toBeLessThanOrEqual(0);
      expect(await page.title()).toBe("Notes");
      expect(new URL(page.url()).hash).toMatch(/^(#\d*)?$/);
    });
  }

  it("a forgotten passphrase: no violation at any step, nothing wider than the phone, and all of it by keyboard", async () => {
    const looks = async (step: string): Promise<void> => {
      expect([step, await violations(page)]).toEqual([step, []]);
      expect([step, (await overflow(page)) <= 0]).toEqual([step, true]);
    };
    await setUp();
    await press("More");
    await press("Lock");
    await page.getByRole("button", { name: "I have forgotten it" }).focus();
    await page.keyboard.press("Enter");
    await heading("Forgotten passphrase");
    await looks("ask");
    await page.getByLabel("New passphrase").fill("short");
    await page.keyboard.press("Enter");
    await page.getByText("The two passphrases are not the same").first().waitFor();
    await looks("ask, wrong");
    for (const box of ["New passphrase", "The same again"]) await page.getByLabel(box).fill("what I chose anew");
    await page.keyboard.press("Enter");
    await heading("Ask a colleague to let you in");
    await page.getByLabel(/six digits/).fill("12");
    await page.keyboard.press("Enter");
    await page.getByText("Type the six digits that you hear").waitFor();
    await looks("digits, wrong");
    await page.getByLabel(/six digits/).fill("042 917");
    await page.keyboard.press("Enter");
    await page.getByText("123 456", { exact: true }).waitFor();
    await press("Open");
    await page.getByText("Paste the answer that you were sent").first().waitFor();
    await looks("answer, missing");
    await page.getByLabel("Their answer").fill("half of it");
    await page.getByLabel("Your new passphrase").fill("what I chose anew");
    await page.keyboard.press("Enter");
    await page.getByText("That is not a whole answer").first().waitFor();
    await looks("answer, wrong");
    await press("Back");
    await heading("Notes");
    await unlock();
    await heading("My cases");
  });

  it("doors: no violation", async () => {
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Passphrase", { exact: true }).fill("short");
    await press("Continue");
    await page.getByText("The two passphrases are not the same").first().waitFor();
    expect(await violations(page)).toEqual([]);
    await setUp();
    await press("Hide now");
    await page.getByText("You have no notes yet.").waitFor();
    expect(await violations(page)).toEqual([]);
    await press("New note");
    await unlock("wrong horse battery");
    await page.getByText("That is not the passphrase").waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it("in practice, on a desk, and in the reader's own colours: no violation", async () => {
    await page.setViewportSize(DESK);
    await page.goto(`${site.address}screens.html?practice`);
    await setUp();
    await page.getByText("Practice: nobody in here is real").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ forcedColors: "active" });
    expect(await violations(page)).toEqual([]);
    await openCase();
    expect(await violations(page)).toEqual([]);
  });

  it("joining: no violation", async () => {
    await page.goto(`${site.address}screens.html?new`);
    await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
    await page.getByLabel("The same again").fill(PASSPHRASE);
    await press("Continue");
    await heading("Join your service");
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Invitation").fill("half an invitation");
    await press("Continue");
    await page.getByText("That is not a whole invitation").first().waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Invitation").fill("an invitation");
    await press("Continue");
    await heading("Join as Sam Pike?");
    expect(await violations(page)).toEqual([]);
    await press("Join as Sam Pike");
    await heading("My cases");
  });
});

describe("with the keyboard alone", () => {
  it("one can unlock, open a case, and is told where one is", async () => {
    await setUp();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? "");
    expect(await focused()).toBe("My cases");
    const seen: string[] = [];
    for (let i = 0; i < 25 && !seen.includes("J.T. · 0417"); i += 1) {
      await page.keyboard.press("Tab");
      seen.push(await focused());
      const visible = await page.evaluate(() => {
        const box = document.activeElement?.getBoundingClientRect();
        return box !== undefined && box.width > 0 && box.height > 0;
      });
      expect(visible, seen.at(-1)).toBe(true);
    }
    await page.keyboard.press("Enter");
    await heading("J.T. · 0417");
    expect(await focused()).toBe("J.T. · 0417");
    await page.goBack();
    await heading("My cases");
    expect(await focused()).toBe("My cases");
  });

  it("what has the focus is never under the bar at the bottom", async () => {
    await setUp();
    await openCase();
    for (let i = 0; i < 30; i += 1) {
      await page.keyboard.press("Tab");
      const covered = await page.evaluate(() => {
        const bar = document.querySelector(".app-ways");
        const focus = document.activeElement;
        if (bar === null || focus === null || focus === document.body || bar.contains(focus)) return "";
        const hidden = focus.getBoundingClientRect().bottom - bar.getBoundingClientRect().top;
        return hidden > 0 ? `${focus.outerHTML.slice(0, 80)} by ${hidden}` : "";
      });
      expect(covered).toBe("");
    }
  });

  it("Shift three times hides everything", async () => {
    await setUp();
    await openCase();
    for (let i = 0; i < 3; i += 1) await page.keyboard.press("Shift");
    await page.getByText("You have no notes yet.").waitFor();
    expect(await page.content()).not.toContain("0417");
  });
});

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

describe("what is typed", () => {
  it("is there again after the browser was killed, where it was left", async () => {
    await setUp();
    await openCase();
    await press("New note");
    await page.getByLabel("Note", { exact: true }).pressSequentially("He said that on Friday", { delay: 5 });
    await page.waitForTimeout(350);
    killBrowser(profile);
    await browser.close().catch(() => undefined);
    browser = await browse(profile);
    await start();
    await unlock();
    await heading("My cases");
    await press(/^Case note, J\.T\./);
    await page.getByLabel("Note", { exact: true }).waitFor();
    expect(await page.getByLabel("Note", { exact: true }).inputValue()).toBe("He said that on Friday");
  });

  it("and what was seen leave nothing on the phone, in history, sessions or storage", async () => {
    await setUp();
    await openCase();
    await press("New note");
    await page.getByLabel("Note", { exact: true }).pressSequentially("Zebedee Quillfeather rang", { delay: 5 });
    await page.waitForTimeout(300);
    await press("Search");
    await page.getByLabel("Words").fill("Quillfeather");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing on this phone").waitFor();
    await press("Hide now");
    await page.getByText("You have no notes yet.").waitFor();
    expect(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie])).toEqual([0, 0, ""]);
    await page.waitForTimeout(500);
    await browser.close();
    for (const words of ["Zebedee", "Quillfeather", "J.T. · 0417", "case_note", "00000000-0000-4000-8000-000000000001", PASSPHRASE]) {
      expect(findInProfile(profile, words).filter((file) => !/Cache|Code/.test(file)), words).toEqual([]);
    }
  });
});

describe("locking", () => {
  it("happens by itself after the minutes that were chosen, also when time passed while nobody looked", async () => {
    await setUp();
    await openCase();
    await page.evaluate(() => screens.skew(4 * 60_000));
    await page.waitForTimeout(1_300);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("J.T. · 0417");
    await page.evaluate(() => screens.skew(60_001));
    await heading("Notes");
    expect(await page.content()).not.toContain("0417");
    await unlock();
    await heading("My cases");
  });

  it("happens on hiding where that is chosen", async () => {
    await setUp();
    await press("More");
    await press(/^Settings/);
    await choose("Also whenever another app is in front");
    await page.waitForTimeout(300);
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await page.getByLabel("Passphrase", { exact: true }).waitFor({ state: "attached" });
    expect(await page.evaluate(() => getComputedStyle(document.querySelector("#app") ?? document.body).visibility)).toBe("hidden");
  });

  it("shows the tries that are left, and then how long to wait", async () => {
    await setUp();
    await press("Hide now");
    await press("New note");
    for (const words of ["After 4 more, you have to wait 30 seconds.", "After 3 more", "After 2 more", "After one more, you have to wait 30 seconds."]) {
      await unlock("wrong horse battery");
      await page.getByText(words).waitFor();
    }
    await unlock("wrong horse battery");
    await page.getByText(/You can try again in (30|29) seconds/).waitFor();
    expect(await page.getByRole("button", { name: "Open" }).isDisabled()).toBe(true);
    await page.evaluate(() => screens.skew(31_000));
    await page.waitForTimeout(700);
    await unlock();
    await heading("My cases");
  });

  it("after Hide now, going back shows nothing", async () => {
    await setUp();
    await openCase();
    await press("New note");
    await press("Hide now");
    await page.getByText("You have no notes yet.").waitFor();
    await page.goBack();
    await page.waitForTimeout(200);
    expect(await page.content()).not.toContain("0417");
    await page.getByText("You have no notes yet.").waitFor();
  });
});

it("a second window says so, and can take over", async () => {
  await setUp();
  const first = page;
  await openCase();
  await start();
  await heading("Open in another window");
  expect(await violations(page)).toEqual([]);
  await press("Use it here");
  await heading("Notes");
  await first.getByRole("heading", { level: 1, name: "Open in another window" }).waitFor();
  expect(await first.content()).not.toContain("0417");
  await unlock();
  await heading("My cases");
});

describe("an update", () => {
  it("that is not ours is said on home, and one that waits too", async () => {
    await setUp();
    await page.evaluate(() => screens.release({ number: 1, refused: "a list that was not signed by whoever built this app" }));
    await page.getByText("The service offered an update that is not ours").waitFor();
    expect(await page.locator("main").innerText()).toContain("this version goes on");
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.evaluate(() => screens.release({ number: 1, waiting: true }));
    await page.getByText("A newer version is on this phone").waitFor();
    expect(await page.locator("main").innerText()).not.toContain("not ours");
    expect(await violations(page)).toEqual([]);
  });

  it("that the browser started by itself locks what is open, and is said", async () => {
    await setUp();
    await openCase();
    await page.evaluate(() => screens.release({ number: 1, replaced: true }));
    await page.getByText("This app was replaced while it was open").waitFor();
    expect(await page.content()).not.toContain("0417");
    expect(await page.getByRole("textbox").count()).toBe(0);
    expect(await violations(page)).toEqual([]);
  });
});

describe("asking the other side", () => {
  const asking = async (): Promise<void> => {
    await page.goto(`${site.address}screens.html?victim`);
    await setUp();
    await openCase();
    await press("Ask the other side");
    await heading("Ask something of the other side");
  };

  it("takes the closed list and whole weeks, no end that tells of a day, and says what is missing", async () => {
    await asking();
    expect(await violations(page)).toEqual([]);
    expect(await page.getByLabel("2 weeks, until").isDisabled()).toBe(true);
    await press("Ask this");
    await page.getByText("Say which case it is for").waitFor();
    await page.getByText("Say for how long").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Jack").check();
    await page.getByLabel("How they should go about it").check();
    await page.getByLabel("No home visits").check();
    await page.getByLabel("1 week, until").check();
    await page.getByLabel(/^Why/).fill("She moves this week.");
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.evaluate(() => {
      document.documentElement.style.fontSize = "200%";
    });
    expect(await overflow(page), "at 200 %").toBeLessThanOrEqual(0);
    await press("Ask this");
    await page.getByText("Asked already").waitFor();
    const asked = await page.evaluate(() => screens.device.asked);
    expect(asked).toEqual([{ to: expect.stringContaining("71"), say: ["no_home_visits"], ringFirst: "duty_desk", weeks: 1, why: "She moves this week.", basedOn: [] }]);
    expect(await violations(page)).toEqual([]);
  });

  it("is not offered to those who visit", async () => {
    await setUp();
    await openCase();
    expect(await page.getByRole("button", { name: "Ask the other side" }).count()).toBe(0);
  });
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
