/** What a supervisor's device keeps of a side: pages that it verified, and what the newest check came to. Spec 10.3. */
import { type AuditEntry, auditEntry, auditEvent, type AuditEventRow } from "@fieldkeep/core/audit/pages";
import { hex } from "@fieldkeep/core/bytes";
import { sideShape } from "@fieldkeep/core/certificate";
import { type Side, SIDES } from "@fieldkeep/core/ids";
import { cose, count, hash, id, list, map, millis, nullable, type Of, row, text, truth } from "@fieldkeep/core/shape";
import type { Reading, Transaction } from "../rows";
import { codeShape, read, write } from "../stored";

const entryPage = list(auditEntry);
const eventPage = list(auditEvent);
const finding = row({ code: codeShape, log: nullable(id), seq: count, event: nullable(count), text: text(1, 2000) });
const state = map({
  side: sideShape,
  logs: list(row({ log: id, kind: text(1, 64), head: cose })),
  events: count,
  checkpoint: text(1, 1000),
  tree: row({ size: count, root: hash }),
  verified_ms: millis,
});
const last = map({ side: sideShape, at_ms: millis, whole: truth, findings: list(finding) });

/** What was verified, and of which moment. */
export type Verified = Of<typeof state>;
/** The newest check, whatever it came to; `whole` where everything was fetched anew. */
export type Last = Of<typeof last>;
export type KeptFinding = Of<typeof finding>;

const [STATE, LAST] = ["verified", "last"] as const;
const facts = (side: Side): string => `audit/${side}`;
const events = (side: Side): string => `audit-event/${side}`;
const entries = (side: Side, log: Uint8Array): string => `audit-entry/${side}/${hex(log)}`;

export async function readVerified(rows: Reading, side: Side): Promise<Verified | null> {
  const content = await rows.get(facts(side), STATE);
  return content === undefined ? null : read(state, content);
}

export async function readLast(rows: Reading, side: Side): Promise<Last | null> {
  const content = await rows.get(facts(side), LAST);
  return content === undefined ? null : read(last, content);
}

/** Page by page, in their order. */
export async function keptEntries(
  rows: Reading,
  side: Side,
  log: Uint8Array,
): Promise<readonly (readonly AuditEntry[])[]> {
  return (await rows.scan(entries(side, log))).map(({ content }) => read(entryPage, content));
}

export async function keptEvents(rows: Reading, side: Side): Promise<readonly (readonly AuditEventRow[])[]> {
  return (await rows.scan(events(side))).map(({ content }) => read(eventPage, content));
}

export function putVerified(transaction: Transaction, verified: Verified): void {
  transaction.put(facts(verified.side), STATE, write(state, verified));
}

export function putLast(transaction: Transaction, one: Last): void {
  const findings = one.findings.map((finding) => ({ ...finding, text: [...finding.text].slice(0, 2000).join("") }));
  transaction.put(facts(one.side), LAST, write(last, { ...one, findings }));
}

export function putEntries(transaction: Transaction, side: Side, log: Uint8Array, page: readonly AuditEntry[]): void {
  const [first] = page;
  if (first !== undefined) transaction.put(entries(side, log), first.seq, write(entryPage, page));
}

export function putEvents(transaction: Transaction, side: Side, page: readonly AuditEventRow[]): void {
  const [first] = page;
  if (first !== undefined) transaction.put(events(side), first.n, write(eventPage, page));
}

/** Before all of it is written anew: a scan reads what was there before the transaction. */
export async function dropEntries(transaction: Transaction, side: Side, log: Uint8Array): Promise<void> {
  for (const { collection, name } of await transaction.scan(entries(side, log))) transaction.delete(collection, name);
}

export async function dropEvents(transaction: Transaction, side: Side): Promise<void> {
  for (const { collection, name } of await transaction.scan(events(side))) transaction.delete(collection, name);
}

/** All of it, of whichever side: a device that was revoked forgets what it has (9.5). */
export async function dropAudited(transaction: Transaction): Promise<void> {
  for (const side of SIDES) {
    for (const { log } of (await readVerified(transaction, side))?.logs ?? [])
      await dropEntries(transaction, side, log);
    await dropEvents(transaction, side);
    transaction.delete(facts(side), STATE);
    transaction.delete(facts(side), LAST);
  }
}
