/**
 * A side that came back from an older copy: what is over here, and giving the server back what it lost. Spec 19.
 *
 * What is put aside is in ./parking.
 */
import { equal, fromHex, hex } from "@fieldkeep/core/bytes";
import { type CborValue, decode } from "@fieldkeep/core/cbor";
import { decodeEntry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { encodeUuid } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { chainOf, type Log, seqOf } from "@fieldkeep/core/log";
import { decodeHealedTo, decodeOffer, encodeDeclaration, encodeHealing, type HealedTo } from "@fieldkeep/core/restoring";
import { id, list } from "@fieldkeep/core/shape";
import type { Page } from "@fieldkeep/core/sync";
import { park } from "./parking";
import type { Bytes, Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, idRow, OF, read, TREE, treeRow, write } from "./stored";
import type { Transport } from "./transport";

const UNSEEN = "restored/unseen";
const HEAD = "restored/head/";
const unseenRow = list(id);
const BYTES = (limit("request_bytes") * 3) / 4;
/** Times that a side came back: where each of them ended is looked at in turn. */
const MOST_ENDS = 64;
const NO_ID = new Uint8Array(0);
const LATER: ReadonlySet<string> = new Set([
  "restoring",
  "stale-registry",
  "quota",
  "busy",
  "internal",
  "no-such-file",
  "no-such-route",
]);

// --- what is kept ---------------------------------------------------------------------------------------------------

export function unseenIn(session: Session): ReadonlySet<string> {
  const kept = session.fact(UNSEEN);
  return new Set(kept === undefined ? [] : read(unseenRow, kept).map(hex));
}

export function keepUnseen(session: Session, transaction: Transaction, unseen: ReadonlySet<string>): void {
  const before = unseenIn(session);
  if (before.size === unseen.size && [...unseen].every((one) => before.has(one))) return;
  session.setFact(transaction, UNSEEN, write(unseenRow, [...unseen].map(fromHex)));
}

/** The server's word for the last entry of a log that is here: with it what is lost can be given back. */
export function keepHead(session: Session, transaction: Transaction, { log, head, entries }: Page): void {
  if (entries.length > 0 || session.fact(HEAD + hex(log)) === undefined)
    session.setFact(transaction, HEAD + hex(log), head);
}

/** The older incarnation is over: its tree, and what it promised. Core has said so; this is what it keeps no longer. */
export function turn(session: Session, transaction: Transaction, registrySeq: number): void {
  const { memory } = session;
  for (const size of memory.roots.keys()) transaction.delete(OF.roots, size);
  memory.roots.clear();
  memory.leaves.clear();
  for (const [log, open] of memory.promised)
    for (const seq of open.keys()) transaction.delete(OF.promised(fromHex(log)), seq);
  memory.promised.clear();
  const { log } = session.registry;
  const marks = [{ log: log.log, seq: registrySeq }];
  for (const [key, open] of memory.files) {
    const { file } = open.reading;
    marks.push({ log: open.log, seq: seqOf(file.log) });
    const now = { ...file, log: { ...file.log, incarnation: log.incarnation } };
    memory.files.set(key, { ...open, reading: { ...open.reading, file: now } });
  }
  session.setFact(transaction, TREE, write(treeRow, marks));
  for (const item of session.waiting(log.log)) {
    if (item.shown !== null) continue;
    session.dropOutbox(transaction, item.n);
    const text = "what you had decided about a phone was not sent before the service came back: do it again";
    session.alarm(transaction, log.log, null, "overtaken", text);
  }
}

// --- what is given back ----------------------------------------------------------------------------------------------

/** What this phone has of the registry, for a server that does not serve its side: somebody else may lack it. */
export async function bringRegistry(session: Session, transport: Transport): Promise<void> {
  const path = `/v1/restored?side=${session.identity.side}`;
  const { registry } = decodeOffer(await transport.asked(path));
  const { log } = session.registry;
  let after = -1;
  for (let seq = 0; seq <= seqOf(log); seq++) if (equal(log.chains.at(seq) ?? registry, registry)) after = seq;
  const head = session.fact(HEAD + hex(log.log));
  if (after < 0 || after === seqOf(log) || head === undefined) return;
  const entries = (await session.rows.scan(OF.entries(log.log), { after })).map(({ content }) => {
    const { pair, received_ms } = read(entryRow, content);
    return { what: decode(pair), received_ms };
  });
  await transport.unsigned(path, encodeDeclaration({ v: 1, entries, head, restore: null }));
}

/** Gives back what is missing of these files; true when something came of it, and the server is to be asked again. */
export async function heal(session: Session, transport: Transport, lost: ReadonlyMap<string, number>): Promise<boolean> {
  let done = false;
  for (const [key, has] of lost) {
    try {
      done = (await healOne(session, transport, fromHex(key), has)) || done;
    } catch (error) {
      if (!(error instanceof Refused) || error.code === "offline") throw error;
      if (LATER.has(error.code)) continue;
      const text = `what the server lost of this file could not be given back: ${error.message}`;
      await session.change((transaction) => {
        session.alarm(transaction, fromHex(key), null, error.code, text);
        return Promise.resolve();
      });
    }
  }
  return done;
}

/** Files that no page has shown since the side came back, and that have something. */
export function hidden(session: Session, shown: ReadonlySet<string>): ReadonlyMap<string, number> {
  const found = [...unseenIn(session)].filter((key) => {
    const open = session.files.get(key);
    return !shown.has(key) && open !== undefined && seqOf(open.reading.file.log) > 0;
  });
  return new Map(found.map((key) => [key, 0]));
}

async function healOne(session: Session, transport: Transport, log: Uint8Array, has: number): Promise<boolean> {
  const head = session.fact(HEAD + hex(log));
  const open = session.files.get(hex(log));
  if (head === undefined || open === undefined) return false;
  const own = open.reading.file.log;
  if (has >= seqOf(own)) return setAside(session, transport, own, null); // as long, and another
  let at = has;
  let gave = false;
  while (at < seqOf(own)) {
    const end = await bring(session, transport, log, at, head);
    if (end === null || !isOn(own, end) || (end.seq < seqOf(own) && !end.open))
      return setAside(session, transport, own, end);
    if (end.seq <= at) break;
    at = end.seq;
    gave = true;
  }
  return gave;
}

const isOn = (own: Log, { seq, chain }: HealedTo): boolean =>
  seq <= seqOf(own) && equal(own.chains.at(seq) ?? chainOf(own), chain);

/** Null where the server has other entries there. */
async function bring(
  session: Session,
  transport: Transport,
  log: Uint8Array,
  after: number,
  head: Bytes,
): Promise<HealedTo | null> {
  const whole = (await session.rows.scan(OF.entries(log), { after })).map(({ name, content }) => {
    const { pair, received_ms } = read(entryRow, content);
    return { seq: Number(name), received_ms, pair, id: NO_ID };
  });
  const ids = (await session.rows.scan(OF.ids(log), { after })).map(({ name, content }) => ({
    seq: Number(name),
    ...read(idRow, content),
    pair: null,
  }));
  const lines = [...whole, ...ids].sort((a, b) => a.seq - b.seq);
  const links: { id: Uint8Array; received_ms: number }[] = [];
  const entries: CborValue[] = [];
  let size = 0;
  for (const line of lines) {
    const own = line.pair === null ? line.id : decodeEntry(line.pair).id;
    links.push({ id: own, received_ms: line.received_ms });
    size += line.pair?.length ?? 0;
    if (entries.length + 1 === links.length && (entries.length === 0 || size <= BYTES))
      entries.push(line.pair === null ? own : decode(line.pair));
  }
  if (links.length > limit("heal_links")) throw new Refused("too-large", `${links.length} entries are missing`);
  const body = encodeHealing({ v: 1, after, links, head, entries });
  const path = `/v1/heal/${encodeUuid(log)}`;
  try {
    return decodeHealedTo(await transport.signed(session.identity, session.key, "POST", path, body));
  } catch (error) {
    if (error instanceof Refused && error.code === "contradiction") return null;
    throw error;
  }
}

/** The server went on without what is here: find where, and put the rest aside. False where more may still come back. */
async function setAside(session: Session, transport: Transport, own: Log, first: HealedTo | null): Promise<boolean> {
  let end = first;
  for (let turns = 0; turns < MOST_ENDS; turns++) {
    if (end !== null && isOn(own, end)) {
      if (end.open || end.seq >= seqOf(own)) return false;
      await park(session, own.log, end.seq);
      return true;
    }
    const below: number = end === null ? seqOf(own) : end.seq - 1;
    if (below < 0) break;
    const path = `/v1/heal/${encodeUuid(own.log)}?below=${below}`;
    end = decodeHealedTo(await transport.signed(session.identity, session.key, "GET", path));
    if (end.seq > below) break;
  }
  await session.change((transaction) => {
    const text = "the service came back from an older copy, and shows another history of this file than before";
    session.alarm(transaction, own.log, seqOf(own), "contradiction", text);
    const open = session.files.get(hex(own.log));
    if (open !== undefined) session.putFile(transaction, { ...open, stopped: "contradiction" });
    return Promise.resolve();
  });
  return false;
}
