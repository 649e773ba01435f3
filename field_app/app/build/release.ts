/**
 * Release: what the built app consists of, and the check of every byte of it.
 *
 * The page names the digest of each script and style that it loads (Subresource Integrity). `release.json` lists every file
 * with its digest; the service worker carries the same list, and installs a release whole or not at all.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Plugin, Rolldown } from "vite";
import { HEADERS, PAGE_POLICY } from "./security";

type Emitted = Rolldown.OutputAsset | Rolldown.OutputChunk;

const bytesOf = (file: Emitted): Buffer => Buffer.from(file.type === "chunk" ? file.code : file.source);
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

/** Puts the policy and the digests into the page. Refuses a page with anything inline, or from anywhere else. */
function sealPage(html: string, bundle: Readonly<Record<string, Emitted>>): string {
  const sealed = html.replace(/<(script|link)\b[^>]*?\b(?:src|href)="\.\/([^"]+\.(?:js|css))"[^>]*>/g, (tag, _name, path: string) => {
    const file = bundle[path];
    if (file === undefined) throw new Error(`the page names ${path}, which was not built`);
    return tag.replace(/\s*crossorigin/, "").replace(/>$/, ` integrity="${digest("sha384", bytesOf(file))}" crossorigin>`);
  });
  if (/<style|\bstyle=|\bon[a-z]+=|<script(?![^>]*\bsrc=)/i.test(sealed)) throw new Error("the page has script or style in it");
  if (/(?:src|href)="(?:https?:)?\/\//i.test(sealed)) throw new Error("the page loads something from elsewhere");
  const meta = `<meta http-equiv="content-security-policy" content="${PAGE_POLICY}">`;
  return sealed.replace("<head>", `<head>\n    ${meta}`);
}

function listFiles(bundle: Readonly<Record<string, Emitted>>): Release {
  const files = Object.values(bundle)
    .filter((file) => file.fileName !== "sw.js" && file.fileName !== "release.json" && file.fileName !== "headers.json")
    .map((file) => ({ path: file.fileName, digest: digest("sha256", bytesOf(file)), bytes: bytesOf(file).length }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const id = createHash("sha256").update(JSON.stringify(files)).digest("hex");
  return { v: 1, id, files };
}

/** Adds the files of `folder` as they are, seals the page and writes the list of the release. */
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
    generateBundle(_options, bundle) {
      const page = bundle["index.html"];
      const worker = bundle["sw.js"];
      if (page?.type !== "asset") throw new Error("index.html was not built");
      if (worker?.type !== "chunk") throw new Error("sw.js was not built");
      if (worker.imports.length > 0) throw new Error("sw.js must be one file: it is checked as one");
      page.source = sealPage(String(page.source), bundle);
      const list = listFiles(bundle);
      if (!PLACE_FOR_RELEASE.test(worker.code)) throw new Error("sw.js has no place for the list of files");
      worker.code = worker.code.replace(PLACE_FOR_RELEASE, () => JSON.stringify(list));
      this.emitFile({ type: "asset", fileName: "release.json", source: JSON.stringify(list) });
      this.emitFile({ type: "asset", fileName: "headers.json", source: JSON.stringify(HEADERS, null, 2) });
    },
  };
}
