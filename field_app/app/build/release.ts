/**
 * Release: what the built app consists of, the check of every byte of it, and the signature over that.
 *
 * The page names the digest of each script and style that it loads (Subresource Integrity). `release.json` lists every file
 * with its digest, also the service worker's; `release.sig` signs these very bytes. All of this is made from the files as
 * they lie on disk: what a bundler still changes after it has said what it made would not be what runs.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Plugin } from "vite";
import { type ReleaseKey, releaseKey } from "./release_key";
import { HEADERS, PAGE_POLICY } from "./security";

const digest = (algorithm: "sha256" | "sha384", bytes: Uint8Array): string =>
  `${algorithm}-${createHash(algorithm).update(bytes).digest("base64")}`;

export interface ReleaseFile {
  readonly path: string;
  readonly digest: string;
  readonly bytes: number;
}

export interface Release {
  readonly v: 1;
  /** When it was built, in milliseconds: it rises, and no phone goes back. */
  readonly number: number;
  /** Of the files and the worker: it changes when any byte of any of them does. */
  readonly id: string;
  /** The service worker's digest. */
  readonly worker: string;
  readonly files: readonly ReleaseFile[];
}

const WORKER = "sw.js";
/** What describes a release, and is not among its files. */
const NOT_LISTED: ReadonlySet<string> = new Set([WORKER, "release.json", "release.sig", "headers.json"]);

/** Puts the policy and the digests into the page. Refuses a page with anything inline, or from anywhere else. */
function sealPage(html: string, folder: string): string {
  const sealed = html.replace(/<(?:script|link)\b[^>]*?\b(?:src|href)="\.\/([^"]+\.(?:js|css))"[^>]*>/g, (tag, path: string) => {
    const integrity = digest("sha384", readFileSync(join(folder, path)));
    return tag.replace(/\s*crossorigin/, "").replace(/>$/, ` integrity="${integrity}" crossorigin>`);
  });
  if (/<style|\bstyle=|\bon[a-z]+=|<script(?![^>]*\bsrc=)/i.test(sealed)) throw new Error("the page has script or style in it");
  if (/(?:src|href)="(?:https?:)?\/\//i.test(sealed)) throw new Error("the page loads something from elsewhere");
  return sealed.replace("<head>", `<head>\n    <meta http-equiv="content-security-policy" content="${PAGE_POLICY}">`);
}

function listFiles(folder: string, number: number): Release {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path));
  const files = paths
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path: relative(folder, path).split(sep).join("/"), content: readFileSync(path) }))
    .filter(({ path }) => !NOT_LISTED.has(path))
    .map(({ path, content }) => ({ path, digest: digest("sha256", content), bytes: content.length }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const worker = digest("sha256", readFileSync(join(folder, WORKER)));
  return { v: 1, number, id: createHash("sha256").update(JSON.stringify([worker, files])).digest("hex"), worker, files };
}

/** The signature as it lies beside the list: base64 of the 64 bytes. */
export const signatureOf = (list: string, key: ReleaseKey): string => Buffer.from(key.sign(Buffer.from(list))).toString("base64");

function writeRelease(folder: string, key: ReleaseKey, number: number): void {
  const page = join(folder, "index.html");
  writeFileSync(page, sealPage(readFileSync(page, "utf8"), folder));
  const code = readFileSync(join(folder, WORKER), "utf8");
  if (/^\s*(?:import|export)\b/m.test(code)) throw new Error("sw.js must be one file: it is checked as one");
  if (!code.includes(key.public)) throw new Error("sw.js was built without the key that it checks releases under");
  const list = JSON.stringify(listFiles(folder, number));
  writeFileSync(join(folder, "release.json"), list);
  writeFileSync(join(folder, "release.sig"), signatureOf(list, key));
  writeFileSync(join(folder, "headers.json"), JSON.stringify(HEADERS, null, 2));
}

/** Adds the files of `folder` as they are, and when everything is written seals the page, lists the release and signs it. */
export function release(folder: string): Plugin {
  return {
    name: "release",
    apply: "build",
    enforce: "post",
    config: () => ({ define: { __RELEASE_KEY__: JSON.stringify(releaseKey().public) } }),
    buildStart() {
      for (const name of readdirSync(folder)) {
        this.emitFile({ type: "asset", fileName: name, source: readFileSync(join(folder, name)) });
      }
    },
    writeBundle: {
      order: "post",
      handler(options) {
        if (options.dir === undefined) throw new Error("the app is built into a folder");
        writeRelease(options.dir, releaseKey(), Date.now());
      },
    },
  };
}
