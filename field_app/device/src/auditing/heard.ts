/**
 * What the devices of a side say of themselves, as this device was told, and what it came to each day. Spec 10.3.
 *
 * It proves nothing, so it is kept apart from what was verified. Of a conflict every device that has the file tells, so
 * what they say is not added up: of a day the most that any one of them had is kept.
 */
import { devicesAnswer, type DevicesAnswer } from "@fieldkeep/core/audit/pages";
import { sideShape } from "@fieldkeep/core/certificate";
import type { Side } from "@fieldkeep/core/ids";
import { count, list, map, millis, type Of, row } from "@fieldkeep/core/shape";
import type { Rows } from "../rows";
import { read, write } from "../stored";
import { fetchHeard, type Get } from "./fetching";

const DAY_MS = 86_400_000;
const MOST_DAYS = 400;
const NAME = "heard";

const day = row({ at_ms: millis, conflicts: count });
const keptShape = map({ side: sideShape, at_ms: millis, answer: devicesAnswer, days: list(day, 0, MOST_DAYS) });

/** On which day, and how many conflicts the device had that had most. */
export type LookedDay = Of<typeof day>;
/** The newest answer, when it came, and a figure for each day on which this device asked. */
export interface HeardKept {
  readonly at_ms: number;
  readonly answer: DevicesAnswer;
  readonly days: readonly LookedDay[];
}

const place = (side: Side): string => `audit/${side}`;

export async function readHeard(rows: Rows, side: Side): Promise<HeardKept | null> {
  const content = await rows.get(place(side), NAME);
  return content === undefined ? null : read(keptShape, content);
}

/** Asks, and keeps the answer. Raises what `get` raises. */
export async function lookAround(get: Get, rows: Rows, side: Side, now: number): Promise<HeardKept> {
  const answer = await fetchHeard(get, side);
  const at_ms = Math.max(0, now);
  const conflicts = Math.max(0, ...answer.devices.map(({ status }) => status.conflicts));
  const before = (await readHeard(rows, side))?.days ?? [];
  const others = before.filter((one) => Math.floor(one.at_ms / DAY_MS) !== Math.floor(at_ms / DAY_MS));
  const kept = { at_ms, answer, days: [...others, { at_ms, conflicts }].slice(-MOST_DAYS) };
  await rows.transaction(async (transaction) => {
    transaction.put(place(side), NAME, write(keptShape, { side, ...kept }));
  });
  return kept;
}
