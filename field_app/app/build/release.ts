/**
 * Release: what the built app consists of, and the check of every byte of it.
 *
 * The page names the digest of each script and style that it loads (Subresource Integrity). `release.json` lists every file
 * with its digest; the service worker carries the same list, and installs a release whole or not at all.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
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
const BESIDE: ReadonlySet<string> = new Set(["sw.js", "release.json", "release.sig", "headers.json"]);

/** Puts the policy and the digests into the page. Refuses a page with anything inline, or from anywhere else. */
function sealPage(html: string, bytesOf: (path: string) => Uint8Array): string {
  const sealed = html.replace(/<(script|link)\b[^>]*?\b(?:src|href)="\.\/([^"]+\.(?:js|css))"[^>]*>/g, (tag, _name, path: string) =>
    tag.replace(/\s*crossorigin/, "").replace(/>$/, ` integrity="${digest("sha384", bytesOf(path))}" crossorigin>`),
  );
  if (/<style|\bstyle=|\bon[a-z]+=|<script(?![^>]*\bsrc=)/i.test(sealed)) throw new Error("the page has script or style in it");
  if (/(?:src|href)="(?:https?:)?\/\//i.test(sealed)) throw new Error("the page loads something from elsewhere");
  const meta = `<meta http-equiv="content-security-policy" content="${PAGE_POLICY}">`;
  return sealed.replace("<head>", `<head>\n    ${meta}`);
}

function listFiles(folder: string): Release {
  const paths = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !BESIDE.has(path))
    .sort();
  const files = paths.map((path) => {
    const bytes = readFileSync(join(folder, path));
    return { path, digest: digest("sha256", bytes), bytes: bytes.length };
  });
  const id = createHash("sha256").update(JSON.stringify(files)).digest("hex");
  return { v: 1, id, files };
}

/** Adds the files of `folder` as they are; when all is on the disk, seals the page and writes the list of the release over what lies there. */
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
    writeBundle({ dir }, bundle) {
      if (dir === undefined) throw new Error("a release needs a folder");
      const at = (path: string): string => join(dir, path);
      const worker = bundle["sw.js"];
      if (worker?.type !== "chunk") throw new Error("sw.js was not built");
      if (worker.imports.length > 0) throw new Error("sw.js must be one file: it is checked as one");
      writeFileSync(at("index.html"), sealPage(readFileSync(at("index.html"), "utf8"), (path) => readFileSync(at(path))));
      const list = listFiles(dir);
      const code = readFileSync(at("sw.js"), "utf8");
      if (!PLACE_FOR_RELEASE.test(code)) throw new Error("sw.js has no place for the list of files");
      writeFileSync(at("sw.js"), code.replace(PLACE_FOR_RELEASE, () => JSON.stringify(list)));
      writeFileSync(at("release.json"), JSON.stringify(list));
      writeFileSync(at("headers.json"), JSON.stringify(HEADERS, null, 2));
    },
  };
}
