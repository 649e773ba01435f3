/** Joining: by the camera, with a code that the administrator's command line drew; and without one, in plain words. */
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "../browser/axe";
import { FLAGS, PHONE, browse, complaints, newProfile, removeProfile } from "../browser/machine";
import { filmOf } from "./camera";
import { PASSPHRASE } from "./phone";
import { Service } from "./service";

let service: Service;
let browser: BrowserContext;
let profile: string;
let page: Page;
let heard: string[];
let enrolled: string[];

async function start(...flags: readonly string[]): Promise<void> {
  profile = newProfile();
  browser = await browse(profile, PHONE, { args: [...FLAGS, ...flags] });
  page = await browser.newPage();
  heard = complaints(page);
  enrolled = [];
  browser.on("request", (request) => {
    if (request.url().includes("/v1/")) enrolled.push(request.url());
  });
  await page.goto(`${service.address}/`);
  await page.getByRole("heading", { name: "Choose a passphrase" }).waitFor();
  for (const box of await page.getByRole("textbox").all()) await box.fill(PASSPHRASE);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Join your service" }).waitFor();
}

beforeAll(async () => {
  service = await Service.begin();
}, 120_000);
afterEach(async () => {
  await browser.close();
  removeProfile(profile);
});
afterAll(() => service.end());

const scan = (): Promise<void> => page.getByRole("button", { name: "Scan the code" }).click();

describe("an invitation", () => {
  it("is read by the camera, shown in plain words, and sent only when somebody has said yes", async () => {
    const [png, film] = [join(service.folder, "sam.png"), join(service.folder, "sam.y4m")];
    service.run("office/perpetrator-administrator", "invite", "--name", "Sam", "--role", "navigator", "--qr", png);
    filmOf(png, film);
    await start("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${film}`);
    await scan();
    await page.getByRole("heading", { name: "Join as Sam?" }).waitFor({ timeout: 20_000 });
    const words = await page.locator("main").innerText();
    expect(words).toMatch(/Role\s+Navigator/);
    expect(words).toContain("Navigators: the people who visit");
    expect(enrolled).toEqual([]);
    expect(await page.locator("video").count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Join as Sam" }).click();
    await page.getByRole("heading", { name: "My cases" }).waitFor();
    expect(enrolled.some((url) => url.includes("/v1/enrol"))).toBe(true);
    expect(heard.filter((one) => !one.includes("404"))).toEqual([]); // the other side has no desk yet
  });

  it("that was not copied whole is refused here, and another may be read instead", async () => {
    const [png, film] = [join(service.folder, "other.png"), join(service.folder, "other.y4m")];
    service.run("office/perpetrator-administrator", "invite", "--name", "Kim", "--role", "navigator", "--qr", png);
    filmOf(png, film);
    await start("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${film}`);
    const code = service.invite("Ann", "navigator");
    await page.getByLabel("Invitation").fill(code.slice(0, -3));
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("That is not a whole invitation").first().waitFor();
    expect(await violations(page)).toEqual([]);
    expect(enrolled).toEqual([]);
    await page.getByLabel("Invitation").fill(code);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("heading", { name: "Join as Ann?" }).waitFor();
    await page.getByRole("button", { name: "That is not me" }).click();
    await scan();
    await page.getByRole("heading", { name: "Join as Kim?" }).waitFor({ timeout: 20_000 });
    expect(enrolled).toEqual([]);
  });
});

describe("without a camera", () => {
  it("that is denied, it is said, and pasting goes on", async () => {
    await start("--use-fake-device-for-media-stream", "--deny-permission-prompts");
    await scan();
    await page.getByText("This app may not use the camera.").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.getByLabel("Invitation").fill(service.invite("Eve", "navigator"));
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("heading", { name: "Join as Eve?" }).waitFor();
  });

  it("that there is none is said too", async () => {
    await start("--use-fake-ui-for-media-stream");
    await scan();
    await page.getByText("No camera was found.").waitFor();
    expect(await page.getByLabel("Invitation").isVisible()).toBe(true);
  });
});
