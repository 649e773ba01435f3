/**
 * What a server that came back from an older copy went on without: one's own is sent again, colleagues' is kept aside.
 * Spec 19.4.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { decodeEntry } from "@fieldkeep/core/entry";
import type { Change } from "@fieldkeep/core/change";
import { decodeFileStatement } from "@fieldkeep/core/statement";
import { readChanges } from "./opening";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { type EntryRow, entryRow, OF, outboxItem, parkedRow, type Pending, pendingRow, read, write } from "./stored";

const PARKED = "restored/parked/";
/** What this phone, or a colleague's, signs again by itself. */
const BY_ITSELF: readonly string[] = ["genesis", "epoch", "grant"];

/** Puts aside what is here of a file after a place. */
export async function park(session: Session, log: Uint8Array, after: number): Promise<void> {
  await session.change((transaction) => putAside(session, transaction, log, after), true);
  const { reading, secrets } = session.file(log);
  const held = new Map([...secrets].filter(([epoch]) => reading.file.commits.has(epoch)));
  if (held.size === secrets.size || session.file(log).begun) return;
  await session.change((transaction) => {
    session.putFile(transaction, { ...session.file(log), secrets: held });
    return Promise.resolve();
  });
}

async function putAside(session: Session, transaction: Transaction, log: Uint8Array, after: number): Promise<void> {
  const lost = await transaction.scan(OF.entries(log), { after });
  const ids = await transaction.scan(OF.ids(log), { after });
  const decisions: string[] = [];
  for (const item of session.waiting(log)) {
    if (item.final) continue;
    session.sealAgain(transaction, log, item.n); // it follows what is not there
    session.dropOutbox(transaction, item.n);
  }
  const typed = session.file(log).pending.filter(({ outbox, held }) => outbox === null && held === "");
  session.putPending(
    transaction,
    log,
    typed.map((one) => ({ ...one, change: seenLess(one.change, after) })),
  );
  for (const { name, content } of lost) {
    const kept = read(entryRow, content);
    const entry = decodeEntry(kept.pair);
    transaction.delete(OF.entries(log), name);
    keep(session, transaction, log, kept, after);
    if (!equal(entry.header.kid, session.identity.device) || kept.void !== null) continue;
    if (entry.typ === "fieldkeep-envelope") continue;
    const { kind } = decodeFileStatement(entry.payload);
    if (!BY_ITSELF.includes(kind)) decisions.push(kind);
    if (kind !== "genesis") continue;
    const n = Math.max(0, ...session.outbox.keys()) + 1;
    const fresh = { entry, what: "genesis", sealed_ms: session.now(), verdict: null, receipt: null, shown: null } as const;
    session.putOutbox(transaction, outboxItem(n, fresh, "", ""));
  }
  for (const { name } of ids) transaction.delete(OF.ids(log), name);
  session.setFact(transaction, PARKED + hex(log), new Uint8Array(0));
  const again = decisions.length === 0 ? "" : ` Do again what you had decided: ${decisions.join(", ")}.`;
  const text =
    `the service lost ${lost.length + ids.length} entries of this file and went on without them. What you wrote is sent ` +
    `again by itself; what colleagues wrote is kept on this phone until theirs send it again.${again}`;
  session.alarm(transaction, log, after, "parked", text);
}

function keep(session: Session, transaction: Transaction, log: Uint8Array, row: EntryRow, after: number): void {
  const { device, user, received_ms, plaintexts } = row;
  const changes = row.void === null ? plaintexts.flatMap((one) => (one === null ? [] : [...readChanges(one)])) : [];
  for (const change of changes) {
    if (equal(device, session.identity.device)) {
      const pending: Pending = { change: seenLess(change, after), outbox: null, held: "" };
      transaction.put(OF.changes(log), change.c, write(pendingRow, pending));
    } else {
      transaction.put(OF.parked(log), nameOf(device, change), write(parkedRow, { change, device, user, received_ms }));
    }
  }
}

/**
 * What was written in sight of what is put aside has seen what is left: a change that claims more would be a hole for
 * everybody else.
 */
const seenLess = (change: Change, after: number): Change => ({ ...change, b: Math.min(change.b, after) });

const nameOf = (device: Uint8Array, { c }: Change): string => `${hex(device)}:${c}`;

/** These have come again. */
export function unpark(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  come: readonly { readonly device: Uint8Array; readonly change: Change }[],
): void {
  if (session.fact(PARKED + hex(log)) === undefined) return;
  for (const { device, change } of come) transaction.delete(OF.parked(log), nameOf(device, change));
}

/** What colleagues wrote that is kept aside. */
export async function parkedIn(session: Session, log: Uint8Array): Promise<readonly ReturnType<typeof parkedRow.read>[]> {
  return (await session.rows.scan(OF.parked(log))).map(({ content }) => read(parkedRow, content));
}
