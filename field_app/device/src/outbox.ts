/**
 * From pending changes and new statements to sealed entries, whose bytes never change again. Spec 3.1, 4.
 *
 * What is in the outbox is in the rows before it is sent, and leaves it only on a verified final word.
 */
import { type Author, authorIn, type Epoch, randomSecret, sealEnvelope } from "@fieldkeep/core/author";
import { hex } from "@fieldkeep/core/bytes";
import { encodePart } from "@fieldkeep/core/change";
import type { Entry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { sealed as sealedItem } from "@fieldkeep/core/exchange/outbox";
import type { What } from "@fieldkeep/core/exchange/receipts";
import { limit } from "@fieldkeep/core/limits";
import type { Log } from "@fieldkeep/core/log";
import { holds, rotationNeeded } from "@fieldkeep/core/membership/state";
import { paddedSize } from "@fieldkeep/core/sealing";
import { unsealable } from "./chunks";
import { coverBatch, covered, goesAtOnce, isDue } from "./covering";
import type { Transaction } from "./rows";
import type { OpenFile, Session } from "./session";
import { outboxItem, type OutboxItem, type Pending } from "./stored";

const ENTRY_ROOM = limit("entry_bytes") - 65_536;
const FRAME = 128;

/** Sealed, and neither shown by its log nor settled: what comes after it follows it. */
export const isUnderWay = (item: OutboxItem): boolean => !item.final && item.shown === null;

/** This device as the author of its next entry in a log: behind what it has sealed already. */
export function authorOf(session: Session, log: Log): Author {
  const { identity, key, witness } = session;
  const author = authorIn(identity.svc, log, identity.device, key, witness);
  const sealed = session.waiting(log.log).filter((item) => !item.final && item.sq >= author.sq);
  return sealed.reduce((next, { sq, id }) => ({ ...next, sq: sq + 1, pv: id }), author);
}

function whatOf(session: Session, entry: Entry): What {
  if (hex(entry.header.log) === hex(session.registry.log.log)) return "registry";
  if (entry.typ === "fieldkeep-envelope") return "envelope";
  return entry.header.sq === 1 && entry.header.sn.seq === 0 ? "genesis" : "statement";
}

/**
 * Puts a signed entry in the outbox. Nothing is sealed behind a statement before its verdict; only a genesis may have
 * unsent successors.
 */
export function putEntry(session: Session, transaction: Transaction, entry: Entry): OutboxItem {
  const what = whatOf(session, entry);
  if (what === "statement" && session.waiting(entry.header.log).some(isUnderWay)) {
    throw new Refused("after-predecessor", "something of this file is still unsent: sync first");
  }
  const n = Math.max(0, ...session.outbox.keys()) + 1;
  const item = outboxItem(n, sealedItem(entry, what, Math.max(0, session.now())), "", "");
  session.putOutbox(transaction, item);
  return item;
}

/** Who is `out` seals under the newest key that they have; `atOnce` waits for no hour of cover traffic. */
export interface How {
  readonly out?: boolean;
  readonly atOnce?: boolean;
}

/** Seals all that may be sealed now; gives back how much. */
export async function sealPending(session: Session, transaction: Transaction, how: How = {}): Promise<number> {
  let sealed = 0;
  for (const open of [...session.files.values()]) sealed += await sealFile(session, transaction, open, how);
  return sealed;
}

function maySeal(session: Session, open: OpenFile, lost: boolean): boolean {
  const { file } = open.reading;
  if (open.stopped !== "" || session.state.frozen || file.kind === null || file.erased !== null) return false;
  const items = session.waiting(open.log);
  if (items.some((item) => item.final && item.statement && !(lost && item.verdict === "held"))) return false;
  if (lost && !session.isMember(file)) return true;
  if (file.blocked || (!open.begun && rotationNeeded(session.registry, file))) return false;
  if (lost) return true;
  const statements = items.some((item) => item.what === "statement" && isUnderWay(item));
  return !statements && holds(file, session.identity.device) && session.isMember(file);
}

/** Who lost their place seals under the newest key that they have: it will be held, and members have that key too. */
export function hasLostItsPlace(session: Session, { reading: { file } }: OpenFile): boolean {
  if (session.standing === "revoked" || session.standing === "suspended") return true;
  return file.ever.has(hex(session.identity.user)) && !session.isMember(file);
}

async function sealFile(session: Session, transaction: Transaction, open: OpenFile, how: How): Promise<number> {
  const lost = how.out === true || hasLostItsPlace(session, open);
  const waits = unsealable(session, open.log, lost);
  const unsealed = open.pending.filter(({ outbox, held }) => outbox === null && held === "");
  const loose = unsealed.filter(({ change }) => !waits.has(hex(change.r)));
  const day = !lost && isDue(session, open.log);
  if ((loose.length === 0 && !day) || !maySeal(session, open, lost)) return 0;
  const { file } = open.reading;
  const ep = lost ? Math.max(0, ...[...open.secrets.keys()].filter((epoch) => file.commits.has(epoch))) : file.epoch;
  const secret = open.secrets.get(ep);
  if (secret === undefined) return 0;
  const key = { ep, secret };
  if (session.registry.coverHour !== null && !lost) return sealCovered(session, transaction, open.log, key, loose, how);
  for (const group of lost ? byRecord(loose) : [loose]) {
    for (let at = 0; at < group.length; ) {
      const { taken, plaintexts } = batch(group.slice(at));
      await sealOne(session, transaction, open.log, key, taken, plaintexts);
      at += taken.length;
    }
  }
  return loose.length;
}

/** The day's envelope, if it is not sealed yet, and whatever of what waits may not wait for it. */
async function sealCovered(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  key: Epoch,
  loose: readonly Pending[],
  { atOnce }: How,
): Promise<number> {
  let day = isDue(session, log);
  if (!day && !(loose.length > 0 && (atOnce === true || goesAtOnce(loose)))) return 0;
  for (let at = 0; day || at < loose.length; day = false) {
    const { taken, plaintexts } = coverBatch(loose.slice(at));
    await sealOne(session, transaction, log, key, taken, plaintexts);
    if (day) covered(session, transaction, log);
    at += taken.length;
  }
  return Math.max(1, loose.length);
}

async function sealOne(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  key: Epoch,
  taken: readonly Pending[],
  plaintexts: readonly Uint8Array[],
): Promise<void> {
  const author = authorOf(session, session.file(log).reading.file.log);
  const salts = plaintexts.map(() => randomSecret());
  const { n } = putEntry(session, transaction, await sealEnvelope(author, key, plaintexts, salts));
  session.putPending(
    transaction,
    log,
    taken.map((one) => ({ ...one, outbox: n })),
  );
}

/** What will be held is decided on by entry: each record is one of its own. */
function byRecord(all: readonly Pending[]): readonly (readonly Pending[])[] {
  const grouped = new Map<string, Pending[]>();
  for (const one of all) grouped.set(hex(one.change.r), [...(grouped.get(hex(one.change.r)) ?? []), one]);
  return [...grouped.values()];
}

/** As many changes as fit in one entry, and its parts: one for each record, the list of its changes. */
function batch(all: readonly Pending[]): {
  readonly taken: readonly Pending[];
  readonly plaintexts: readonly Uint8Array[];
} {
  const grouped = new Map<string, Pending[]>();
  const taken: Pending[] = [];
  let size = 0;
  for (const one of all) {
    const cost = paddedSize(encodePart([one.change]).length + 16) + FRAME;
    const key = hex(one.change.r);
    const full = !grouped.has(key) && grouped.size >= limit("parts_per_entry");
    if (taken.length > 0 && (size + cost > ENTRY_ROOM || full)) break;
    grouped.set(key, [...(grouped.get(key) ?? []), one]);
    taken.push(one);
    size += cost;
  }
  return {
    taken,
    plaintexts: [...grouped.values()].map((group) => encodePart(group.map(({ change }) => change))),
  };
}
