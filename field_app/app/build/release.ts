/**
 * Release: what the built app consists of, and the check of every byte of it.
 *
 * The page names the digest of each script and style that it loads (Subresource Integrity). `release.json` lists every file
 * with its digest; the service worker carries the same list, and installs a release whole or not at all. All of this is made
 * from the files as they lie on disk: what a bundler still changes after it has said what it made would not be what runs.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Plugin } from "vite";
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
  /** Of the list of files: it changes when any byte of any of them does. */
  readonly id: string;
  readonly files: readonly ReleaseFile[];
}

const PLACE_FOR_RELEASE = /["'`]__RELEASE__["'`]/;
/** What describes a release and is not of it. */
const NOT_LISTED: ReadonlySet<string> = new Set(["sw.js", "release.json", "release.sig", "headers.json"]);

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

function listFiles(folder: string): Release {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path));
  const files = paths
    .filter((path) => statSync(path).isFile())
    .map((path) => ({ path: relative(folder, path).split(sep).join("/"), content: readFileSync(path) }))
    .filter(({ path }) => !NOT_LISTED.has(path))
    .map(({ path, content }) => ({ path, digest: digest("sha256", content), bytes: content.length }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return { v: 1, id: createHash("sha256").update(JSON.stringify(files)).digest("hex"), files };
}

function writeRelease(folder: string): void {
  const page = join(folder, "index.html");
  writeFileSync(page, sealPage(readFileSync(page, "utf8"), folder));
  const worker = join(folder, "sw.js");
  const code = readFileSync(worker, "utf8");
  if (/^\s*(?:import|export)\b/m.test(code)) throw new Error("sw.js must be one file: it is checked as one");
  if (!PLACE_FOR_RELEASE.test(code)) throw new Error("sw.js has no place for the list of files");
  const list = JSON.stringify(listFiles(folder));
  writeFileSync(worker, code.replace(PLACE_FOR_RELEASE, () => list));
  writeFileSync(join(folder, "release.json"), list);
  writeFileSync(join(folder, "headers.json"), JSON.stringify(HEADERS, null, 2));
}

/** Adds the files of `folder` as they are, and when everything is written seals the page and lists the release. */
export function release(folder: string): Plugin {
  return {
    name: "release",
    apply: "build",
    enforce: "post",
    buildStart() {
      for (const name of readdirSync(folder)) {
        this.emitFile({ type: "asset", fileName: name, source: readFileSync(join(folder, name)) });
      }
    },
    writeBundle: {
      order: "post",
      handler(options) {
        if (options.dir === undefined) throw new Error("the app is built into a folder");
        writeRelease(options.dir);
      },
    },
  };
}
