/** axe-core on a page: what it finds, in words. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Violations of WCAG 2.2 AA and of good practice, with everything on the page open. */
export async function violations(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  // The whole page in one window: a bar that stays in sight covers nothing of it then. Covering the focus has a test of its own.
  const window = page.viewportSize() ?? { width: 360, height: 740 };
  const height = await page.evaluate(() => {
    for (const one of document.querySelectorAll("details")) one.open = true;
    return document.documentElement.scrollHeight;
  });
  await page.setViewportSize({ width: window.width, height: Math.max(window.height, height) });
  const found = await page.evaluate(async (rules) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { violations: broken } = await axe.run(document, { runOnly: rules });
    return broken.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  }, RULES);
  await page.setViewportSize(window);
  return found;
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
