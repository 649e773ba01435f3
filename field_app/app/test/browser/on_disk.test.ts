/** What is typed is there when the battery has died, and nowhere else. */
import { describe, expect, it } from "vitest";
import { findInProfile } from "./machine";
import { PASSPHRASE, browser, dieAndOpen, heading, openCase, page, phones, press, profile, setUp, unlock } from "./phone";

phones("on disk");

describe("what is typed", () => {
  it("is there again after the browser was killed, where it was left", async () => {
    await setUp();
    await openCase();
    await press("New note");
    await page.getByLabel("Note", { exact: true }).pressSequentially("He said that on Friday", { delay: 5 });
    await page.waitForTimeout(350);
    await dieAndOpen();
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
