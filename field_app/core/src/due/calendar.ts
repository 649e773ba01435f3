/**
 * Working days and bank holidays of England and Wales, and the hours by which a notice's hearing is counted.
 *
 * Spec 5.10. Vectors: due.
 */
import { DAY_MS, endOf, HOUR_MS, NEVER } from "./days";

const SATURDAY = 6;
const isWeekend = (day: number): boolean => new Date(day).getUTCDay() % SATURDAY === 0;
const yearOf = (day: number): number => new Date(day).getUTCFullYear();
const isHoliday = (day: number): boolean => bankHolidays(yearOf(day)).has(day);

/** The `count`th day after it that is neither at a weekend nor a bank holiday of England and Wales. */
export function addWorkingDays(from: number, count: number): number {
  let [day, left] = [from, count];
  while (left > 0 && day < NEVER) {
    day += DAY_MS;
    if (!isWeekend(day) && !isHoliday(day)) left -= 1;
  }
  return day;
}

/** So many hours on, Sundays and bank holidays left out, as a notice's hearing is counted. */
export function addCourtHours(from: number, hours: number): number {
  let [at, left] = [from, hours * HOUR_MS];
  while (at < NEVER) {
    const day = at - (((at % DAY_MS) + DAY_MS) % DAY_MS);
    const midnight = endOf(day);
    const counts = new Date(day).getUTCDay() !== 0 && !isHoliday(day);
    if (counts && left <= midnight - at) return at + left;
    if (counts) left -= midnight - at;
    at = midnight;
  }
  return NEVER;
}

const known = new Map<number, ReadonlySet<number>>();

/** Of England and Wales, by the rules that hold since 1978; those given for one occasion alone are not known. */
export function bankHolidays(year: number): ReadonlySet<number> {
  const before = known.get(year);
  if (before !== undefined) return before;
  const on = (month: number, day: number): number => new Date(0).setUTCFullYear(year, month - 1, day);
  const monday = (since: number): number => since + ((8 - new Date(since).getUTCDay()) % 7) * DAY_MS;
  const [sunday, fixed] = [easter(year, on), [on(1, 1), on(12, 25), on(12, 26)]];
  const mondays = [on(5, 1), on(5, 25), on(8, 25)].map(monday);
  const days = new Set([...fixed, sunday - 2 * DAY_MS, sunday + DAY_MS, ...mondays]);
  for (const day of fixed) {
    if (!isWeekend(day)) continue;
    let instead = day;
    while (isWeekend(instead) || days.has(instead)) instead += DAY_MS;
    days.add(instead);
  }
  known.set(year, days);
  return days;
}

/** Easter Sunday, by the anonymous Gregorian algorithm. */
function easter(year: number, on: (month: number, day: number) => number): number {
  const [a, b, c] = [year % 19, Math.floor(year / 100), year % 100];
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - Math.floor(b / 4) - g + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const days = h + l - 7 * m + 114;
  return on(Math.floor(days / 31), (days % 31) + 1);
}
