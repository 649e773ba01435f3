/** Registers the codec `part` and the operations of the topic fold. */
import type { CborValue } from "../../src/cbor";
import { changeValue, decodePart, encodePart, readPart } from "../../src/change";
import { fold } from "../../src/fold/fold";
import type { FoldedOp, FoldedRecord, Placed } from "../../src/fold/model";
import { conflicts, fieldsInOrder, outOfRole, shown } from "../../src/fold/show";
import { byOpId, recordsInOrder, stateHash } from "../../src/fold/state_hash";
import type { FieldRules, RecordRules, Types } from "../../src/record_rules";
import { MERGES, WEIGHTS, WHILE_CONFLICTED } from "../../src/record_rules";
import { asText, In, struct } from "./notation";
import type { Codecs, Ops } from "./runner";

export const codecs: Codecs = {
  part: {
    decode: (bytes) => decodePart(bytes).map(changeValue),
    encode: (value) => encodePart(readPart(value)),
  },
};

function among<T extends string>(words: readonly T[], word: string): T {
  const found = words.find((one) => one === word);
  if (found === undefined) throw new Error(`${word} is not known`);
  return found;
}

function members(input: In, name: string): readonly (readonly [string, In])[] {
  if (!input.has(name)) return [];
  const map = input.value(name);
  if (!(map instanceof Map)) throw new Error("a map wanted");
  return [...map].map(([key, value]) => [asText(key), new In(value)] as const);
}

function fieldRules(input: In): FieldRules {
  return {
    merge: among(MERGES, input.text("merge")),
    while_conflicted: among(
      WHILE_CONFLICTED,
      input.has("while_conflicted") ? input.text("while_conflicted") : "show_all",
    ),
    kind: input.has("kind") ? input.text("kind") : "text",
    order: input.has("order") ? input.list("order").map(asText) : [],
    cells: new Map(members(input, "cells").map(([name, cell]) => [name, fieldRules(cell)])),
    write: input.has("write") ? input.list("write").map(asText) : null,
  };
}

function recordRules(input: In): RecordRules {
  return {
    version: input.number("version"),
    weight: among(WEIGHTS, input.text("weight")),
    deletable: input.value("deletable") === true,
    write: input.has("write") ? input.list("write").map(asText) : [],
    fields: new Map(members(input, "fields").map(([name, rules]) => [name, fieldRules(rules)])),
  };
}

const types = (input: In): Types => new Map(members(input, "types").map(([name, rules]) => [name, recordRules(rules)]));

/**
 * A change as the vectors place it; a value is read as a part's is, but may be deeper than the codec would take it
 * alone.
 */
export function placed(value: CborValue): Placed {
  const input = new In(value);
  const [change] = readPart([input.value("change")]);
  if (change === undefined) throw new Error("a change wanted");
  const is = (name: string): boolean => input.has(name) && input.value(name) === true;
  return {
    seq: input.number("seq"),
    received_ms: input.number("received_ms"),
    part: 0,
    device: input.bytes("device"),
    user: input.bytes("user"),
    role: input.text("role"),
    late: is("late"),
    stub: is("stub"),
    change,
  };
}

export const changes = (input: In): readonly Placed[] => input.list("changes").map(placed);

const opOut = ({ id, value, reason }: FoldedOp): CborValue =>
  struct({ op: id, value, ...(reason === "" ? {} : { reason }) });

function fieldsOut(record: FoldedRecord): CborValue {
  return fieldsInOrder(record).map(({ field, live, proposals }) =>
    struct({
      field,
      live: byOpId(live).map(opOut),
      ...(proposals.length === 0 ? {} : { proposals: byOpId(proposals).map(opOut) }),
      ...(typeof field === "string" ? { ...shown(record, field) } : {}),
    }),
  );
}

const recordOut = (record: FoldedRecord): CborValue =>
  struct({
    id: record.id,
    type: record.type,
    version: record.version,
    creator: record.created?.device ?? new Uint8Array(0),
    hidden: record.hidden,
    fields: fieldsOut(record),
    conflicts: conflicts(record),
    signatures: record.signatures.map(({ id, signed }) => [id, signed]),
    flags: record.flags,
  });

export const ops: Ops = {
  fold: (input) => {
    const folded = fold(input.bytes("log"), types(input), changes(input));
    return struct({ records: recordsInOrder(folded.records).map(recordOut), hash: stateHash(folded) });
  },
  out_of_role: (input) => {
    const folded = fold(input.bytes("log"), types(input), changes(input));
    return recordsInOrder(folded.records).map((record) => [
      record.id,
      outOfRole(record).map(([field, marked]) => [field, byOpId(marked).map(({ id }) => id)]),
    ]);
  },
};
