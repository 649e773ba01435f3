/** Which devices somebody should look at first, and why. Pure. */
import { limit } from "@fieldkeep/core/limits";
import { howLong } from "../screens/times";
import type { DeviceRow } from "./oversight";

const DAY = 86_400_000;
const QUIET_MS = 5 * DAY;
const UNSENT = limit("unsent_items_nudge");
const OLD_CONFLICT_DAYS = 7;
const CLOCK_MS = limit("clock_warning_ms");

export interface Worry {
  readonly row: DeviceRow;
  readonly level: number;
  readonly why: readonly string[];
}

/** When anything was last heard of it: proved by an event, or by the service's word alone. */
export const newestOf = ({ heardMs, wroteMs, said }: DeviceRow): number => Math.max(heardMs ?? 0, wroteMs ?? 0, said?.heardMs ?? 0);

/** "12 minutes ahead"; nothing where it is right to within what a device itself would warn of. */
export function clockWords(clockMs: number): string | undefined {
  return Math.abs(clockMs) < CLOCK_MS ? undefined : `${howLong(Math.abs(clockMs))} ${clockMs > 0 ? "ahead" : "behind"}`;
}

function saidWorries({ said }: DeviceRow, nowMs: number): readonly (readonly [number, string])[] {
  if (said === undefined) return [];
  const { unsent, conflicts, oldestConflictDays, clockMs, heardMs } = said;
  const days = oldestConflictDays + Math.max(0, Math.floor((nowMs - heardMs) / DAY));
  const clock = clockMs === undefined ? undefined : clockWords(clockMs);
  return [
    ...(unsent > 0 ? [[unsent > UNSENT ? 3 : 2, `${unsent} not sent`] as const] : []),
    ...(conflicts > 0 && oldestConflictDays > 0 && days >= OLD_CONFLICT_DAYS ? [[3, `a conflict is ${days} days old`] as const] : []),
    ...(clock === undefined ? [] : [[2, `its clock is ${clock}`] as const]),
    ...(conflicts > 0 && days < OLD_CONFLICT_DAYS ? [[1, conflicts === 1 ? "1 conflict is open" : `${conflicts} conflicts are open`] as const] : []),
  ];
}

export function worryOf(row: DeviceRow, nowMs: number): Worry {
  const { standing, waiting, waitingSinceMs, held, refused, untilMs } = row;
  if (standing === "revoked" || standing === "wiped") return { row, level: -1, why: [] };
  const why: (readonly [number, string])[] = [];
  const newest = newestOf(row);
  if (standing === "suspended") why.push([5, "kept out"]);
  if (untilMs <= nowMs) why.push([4, "its time on the service is over"]);
  if (held > 0) why.push([4, held === 1 ? "1 thing is held" : `${held} things are held`]);
  if (newest === 0) why.push([2, "nothing heard yet"]);
  else if (nowMs - newest > QUIET_MS) why.push([3, `nothing heard for ${howLong(nowMs - newest)}`]);
  if (waiting > 0 && waitingSinceMs !== undefined && nowMs - waitingSinceMs > DAY) why.push([2, `has not fetched for ${howLong(nowMs - waitingSinceMs)}`]);
  why.push(...saidWorries(row, nowMs));
  if (refused > 0) why.push([1, refused === 1 ? "1 entry was refused" : `${refused} entries were refused`]);
  return { row, level: Math.max(0, ...why.map(([level]) => level)), why: why.sort(([a], [b]) => b - a).map(([, words]) => words) };
}

/** The worst first; of two alike the one that was heard longest ago. */
export function byWorry(rows: readonly DeviceRow[], nowMs: number): readonly Worry[] {
  return rows.map((row) => worryOf(row, nowMs)).sort((a, b) => b.level - a.level || newestOf(a.row) - newestOf(b.row));
}
