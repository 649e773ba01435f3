/** A field while its record is folded: what is live, what is proposed, what was. Spec 5.3. Vectors: fold. */
import { type Field, type OpId, opKey } from "../change";
import type { FieldRules } from "../record_rules";
import type { FoldedOp } from "./model";

export interface Slot {
  readonly field: Field;
  readonly key: string;
  readonly rules: FieldRules | null;
  readonly live: Map<string, FoldedOp>;
  readonly proposals: Map<string, FoldedOp>;
  /** Every op that was live at some time. */
  readonly wasLive: Map<string, FoldedOp>;
  /** Ops on this field, ignored ones too, with their `seq`. */
  readonly folded: Map<string, number>;
  /** Of each device the `[c, index]` of what it set last that became live, or of the row that began the cell. */
  readonly newest: Map<string, readonly [number, number]>;
}

export function newSlot(field: Field, key: string, rules: FieldRules | null): Slot {
  const [live, proposals, wasLive] = [new Map(), new Map(), new Map()];
  return { field, key, rules, live, proposals, wasLive, folded: new Map(), newest: new Map() };
}

/** The `seq` of an op that was folded on the field before; for a cell the `add` of its `row` is one. */
export function standsAt(slot: Slot, row: FoldedOp | undefined, key: string): number | undefined {
  return row?.key === key ? row.from.seq : slot.folded.get(key);
}

/** An op's key begins with its device's id. */
export const deviceOf = ({ key }: FoldedOp): string => key.slice(0, 32);

/** Whether a greater op of the same device became live on this field before. */
export function isOlder(slot: Slot, op: FoldedOp): boolean {
  const [c, index] = slot.newest.get(deviceOf(op)) ?? [0, 0];
  return c > op.id[1] || (c === op.id[1] && index > op.id[2]);
}

export const rowKey = (list: string, row: OpId): string => `${opKey(row)} ${list}`;

export const inOrder = (ops: ReadonlyMap<string, FoldedOp>): readonly FoldedOp[] =>
  [...ops.values()].sort((a, b) => a.place - b.place);

export function join(slot: Slot, op: FoldedOp): void {
  slot.live.set(op.key, op);
  slot.wasLive.set(op.key, op);
}

/** From now on exactly the signed ops that were ever live are live; every other live op is a proposal. */
export function freeze(slot: Slot, signed: ReadonlyMap<string, OpId>): void {
  for (const [key, op] of slot.live) if (!signed.has(key)) slot.proposals.set(key, op);
  slot.live.clear();
  for (const [key, op] of slot.wasLive) if (signed.has(key)) slot.live.set(key, op);
}
