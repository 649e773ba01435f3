/** The app in a real browser, as somebody with a phone in their hand uses it. */
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { browse, complaints, killBrowser, newProfile, removeProfile } from "../browser/machine";
import type { Service } from "./service";

export const PASSPHRASE = "tin kettle under the stairs";

export class Phone {
  readonly profile = newProfile();
  readonly complaints: string[] = [];
  /** Addresses that the app asked for, but for its own server's. */
  readonly foreign: string[] = [];
  readonly #service: Service;
  #browser: BrowserContext | undefined;
  #page: Page | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  get page(): Page {
    if (this.#page === undefined) throw new Error("the phone is off");
    return this.#page;
  }

  get browser(): BrowserContext {
    if (this.#browser === undefined) throw new Error("the phone is off");
    return this.#browser;
  }

  async on(): Promise<void> {
    this.#browser = await browse(this.profile);
    this.#page = this.#browser.pages()[0] ?? (await this.#browser.newPage());
    const heard = complaints(this.#page);
    this.#page.on("close", () => this.complaints.push(...heard));
    this.#browser.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${this.#service.address}/`) && !url.startsWith("blob:") && !url.startsWith("data:")) this.foreign.push(url);
    });
    await this.#page.goto(`${this.#service.address}/`);
  }

  /** The battery is empty. */
  async dies(): Promise<void> {
    killBrowser(this.profile);
    await this.#browser?.close().catch(() => undefined);
    this.#browser = undefined;
  }

  async off(): Promise<void> {
    await this.#browser?.close();
    this.#browser = undefined;
  }

  async end(): Promise<void> {
    await this.off();
    removeProfile(this.profile);
  }

  /** A new phone joins with a code. */
  async join(code: string): Promise<void> {
    const { page } = this;
    await this.sees("Choose a passphrase");
    for (const box of await page.getByRole("textbox").all()) await box.fill(PASSPHRASE);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByLabel("Invitation").fill(code);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("button", { name: /^Join as/ }).click();
    await this.sees("My cases");
  }

  async unlock(): Promise<void> {
    await this.page.getByRole("textbox").fill(PASSPHRASE);
    await this.page.getByRole("button", { name: "Open" }).click();
    await this.sees("My cases");
  }

  async sees(heading: string | RegExp): Promise<void> {
    await this.page.getByRole("heading", { name: heading, level: 1 }).waitFor();
  }

  async press(name: string | RegExp): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name }).or(page.getByRole("link", { name })).first().click();
  }

  async home(): Promise<void> {
    await this.page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Home" }).click();
    await this.sees("My cases");
  }

  /** Sends and fetches, until nothing is under way. */
  async sync(): Promise<void> {
    await this.home();
    await this.press("Send and fetch");
    await this.page.getByText(/last sent/).waitFor();
    await this.page.waitForTimeout(300);
  }

  async text(): Promise<string> {
    return this.page.locator("body").innerText();
  }

  async shows(words: string | RegExp): Promise<void> {
    await expect.poll(() => this.text(), { timeout: 10_000 }).toMatch(words);
  }
}
