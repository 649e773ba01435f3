/** Every screen, and every door: nothing that axe objects to, nothing wider than the phone. */
import { describe, expect, it } from "vitest";
import { overflow, violations } from "./axe";
import { DESK } from "./machine";
import { PASSPHRASE, TELLING, asked, atDesk, choose, heading, helpCompared, inOwnWords, openCase, page, phones, press, recovering, setUp, site, unlock, whatIsDue, withAlerts } from "./phone";

phones();

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
  ["what is due", async () => { await whatIsDue(); await page.getByText("Add a task").click(); await press(/^Show everybody/); await page.getByText("Thank the school").first().waitFor(); await press(/^Done Ring the food bank/); await press(/^Undo Ring the food bank/); }],
  ["what is due: a new task", async () => { await whatIsDue(); await page.getByText("Add a task").click(); await press("For M.O. · 0422"); await heading("New task"); await press("Save"); }],
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
