/** An answer, taken: core's step decides, and this carries out what it says, in one transaction. Spec 3.1, 9.2, 9.3. */
import { equal, hex } from "@fieldkeep/core/bytes";
import { decodeRegistryStatement } from "@fieldkeep/core/certificate";
import { encodeEntry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import type { Outcome, OutboxItem as Sealed } from "@fieldkeep/core/exchange/outbox";
import { overtaken } from "@fieldkeep/core/exchange/overtaken";
import type { Asked } from "@fieldkeep/core/exchange/plan";
import type { TakenStatement } from "@fieldkeep/core/exchange/registry_page";
import type { Responded } from "@fieldkeep/core/exchange/respond";
import type { SyncEvent } from "@fieldkeep/core/exchange/view";
import { wasExpunged } from "@fieldkeep/core/membership/state";
import { deviceOf, reaches } from "@fieldkeep/core/registry/state";
import type { Answer, Page } from "@fieldkeep/core/sync";
import { uncovered } from "./covering";
import { copied } from "./identity";
import { newsOf } from "./news";
import { keepHead, turn } from "./restored";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, OF, type OutboxItem, write } from "./stored";
import { takeFilePage } from "./taking";
import { keepView, refuse, say } from "./viewing";

export interface Refusal {
  readonly log: Uint8Array;
  readonly code: string;
  readonly message: string;
  readonly final: boolean;
  readonly statement: boolean;
}

export interface Contradicted {
  readonly log: Uint8Array;
  readonly message: string;
}

/** What one answer came to. */
export interface Came {
  readonly accepted: number;
  readonly received: number;
  readonly refused: readonly Refusal[];
  readonly contradictions: readonly Contradicted[];
  readonly again: boolean;
  /** Files of which the server has not got all that is here, by id in hexadecimal: how far it has them. */
  readonly lost: ReadonlyMap<string, number>;
  /** Files of which a page came. */
  readonly shown: ReadonlySet<string>;
}

interface Answered {
  readonly answers: readonly Answer[];
  readonly pages: readonly Page[];
}

/** `body` is the answer as it came: of a contradiction it is the evidence. */
export async function carryOut(
  session: Session,
  transaction: Transaction,
  asked: Asked,
  answered: Answered,
  { view, events, again }: Responded,
  body: Uint8Array,
): Promise<Came> {
  checkFloor(session, view.registry, answered.pages);
  const before = new Map(session.waiting().map((item) => [hex(item.id), item]));
  const receipted = [...before.values()].filter((item) => item.receipt === null);
  session.memory.registry = view.registry;
  for (const event of events) await perform(session, transaction, event, asked, answered.pages, before, body);
  keepView(session, transaction, view);
  const refused = hear(session, transaction, asked, answered.answers, before);
  dropOvertaken(session, transaction);
  const taken = new Map(view.outbox.map((item) => [hex(item.entry.id), item.receipt]));
  const done = (id: Uint8Array): boolean =>
    (taken.get(hex(id)) ?? null) !== null ||
    events.some((event) => event.is === "outcome" && event.outcome.is === "done" && equal(event.item.entry.id, id));
  return {
    accepted: receipted.filter(({ id }) => done(id)).length,
    received: events.reduce((sum, event) => sum + countOf(event), 0),
    refused,
    contradictions: events.flatMap((event) =>
      event.is === "contradiction" ? [{ log: event.log ?? session.registry.log.log, message: event.message }] : [],
    ),
    again,
    lost: new Map(events.flatMap((event) => (event.is === "lost" ? [[hex(event.log), event.seq] as const] : []))),
    shown: new Set(answered.pages.map(({ log }) => hex(log))),
  };
}

function countOf(event: SyncEvent): number {
  if (event.is === "registry") return event.taken.length;
  if (event.is !== "file") return 0;
  return event.page.kind === "taken"
    ? event.page.taken.length
    : event.page.ids.length + Number(event.page.erased !== null);
}

/** The registry leads to the head that the inviter saw: no server hides what was revoked before the invitation. */
function checkFloor(session: Session, registry: Session["registry"], pages: readonly Page[]): void {
  const own = pages.find(({ log }) => equal(log, registry.log.log));
  if (own === undefined) return;
  const reached = reaches(registry, session.identity.floor);
  if (reached === false || (reached === null && !own.more))
    throw new Refused("contradiction", "the registry is not the one that the inviter saw");
}

async function perform(
  session: Session,
  transaction: Transaction,
  event: SyncEvent,
  asked: Asked,
  pages: readonly Page[],
  before: ReadonlyMap<string, OutboxItem>,
  body: Uint8Array,
): Promise<void> {
  switch (event.is) {
    case "registry": {
      const page = pages.find(({ log }) => equal(log, session.registry.log.log));
      if (page !== undefined) keepHead(session, transaction, page);
      return takeStatements(session, transaction, event.taken);
    }
    case "file": {
      const page = pages.find(({ log }) => equal(log, event.log));
      if (page !== undefined) await takeFilePage(session, transaction, page, event.page, asked.sent);
      return;
    }
    case "contradiction": {
      const n = session.alarm(transaction, event.log, null, "contradiction", event.message);
      if (n !== null) transaction.put(OF.evidence, n, copied(body));
      return;
    }
    case "restored":
      return turn(session, transaction, event.registrySeq);
    case "lost": // what is missing is brought when the answer is taken (restored.ts)
      return;
    case "not-in-audit-log": {
      const text = "the server does not show that its audit log has an entry that it served: tell whoever looks after this service";
      session.alarm(transaction, event.log, event.seq, "not-in-audit-log", text);
      return;
    }
    case "unsigned":
      session.alarm(transaction, null, null, "unsigned", `something that the server did not sign: ${event.message}`);
      return;
    case "outcome":
      return settle(session, transaction, event.item, event.outcome, before);
    case "cloned": {
      const text = "another copy of this phone has written: nothing more is sent from here; enrol it anew";
      session.alarm(transaction, event.log, null, "clone", text);
      return;
    }
    case "falsely-cloned": {
      const text = "the server says that a number is taken, and shows nothing that this phone has signed";
      session.alarm(transaction, event.log, null, "contradiction", text);
      return;
    }
    default: {
      const never: never = event;
      return never;
    }
  }
}

// --- the registry -------------------------------------------------------------------------------------------------

const NOBODY = { user: new Uint8Array(0), role: "", late: false, plaintexts: [] } as const;

function takeStatements(session: Session, transaction: Transaction, taken: readonly TakenStatement[]): void {
  const { log } = session.registry.log;
  const me = deviceOf(session.registry, session.identity.device);
  for (const { served, void: code } of taken) {
    const { entry, seq, received_ms, leaf, salt } = served;
    if (entry === null) continue;
    const row = { pair: encodeEntry(entry), received_ms, leaf, salt, void: code, device: entry.header.kid, ...NOBODY };
    transaction.put(OF.entries(log), seq, write(entryRow, row));
    if (code !== null) {
      session.alarm(transaction, log, seq, `void:${code}`, "an entry of the registry counts for nothing");
    } else if (me !== null && seq > me.seq && !equal(entry.header.kid, me.device)) {
      const news = newsOf(session.registry, entry);
      if (news !== null) session.alarm(transaction, log, seq, news.code, news.text);
    }
  }
}

/** What waits in the registry and somebody else has done meanwhile would wait for ever. */
function dropOvertaken(session: Session, transaction: Transaction): void {
  const { log } = session.registry.log;
  for (const item of session.waiting(log)) {
    if (item.receipt !== null || item.shown !== null || item.entry.typ !== "fieldkeep-statement") continue;
    const statement = decodeRegistryStatement(item.entry.payload);
    const over = overtaken(session.registry, statement, item.entry.header.sn.seq, session.serverNow());
    if (over === null) continue;
    session.dropOutbox(transaction, item.n);
    if (over.never) refuse(session, transaction, hex(item.id), "not-permitted");
    const text = `your ${statement.kind} was not sent: it would not be right any more. Make it again, if it still is`;
    if (over.tell) session.alarm(transaction, log, null, "overtaken", text);
  }
}

// --- what became of what was sealed -------------------------------------------------------------------------------

function settle(
  session: Session,
  transaction: Transaction,
  { entry }: Sealed,
  outcome: Outcome,
  before: ReadonlyMap<string, OutboxItem>,
): void {
  const item = before.get(hex(entry.id));
  if (item === undefined) return;
  const { n, log } = item;
  switch (outcome.is) {
    case "waits":
      return;
    case "held":
      return say(session, transaction, item, "held", "held: somebody decides whether it comes in");
    case "kept":
      return say(session, transaction, item, outcome.because, "refused for good; what was typed stays on this phone");
    case "dropped":
      return session.dropOutbox(transaction, n);
    case "done":
      // What the log does not fold of it was sealed under a key that was closed meanwhile: nobody reads it there.
      session.sealAgain(transaction, log, n);
      return session.dropOutbox(transaction, n);
    case "resealed":
      session.sealAgain(transaction, log, n);
      uncovered(session, transaction, log);
      return session.dropOutbox(transaction, n);
    case "decided":
      decided(session, transaction, item, outcome.admitted);
      return session.dropOutbox(transaction, n);
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

/** What was let in is in the log. What was not counts for nothing, and is kept; what was removed has gone. */
function decided(session: Session, transaction: Transaction, { n, log, id }: OutboxItem, admitted: boolean): void {
  const open = session.files.get(hex(log));
  const own = (open?.pending ?? []).filter(({ outbox }) => outbox === n);
  if (admitted || open === undefined || own.length === 0) return;
  session.putPending(
    transaction,
    log,
    own.map((one) => ({ ...one, outbox: null, held: "refused" })),
  );
  const gone = wasExpunged(open.reading.file, id);
  const text = gone ? "part of what was held was removed; the rest was not let in" : "what was held was not let in";
  session.alarm(transaction, log, null, "let-out", `${text}: it is kept on this phone, and counts for nothing`);
}

/** The server's words on what was pushed: shown with what still waits, and told of what does not. */
function hear(
  session: Session,
  transaction: Transaction,
  { pushed }: Asked,
  answers: readonly Answer[],
  before: ReadonlyMap<string, OutboxItem>,
): readonly Refusal[] {
  return pushed.flatMap(({ entry }, index): readonly Refusal[] => {
    const [answer, item] = [answers[index], before.get(hex(entry.id))];
    if (answer === undefined || item === undefined) return [];
    const now = session.outbox.get(item.n);
    if (answer.code === "accepted") {
      say(session, transaction, item, "accepted", "");
      return [];
    }
    const message = answer.message ?? answer.code;
    if (now !== undefined && !now.final && now.receipt === null) say(session, transaction, item, answer.code, message);
    if (now?.receipted === true) return [];
    const final = now === undefined || now.final;
    return [{ log: item.log, code: answer.code, message, final, statement: item.statement }];
  });
}
