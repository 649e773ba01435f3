/**
 * A vector file's JSON notation of values, read into the values of the CBOR codec. See shared_schema/vectors/README.md.
 */
import { readFileSync } from "node:fs";
import { concat, equal, fromHex } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";

/** `undefined` in the place of a member that a case does not have. */
export interface Case {
  readonly name: string;
  readonly why: string;
  readonly codec?: string;
  readonly op?: string;
  readonly bytes?: CborValue;
  readonly text?: CborValue;
  readonly value?: CborValue;
  readonly seed?: CborValue;
  readonly in?: CborValue;
  readonly out?: CborValue;
  readonly code?: string;
}

export interface VectorFile {
  readonly topic: string;
  readonly path: string;
  readonly golden: readonly Case[];
  readonly must_refuse: readonly Case[];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Shared = ReadonlyMap<string, CborValue>;

function isObject(json: Json | undefined): json is { readonly [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function isList(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

/** The one member of an object that has no other, by name: what tells the notation from a map. */
function only(json: { readonly [key: string]: Json }, ...names: readonly string[]): boolean {
  const keys = Object.keys(json);
  return keys.length === names.length && names.every((name) => keys.includes(name));
}

function bytesOf(json: Json, shared: Shared): Uint8Array {
  const value = read(json, shared);
  if (!(value instanceof Uint8Array)) throw new Error("bytes wanted");
  return value;
}

function read(json: Json, shared: Shared): CborValue {
  if (isList(json)) return json.map((item) => read(item, shared));
  if (!isObject(json)) return json;
  const { hex, times, join, shared: name, map, utf16 } = json;
  if (typeof hex === "string" && only(json, "hex")) return fromHex(hex);
  if (typeof hex === "string" && typeof times === "number" && only(json, "hex", "times")) {
    const piece = fromHex(hex);
    return Uint8Array.from({ length: piece.length * times }, (_, i) => piece[i % piece.length] ?? 0);
  }
  if (isList(join) && only(json, "join")) return concat(...join.map((part) => bytesOf(part, shared)));
  if (typeof name === "string" && only(json, "shared")) {
    const value = shared.get(name);
    if (value === undefined) throw new Error(`no shared value ${name}`);
    return value;
  }
  if (isList(map) && only(json, "map")) return new Map(map.map((pair) => readPair(pair, shared)));
  if (isList(utf16) && only(json, "utf16")) return String.fromCharCode(...utf16.map(Number));
  return new Map(Object.entries(json).map(([key, value]) => [key, read(value, shared)] as const));
}

function readPair(pair: Json, shared: Shared): readonly [string | number, CborValue] {
  if (!isList(pair) || pair[0] === undefined || pair[1] === undefined) throw new Error("a pair wanted");
  const key = read(pair[0], shared);
  if (typeof key !== "string" && typeof key !== "number") throw new Error("a key wanted");
  return [key, read(pair[1], shared)];
}

const MEMBERS = ["bytes", "text", "value", "seed", "in", "out"] as const;

function readCase(json: Json, shared: Shared): Case {
  if (!isObject(json)) throw new Error("a case wanted");
  const text = (key: string): string | undefined => (typeof json[key] === "string" ? json[key] : undefined);
  const { codec, op, code } = { codec: text("codec"), op: text("op"), code: text("code") };
  const values: { [key in (typeof MEMBERS)[number]]?: CborValue } = {};
  for (const member of MEMBERS) if (json[member] !== undefined) values[member] = read(json[member], shared);
  const named = { ...(codec === undefined ? {} : { codec }), ...(op === undefined ? {} : { op }) };
  return {
    name: text("name") ?? "",
    why: text("why") ?? "",
    ...named,
    ...(code === undefined ? {} : { code }),
    ...values,
  };
}

export function readVectors(path: string): VectorFile {
  const json = JSON.parse(readFileSync(path, "utf8"), exact) as Json;
  if (!isObject(json) || json["vectors"] !== 1) throw new Error(`${path}: not a vector file of version 1`);
  const { topic, shared: sharedJson, golden, must_refuse } = json;
  if (typeof topic !== "string" || !isObject(sharedJson) || !isList(golden) || !isList(must_refuse)) {
    throw new Error(`${path}: not in the form of a vector file`);
  }
  const shared = new Map<string, CborValue>();
  for (const [name, value] of Object.entries(sharedJson)) shared.set(name, read(value, shared));
  const cases = (list: readonly Json[]): Case[] => list.map((one) => readCase(one, shared));
  return { topic, path, golden: cases(golden), must_refuse: cases(must_refuse) };
}

/** One case that stands on a line by itself and shares nothing. */
export function readLine(line: string): Case {
  return readCase(JSON.parse(line, exact) as Json, new Map());
}

/** A reviver that refuses numbers which JSON.parse could not read exactly. */
function exact(_key: string, value: Json): Json {
  if (typeof value === "number" && (!Number.isInteger(value) || Math.abs(value) > 2 ** 53)) {
    throw new Error("a number that is not exact");
  }
  return value;
}

// --- comparing -----------------------------------------------------------------------------------------------------

/** Whether two values are the same: byte strings and lists by what is in them, maps by their pairs in any order. */
export function same(a: CborValue, b: CborValue): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && equal(a, b);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  if (a instanceof Map || b instanceof Map) {
    if (!(a instanceof Map) || !(b instanceof Map) || a.size !== b.size) return false;
    return [...a].every(([key, value]) => b.has(key) && same(value, b.get(key)));
  }
  return a === b;
}

// --- members of an operation's input ---------------------------------------------------------------------------------

/** Reads a case's `in`: what is not of the wanted kind is a mistake of the test, not of the core. */
export class In {
  readonly #map: ReadonlyMap<string | number, CborValue>;

  constructor(value: CborValue | undefined) {
    if (!(value instanceof Map)) throw new Error("a map wanted");
    this.#map = value;
  }

  has(name: string): boolean {
    return this.#map.has(name);
  }

  value(name: string): CborValue {
    const value = this.#map.get(name);
    if (value === undefined) throw new Error(`no ${name}`);
    return value;
  }

  bytes(name: string): Uint8Array {
    return asBytes(this.value(name));
  }

  text(name: string): string {
    return asText(this.value(name));
  }

  number(name: string): number {
    return asNumber(this.value(name));
  }

  list(name: string): readonly CborValue[] {
    return asList(this.value(name));
  }

  map(name: string): In {
    return new In(this.value(name));
  }
}

export function asBytes(value: CborValue | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error("bytes wanted");
  return value;
}

export function asText(value: CborValue | undefined): string {
  if (typeof value !== "string") throw new Error("text wanted");
  return value;
}

export function asNumber(value: CborValue | undefined): number {
  if (typeof value !== "number") throw new Error("a number wanted");
  return value;
}

export function asList(value: CborValue | undefined): readonly CborValue[] {
  if (!Array.isArray(value)) throw new Error("a list wanted");
  return value;
}

/** A structure with named members, as the vectors write one. */
export function struct(members: { readonly [name: string]: CborValue }): ReadonlyMap<string, CborValue> {
  return new Map(Object.entries(members));
}
