/**
 * Sealed chunks on this device: those that wait to be sent, and which records wait for them; those kept to be looked
 * at, of which the least lately used goes first. Spec 18.8.
 *
 * Bodies lie in rows alone; memory has what they are of, their size and when they were last used.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Change } from "@fieldkeep/core/change";
import { idsOf, type Manifest, readManifest } from "@fieldkeep/core/attachment";
import { Refused } from "@fieldkeep/core/errors";
import { copied } from "./identity";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { type Awaiting, awaitingRow, type Kept, keptRow, OF, write } from "./stored";

export const ATTACHMENT = "attachment";
export const CONTENT = "content";
const CACHE_BYTES = 268_435_456;

const nameOf = (log: Uint8Array, chunk: Uint8Array): string => `${hex(log)}/${hex(chunk)}`;

/** The content of each attachment that these changes begin. */
export function manifestsIn(changes: readonly Change[]): readonly Manifest[] {
  return changes.flatMap(({ t, ops }) =>
    ops.flatMap(({ field, value }): readonly Manifest[] => {
      if (t !== ATTACHMENT || field !== CONTENT) return [];
      try {
        return [readManifest(value)];
      } catch (error) {
        if (error instanceof Refused) return [];
        throw error;
      }
    }),
  );
}

/** What was made here and is not in its log, in the order in which it was made. */
export const awaiting = (session: Session, log?: Uint8Array): readonly Awaiting[] =>
  [...session.memory.awaiting.values()]
    .filter((one) => log === undefined || equal(one.log, log))
    .sort((a, b) => a.n - b.n);

/**
 * Records, in hexadecimal, that are not sealed yet: the server has not acknowledged all their chunks. Who has `lost`
 * their place brings no chunk and claims none: no attachment of theirs is sealed.
 */
export function unsealable(session: Session, log: Uint8Array, lost: boolean): ReadonlySet<string> {
  return new Set(
    awaiting(session, log)
      .filter(({ unsent, loose }) => lost || loose || unsent.length > 0)
      .map(({ record }) => hex(record)),
  );
}

export function putAwaiting(session: Session, transaction: Transaction, one: Awaiting): void {
  session.memory.awaiting.set(hex(one.record), one);
  transaction.put(OF.awaiting, hex(one.record), write(awaitingRow, one));
}

function dropAwaiting(session: Session, transaction: Transaction, { record }: Awaiting): void {
  session.memory.awaiting.delete(hex(record));
  transaction.delete(OF.awaiting, hex(record));
}

export function putChunk(session: Session, transaction: Transaction, kept: Kept, body: Uint8Array): void {
  const name = nameOf(kept.log, kept.chunk);
  session.memory.kept.set(name, kept);
  transaction.put(OF.kept, name, write(keptRow, kept));
  transaction.put(OF.chunks, name, copied(body));
}

/** A sealed chunk, if it is here. */
export async function chunkOf(session: Session, log: Uint8Array, chunk: Uint8Array): Promise<Uint8Array | null> {
  const name = nameOf(log, chunk);
  const kept = session.memory.kept.get(name);
  if (kept === undefined) return null;
  return session.change(async (transaction) => {
    const used = { ...kept, used_ms: Math.max(0, session.now()) };
    session.memory.kept.set(name, used);
    transaction.put(OF.kept, name, write(keptRow, used));
    return (await transaction.get(OF.chunks, name)) ?? null;
  });
}

export const hasChunk = (session: Session, log: Uint8Array, chunk: Uint8Array): boolean =>
  session.memory.kept.has(nameOf(log, chunk));

function drop(session: Session, transaction: Transaction, names: Iterable<string>): void {
  for (const name of [...names]) {
    session.memory.kept.delete(name);
    transaction.delete(OF.kept, name);
    transaction.delete(OF.chunks, name);
  }
}

/** What named these was removed. */
export function dropNamed(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  changes: readonly Change[],
): void {
  const chunks = manifestsIn(changes).flatMap(idsOf);
  drop(
    session,
    transaction,
    chunks.map((chunk) => nameOf(log, chunk)),
  );
}

/** Everything of a file. */
export function dropChunksOf(session: Session, transaction: Transaction, log: Uint8Array): void {
  for (const one of awaiting(session, log)) dropAwaiting(session, transaction, one);
  const own = [...session.memory.kept].filter(([, kept]) => equal(kept.log, log)).map(([name]) => name);
  drop(session, transaction, own);
}

/** What is in its log waits no more. What was taken back before it was sent goes, with its chunks. */
export function settle(session: Session, transaction: Transaction): void {
  for (const one of awaiting(session)) {
    const open = session.files.get(hex(one.log));
    const isRecord = ({ r }: Change): boolean => equal(r, one.record);
    if (open?.pending.some(({ change }) => isRecord(change) && manifestsIn([change]).length > 0)) continue;
    dropAwaiting(session, transaction, one);
    if (open?.folded.records.has(hex(one.record))) continue;
    const left = [...session.memory.kept].filter(([, kept]) => equal(kept.record, one.record)).map(([name]) => name);
    drop(session, transaction, left);
  }
}

/** Of what is kept to be looked at alone, the least lately used goes beyond so many bytes. */
export function trim(session: Session, transaction: Transaction, most = CACHE_BYTES): void {
  const waits = new Set([...session.memory.awaiting.keys()]);
  const cached = [...session.memory.kept].filter(([, { record }]) => !waits.has(hex(record)));
  let size = 0;
  for (const [name, kept] of cached.sort(([, a], [, b]) => b.used_ms - a.used_ms)) {
    size += kept.size;
    if (size > most) drop(session, transaction, [name]);
  }
}
