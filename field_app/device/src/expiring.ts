/** Letters in liaison files end by the calendar: one part after another, by whichever device comes first. Spec 15.7. */
import { randomSecret, signExpunction } from "@fieldkeep/core/author";
import { equal, hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import type { Change } from "@fieldkeep/core/change";
import { decodeEntry, type Entry } from "@fieldkeep/core/entry";
import { headOf, seqOf } from "@fieldkeep/core/log";
import { holds, isPartExpunged, roleIn, rotationNeeded } from "@fieldkeep/core/membership/state";
import { weekOf } from "@fieldkeep/core/parcel/address";
import { isLetterOver, mayEndLetters } from "@fieldkeep/core/parcel/letter_body";
import { mayInFile } from "@fieldkeep/core/roles";
import { encodeStub, makeLastStub, stubSays } from "@fieldkeep/core/stub";
import type { OpenFile } from "./memory";
import { readChanges, sealedIn } from "./opening";
import { authorOf, isUnderWay, putEntry } from "./outbox";
import { addressIn } from "./posting";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, OF, read } from "./stored";

const LETTER = "instruction";
/** A server's clock may be behind what this device thinks that it is. */
const CLOCKS_MS = 300_000;
const doneIn = (log: Uint8Array): string => `expired:${hex(log)}`;

/**
 * Signs what has to go now, at most one part of each file: a statement follows the one before it. Gives back how many.
 */
export async function expire(session: Session, transaction: Transaction): Promise<number> {
  if (session.identity.side !== "perpetrator" || session.state.frozen || session.standing !== "in") return 0;
  const now = session.serverNow() - CLOCKS_MS;
  let signed = 0;
  for (const open of session.ownFiles) {
    const done = session.fact(doneIn(open.log));
    if ((done !== undefined && equal(done, encode(weekOf(now)))) || !mayExpire(session, open, now)) continue;
    const part = await partDue(transaction, open, now);
    if (part === null) session.setFact(transaction, doneIn(open.log), encode(weekOf(now)));
    else {
      putEntry(session, transaction, await expunctionOf(session, open, part));
      signed += 1;
    }
  }
  return signed;
}

function mayExpire(session: Session, open: OpenFile, now: number): boolean {
  const { file } = open.reading;
  const { device, user } = session.identity;
  if (file.kind !== "liaison" || open.begun || open.stopped !== "" || !holds(file, device)) return false;
  const role = roleIn(file, user) ?? "";
  if (!mayInFile("liaison", file.side, "expunge", role) || file.holds.size > 0 || file.blocked) return false;
  if (rotationNeeded(session.registry, file) || !open.secrets.has(file.epoch)) return false;
  const began = open.creator !== null && equal(open.creator, device);
  return mayEndLetters(began, now) && !session.waiting(open.log).some(isUnderWay);
}

/** A part of a letter whose time is over. */
interface Part {
  readonly at: number;
  readonly index: number;
  readonly entry: Entry;
  readonly changes: readonly Change[];
}

async function partDue(
  transaction: Transaction,
  { log, reading: { file } }: OpenFile,
  now: number,
): Promise<Part | null> {
  for (let at = 1; at <= seqOf(file.log); at++) {
    const content = await transaction.get(OF.entries(log), at);
    const row = content === undefined ? null : read(entryRow, content);
    if (row === null || row.void !== null) continue;
    if (!isLetterOver(row.received_ms, now)) return null;
    const entry = decodeEntry(row.pair);
    const envelope = sealedIn(entry);
    for (const [index, plaintext] of row.plaintexts.entries()) {
      if (envelope === null || plaintext === null || isPartExpunged(file, envelope.id, index)) continue;
      const changes = readChanges(plaintext);
      if (changes.some(({ t }) => t === LETTER)) return { at, index, entry: envelope, changes };
    }
  }
  return null;
}

function parcelOf(changes: readonly Change[]): Uint8Array | null {
  const said = changes.flatMap(({ ops }) => ops).filter(({ field }) => field === "parcel");
  return said.map(({ value }) => addressIn(value)).find((id) => id !== null) ?? null;
}

async function expunctionOf(
  session: Session,
  { log, secrets, reading: { file } }: OpenFile,
  part: Part,
): Promise<Entry> {
  const stub = makeLastStub(part.changes);
  const { at, index, entry, changes } = part;
  const secret = secrets.get(file.epoch);
  const hash = entry.typ === "fieldkeep-envelope" ? entry.hashes[index] : undefined;
  if (secret === undefined || hash === undefined || file.previous === null)
    throw new Error(`nothing of ${hex(log)} may go`);
  return signExpunction(
    authorOf(session, file.log),
    { ep: file.epoch, secret },
    {
      ...{
        rg: headOf(session.registry.log),
        pr: file.previous,
        at,
        id: entry.id,
        part: index,
        hash,
        reason: "expired",
      },
      ...{ parcel: parcelOf(changes), says: stubSays(stub), approval: null },
    },
    encodeStub(stub),
    randomSecret(),
  );
}
