/**
 * What a removal comes to on this device: a part that two people expunged, a file that they erased. Spec 7.8, 7.10,
 * 9.6, 15.7.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { json, type Json } from "@fieldkeep/core/change";
import { purge } from "@fieldkeep/core/deposit";
import { isList, isMap } from "@fieldkeep/core/fold/markers";
import { decodeEntry, type Entry, encodeEntry, readEntry } from "@fieldkeep/core/entry";
import type { Served } from "@fieldkeep/core/exchange/served";
import type { Placed } from "@fieldkeep/core/fold/model";
import { believed } from "@fieldkeep/core/exchange/file_page";
import { seqOf } from "@fieldkeep/core/log";
import { emptyFile } from "@fieldkeep/core/membership/state";
import { BEHIND, readErasure, skipId } from "@fieldkeep/core/membership/take";
import { type Expunge, decodeFileStatement } from "@fieldkeep/core/statement";
import { decodeStub, isStubOf } from "@fieldkeep/core/stub";
import { dropChunksOf, dropNamed } from "./chunks";
import { copied } from "./identity";
import type { OpenFile } from "./memory";
import { openParts, readChanges } from "./opening";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { type EntryRow, entryRow, idRow, OF, outboxItem, READ, read, write } from "./stored";

/** A device's word that nothing is left on it of what this statement removed. */
async function sayPurged(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  statement: Uint8Array,
): Promise<void> {
  const { device, svc } = session.identity;
  const word = copied(await purge.make({ kid: device, svc }, { log, id: statement }, session.key));
  session.memory.purges.set(hex(statement), word);
  transaction.put(OF.purges, hex(statement), word);
}

export function dropPurged(session: Session, transaction: Transaction, statements: readonly string[]): void {
  for (const id of statements) {
    session.memory.purges.delete(id);
    transaction.delete(OF.purges, id);
  }
}

// --- one part -----------------------------------------------------------------------------------------------------

/** What the removed part said, as it was kept at its place. */
interface Gone {
  readonly row: EntryRow;
  readonly part: number;
  /** Why it went; `null` where its key is not here. */
  readonly stub: Uint8Array | null;
}

export function expungeOf(entry: Entry): Expunge | null {
  if (entry.typ !== "fieldkeep-expunction") return null;
  const statement = decodeFileStatement(entry.payload);
  return statement.kind === "expunge" ? statement : null;
}

/**
 * What every device looks at when a part goes: that the stub says what it has to, and that nothing else went with it.
 */
export async function takeExpunction(
  session: Session,
  transaction: Transaction,
  open: OpenFile,
  { entry, received_ms }: { readonly entry: Entry; readonly received_ms: number },
  gone: Gone | null,
): Promise<void> {
  const { log } = open;
  const said = expungeOf(entry);
  if (said === null) return;
  if (gone !== null) {
    const part = placedPart(gone, said.at);
    checkStub(session, transaction, open, said, part, gone);
    checkParcel(session, transaction, log, said, part);
    if (said.reason === "expired") checkExpired(session, transaction, log, said.at, part, received_ms);
  }
  if (gone !== null) {
    const part = placedPart(gone, said.at);
    dropLetters(session, transaction, log, part);
    dropNamed(
      session,
      transaction,
      log,
      part.map(({ change }) => change),
    );
  }
  await dropUnsent(session, transaction, open, said);
  await sayPurged(session, transaction, log, entry.id);
}

function placedPart({ row, part }: Gone, at: number): readonly Placed[] {
  const plaintext = row.plaintexts[part] ?? null;
  if (plaintext === null) return [];
  const { received_ms, device, user, role, late } = row;
  const changes = readChanges(plaintext);
  return changes.map((change) => ({ seq: at, received_ms, part, device, user, role, late, stub: false, change }));
}

function checkStub(
  session: Session,
  transaction: Transaction,
  { log, reading: { file } }: OpenFile,
  { at, reason }: Expunge,
  part: readonly Placed[],
  { stub }: Gone,
): void {
  if (part.length === 0 || stub === null || file.kind === null || reason === "expired") return;
  if (isStubOf(file.kind, part, decodeStub(file.kind, stub))) return;
  session.alarm(
    transaction,
    log,
    at,
    "bad-stub",
    "what two colleagues say of a part that they removed is not what it said",
  );
}

function checkParcel(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  { at, parcel }: Expunge,
  part: readonly Placed[],
): void {
  if (part.length === 0) return;
  const made = part
    .flatMap(({ change }) => change.ops)
    .find(({ field, action }) => field === "parcel" && action === "set");
  const named = typeof made?.value === "string" ? made.value.replaceAll("-", "") : null;
  if (named === (parcel === null ? null : hex(parcel))) return;
  session.alarm(
    transaction,
    log,
    at,
    "bad-parcel",
    "two colleagues removed a part with a letter that it was not made from",
  );
}

/** One person's device goes by the calendar: every other one looks that it was a letter, and its time over. */
function checkExpired(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  at: number,
  part: readonly Placed[],
  nowMs: number,
): void {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const untils = part
    .flatMap(({ change }) => change.ops)
    .flatMap(({ field, value }) => (field === "until" && typeof value === "string" ? [value] : []));
  if (part.every(({ change }) => change.t === "instruction") && untils.every((until) => until < today)) return;
  session.alarm(transaction, log, at, "bad-expiry", "a colleague's device removed what was no letter, or is in force");
}

/** Bytes of a text with a blank in it: shorter ones, and codes, stand in letters by chance. */
const WORDS = 12;

function textsIn(value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (isList(value)) return value.flatMap(textsIn);
  return isMap(value) ? [...value.values()].flatMap(textsIn) : [];
}

/** Letters that wait and repeat in words what is removed are not sent, urgent ones aside; their author is told. */
function dropLetters(session: Session, transaction: Transaction, log: Uint8Array, part: readonly Placed[]): void {
  const said = part.flatMap(({ change }) => change.ops.flatMap(({ value }) => textsIn(value)));
  const words = said.filter((text) => text.length >= WORDS && text.includes(" "));
  const records = new Set(part.map(({ change }) => hex(change.r)));
  for (const { n, urgent, says, record, kind, log: from } of session.letters) {
    if (urgent || says === null || !equal(from, log)) continue;
    const repeats = textsIn(json(says.body)).some((text) => words.some((word) => text.includes(word)));
    if (!repeats && !records.has(hex(record))) continue;
    session.dropLetter(transaction, n);
    const text = `a ${kind.replaceAll("_", " ")} is not sent to the other side: two colleagues removed what it said`;
    session.alarm(transaction, log, null, "letter-dropped", `${text}. Write it again, without that`);
  }
}

/** The same part in what this device still sends: its bytes go, and what was typed for it. */
async function dropUnsent(
  session: Session,
  transaction: Transaction,
  { log, secrets }: OpenFile,
  { id, part }: Expunge,
): Promise<void> {
  const item = session.waiting(log).find((one) => equal(one.id, id));
  if (item === undefined || item.entry.typ !== "fieldkeep-envelope") return;
  const [parts, { entry }] = [await openParts(session.identity, item.entry, Number.MAX_SAFE_INTEGER, secrets), item];
  const plaintext = parts[part]?.plaintext ?? null;
  const changes = plaintext === null ? [] : readChanges(plaintext);
  session.dropPending(transaction, log, new Set(changes.map(({ c }) => c)));
  dropNamed(session, transaction, log, changes);
  const rest = readEntry([entry.frame.bytes, entry.parts.map((one, index) => (index === part ? null : one))]);
  session.putOutbox(transaction, outboxItem(item.n, { ...item, entry: rest }, item.code, item.message));
}

// --- a whole file -------------------------------------------------------------------------------------------------

/** Ids that lead to an erasure which has not come yet: they are kept, and nothing is destroyed. */
export function keepIds(transaction: Transaction, log: Uint8Array, ids: readonly Served[]): void {
  for (const { seq, id, received_ms } of ids) transaction.put(OF.ids(log), seq, write(idRow, { id, received_ms }));
}

/** Of an erased file nothing is kept but its ids, its chain, and what the erasure says. `served` ends with that. */
export async function takeErased(
  session: Session,
  transaction: Transaction,
  before: OpenFile,
  served: readonly Served[],
): Promise<void> {
  const { log } = before;
  const erasure = served.at(-1);
  if (erasure?.entry == null) throw new Error("an erasure that did not come");
  const unsent = (session.files.get(hex(log))?.pending ?? []).some(({ change }) => change.t !== READ);
  const ids = [...(await idsBefore(transaction, before)), ...served.slice(0, -1)];
  forgetContent(session, transaction, before);
  for (const { seq, id, received_ms } of ids) transaction.put(OF.ids(log), seq, write(idRow, { id, received_ms }));
  const { entry, seq, received_ms, leaf, salt } = erasure;
  const by = { device: entry.header.kid, user: new Uint8Array(0), role: "" };
  const row = { pair: encodeEntry(entry), received_ms, leaf, salt, void: null, ...by, late: false, plaintexts: [] };
  transaction.put(OF.entries(log), seq, write(entryRow, row));
  const skipped = ids.reduce((file, one) => skipId(file, one.id, one.received_ms), emptyFile(session.registry, log));
  const erased = await readErasure(session.registry, skipped, entry, received_ms, believed);
  if (erased === BEHIND) throw new Error("an erasure that relies on a registry that is not here");
  session.putFile(transaction, { ...session.blank(log), reading: { file: erased, absent: [], ids: false } });
  const lost = unsent ? " What you had written in it and not sent is gone with it." : "";
  const text = `two colleagues erased this file: nothing of it is on this phone any more.${lost}`;
  session.alarm(transaction, log, seq, "erased", text);
  await sayPurged(session, transaction, log, entry.id);
}

type Id = Pick<Served, "seq" | "id" | "received_ms">;

/** What this device has of the file, by id alone. */
async function idsBefore(transaction: Transaction, { log, reading }: OpenFile): Promise<readonly Id[]> {
  const found: Id[] = [];
  for (let seq = 1; seq <= seqOf(reading.file.log); seq++) {
    const [whole, only] = [await transaction.get(OF.entries(log), seq), await transaction.get(OF.ids(log), seq)];
    if (whole !== undefined) {
      const { pair, received_ms } = read(entryRow, whole);
      found.push({ seq, id: decodeEntry(pair).id, received_ms });
    } else if (only !== undefined) found.push({ seq, ...read(idRow, only) });
  }
  return found;
}

/** Entries, keys, changes, and what waits: all that a file has, its row aside. */
export function forgetContent(session: Session, transaction: Transaction, { log, reading }: OpenFile): void {
  for (let seq = 1; seq <= seqOf(reading.file.log); seq++) transaction.delete(OF.entries(log), seq);
  for (const { change } of session.files.get(hex(log))?.pending ?? []) transaction.delete(OF.changes(log), change.c);
  for (const item of session.waiting(log)) session.dropOutbox(transaction, item.n);
  for (const { n, says, log: from } of session.letters)
    if (says !== null && equal(from, log)) session.dropLetter(transaction, n);
  dropChunksOf(session, transaction, log);
  transaction.delete(OF.secrets, hex(log));
}
