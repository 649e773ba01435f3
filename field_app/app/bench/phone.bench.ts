/**
 * How fast the app is on a slow phone: real server, real Chromium at a phone's width, its page's processor slowed down four
 * times. Figures only; nothing here is a test. `FIELDKEEP_PYTHON` is the Python that has the project, beside the command.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { APP } from "../test/browser/machine";
import { PASSPHRASE, Phone } from "../test/e2e/phone";
import { ENVIRONMENT, FIELDKEEP, Service } from "../test/e2e/service";

const RECORDS = Number(process.env["RECORDS"] ?? 2_000);
const SLOWER = Number(process.env["SLOWER"] ?? 4);
const TIMES = 20;
const SCRIPT = fileURLToPath(new URL("two_years.py", import.meta.url));
const CASE = "Case J. B.";

interface Figure {
  readonly what: string;
  readonly value: string;
  readonly aim: string;
}

const figures: Figure[] = [];
let service: Service;
let sam: Phone;
let file: string;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const millis = (values: readonly number[]): string => `${Math.round(median(values))} ms (${Math.round(Math.min(...values))} – ${Math.round(Math.max(...values))})`;
const note = (what: string, value: string, aim: string): void => {
  console.log(`${what}: ${value}`);
  figures.push({ what, value, aim });
};

/** Presses, and waits until elements of that kind say something else, with these words, and are painted; measured in the page itself. */
function timed(press: Locator, selector: string, words: string): Promise<number> {
  return press.evaluate(
    (element, [kind, said]) =>
      new Promise<number>((resolve) => {
        const begun = performance.now();
        const texts = (): readonly string[] => [...document.querySelectorAll(kind)].map((one) => one.textContent ?? "");
        const before = texts().join("\n");
        const seen = (): boolean => texts().join("\n") !== before && texts().some((text) => text.includes(said));
        const watcher = new MutationObserver(() => {
          if (!seen()) return;
          watcher.disconnect();
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
        });
        watcher.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
        if (element instanceof HTMLElement) element.click();
      }),
    [selector, words] as const,
  );
}

async function slow(page: Page, rate = SLOWER): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
}

function writeVisits(count: number): void {
  const python = process.env["FIELDKEEP_PYTHON"] ?? join(dirname(FIELDKEEP), "python");
  execFileSync(python, [SCRIPT, join(service.folder, "ruth"), file.replaceAll("-", ""), String(count)], { env: ENVIRONMENT });
  service.run("ruth", "sync");
}

const button = (name: string): Locator => sam.page.getByRole("button", { name, exact: true }).first();

/** Send and fetch, until both have ended. */
async function timedSync(words: string): Promise<number> {
  await sam.home();
  const begun = Date.now();
  await button("Send and fetch").click();
  await sam.page.getByRole("button", { name: words, exact: true }).first().waitFor({ timeout: 120_000 });
  await sam.page.locator("button:enabled", { hasText: "Send and fetch" }).waitFor({ timeout: 120_000 });
  return Date.now() - begun;
}

async function several(measure: () => Promise<number>): Promise<readonly number[]> {
  const values: number[] = [];
  for (let n = 0; n < TIMES; n++) values.push(await measure());
  return values;
}

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  file = service.aCase();
  writeVisits(RECORDS);
}, 300_000);

afterAll(async () => {
  await sam.end();
  await service.end();
  const wide = Math.max(...figures.map(({ what }) => what.length));
  console.log(["", ...figures.map(({ what, value, aim }) => `${what.padEnd(wide)}  ${value.padEnd(24)}  ${aim}`), ""].join("\n"));
});

it("is small", () => {
  const page = readFileSync(join(APP, "index.html"), "utf8");
  const files = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, path]) => path ?? ""); // what is loaded before the passphrase is typed
  expect(files.length).toBeGreaterThan(2);
  const sizes = ["index.html", ...files].map((path) => gzipSync(readFileSync(join(APP, path))).length);
  note("size before the WebAssembly, gzip", `${Math.round(sizes.reduce((sum, one) => sum + one, 0) / 1000)} KB`, "< 250 KB");
});

it("takes in two years", async () => {
  await slow(sam.page);
  note(`first sync of ${RECORDS} records`, seconds(await timedSync(CASE)), "< 5 s");
});

it("opens the list, and a record, and finds", async () => {
  const list = await several(async () => {
    await sam.home();
    return timed(button(CASE), ".app-line", "");
  });
  note(`list of ${RECORDS} records`, millis(list), "< 100 ms");
  const opened = await several(async () => {
    await sam.home();
    await button(CASE).click();
    await sam.page.locator(".app-line").first().waitFor();
    return timed(button("Case note"), "h1", "Case note");
  });
  note("one record", millis(opened), "< 100 ms");
  await sam.page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Search" }).click();
  let n = 0;
  const words = ["zebra", "brother"] as const;
  const found = await several(async () => {
    await sam.page.getByLabel("Words").fill(words[n++ % 2] ?? "");
    return timed(sam.page.getByRole("search").getByRole("button"), "[aria-live]", "record");
  });
  note("search in all of them, after the first", millis(found.slice(1)), "< 100 ms");
  note("search, the first time", `${Math.round(found[0] ?? 0)} ms`, "");
});

it("begins from cold", async () => {
  const [derived, opened]: [number[], number[]] = [[], []];
  for (let n = 0; n < 5; n++) {
    await sam.off();
    await sam.on();
    await slow(sam.page);
    await sam.page.getByRole("textbox").fill(PASSPHRASE);
    const [key, home] = await sam.page.getByRole("button", { name: "Open" }).evaluate(
      (element) =>
        new Promise<readonly [number, number]>((resolve) => {
          const begun = performance.now();
          let key = 0;
          const watcher = new MutationObserver(() => {
            if (key === 0 && document.querySelector("#passphrase") === null) key = performance.now();
            if (document.querySelector("h1")?.textContent !== "My cases" || document.querySelector(".app-card") === null) return;
            watcher.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve([key - begun, performance.now() - key])));
          });
          watcher.observe(document.body, { childList: true, subtree: true });
          if (element instanceof HTMLElement) element.click();
        }),
    );
    derived.push(key);
    opened.push(home);
  }
  note("passphrase to key (Argon2id, and its two writes)", millis(derived), "");
  note("key to home", millis(opened), "< 1,500 ms");
});

it("comes back after two months", async () => {
  await service.stop();
  await sam.off();
  await sam.on();
  await sam.unlock();
  for (let n = 0; n < 60; n++) {
    await sam.home();
    await button(CASE).click();
    await sam.press("New contact");
    await sam.press("Spoke");
    await sam.sees(CASE);
  }
  await service.start();
  writeVisits(180);
  await slow(sam.page);
  note("60 own and 180 of a colleague, after 60 days", seconds(await timedSync(CASE)), "");
});
