/** The screens in a real browser, with the real store, over a device in memory: what tests press and read. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { PAGES, type Site, browse, complaints, killBrowser, launch, newContext, newProfile, removeProfile, serve } from "./machine";

export const PASSPHRASE = "correct horse battery";

export let site: Site;
export let page: Page;
export let browser: BrowserContext;
/** The folder of its profile, where it keeps one. */
export let profile: string;
let heard: string[];

/** Each test of a file has a phone of its own: one that keeps its profile on disk, or one that begins sooner. */
export function phones(keeps: "on disk" | "nothing" = "nothing"): void {
  let running: Browser | undefined;
  beforeAll(async () => {
    site = await serve(PAGES);
    running = keeps === "nothing" ? await launch() : undefined;
  });
  afterAll(async () => {
    await running?.close();
    await site.stop();
  });
  beforeEach(async () => {
    profile = running === undefined ? newProfile() : "";
    browser = running === undefined ? await browse(profile) : await newContext(running);
    await start();
  });
  afterEach(async () => {
    expect(heard).toEqual([]);
    await browser.close().catch(() => undefined);
    if (profile !== "") removeProfile(profile);
  });
}

/** The battery dies; later the app is opened again. */
export async function dieAndOpen(): Promise<void> {
  killBrowser(profile);
  await browser.close().catch(() => undefined);
  browser = await browse(profile);
  await start();
}

export const heading = (name: string | RegExp): Promise<void> => page.getByRole("heading", { level: 1, name }).waitFor();
export const press = (name: string | RegExp): Promise<void> => page.getByRole("button", { name }).first().click();
export const choose = (name: string): Promise<void> => page.getByLabel(name, { exact: true }).first().click();

export async function start(path = "screens.html"): Promise<void> {
  page = await browser.newPage();
  heard = complaints(page);
  await page.goto(`${site.address}${path}`);
}

export async function setUp(): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("The same again").fill(PASSPHRASE);
  await press("Continue");
  await heading("My cases");
}

export async function unlock(passphrase = PASSPHRASE): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(passphrase);
  await press("Open");
}

export async function openCase(): Promise<void> {
  await page.getByRole("button", { name: "J.T. · 0417", exact: true }).click();
  await heading("J.T. · 0417");
}

export async function withAlerts(): Promise<void> {
  await page.goto(`${site.address}screens.html?alerts`);
  await unlock();
  await heading("My cases");
}

export async function whatIsDue(): Promise<void> {
  await press("What is due");
  await heading("What is due");
  await page.getByText("Ring the food bank").first().waitFor();
}

export async function helpCompared(): Promise<void> {
  await press("More");
  await press(/^Help a colleague in/);
  await page.getByLabel("Their request").fill("fieldkeep-help1:AAAA");
  await press("Continue");
  await page.getByText("042 917").waitFor();
}

export async function atDesk(side: "victim" | "other"): Promise<void> {
  await page.goto(`${site.address}screens.html?desk${side === "victim" ? "&victim" : ""}`);
  await unlock();
  await heading("My cases");
  await press("More");
  await press(/^Referrals/);
  await heading("Referrals");
}

export const TELLING = "Ring first. Not on Friday: she is at the school.";

export async function asked(text = "Ring first, and go in twos."): Promise<void> {
  await page.goto(`${site.address}screens.html?victim`);
  await unlock();
  await heading("My cases");
  await page.evaluate((words) => screens.device.asks(words), text);
  await press("Read them");
  await heading("Words that wait for you");
}

export async function inOwnWords(): Promise<void> {
  await page.goto(`${site.address}screens.html?victim`);
  await unlock();
  await openCase();
  await press("Ask the other side");
  await page.getByLabel(/^Something in your own words/).check();
}

export async function recovering(): Promise<void> {
  await page.goto(`${site.address}screens.html?permit`);
  await unlock();
  await heading("My cases");
  await press("More");
  await press(/^Recovery/);
  await heading("Recovery");
}

export const done = (): Promise<string> => page.evaluate(() => JSON.stringify(screens.device.done));
export const byKey = async (name: string | RegExp, key = "Enter"): Promise<void> => {
  await page.getByRole("button", { name }).or(page.getByLabel(name)).first().focus();
  await page.keyboard.press(key);
};
