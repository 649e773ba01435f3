/** The changes of a part: strict decode and encode. Spec 5.1. Vectors: change. */
import { compare, equal, hex } from "./bytes";
import { type CborValue, decode, encode } from "./cbor";
import { Refused } from "./errors";
import { anything, count, id, isList, isMap, list, map, millis, name, positive, refine, truth } from "./shape";

/** What a field may hold: JSON, its maps with text keys. */
export type Json = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

export const ACTIONS = ["set", "add", "remove", "resolve", "sign", "delete"] as const;
export type Action = (typeof ACTIONS)[number];

export type OpId = readonly [device: Uint8Array, c: number, index: number];
export type Cell = readonly [list: string, row: OpId, cell: string];
export type Field = string | Cell;

export interface Op {
  readonly field: Field;
  readonly action: Action;
  readonly value: Json;
  readonly preds: readonly OpId[];
}

export interface Change {
  readonly r: Uint8Array;
  readonly t: string;
  readonly s: number;
  readonly c: number;
  readonly b: number;
  readonly at: number;
  readonly ops: readonly Op[];
  /** The device knew its clock to be off. */
  readonly u: boolean;
}

export const SIGNED = "_signed";
export const DELETED = "_deleted";
const malformed = (message: string): Refused => new Refused("malformed", message);
const MOST = 4096;
const MOST_REASON = 2000;
const SHAPE = map(
  { r: id, t: name, s: positive, c: positive, b: count, at: millis, ops: list(anything, 1, MOST) },
  {
    u: refine(truth, (unsure) => {
      if (!unsure) throw malformed("u is there and is not true");
    }),
  },
);

// --- decoding ------------------------------------------------------------------------------------------------------

/** Characters are code points, not UTF-16 units. */
const characters = (value: string): number => [...value].length;

function opId(value: CborValue): OpId {
  if (!isList(value) || value.length !== 3) throw malformed("an op id is no list of three");
  const [device, c, index] = value;
  return [id.read(device ?? null), positive.read(c ?? null), count.read(index ?? null)];
}

function field(value: CborValue): Field {
  if (!isList(value)) return name.read(value);
  if (value.length !== 3) throw malformed(`a cell has ${value.length} items, want 3`);
  const [list, row, cell] = value;
  return [name.read(list ?? null), opId(row ?? null), name.read(cell ?? null)];
}

/** CBOR that has no byte string and no key that is not text is JSON. */
export function json(value: CborValue): Json {
  if (value instanceof Uint8Array) throw malformed("a value that is no JSON");
  if (isList(value)) return value.map(json);
  if (!isMap(value)) return value;
  const map = new Map<string, Json>();
  for (const [key, item] of value) {
    if (typeof key !== "string") throw malformed("a value with a map key that is no text");
    map.set(key, json(item));
  }
  return map;
}

function fits(at: Field, action: Action, value: Json): void {
  if (action === "sign") {
    if (at !== SIGNED || value !== null) throw malformed("a sign stands at _signed and has no value");
  } else if (action === "delete") {
    if (at !== DELETED || value !== true) throw malformed("a delete stands at _deleted with the value true");
  } else if (at === SIGNED || at === DELETED) {
    throw malformed("a reserved field under another action than its own");
  } else if (action === "resolve") {
    const reason = Array.isArray(value) && value.length === 2 ? value[1] : null;
    if (typeof reason !== "string" || reason === "" || characters(reason) > MOST_REASON) {
      throw malformed(`a resolve is not what was chosen and a reason of 1 to ${MOST_REASON} characters`);
    }
  }
}

function op(value: CborValue): Op {
  if (!isList(value) || value.length !== 4) throw malformed("an op is no list of four");
  const [where = null, does, held = null, named = null] = value;
  const at = field(where);
  const action = ACTIONS.find((one) => one === does);
  if (action === undefined) throw malformed("an action that does not exist");
  const said = json(held);
  fits(at, action, said);
  if (!isList(named) || named.length > MOST) throw malformed(`preds are no list of at most ${MOST}`);
  return { field: at, action, value: said, preds: named.map(opId) };
}

function change(value: CborValue): Change {
  const { u, ...rest } = SHAPE.read(value);
  return { ...rest, ops: rest.ops.map(op), u: u === true };
}

/** `stub` is for what stands for an expunged part: that alone may be empty (5.7). */
export function readPart(value: CborValue, stub = false): readonly Change[] {
  if (!isList(value) || (value.length === 0 && !stub)) throw malformed("a part is no list of one change or more");
  const changes = value.map(change);
  changes.reduce((before: Change | null, one) => {
    if (before !== null && !equal(before.r, one.r)) throw malformed("a part with changes to two records");
    if (before !== null && before.c >= one.c) throw malformed("a part whose changes' counters do not rise");
    return one;
  }, null);
  return changes;
}

export function decodePart(bytes: Uint8Array, stub = false): readonly Change[] {
  return readPart(decode(bytes), stub);
}

// --- encoding ----------------------------------------------------------------------------------------------------

export const opValue = (one: Op): CborValue => [one.field, one.action, one.value, one.preds];

export function changeValue(one: Change): ReadonlyMap<string, CborValue> {
  const { r, t, s, c, b, at } = one;
  const keys: [string, CborValue][] = [
    ["r", r],
    ["t", t],
    ["s", s],
    ["c", c],
    ["b", b],
    ["at", at],
    ["ops", one.ops.map(opValue)],
  ];
  return new Map(one.u ? [...keys, ["u", true]] : keys);
}

/** Refuses what it would not decode, so that no device seals a hole. */
export function encodePart(changes: readonly Change[], stub = false): Uint8Array {
  const value = changes.map(changeValue);
  readPart(value, stub);
  return encode(value);
}

// --- op ids --------------------------------------------------------------------------------------------------------

/** An op id as the key of a map. */
export const opKey = ([device, c, index]: OpId): string => `${hex(device)}:${c}:${index}`;

/** What names one change of a log. */
export const changeKey = (device: Uint8Array, c: number): string => `${hex(device)}:${c}`;

/** A field as the key of a map: no name can be taken for a cell, for the two begin differently. */
export function fieldKey(at: Field): string {
  return typeof at === "string" ? `f${at}` : `c${at[0].length}:${at[0]}${opKey(at[1])}:${at[2]}`;
}

/** The device and the place within it by which ops are put in order: bytewise, then by number. */
export function compareOpIds(a: OpId, b: OpId): number {
  return compare(a[0], b[0]) || a[1] - b[1] || a[2] - b[2];
}
