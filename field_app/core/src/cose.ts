/**
 * Signed objects: COSE_Sign1, always tagged, nothing unprotected, a closed header. Spec 2. Vectors: cose.
 *
 *     0xD2 ‖ CBOR([protected, {}, payload, signature])
 */
import { concat } from "./bytes";
import { type CborValue, decode, encode } from "./cbor";
import { Refused } from "./errors";
import { H } from "./hash";
import { type SigningKey, verify } from "./keys";
import { limit } from "./limits";
import {
  cose,
  decodeAs,
  encodeAs,
  exactly,
  id,
  isMap,
  map,
  type Of,
  type Shape,
  signature as signatureShape,
} from "./shape";

const TAG = Uint8Array.of(0xd2);
const ALGORITHM = -19;
const NO_BYTES = new Uint8Array(0);
const [LABEL_ALGORITHM, LABEL_KID, LABEL_TYP] = [1, 4, 16];

const malformed = (message: string): Refused => new Refused("malformed", message);

/** A signed object taken apart, its header and payload not yet looked into. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly protected: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** What the signature covers. */
export function sigStructure(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return encode(["Signature1", protectedBytes, NO_BYTES, payload]);
}

export function toSign(frame: Frame): Uint8Array {
  return sigStructure(frame.protected, frame.payload);
}

export function objectId(frame: Frame): Uint8Array {
  return H(toSign(frame));
}

export function parseFrame(bytes: Uint8Array): Frame {
  if (bytes[0] !== TAG[0]) throw malformed("a signed object begins with the tag 18");
  const items = decode(bytes.subarray(1), limit("items_per_object"));
  if (!Array.isArray(items) || items.length !== 4) throw malformed("a signed object is a list of four");
  const [protectedBytes, unprotected, payload, signature]: readonly CborValue[] = items;
  if (!(protectedBytes instanceof Uint8Array) || !(payload instanceof Uint8Array)) {
    throw malformed("header and payload are byte strings");
  }
  if (unprotected === undefined || !isMap(unprotected) || unprotected.size !== 0) {
    throw malformed("the unprotected map is empty");
  }
  const checked = signatureShape.read(signature ?? null);
  return Object.freeze({ bytes, protected: protectedBytes, payload, signature: checked });
}

// --- headers --------------------------------------------------------------------------------------------------------

/** The header with its labels by name; the algorithm and the version, which never change, are left out. */
export type Header<Typ extends string, M> = { readonly typ: Typ; readonly kid: Uint8Array } & M;
type ServiceLabel = { readonly svc: Uint8Array };

const svcOnly = map({ svc: id });
/** The labels of the objects that are no entries. */
export type PlainHeader<Typ extends string> = Header<Typ, ServiceLabel>;
export const plainLabels: Shape<ServiceLabel> = svcOnly;

/** The type that a header names, before anything else is known of the object. */
export function typOf(frame: Frame): string {
  const header = decode(frame.protected, limit("items_per_object"));
  const typ = isMap(header) ? header.get(LABEL_TYP) : undefined;
  if (typeof typ !== "string") throw malformed("a header without a type");
  return typ;
}

export function headerShape<Typ extends string, M>(typ: Typ, labels: Shape<M>): Shape<Header<Typ, M>> {
  const [algorithm, version, typShape] = [exactly(ALGORITHM), exactly(1), exactly(typ)];
  return {
    read: (value) => {
      if (!isMap(value)) throw malformed("a header is a map");
      const rest = new Map(value);
      const take = (label: number | string): CborValue => {
        const found = rest.get(label);
        if (found === undefined || !rest.delete(label)) throw malformed(`the label ${label} is missing`);
        return found;
      };
      algorithm.read(take(LABEL_ALGORITHM));
      version.read(take("v"));
      const base = { typ: typShape.read(take(LABEL_TYP)), kid: id.read(take(LABEL_KID)) };
      return Object.freeze({ ...base, ...labels.read(rest) });
    },
    write: (header) => {
      const written = labels.write(header);
      if (!isMap(written)) throw malformed("labels are a map");
      return new Map<string | number, CborValue>([
        [LABEL_ALGORITHM, ALGORITHM],
        [LABEL_KID, header.kid],
        [LABEL_TYP, typ],
        ["v", 1],
        ...written,
      ]);
    },
  };
}

// --- kinds of objects -----------------------------------------------------------------------------------------------

export interface Signed<Typ extends string, M, P> {
  readonly header: Header<Typ, M>;
  readonly payload: P;
  readonly signature: Uint8Array;
  readonly id: Uint8Array;
  readonly frame: Frame;
}

/** How one kind of signed object is read and made. */
export interface Kind<Typ extends string, M, P> {
  readonly typ: Typ;
  readonly header: Shape<Header<Typ, M>>;
  readonly payload: Shape<P>;
  readonly decode: (bytes: Uint8Array) => Signed<Typ, M, P>;
  readonly fromFrame: (frame: Frame) => Signed<Typ, M, P>;
  readonly make: (header: Omit<Header<Typ, M>, "typ">, payload: P, key: SigningKey) => Promise<Uint8Array>;
}

export type SignedOf<K> = K extends Kind<infer Typ, infer M, infer P> ? Signed<Typ, M, P> : never;

export function kind<const Typ extends string, M extends object, P>(
  typ: Typ,
  labels: Shape<M>,
  payload: Shape<P>,
  items: number = limit("items_per_object"),
): Kind<Typ, M, P> {
  const header = headerShape(typ, labels);
  const fromFrame = (frame: Frame): Signed<Typ, M, P> => {
    const read = decodeAs(header, frame.protected, limit("items_per_object"));
    const content = decodeAs(payload, frame.payload, items);
    return Object.freeze({ header: read, payload: content, signature: frame.signature, id: objectId(frame), frame });
  };
  const make = async (given: Omit<Header<Typ, M>, "typ">, content: P, key: SigningKey): Promise<Uint8Array> =>
    signFrame(encodeAs(header, { ...given, typ } as Header<Typ, M>), encodeAs(payload, content), key);
  return { typ, header, payload, decode: (bytes) => fromFrame(parseFrame(bytes)), fromFrame, make };
}

/** A signed object of that kind inside another: there as its bytes. */
export function embedded<Typ extends string, M, P>(what: Kind<Typ, M, P>): Shape<Signed<Typ, M, P>> {
  return { read: (value) => what.decode(cose.read(value)), write: ({ frame }) => frame.bytes };
}

export async function signFrame(protectedBytes: Uint8Array, payload: Uint8Array, key: SigningKey): Promise<Uint8Array> {
  const signature = await key.sign(sigStructure(protectedBytes, payload));
  return concat(TAG, encode([protectedBytes, new Map(), payload, signature]));
}

export async function verifyFrame(frame: Frame, publicKey: Uint8Array): Promise<void> {
  await verify(publicKey, frame.signature, toSign(frame));
}

export type PlainLabels = Of<typeof plainLabels>;
