/** What the server answered to what was pushed: receipts and refusals, each believed only as far as it is signed. Spec 3.1, 9.3. */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { CborValue } from "@fieldkeep/core/cbor";
import { verifyFrame } from "@fieldkeep/core/cose";
import { decodeEntry, readEntry } from "@fieldkeep/core/entry";
import { type Code, Refused } from "@fieldkeep/core/errors";
import { checkServed, receipt, verdict } from "@fieldkeep/core/receipt";
import { serverOf } from "@fieldkeep/core/registry/state";
import { seqOf } from "@fieldkeep/core/log";
import type { Answer } from "@fieldkeep/core/sync";
import { copied } from "./identity";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { OF, type OutboxItem } from "./stored";
import { sealAgain } from "./taking";

export interface Refusal {
  readonly log: Uint8Array;
  readonly code: Code;
  readonly message: string;
  readonly final: boolean;
  readonly statement: boolean;
}

export interface Settled {
  accepted: number;
  readonly refused: Refusal[];
}

const RESEALED: ReadonlySet<string> = new Set(["stale-epoch", "rotate-first", "old-incarnation", "stale-statement", "stale-registry", "person-full", "not-approved"]);
/** Final codes that an envelope, and a statement of a file, can have. */
const OF_ENVELOPES: ReadonlySet<string> = new Set(["malformed", "too-large", "stale-epoch", "rotate-first", "old-incarnation", "erased", "held"]);
const OF_STATEMENTS: ReadonlySet<string> = new Set([
  "malformed", "too-large", "stale-statement", "stale-registry", "old-incarnation", "person-full", "not-approved", "erased",
]);

export async function takeReceipts(session: Session, transaction: Transaction, receipts: readonly Uint8Array[], settled: Settled): Promise<void> {
  const server = serverOf(session.registry);
  if (server === null) return;
  for (const bytes of receipts) {
    try {
      const { payload } = await checkServed(receipt, bytes, server);
      for (const { id, seq } of payload.items) takeReceipt(session, transaction, payload.log, id, seq, settled);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      session.alarm(transaction, null, null, "bad-receipt", `a receipt does not hold: ${error.message}`);
    }
  }
}

function takeReceipt(session: Session, transaction: Transaction, log: Uint8Array, id: Uint8Array, seq: number, settled: Settled): void {
  const item = session.waiting(log).find((one) => equal(one.id, id));
  if (item === undefined) return;
  const promised = session.promised.get(hex(log)) ?? new Map<number, string>();
  const said = promised.get(seq) ?? kept(session, log, seq);
  if (said !== null && said !== hex(id)) {
    session.alarm(transaction, log, seq, "contradiction", "two entries are said to have one place");
    return;
  }
  if (!item.receipted) settled.accepted += 1;
  if (item.code === "shown") return session.dropOutbox(transaction, item.n);
  session.putOutbox(transaction, { ...item, receipted: true, code: "accepted", message: "" });
  if (seq > headSeq(session, log)) {
    session.promised.set(hex(log), promised.set(seq, hex(id)));
    transaction.put(OF.promised(log), seq, copied(id));
  }
}

const headSeq = (session: Session, log: Uint8Array): number =>
  equal(log, session.registry.log.log) ? seqOf(session.registry.log) : seqOf((session.files.get(hex(log)) ?? session.blank(log)).reading.file.log);

function kept(session: Session, log: Uint8Array, seq: number): string | null {
  const place = session.files.get(hex(log))?.reading.file.places.at(seq);
  return place === undefined || place === null ? null : hex(place.id);
}

export async function takeAnswers(session: Session, transaction: Transaction, pushed: readonly OutboxItem[], answers: readonly Answer[], settled: Settled): Promise<void> {
  const unsealed = new Set<string>();
  for (const [index, sent] of pushed.entries()) {
    const [answer, item] = [answers[index], session.outbox.get(sent.n)];
    if (answer === undefined || answer.code === "accepted" || item === undefined || item.receipted || item.final) continue;
    const code: Code = answer.code;
    const final = answer.signed !== undefined && (await isFinal(session, transaction, item, code, answer.signed));
    const message = answer.message ?? code;
    settled.refused.push({ log: item.log, code, message, final, statement: item.statement });
    if (code === "clone-detected") await takeClone(session, transaction, item, answer);
    if (final) {
      takeFinal(session, transaction, item, code);
      unsealed.add(hex(item.log));
    } else if (code === "after-predecessor" && followsNothing(session, item)) {
      sealAgain(session, transaction, item.log, item.n);
      session.dropOutbox(transaction, item.n);
    } else if (!unsealed.has(hex(item.log))) session.putOutbox(transaction, { ...item, code, message });
  }
}

async function isFinal(session: Session, transaction: Transaction, item: OutboxItem, code: Code, signed: Uint8Array): Promise<boolean> {
  const server = serverOf(session.registry);
  if (server === null) return false;
  try {
    const { payload } = await checkServed(verdict, signed, server);
    const known = item.statement ? OF_STATEMENTS : OF_ENVELOPES;
    const isGenesis = item.statement && item.sq === 1 && code === "held";
    if (equal(item.log, session.registry.log.log) || !(known.has(code) || isGenesis)) throw new Refused("malformed", `${code} is no final refusal of such an entry`);
    return equal(payload.id, item.id) && equal(payload.log, item.log) && payload.code === code;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    session.alarm(transaction, item.log, null, "bad-verdict", error.message);
    return false;
  }
}

/** The changes of a refused envelope and of its successors are sealed again; a refused statement is dropped. What can never be taken stays for a person to see. */
function takeFinal(session: Session, transaction: Transaction, item: OutboxItem, code: Code): void {
  refuse(session, transaction, item.id, code);
  if (code === "held") {
    session.putOutbox(transaction, { ...item, code, message: "held: somebody decides whether it comes in", final: true });
    return;
  }
  for (const later of session.waiting(item.log)) {
    if (later.n <= item.n || later.final || later.receipted || later.code === "shown") continue;
    refuse(session, transaction, later.id, code);
    sealAgain(session, transaction, later.log, later.n);
    session.dropOutbox(transaction, later.n);
  }
  if (RESEALED.has(code) && !item.statement) {
    sealAgain(session, transaction, item.log, item.n);
    session.dropOutbox(transaction, item.n);
  } else if (item.statement && item.sq > 1) session.dropOutbox(transaction, item.n);
  else session.putOutbox(transaction, { ...item, code, message: "refused for good", final: true });
}

function refuse(session: Session, transaction: Transaction, id: Uint8Array, code: string): void {
  session.refused.set(hex(id), code);
  transaction.put(OF.refused, hex(id), copied(new TextEncoder().encode(code)));
}

/** It follows an entry that never will have its number: that was refused for good, is held, or came in by an admission. */
function followsNothing(session: Session, item: OutboxItem): boolean {
  if (item.statement) return false;
  const { pv } = decodeEntry(item.pair).header;
  return pv !== null && (session.refused.has(hex(pv)) || session.waiting(item.log).some((one) => one.final && equal(one.id, pv)));
}

/** Another entry of this device under the same number, rightly signed: another copy of the phone exists. Else the server is at fault. */
async function takeClone(session: Session, transaction: Transaction, item: OutboxItem, answer: Answer): Promise<void> {
  if (answer.stored !== undefined && (await isOwn(session, item, answer.stored))) {
    session.setState(transaction, { frozen: true });
    session.alarm(transaction, item.log, null, "clone", "another copy of this phone has written: nothing more is sent from here; enrol it anew");
    return;
  }
  session.alarm(transaction, item.log, null, "contradiction", "the server says that this number is taken, and shows nothing that this phone has signed");
}

async function isOwn(session: Session, item: OutboxItem, stored: CborValue): Promise<boolean> {
  try {
    const entry = readEntry(stored);
    const { kid, log, sq } = entry.header;
    if (!equal(kid, session.identity.device) || !equal(log, item.log) || sq !== item.sq || equal(entry.id, item.id)) return false;
    await verifyFrame(entry.frame, session.key.public);
    return !session.refused.has(hex(entry.id));
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}
