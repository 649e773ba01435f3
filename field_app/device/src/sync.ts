/**
 * Reconciling with the server: seal, push, pull, until nothing is new; then what a holder owes its files. Spec 9.2, 9.3.
 *
 * It ends whatever the server says: what was not taken in this call is not sent again in this call, and more is asked for only
 * while something comes.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { type CborValue, decode } from "@fieldkeep/core/cbor";
import { decodeEntry, type Entry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { conflicts } from "@fieldkeep/core/fold/show";
import { limit } from "@fieldkeep/core/limits";
import { chainOf, seqOf } from "@fieldkeep/core/log";
import { type Cursor, decodeSyncResponse, encodeSyncRequest, type SyncRequest, type SyncResponse } from "@fieldkeep/core/sync";
import { handIn } from "./handing_in";
import { sealPending } from "./outbox";
import { tend } from "./owed";
import { takeTree } from "./proving";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { type Refusal, type Settled, takeAnswers, takeReceipts } from "./settling";
import type { OutboxItem } from "./stored";
import { type Brought, type SentEntries, stopRegistry, takeFile, takeRegistry } from "./taking";
import type { Transport } from "./transport";

const APP = "fieldkeep-app/0.1.0";
const FIRST_PUSH = 262_144;
const MOST_PUSH = (limit("request_bytes") * 3) / 4;
const ROUNDS = 10_000;
const LOOK_FIRST_MS = 900_000;
const OUT: ReadonlySet<string> = new Set(["revoked", "suspended", "certificate-ended"]);

export interface Report {
  rounds: number;
  sent: number;
  accepted: number;
  received: number;
  readonly refused: Refusal[];
  readonly contradictions: { readonly log: Uint8Array; readonly message: string }[];
}

/** Raises Refused: `offline` (everything stays), or the server's refusal of the whole request. `progress` is told after each answer. */
export async function sync(session: Session, transport: Transport, progress: (report: Report) => void = () => undefined): Promise<Report> {
  const report: Report = { rounds: 0, sent: 0, accepted: 0, received: 0, refused: [], contradictions: [] };
  const [stuck, tended] = [new Set<string>(), new Set<string>()];
  let lookFirst = isLongAgo(session);
  for (;;) {
    if (!lookFirst) await session.change((transaction) => sealPending(session, transaction));
    lookFirst = false;
    const pushed = choose(session, stuck, Math.min(FIRST_PUSH * 2 ** Math.min(report.rounds, 8), MOST_PUSH), report.rounds === 0);
    const response = await ask(session, transport, pushed);
    const brought = await session.change((transaction) => take(session, transaction, response, pushed, report));
    report.rounds += 1;
    report.sent += pushed.length;
    for (const { n, log } of pushed) {
      const item = session.outbox.get(n);
      if (item !== undefined && !item.receipted && item.code !== "shown") stuck.add(hex(log));
    }
    progress(report);
    const more = (response.more || brought.behind) && brought.received > 0;
    const [owed, sealed] = await session.change(async (transaction) => [
      more ? 0 : await tend(session, transaction, tended), more ? 0 : await sealPending(session, transaction),
    ] as const);
    const goesOn = more || owed > 0 || sealed > 0 || choose(session, stuck, MOST_PUSH, false).length > 0;
    if (!goesOn || report.rounds >= ROUNDS) return report;
  }
}

/** Much may have changed since this device last heard: it asks before it seals, for it may have lost its place, or its key. */
function isLongAgo(session: Session): boolean {
  const { synced_ms } = session.state;
  const since = synced_ms === null ? -1 : session.now() - synced_ms;
  return since < 0 || since > LOOK_FIRST_MS;
}

/** What to push now, in order; nothing of a log that is stuck or stopped. `again` also what has a receipt and is not shown yet. */
function choose(session: Session, stuck: ReadonlySet<string>, room: number, again: boolean): readonly OutboxItem[] {
  if (session.state.frozen) return [];
  const chosen: OutboxItem[] = [];
  let size = 0;
  for (const item of session.waiting()) {
    const stopped = session.files.get(hex(item.log))?.stopped ?? "";
    if (item.final || stuck.has(hex(item.log)) || stopped !== "" || (item.receipted && !again)) continue;
    size += item.pair.length;
    if (chosen.length > 0 && (size > room || chosen.length >= limit("entries_per_push"))) break;
    chosen.push(item);
  }
  return chosen;
}

function cursors(session: Session): readonly Cursor[] {
  const { registry } = session;
  const own: Cursor[] = seqOf(registry.log) === 0 ? [] : [{ log: registry.log.log, seq: seqOf(registry.log), chain: chainOf(registry.log) }];
  const files = [...session.files.values()].map(({ log, reading: { file } }) => ({ log, seq: seqOf(file.log), chain: chainOf(file.log) }));
  return [...own, ...files.filter(({ seq }) => seq > 0)];
}

function statusOf(session: Session): SyncRequest["status"] {
  const unsent = [...session.files.values()].reduce((sum, { pending }) => sum + pending.length, 0);
  const inConflict = session.ownFiles.flatMap(({ folded }) => [...folded.records.values()]).reduce((sum, record) => sum + conflicts(record).length, 0);
  const held = session.waiting().filter(({ code, final }) => final && code === "held").length;
  return { unsent, held, conflicts: inConflict, oldest_conflict_days: 0, app: APP, claimed_ms: Math.max(0, session.now()), free_mb: 0 };
}

async function ask(session: Session, transport: Transport, pushed: readonly OutboxItem[]): Promise<SyncResponse> {
  const body = encodeSyncRequest({
    v: 1, cursors: cursors(session), push: pushed.map(({ pair }): CborValue => decode(pair)), status: statusOf(session), purged: [],
    checkpoint: session.state.checkpoint, prove: [...session.due.keys()].sort((a, b) => a - b).slice(0, limit("proofs_per_sync")),
  });
  try {
    return decodeSyncResponse(await transport.signed(session.identity, session.key, "POST", "/v1/sync", body));
  } catch (error) {
    if (error instanceof Refused && OUT.has(error.code)) await handIn(session, transport, error.code);
    throw error;
  }
}

async function take(session: Session, transaction: Transaction, response: SyncResponse, pushed: readonly OutboxItem[], report: Report): Promise<Brought> {
  const brought: Brought = { received: 0, behind: false, contradictions: report.contradictions };
  const sent: SentEntries = new Map(pushed.map(({ pair }): [string, Entry] => { const entry = decodeEntry(pair); return [hex(entry.id), entry]; }));
  const own = session.registry.log.log;
  const pages = [...response.pages].sort((a, b) => Number(equal(b.log, own)) - Number(equal(a.log, own)));
  for (const page of pages) {
    const isRegistry = equal(page.log, own);
    try {
      await (isRegistry ? takeRegistry : takeFile)(session, transaction, page, sent, brought);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      stop(session, transaction, page.log, isRegistry, error.message);
      brought.contradictions.push({ log: page.log, message: error.message });
    }
  }
  const settled: Settled = { accepted: 0, refused: report.refused };
  await takeReceipts(session, transaction, response.receipts, settled);
  await takeAnswers(session, transaction, pushed, response.answers, settled);
  if (session.registry.root !== null) await guardedTree(session, transaction, response, brought);
  const quiet = !response.more && !brought.behind ? response.time : session.state.quiet_ms;
  session.setState(transaction, {
    clock_offset: response.time - session.now(), synced_ms: session.now(), quiet_ms: quiet, turned_away: "", held: response.held, parcels: response.parcels,
  });
  report.accepted += settled.accepted;
  report.received += brought.received;
  return brought;
}

async function guardedTree(session: Session, transaction: Transaction, response: SyncResponse, brought: Brought): Promise<void> {
  try {
    await takeTree(session, transaction, response);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    session.alarm(transaction, null, null, "contradiction", `the server's audit log contradicts itself: ${error.message}`);
    brought.contradictions.push({ log: session.registry.log.log, message: error.message });
  }
}

/** A page that contradicts stops its own log only. A log that this device has nothing of, a server can make up: nothing is kept of it. */
function stop(session: Session, transaction: Transaction, log: Uint8Array, isRegistry: boolean, message: string): void {
  session.alarm(transaction, log, null, "contradiction", message);
  if (isRegistry) stopRegistry(session, transaction, "contradiction");
  const open = session.files.get(hex(log));
  if (open !== undefined) session.putFile(transaction, { ...open, stopped: "contradiction" });
}
