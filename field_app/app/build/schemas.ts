/**
 * The tables of shared_schema as the app carries them: without what only people read who work on them. A phone does not
 * fetch where a field comes from, why a limit is what it is, or what an error means to whoever writes a client.
 */
import type { Plugin } from "vite";

const TABLE = /\/shared_schema\/[\w./]+\.json$/;
/** Left out where they say something in words; a field of that name is no such thing. */
const FOR_READERS: ReadonlySet<string> = new Set(["$schema", "$id", "description", "x-source", "source", "why", "means"]);

function withoutWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key, item]) => !(FOR_READERS.has(key) && typeof item === "string"));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutWords(item)]));
}

export const leanTables = (): Plugin => ({
  name: "lean-tables",
  enforce: "pre",
  transform: (code, id) => (TABLE.test(id) ? { code: JSON.stringify(withoutWords(JSON.parse(code))), map: null } : null),
});
