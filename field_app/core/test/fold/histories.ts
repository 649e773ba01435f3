/**
 * Random histories of one log, the same for the same seed: several devices and people, every action, stubs and late
 * work.
 */
import { fromHex } from "../../src/bytes";
import type { Action, Change, Field, Json, Op, OpId } from "../../src/change";
import type { Placed } from "../../src/fold/model";
import { recordId } from "../../src/ids";
import type { FieldRules, Merge, Types } from "../../src/record_rules";

export const LOG = new Uint8Array(16).fill(7);

/** A small generator of numbers below `n` (mulberry32). */
export function numbers(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const id = (n: number): Uint8Array => fromHex(n.toString(16).padStart(32, "0"));

function rules(merge: Merge, more: Partial<FieldRules> = {}): FieldRules {
  return { merge, while_conflicted: "show_all", kind: "text", order: [], cells: new Map(), write: null, ...more };
}

const FIELDS: ReadonlyMap<string, FieldRules> = new Map([
  ["once", rules("once")],
  ["latest", rules("latest")],
  ["ask", rules("ask", { while_conflicted: "stop" })],
  ["strict", rules("ask", { while_conflicted: "strictest", kind: "code", order: ["a", "b"] })],
  ["worst", rules("worst", { kind: "yn" })],
  ["story", rules("text")],
  ["state", rules("worst", { kind: "code", order: ["draft", "signed", "void"] })],
  ["set", rules("set")],
  [
    "rows",
    rules("append", {
      kind: "list",
      cells: new Map([
        ["x", rules("once")],
        ["y", rules("ask")],
        ["z", rules("worst")],
      ]),
    }),
  ],
]);

export const TYPES: Types = new Map([
  ["plan", { version: 1, weight: "living", deletable: true, write: [], fields: FIELDS }],
  ["note", { version: 1, weight: "evidence", deletable: false, write: [], fields: FIELDS }],
]);

const NAMES = [...FIELDS.keys(), "unknown"];
const VALUES: readonly Json[] = [
  "a",
  "b",
  "c",
  "yes",
  "no",
  "signed",
  "void",
  "draft",
  null,
  1,
  true,
  new Map([["missing", "not_asked"]]),
];
const ACTIONS: readonly Action[] = ["set", "set", "set", "add", "add", "remove", "resolve", "sign", "delete"];

/** A few ops of every record are kept in mind, to be named by later ones. */
const REMEMBERED = 24;

export function history(seed: number, size: number, recordCount = 4): readonly Placed[] {
  const next = numbers(seed);
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  const made = new Map<Uint8Array, OpId[]>();
  const anywhere: OpId[] = [];
  const records: Uint8Array[] = [];
  const counters = [0, 0, 0, 0];
  const placed: Placed[] = [];
  let seq = 0;
  while (placed.length < size) {
    const who = next(counters.length);
    const device = id(100 + who);
    counters[who] = (counters[who] ?? 0) + 1 + (next(12) === 0 ? 1 : 0);
    // Now and then a number is used again, or an older one: what a cloned or a late device would do.
    const c = next(25) === 0 ? 1 + next(counters[who] ?? 1) : (counters[who] ?? 1);
    if (next(3) > 0) seq += 1;
    const begins = records.length < recordCount || next(40) === 0;
    const r = begins ? recordId(LOG, device, c) : pick(records);
    if (begins) records.push(r);
    const ops: Op[] = [];
    for (let index = 0; index < 1 + next(4); index++) {
      const op = anOp(next, pick, next(10) === 0 ? anywhere : (made.get(r) ?? []));
      ops.push(op);
    }
    const change: Change = {
      r,
      t: pick(["plan", "note", "new"]),
      s: 1,
      c,
      b: next(seq + 1),
      at: 1000 + placed.length,
      ops,
      u: false,
    };
    for (const list of [made.get(r) ?? [], anywhere]) {
      for (const index of ops.keys())
        list.splice(list.length < REMEMBERED ? list.length : next(REMEMBERED), 1, [device, c, index]);
      if (list !== anywhere) made.set(r, list);
    }
    const late = next(8) === 0;
    placed.push({
      seq: Math.max(1, seq),
      received_ms: seq,
      part: 0,
      device,
      user: id(who >> 1),
      role: "navigator",
      late,
      stub: false,
      change,
    });
  }
  return placed;
}

function anOp(next: (n: number) => number, pick: <T>(list: readonly T[]) => T, made: readonly OpId[]): Op {
  const action = pick(ACTIONS);
  const preds = made.length === 0 ? [] : Array.from({ length: next(3) }, () => pick(made));
  if (action === "sign") return { field: "_signed", action, value: null, preds };
  if (action === "delete") return { field: "_deleted", action, value: true, preds: [] };
  const row = made.length > 0 && next(3) === 0 ? pick(made) : null;
  const field: Field = row === null ? pick(NAMES) : [pick(["rows", "unknown"]), row, pick(["x", "y", "z", "w"])];
  if (action === "resolve") return { field, action, value: [pick(VALUES), "why"], preds };
  const value =
    action === "add" && next(2) === 0
      ? new Map<string, Json>([
          ["x", pick(VALUES)],
          ["y", pick(VALUES)],
          ["z", "no"],
        ])
      : pick(VALUES);
  return { field, action, value, preds };
}
