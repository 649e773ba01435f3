/**
 * Fields and the boxes of their forms: a value becomes what stands in the boxes, and the boxes become a value again. Pure.
 *
 * A field's boxes are named by its path: `born.day`, `names.r1.name`. The box `path.none` holds the reason why there is no
 * answer. The boxes `path.rows` and, for sets, `path` itself hold words between blanks. Three things are never the same: an
 * answer, a reason why there is none, and a box that nobody has touched, which says nothing.
 */
import type { Typed } from "../store/drafts";
import { dayBoxes, readDate, readWhen, whenBoxes } from "./dates";
import { poundsBox, readPounds } from "./money";
import type { Field, Shape } from "./schema";
import { type Value, isList, isMap, isWhen, missingReason } from "./values";

export type Reading =
  | { readonly is: "empty" }
  | { readonly is: "value"; readonly value: Value }
  | { readonly is: "wrong"; readonly message: string; readonly box: string };

const EMPTY: Reading = { is: "empty" };
const value = (of: Value): Reading => ({ is: "value", value: of });
const wrong = (message: string, box: string): Reading => ({ is: "wrong", message, box });

export const TEXT_CHARACTERS = 200;
export const LONG_CHARACTERS = 20_000;
const LARGEST = Number.MAX_SAFE_INTEGER;

const BOUNDS: Readonly<Partial<Record<Shape, readonly [number, number]>>> = {
  count: [0, 1_000_000],
  score: [0, 10],
  minutes: [0, LARGEST],
  list_version: [1, LARGEST],
  number: [0, LARGEST],
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HASH = /^[0-9a-f]{64}$/;

/** Several words in one box, between blanks. Codes and ids have none. */
export const wordsOf = (box: string | undefined): readonly string[] => (box ?? "").split(" ").filter((word) => word !== "");
export const boxOf = (words: readonly string[]): string => words.join(" ");

/** Fields with several answers to choose from. */
export const isSet = (field: Field): boolean => field.policy === "set";

/** A choice out of a list, one or several. */
export const isChoice = (field: Field): boolean => ["code", "codes", "yn", "ref", "refs", "user", "users", "attachments"].includes(field.kind);

/** The box to go to when something is wrong with the field as a whole. */
export function firstBox(field: Field, path: string): string {
  return field.kind === "date" || field.kind === "when" ? `${path}.day` : path;
}

export function boxesOf(field: Field, of: Value | undefined, path: string): Typed {
  if (of === undefined || of === null) return {};
  const reason = missingReason(of);
  if (reason !== undefined) return { [`${path}.none`]: reason };
  if (field.kind === "list") return rowBoxes(field, of, path);
  if (isSet(field)) return { [path]: boxOf(isList(of) ? of.filter((one) => typeof one === "string") : []) };
  if (field.kind === "date" && typeof of === "string") return named(path, dayBoxes(of));
  if (field.kind === "when" && isWhen(of)) {
    const { about, ...rest } = whenBoxes(of);
    return { ...named(path, rest), ...(about ? { [`${path}.about`]: "yes" } : {}) };
  }
  if (field.kind === "pence" && typeof of === "number") return { [path]: poundsBox(of) };
  return typeof of === "string" || typeof of === "number" ? { [path]: String(of) } : {};
}

function named(path: string, boxes: object): Typed {
  return Object.fromEntries(Object.entries(boxes).flatMap(([name, text]) => (text === "" ? [] : [[`${path}.${name}`, String(text)]])));
}

function rowBoxes(field: Field, of: Value, path: string): Typed {
  const rows = isList(of) ? of.filter(isMap) : [];
  const ids = rows.map((_row, index) => `r${index + 1}`);
  const cells = rows.flatMap((row, index) => field.cells.map((cell) => boxesOf(cell, row[cell.name], `${path}.r${index + 1}.${cell.name}`)));
  return Object.assign({ [`${path}.rows`]: boxOf(ids) }, ...cells);
}

/** Whether nobody has put anything into any box of the field. */
export function isUntouched(path: string, typed: Typed): boolean {
  const within = `${path}.`;
  return !Object.entries(typed).some(([name, text]) => text !== "" && (name === path || name.startsWith(within)));
}

export function readField(field: Field, typed: Typed, path: string): Reading {
  const reason = typed[`${path}.none`];
  if (reason !== undefined && reason !== "") return value({ missing: reason });
  if (field.kind === "list") return readRows(field, typed, path);
  if (isSet(field)) {
    const words = wordsOf(typed[path]);
    return words.length === 0 ? EMPTY : value(words);
  }
  if (field.kind === "date") return readDay(field, typed, path);
  if (field.kind === "when") return readMoment(field, typed, path);
  const text = typed[path] ?? "";
  return text.trim() === "" ? EMPTY : readText(field, text, path);
}

const dayOf = (typed: Typed, path: string): { day: string; month: string; year: string } => ({
  day: typed[`${path}.day`] ?? "",
  month: typed[`${path}.month`] ?? "",
  year: typed[`${path}.year`] ?? "",
});

function readDay(field: Field, typed: Typed, path: string): Reading {
  const read = readDate(dayOf(typed, path), field.label, field.shape === "date_or_year");
  if (read === undefined) return EMPTY;
  return "wrong" in read ? wrong(read.wrong, `${path}.${read.box}`) : value(read.value);
}

function readMoment(field: Field, typed: Typed, path: string): Reading {
  const boxes = { ...dayOf(typed, path), time: typed[`${path}.time`] ?? "", about: typed[`${path}.about`] === "yes" };
  const read = readWhen(boxes, field.label);
  if (read === undefined) return EMPTY;
  return "wrong" in read ? wrong(read.wrong, `${path}.${read.box}`) : value({ ...read.value });
}

function readText(field: Field, text: string, path: string): Reading {
  const trimmed = text.trim();
  switch (field.shape) {
    case "text":
      return tooLong(trimmed, TEXT_CHARACTERS) ? wrong(`${field.label} must be ${TEXT_CHARACTERS} characters or less`, path) : value(trimmed);
    case "long":
      return tooLong(text, LONG_CHARACTERS) ? wrong(`${field.label} must be ${LONG_CHARACTERS} characters or less`, path) : value(text);
    case "pence_above_zero": {
      const pence = readPounds(trimmed);
      return pence === undefined ? wrong(`${field.label} must be an amount in pounds, like 12 or 12.50`, path) : value(pence);
    }
    case "uuid":
    case "uuid_or_null":
      return UUID.test(trimmed.toLowerCase()) ? value(trimmed.toLowerCase()) : wrong(`${field.label} must be an id`, path);
    case "hash":
      return HASH.test(trimmed.toLowerCase()) ? value(trimmed.toLowerCase()) : wrong(`${field.label} must be 64 characters, 0 to 9 and a to f`, path);
    case "content":
      return wrong(`${field.label} is written by the app`, path);
    case "count":
    case "score":
    case "minutes":
    case "list_version":
    case "number":
      return readNumber(field, trimmed, path);
    default:
      return value(trimmed);
  }
}

const tooLong = (text: string, most: number): boolean => text.length > most && [...text].length > most;

function readNumber(field: Field, text: string, path: string): Reading {
  const [least, most] = BOUNDS[field.shape] ?? [0, LARGEST];
  const plain = text.replaceAll(",", "");
  const number = /^[0-9]{1,16}$/.test(plain) ? Number(plain) : undefined;
  if (number === undefined) return wrong(`${field.label} must be a whole number`, path);
  if (number < least) return wrong(`${field.label} must be ${least} or more`, path);
  return number > most ? wrong(`${field.label} must be ${most} or less`, path) : value(number);
}

/** The rows that have something in them. A row that nobody has filled in is none. */
function readRows(field: Field, typed: Typed, path: string): Reading {
  const rows: Value[] = [];
  for (const id of wordsOf(typed[`${path}.rows`])) {
    const row = readRow(field, typed, `${path}.${id}`);
    if (row.is === "wrong") return row;
    if (row.is === "value") rows.push(row.value);
  }
  return rows.length === 0 ? EMPTY : value(rows);
}

export function readRow(field: Field, typed: Typed, path: string): Reading {
  // A place alone says nothing: the form gives one to every row.
  if (field.cells.every((cell) => cell.name === "order" || isUntouched(`${path}.${cell.name}`, typed))) return EMPTY;
  const cells: [string, Value][] = [];
  for (const cell of field.cells) {
    const read = readField(cell, typed, `${path}.${cell.name}`);
    if (read.is === "wrong") return read;
    if (read.is === "value") cells.push([cell.name, read.value]);
    else if (cell.need.when === "always") return wrong(askFor(cell), firstBox(cell, `${path}.${cell.name}`));
  }
  return value(Object.fromEntries(cells));
}

/** What is said where an answer is needed and there is none. */
export function askFor(field: Field): string {
  const label = field.label.charAt(0).toLowerCase() + field.label.slice(1);
  if (field.kind === "list") return `Add at least one row to “${field.label}”`;
  return isChoice(field) ? `Choose an answer to “${field.label}”` : `Enter ${/^[A-Z]{2}/.test(field.label) ? field.label : label}`;
}
