/**
 * The shape of an object on the wire, said once: reading and writing follow from it. Spec 1 and
 * shared_schema/wire.cddl.
 *
 * A map has exactly its keys. What is written is read again first, so an encoder refuses whatever a decoder would.
 */
import { compare } from "./bytes";
import { type CborValue, decode, encode } from "./cbor";
import { type Code, Refused } from "./errors";

export interface Shape<T> {
  readonly read: (value: CborValue) => T;
  /** Only puts together: `encodeAs` is what checks. */
  readonly write: (value: T) => CborValue;
}

export type Of<S> = S extends Shape<infer T> ? T : never;

const malformed = (message: string): Refused => new Refused("malformed", message);

export function isMap(value: CborValue): value is ReadonlyMap<string | number, CborValue> {
  return value instanceof Map;
}

export function isList(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

function leaf<T extends CborValue>(read: (value: CborValue) => T): Shape<T> {
  return { read, write: (value) => value };
}

// --- leaves ---------------------------------------------------------------------------------------------------------

export function bytes(least: number, most: number = least): Shape<Uint8Array> {
  return leaf((value) => {
    if (!(value instanceof Uint8Array)) throw malformed("something else where bytes are wanted");
    if (value.length < least || value.length > most) throw malformed(`${value.length} bytes, want ${least} to ${most}`);
    return value;
  });
}

export function integer(least: number, most: number = Number.MAX_SAFE_INTEGER): Shape<number> {
  return leaf((value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value)) {
      throw malformed("something else where an integer is wanted");
    }
    if (value < least || value > most) throw malformed(`the number ${value}, want ${least} to ${most}`);
    return value;
  });
}

/** Counted in code points, as the spec counts characters. */
export function text(least: number, most: number): Shape<string> {
  return leaf((value) => {
    if (typeof value !== "string") throw malformed("something else where a text is wanted");
    const characters = value.length > 2 * most ? value.length : [...value].length;
    if (characters < least || characters > most) throw malformed(`${characters} characters, want ${least} to ${most}`);
    return value;
  });
}

/** A text that is one of these words. */
export function word<const W extends string>(words: readonly W[]): Shape<W> {
  return leaf((value) => {
    const found = words.find((one) => one === value);
    if (found === undefined) throw malformed("a word that does not stand here");
    return found;
  });
}

export function exactly<const V extends string | number | null>(wanted: V): Shape<V> {
  return leaf((value) => {
    if (value !== wanted) throw malformed(`something else in the place of ${String(wanted)}`);
    return wanted;
  });
}

export const truth: Shape<boolean> = leaf((value) => {
  if (typeof value !== "boolean") throw malformed("something else where true or false is wanted");
  return value;
});

/** Anything that CBOR may hold. */
export const anything: Shape<CborValue> = leaf((value) => value);

export const id = bytes(16);
export const hash = bytes(32);
export const signature = bytes(64);
export const signKey = bytes(32);
export const receiveKey = bytes(1216);
export const count = integer(0);
export const positive = integer(1);
export const millis = integer(0);
export const epoch = integer(1, 0xffffffff);
export const week = integer(0, 0xffffffff);
export const line = text(1, 200);
export const name = text(1, 64);
/** COSE bytes that stand inside something else, and are decoded by whoever looks into them. */
export const cose = bytes(0, Number.MAX_SAFE_INTEGER);

// --- containers -----------------------------------------------------------------------------------------------------

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    read: (value) => (value === null ? null : shape.read(value)),
    write: (value) => (value === null ? null : shape.write(value)),
  };
}

/** `beyond` is the code of a list that is too long. */
export function list<T>(
  shape: Shape<T>,
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
  beyond: Code = "malformed",
): Shape<readonly T[]> {
  return {
    read: (value) => {
      if (!isList(value)) throw malformed("something else where a list is wanted");
      if (value.length > most) throw new Refused(beyond, `a list of ${value.length}, want at most ${most}`);
      if (value.length < least) throw malformed(`a list of ${value.length}, want at least ${least}`);
      return Object.freeze(value.map(shape.read));
    },
    write: (value) => value.map(shape.write),
  };
}

/** A list whose items have strictly rising keys: byte strings, or numbers. */
export function rising<T>(shape: Shape<readonly T[]>, key: (item: T) => Uint8Array | number): Shape<readonly T[]> {
  return refine(shape, (items) => {
    for (const [i, item] of items.entries()) {
      const before = items[i - 1];
      if (i === 0 || before === undefined) continue;
      const [a, b] = [key(before), key(item)];
      const ordered = typeof a === "number" || typeof b === "number" ? a < b : compare(a, b) < 0;
      if (!ordered) throw malformed("a list that is not in rising order");
    }
  });
}

/** `check` throws what it has against a value that has the shape. */
export function refine<T>(shape: Shape<T>, check: (value: T) => void): Shape<T> {
  const read = (value: CborValue): T => {
    const one = shape.read(value);
    check(one);
    return one;
  };
  return { read, write: shape.write };
}

type Struct<M> = { readonly [K in keyof M]: Of<M[K]> };
type Partly<M> = { readonly [K in keyof M]?: Of<M[K]> };

/** Shapes by name, as the container's own functions look at them: which type each has is known to `Struct` alone. */
function shapesOf(members: object): readonly (readonly [string, Shape<unknown>])[] {
  return Object.entries(members) as [string, Shape<unknown>][];
}

/** A map with exactly these text keys; those of `optional` may be missing. */
export function map<M extends object, O extends object = object>(
  members: M & { readonly [K in keyof M]: Shape<Of<M[K]>> },
  optional?: O & { readonly [K in keyof O]: Shape<Of<O[K]>> },
): Shape<Struct<M> & Partly<O>> {
  type T = Struct<M> & Partly<O>;
  const wanted = shapesOf(members);
  const allowed = shapesOf(optional ?? {});
  return {
    read: (value) => {
      if (!isMap(value)) throw malformed("something else where a map is wanted");
      const struct: { [key: string]: unknown } = {};
      for (const [key, shape] of wanted) {
        const member = value.get(key);
        if (member === undefined) throw malformed(`the key ${key} is missing`);
        struct[key] = shape.read(member);
      }
      let known = wanted.length;
      for (const [key, shape] of allowed) {
        const member = value.get(key);
        if (member === undefined) continue;
        struct[key] = shape.read(member);
        known += 1;
      }
      if (value.size !== known) throw malformed("a key that does not stand here");
      return Object.freeze(struct) as T;
    },
    write: (value) => {
      const given = value as { readonly [key: string]: unknown };
      const pairs = [...wanted, ...allowed].filter(([key]) => given[key] !== undefined);
      return new Map(pairs.map(([key, shape]) => [key, shape.write(given[key])]));
    },
  };
}

/** A list of fixed length whose places have names: `[log, seq, chain]` as `{log, seq, chain}`. */
export function row<M extends object>(members: M & { readonly [K in keyof M]: Shape<Of<M[K]>> }): Shape<Struct<M>> {
  const places = shapesOf(members);
  return {
    read: (value) => {
      if (!isList(value)) throw malformed("something else where a list is wanted");
      if (value.length !== places.length) throw malformed(`a list of ${value.length}, want ${places.length}`);
      const struct: { [key: string]: unknown } = {};
      for (const [i, [key, shape]] of places.entries()) struct[key] = shape.read(value[i] ?? null);
      return Object.freeze(struct) as Struct<M>;
    },
    write: (value) => {
      const given = value as { readonly [key: string]: unknown };
      return places.map(([key, shape]) => shape.write(given[key]));
    },
  };
}

/** One of several maps, told apart by the word under `key`. */
export function tagged<K extends string, T extends { readonly [P in K]: string }>(
  key: K,
  shapes: { readonly [W in T[K]]: Shape<Extract<T, { readonly [P in K]: W }>> },
): Shape<T> {
  const byWord = new Map(shapesOf(shapes));
  const find = (tag: unknown): Shape<unknown> => {
    const shape = typeof tag === "string" ? byWord.get(tag) : undefined;
    if (shape === undefined) throw malformed(`a ${key} that does not exist here`);
    return shape;
  };
  return {
    read: (value) => {
      if (!isMap(value)) throw malformed("something else where a map is wanted");
      return find(value.get(key)).read(value) as T;
    },
    write: (value) => find(value[key]).write(value),
  };
}

export const head = row({ incarnation: id, seq: count, chain: hash });
export const witness = row({ incarnation: id, size: count, root: hash });
export type Head = Of<typeof head>;
export type Witness = Of<typeof witness>;

// --- bytes ----------------------------------------------------------------------------------------------------------

export function decodeAs<T>(shape: Shape<T>, encoded: Uint8Array, items?: number): T {
  return shape.read(decode(encoded, items));
}

export function encodeAs<T>(shape: Shape<T>, value: T): Uint8Array {
  const written = shape.write(value);
  shape.read(written);
  return encode(written);
}
