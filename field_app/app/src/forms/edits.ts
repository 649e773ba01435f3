/**
 * Edits: what a form makes of what was typed, as few as say it. Pure.
 *
 * Boxes that are as they were say nothing, so an edit to one field carries no other. The device behind the facade makes ops
 * of them (docs/spec.md §5.1), with the preds that it knows.
 */
import type { Typed } from "../store/drafts";
import { type Reading, askFor, boxesOf, firstBox, isSet, readField, readRow, wordsOf } from "./boxes";
import { lacking } from "./needs";
import type { Field, RecordType } from "./schema";
import { type Value, isList } from "./values";

export type Edit =
  | { readonly act: "set"; readonly field: string; readonly value: Value }
  /** A member of a set, or a new row of a list. */
  | { readonly act: "add"; readonly field: string; readonly value: Value }
  /** A member of a set. */
  | { readonly act: "remove"; readonly field: string; readonly value: Value }
  | { readonly act: "cell"; readonly field: string; readonly row: string; readonly cell: string; readonly value: Value };

/** A row that is there, under the name that the device gave it. */
export interface Row {
  readonly id: string;
  readonly cells: Readonly<Record<string, Value>>;
}

/** What a record says before it is changed. */
export interface Before {
  readonly values: Readonly<Record<string, Value>>;
  readonly rows: Readonly<Record<string, readonly Row[]>>;
}

export const NOTHING_BEFORE: Before = { values: {}, rows: {} };

export interface Wrong {
  readonly field: string;
  readonly box: string;
  readonly message: string;
}

export type Outcome = { readonly edits: readonly Edit[] } | { readonly wrong: readonly Wrong[] };

/** The boxes of a record as it is. Rows keep their own names in them. */
export function boxesBefore(fields: readonly Field[], before: Before): Typed {
  return Object.assign(
    {},
    ...fields.map((field) => {
      if (field.kind !== "list") return boxesOf(field, before.values[field.name], field.name);
      const rows = before.rows[field.name] ?? [];
      const cells = rows.flatMap((row) =>
        field.cells.map((cell) => boxesOf(cell, row.cells[cell.name], `${field.name}.${row.id}.${cell.name}`)),
      );
      return Object.assign(rows.length === 0 ? {} : { [`${field.name}.rows`]: rows.map((row) => row.id).join(" ") }, ...cells);
    }),
  );
}

const sameBoxes = (a: Typed, b: Typed, path: string): boolean => {
  const mine = (name: string): boolean => name === path || name.startsWith(`${path}.`);
  const names = new Set([...Object.keys(a), ...Object.keys(b)].filter(mine));
  return [...names].every((name) => (a[name] ?? "") === (b[name] ?? ""));
};

/** Each field's reading: of untouched boxes what the record says already, however odd that is. */
function readAll(fields: readonly Field[], before: Before, was: Typed, typed: Typed): ReadonlyMap<Field, Reading> {
  return new Map(
    fields.map((field) => {
      if (field.kind === "list") return [field, readRowsOver(field, before, was, typed)] as const;
      const kept = before.values[field.name];
      const untouched = sameBoxes(was, typed, field.name) && kept !== undefined;
      return [field, untouched ? { is: "value", value: kept } : readField(field, typed, field.name)] as const;
    }),
  );
}

/** Rows that were there, each cell as it was or as it is typed now, and new ones. */
function readRowsOver(field: Field, before: Before, was: Typed, typed: Typed): Reading {
  const old = new Map((before.rows[field.name] ?? []).map((row) => [row.id, row]));
  const rows: Value[] = [];
  for (const id of wordsOf(typed[`${field.name}.rows`])) {
    const path = `${field.name}.${id}`;
    const there = old.get(id);
    const read = there === undefined ? readRow(field, typed, path) : readRowOver(field, there, was, typed, path);
    if (read.is === "wrong") return read;
    if (read.is === "value") rows.push(read.value);
  }
  return rows.length === 0 ? { is: "empty" } : { is: "value", value: rows };
}

function readRowOver(field: Field, row: Row, was: Typed, typed: Typed, path: string): Reading {
  const cells: Record<string, Value> = { ...row.cells };
  for (const cell of field.cells.filter((one) => !sameBoxes(was, typed, `${path}.${one.name}`))) {
    const read = readField(cell, typed, `${path}.${cell.name}`);
    if (read.is === "wrong") return read;
    if (read.is === "value") cells[cell.name] = read.value;
  }
  return { is: "value", value: cells };
}

/**
 * What was changed, or what is wrong. With `whole`, everything that is needed to sign has to be there.
 *
 * A field that had a value and whose boxes were emptied keeps its value: in a log nothing is unsaid. Forms say so.
 */
export function editsOf(type: RecordType, fields: readonly Field[], before: Before, typed: Typed, whole: boolean): Outcome {
  const was = boxesBefore(fields, before);
  const readings = readAll(fields, before, was, typed);
  const wrong: Wrong[] = [];
  const edits: Edit[] = [];
  for (const [field, reading] of readings) {
    if (reading.is === "wrong") wrong.push({ field: field.name, box: reading.box, message: reading.message });
    else if (!sameBoxes(was, typed, field.name)) edits.push(...changesOf(field, reading, before, was, typed));
  }
  if (whole) {
    const said = new Map([...readings].flatMap(([field, r]) => (r.is === "value" ? [[field.name, r.value] as const] : [])));
    const broken = new Set(wrong.map((one) => one.field));
    for (const field of lacking(type, fields, said)) {
      if (!broken.has(field.name)) wrong.push({ field: field.name, box: firstBox(field, field.name), message: askFor(field) });
    }
    const order = new Map(fields.map((field, index) => [field.name, index]));
    wrong.sort((a, b) => (order.get(a.field) ?? 0) - (order.get(b.field) ?? 0));
  }
  return wrong.length > 0 ? { wrong } : { edits };
}

function changesOf(field: Field, reading: Reading, before: Before, was: Typed, typed: Typed): readonly Edit[] {
  if (field.kind === "list") return rowChanges(field, before, was, typed);
  if (isSet(field)) return memberChanges(field, reading, before);
  return reading.is === "value" ? [{ act: "set", field: field.name, value: reading.value }] : [];
}

function memberChanges(field: Field, reading: Reading, before: Before): readonly Edit[] {
  const kept = before.values[field.name];
  const old = isList(kept) ? kept : [];
  const now = reading.is === "value" && isList(reading.value) ? reading.value : [];
  const changes = (act: "add" | "remove", those: readonly Value[], others: readonly Value[]): Edit[] =>
    those.filter((value) => !others.includes(value)).map((value) => ({ act, field: field.name, value }));
  return [...changes("add", now, old), ...changes("remove", old, now)];
}

function rowChanges(field: Field, before: Before, was: Typed, typed: Typed): readonly Edit[] {
  const old = new Set((before.rows[field.name] ?? []).map((row) => row.id));
  return wordsOf(typed[`${field.name}.rows`]).flatMap((id): readonly Edit[] => {
    const path = `${field.name}.${id}`;
    if (!old.has(id)) {
      const row = readRow(field, typed, path);
      return row.is === "value" ? [{ act: "add", field: field.name, value: row.value }] : [];
    }
    return field.cells
      .filter((cell) => cell.policy !== "once" && !sameBoxes(was, typed, `${path}.${cell.name}`))
      .flatMap((cell): readonly Edit[] => {
        const read = readField(cell, typed, `${path}.${cell.name}`);
        return read.is === "value" ? [{ act: "cell", field: field.name, row: id, cell: cell.name, value: read.value }] : [];
      });
  });
}
