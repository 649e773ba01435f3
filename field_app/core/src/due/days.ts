/**
 * Days and times as records say them: of the United Kingdom, without a zone. A value that is none says nothing: null.
 *
 * Spec 5.10. Vectors: due. A moment is in milliseconds, as if those clocks showed UTC; what lies after the last day
 * that there is, is that day.
 */
import type { Json } from "../change";
import { isMap } from "../fold/markers";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
export const NEVER = Date.UTC(9999, 11, 31);
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const WHEN = /^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2}(?:T[0-9]{2}(?::[0-9]{2})?)?)?)?$/;
const FIRST_MINUTE = "0001-01-01T00:00";

/** The earliest and the latest moment that a time may mean; the latter is outside it, but a minute is itself. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly exact: boolean;
}

/** A moment in words for machines: `YYYY-MM-DDTHH:MM`. */
export const minuteOf = (at: number): string => new Date(at).toISOString().slice(0, 16);

/** The day of a moment. */
export const dateOf = (at: number): string => minuteOf(at).slice(0, 10);

/** The moment that a whole text `YYYY-MM-DDTHH:MM` names; null where the calendar or the clock has none. */
function momentOf(text: string): number | null {
  const at = Date.parse(`${text}:00Z`);
  return Number.isNaN(at) || text.startsWith("0000") || minuteOf(at) !== text ? null : at;
}

/** The first moment of a day, `YYYY-MM-DD`. */
export function dayOf(value: Json | undefined): number | null {
  return typeof value === "string" && DATE.test(value) ? momentOf(`${value}T00:00`) : null;
}

export const after = (at: number, by: number): number => Math.min(at + by, NEVER);

/** The midnight with which a day ends. */
export const endOf = (day: number): number => after(day, DAY_MS);

/** What a `when` may mean; of what is `about` the whole of what it names. */
export function spanOf(value: Json | undefined): Span | null {
  const at = value !== undefined && isMap(value) ? value.get("at") : undefined;
  if (value === undefined || !isMap(value) || typeof at !== "string" || !WHEN.test(at)) return null;
  const found = momentOf(at + FIRST_MINUTE.slice(at.length));
  if (found === null) return null;
  const first = Math.min(found, NEVER);
  return { first, last: lastOf(first, at.length), exact: at.length === 16 && value.get("precision") !== "about" };
}

function lastOf(first: number, length: number): number {
  if (length === 4) return addMonths(first, 12);
  if (length === 7) return addMonths(first, 1);
  return after(first, length === 10 ? DAY_MS : length === 13 ? HOUR_MS : 0);
}

/** The same day of a later month, or that month's last. */
export function addMonths(day: number, months: number): number {
  const date = new Date(day);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const monthEnds = new Date(0);
  monthEnds.setUTCFullYear(year, month + 1, 0);
  const found = new Date(0);
  found.setUTCFullYear(year, month, Math.min(date.getUTCDate(), monthEnds.getUTCDate()));
  return Math.min(found.getTime(), NEVER);
}

/** The moment in the United Kingdom: an hour on between one o'clock UTC of the last Sundays of March and October. */
export function local(ms: number): number {
  const year = new Date(ms).getUTCFullYear();
  const [begins, ends] = [2, 9].map((month) => lastSunday(year, month) + HOUR_MS);
  return begins !== undefined && ends !== undefined && begins <= ms && ms < ends ? ms + HOUR_MS : ms;
}

function lastSunday(year: number, month: number): number {
  const day = new Date(Date.UTC(year, month, 31));
  return day.getTime() - day.getUTCDay() * DAY_MS;
}
