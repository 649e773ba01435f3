/** What goes into a fold and what comes out of it. Spec 5.2 to 5.6. */
import type { Change, Field, Json, OpId } from "../change";
import type { FieldRules, RecordRules } from "../record_rules";

/** A change with its place in the log and its author as the log has them. */
export interface Placed {
  readonly seq: number;
  readonly received_ms: number;
  /** The index of its part within the entry. */
  readonly part: number;
  readonly device: Uint8Array;
  readonly user: Uint8Array;
  /** The author's role in the file at that place. */
  readonly role: string;
  /** It came in an admission (7.5). */
  readonly late: boolean;
  /** It stands in a stub (5.7): values in it may be markers. */
  readonly stub: boolean;
  readonly change: Change;
}

/** One op, folded. */
export interface FoldedOp {
  readonly id: OpId;
  readonly key: string;
  /** Rising in the order in which ops were folded. */
  readonly place: number;
  readonly from: Placed;
  /** Of a `resolve`, what was chosen. */
  readonly value: Json;
  /** Of a `resolve`, why; of other ops the empty text. */
  readonly reason: string;
}

export interface FoldedField {
  readonly field: Field;
  /** Absent where the schema does not know the field. */
  readonly rules: FieldRules | null;
  /** In log order, as are the proposals. */
  readonly live: readonly FoldedOp[];
  readonly proposals: readonly FoldedOp[];
  readonly conflict: boolean;
}

export interface Signature {
  readonly by: Placed;
  readonly id: OpId;
  readonly signed: readonly OpId[];
}

export const FLAGS = [
  "action-does-not-fit-field",
  "names-an-op-it-cannot-have-seen",
  "names-a-row-that-is-not-there",
  "rows-are-never-removed",
  "signs-an-op-that-is-not-there",
  "this-type-is-not-deletable",
  "repeated-with-other-content",
] as const;
export type Flag = (typeof FLAGS)[number];

export interface FoldedRecord {
  readonly id: Uint8Array;
  /** The creating change; absent where it is not in the log. */
  readonly created: Placed | null;
  readonly type: string;
  readonly version: number;
  readonly rules: RecordRules | null;
  readonly hidden: boolean;
  /** `void` is live in the field `state`. */
  readonly isVoid: boolean;
  readonly fields: ReadonlyMap<string, FoldedField>;
  readonly signatures: readonly Signature[];
  readonly flags: readonly (readonly [OpId, Flag])[];
  /** What the ops of each field said, by op: where the chain of a marker leads (5.7). Empty without stubs. */
  readonly said: Said;
}

export interface SaidOp {
  readonly value: Json;
  readonly stub: boolean;
}

export type Said = ReadonlyMap<string, ReadonlyMap<string, SaidOp>>;
