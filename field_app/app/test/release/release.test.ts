/** The app as it is shipped: its policy, its digests, its size, and that it opens without a network, whole or not at all. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { BrowserContext, Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { APP, type Site, browse, complaints, newProfile, removeProfile, serve } from "../browser/machine";

const files = readdirSync(APP, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(APP, name)).isFile());
const read = (name: string): Buffer => readFileSync(join(APP, name));
const page = read("index.html").toString();

let site: Site | undefined;
let browser: BrowserContext;
let profile: string;
let altered: { readonly path: string; readonly bytes: string } | undefined;

async function open(): Promise<Page> {
  const opened = await browser.newPage();
  await opened.goto(site?.address ?? "");
  return opened;
}

const installed = (opened: Page): Promise<unknown> =>
  opened.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller === null) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
  });

beforeEach(async () => {
  altered = undefined;
  site = await serve(APP, (path) => (path === altered?.path ? altered.bytes : undefined));
  profile = newProfile();
  browser = await browse(profile);
});
afterEach(async () => {
  await browser.close();
  await site?.stop();
  removeProfile(profile);
});

describe("the page", () => {
  it("has nothing inline, loads nothing from elsewhere, and names the digest of each file that it loads", () => {
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=|https?:/i);
    const loaded = [...page.matchAll(/<(?:script|link)\b[^>]*(?:src|href)="\.\/([^"]+\.(?:js|css))"[^>]*>/g)];
    expect(loaded.length).toBeGreaterThanOrEqual(2);
    for (const [tag, name = ""] of loaded) {
      const digest = createHash("sha384").update(read(name)).digest("base64");
      expect(tag).toContain(`integrity="sha384-${digest}"`);
    }
  });

  it("and everything with it says nothing of what it is", () => {
    expect(page).toContain("<title>Notes</title>");
    const manifest = JSON.parse(read("manifest.webmanifest").toString()) as { name: string; short_name: string };
    expect([manifest.name, manifest.short_name]).toEqual(["Notes", "Notes"]);
    expect(page + read("manifest.webmanifest").toString()).not.toMatch(/fieldkeep|case|victim|abuse|police|navigator/i);
  });

  it("has a policy that lets nothing else run", async () => {
    const opened = await open();
    const heard = complaints(opened);
    const ran = await opened.evaluate(async () => {
      const outcomes: string[] = [];
      const attempt = async (name: string, work: () => unknown): Promise<void> => {
        // In a turn of its own: what a debugger calls itself is not held to the page's policy.
        const outcome = await new Promise<string>((resolve) => {
          setTimeout(() => {
            Promise.resolve()
              .then(work)
              .then(
                () => resolve("ran"),
                () => resolve("stopped"),
              );
          });
        });
        outcomes.push(`${name} ${outcome}`);
      };
      await attempt("eval", () => (0, eval)("1"));
      await attempt("function", () => new Function("return 1")());
      await attempt("markup", () => {
        document.body.innerHTML = "<b>x</b>";
      });
      await attempt("worker", () => new Worker("assets/x.js"));
      await attempt("policy", () => (globalThis as unknown as { trustedTypes: { createPolicy(n: string, r: object): unknown } }).trustedTypes.createPolicy("other", {}));
      await attempt("elsewhere", () => fetch("https://example.com/"));
      const inline = document.createElement("style");
      inline.textContent = "body { color: rgb(1, 2, 3) }";
      document.head.append(inline);
      outcomes.push(getComputedStyle(document.body).color === "rgb(1, 2, 3)" ? "style ran" : "style stopped");
      return outcomes;
    });
    expect(ran).toEqual(["eval stopped", "function stopped", "markup stopped", "worker stopped", "policy stopped", "elsewhere stopped", "style stopped"]);
    expect(heard.length).toBeGreaterThan(0);
  });

  it("runs nothing that was altered on its way", async () => {
    const script = /src="\.\/(assets\/index-[^"]+\.js)"/.exec(page)?.[1] ?? "";
    altered = { path: script, bytes: `${read(script).toString()}\nglobalThis.planted = true;` };
    const opened = await open();
    await opened.waitForTimeout(500);
    expect(await opened.evaluate(() => "planted" in globalThis)).toBe(false);
    expect(await opened.locator("h1").count()).toBe(0);
  });

  it("asks for a passphrase, and asks nobody else for anything", async () => {
    const opened = await browser.newPage();
    const heard = complaints(opened);
    const asked: string[] = [];
    opened.on("request", (request) => asked.push(request.url()));
    await opened.goto(site?.address ?? "");
    await opened.getByRole("heading", { level: 1, name: "Choose a passphrase" }).waitFor();
    expect(asked.every((url) => url.startsWith(site?.address ?? "-"))).toBe(true);
    expect(heard).toEqual([]);
  });
});

describe("its size", () => {
  it("is below 250 KB compressed, without the WebAssembly of Argon2id and what is loaded when it is needed: the reader of codes, the words of recovery shares, the console, what looks through a note, the screens of what is seldom done", () => {
    for (const later of ["jsQR", "recovery_shares", "console-", "live-", "desk-", "looking-"]) {
      expect(files.filter((name) => name.includes(later))).toHaveLength(1);
      expect(page).not.toContain(later);
    }
    const sizes = files
      .filter((name) => /\.(?:js|css|html|svg|webmanifest)$/.test(name) && !/argon|jsQR|recovery_shares|console-|live-|desk-|looking-/.test(name))
      .map((name) => ({ name, raw: read(name).length, gzip: gzipSync(read(name), { level: 9 }).length, brotli: brotliCompressSync(read(name)).length }));
    const sum = (of: "raw" | "gzip" | "brotli"): number => sizes.reduce((total, one) => total + one[of], 0);
    console.log(`${sum("raw")} B, ${sum("gzip")} B gzip, ${sum("brotli")} B brotli`, sizes);
    expect(sum("gzip")).toBeLessThan(250_000);
  });
});

describe("without a network", () => {
  it("opens from cold, after the browser was closed and the server is gone", async () => {
    const first = await open();
    await installed(first);
    await browser.close();
    const address = site?.address ?? "";
    await site?.stop();
    site = undefined;
    browser = await browse(profile);
    const again = await browser.newPage();
    const heard = complaints(again);
    const start = performance.now();
    await again.goto(address);
    await again.getByRole("heading", { level: 1, name: "Choose a passphrase" }).waitFor();
    console.log(`cold start without a network: ${Math.round(performance.now() - start)} ms`);
    await again.getByLabel("Passphrase", { exact: true }).fill("correct horse battery");
    await again.getByLabel("The same again").fill("correct horse battery");
    await again.getByRole("button", { name: "Continue" }).click();
    await again.getByRole("heading", { level: 1, name: "Join your service" }).waitFor();
    expect(heard).toEqual([]);
  });
});
