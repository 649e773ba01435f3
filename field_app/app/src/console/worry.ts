/** Which devices somebody should look at first, and why. Pure. */
import { howLong } from "../screens/times";
import type { DeviceRow } from "./oversight";

const DAY = 86_400_000;
const QUIET_MS = 5 * DAY;

export interface Worry {
  readonly row: DeviceRow;
  readonly level: number;
  readonly why: readonly string[];
}

export function worryOf(row: DeviceRow, nowMs: number): Worry {
  const { standing, heardMs, wroteMs, waiting, waitingSinceMs, held, refused, untilMs } = row;
  if (standing === "revoked" || standing === "wiped") return { row, level: -1, why: [] };
  const why: (readonly [number, string])[] = [];
  const newest = Math.max(heardMs ?? 0, wroteMs ?? 0);
  if (standing === "suspended") why.push([5, "kept out"]);
  if (untilMs <= nowMs) why.push([4, "its time on the service is over"]);
  if (held > 0) why.push([4, held === 1 ? "1 thing is held" : `${held} things are held`]);
  if (newest === 0) why.push([2, "nothing heard yet"]);
  else if (nowMs - newest > QUIET_MS) why.push([3, `nothing heard for ${howLong(nowMs - newest)}`]);
  if (waiting > 0 && waitingSinceMs !== undefined && nowMs - waitingSinceMs > DAY) why.push([2, `has not fetched for ${howLong(nowMs - waitingSinceMs)}`]);
  if (refused > 0) why.push([1, refused === 1 ? "1 entry was refused" : `${refused} entries were refused`]);
  return { row, level: Math.max(0, ...why.map(([level]) => level)), why: why.sort(([a], [b]) => b - a).map(([, words]) => words) };
}

/** The worst first; of two alike the one that was heard longest ago. */
export function byWorry(rows: readonly DeviceRow[], nowMs: number): readonly Worry[] {
  const heard = ({ row }: Worry): number => Math.max(row.heardMs ?? 0, row.wroteMs ?? 0);
  return rows.map((row) => worryOf(row, nowMs)).sort((a, b) => b.level - a.level || heard(a) - heard(b));
}
