/**
 * What a person's edits become: ops, with the preds that this device knows. Spec 5.1, 5.3. Pure.
 *
 * Nothing here checks values (core/values.ts does). What may not be done is refused before anything is kept: an edit
 * is whole or it is not.
 */
import { encode } from "@fieldkeep/core/cbor";
import { equal } from "@fieldkeep/core/bytes";
import {
  type Cell,
  DELETED,
  type Field,
  fieldKey,
  type Json,
  type Op,
  type OpId,
  opKey,
  SIGNED,
} from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import type { FoldedField, FoldedOp, FoldedRecord } from "@fieldkeep/core/fold/model";
import { conflicts, unweighed } from "@fieldkeep/core/fold/show";
import { CONTESTED, FREEZES, type Merge, type RecordRules } from "@fieldkeep/core/record_rules";

export type Edit =
  | { readonly act: "set"; readonly field: string; readonly value: Json }
  /** A member of a set, or a new row of a list. */
  | { readonly act: "add"; readonly field: string; readonly value: Json }
  | { readonly act: "remove"; readonly field: string; readonly value: Json }
  /** `row` is the op that added it. */
  | { readonly act: "cell"; readonly field: string; readonly row: OpId; readonly cell: string; readonly value: Json };

/** Who writes, and the number that their next change in this log will have. */
export interface Writer {
  readonly device: Uint8Array;
  readonly user: Uint8Array;
  readonly c: number;
}

const STATE = "state";
const MOST_PREDS = 4096;
const MOST_SIGNED = 2 * MOST_PREDS;
const FREEZING: ReadonlySet<string> = new Set(["quick", "evidence", "ledger"]);

const op = (field: Field, action: Op["action"], value: Json, preds: readonly OpId[] = []): Op => ({
  field,
  action,
  value,
  preds,
});
const idsOf = (live: readonly FoldedOp[]): readonly OpId[] => live.map(({ id }) => id);
const sameValue = (a: Json, b: Json): boolean => equal(encode(a), encode(b));

/** Whether the person who made the record has signed it. */
export function isSigned({ created, signatures }: FoldedRecord): boolean {
  return created !== null && signatures.some(({ by }) => equal(by.user, created.user));
}

export const freezes = (rules: RecordRules): boolean => FREEZING.has(rules.weight);

/** A record that freezes when it is signed, and that its author has neither signed nor made void. */
export function isDraft(record: FoldedRecord): boolean {
  return record.rules !== null && freezes(record.rules) && !isSigned(record) && !record.isVoid && !record.hidden;
}

export const isOwn = (record: FoldedRecord, writer: Writer): boolean =>
  record.created !== null && equal(record.created.user, writer.user);

function isFrozen(record: FoldedRecord, rules: RecordRules, name: string, merge: Merge): boolean {
  return freezes(rules) && isSigned(record) && FREEZES.has(merge) && name !== STATE;
}

// --- a new record -------------------------------------------------------------------------------------------------

/** The ops that begin a record. */
export function begun(edits: readonly Edit[]): readonly Op[] {
  const ops = edits.map((edit) => {
    if (edit.act === "set" || edit.act === "add") return op(edit.field, edit.act, edit.value);
    throw new Refused("bad-value", "a new record has nothing yet that could be removed or changed");
  });
  if (ops.length === 0) throw new Refused("bad-value", "a new record says at least one thing");
  return ops;
}

/** With what signs a change by itself: a quick record that lacks nothing is signed by saving. */
export function signedBySaving(ops: readonly Op[], { device, c }: Writer): readonly Op[] {
  const made = ops.map((_, index): OpId => [device, c, index]);
  return [...ops, op(STATE, "set", "signed"), op(SIGNED, "sign", null, made)];
}

// --- a record that is there ---------------------------------------------------------------------------------------

export function changed(
  record: FoldedRecord,
  rules: RecordRules,
  edits: readonly Edit[],
  writer: Writer,
): readonly Op[] {
  if (record.isVoid) throw new Refused("frozen", "this record was made void: write a new one");
  return edits.map((edit) => changedOne(record, rules, edit, writer));
}

function changedOne(record: FoldedRecord, rules: RecordRules, edit: Edit, writer: Writer): Op {
  const field = rules.fields.get(edit.field);
  const at = record.fields.get(fieldKey(edit.field));
  if (field === undefined || edit.field === STATE)
    throw new Refused("bad-value", `${edit.field} is not a field that is changed by hand`);
  if (edit.act === "cell") return changedCell(record, edit, field.cells.get(edit.cell)?.merge);
  if (isFrozen(record, rules, edit.field, field.merge)) {
    throw new Refused("frozen", `${edit.field} was signed: add to it, or write a new record that corrects this one`);
  }
  if (field.merge === "once" && !equal(record.created?.device ?? writer.device, writer.device)) {
    throw new Refused("not-permitted", `${edit.field} is written once, on the device that began this record`);
  }
  switch (edit.act) {
    case "add":
      return op(edit.field, "add", edit.value);
    case "remove":
      return op(edit.field, "remove", null, idsOf(at?.live.filter(({ value }) => sameValue(value, edit.value)) ?? []));
    case "set":
      checkUndisputed(at, field.merge, edit.field);
      return op(edit.field, "set", edit.value, idsOf(at?.live ?? []));
    default: {
      const never: never = edit;
      return never;
    }
  }
}

function changedCell(record: FoldedRecord, edit: Edit & { readonly act: "cell" }, merge: Merge | undefined): Op {
  if (merge === undefined || merge === "once")
    throw new Refused("bad-value", `${edit.field} has no ${edit.cell} that may change: add a row instead`);
  const cell: Cell = [edit.field, edit.row, edit.cell];
  const at = record.fields.get(fieldKey(cell));
  checkUndisputed(at, merge, edit.field);
  const live = at?.live ?? [];
  return op(cell, "set", edit.value, live.length > 0 ? idsOf(live) : [edit.row]);
}

function checkUndisputed(at: FoldedField | undefined, merge: Merge, name: string): void {
  if (at?.conflict === true && CONTESTED.has(merge))
    throw new Refused("in-conflict", `${name} is in conflict: settle it first`);
}

/** Settles a field in conflict: what stands, and why. `reason` is for whoever asks later. */
export function resolved(record: FoldedRecord, field: Field, chosen: Json, reason: string): Op {
  const at = record.fields.get(fieldKey(field));
  if (at === undefined) throw new Refused("not-found", "there is no such field in this record");
  if (reason.trim() === "") throw new Refused("bad-value", "say in a few words why");
  return op(field, "resolve", [chosen, reason.trim()], idsOf(at.live));
}

// --- signing, adding, taking out ----------------------------------------------------------------------------------

function inPieces(preds: readonly OpId[]): readonly Op[] {
  const pieces: Op[] = [];
  for (let at = 0; at < preds.length; at += MOST_PREDS)
    pieces.push(op(SIGNED, "sign", null, preds.slice(at, at + MOST_PREDS)));
  return pieces;
}

/**
 * Signs a record as it stands. A record that its author signed before stays as it was: the signature then says what
 * was read since.
 */
export function signed(record: FoldedRecord, rules: RecordRules, writer: Writer): readonly Op[] {
  if (record.isVoid) throw new Refused("frozen", "this record was made void");
  const own = isOwn(record, writer);
  if (freezes(rules) && !own) throw new Refused("not-permitted", "only its author signs a record");
  if (freezes(rules) && isSigned(record)) {
    const unread = unweighed(record).map(([, { id }]) => id);
    if (unread.length === 0)
      throw new Refused("frozen", "this record is signed, and nobody has proposed anything since");
    return inPieces(unread.slice(0, MOST_SIGNED));
  }
  if (conflicts(record).length > 0) throw new Refused("in-conflict", "settle first what is in conflict");
  const state = record.fields.get(fieldKey(STATE));
  return [op(STATE, "set", "signed", idsOf(state?.live ?? [])), ...inPieces(standing(record, writer))];
}

/**
 * What a first signature names: what stands, of each value in a set its first addition, one's own first; then what was
 * proposed.
 */
function standing(record: FoldedRecord, { user }: Writer): readonly OpId[] {
  const own = ({ from }: FoldedOp): number => (equal(from.user, user) ? 0 : 1);
  const named = new Map<string, FoldedOp>();
  for (const at of record.fields.values()) {
    for (const one of [...at.live].sort((a, b) => own(a) - own(b))) {
      const key = `${fieldKey(at.field)} ${at.rules?.merge === "set" ? opless(one) : one.key}`;
      if (!named.has(key)) named.set(key, one);
    }
  }
  const stands = [...named.values()].sort((a, b) => own(a) - own(b));
  const proposed = [...record.fields.values()].flatMap(({ proposals }) => proposals);
  const unique = new Map([...stands, ...proposed].map(({ id }) => [opKey(id), id]));
  return [...unique.values()].slice(0, MOST_SIGNED);
}

const opless = ({ value }: FoldedOp): string => encode(value).join();

/** What came later is added to what was signed; the signed words stay. */
export function addended(text: string, reason: string): Op {
  return op(
    "addenda",
    "add",
    new Map([
      ["text", text],
      ["reason", reason],
    ]),
  );
}

/** Makes a record void, for good, with the reason as a row of `addenda`. */
export function voided(record: FoldedRecord, reason: string, writer: Writer): readonly Op[] {
  if (!isOwn(record, writer)) throw new Refused("not-permitted", "only its author makes a record void");
  const state = record.fields.get(fieldKey(STATE));
  return [op(STATE, "set", "void", idsOf(state?.live ?? [])), addended("Made void.", reason)];
}

export function deleted(rules: RecordRules): Op {
  if (!rules.deletable)
    throw new Refused(
      "not-permitted",
      "records of this type are not deleted: make it void, or correct it by a new one",
    );
  return op(DELETED, "delete", true);
}
