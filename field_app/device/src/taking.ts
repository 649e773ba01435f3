/**
 * What a page of a file brought, into rows and memory: keys, what its envelopes say, what was removed. Spec 4, 7.3,
 * 7.8.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import { opValue } from "@fieldkeep/core/change";
import { decodeEntry } from "@fieldkeep/core/entry";
import type { FilePage, TakenEntry } from "@fieldkeep/core/exchange/file_page";
import { readServed, type Sent } from "@fieldkeep/core/exchange/served";
import { fold, type Folded, take } from "@fieldkeep/core/fold/fold";
import { seqOf } from "@fieldkeep/core/log";
import type { File } from "@fieldkeep/core/membership/state";
import { decodeFileStatement } from "@fieldkeep/core/statement";
import type { Page } from "@fieldkeep/core/sync";
import type { OpenFile } from "./memory";
import { opened, openParts, openStub, type Part, readChanges, sealedIn, type Secrets } from "./opening";
import { keptPair, placedIn, placedOf, type Stored } from "./placing";
import { expungeOf, keepIds, takeErased, takeExpunction } from "./removing";
import type { Transaction } from "./rows";
import { unpark } from "./parking";
import { keepHead } from "./restored";
import type { Session } from "./session";
import { type EntryRow, entryRow, OF, type Pending, read, write } from "./stored";

type Taken = Extract<FilePage, { readonly kind: "taken" }>;

/** `page` is what came, `after` what core made of it. */
export async function takeFilePage(
  session: Session,
  transaction: Transaction,
  page: Page,
  after: Exclude<FilePage, { readonly kind: "behind" | "lost" }>,
  sent: Sent,
): Promise<void> {
  keepHead(session, transaction, page);
  const known = session.files.get(hex(page.log)) ?? session.blank(page.log);
  const before = known.begun ? { ...session.blank(page.log), pending: known.pending, secrets: known.secrets } : known;
  const { file } = after.reading;
  if (after.kind === "ids" || file.erased !== null) {
    const served = readServed(page, before.reading.file.log, sent);
    if (file.erased !== null) return takeErased(session, transaction, before, served);
    keepIds(transaction, page.log, served);
    return session.putFile(transaction, { ...before, reading: after.reading });
  }
  return takeEntries(session, transaction, before, after);
}

async function takeEntries(session: Session, transaction: Transaction, before: OpenFile, after: Taken): Promise<void> {
  const { log } = before;
  const { file } = after.reading;
  const { secrets, bad, older } = await opened(session.identity, file, after.taken, before.secrets);
  const [first] = after.taken;
  const creator = first?.served.seq === 1 ? first.entry.header.kid : before.creator;
  session.putFile(transaction, { ...before, creator, reading: after.reading, secrets });
  if (bad.length > 0) {
    const text =
      "a colleague's device handed out a key that does not fit: ask your coordinator to give the file's keys again";
    session.alarm(transaction, log, null, "bad-grant", text);
  }
  const stored: Stored[] = [];
  for (const one of after.taken) {
    const row = await rowOf(session, transaction, file, one, secrets);
    transaction.put(OF.entries(log), one.served.seq, write(entryRow, row));
    stored.push({ seq: one.served.seq, row, entry: one.entry });
    tell(session, transaction, log, one);
  }
  for (const { seq } of after.kept) {
    const text = "the server still had a part that was removed; it is dropped here";
    session.alarm(transaction, log, seq, "kept", text);
  }
  for (const seq of after.early) {
    const text =
      "the server dates this long before it last said that there was nothing new: its time is not to be believed";
    session.alarm(transaction, log, seq, "early", text);
  }
  for (const one of stored) await lookAtRemoval(session, transaction, one);
  const again = older || bad.length > 0 || file.expunged.length > before.reading.file.expunged.length;
  const folded = again
    ? await reopened(session, transaction, file, secrets)
    : take(
        before.folded,
        stored.flatMap((one) => placedIn(one)),
      );
  unpark(
    session,
    transaction,
    log,
    stored.flatMap((one) => placedIn(one)),
  );
  session.putFile(transaction, { ...session.file(log), folded });
  dropShown(session, transaction, log);
}

/** Before what was removed goes, this device looks whether the removal says of it what it has to. */
async function lookAtRemoval(session: Session, transaction: Transaction, { row, entry }: Stored): Promise<void> {
  const said = row.void === null ? expungeOf(entry) : null;
  if (said === null) return;
  const { log } = entry.header;
  const content = said.at === 0 ? undefined : await transaction.get(OF.entries(log), said.at);
  const target = content === undefined ? null : read(entryRow, content);
  const gone = target === null ? null : { row: target, part: said.part, stub: row.plaintexts[0] ?? null };
  await takeExpunction(session, transaction, session.file(log), { entry, received_ms: row.received_ms }, gone);
}

async function rowOf(
  session: Session,
  transaction: Transaction,
  file: File,
  { served, entry, void: code, by: author, carried }: TakenEntry,
  secrets: Secrets,
): Promise<EntryRow> {
  const by = carried ?? author;
  const { seq, received_ms, leaf, salt } = served;
  const isGone = (part: number): boolean => file.expunged.some((one) => one.at === seq && one.part === part);
  const pair = keptPair(entry, isGone);
  const row = { pair, received_ms, leaf, salt, void: code, ...by, late: carried !== null, plaintexts: [] };
  if (code !== null) return row;
  const parts = await partsOf(session, file, seq, row, secrets);
  for (const [index, { hole }] of parts.entries()) {
    if (hole === null) continue;
    session.alarm(transaction, file.log.log, seq, "hole", `part ${index} cannot be read: ${hole}`);
  }
  return { ...row, plaintexts: parts.map(({ plaintext }) => plaintext) };
}

async function partsOf(
  session: Session,
  file: File,
  seq: number,
  row: EntryRow,
  secrets: Secrets,
): Promise<readonly Part[]> {
  const entry = decodeEntry(row.pair);
  if (entry.typ === "fieldkeep-expunction") return [await openStub(session.identity, entry, file, secrets)];
  const envelope = sealedIn(entry);
  return envelope === null ? [] : openParts(session.identity, envelope, seq, secrets);
}

// --- everything once more -----------------------------------------------------------------------------------------

/** Keys came, or were taken back, of what came before; or parts were removed: of those nothing stays in a row. */
async function reopened(session: Session, transaction: Transaction, file: File, secrets: Secrets): Promise<Folded> {
  const { log } = file.log;
  const stored: Stored[] = [];
  for (let seq = 1; seq <= seqOf(file.log); seq++) {
    const content = await transaction.get(OF.entries(log), seq);
    if (content === undefined) continue;
    const kept = read(entryRow, content);
    const isGone = (part: number): boolean => file.expunged.some((one) => one.at === seq && one.part === part);
    const whole = decodeEntry(kept.pair);
    const row = { ...kept, pair: keptPair(whole, isGone) };
    const entry = decodeEntry(row.pair);
    const parts = row.void === null ? await partsOf(session, file, seq, row, secrets) : [];
    const now = { ...row, plaintexts: parts.map(({ plaintext }) => plaintext) };
    transaction.put(OF.entries(log), seq, write(entryRow, now));
    writeAnew(session, transaction, log, kept, now, isGone);
    stored.push({ seq, row: now, entry });
  }
  return fold(log, session.schemas.types, placedOf(stored, file.expunged, secrets));
}

/** What an own entry said under a key that no honest colleague made is closed for everybody: it is sealed anew. */
function writeAnew(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  before: EntryRow,
  now: EntryRow,
  isGone: (part: number) => boolean,
): void {
  if (!equal(before.device, session.identity.device) || decodeEntry(before.pair).typ !== "fieldkeep-envelope") return;
  const closed = before.plaintexts.flatMap((plaintext, part) =>
    plaintext !== null && !isGone(part) && (now.plaintexts[part] ?? null) === null ? readChanges(plaintext) : [],
  );
  const anew: readonly Pending[] = closed.map((change) => ({ change, outbox: null, held: "" }));
  if (anew.length > 0) session.putPending(transaction, log, anew);
}

/** Changes of this device that the log shows are pending no more. */
function dropShown(session: Session, transaction: Transaction, log: Uint8Array): void {
  const { pending, folded } = session.file(log);
  const device = hex(session.identity.device);
  const there = pending.filter(({ change }) => folded.standing.has(`${device}:${change.c}`));
  const isOwn = ({ change }: Pending): boolean => {
    const placed = folded.standing.get(`${device}:${change.c}`);
    return placed !== undefined && (placed.stub || isSaidIn(change, placed.change));
  };
  session.dropPending(transaction, log, new Set(there.filter(isOwn).map(({ change }) => change.c)));
  for (const one of there.filter((each) => !isOwn(each) && each.held !== "repeated")) {
    session.putPending(transaction, log, [{ ...one, outbox: null, held: "repeated" }]);
    const text = "a copy of this phone used a change number first; what was typed here is kept, and is not sent";
    session.alarm(transaction, log, null, "repeated", text);
  }
}

const opsOf = ({ ops }: Pending["change"]): Uint8Array => encode(ops.map(opValue));
const isSaidIn = (own: Pending["change"], there: Pending["change"]): boolean =>
  equal(own.r, there.r) && equal(opsOf(own), opsOf(there));

/** What a person is told of a statement. */
function tell(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  { entry, void: code, served }: TakenEntry,
): void {
  if (code !== null) {
    const text = "an entry that should have been refused counts for nothing";
    session.alarm(transaction, log, served.seq, `void:${code}`, text);
    return;
  }
  if (entry.typ !== "fieldkeep-statement") return;
  const statement = decodeFileStatement(entry.payload);
  if (statement.kind !== "members" || !statement.remove.some((user) => equal(user, session.identity.user))) return;
  const text =
    "you were removed from this file; what you had not sent is handed in, and held until a member decides on it";
  session.alarm(transaction, log, served.seq, "removed", text);
}
