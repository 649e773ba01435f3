/**
 * Writing to the other side: a letter is kept until the server's pass, then forgotten; what stays is a record of its
 * kind, time and hash. Spec 15.3.
 */
import { randomId } from "@fieldkeep/core/author";
import { equal, fromHex, hex } from "@fieldkeep/core/bytes";
import { json, type Json } from "@fieldkeep/core/change";
import { verifyFrame } from "@fieldkeep/core/cose";
import { Refused } from "@fieldkeep/core/errors";
import { isMap } from "@fieldkeep/core/fold/markers";
import { H } from "@fieldkeep/core/hash";
import { decodeUuid, encodeUuid, serverKeyId } from "@fieldkeep/core/ids";
import {
  decodeParcel,
  decodeParcelsAnswer,
  encodeParcel,
  encodeParcels,
  type Parcel,
  pass,
} from "@fieldkeep/core/letter";
import { limit } from "@fieldkeep/core/limits";
import { checkSent } from "@fieldkeep/core/parcel/letter_body";
import { letterRow, maySend, takesTwo } from "@fieldkeep/core/parcel/rights";
import { deviceOf } from "@fieldkeep/core/registry/state";
import type { FileKind } from "@fieldkeep/core/roles";
import { deskOf, type Desk, fetchKey } from "./board";
import { changed } from "./ops";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { sealFor, signedFor } from "./sealing_letters";
import type { Letter } from "./stored";
import type { Transport } from "./transport";
import { addValues, minuteNow, recordsIn, type Values, valuesOf } from "./values_in";
import { keep, recordIn, typeIn, writerIn } from "./writing";

/** What goes before everything else. */
const URGENT: ReadonlySet<string> = new Set(["urgent_alert"]);
const KEY = /^[0-9a-f]{64}$/;
const MOST_BYTES = limit("request_bytes") / 4;
const FILE_KINDS: ReadonlySet<string> = new Set(["intake", "liaison"]);

export interface Posting {
  /** An address of the other side; null for its desk. */
  readonly to?: Uint8Array | null;
  /** What the file's own record says besides kind and time. */
  readonly about?: Values;
  /** Sealed at once, and not to be read back here. */
  readonly fixed?: boolean;
  readonly id?: Uint8Array;
  /** A colleague's approval, of what takes two people. */
  readonly second?: Uint8Array | null;
  /** Days that an end may not name: those in the file that it is sent from. */
  readonly days?: ReadonlySet<string>;
}

function checkMay(session: Session, kind: string, body: Values, posting: Posting): void {
  const { side, device } = session.identity;
  const to = letterRow(kind, side)?.to;
  const isKind = (word: string): word is FileKind => FILE_KINDS.has(word);
  if (to === undefined || !isKind(to)) throw new Refused("bad-value", `this side sends no ${kind}`);
  const roles = deviceOf(session.registry, device)?.roles ?? [];
  if (!maySend(kind, side, to, roles)) throw new Refused("not-permitted", `you may not send a ${kind}`);
  checkSent(kind, body, session.schemas, posting.days ?? new Set());
  if (takesTwo(kind, side, body) !== ((posting.second ?? null) !== null))
    throw new Refused("not-approved", `a ${kind} with these fields takes another number of people`);
}

/** Keeps a letter to the other side; gives back its id. `log` is the file that it is sent from. */
export async function postIn(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  kind: string,
  body: Values,
  posting: Posting = {},
): Promise<Uint8Array> {
  checkMay(session, kind, body, posting);
  const { to = null, about = new Map<string, Json>(), fixed = false, second = null } = posting;
  const letterId = posting.id ?? randomId();
  const says = { at: Math.max(0, session.now()), body, second };
  const n = Math.max(0, ...session.memory.letters.keys()) + 1;
  const waiting = {
    ...{ n, id: letterId, log, record: new Uint8Array(16), kind, to, urgent: URGENT.has(kind) },
    ...{ made_ms: Math.max(0, session.now()), says, sealed: null, code: "", message: "" },
  };
  // What does not go in is refused before it is kept.
  await signedFor(session, transaction, waiting, to ?? new Uint8Array(16));
  const sealed = fixed ? await sealNow(session, transaction, waiting) : null;
  const said = new Map<string, Json>([["category", kind], ["sent_at", minuteNow(session)], ...about]);
  const record = addValues(session, transaction, log, "parcel_sent", said);
  session.putLetter(transaction, { ...waiting, record, says: fixed ? null : says, sealed });
  return letterId;
}

async function sealNow(session: Session, transaction: Transaction, waiting: Letter): Promise<Uint8Array> {
  const desk = deskOf(session);
  if (desk === null)
    throw new Refused("no-such-file", "this phone has not heard of the other side's desk yet: nothing was kept");
  return encodeParcel(await sealFor(session, transaction, waiting, desk, true));
}

// --- sending ------------------------------------------------------------------------------------------------------

/** Sends what waits, urgent things first (or nothing else). What the server does not take stays, with what it said. */
export async function send(session: Session, transport: Transport, urgentOnly = false): Promise<number> {
  const tried = new Set(session.letters.filter(({ urgent }) => urgentOnly && !urgent).map(({ n }) => n));
  let taken = 0;
  let again = true;
  for (;;) {
    const batch = await nextBatch(session, transport, tried);
    if (batch.length === 0) return taken;
    for (const { letter } of batch) tried.add(letter.n);
    const body = encodeParcels(batch.map(({ parcel }) => parcel));
    const bytes = await transport.signed(session.identity, session.key, "POST", "/v1/parcels", body);
    const answer = decodeParcelsAnswer(bytes);
    if (answer.answers.length !== batch.length) throw new Refused("malformed", "not one answer for each parcel");
    taken += await session.change((transaction) => hear(session, transaction, batch, answer, tried, again));
    again = false;
  }
}

/** What the server said of each; how many it has taken. */
async function hear(
  session: Session,
  transaction: Transaction,
  batch: readonly Outgoing[],
  { answers, passes }: ReturnType<typeof decodeParcelsAnswer>,
  tried: Set<number>,
  again: boolean,
): Promise<number> {
  let taken = 0;
  for (const [index, { letter, parcel }] of batch.entries()) {
    const said = answers[index];
    if (said === undefined) continue;
    if (said.code === "accepted") {
      if (await isPassed(session, parcel, passes)) {
        session.dropLetter(transaction, letter.n);
        noteHash(session, transaction, letter, parcel);
        taken += 1;
      } else session.alarm(transaction, null, null, "bad-pass", "the server took a letter and shows no pass for it");
    } else if (said.code === "stale-key" && !parcel.fixed && again) {
      session.putLetter(transaction, { ...letter, sealed: null });
      tried.delete(letter.n);
    } else if (said.code === "parcel-spent" && isFiller(letter)) {
      session.dropLetter(transaction, letter.n); // By a colleague's phone.
    } else session.putLetter(transaction, { ...letter, code: said.code, message: said.message ?? said.code });
  }
  return taken;
}

interface Outgoing {
  readonly letter: Letter;
  readonly parcel: Parcel;
}

/** The next parcels to send, sealed; those whose key cannot be had now are left out. */
async function nextBatch(session: Session, transport: Transport, tried: Set<number>): Promise<readonly Outgoing[]> {
  const found: Outgoing[] = [];
  const keys = new Map<string, Desk | null>();
  let size = 0;
  for (const letter of session.letters) {
    if (tried.has(letter.n) || found.length === limit("parcels_per_request") || size > MOST_BYTES) continue;
    const outgoing = await sealedLetter(session, transport, letter, keys);
    if (outgoing === null) tried.add(letter.n);
    else {
      found.push(outgoing);
      size += outgoing.parcel.sealed.length;
    }
  }
  return found;
}

/** The same bytes however often they are sent. */
async function sealedLetter(
  session: Session,
  transport: Transport,
  letter: Letter,
  keys: Map<string, Desk | null>,
): Promise<Outgoing | null> {
  if (letter.sealed !== null) return { letter, parcel: decodeParcel(letter.sealed) };
  const name = letter.to === null ? "" : hex(letter.to);
  if (!keys.has(name)) keys.set(name, await keyFor(session, transport, letter));
  const key = keys.get(name) ?? null;
  if (key === null) return null;
  const parcel = await sealFor(session, session.rows, letter, key, false);
  const kept = { ...letter, sealed: encodeParcel(parcel) };
  await session.change(async (transaction) => session.putLetter(transaction, kept));
  return { letter: kept, parcel };
}

/** null where it cannot be had now, with the reason kept. */
async function keyFor(session: Session, transport: Transport, letter: Letter): Promise<Desk | null> {
  try {
    if (letter.to !== null) return await fetchKey(session, transport, letter.to, addressKeys(session, letter.to));
    const desk = deskOf(session);
    if (desk === null)
      throw new Refused("no-such-file", "the other side has no desk yet; it is sent when there is one");
    return desk;
  } catch (error) {
    if (!(error instanceof Refused) || error.code === "offline") throw error;
    const { code, message } = error;
    await session.change(async (transaction) => session.putLetter(transaction, { ...letter, code, message }));
    return null;
  }
}

/**
 * The address keys of a case of the other side that letters named: the newest two, then the newest of each other
 * sender. Whoever works on that side can name a key for any case; it puts no colleague's word out of force.
 */
export function addressKeys(session: Session, address: Uint8Array): readonly Uint8Array[] {
  const wanted = encodeUuid(address);
  const found: (readonly [sender: string, key: string])[] = [];
  const desksLast = [...session.ownFiles].sort(
    (a, b) => Number(a.reading.file.kind === "intake") - Number(b.reading.file.kind === "intake"),
  );
  for (const { log } of desksLast) {
    for (const record of ["case_opened", "liaison_key"].flatMap((kind) => recordsIn(session, log, kind))) {
      const values = valuesOf(record);
      const [key, sender] = [values.get("key"), values.get("sender")];
      if (values.get("case") === wanted && typeof key === "string" && KEY.test(key)) found.push([String(sender), key]);
    }
  }
  const newest = [...new Set(found.map(([, key]) => key).reverse())].slice(0, 2);
  return [...new Set([...newest, ...new Map(found).values()])].map((key) => fromHex(key));
}

function isFiller({ says }: Letter): boolean {
  const body = says === null ? null : json(says.body);
  return body !== null && isMap(body) && body.get("word") === "filler";
}

/** Whether there is a pass of this side's server for this very parcel: nothing else ends a letter. */
async function isPassed(session: Session, parcel: Parcel, passes: readonly Uint8Array[]): Promise<boolean> {
  const { root, svc } = session.registry;
  if (root === null) return false;
  for (const bytes of passes) {
    try {
      const { header, payload, frame } = pass.decode(bytes);
      const same = equal(payload.address, parcel.address) && equal(payload.id, parcel.id);
      if (!same || payload.week !== parcel.week || !equal(payload.hash, H(parcel.sealed))) continue;
      if (!equal(header.svc, svc) || !equal(header.kid, serverKeyId(root.receipt))) continue;
      await verifyFrame(frame, root.receipt);
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  return false;
}

/** Who has left the file meanwhile writes nothing there. */
function noteHash(session: Session, transaction: Transaction, { log, record }: Letter, parcel: Parcel): void {
  try {
    const found = recordIn(session, log, record);
    const type = typeIn(session, log, found.type);
    const said = [{ act: "set", field: "hash", value: hex(H(parcel.sealed)) }] as const;
    keep(session, transaction, log, record, type, changed(found, type, said, writerIn(session, log)));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

/** An address, from what a record says. */
export function addressIn(text: Json | undefined): Uint8Array | null {
  try {
    return typeof text === "string" ? decodeUuid(text) : null;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}
