/** A page that the server served: taken into rows and memory, or kept out with an alarm. Spec 9.3. */
import { equal, hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import { decodeEntry, type Entry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { type FilePage, type TakenEntry, takePage } from "@fieldkeep/core/exchange/file_page";
import { takeRegistryPage } from "@fieldkeep/core/exchange/registry_page";
import type { Served } from "@fieldkeep/core/exchange/served";
import { fold, take } from "@fieldkeep/core/fold/fold";
import { verifies } from "@fieldkeep/core/keys";
import { seqOf } from "@fieldkeep/core/log";
import { reaches } from "@fieldkeep/core/registry/state";
import { decodeFileStatement } from "@fieldkeep/core/statement";
import type { Page } from "@fieldkeep/core/sync";
import { copied } from "./identity";
import { openParts, opened, openStub, sealedIn, type Secrets } from "./opening";
import { keptPair, placedIn, placedOf, type Stored } from "./placing";
import { demandProof } from "./proving";
import type { Transaction } from "./rows";
import type { OpenFile, Session } from "./session";
import { type EntryRow, entryRow, OF, read, write } from "./stored";

const NOBODY = new Uint8Array(16);

/** What one answer brought. */
export interface Brought {
  received: number;
  /** A statement relies on a registry that has not come yet. */
  behind: boolean;
  readonly contradictions: { readonly log: Uint8Array; readonly message: string }[];
}

/** What this very request pushed, by entry id: a page names it by its id alone. */
export type SentEntries = ReadonlyMap<string, Entry>;

// --- registry ------------------------------------------------------------------------------------------------------------

export async function takeRegistry(session: Session, transaction: Transaction, page: Page, sent: SentEntries, brought: Brought): Promise<void> {
  const { identity, registry } = session;
  const after = await takeRegistryPage(registry, page, { incarnation: identity.incarnation, sent, told: session.told(page.log), check: verifies });
  const reached = reaches(after.registry, identity.floor);
  if (reached === false || (reached === null && !page.more)) throw new Refused("contradiction", "the registry is not the one that the inviter saw");
  session.registry = after.registry;
  for (const { served, void: code } of after.taken) {
    if (served.entry === null) continue;
    const row = { ...rowBase(served, served.entry), void: code, user: NOBODY, role: "", late: false, plaintexts: [] };
    keepEntry(session, transaction, page.log, served, row);
    demandProof(session, transaction, page.log, registry.log, after.taken.map((one) => one.served), served, code !== null);
    if (code !== null) session.alarm(transaction, page.log, served.seq, `void:${code}`, "an entry of the registry counts for nothing");
  }
  stopRegistry(session, transaction, "");
  brought.received += after.taken.length;
}

export function stopRegistry(session: Session, transaction: Transaction, stopped: string): void {
  session.registryStopped = stopped;
  transaction.put(OF.logs, hex(session.registry.log.log), copied(encode([[], false, stopped])));
}

// --- files ---------------------------------------------------------------------------------------------------------------

export async function takeFile(session: Session, transaction: Transaction, page: Page, sent: SentEntries, brought: Brought): Promise<void> {
  const before = session.files.get(hex(page.log)) ?? session.blank(page.log);
  const after = await takePage(before.reading, page, {
    registry: session.registry, sent, told: session.told(page.log), check: verifies, quietMs: session.state.quiet_ms,
    member: before.reading.file.kind === null || session.isMember(before.reading.file),
  });
  switch (after.kind) {
    case "behind":
      brought.behind = true;
      return;
    case "ids":
      if (after.erased !== null) takeErased(session, transaction, before, after.erased);
      return;
    case "taken":
      if (after.reading.file.erased !== null) return takeErased(session, transaction, before, after.reading.file.erased.seq);
      return takeEntries(session, transaction, before, after, brought);
    default: {
      const never: never = after;
      return never;
    }
  }
}

/** Of an erased file nothing is kept but that it was. */
function takeErased(session: Session, transaction: Transaction, before: OpenFile, seq: number): void {
  forget(session, transaction, before);
  session.alarm(transaction, before.log, seq, "erased", "this file was erased by two people: nothing of it is on this phone any more");
}

export function forget(session: Session, transaction: Transaction, { log, reading, pending }: OpenFile): void {
  for (let seq = 1; seq <= seqOf(reading.file.log); seq++) transaction.delete(OF.entries(log), seq);
  for (const { change } of pending) transaction.delete(OF.changes(log), change.c);
  for (const item of session.waiting(log)) session.dropOutbox(transaction, item.n);
  transaction.delete(OF.logs, hex(log));
  transaction.delete(OF.secrets, hex(log));
  session.files.delete(hex(log));
}

async function takeEntries(session: Session, transaction: Transaction, before: OpenFile, after: FilePage & { readonly kind: "taken" }, brought: Brought): Promise<void> {
  const { log } = before;
  const { file } = after.reading;
  const { secrets, bad, older } = await opened(session.identity, file, after.taken, before.secrets);
  if (bad.length > 0) {
    session.alarm(transaction, log, null, "bad-grant", "a colleague's device handed out a key that does not fit: ask your coordinator to give the file's keys again");
  }
  const served = after.taken.map((one) => one.served);
  const stored: Stored[] = [];
  for (const one of after.taken) {
    const row = await rowOf(session, transaction, log, one, secrets);
    keepEntry(session, transaction, log, one.served, row);
    demandProof(session, transaction, log, before.reading.file.log, served, one.served, one.void !== null);
    if (one.void !== null) session.alarm(transaction, log, one.served.seq, `void:${one.void}`, "an entry that should have been refused counts for nothing");
    stored.push({ seq: one.served.seq, row, entry: one.entry });
    tell(session, transaction, log, one);
  }
  for (const { seq } of after.kept) session.alarm(transaction, log, seq, "kept", "the server still had a part that was removed; it is dropped here");
  for (const seq of after.early) session.alarm(transaction, log, seq, "early", "the server dates this long before it last said that there was nothing new");
  const again = older || bad.length > 0 || file.expunged.length > before.reading.file.expunged.length;
  const folded = again
    ? fold(log, session.schemas.types, await reopened(session, transaction, file, secrets))
    : take(before.folded, stored.flatMap((one) => placedIn(one)));
  session.putFile(transaction, { ...before, pending: session.files.get(hex(log))?.pending ?? before.pending, reading: after.reading, secrets, stopped: "", folded });
  dropShown(session, transaction, log);
  brought.received += after.taken.length;
}

/** Changes of this device that the log shows are pending no more. */
function dropShown(session: Session, transaction: Transaction, log: Uint8Array): void {
  const { pending, folded } = session.file(log);
  const device = hex(session.identity.device);
  const shown = pending.filter(({ change }) => folded.standing.has(`${device}:${change.c}`)).map(({ change }) => change.c);
  if (shown.length > 0) session.dropPending(transaction, log, new Set(shown));
}

function rowBase(served: Served, entry: Entry): Pick<EntryRow, "pair" | "received_ms" | "leaf" | "salt" | "device"> {
  const { received_ms, leaf, salt } = served;
  return { pair: keptPair(entry, () => true), received_ms, leaf, salt, device: entry.header.kid };
}

async function rowOf(session: Session, transaction: Transaction, log: Uint8Array, one: TakenEntry, secrets: Secrets): Promise<EntryRow> {
  const by = one.carried ?? one.by;
  const row = { ...rowBase(one.served, one.entry), void: one.void, device: by.device, user: by.user, role: by.role, late: one.carried !== null, plaintexts: [] };
  if (one.void !== null) return row;
  if (one.entry.typ === "fieldkeep-expunction") return { ...row, plaintexts: [await openStub(session.identity, one.entry, secrets)] };
  const envelope = sealedIn(one.entry);
  if (envelope === null) return row;
  const parts = await openParts(session.identity, envelope, one.served.seq, secrets);
  for (const [index, { hole }] of parts.entries()) {
    if (hole !== null) session.alarm(transaction, log, one.served.seq, "hole", `part ${index} cannot be read: ${hole}`);
  }
  return { ...row, pair: keptPair(one.entry, (index) => (parts[index]?.plaintext ?? null) === null), plaintexts: parts.map(({ plaintext }) => plaintext) };
}

function keepEntry(session: Session, transaction: Transaction, log: Uint8Array, served: Served, row: EntryRow): void {
  session.leaves.set(served.leaf, hex(served.id));
  transaction.put(OF.entries(log), served.seq, write(entryRow, row));
  if (session.promised.get(hex(log))?.delete(served.seq) === true) transaction.delete(OF.promised(log), served.seq);
  for (const item of session.waiting(log)) {
    if (!equal(item.id, served.id)) continue;
    if (item.receipted || row.void !== null) session.dropOutbox(transaction, item.n);
    else session.putOutbox(transaction, { ...item, code: "shown", message: "" });
    if (row.void !== null) sealAgain(session, transaction, log, item.n);
  }
}

/** What an own envelope said that counts for nothing is sealed anew, under the same numbers: no reader has folded them. */
export function sealAgain(session: Session, transaction: Transaction, log: Uint8Array, n: number): void {
  const open = session.files.get(hex(log));
  const loose = (open?.pending ?? []).filter((one) => one.outbox === n).map((one) => ({ ...one, outbox: null }));
  if (loose.length > 0) session.putPending(transaction, log, loose);
}

/** Everything of a file once more: keys came of what came before, or parts were removed. Nothing of those stays in a row. */
async function reopened(session: Session, transaction: Transaction, file: OpenFile["reading"]["file"], secrets: Secrets): Promise<ReturnType<typeof placedOf>> {
  const { log } = file.log;
  const stored: Stored[] = [];
  for (let seq = 1; seq <= seqOf(file.log); seq++) {
    const content = await transaction.get(OF.entries(log), seq);
    if (content === undefined) continue;
    const kept = read(entryRow, content);
    const entry = decodeEntry(kept.pair);
    const row = await openedRow(session, file, { seq, row: kept, entry }, secrets);
    transaction.put(OF.entries(log), seq, write(entryRow, row));
    stored.push({ seq, row, entry });
  }
  return placedOf(stored, file.expunged);
}

async function openedRow(session: Session, file: OpenFile["reading"]["file"], { seq, row, entry }: Stored, secrets: Secrets): Promise<EntryRow> {
  if (row.void !== null) return row;
  if (entry.typ === "fieldkeep-expunction") return { ...row, plaintexts: [row.plaintexts[0] ?? (await openStub(session.identity, entry, secrets))] };
  const envelope = sealedIn(entry);
  if (envelope === null) return row;
  const gone = (part: number): boolean => file.expunged.some((one) => one.at === seq && one.part === part);
  const parts = await openParts(session.identity, envelope, seq, secrets);
  const plaintexts = entry.parts.map((_, index) => (gone(index) ? null : (row.plaintexts[index] ?? parts[index]?.plaintext ?? null)));
  return { ...row, plaintexts, pair: keptPair(entry, (index) => !gone(index) && (plaintexts[index] ?? null) === null) };
}

/** What a person is told of a statement. */
function tell(session: Session, transaction: Transaction, log: Uint8Array, { entry, void: code, served }: TakenEntry): void {
  if (code !== null || entry.typ !== "fieldkeep-statement") return;
  const statement = decodeFileStatement(entry.payload);
  if (statement.kind === "members" && statement.remove.some((user) => equal(user, session.identity.user))) {
    session.alarm(transaction, log, served.seq, "removed", "you were removed from this file; what you had not sent is handed in, and held until a member decides on it");
  }
}
