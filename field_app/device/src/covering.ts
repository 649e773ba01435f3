/** When this device seals where cover traffic is on, and what then goes into an envelope. Spec 9.7. */
import { hex } from "@fieldkeep/core/bytes";
import { decode, encode } from "@fieldkeep/core/cbor";
import { encodePart } from "@fieldkeep/core/change";
import { coverDay, coverDayStart, coverFits, coverParts } from "@fieldkeep/core/cover";
import { isMap } from "@fieldkeep/core/fold/markers";
import { limit } from "@fieldkeep/core/limits";
import { paddedSize } from "@fieldkeep/core/sealing";
import letters from "../../../shared_schema/roles.json" with { type: "json" };
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { type Pending, READ } from "./stored";

const LETTERS: ReadonlySet<string> = new Set(Object.keys(letters.letters));
const ROOM = limit("entry_bytes") - 65_536;
const FRAME = 128;
const factOf = (log: Uint8Array): string => `covered:${hex(log)}`;

/** The number of the present day, by the server's clock as far as it is known; null where no cover traffic is on. */
export function today(session: Session): number | null {
  const { coverHour } = session.registry;
  return coverHour === null ? null : coverDay(session.serverNow(), coverHour);
}

/** When the next day begins, by the server's clock; null where nothing waits for that. */
export function nextCoverMs(session: Session): number | null {
  const [day, { coverHour }] = [today(session), session.registry];
  return day === null || coverHour === null ? null : coverDayStart(day + 1, coverHour);
}

/** Whether the present day's envelope of this file is not sealed yet. */
export function isDue(session: Session, log: Uint8Array): boolean {
  const [last, day] = [session.fact(factOf(log)), today(session)];
  return day !== null && (last === undefined || decode(last) !== day);
}

export function covered(session: Session, transaction: Transaction, log: Uint8Array): void {
  const day = today(session);
  if (day !== null) session.setFact(transaction, factOf(log), encode(day));
}

/** What was refused for good is sealed again at once, and the day's envelope too if it was that. */
export function uncovered(session: Session, transaction: Transaction, log: Uint8Array): void {
  if (session.fact(factOf(log)) !== undefined) session.dropFact(transaction, factOf(log));
}

/** Some of what waits may not wait: a letter that came or goes, or what says that something is exported. */
export function goesAtOnce(changes: readonly Pending[]): boolean {
  return changes.some(({ change }) => LETTERS.has(change.t) || (change.t === READ && saysExported(change)));
}

function saysExported({ ops }: Pending["change"]): boolean {
  return ops.some(({ value }) => isMap(value) && value.get("how") === "exported");
}

/**
 * As many changes as one envelope of the day's sizes holds, by their numbers, and its parts. Of none it is cover
 * alone.
 */
export function coverBatch(changes: readonly Pending[]): {
  readonly taken: readonly Pending[];
  readonly plaintexts: readonly Uint8Array[];
} {
  let parts = new Map<string, readonly Pending[]>();
  const taken: Pending[] = [];
  for (const one of changes) {
    const key = hex(one.change.r);
    const tried = new Map([...parts, [key, [...(parts.get(key) ?? []), one]] as const]);
    if (taken.length > 0 && !goesIn([...tried.values()])) break;
    parts = tried;
    taken.push(one);
  }
  return { taken, plaintexts: coverParts([...parts.values()].map(plaintextOf)) };
}

const plaintextOf = (group: readonly Pending[]): Uint8Array => encodePart(group.map(({ change }) => change));

function goesIn(groups: readonly (readonly Pending[])[]): boolean {
  const lengths = groups.map((group) => plaintextOf(group).length);
  const size = coverParts([]).concat(lengths.map((length) => new Uint8Array(length)));
  const bytes = size.reduce((sum, { length }) => sum + paddedSize(length + 4) + FRAME, 0);
  return coverFits(lengths) && bytes <= ROOM && size.length <= limit("parts_per_entry");
}

/** How many changes wait for the next day to begin. */
export function waitingForCover(session: Session): number {
  if (today(session) === null) return 0;
  const files = [...session.files.values()].filter(({ log }) => !isDue(session, log));
  const loose = files.flatMap(({ pending }) => pending.filter(({ outbox, held }) => outbox === null && held === ""));
  return loose.length;
}
