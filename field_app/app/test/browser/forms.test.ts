/** src/forms in a real browser: every field of every type is filled in as a person would, and says what the schema wants. */
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Edit } from "../../src/forms/edits";
import { RECORD_TYPES } from "../../src/forms/schema";
import { type Value, isList } from "../../src/forms/values";
import { dice, fits, uuid, validValue } from "../support/valid";
import { violations } from "./axe";
import { PAGES, type Site, browse, complaints, newProfile, removeProfile, serve } from "./machine";

const roll = dice(11);
const ids = { users: Array.from({ length: 4 }, () => uuid(roll)), records: Array.from({ length: 12 }, () => uuid(roll)) };

let site: Site;
let browser: BrowserContext;
let page: Page;
let heard: string[];
const profile = newProfile();

beforeAll(async () => {
  site = await serve(PAGES);
  browser = await browse(profile);
  page = await browser.newPage();
  heard = complaints(page);
  await page.goto(`${site.address}forms.html`);
  await page.evaluate((given) => forms.use(given), ids);
});
afterAll(async () => {
  await browser.close();
  removeProfile(profile);
  await site.stop();
});

/** The value that edits of a new record give a field. */
function valueOf(edits: readonly Edit[], name: string): Value | undefined {
  const mine = edits.filter((edit) => edit.field === name);
  if (mine.some((edit) => edit.act === "add")) return mine.map((edit) => edit.value);
  return mine[0]?.value;
}

describe("every record type", () => {
  for (const type of RECORD_TYPES) {
    if (type.name === "attachment") continue; // made with its picture, and by no form
    it(`${type.name}: what is filled in is what is written`, async () => {
      const given = type.fields.map((field) => [field.name, validValue(field, roll, ids)] as const);
      await page.evaluate(async ([name, written]) => {
        await forms.show(name);
        await forms.fillAll(written);
      }, [type.name, JSON.stringify(given)] as const);
      const outcome = await page.evaluate(() => forms.outcome(true));
      expect(outcome).not.toHaveProperty("wrong");
      const edits = "edits" in outcome ? outcome.edits : [];
      for (const [field, value] of given) {
        const written = valueOf(edits, field);
        const same = isList(value) && isList(written) ? [...written].sort() : written;
        expect(same, field).toEqual(isList(value) ? [...value].sort() : value);
        expect(fits(type.name, field, written ?? null), field).toBe(true);
      }
    });
  }
});

describe("accessibility", () => {
  it("has no violation in any form, with everything open, and with what is missing marked", async () => {
    for (const type of RECORD_TYPES) {
      await page.evaluate((name) => forms.show(name), type.name);
      await page.evaluate(() => forms.sign());
      const found = await violations(page);
      expect(found, type.name).toEqual([]);
    }
  }, 300_000);

  it("a message of the summary leads to the box that it is about", async () => {
    await page.evaluate(() => forms.show("case_status"));
    await page.evaluate(() => forms.sign());
    await page.waitForFunction(() => document.activeElement?.className === "govuk-error-summary");
    await page.getByRole("link", { name: /status/i }).click();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("status");
  });

  it("never overflows a narrow screen, also with text twice as large", async () => {
    for (const zoom of ["100%", "200%"]) {
      for (const name of ["contact", "legal_order", "risk_assessment", "person", "spend"]) {
        await page.evaluate((type) => forms.show(type), name);
        const wide = await page.evaluate((size) => {
          document.documentElement.style.fontSize = size;
          forms.openAll();
          return document.documentElement.scrollWidth - document.documentElement.clientWidth;
        }, zoom);
        expect(wide, `${name} at ${zoom}`).toBeLessThanOrEqual(0);
      }
    }
    await page.evaluate(() => document.documentElement.style.removeProperty("font-size"));
  });
});

describe("an answer, a reason for none, and nothing", () => {
  it("are three things, and going from one to another leaves nothing behind", async () => {
    const read = (): Promise<readonly Edit[]> => page.evaluate(() => { const o = forms.outcome(false); return "edits" in o ? o.edits : []; });
    await page.evaluate(() => forms.show("contact"));
    expect(await read()).toEqual([]);
    await page.evaluate(() => forms.fill("safe_to_talk", "yes"));
    expect(await read()).toEqual([{ act: "set", field: "safe_to_talk", value: "yes" }]);
    await page.evaluate(() => forms.fill("safe_to_talk", { missing: "not_safe_to_ask" }));
    expect(await read()).toEqual([{ act: "set", field: "safe_to_talk", value: { missing: "not_safe_to_ask" } }]);
    await page.evaluate(() => forms.openAll());
    await page.getByRole("button", { name: /Clear answer to “Was it safe/ }).click();
    expect(await read()).toEqual([]);
    await page.evaluate(() => forms.fill("minutes", 20));
    await page.evaluate(() => forms.fill("minutes", { missing: "not_known" }));
    expect(await read()).toEqual([{ act: "set", field: "minutes", value: { missing: "not_known" } }]);
    expect(await page.inputValue("#f-minutes")).toBe("");
    await page.evaluate(() => forms.fill("minutes", 25));
    expect(await read()).toEqual([{ act: "set", field: "minutes", value: 25 }]);
  });
});

describe("rows with a place", () => {
  it("are put in order by moving them", async () => {
    await page.evaluate(() => forms.show("own_safety_plan"));
    await page.evaluate(() => forms.fill("professionals", [{ words: "GP" }, { words: "Crisis team" }, { words: "Sponsor" }]));
    await page.getByRole("button", { name: "Move up 3 of “Professionals”" }).click();
    await page.getByRole("button", { name: "Move down 1 of “Professionals”" }).click();
    const outcome = await page.evaluate(() => forms.outcome(false));
    expect("edits" in outcome && outcome.edits.map((edit) => edit.value)).toEqual([
      { words: "GP", order: 2 },
      { words: "Crisis team", order: 3 },
      { words: "Sponsor", order: 1 },
    ]);
  });
});

it("the page's policy stopped nothing, and nobody threw", () => {
  expect(heard).toEqual([]);
});
