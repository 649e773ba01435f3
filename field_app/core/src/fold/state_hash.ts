/** One hash of everything folded, to compare devices by. Spec 5.6. Vectors: fold, stub. */
import { type CborValue, encode } from "../cbor";
import { compareOpIds } from "../change";
import { H } from "../hash";
import type { Folded } from "./fold";
import type { FoldedOp, FoldedRecord } from "./model";
import { fieldsInOrder } from "./show";

/** A value of a part keeps its depth and stands deeper here. */
const DEPTH = 64;

export const byOpId = (ops: readonly FoldedOp[]): readonly FoldedOp[] =>
  [...ops].sort((a, b) => compareOpIds(a.id, b.id));

function recordBytes(record: FoldedRecord): Uint8Array {
  const pairs = (ops: readonly FoldedOp[]): CborValue => byOpId(ops).map(({ id, value }) => [id, value]);
  const fields = fieldsInOrder(record).map(({ field, live, proposals }) => [field, [pairs(live), pairs(proposals)]]);
  const signatures = record.signatures.map(({ id, signed }) => [id, signed]);
  return encode([record.id, record.type, record.version, fields, signatures, record.hidden], DEPTH);
}

/** Of the log's changes alone: pending ones are left out by whoever calls. */
export function stateHash({ records }: Folded): Uint8Array {
  return H(...recordsInOrder(records).map(recordBytes));
}

/** In order of id, which is that of its hexadecimal text. */
export function recordsInOrder(records: ReadonlyMap<string, FoldedRecord>): readonly FoldedRecord[] {
  return [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}
