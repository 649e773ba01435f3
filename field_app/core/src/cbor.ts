/** Deterministic CBOR, narrowed: one encoding for each value, everything else refused. Spec 1. Vectors: cbor. */
import { compare } from "./bytes";
import { Refused } from "./errors";

export type CborValue =
  null | boolean | number | string | Uint8Array | readonly CborValue[] | ReadonlyMap<string | number, CborValue>;

export const MAX_DEPTH = 16;
const LONE_SURROGATE = /\p{Surrogate}/u;
const UTF8 = new TextEncoder();
const FROM_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const malformed = (message: string): Refused => new Refused("malformed", message);

// --- encoding ----------------------------------------------------------------------------------------------------

class Writer {
  #bytes = new Uint8Array(256);
  #size = 0;

  #room(more: number): void {
    if (this.#size + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size + more));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  head(major: number, argument: number): void {
    this.#room(9);
    const view = new DataView(this.#bytes.buffer, this.#size);
    const type = major << 5;
    if (argument < 24) this.#size += (view.setUint8(0, type | argument), 1);
    else if (argument < 0x100) this.#size += (view.setUint16(0, ((type | 24) << 8) | argument), 2);
    else if (argument < 0x10000) this.#size += (view.setUint8(0, type | 25), view.setUint16(1, argument), 3);
    else if (argument < 0x100000000) this.#size += (view.setUint8(0, type | 26), view.setUint32(1, argument), 5);
    else this.#size += (view.setUint8(0, type | 27), view.setBigUint64(1, BigInt(argument)), 9);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }
}

function writeKey(to: Writer, key: string | number): void {
  if (typeof key === "number" && (key < 0 || key > 23)) throw malformed(`map key ${key}, want text or 0 to 23`);
  write(to, key, 0);
}

function encodeKey(key: string | number): Uint8Array {
  const writer = new Writer();
  writeKey(writer, key);
  return writer.done();
}

function write(to: Writer, value: CborValue, deeper: number): void {
  if (value === null) return to.head(7, 22);
  if (typeof value === "boolean") return to.head(7, value ? 21 : 20);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw malformed("a number that is no integer within 2^53-1");
    return value < 0 ? to.head(1, -1 - value) : to.head(0, value);
  }
  if (typeof value === "string") {
    if (LONE_SURROGATE.test(value)) throw malformed("half of a surrogate pair");
    const utf8 = UTF8.encode(value);
    to.head(3, utf8.length);
    return to.raw(utf8);
  }
  if (value instanceof Uint8Array) {
    to.head(2, value.length);
    return to.raw(value);
  }
  if (deeper === 0) throw malformed("nested too deeply");
  if (value instanceof Map) return writeMap(to, value, deeper);
  if (!Array.isArray(value)) throw malformed("a value that has no encoding");
  to.head(4, value.length);
  for (const item of value) write(to, item, deeper - 1);
}

function writeMap(to: Writer, map: ReadonlyMap<string | number, CborValue>, deeper: number): void {
  const pairs = [...map].map(([key, value]) => [encodeKey(key), value] as const);
  pairs.sort(([a], [b]) => compare(a, b));
  to.head(5, pairs.length);
  for (const [key, value] of pairs) {
    to.raw(key);
    write(to, value, deeper - 1);
  }
}

/** Another depth than 16 is for the state hash alone (spec 5.6). */
export function encode(value: CborValue, depth: number = MAX_DEPTH): Uint8Array {
  const writer = new Writer();
  write(writer, value, depth);
  return writer.done();
}

// --- decoding ----------------------------------------------------------------------------------------------------

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #items: number;

  constructor(bytes: Uint8Array, items: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#items = items;
  }

  #skip(size: number): number {
    if (size > this.#bytes.length - this.#at) throw malformed("the bytes end within an item");
    const start = this.#at;
    this.#at += size;
    return start;
  }

  #argument(low: number): number {
    if (low < 24) return low;
    if (low > 27) throw malformed("an indefinite length or a reserved head");
    const size = 1 << (low - 24);
    const start = this.#skip(size);
    const argument =
      size === 1
        ? this.#view.getUint8(start)
        : size === 2
          ? this.#view.getUint16(start)
          : size === 4
            ? this.#view.getUint32(start)
            : this.#view.getUint32(start) * 0x100000000 + this.#view.getUint32(start + 4);
    if (argument < (size === 1 ? 24 : 2 ** (4 * size))) throw malformed("a head that is not the shortest");
    if (argument > Number.MAX_SAFE_INTEGER) throw malformed("a number beyond 2^53-1");
    return argument;
  }

  item(deeper: number): CborValue {
    if (this.#items-- === 0) throw malformed("more items than may be here");
    const initial = this.#view.getUint8(this.#skip(1));
    const major = initial >> 5;
    if (major === 7) {
      if (initial === 0xf4 || initial === 0xf5) return initial === 0xf5;
      if (initial === 0xf6) return null;
      throw malformed("a float or a simple value");
    }
    if (major === 6) throw malformed("a tag");
    const argument = this.#argument(initial & 31);
    if (major === 0) return argument;
    if (major === 1) {
      if (argument === Number.MAX_SAFE_INTEGER) throw malformed("a number beyond 2^53-1");
      return -1 - argument;
    }
    if (major === 2) return this.#bytes.slice(this.#skip(argument), this.#at);
    if (major === 3) return this.#text(argument);
    if (deeper === 0) throw malformed("nested too deeply");
    return major === 4 ? this.#list(argument, deeper - 1) : this.#map(argument, deeper - 1);
  }

  #text(size: number): string {
    const start = this.#skip(size);
    try {
      return FROM_UTF8.decode(this.#bytes.subarray(start, this.#at));
    } catch {
      throw malformed("text that is not UTF-8");
    }
  }

  #list(length: number, deeper: number): readonly CborValue[] {
    if (length > this.#bytes.length - this.#at) throw malformed("a list longer than the bytes");
    const list: CborValue[] = [];
    for (let i = 0; i < length; i++) list.push(this.item(deeper));
    return Object.freeze(list);
  }

  #map(length: number, deeper: number): ReadonlyMap<string | number, CborValue> {
    const map = new Map<string | number, CborValue>();
    let before: Uint8Array | null = null;
    for (let i = 0; i < length; i++) {
      const start = this.#at;
      const key = this.item(0);
      if (typeof key !== "string" && (typeof key !== "number" || key < 0 || key > 23)) {
        throw malformed("a map key that is neither text nor an integer from 0 to 23");
      }
      const encoded = this.#bytes.subarray(start, this.#at);
      if (before !== null && compare(before, encoded) >= 0) throw malformed("map keys out of order or repeated");
      before = encoded;
      map.set(key, this.item(deeper));
    }
    return map;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes after the item");
  }
}

/** Exactly one item. `items` bounds how many it may have in all, itself, keys and containers counted. */
export function decode(bytes: Uint8Array, items: number = Number.POSITIVE_INFINITY): CborValue {
  const reader = new Reader(bytes, items);
  const value = reader.item(MAX_DEPTH);
  reader.end();
  return value;
}
