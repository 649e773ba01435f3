/**
 * What a letter may say, to whoever sends it and whoever takes it; and for how long. Spec 15.5, 15.7. Tests: parcel.
 */
import type { Json } from "../change";
import { Refused } from "../errors";
import { isDay } from "../fold/order";
import type { FieldType, RecordType, Schemas } from "../record_types";
import { limit } from "../limits";
import { checkWhole, type Strictness } from "../values";
import { weekBegins, weekOf } from "./address";

/** The reader writes these itself: no letter has them. */
const READERS_OWN: readonly string[] = [
  "parcel",
  "sender",
  "second",
  "filling",
  "state",
  "split",
  "matches",
  "incomplete",
  "filed_in",
];

const DAY_MS = 86_400_000;
const bad = (message: string): Refused => new Refused("bad-value", message);

export type Body = ReadonlyMap<string, Json>;

function fieldOf(type: RecordType, name: string): FieldType {
  const field = READERS_OWN.includes(name) ? undefined : type.fields.get(name);
  if (field === undefined)
    throw bad(`a letter ${type.name} has no field ${type.fields.has(name) ? name : "of that name"}`);
  return field;
}

function checkFields(kind: string, body: Body, schemas: Schemas, how: Strictness): void {
  const type = schemas.types.get(kind);
  if (type === undefined) throw bad("a letter of a kind that is no record type");
  for (const [name, value] of body) checkWhole(value, fieldOf(type, name), schemas, how);
}

/** As a reader takes it: a code may be one that it does not know, and whatever is wrong is `malformed`. */
export function checkTaken(kind: string, body: Body, schemas: Schemas, passedMs: number): void {
  try {
    checkFields(kind, body, schemas, "reading");
  } catch (error) {
    throw error instanceof Refused ? new Refused("malformed", error.message) : error;
  }
  const until = kind === "instruction" ? body.get("until") : undefined;
  if (typeof until !== "string") return;
  const latest = Math.floor(passedMs / DAY_MS) + 7 * limit("letter_weeks") - 1;
  if (Date.parse(until) / DAY_MS > latest) throw new Refused("malformed", "an instruction for longer than one may be");
}

const dayOf = (days: number): string => new Date(days * DAY_MS).toISOString().slice(0, 10);

/** The last day of an instruction of that many whole weeks. */
export function untilOf(from: string, weeks: number): string {
  if (!isDay(from) || !Number.isInteger(weeks) || weeks < 1 || weeks > limit("letter_weeks")) {
    throw bad(`an instruction of ${weeks} weeks, want 1 to ${limit("letter_weeks")}`);
  }
  return dayOf(Date.parse(from) / DAY_MS + 7 * weeks - 1);
}

/**
 * As its sender makes it. `days` are all days in the file that it is sent from: an end that is one of them, or the day
 * before
 * one, would tell of it.
 */
export function checkSent(kind: string, body: Body, schemas: Schemas, days: ReadonlySet<string>): void {
  checkFields(kind, body, schemas, "writing");
  if (kind !== "instruction") return;
  const [from, until] = [body.get("from"), body.get("until")];
  if (from === undefined && until === undefined) return;
  if (typeof from !== "string" || typeof until !== "string") throw bad("an instruction goes from one day to another");
  const weeks = (Date.parse(until) - Date.parse(from) + DAY_MS) / (7 * DAY_MS);
  if (until !== untilOf(from, weeks)) throw bad("an instruction of other than whole weeks");
  if (days.has(until) || days.has(dayOf(Date.parse(until) / DAY_MS + 1))) {
    throw bad("an end that equals a day in the file, or is the day before one");
  }
}

/** Whether an instruction is in force on that day. */
export function isInForce(body: Body, day: string): boolean {
  const [from, until] = [body.get("from"), body.get("until")];
  return typeof from === "string" && typeof until === "string" && from <= day && day <= until;
}

const HOLD = "hold";

/** Of the gates in force the strictest; none, or one that the reader does not know, is `hold`. */
export function gateNow(inForce: readonly Body[], schemas: Schemas): string {
  const order = [...(schemas.codes.get("contact_gate")?.terms.keys() ?? [])];
  const gates = inForce.flatMap((body) => body.get("gate") ?? []);
  const ranks = gates.map((gate) =>
    typeof gate === "string" && order.includes(gate) ? order.indexOf(gate) : order.indexOf(HOLD),
  );
  return order[Math.max(...ranks)] ?? HOLD;
}

/** By the calendar: what came into a liaison file goes when the seventh week after its own has begun. */
export function isLetterOver(receivedMs: number, nowMs: number): boolean {
  return weekOf(nowMs) >= weekOf(receivedMs) + limit("letter_weeks") + 1;
}

/** In the first day of a week the device that began the file does it, then any. */
export function mayEndLetters(began: boolean, nowMs: number): boolean {
  return began || nowMs - weekBegins(weekOf(nowMs)) >= DAY_MS;
}

/** After Friday, 12:00 UTC, each case to which nothing is known to have gone in the week is sent a filler. */
export function isFillerTime(nowMs: number): boolean {
  return nowMs - weekBegins(weekOf(nowMs)) > 4.5 * DAY_MS;
}
