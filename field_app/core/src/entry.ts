/**
 * Entries as they travel, `[COSE bytes, [part or null, …]]`: decoded strictly, with every part held against its hash.
 *
 * Spec 2, 3 and 3.1 rule 1. Vectors: entry. A statement's payload is for its own decoder; of an admission and an
 * expunction
 * only what says which parts belong to it is looked at here.
 */
import { equal } from "./bytes";
import { type CborValue, decode, encode } from "./cbor";
import { type Frame, type Header, headerShape, kind, objectId, parseFrame, signFrame, typOf } from "./cose";
import { Refused } from "./errors";
import { H } from "./hash";
import type { SigningKey } from "./keys";
import { limit } from "./limits";
import {
  cose,
  decodeAs,
  encodeAs,
  epoch,
  hash,
  head,
  id,
  isList,
  isMap,
  list,
  map,
  nullable,
  type Of,
  positive,
  refine,
  type Shape,
  witness,
} from "./shape";

const malformed = (message: string): Refused => new Refused("malformed", message);

const common = { svc: id, log: id, sq: positive, pv: nullable(hash), sn: head, ck: witness } as const;
const firstFollowsNone = ({ sq, pv }: { readonly sq: number; readonly pv: Uint8Array | null }): void => {
  if ((sq === 1) !== (pv === null)) throw malformed("an author's first entry follows none, and any other follows one");
};
const logLabels = refine(map(common), firstFollowsNone);
const epochLabels = refine(map({ ...common, ep: epoch }), firstFollowsNone);
export type LogLabels = Of<typeof logLabels>;
export type EpochLabels = Of<typeof epochLabels>;

const partHashes = list(hash, 1, limit("parts_per_entry"), "too-large");
export const envelope = kind("fieldkeep-envelope", epochLabels, partHashes);
/** Of these the payload is kept as it stands: a decoder of its own looks into it. */
const [STATEMENT, ADMISSION, EXPUNCTION] = [
  "fieldkeep-statement",
  "fieldkeep-admission",
  "fieldkeep-expunction",
] as const;
const statementHeader = headerShape(STATEMENT, logLabels);
const admissionHeader = headerShape(ADMISSION, logLabels);
const expunctionHeader = headerShape(EXPUNCTION, epochLabels);

type Parts = readonly (Uint8Array | null)[];

interface Base<Typ extends string, M> {
  readonly typ: Typ;
  readonly header: Header<Typ, M>;
  readonly signature: Uint8Array;
  readonly id: Uint8Array;
  readonly parts: Parts;
  readonly frame: Frame;
}
/** `hashes`, here and below, are those of the parts, in their order. */
export interface Envelope extends Base<"fieldkeep-envelope", EpochLabels> {
  readonly hashes: readonly Uint8Array[];
}
export interface Statement extends Base<"fieldkeep-statement", LogLabels> {
  readonly payload: Uint8Array;
}
/** `held` is the envelope that it carries; the admission's parts are that envelope's. */
export interface Admission extends Base<"fieldkeep-admission", LogLabels> {
  readonly payload: Uint8Array;
  readonly held: Envelope;
}
export interface Expunction extends Base<"fieldkeep-expunction", EpochLabels> {
  readonly payload: Uint8Array;
  readonly stub: Uint8Array;
}
export type Entry = Envelope | Statement | Admission | Expunction;

// --- decoding -------------------------------------------------------------------------------------------------------

const pairShape = { cose, part: nullable(cose) };

/** The bytes of one entry by itself. */
export function decodeEntry(bytes: Uint8Array): Entry {
  return readEntry(decode(bytes));
}

/** An entry that stands inside something else that was decoded. */
export function readEntry(pair: CborValue): Entry {
  if (!isList(pair) || pair.length !== 2) throw malformed("an entry is a pair");
  const [bytes, parts]: readonly CborValue[] = pair;
  if (parts === undefined || !isList(parts)) throw malformed("an entry's parts are a list");
  if (parts.length > limit("parts_per_entry")) throw new Refused("too-large", `an entry of ${parts.length} parts`);
  const came = Object.freeze(parts.map(pairShape.part.read));
  const signed = pairShape.cose.read(bytes ?? null);
  checkSize(signed, came, Math.max(...Object.values(MOST_BYTES)));
  return checkEntry(parseFrame(signed), came);
}

/** An entry of which nothing but the signed object came, as in a chain of certificates: it has no parts. */
export function decodeBare(bytes: Uint8Array): Entry {
  checkSize(bytes, [], Math.max(...Object.values(MOST_BYTES)));
  return checkEntry(parseFrame(bytes), []);
}

const MOST_BYTES: { readonly [typ: string]: number } = {
  [envelope.typ]: limit("entry_bytes"),
  [STATEMENT]: limit("entry_bytes"),
  [ADMISSION]: limit("entry_bytes") + limit("admission_bytes"),
  [EXPUNCTION]: limit("expunction_bytes"),
};

function checkEntry(frame: Frame, parts: Parts): Entry {
  const typ = typOf(frame);
  const most = MOST_BYTES[typ];
  if (most === undefined) throw malformed("a signed object that is no entry");
  checkSize(frame.bytes, parts, most);
  if (typ === envelope.typ) return openEnvelope(frame, parts);
  const shared = { signature: frame.signature, id: objectId(frame), parts, frame };
  const { payload } = frame;
  if (typ === ADMISSION) {
    const held = openEnvelope(parseFrame(heldIn(payload)), parts);
    return Object.freeze({ ...shared, typ: ADMISSION, header: header(admissionHeader, frame), payload, held });
  }
  if (typ === EXPUNCTION) {
    const stub = hash.read(member(payload, "stub"));
    checkParts(parts, [stub]);
    return Object.freeze({ ...shared, typ: EXPUNCTION, header: header(expunctionHeader, frame), payload, stub });
  }
  checkParts(parts, []);
  return Object.freeze({ ...shared, typ: STATEMENT, header: header(statementHeader, frame), payload });
}

function checkSize(bytes: Uint8Array, parts: Parts, most: number): void {
  const size = parts.reduce((sum, part) => sum + (part?.length ?? 0), bytes.length);
  if (size > most) throw new Refused("too-large", `an entry of ${size} bytes, want at most ${most}`);
}

function header<T>(shape: Shape<T>, frame: Frame): T {
  return decodeAs(shape, frame.protected, limit("items_per_object"));
}

function openEnvelope(frame: Frame, parts: Parts): Envelope {
  const { header: read, payload: hashes, signature, id: entryId } = envelope.fromFrame(frame);
  checkParts(parts, hashes);
  return Object.freeze({ typ: envelope.typ, header: read, hashes, signature, id: entryId, parts, frame });
}

function checkParts(parts: Parts, hashes: readonly Uint8Array[]): void {
  if (parts.length !== hashes.length) throw malformed(`${parts.length} parts for ${hashes.length} hashes`);
  for (const [i, part] of parts.entries()) {
    const wanted = hashes[i];
    if (part !== null && (wanted === undefined || !equal(H(part), wanted))) {
      throw malformed(`part ${i} does not match its hash`);
    }
  }
}

function member(payload: Uint8Array, key: string): CborValue {
  const read = decode(payload, limit("items_per_statement"));
  const found = isMap(read) ? read.get(key) : undefined;
  if (found === undefined) throw malformed(`a payload without ${key}`);
  return found;
}

function heldIn(payload: Uint8Array): Uint8Array {
  return cose.read(member(payload, "held"));
}

// --- encoding -------------------------------------------------------------------------------------------------------

/** `[COSE bytes, [part, …]]` as it stands inside a request. */
export function entryPair(entry: Entry): CborValue {
  return [entry.frame.bytes, [...entry.parts]];
}

export function encodeEntry(entry: Entry): Uint8Array {
  return encode(entryPair(entry));
}

export type EntryHeader = Entry["header"];

/** Reads and writes the header of whatever kind of entry: the type in it says which. */
export const entryHeader: Shape<EntryHeader> = {
  read: (value) => {
    const typ = isMap(value) ? value.get(16) : undefined;
    if (typ === envelope.typ) return envelope.header.read(value);
    if (typ === ADMISSION) return admissionHeader.read(value);
    if (typ === EXPUNCTION) return expunctionHeader.read(value);
    return statementHeader.read(value);
  },
  write: (given) => {
    switch (given.typ) {
      case "fieldkeep-envelope":
        return envelope.header.write(given);
      case "fieldkeep-statement":
        return statementHeader.write(given);
      case "fieldkeep-admission":
        return admissionHeader.write(given);
      case "fieldkeep-expunction":
        return expunctionHeader.write(given);
      default: {
        const never: never = given;
        return never;
      }
    }
  },
};

/**
 * The protected header: sealed parts are bound to these bytes, so they are made before the parts and signed after (spec
 * 4).
 */
export function protectedHeader(given: EntryHeader): Uint8Array {
  return encodeAs(entryHeader, given);
}

/** Signs an entry of any kind; `payload` are its bytes, and `parts` what it travels with. */
export async function signEntry(
  protectedBytes: Uint8Array,
  payload: Uint8Array,
  parts: Parts,
  key: SigningKey,
): Promise<Entry> {
  return decodeEntry(encode([await signFrame(protectedBytes, payload, key), [...parts]]));
}

/** An envelope's payload: the hashes of its parts. */
export function encodeHashes(hashes: readonly Uint8Array[]): Uint8Array {
  return encodeAs(partHashes, hashes);
}
