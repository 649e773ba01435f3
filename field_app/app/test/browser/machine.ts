/** A real browser and a server that sends what build/security.ts says: for tests. */
import { createReadStream, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";
import { HEADERS } from "../../build/security";

export const APP = fileURLToPath(new URL("../../dist", import.meta.url));
export const PAGES = fileURLToPath(new URL("../../dist-test", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

export interface Site {
  readonly address: string;
  /** Requests that were answered, by path. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** Serves a folder on a port of its own. `alter` may send other bytes for a path. */
export async function serve(folder: string, alter: (path: string) => string | undefined = () => undefined): Promise<Site> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://here").pathname).replace(/^\/+/, "") || "index.html";
    const file = join(folder, path);
    asked.push(path);
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (path === "favicon.ico") {
      response.writeHead(204).end(); // browsers ask for it by themselves where a page names no icon
      return;
    }
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    const other = alter(path);
    if (other !== undefined) response.end(other);
    else createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    address: `http://127.0.0.1:${address.port}/`,
    asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const newProfile = (): string => mkdtempSync(join(tmpdir(), "profile-"));
export const removeProfile = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export const FLAGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export type Viewport = { readonly width: number; readonly height: number };
export const PHONE: Viewport = { width: 360, height: 740 };
export const DESK: Viewport = { width: 1280, height: 900 };

const START = { executablePath: "/usr/bin/chromium", headless: true, args: [...FLAGS] };
const KIND = { viewport: PHONE, locale: "en-GB", timezoneId: "Europe/London" };

/** A browser with its own profile on disk, which stays when the browser goes. */
export function browse(profile: string, viewport: Viewport = PHONE, more: object = {}): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, { ...START, ...KIND, viewport, ...more });
}

/** A browser for many tests. */
export const launch = (): Promise<Browser> => chromium.launch(START);

/** What one test has of it: a phone as new, which keeps nothing. */
export const newContext = (browser: Browser): Promise<BrowserContext> => browser.newContext(KIND);

/** Whatever a page complained about: an error that nobody caught, or something that its policy stopped. */
export function complaints(page: Page): string[] {
  const heard: string[] = [];
  page.on("pageerror", (error) => heard.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") heard.push(message.text());
  });
  return heard;
}

/** Ends the browser of a profile as a flat battery would: every process with the profile's folder in its command. */
export function killBrowser(profile: string): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`--user-data-dir=${profile}`)) process.kill(Number(pid), "SIGKILL");
    } catch {
      continue; // it has ended by itself meanwhile
    }
  }
}

/** Files of a profile that have the words, or the bytes, in them, plainly or in one of the usual disguises. */
export function findInProfile(profile: string, words: string | Uint8Array): readonly string[] {
  const bytes = Buffer.from(words);
  const forms = [
    bytes,
    ...(typeof words === "string" ? [Buffer.from(words, "utf16le"), gzipSync(words).subarray(10, -8)] : []),
    Buffer.from(bytes.toString("hex")),
    Buffer.from(bytes.toString("base64").replace(/=+$/, "").slice(0, -1)),
  ];
  const files = readdirSync(profile, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const content = readFileSync(file);
      return forms.some((form) => content.includes(form));
    });
}

declare global {
  /** axe-core, where a test has put it into the page. */
  var axe: {
    run(root: Document, options: object): Promise<{
      readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
    }>;
  };
}
