/** What is shown of a record: effective values, rows, what needs a decision. Spec 5.4, 5.5. Vectors: fold, stub. */
import { compare, equal } from "../bytes";
import { encode } from "../cbor";
import { fieldKey, type Field, type Json, type OpId, opKey } from "../change";
import { CONTESTED } from "../record_rules";
import { endOf, EXPUNGED, isMap, sameKey } from "./markers";
import type { FoldedField, FoldedOp, FoldedRecord } from "./model";
import { highest } from "./order";

export interface Shown {
  readonly value: Json;
  readonly conflict: boolean;
  /** Nobody may act on the field before somebody has decided. */
  readonly stop: boolean;
}

/** A row with its cells' effective values; `by` is the op that added it, and whose it is. */
export interface Row {
  readonly id: OpId;
  readonly by: FoldedOp;
  readonly value: Json;
}

const NOTHING: Shown = { value: null, conflict: false, stop: false };

/** What an op says, or of a marker what the op that said the same still says. */
function saying(op: FoldedOp, field: string, { said }: FoldedRecord): Json {
  const end = endOf(op, field, said);
  return "gone" in end ? op.value : end.value;
}

/** The different values, each at the place of its first op. */
function different(live: readonly FoldedOp[], field: string, record: FoldedRecord): readonly Json[] {
  const values = new Map<string, Json>();
  for (const op of live) {
    const key = sameKey(op, field, record.said);
    if (!values.has(key)) values.set(key, saying(op, field, record));
  }
  return [...values.values()];
}

/** Late ones never win over one that was not. */
function latest(live: readonly FoldedOp[]): FoldedOp | undefined {
  return live.findLast(({ from }) => !from.late) ?? live.at(-1);
}

function shownSingle(at: FoldedField, key: string, record: FoldedRecord): Shown {
  const { rules, live, conflict } = at;
  if (live.length === 0) return { ...NOTHING, conflict };
  const value = (op: FoldedOp | undefined): Json => (op === undefined ? null : saying(op, key, record));
  switch (rules?.merge) {
    case "once":
      return {
        ...NOTHING,
        value: value(live.findLast(({ from }) => record.created !== null && equal(from.device, record.created.device))),
      };
    case "latest":
      return { ...NOTHING, value: value(latest(live)) };
    case "worst":
      return { value: value(highest(live, rules)), conflict, stop: false };
    case "ask":
    case "text": {
      if (!conflict) return { ...NOTHING, value: value(stillSaying(live, key, record)) };
      const strictest = rules.while_conflicted === "strictest";
      const stop = rules.while_conflicted === "stop";
      return { value: strictest ? value(highest(live, rules)) : null, conflict, stop };
    }
    default: {
      const [one, ...others] = live;
      return { ...NOTHING, value: others.length === 0 ? value(one) : different(live, key, record) };
    }
  }
}

/** Of ops that say the same the last of which anything is left. */
function stillSaying(live: readonly FoldedOp[], field: string, { said }: FoldedRecord): FoldedOp | undefined {
  return live.findLast((op) => !("gone" in endOf(op, field, said))) ?? live.at(-1);
}

function cellsOf(record: FoldedRecord): ReadonlyMap<string, readonly FoldedField[]> {
  const cells = new Map<string, FoldedField[]>();
  for (const at of record.fields.values()) {
    if (typeof at.field === "string" || at.live.length === 0) continue;
    const row = `${opKey(at.field[1])} ${at.field[0]}`;
    cells.set(row, [...(cells.get(row) ?? []), at]);
  }
  return cells;
}

function rowsIn(at: FoldedField, list: string, record: FoldedRecord): readonly Row[] {
  const cells = cellsOf(record);
  return at.live.map((op) => {
    const base = saying(op, fieldKey(list), record);
    if (!isMap(base)) return { id: op.id, by: op, value: base };
    const row = new Map(base);
    if (op.from.stub) row.delete(EXPUNGED);
    for (const cell of cells.get(`${op.key} ${list}`) ?? [])
      if (typeof cell.field !== "string") row.set(cell.field[2], shownSingle(cell, fieldKey(cell.field), record).value);
    return { id: op.id, by: op, value: row };
  });
}

/** Whether one of the rows that are shown has a cell set; of a row that was removed the cells are kept, and no more. */
function hasCells({ live }: FoldedField, list: string, record: FoldedRecord): boolean {
  const cells = cellsOf(record);
  return live.some(({ key }) => cells.has(`${key} ${list}`));
}

/** The rows of a list in log order; none where the field is none. */
export function rows(record: FoldedRecord, list: string): readonly Row[] {
  const at = record.fields.get(fieldKey(list));
  const isList = at !== undefined && (at.rules === null || at.rules.merge === "append");
  return isList ? rowsIn(at, list, record) : [];
}

export function shown(record: FoldedRecord, field: Field): Shown {
  const key = fieldKey(field);
  const at = record.fields.get(key);
  if (at === undefined) return NOTHING;
  if (typeof field === "string" && at.rules?.merge === "append") {
    return { ...NOTHING, value: rowsIn(at, field, record).map(({ value }) => value) };
  }
  if (at.rules?.merge === "set") return { ...NOTHING, value: different(at.live, key, record) };
  if (typeof field === "string" && at.rules === null && hasCells(at, field, record)) {
    return { ...NOTHING, value: rowsIn(at, field, record).map(({ value }) => value) };
  }
  return shownSingle(at, key, record);
}

/** A record's fields in the order of their CBOR. */
export function fieldsInOrder(record: FoldedRecord): readonly FoldedField[] {
  const keyed = [...record.fields.values()].map((at) => [encode(at.field), at] as const);
  return keyed.sort(([a], [b]) => compare(a, b)).map(([, at]) => at);
}

/** Of what is void or hidden nothing waits for anybody. */
const isSettled = (record: FoldedRecord): boolean => record.hidden || record.isVoid;

/** The fields in which somebody has to decide. */
export function conflicts(record: FoldedRecord): readonly Field[] {
  if (isSettled(record)) return [];
  return fieldsInOrder(record).flatMap(({ field, conflict }) => (conflict ? [field] : []));
}

/** What stands or is proposed though the schema gives it to other roles than its author's: shown and marked (5.4). */
export function outOfRole(record: FoldedRecord): readonly (readonly [Field, readonly FoldedOp[]])[] {
  const { rules } = record;
  if (rules === null) return [];
  return fieldsInOrder(record).flatMap(({ field, live, proposals }) => {
    const of = rules.fields.get(typeof field === "string" ? field : field[0]);
    const write = of?.write ?? rules.write;
    if (of === undefined || field === "state" || write.length === 0) return [];
    const isRow = (op: FoldedOp): boolean => typeof field !== "string" && op.key === opKey(field[1]);
    const marked = [...live, ...proposals].filter(
      (op) => op.reason === "" && !write.includes(op.from.role) && !isRow(op),
    );
    return marked.length === 0 ? [] : [[field, marked] as const];
  });
}

/** Proposals that nobody has weighed: an app shows the author that they wait. */
export function unweighed(record: FoldedRecord): readonly (readonly [Field, FoldedOp])[] {
  if (isSettled(record) || record.created === null) return [];
  const author = record.created.user;
  const named = new Set(
    record.signatures.flatMap(({ by, signed }) => (equal(by.user, author) ? signed.map(opKey) : [])),
  );
  return fieldsInOrder(record).flatMap((at) => {
    if (at.rules === null || !CONTESTED.has(at.rules.merge)) return [];
    const key = fieldKey(at.field);
    const said = new Set(at.live.map((op) => sameKey(op, key, record.said)));
    return at.proposals
      .filter((op) => !named.has(op.key) && !said.has(sameKey(op, key, record.said)))
      .map((op) => [at.field, op] as const);
  });
}
