/** Words worth a second look, before a note is signed: shown where they are typed, and keeping nobody from anything. */
import { expect, it } from "vitest";
import { overflow, violations } from "./axe";
import { heading, openCase, page, phones, press, setUp, site } from "./phone";

phones();

const NOTE = "He was calm. She lives at 14 Hawthorn Close, and the boys go to Ayresome Primary. An assault occurred.";

async function note(text: string): Promise<void> {
  await openCase();
  await press("New note");
  await heading("New case note");
  await page.getByLabel("Note", { exact: true }).fill(text);
}
const shown = (): Promise<readonly string[]> => page.locator(".govuk-inset-text li").allTextContents();

it("what may tell where somebody is comes first, then words that hide who did what", async () => {
  await setUp();
  await note(NOTE);
  await page.getByText("Look at these again.").waitFor();
  expect(await shown()).toEqual([
    "“14 Hawthorn Close”: a place, in a sentence about somebody else.",
    "“Ayresome Primary”: a school, in a sentence about somebody else.",
    "“An assault occurred”. Better: say who did what: he …",
  ]);
  expect(await page.getByRole("status").first().innerText()).toBe("3 things to look at again before you sign.");
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  await page.getByLabel("Note", { exact: true }).fill("He was calm.");
  await page.getByText("Look at these again.").waitFor({ state: "detached" });
});

it("keeps nobody from signing", async () => {
  await setUp();
  await note(NOTE);
  await page.getByText("Look at these again.").waitFor();
  for (const name of ["suicide_or_self_harm", "threat_to_someone", "child_concern"]) await page.locator(`input[name="${name}"][value="not_discussed"]`).check();
  await press("Sign");
  await heading("J.T. · 0417");
  const written = await page.evaluate(() => JSON.stringify(screens.device.wrote));
  expect(written).toContain("14 Hawthorn Close");
  expect(written).not.toContain("Look at");
});

it("on the side of partner support her places are what a file is for", async () => {
  await page.goto(`${site.address}screens.html?victim`);
  await setUp();
  await note(NOTE);
  await page.getByText("Look at these again.").waitFor();
  expect(await shown()).toEqual(["“An assault occurred”. Better: say who did what: he …"]);
});
