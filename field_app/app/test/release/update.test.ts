/** A newer release on a phone that has one: taken when it is ours, whole, and newer; else refused, and what was there goes on. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Release, signatureOf } from "../../build/release";
import { type ReleaseKey, keyOf, releaseKey } from "../../build/release_key";
import { APP, type Site, browse, newProfile, removeProfile, serve } from "../browser/machine";

const PASSPHRASE = "correct horse battery";
const read = (name: string): string => readFileSync(join(APP, name), "utf8");
const digest = (text: string): string => `sha256-${createHash("sha256").update(text).digest("base64")}`;
const [ICON, OTHER_ICON] = ["#f4d35e", "#d3f45e"];

let site: Site;
let browser: BrowserContext;
let page: Page;
let profile: string;
const altered = new Map<string, string>();

interface Wanted {
  readonly key?: ReleaseKey;
  readonly number?: number;
  /** Another text of the worker. */
  readonly worker?: string;
  /** Changes the list after it was signed. */
  readonly after?: (list: string) => string;
}

/** What the service offers from now on: the same app with another icon, and whatever else is asked. */
function offer({ key = releaseKey(), number = Date.now(), worker = read("sw.js"), after = (list) => list }: Wanted = {}): void {
  const icon = read("icon.svg").replace(ICON, OTHER_ICON);
  const built = JSON.parse(read("release.json")) as Release;
  const files = built.files.map((file) => (file.path === "icon.svg" ? { ...file, digest: digest(icon) } : file));
  const list = JSON.stringify({ ...built, number, id: createHash("sha256").update(JSON.stringify(files)).digest("hex"), worker: digest(worker), files });
  for (const [path, text] of [["icon.svg", icon], ["sw.js", worker], ["release.json", after(list)], ["release.sig", signatureOf(list, key)]] as const) altered.set(path, text);
}

/** Opens the app, and waits until its worker is in charge. */
async function open(): Promise<void> {
  page = await browser.newPage();
  await page.goto(site.address);
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller === null) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
  });
}

type Answer = { readonly number: number; readonly waiting: boolean; readonly refused: string | undefined };

/** The worker in charge is asked, as the page asks it. */
const look = (): Promise<Answer> =>
  page.evaluate(
    () =>
      new Promise<Answer>((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = (event: MessageEvent<Answer>) => resolve(event.data);
        navigator.serviceWorker.controller?.postMessage("look", [port2]);
      }),
  );

const icon = (): Promise<string> => page.evaluate(async () => (await fetch("icon.svg")).text());
const caches_ = (): Promise<readonly string[]> => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("release-")));

/** Somebody's data: a passphrase was chosen, and what it seals is on this phone. */
async function setUp(): Promise<void> {
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByLabel("The same again").fill(PASSPHRASE);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { level: 1, name: "Join your service" }).waitFor();
}

async function stillThere(): Promise<void> {
  await page.reload();
  await page.getByLabel("Passphrase", { exact: true }).fill(PASSPHRASE);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("heading", { level: 1, name: "Join your service" }).waitFor();
}

beforeEach(async () => {
  altered.clear();
  site = await serve(APP, (path) => altered.get(path));
  profile = newProfile();
  browser = await browse(profile);
  await open();
});
afterEach(async () => {
  await browser.close();
  await site.stop();
  removeProfile(profile);
});

describe("a newer release", () => {
  it("waits until somebody says so, and then all of it is new", async () => {
    await setUp();
    const { number } = JSON.parse(read("release.json")) as Release;
    expect(await look()).toEqual({ number, waiting: false, refused: undefined });
    offer();
    expect(await look()).toEqual({ number, waiting: true, refused: undefined });
    expect(await icon()).toContain(ICON);
    await page.reload();
    expect(await icon()).toContain(ICON);
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = resolve;
          navigator.serviceWorker.controller?.postMessage("take-over", [port2]);
        }),
    );
    await stillThere();
    expect(await icon()).toContain(OTHER_ICON);
    expect(await caches_()).toHaveLength(1);
  });

  it("with another worker is taken as well, also under a new key that the old one signed for", async () => {
    const other = keyOf(randomBytes(32));
    offer({ worker: read("sw.js").replace(releaseKey().public, other.public) });
    expect(await look()).toMatchObject({ waiting: true, refused: undefined });
    await page.evaluate(async () => {
      await (await navigator.serviceWorker.ready).update();
    });
    await expect.poll(() => page.evaluate(async () => (await navigator.serviceWorker.ready).waiting?.state)).toBe("installed");
    await page.evaluate(async () => {
      const { port1, port2 } = new MessageChannel();
      const taken = new Promise((resolve) => (port1.onmessage = resolve));
      navigator.serviceWorker.controller?.postMessage("take-over", [port2]);
      await taken;
      const changed = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
      (await navigator.serviceWorker.ready).waiting?.postMessage("next-worker");
      await changed;
    });
    expect(await icon()).toContain(OTHER_ICON);
    offer({ number: Date.now() + 1000, worker: read("sw.js").replace(releaseKey().public, other.public) });
    expect((await look()).refused).toContain("not signed");
    offer({ key: other, number: Date.now() + 1000, worker: read("sw.js").replace(releaseKey().public, other.public) });
    expect(await look()).toMatchObject({ waiting: true, refused: undefined });
  });

  it("is not asked for where there is no network, and that is no alarm", async () => {
    await site.stop();
    expect(await look()).toMatchObject({ waiting: false, refused: undefined });
    site = await serve(APP);
  });
});

describe("what is not ours", () => {
  const cases: readonly (readonly [string, () => void, string])[] = [
    ["a file that was altered", () => { offer(); altered.set("icon.svg", `${read("icon.svg")}<!-- -->`); }, "icon.svg is not the file that was signed"],
    ["a list that was altered", () => offer({ after: (list) => list.replace(/"bytes":\d+/, '"bytes":1') }), "not signed"],
    ["a list under another key", () => offer({ key: keyOf(randomBytes(32)) }), "not signed"],
    ["a signature that is none", () => { offer(); altered.set("release.sig", "?"); }, "a signature"],
    ["an older release, truly signed", () => offer({ number: (JSON.parse(read("release.json")) as Release).number - 1 }), "older"],
    ["another release under the same number", () => offer({ number: (JSON.parse(read("release.json")) as Release).number }), "older"],
    ["another worker beside the release in use", () => { altered.set("sw.js", `${read("sw.js")}\n// more`); }, "sw.js is not the file that was signed"],
  ];
  for (const [name, tamper, words] of cases) {
    it(`${name}: is refused, the version in use goes on, and the data are there`, async () => {
      await setUp();
      tamper();
      const answer = await look();
      expect(answer.waiting).toBe(false);
      expect(answer.refused).toContain(words);
      expect(answer.number).toBe((JSON.parse(read("release.json")) as Release).number);
      await stillThere();
      expect(await icon()).toContain(ICON);
      expect(await caches_()).toHaveLength(1);
    });
  }

  it("on a phone that has none yet keeps the app from being installed", async () => {
    const other = newProfile();
    const fresh = await browse(other);
    try {
      offer({ key: keyOf(randomBytes(32)) });
      const first = await fresh.newPage();
      await first.goto(site.address);
      await first.waitForTimeout(1_500);
      expect(await first.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active ?? null)).toBe(null);
    } finally {
      await fresh.close();
      removeProfile(other);
    }
  });

  it("stays out when the browser has emptied the cache", async () => {
    await page.evaluate(async () => {
      for (const name of await caches.keys()) if (name.startsWith("release-")) await caches.delete(name);
    });
    altered.set("icon.svg", read("icon.svg").replace(ICON, OTHER_ICON));
    expect(await page.evaluate(() => fetch("icon.svg").then((answer) => answer.status, () => "refused"))).toBe("refused");
    altered.clear();
    expect(await icon()).toContain(ICON);
  });
});

it("the key on this machine is its owner's alone, and the build is signed with it", () => {
  const named = process.env["FIELDKEEP_RELEASE_KEY"] ?? fileURLToPath(new URL("../../../.release-key", import.meta.url));
  expect(statSync(named).mode & 0o077).toBe(0);
  expect(read("release.sig")).toBe(signatureOf(read("release.json"), releaseKey()));
  expect(read("sw.js")).toContain(releaseKey().public);
});
