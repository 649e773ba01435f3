/**
 * Whether a value fits its field, as shared_schema/records demands. Tests: values. Refuses as `bad-value`, and never
 * says the value.
 */
import { readManifest } from "./attachment";
import type { Action, Json } from "./change";
import { Refused } from "./errors";
import { isList, isMap, valueKey } from "./fold/markers";
import { isDay } from "./fold/order";
import { limit } from "./limits";
import type { CodeList, FieldType, RecordType, Schemas, ShapeName } from "./record_types";

const bad = (message: string): Refused => new Refused("bad-value", message);

const CODE = /^[a-z0-9]+(_[a-z0-9]+)*$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HASH = /^[0-9a-f]{64}$/;
const YEAR = /^[12][0-9]{3}$/;
const MISSING_REASONS = "missing_reason";

/** Of a time, what its precision shows of it. */
const PRECISIONS: ReadonlyMap<Json, RegExp> = new Map([
  ["minute", /^[12]\d{3}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d$/],
  ["hour", /^[12]\d{3}-\d{2}-\d{2}T([01]\d|2[0-3])$/],
  ["day", /^[12]\d{3}-\d{2}-\d{2}$/],
  ["month", /^[12]\d{3}-\d{2}$/],
  ["year", YEAR],
  ["about", /^[12]\d{3}(-\d{2}(-\d{2}(T([01]\d|2[0-3])(:[0-5]\d)?)?)?)?$/],
]);

const NUMBERS: ReadonlyMap<ShapeName, readonly [least: number, most: number]> = new Map([
  ["pence_above_zero", [1, limit("pence")]],
  ["minutes", [0, Number.MAX_SAFE_INTEGER]],
  ["count", [0, 1_000_000]],
  ["score", [0, 10]],
  ["list_version", [1, Number.MAX_SAFE_INTEGER]],
  ["integer", [0, Number.MAX_SAFE_INTEGER]],
]);

const LENGTHS: ReadonlyMap<ShapeName, number> = new Map([
  ["text", limit("text_chars")],
  ["long", limit("long_chars")],
]);

function kindOf(value: Json): string {
  if (value === null) return "nothing";
  return isList(value) ? "a list" : isMap(value) ? "a map" : typeof value === "string" ? "a text" : `a ${typeof value}`;
}

/** A day that the calendar has, from the year 1000 on. */
const isWrittenDay = (value: Json): value is string => typeof value === "string" && /^[12]/.test(value) && isDay(value);

/** The first part of `at` is a day, a month or a year that the calendar has. */
function isWhen(value: Json): boolean {
  if (!isMap(value) || value.size !== 2) return false;
  const [at, precision] = [value.get("at"), value.get("precision")];
  if (typeof at !== "string" || precision === undefined || !(PRECISIONS.get(precision)?.test(at) ?? false))
    return false;
  const [day = ""] = at.split("T");
  return isDay(`${day}${"-01-01".slice(day.length - 4)}`);
}

function checkOne(value: Json, shape: ShapeName, where: string): void {
  const range = NUMBERS.get(shape);
  const length = LENGTHS.get(shape);
  const wanted = (words: string): Refused => bad(`${where} is ${kindOf(value)}, want ${words}`);
  if (range !== undefined) {
    if (typeof value !== "number") throw wanted("a whole number");
    if (value < range[0] || value > range[1]) throw bad(`${where} is ${value}, want ${range[0]} to ${range[1]}`);
  } else if (length !== undefined) {
    if (typeof value !== "string") throw wanted("a text");
    const characters = [...value].length;
    if (characters < 1 || characters > length) throw bad(`${where} has ${characters} characters, want 1 to ${length}`);
    if (!/[^ \t\n\r]/.test(value)) throw bad(`${where} is all blank`);
  } else if (shape === "yn") {
    if (value !== "yes" && value !== "no") throw wanted("yes or no");
  } else if (shape === "code") {
    if (typeof value !== "string" || value.length > 64 || !CODE.test(value)) throw wanted("a code");
  } else if (shape === "date") {
    if (!isWrittenDay(value)) throw wanted("a day as YYYY-MM-DD");
  } else if (shape === "date_or_year") {
    if (!isWrittenDay(value) && !(typeof value === "string" && YEAR.test(value)))
      throw wanted("a day as YYYY-MM-DD, or a year as YYYY");
  } else if (shape === "when") {
    if (!isWhen(value)) throw wanted("a time and how precise it is, the two agreeing");
  } else if (shape === "content") {
    checkContent(value, where);
  } else if (shape === "hash") {
    if (typeof value !== "string" || !HASH.test(value)) throw wanted("a hash as 64 lower-case hexadecimal digits");
  } else if (shape !== "uuid_or_null" || value !== null) {
    if (typeof value !== "string" || !UUID.test(value)) throw wanted("an id as a lower-case UUID");
  }
}

/** What the app wrote of an attachment: nobody types it. */
function checkContent(value: Json, where: string): void {
  try {
    readManifest(value);
  } catch (error) {
    if (error instanceof Refused) throw bad(`${where} is no manifest of an attachment`);
    throw error;
  }
}

/** Writing takes the codes of the list; a reader takes one that it does not know (spec 5.4). */
export type Strictness = "writing" | "reading";

function checkCode(value: Json, list: CodeList | undefined, how: Strictness, where: string): void {
  if (how === "reading" || list === undefined) return;
  if (typeof value !== "string" || !list.terms.has(value))
    throw bad(`${where} is a code that the list ${list.name} does not have`);
}

function missingReason(value: Json): Json | undefined {
  return isMap(value) && value.size === 1 ? value.get("missing") : undefined;
}

function checkItem(value: Json, field: FieldType, schemas: Schemas, how: Strictness, where: string): void {
  if (field.shape === "row") return checkRow(value, field, schemas, how, where);
  const reason = missingReason(value);
  if (reason !== undefined) {
    if (!field.missing) throw bad(`${where} is a missing reason, and has to have a value`);
    checkOne(reason, "code", where);
    return checkCode(reason, schemas.codes.get(MISSING_REASONS), how, where);
  }
  checkOne(value, field.shape, where);
  if (field.codes !== null) checkCode(value, schemas.codes.get(field.codes), how, where);
}

function checkRow(value: Json, field: FieldType, schemas: Schemas, how: Strictness, where: string): void {
  if (!isMap(value)) throw bad(`${where} is ${kindOf(value)}, want a row`);
  for (const [name, held] of value) {
    const cell = field.cells.get(name);
    if (cell === undefined) throw bad(`${where} has a cell that its list does not have`);
    checkItem(held, cell, schemas, how, `${where}.${name}`);
  }
  for (const [name, cell] of field.cells) {
    if (cell.required && !value.has(name)) throw bad(`${where}.${name} is not there, and a row has to have it`);
  }
}

/** Whether one value, member or cell is what a reader may go by: a code that this app does not know is (spec 5.4). */
export function fits(value: Json, field: FieldType, schemas: Schemas): boolean {
  try {
    checkItem(value, field, schemas, "reading", field.name);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** The field's whole value, as it is shown and as a letter's body has it: of a set or a list all of it. */
export function checkWhole(value: Json, field: FieldType, schemas: Schemas, how: Strictness = "writing"): void {
  if (!field.many) return checkItem(value, field, schemas, how, field.name);
  if (!isList(value) || value.length < 1)
    throw bad(`${field.name} is ${kindOf(value)}, want a list of one value or more`);
  for (const item of value) checkItem(item, field, schemas, how, field.name);
  if (field.shape !== "row" && new Set(value.map(valueKey)).size !== value.length)
    throw bad(`${field.name} has a value twice`);
}

/** The value of one op: what is set, or the one value or row that is added. `null` says that a field is empty again. */
export function checkValue(
  value: Json,
  field: FieldType,
  action: Action,
  schemas: Schemas,
  how: Strictness = "writing",
): void {
  if (action === "remove" || (value === null && action !== "add")) return;
  checkItem(value, field, schemas, how, field.name);
}

/** The field of a type, or of one of its lists' rows; refuses a name that the type does not have. */
export function fieldNamed(type: RecordType, name: string, cell: string | null = null): FieldType {
  const field = type.fields.get(name);
  const found = cell === null ? field : field?.cells.get(cell);
  if (found === undefined) throw bad(`${type.name} has no such ${cell === null ? "field" : "cell"}`);
  return found;
}
