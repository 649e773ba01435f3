/** Everything that a session has in memory, as text: what was read from the rows has to say the same. */
import { hex } from "@fieldkeep/core/bytes";
import { stateHash } from "@fieldkeep/core/fold/state_hash";
import type { Session } from "../src/session";

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Map) return [...value].map(([key, item]) => [String(key), plain(item)]).sort();
  if (value instanceof Set) return [...value].map(plain).sort();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("length" in value && "at" in value && typeof value.at === "function") {
    const { at, length } = value as { at: (index: number) => unknown; length: number };
    return Array.from({ length }, (_, index) => plain(at.call(value, index)));
  }
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, item]) => [key, plain(item)]));
}

export function snapshot({ memory }: Session): ReadonlyMap<string, string> {
  const { files, leaves, ...rest } = memory;
  const said = new Map(Object.entries(rest).map(([key, value]) => [key, JSON.stringify(plain(value))]));
  for (const [key, { folded, ...open }] of files) {
    for (const [name, value] of Object.entries(open)) said.set(`${key} ${name}`, JSON.stringify(plain(value)));
    said.set(`${key} folded`, hex(stateHash(folded)));
    said.set(`${key} changes`, String(folded.changes.length));
  }
  return said;
}

export function differing(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key));
}
