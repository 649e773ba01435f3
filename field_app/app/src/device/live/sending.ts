/** What was written and where it has come to: rolled up from single items, never a flag of its own. */
import { hex } from "@fieldkeep/core/bytes";
import { limit } from "@fieldkeep/core/limits";
import type { Session } from "@fieldkeep/device/session";
import { type OutboxItem, READ } from "@fieldkeep/device/stored";
import { recordType } from "../../forms/schema";
import { type Item, type Sending, type Status, Trouble } from "../facade";
import { idText } from "./convert";
import { allConflicts } from "./deciding";
import { conflictsIn } from "./lists";

const DAY_MS = 86_400_000;

function waits(session: Session): readonly Item[] {
  return [...session.files.values()].flatMap(({ log, pending }) => {
    const byRecord = new Map<string, Item>();
    for (const { change, outbox, held } of pending) {
      if (change.t === READ) continue; // it is nobody's unsent work
      const item = outbox === null ? undefined : session.outbox.get(outbox);
      const [sending, trouble] = held !== "" ? keptBack(held) : item === undefined ? ["saved", pictureWaits(session, change.r)] as const : stateOf(item);
      const known = byRecord.get(hex(change.r));
      byRecord.set(hex(change.r), {
        id: `${hex(log)} ${change.c}`, file: idText(log), record: idText(change.r), title: recordType(change.t)?.title ?? change.t, sending,
        sinceMs: known === undefined ? change.at : Math.min(known.sinceMs, change.at), trouble,
      });
    }
    return [...byRecord.values()];
  });
}

const AGAIN = "Copy what it says into a new record, or ring your coordinator. Discard this one when it is not needed.";

/** A change that is not sent by itself again: somebody decided against it, or a copy of this phone used its number. */
function keptBack(held: string): readonly [Sending, Trouble] {
  const trouble =
    held === "refused"
      ? new Trouble(held, "This was not let in.", "It was held for review, and a colleague decided against it. Nobody else sees it.", AGAIN, false)
      : new Trouble(held, "This is not sent.", "A copy of this phone has written in its place.", AGAIN, false);
  return ["needs-you", trouble];
}

/** What the service said to a picture that it did not take. */
function pictureWaits(session: Session, record: Uint8Array): Trouble | undefined {
  const { code = "", message = "" } = session.memory.awaiting.get(hex(record)) ?? {};
  if (code === "" || code === "offline") return undefined;
  return new Trouble(code, "The service has not taken this picture yet.", `It says: ${message}.`, "Nothing: the phone tries again by itself.", true);
}

function stateOf(item: OutboxItem): readonly [Sending, Trouble | undefined] {
  if (!item.final) return ["sending", item.code === "" || item.receipted ? undefined : waiting(item)];
  if (item.code === "held") {
    return ["held", new Trouble("held", "This is held for review.", "You were not a member of the file when it arrived.", "Your coordinator decides whether it comes in. Nothing of it is lost.", false)];
  }
  return ["needs-you", new Trouble(item.code, "The service did not take this.", `It says: ${item.message}.`, "Copy what it says into a new record, or ring your coordinator.", false)];
}

const waiting = (item: OutboxItem): Trouble =>
  new Trouble(item.code, "The service has not taken this yet.", `It says: ${item.message}.`, "Nothing: the phone tries again by itself.", true);

export function items(session: Session): readonly Item[] {
  return [...waits(session)].sort((a, b) => a.sinceMs - b.sinceMs);
}

export function status(session: Session, syncing: boolean): Status {
  const all = items(session);
  const unsent = all.filter(({ sending }) => sending === "saved" || sending === "sending");
  const oldest = unsent.length === 0 ? undefined : Math.min(...unsent.map(({ sinceMs }) => sinceMs));
  const held = all.filter(({ sending }) => sending === "held").length;
  const stuck = all.filter(({ sending }) => sending === "needs-you").length;
  const inConflict = session.ownFiles.reduce((sum, { log }) => sum + [...session.recordsOf(log).records.values()].reduce((n, one) => n + conflictsIn(one), 0), 0);
  const days = limit("unsent_days_nudge");
  return {
    unsent: unsent.length, oldestUnsentMs: oldest, lastSentMs: session.state.synced_ms ?? undefined, lastHeardMs: session.state.synced_ms ?? undefined,
    needsYou: stuck + allConflicts(session).filter(({ mine }) => mine).length, held, conflicts: inConflict, syncing,
    nudge: unsent.length > limit("unsent_items_nudge") || (oldest !== undefined && session.now() - oldest > days * DAY_MS), alarms: alarms(session),
  };
}

/** What the service did that it must not, and what else somebody has to know. */
function alarms(session: Session): readonly Trouble[] {
  return [...session.alarms.values()].filter(({ seen }) => !seen).map(({ n, text }) => new Trouble(String(n), sentence(text), "", "Ring your coordinator if you did not expect this.", false));
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
