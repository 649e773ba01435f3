/**
 * Reconciling with the server: seal, push, pull, until nothing is new; then what a holder owes its files. Spec 9.2,
 * 9.3.
 *
 * It ends whatever the server says: what was not taken in this call is not sent again in this call, and more is asked
 * for only while something comes.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { Refused } from "@fieldkeep/core/errors";
import { type Asked, planSync } from "@fieldkeep/core/exchange/plan";
import { isOverdue, type OutboxItem as Sealed } from "@fieldkeep/core/exchange/outbox";
import { respond } from "@fieldkeep/core/exchange/respond";
import { conflicts } from "@fieldkeep/core/fold/show";
import { verifies } from "@fieldkeep/core/keys";
import { limit } from "@fieldkeep/core/limits";
import { type Log, seqOf } from "@fieldkeep/core/log";
import { decodeSyncResponse, type Status, type SyncResponse } from "@fieldkeep/core/sync";
import { claimFor, type Sent, sendChunks } from "./attachments";
import { awaiting, settle } from "./chunks";
import { before, cross } from "./crossing";
import { expire } from "./expiring";
import { handIn } from "./handing_in";
import { type How, sealPending } from "./outbox";
import { tend } from "./owed";
import { putDue } from "./reading";
import { dropPurged } from "./removing";
import { bringRegistry, heal, hidden } from "./restored";
import type { Session } from "./session";
import { type Came, carryOut, type Contradicted, type Refusal } from "./stepping";
import { type OutboxItem, READ } from "./stored";
import type { Transport } from "./transport";
import { dueInOrder, viewOf } from "./viewing";

const APP = "fieldkeep-app/0.1.0";
const FIRST_PUSH = 262_144;
const MOST_PUSH = (limit("request_bytes") * 3) / 4;
const ROUNDS = 10_000;
/** Letters of a liaison file that end in one sync; what is left goes with the next. */
const MOST_ENDS = 32;
const LOOK_FIRST_MS = 900_000;
const DAY_MS = 86_400_000;
const OUT: ReadonlySet<string> = new Set(["revoked", "suspended", "certificate-ended"]);

export interface Report {
  rounds: number;
  sent: number;
  accepted: number;
  received: number;
  readonly refused: Refusal[];
  readonly contradictions: Contradicted[];
  /** Of attachments: what went, and what is left. */
  attached: Sent;
}

/**
 * Raises Refused: `offline` (everything stays), or the server's refusal of the whole request. `progress` is told after
 * each answer. With `atOnce` nothing waits for the hour of cover traffic.
 */
export async function sync(
  session: Session,
  transport: Transport,
  progress: (report: Report) => void = () => undefined,
  how: Pick<How, "atOnce"> = {},
): Promise<Report> {
  const attached: Sent = { chunks: 0, left: 0, code: "", message: "" };
  const report: Report = { rounds: 0, sent: 0, accepted: 0, received: 0, refused: [], contradictions: [], attached };
  await before(session, transport);
  await putDue(session);
  await reconcile(session, transport, report, progress, how);
  if (await cross(session, transport)) await reconcile(session, transport, report, progress, how);
  for (let ends = 0; ends < MOST_ENDS; ends++) {
    if ((await session.change((transaction) => expire(session, transaction))) === 0) break;
    await reconcile(session, transport, report, progress, how);
  }
  await sendAttached(session, transport, report, progress, how);
  return report;
}

/**
 * Chunks of attachments, then the records that name them: a line that is too slow for a photograph has carried the
 * notes. Twice, for the first push may hear that some are missing.
 */
async function sendAttached(
  session: Session,
  transport: Transport,
  report: Report,
  progress: (report: Report) => void,
  how: How,
): Promise<void> {
  for (let turn = 0; turn < 2 && awaiting(session).some(({ loose }) => !loose); turn++) {
    const sent = await turnedAway(session, transport, () => sendChunks(session, transport, () => progress(report)));
    report.attached = { ...sent, chunks: report.attached.chunks + sent.chunks };
    if (!awaiting(session).some(({ unsent, loose }) => !loose && unsent.length === 0)) return;
    await reconcile(session, transport, report, progress, how);
    await session.change(async (transaction) => settle(session, transaction));
    report.attached.left = awaiting(session).filter(({ loose }) => !loose).length;
  }
}

async function reconcile(
  session: Session,
  transport: Transport,
  report: Report,
  progress: (report: Report) => void,
  how: How,
): Promise<void> {
  const [stuck, tended] = [new Set<string>(), new Set<string>()];
  let lookFirst = isLongAgo(session);
  let looked = false;
  for (let rounds = 0; rounds < ROUNDS; rounds++) {
    if (!lookFirst) await session.change((transaction) => sealPending(session, transaction, how));
    lookFirst = false;
    const room = Math.min(FIRST_PUSH * 2 ** Math.min(rounds, 8), MOST_PUSH);
    const chosen = choose(session, stuck, room, rounds === 0);
    const short = await turnedAway(session, transport, () => claimFor(session, transport, chosen));
    for (const log of short) stuck.add(log);
    const asked = plan(
      session,
      chosen.filter(({ log }) => !short.has(hex(log))),
    );
    const came = await exchange(session, transport, asked);
    const lost = new Map([...came.lost, ...(came.again || looked ? [] : hidden(session, came.shown))]);
    looked ||= !came.again;
    const healed = lost.size > 0 && (await heal(session, transport, lost));
    note(report, asked, came);
    for (const { entry } of asked.pushed) {
      const item = session.waiting(entry.header.log).find((one) => equal(one.id, entry.id));
      if (item !== undefined && !item.receipted) stuck.add(hex(entry.header.log));
    }
    progress(report);
    const more = came.again && (came.received > 0 || came.accepted > 0);
    const [owed, sealed] = await session.change(
      async (transaction) =>
        [
          more ? 0 : await tend(session, transaction, tended),
          more ? 0 : await sealPending(session, transaction, how),
        ] as const,
    );
    const words = session.memory.purges.size > 0 && rounds === 0;
    const left = choose(session, stuck, MOST_PUSH, false).length;
    if (!(more || healed || owed > 0 || sealed > 0 || left > 0 || words)) return;
  }
}

function note(report: Report, asked: Asked, came: Came): void {
  report.rounds += 1;
  report.sent += asked.pushed.length;
  report.accepted += came.accepted;
  report.received += came.received;
  report.refused.push(...came.refused);
  const known = new Set(report.contradictions.map(({ log, message }) => `${hex(log)} ${message}`));
  report.contradictions.push(...came.contradictions.filter(({ log, message }) => !known.has(`${hex(log)} ${message}`)));
}

/**
 * Much may have changed since this device last heard: it asks before it seals, for it may have lost its place, or its
 * key.
 */
function isLongAgo(session: Session): boolean {
  const { synced_ms } = session.state;
  const since = synced_ms === null ? -1 : session.now() - synced_ms;
  return since < 0 || since > LOOK_FIRST_MS;
}

/** What may go now, in order; nothing of a log that is stuck. `again` also what has a receipt and is not shown yet. */
function choose(session: Session, stuck: ReadonlySet<string>, room: number, again: boolean): readonly OutboxItem[] {
  if (session.state.frozen) return [];
  const chosen: OutboxItem[] = [];
  let size = 0;
  for (const item of session.waiting()) {
    const open = session.files.get(hex(item.log));
    if (item.final || stuck.has(hex(item.log)) || (open?.stopped ?? "") !== "" || (item.receipted && !again)) continue;
    size += item.entry.frame.bytes.length + item.entry.parts.reduce((sum, part) => sum + (part?.length ?? 0), 0);
    if (chosen.length > 0 && (size > room || chosen.length >= limit("entries_per_push"))) break;
    chosen.push(item);
  }
  return chosen;
}

export function plan(session: Session, outbox: readonly Sealed[]): Asked {
  const { stopped, frozen, checkpoint, unseen } = viewOf(session);
  const files = [...session.files.values()].map(({ reading: { file } }) => file.log);
  const logs: readonly Log[] = [session.registry.log, ...files].filter((log) => seqOf(log) > 0);
  const purged = [...session.memory.purges.values()];
  const prove = dueInOrder(session).map(({ leaf }) => leaf.leaf);
  return planSync({ logs, outbox, stopped, frozen, status: statusOf(session, outbox), checkpoint, prove, purged, unseen });
}

/** What is unsent when the request that brings `going` has been taken; of what was read nothing is counted. */
function unsentBeside(session: Session, going: readonly Sealed[]): number {
  const ids = new Set(going.map(({ entry }) => hex(entry.id)));
  const isGoing = (n: number | null): boolean =>
    n !== null && ids.has(hex(session.outbox.get(n)?.id ?? new Uint8Array()));
  const isKeptAside = (n: number | null): boolean => n !== null && session.outbox.get(n)?.final === true;
  const changes = [...session.files.values()]
    .flatMap(({ pending }) => pending)
    .filter(({ change, outbox, held }) => held === "" && change.t !== READ && !isKeptAside(outbox) && !isGoing(outbox));
  const statements = session.waiting().filter((item) => item.statement && !item.final && !ids.has(hex(item.id)));
  return changes.length + statements.length;
}

function statusOf(session: Session, going: readonly Sealed[]): Status {
  const unsent = unsentBeside(session, going);
  const records = session.ownFiles.flatMap(({ folded }) => [...folded.records.values()]);
  const open = records.filter((record) => !record.isVoid && !record.hidden && conflicts(record).length > 0);
  const since = open
    .flatMap((record) => [...record.fields.values()].filter(({ conflict }) => conflict))
    .map(({ live }) => Math.max(0, ...live.map(({ from }) => from.received_ms)));
  const oldest = since.length === 0 ? 0 : Math.floor((session.serverNow() - Math.min(...since)) / DAY_MS);
  const held = session.waiting().filter(({ verdict }) => verdict === "held").length;
  return {
    unsent,
    held,
    conflicts: open.reduce((sum, record) => sum + conflicts(record).length, 0),
    oldest_conflict_days: Math.max(0, oldest),
    app: APP,
    claimed_ms: Math.max(0, session.now()),
    free_mb: 0,
  };
}

/** One request, and its answer taken. `hear` is told the answers to what was pushed. */
export async function exchange(
  session: Session,
  transport: Transport,
  asked: Asked,
  hear: (answers: SyncResponse["answers"]) => void = () => undefined,
): Promise<Came> {
  const body = await send(session, transport, asked);
  const response = decodeSyncResponse(body);
  hear(response.answers);
  return session.change(async (transaction) => {
    const before = viewOf(session);
    const responded = await respond(before, asked, response, Math.max(0, session.now()), verifies);
    const came = await carryOut(session, transaction, asked, response, responded, body);
    const words = new Set(asked.request.purged.map((word) => hex(word)));
    const told = [...session.memory.purges].filter(([, word]) => words.has(hex(word))).map(([id]) => id);
    dropPurged(session, transaction, told);
    session.setState(transaction, {
      clock_offset: response.time - session.now(),
      synced_ms: Math.max(0, session.now()),
      turned_away: "",
      held: response.held,
      parcels: response.parcels,
    });
    tellOverdue(session, transaction);
    return came;
  });
}

/** Sent for a day, and the log does not show it. */
function tellOverdue(session: Session, transaction: Parameters<Parameters<Session["change"]>[0]>[0]): void {
  for (const item of session.waiting()) {
    if (!isOverdue(item, session.now())) continue;
    const text = "something was sent more than a day ago, and the server has not put it where everybody sees it";
    session.alarm(transaction, item.log, null, "unsettled", text);
  }
}

function send(session: Session, transport: Transport, { body }: Asked): Promise<Uint8Array> {
  const { identity, key } = session;
  return turnedAway(session, transport, () => transport.signed(identity, key, "POST", "/v1/sync", body));
}

/** Who sent this is told that the side is not served, whatever comes of what was brought. */
function ignored(error: unknown): void {
  if (!(error instanceof Refused)) throw error;
}

/** Whoever is kept out hands in what they have, and is told. */
async function turnedAway<T>(session: Session, transport: Transport, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Refused && error.code === "restoring") await bringRegistry(session, transport).catch(ignored);
    if (error instanceof Refused && OUT.has(error.code)) await handIn(session, transport, error.code);
    throw error;
  }
}
