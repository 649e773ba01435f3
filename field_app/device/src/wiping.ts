/**
 * A revoked phone wipes itself, once it has handed in what it could not send. Spec 9.5.
 *
 * It believes nothing but an administrator's statement in its own registry. A file in which something typed here could
 * not be handed in stays until it is, or its person throws it away.
 */
import { signRegistryStatement } from "@fieldkeep/core/author";
import { decode, encode } from "@fieldkeep/core/cbor";
import { decodeRegistryStatement, type RegistryStatement } from "@fieldkeep/core/certificate";
import { hex } from "@fieldkeep/core/bytes";
import { seqOf } from "@fieldkeep/core/log";
import { deviceOf } from "@fieldkeep/core/registry/state";
import { decodeEntry } from "@fieldkeep/core/entry";
import { count, decodeAs, row } from "@fieldkeep/core/shape";
import { dropAudited } from "./auditing/kept";
import { dropIdentity } from "./identity";
import type { OpenFile } from "./memory";
import { authorOf, putEntry } from "./outbox";
import { forgetContent } from "./removing";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, OF, type Pending, READ, read } from "./stored";
import type { Deposit } from "./handing_in";

const TALLY = "wiping";
export const WIPED = "wiped";
const tallyShape = row({ files: count, entries: count, held: count, letters: count });

/**
 * What has gone so far: files, their entries, entries that are held, letters to the other side that were never sent.
 */
export type Tally = ReturnType<typeof tallyShape.read>;

export function tallyOf(session: Session): Tally {
  const content = session.fact(TALLY);
  return content === undefined ? { files: 0, entries: 0, held: 0, letters: 0 } : decodeAs(tallyShape, content);
}

/** Changes that could be lost: neither accepted nor held, nor decided on. */
export function couldBeLost(session: Session, { pending }: OpenFile): readonly Pending[] {
  return pending.filter(({ change, outbox, held }) => {
    const item = outbox === null ? undefined : session.outbox.get(outbox);
    const settled = held === "refused" || item?.verdict === "held" || item?.receipted === true;
    return change.t !== READ && !settled;
  });
}

/** Files that stay until somebody decides, with what is in them that was not handed in. */
export function leftBehind(session: Session): readonly { readonly log: Uint8Array; readonly changes: number }[] {
  return [...session.files.values()].flatMap((open) => {
    const changes = couldBeLost(session, open).length;
    return changes === 0 ? [] : [{ log: open.log, changes }];
  });
}

/** Why an administrator revoked this phone, by its own registry; null while that shows no such thing. */
export async function revokedBecause(session: Session): Promise<string | null> {
  const { revoked } = deviceOf(session.registry, session.identity.device) ?? { revoked: null };
  if (revoked === null) return null;
  const content = await session.rows.get(OF.entries(session.registry.log.log), revoked);
  const entry = content === undefined ? null : decodeEntry(read(entryRow, content).pair);
  const statement = entry?.typ === "fieldkeep-statement" ? decodeRegistryStatement(entry.payload) : null;
  return statement?.kind === "revoke" ? statement.reason : null;
}

/**
 * Forgets all that can be forgotten; true when that was all, and the side was told. `discard` throws away what could
 * not be handed in. Cut short, it goes on with the next call.
 */
export async function wipe(session: Session, deposit: Deposit, discard = false): Promise<boolean> {
  if (session.fact(WIPED) !== undefined) return true;
  if (session.standing !== "revoked") return false;
  const because = await revokedBecause(session);
  const left = leftBehind(session);
  const kept = new Set(discard ? [] : left.map(({ log }) => hex(log)));
  await session.change(async (transaction) => {
    forgetFiles(session, transaction, kept);
    if (kept.size > 0) return;
    forgetRest(session, transaction);
    await dropAudited(transaction);
    await sayWiped(session, transaction, discard ? left.reduce((sum, { changes }) => sum + changes, 0) : 0);
  });
  if (kept.size > 0) return false;
  await deposit(session, session.waiting(session.registry.log.log));
  const said = session.waiting(session.registry.log.log);
  if (said.length === 0 || !said.every(({ receipted }) => receipted)) return false;
  await session.change(async (transaction) => endAll(session, transaction, because ?? ""));
  return true;
}

function forgetFiles(session: Session, transaction: Transaction, kept: ReadonlySet<string>): void {
  const before = tallyOf(session);
  const going = [...session.files.values()].filter(({ log }) => !kept.has(hex(log)));
  const holding = going.filter(({ reading, pending }) => seqOf(reading.file.log) > 0 || pending.length > 0);
  const after: Tally = {
    files: before.files + holding.length,
    entries: before.entries + going.reduce((sum, { reading }) => sum + seqOf(reading.file.log), 0),
    held: before.held + going.reduce((sum, { log }) => sum + heldOf(session, log), 0),
    letters: before.letters + going.reduce((sum, { log }) => sum + dropLetters(session, transaction, log), 0),
  };
  for (const open of going) {
    forgetContent(session, transaction, open);
    for (let seq = 1; seq <= seqOf(open.reading.file.log); seq++) transaction.delete(OF.ids(open.log), seq);
    for (const seq of session.memory.promised.get(hex(open.log))?.keys() ?? [])
      transaction.delete(OF.promised(open.log), seq);
    session.memory.promised.delete(hex(open.log));
    transaction.delete(OF.logs, hex(open.log));
    session.memory.files.delete(hex(open.log));
  }
  session.setFact(transaction, TALLY, encode(tallyShape.write(after)));
}

const heldOf = (session: Session, log: Uint8Array): number =>
  session.waiting(log).filter(({ verdict }) => verdict === "held").length;

function dropLetters(session: Session, transaction: Transaction, log: Uint8Array): number {
  const own = [...session.memory.letters].filter(([, letter]) => hex(letter.log) === hex(log));
  for (const [n] of own) {
    session.memory.letters.delete(n);
    transaction.delete(OF.letters, n);
  }
  return own.length;
}

/** What is of no file: alarms, evidence, what the server has said. The registry and the keys stay until it was told. */
function forgetRest(session: Session, transaction: Transaction): void {
  const { memory } = session;
  for (const n of memory.alarms.keys()) {
    transaction.delete(OF.alarms, n);
    transaction.delete(OF.evidence, n);
  }
  memory.alarms.clear();
  for (const id of memory.refused.keys()) transaction.delete(OF.refused, id);
  memory.refused.clear();
  for (const leaf of memory.due.keys()) transaction.delete(OF.due, leaf);
  memory.due.clear();
  for (const id of memory.purges.keys()) transaction.delete(OF.purges, id);
  memory.purges.clear();
  for (const name of [...memory.facts.keys()]) if (name !== TALLY) session.dropFact(transaction, name);
}

/** The last statement of this device; whatever else of its registry waited could never be taken. */
async function sayWiped(session: Session, transaction: Transaction, unsent: number): Promise<void> {
  const { log } = session.registry.log;
  const waiting = session.waiting(log);
  if (
    waiting.some(({ entry }) => entry.typ === "fieldkeep-statement" && isWiped(decodeRegistryStatement(entry.payload)))
  )
    return;
  for (const { n } of waiting) session.dropOutbox(transaction, n);
  const { files, entries, held, letters } = tallyOf(session);
  const said: RegistryStatement = { kind: "wiped", files, entries, held, unsent, letters };
  putEntry(session, transaction, await signRegistryStatement(authorOf(session, session.registry.log), said));
}

const isWiped = ({ kind }: RegistryStatement): boolean => kind === "wiped";

/** The keys go, the registry, and what was said of it all; what is left says that this phone was wiped, and why. */
function endAll(session: Session, transaction: Transaction, because: string): void {
  const { memory } = session;
  const { log } = memory.registry.log;
  dropIdentity(transaction);
  for (let seq = 1; seq <= seqOf(memory.registry.log); seq++) transaction.delete(OF.entries(log), seq);
  for (const size of memory.roots.keys()) transaction.delete(OF.roots, size);
  for (const { n } of session.waiting()) session.dropOutbox(transaction, n);
  transaction.delete(OF.logs, hex(log));
  transaction.delete(OF.state, "now");
  session.dropFact(transaction, TALLY);
  session.setFact(transaction, WIPED, encode([because, session.now()]));
}

/** Of a phone that was wiped: why. */
export function wipedBecause(content: Uint8Array): string {
  const said = decode(content);
  return Array.isArray(said) && typeof said[0] === "string" ? said[0] : "";
}
