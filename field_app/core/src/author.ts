/**
 * Whoever writes to a log, and what they write: envelopes and signed statements of their next number.
 *
 * Spec 3, 4. Tests: make/.
 */
import { hex } from "./bytes";
import { encodeRegistryStatement, type RegistryStatement } from "./certificate";
import {
  encodeHashes,
  type Entry,
  type EntryHeader,
  type Envelope,
  type LogLabels,
  protectedHeader,
  signEntry,
} from "./entry";
import { Refused } from "./errors";
import { H } from "./hash";
import { signingKeyOf, type SigningKey } from "./keys";
import { headOf, type Log } from "./log";
import { EMPTY_ROOT } from "./merkle";
import { sealPart } from "./sealing";
import type { Head, Witness } from "./shape";
import { encodeFileStatement, type FileStatement } from "./statement";

/** `sq` and `pv` are those of the next entry, `sn` and `ck` what the author has seen when it seals. */
export interface Author {
  readonly svc: Uint8Array;
  readonly device: Uint8Array;
  readonly key: SigningKey;
  readonly log: Uint8Array;
  readonly sq: number;
  readonly pv: Uint8Array | null;
  readonly sn: Head;
  readonly ck: Witness;
}

/** An epoch of a file and its secret. */
export interface Epoch {
  readonly ep: number;
  readonly secret: Uint8Array;
}

/**
 * Where a device writes next in a log that it has read. What it has sealed and not yet seen there comes in by `after`.
 */
export function authorIn(svc: Uint8Array, log: Log, device: Uint8Array, key: SigningKey, ck: Witness | null): Author {
  const last = log.authors.get(hex(device));
  const seen = ck ?? { incarnation: log.incarnation, size: 0, root: EMPTY_ROOT };
  return { svc, device, key, log: log.log, sq: (last?.sq ?? 0) + 1, pv: last?.id ?? null, sn: headOf(log), ck: seen };
}

/** The same author behind an entry of theirs that the log does not show yet: a refused one uses no number. */
export function after(author: Author, entry: Entry): Author {
  if (entry.header.sq !== author.sq) {
    throw new Refused("after-predecessor", `entry ${entry.header.sq} of an author whose next is ${author.sq}`);
  }
  return { ...author, sq: author.sq + 1, pv: entry.id };
}

function labels({ svc, device, log, sq, pv, sn, ck }: Author): LogLabels & { readonly kid: Uint8Array } {
  return { kid: device, svc, log, sq, pv, sn, ck };
}

/** Each plaintext is one part: the changes to one record. Each salt is 32 random bytes, used once. */
export async function sealEnvelope(
  author: Author,
  { ep, secret }: Epoch,
  plaintexts: readonly Uint8Array[],
  salts: readonly Uint8Array[],
): Promise<Envelope> {
  const protectedBytes = protectedHeader({ ...labels(author), typ: "fieldkeep-envelope", ep });
  const parts = await sealParts(author, { ep, secret }, protectedBytes, plaintexts, salts);
  const entry = await signEntry(protectedBytes, encodeHashes(parts.map((part) => H(part))), parts, author.key);
  if (entry.typ !== "fieldkeep-envelope") throw new Refused("internal", "an envelope became something else");
  return entry;
}

async function sealParts(
  { svc, device, log, sq }: Author,
  { ep, secret }: Epoch,
  protectedBytes: Uint8Array,
  plaintexts: readonly Uint8Array[],
  salts: readonly Uint8Array[],
): Promise<readonly Uint8Array[]> {
  const context = { svc, log, epoch: ep, author: device, sq, protected: protectedBytes, total: plaintexts.length };
  return Promise.all(
    plaintexts.map((plaintext, i) => sealPart(secret, salts[i] ?? new Uint8Array(0), plaintext, context, i)),
  );
}

async function sign(
  author: Author,
  header: EntryHeader,
  payload: Uint8Array,
  parts: readonly (Uint8Array | null)[],
): Promise<Entry> {
  return signEntry(protectedHeader(header), payload, parts, author.key);
}

export async function signRegistryStatement(author: Author, statement: RegistryStatement): Promise<Entry> {
  return sign(author, { ...labels(author), typ: "fieldkeep-statement" }, encodeRegistryStatement(statement), []);
}

/** Of any kind but `admit`, which carries an envelope, and `expunge`, which carries a stub. */
export async function signFileStatement(
  author: Author,
  statement: Exclude<FileStatement, { kind: "admit" | "expunge" }>,
): Promise<Entry> {
  return sign(author, { ...labels(author), typ: "fieldkeep-statement" }, encodeFileStatement(statement), []);
}

/** Lets in what is held, with its parts as they came. */
export async function signAdmission(
  author: Author,
  held: Envelope,
  { rg, pr }: { readonly rg: Head; readonly pr: Uint8Array },
): Promise<Entry> {
  const payload = encodeFileStatement({ kind: "admit", rg, pr, held: held.frame.bytes });
  return sign(author, { ...labels(author), typ: "fieldkeep-admission" }, payload, held.parts);
}

type Expunged = Omit<Extract<FileStatement, { kind: "expunge" }>, "kind" | "stub">;

/** `stub` is the plaintext of what stands for the part that goes. */
export async function signExpunction(
  author: Author,
  epoch: Epoch,
  what: Expunged,
  stub: Uint8Array,
  salt: Uint8Array,
): Promise<Entry> {
  const header: EntryHeader = { ...labels(author), typ: "fieldkeep-expunction", ep: epoch.ep };
  const parts = await sealParts(author, epoch, protectedHeader(header), [stub], [salt]);
  const hashes = parts.map((part) => H(part));
  return sign(
    author,
    header,
    encodeFileStatement({ ...what, kind: "expunge", stub: hashes[0] ?? new Uint8Array(0) }),
    parts,
  );
}

// --- keys -----------------------------------------------------------------------------------------------------------

/**
 * A signing key that WebCrypto made: the pair is what a store keeps, and where `extractable` is false it never leaves.
 */
export interface GeneratedKey {
  readonly pair: CryptoKeyPair;
  readonly key: SigningKey;
}

export async function generateSigningKey(extractable: boolean): Promise<GeneratedKey> {
  const pair = await crypto.subtle.generateKey("Ed25519", extractable, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Refused("internal", "WebCrypto gave no pair");
  return { pair, key: await signingKeyOf(pair) };
}

/** 32 random bytes: an X-Wing private key, an epoch's secret, a salt, a seed. */
export function randomSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32));
}

export function randomId(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}
