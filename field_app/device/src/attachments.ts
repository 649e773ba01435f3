/**
 * Photographs on a device: sealed here, sent in chunks when there is a signal, fetched when asked for. Spec 18.3, 18.8.
 *
 * An attachment's record waits until the server has acknowledged every chunk: nobody is shown a record without its
 * content. A cut connection costs one chunk. What is in a picture besides its pixels is taken out before it comes here.
 */
import {
  checkChunkOf,
  type Form,
  idsOf,
  type Manifest,
  manifestValue,
  openContent,
  openThumbnail,
  readManifest,
  sealContent,
} from "@fieldkeep/core/attachment";
import { randomSecret } from "@fieldkeep/core/author";
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { type Claim, decodeClaimed, encodeClaims } from "@fieldkeep/core/chunk";
import { Refused } from "@fieldkeep/core/errors";
import { shown } from "@fieldkeep/core/fold/show";
import { encodeUuid } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { ATTACHMENT, awaiting, chunkOf, CONTENT, manifestsIn, putAwaiting, putChunk, settle, trim } from "./chunks";
import type { Edit } from "./ops";
import { openParts, readChanges } from "./opening";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import type { Awaiting, OutboxItem } from "./stored";
import type { Transport } from "./transport";
import { addIn, recordIn, typeIn } from "./writing";

/** The server, or the line to it, cannot take more now; everything else is about the one attachment. */
const LATER: ReadonlySet<string> = new Set(["offline", "quota", "busy", "internal"]);
const OUT: ReadonlySet<string> = new Set(["revoked", "suspended", "certificate-ended"]);

/** What may be kept: nothing in it says where, when, by whom and with what it was made. */
export interface Cleaned {
  readonly form: Form;
  readonly content: Uint8Array;
  /** A small JPEG of it; empty where there is none. */
  readonly thumbnail: Uint8Array;
}

/** What one sending did; `code` and `message` say why the first of those that are `left` waits. */
export interface Sent {
  chunks: number;
  left: number;
  code: string;
  message: string;
}

/**
 * Keeps an attachment, sealed, with its record: one transaction. `values` are those of that record. Works offline. A
 * `loose` one goes out when `release` has seen the record that names it.
 */
export async function attach(
  session: Session,
  log: Uint8Array,
  { form, content, thumbnail }: Cleaned,
  values: readonly Edit[],
  loose = false,
): Promise<Uint8Array> {
  const { svc } = session.identity;
  const { manifest, chunks } = await sealContent({ svc, log }, randomSecret(), form, content, thumbnail);
  const edits = [...values, { act: "set", field: CONTENT, value: manifestValue(manifest) } as const];
  return session.change(async (transaction) => {
    const record = addIn(session, transaction, log, typeIn(session, log, ATTACHMENT), edits);
    const ids = idsOf(manifest);
    const n = Math.max(0, ...awaiting(session).map((one) => one.n)) + 1;
    const said = { code: "", message: "" };
    putAwaiting(session, transaction, { n, log, record, unsent: ids, chunks: ids.length, loose, ...said });
    for (const [i, body] of chunks.entries()) {
      const chunk = ids[i];
      if (chunk === undefined) throw new Error("a chunk without its id");
      const used_ms = Math.max(0, session.now());
      putChunk(session, transaction, { log, chunk, record, size: body.length, used_ms }, body);
    }
    return record;
  });
}

/** What these edits name may go out: they are kept in the same transaction. */
export function release(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  edits: readonly Edit[],
): void {
  const named = new Set(edits.flatMap(({ value }) => (Array.isArray(value) ? (value as readonly Json[]) : [value])));
  for (const one of awaiting(session, log))
    if (one.loose && named.has(encodeUuid(one.record))) putAwaiting(session, transaction, { ...one, loose: false });
}

/** A loose attachment goes, as if it had not been made. Of one that was released nothing is done. */
export async function takeBack(session: Session, log: Uint8Array, record: Uint8Array): Promise<void> {
  if (awaiting(session, log).find((one) => equal(one.record, record))?.loose !== true) return;
  await session.change(async (transaction) => {
    const own = session.file(log).pending.filter(({ change }) => equal(change.r, record));
    session.dropPending(transaction, log, new Set(own.map(({ change }) => change.c)));
    settle(session, transaction);
  });
}

// --- sending ------------------------------------------------------------------------------------------------------

const pathOf = (log: Uint8Array, chunk: Uint8Array): string => `/v1/chunk/${encodeUuid(log)}/${hex(chunk)}`;

/**
 * Brings what the server has not acknowledged; what it has is not brought again. Raises Refused where this device has
 * lost its place.
 */
export async function sendChunks(session: Session, transport: Transport, progress: () => void): Promise<Sent> {
  const sent: Sent = { chunks: 0, left: 0, code: "", message: "" };
  await session.change(async (transaction) => settle(session, transaction));
  for (const one of awaiting(session)) {
    const open = session.files.get(hex(one.log));
    if (one.loose || one.unsent.length === 0 || open === undefined || open.begun || open.stopped !== "") continue;
    try {
      sent.chunks += await sendOne(session, transport, one, progress);
    } catch (error) {
      if (!(error instanceof Refused) || OUT.has(error.code)) throw error;
      const { code, message } = error;
      await say(session, one, code, message);
      if (sent.code === "") [sent.code, sent.message] = [code, message];
      if (LATER.has(code)) break;
    }
  }
  await session.change(async (transaction) => trim(session, transaction));
  sent.left = awaiting(session).filter(({ unsent, loose }) => !loose && unsent.length > 0).length;
  return sent;
}

async function sendOne(session: Session, transport: Transport, one: Awaiting, progress: () => void): Promise<number> {
  const { identity, key } = session;
  for (const chunk of one.unsent) {
    const body = await chunkOf(session, one.log, chunk);
    if (body === null) throw new Error("a chunk that was not sent is not here");
    await transport.signed(identity, key, "PUT", pathOf(one.log, chunk), body);
    await session.change(async (transaction) => {
      const now = session.memory.awaiting.get(hex(one.record));
      if (now === undefined) return;
      // From here on it is not brought again, whenever the line breaks.
      const unsent = now.unsent.filter((id) => !equal(id, chunk));
      putAwaiting(session, transaction, { ...now, unsent, code: "", message: "" });
    });
    progress();
  }
  return one.unsent.length;
}

function say(session: Session, { record }: Awaiting, code: string, message: string): Promise<void> {
  return session.change(async (transaction) => {
    const now = session.memory.awaiting.get(hex(record));
    if (now === undefined) return;
    putAwaiting(session, transaction, { ...now, code, message: [...message].slice(0, 600).join("") });
  });
}

/**
 * Before anything is pushed: tells the server which chunks the attachments in it name. Gives back the files, in
 * hexadecimal, in which some are not there: of those nothing is pushed until they have been brought again.
 */
export async function claimFor(
  session: Session,
  transport: Transport,
  pushed: readonly OutboxItem[],
): Promise<ReadonlySet<string>> {
  const short = new Set<string>();
  for (const [key, { log, claims }] of await claimsOf(session, pushed)) {
    const most = limit("claims_per_request");
    for (let at = 0; at < claims.length; at += most) {
      const missing = await claimSome(session, transport, log, claims.slice(at, at + most));
      if (missing.length === 0) continue;
      short.add(key);
      await bringAgain(session, log, missing);
    }
  }
  return short;
}

async function claimSome(
  session: Session,
  transport: Transport,
  log: Uint8Array,
  claims: readonly Claim[],
): Promise<readonly Uint8Array[]> {
  const { identity, key } = session;
  try {
    const path = `/v1/chunks/${encodeUuid(log)}`;
    return decodeClaimed(await transport.signed(identity, key, "POST", path, encodeClaims(claims)));
  } catch (error) {
    // Removed, or no member any more: the verdict on the entry itself says which.
    if (error instanceof Refused && !LATER.has(error.code) && !OUT.has(error.code)) return [];
    throw error;
  }
}

type OfLog = { readonly log: Uint8Array; readonly claims: readonly Claim[] };

async function claimsOf(session: Session, pushed: readonly OutboxItem[]): Promise<ReadonlyMap<string, OfLog>> {
  const found = new Map<string, OfLog>();
  for (const { log, entry, receipted } of pushed) {
    const open = session.files.get(hex(log));
    if (entry.typ !== "fieldkeep-envelope" || receipted || open === undefined) continue;
    if (awaiting(session, log).length === 0) continue;
    const parts = await openParts(session.identity, entry, Number.MAX_SAFE_INTEGER, open.secrets);
    const claims = parts.flatMap(({ plaintext }, index): readonly Claim[] => {
      const part = entry.hashes[index];
      if (plaintext === null || part === undefined) return [];
      const chunks = manifestsIn(readChanges(plaintext)).flatMap(idsOf);
      return chunks.length === 0 ? [] : [{ part, chunks: [...new Map(chunks.map((id) => [hex(id), id])).values()] }];
    });
    if (claims.length > 0) found.set(hex(log), { log, claims: [...(found.get(hex(log))?.claims ?? []), ...claims] });
  }
  return found;
}

/** The server does not have these: its grace is over, or an older copy of it was put back. */
function bringAgain(session: Session, log: Uint8Array, missing: readonly Uint8Array[]): Promise<void> {
  const lacks = new Set(missing.map(hex));
  return session.change(async (transaction) => {
    for (const one of awaiting(session, log)) {
      const manifest = manifestOf(session, log, one.record);
      const unsent = (manifest === null ? [] : idsOf(manifest)).filter((id) => lacks.has(hex(id)));
      if (unsent.length > 0) putAwaiting(session, transaction, { ...one, unsent });
    }
  });
}

// --- looking ------------------------------------------------------------------------------------------------------

/** What a record says of its content; null where it was removed, or is none. */
export function manifestOf(session: Session, log: Uint8Array, record: Uint8Array): Manifest | null {
  const found = session.recordsOf(log).records.get(hex(record));
  const value: Json = found === undefined ? null : shown(found, CONTENT).value;
  try {
    return value === null ? null : readManifest(value);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

function wantedManifest(session: Session, log: Uint8Array, record: Uint8Array): Manifest {
  const manifest = recordIn(session, log, record).type === ATTACHMENT ? manifestOf(session, log, record) : null;
  if (manifest === null)
    throw new Refused("not-found", "the content of this attachment was removed, or needs a newer app");
  return manifest;
}

/** The content, from this device as far as it is here, checked by its hash. */
export async function contentOf(
  session: Session,
  transport: Transport,
  log: Uint8Array,
  record: Uint8Array,
): Promise<Uint8Array> {
  const manifest = wantedManifest(session, log, record);
  const chunks: Uint8Array[] = [];
  for (const chunk of manifest.chunks) chunks.push(await fetched(session, transport, log, record, chunk));
  const content = await openContent({ svc: session.identity.svc, log }, manifest, chunks);
  await session.change(async (transaction) => trim(session, transaction));
  return content;
}

/** A small picture of it, empty where there is none. */
export async function thumbnailOf(
  session: Session,
  transport: Transport,
  log: Uint8Array,
  record: Uint8Array,
): Promise<Uint8Array> {
  const manifest = wantedManifest(session, log, record);
  const chunk = await fetched(session, transport, log, record, manifest.thumbnail);
  return openThumbnail({ svc: session.identity.svc, log }, manifest, chunk);
}

async function fetched(
  session: Session,
  transport: Transport,
  log: Uint8Array,
  record: Uint8Array,
  chunk: Uint8Array,
): Promise<Uint8Array> {
  const here = await chunkOf(session, log, chunk);
  if (here !== null) return here;
  let body: Uint8Array;
  try {
    body = await transport.signed(session.identity, session.key, "GET", pathOf(log, chunk));
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "no-such-file") throw error;
    throw new Refused("not-found", "the server does not have this picture, or you are not in the file any more");
  }
  try {
    checkChunkOf(chunk, body);
  } catch {
    const text = "the server gave other bytes than an attachment has: nothing of them was kept";
    await session.change(async (transaction) => session.alarm(transaction, log, null, "bad-chunk", text));
    throw new Refused("contradiction", text);
  }
  const kept = { log, chunk, record, size: body.length, used_ms: Math.max(0, session.now()) };
  await session.change(async (transaction) => putChunk(session, transaction, kept, body));
  return body;
}
