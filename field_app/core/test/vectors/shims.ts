/**
 * Makes a vector codec of a shape or of a kind of signed object: values as the vectors write them, and the core's own.
 */
import type { CborValue } from "../../src/cbor";
import { type Kind, type Signed, verifyFrame } from "../../src/cose";
import { signingKey } from "../../src/keys";
import { decodeAs, encodeAs, isMap, type Shape } from "../../src/shape";
import { asBytes, In, struct } from "./notation";
import type { Codec } from "./runner";

const LABELS: readonly (readonly [number | string, string | null])[] = [
  [1, null],
  [4, "kid"],
  [16, "typ"],
  ["v", null],
];

/** A header as the vectors write it: by names, and without what never changes. */
export function writtenHeader<T>(shape: Shape<T>, header: T): CborValue {
  const written = shape.write(header);
  if (!isMap(written)) throw new Error("a header is a map");
  const named = new Map(written);
  for (const [label, name] of LABELS) {
    const value = named.get(label);
    named.delete(label);
    if (name !== null && value !== undefined) named.set(name, value);
  }
  return named;
}

export function readHeader<T>(shape: Shape<T>, value: CborValue): T {
  if (!isMap(value)) throw new Error("a header is a map");
  const labelled = new Map<string | number, CborValue>([
    [1, -19],
    ["v", 1],
  ]);
  for (const [name, item] of value) labelled.set(name === "kid" ? 4 : name === "typ" ? 16 : name, item);
  return shape.read(labelled);
}

export function writtenObject<Typ extends string, M, P>(kind: Kind<Typ, M, P>, signed: Signed<Typ, M, P>): CborValue {
  const { signature, id } = signed;
  return struct({
    header: writtenHeader(kind.header, signed.header),
    payload: kind.payload.write(signed.payload),
    signature,
    id,
  });
}

export function codecOfKind<Typ extends string, M, P>(kind: Kind<Typ, M, P>): Codec {
  return {
    decode: (bytes) => writtenObject(kind, kind.decode(bytes)),
    encode: async (value, seed) => {
      const members = new In(value);
      const key = await signingKey(asBytes(seed ?? undefined));
      const bytes = await kind.make(
        readHeader(kind.header, members.value("header")),
        kind.payload.read(members.value("payload")),
        key,
      );
      await verifyFrame(kind.decode(bytes).frame, key.public);
      return bytes;
    },
  };
}

export function codecOfShape<T>(shape: Shape<T>, items?: number): Codec {
  return {
    decode: (bytes) => shape.write(decodeAs(shape, bytes, items)),
    encode: (value) => encodeAs(shape, shape.read(value)),
  };
}

/** Of a map whose `v` the vectors leave out. */
export function codecOfBody<T>(shape: Shape<T>, items?: number): Codec {
  const inner = codecOfShape(shape, items);
  return {
    decode: async (bytes) => {
      const value = await inner.decode(bytes);
      if (!isMap(value)) throw new Error("a body is a map");
      const rest = new Map(value);
      rest.delete("v");
      return rest;
    },
    encode: (value, seed) => {
      if (!isMap(value)) throw new Error("a body is a map");
      return inner.encode(new Map([...value, ["v", 1]]), seed);
    },
  };
}
