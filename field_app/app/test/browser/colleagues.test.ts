/** What takes two people, or goes to the other side: alerts, words of one's own, referrals, shares, asking. */
import { describe, expect, it } from "vitest";
import { overflow, violations } from "./axe";
import { asked, atDesk, byKey, done, heading, inOwnWords, openCase, page, phones, press, recovering, setUp, site, withAlerts } from "./phone";

phones();

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
