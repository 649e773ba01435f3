/** The doors: locking, Hide now, the keyboard, a second window, an update. */
import { describe, expect, it } from "vitest";
import { overflow, violations } from "./axe";
import { choose, heading, openCase, page, phones, press, setUp, start, unlock } from "./phone";

phones();

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
