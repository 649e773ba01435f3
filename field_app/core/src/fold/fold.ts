/**
 * The fold of a log: its changes in, its records out. Spec 5.2. Vectors: fold.
 *
 * A fold that takes more changes gives what a fold of all of them gives: only records that these touch are folded
 * again.
 */
import { equal, hex } from "../bytes";
import { type Change, changeKey, opValue } from "../change";
import { encode } from "../cbor";
import type { Types } from "../record_rules";
import type { FoldedRecord, Placed } from "./model";
import { RecordFold, type Step } from "./record";

export interface Folded {
  readonly log: Uint8Array;
  readonly types: Types;
  /** Every change taken, in log order. */
  readonly changes: readonly Placed[];
  /** The change that stands under each number of each device. */
  readonly standing: ReadonlyMap<string, Placed>;
  readonly steps: ReadonlyMap<string, readonly Step[]>;
  /** By hexadecimal id. */
  readonly records: ReadonlyMap<string, FoldedRecord>;
}

export function emptyFold(log: Uint8Array, types: Types): Folded {
  return { log, types, changes: [], standing: new Map(), steps: new Map(), records: new Map() };
}

export function fold(log: Uint8Array, types: Types, changes: readonly Placed[]): Folded {
  return take(emptyFold(log, types), changes);
}

const before = (a: Placed, b: Placed): number => a.seq - b.seq || a.change.c - b.change.c || a.part - b.part;

/** Takes changes that come after all others, and those that have their place in the middle (an epoch opened later). */
export function take(folded: Folded, more: readonly Placed[]): Folded {
  const added = [...more].sort(before);
  const [last, next] = [folded.changes.at(-1), added[0]];
  if (next === undefined) return folded;
  if (last === undefined || before(last, next) <= 0) return extended(folded, added);
  return fold(folded.log, folded.types, [...folded.changes, ...added]);
}

/** Puts the stub of a part in its place (5.7). Changes of that part that came later in the log are as they were. */
export function replace(folded: Folded, seq: number, part: number, stub: readonly Placed[]): Folded {
  const rest = folded.changes.filter((placed) => placed.seq !== seq || placed.part !== part);
  return fold(folded.log, folded.types, [...rest, ...stub]);
}

function extended(folded: Folded, added: readonly Placed[]): Folded {
  const standing = new Map(folded.standing);
  const steps = new Map(folded.steps);
  const touched = new Map<string, { id: Uint8Array; steps: Step[] }>();
  const stepsOf = (id: Uint8Array): Step[] => {
    const key = hex(id);
    const known = touched.get(key) ?? { id, steps: [...(steps.get(key) ?? [])] };
    touched.set(key, known);
    return known.steps;
  };
  for (const placed of added) {
    const key = changeKey(placed.device, placed.change.c);
    const first = standing.get(key);
    if (first === undefined) {
      standing.set(key, placed);
      stepsOf(placed.change.r).push({ kind: "change", placed });
    } else if (!isRepeat(first.change, placed.change)) stepsOf(first.change.r).push({ kind: "repeated", first });
  }
  const records = new Map(folded.records);
  for (const [key, { id, steps: own }] of touched) {
    steps.set(key, own);
    records.set(key, new RecordFold(folded.log, id, folded.types, own).result());
  }
  return { log: folded.log, types: folded.types, changes: [...folded.changes, ...added], standing, steps, records };
}

/** Neither `at` nor `b` nor the rest is compared: sealing again may alter them. */
function isRepeat(first: Change, second: Change): boolean {
  const ops = (change: Change): Uint8Array => encode(change.ops.map(opValue));
  return first === second || (equal(first.r, second.r) && equal(ops(first), ops(second)));
}

/** Where a device's own pending changes stand: after everything that the log has. */
export const PENDING_SEQ = Number.MAX_SAFE_INTEGER;

export interface Author {
  readonly device: Uint8Array;
  readonly user: Uint8Array;
  readonly role: string;
}

/** What the device shows: the log with its own pending changes laid over it. The state hash is of the log alone. */
export function withPending(folded: Folded, own: Author, pending: readonly Change[]): Folded {
  const placed = pending.map((change) => ({
    seq: PENDING_SEQ,
    received_ms: change.at,
    part: 0,
    device: own.device,
    user: own.user,
    role: own.role,
    late: false,
    stub: false,
    change,
  }));
  return take(folded, placed);
}
