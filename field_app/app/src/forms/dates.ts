/**
 * Days and times as people type them, three boxes for the day. Pure.
 *
 * A part that is left out makes the time less precise, and never wrong: a month and a year are that month.
 */
import type { When } from "./values";

export interface DayBoxes {
  readonly day: string;
  readonly month: string;
  readonly year: string;
}

export interface WhenBoxes extends DayBoxes {
  readonly time: string;
  readonly about: boolean;
}

/** What was read, or what is wrong with it and in which box. Undefined where nothing was typed. */
export type Read<T> =
  | { readonly value: T }
  | { readonly wrong: string; readonly box: string }
  | undefined;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const two = (number: number): string => String(number).padStart(2, "0");

const digits = (text: string, most: number): number | undefined =>
  new RegExp(`^[0-9]{1,${most}}$`).test(text) ? Number(text) : undefined;

function monthOf(text: string): number | undefined {
  const named = text.length >= 3 ? MONTHS.findIndex((month) => text.toLowerCase().startsWith(month)) : -1;
  if (named >= 0) return named + 1;
  const number = digits(text, 2);
  return number !== undefined && number >= 1 && number <= 12 ? number : undefined;
}

const yearOf = (text: string): number | undefined => (/^[12][0-9]{3}$/.test(text) ? Number(text) : undefined);

/** Whether the calendar has the day. */
export function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

interface DayParts {
  readonly year: number;
  readonly month: number | undefined;
  readonly day: number | undefined;
}

function parts(boxes: DayBoxes, label: string): Read<DayParts> {
  const [dayText, monthText, yearText] = [boxes.day.trim(), boxes.month.trim(), boxes.year.trim()];
  if (dayText === "" && monthText === "" && yearText === "") return undefined;
  if (yearText === "") return { wrong: `${label} must include a year`, box: "year" };
  const year = yearOf(yearText);
  if (year === undefined) return { wrong: `The year of “${label}” must have 4 numbers`, box: "year" };
  const month = monthText === "" ? undefined : monthOf(monthText);
  if (monthText !== "" && month === undefined) return { wrong: `${label} must be a real date`, box: "month" };
  const day = dayText === "" ? undefined : digits(dayText, 2);
  if (dayText !== "" && month === undefined) return { wrong: `${label} must include a month`, box: "month" };
  if (dayText !== "" && (day === undefined || month === undefined || !isDay(year, month, day))) {
    return { wrong: `${label} must be a real date`, box: "day" };
  }
  return { value: { year, month, day } };
}

export function readDate(boxes: DayBoxes, label: string, yearIsEnough: boolean): Read<string> {
  const read = parts(boxes, label);
  if (read === undefined || "wrong" in read) return read;
  const { year, month, day } = read.value;
  if (month !== undefined && day !== undefined) return { value: `${year}-${two(month)}-${two(day)}` };
  if (yearIsEnough && month === undefined) return { value: String(year) };
  return month === undefined
    ? { wrong: `${label} must include a month`, box: "month" }
    : { wrong: `${label} must include a day`, box: "day" };
}

interface Time {
  readonly hour: number;
  readonly minute: number | undefined;
}

/** "14:05", "14.05", "1405", "2.05pm", "2 pm", "14". */
export function readTime(text: string): Time | undefined {
  const found = /^(\d{1,2})(?:[:. ]?(\d{2}))?\s*(am|pm)?$/i.exec(text.trim());
  if (found === null) return undefined;
  const typed = Number(found[1]);
  const minute = found[2] === undefined ? undefined : Number(found[2]);
  const half = found[3]?.toLowerCase();
  if (half !== undefined && (typed < 1 || typed > 12)) return undefined;
  const hour = half === undefined ? typed : (typed % 12) + (half === "pm" ? 12 : 0);
  return hour <= 23 && (minute ?? 0) <= 59 ? { hour, minute } : undefined;
}

export function readWhen(boxes: WhenBoxes, label: string): Read<When> {
  const read = parts(boxes, label);
  const timeText = boxes.time.trim();
  if (read === undefined) {
    if (timeText !== "") return { wrong: `${label} must include a day, a month and a year`, box: "day" };
    return boxes.about ? { wrong: `${label}: say about when`, box: "day" } : undefined;
  }
  if ("wrong" in read) return read;
  const { year, month, day } = read.value;
  const time = timeText === "" ? undefined : readTime(timeText);
  if (timeText !== "" && time === undefined) return { wrong: `The time of “${label}” must be like 14:30 or 2.30pm`, box: "time" };
  if (time !== undefined && day === undefined) return { wrong: `${label} must include a day, because it has a time`, box: "day" };
  const at = [year, month === undefined ? "" : `-${two(month)}`, day === undefined ? "" : `-${two(day)}`];
  if (time !== undefined) at.push(`T${two(time.hour)}`, time.minute === undefined ? "" : `:${two(time.minute)}`);
  const exact = precisionOf(month, day, time);
  return { value: { at: at.join(""), precision: boxes.about ? "about" : exact } };
}

function precisionOf(month: number | undefined, day: number | undefined, time: Time | undefined): When["precision"] {
  if (time !== undefined) return time.minute === undefined ? "hour" : "minute";
  if (day !== undefined) return "day";
  return month === undefined ? "year" : "month";
}

export function dayBoxes(date: string): DayBoxes {
  const [year = "", month = "", day = ""] = date.split("-");
  return { year, month: month.replace(/^0/, ""), day: day.replace(/^0/, "") };
}

export function whenBoxes(when: When): WhenBoxes {
  const [date = "", time = ""] = when.at.split("T");
  return { ...dayBoxes(date), time, about: when.precision === "about" };
}

/** A moment of the phone's clock, in the phone's own zone, to the minute. */
export function whenOf(ms: number): When {
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return { at: `${day}T${two(date.getHours())}:${two(date.getMinutes())}`, precision: "minute" };
}
