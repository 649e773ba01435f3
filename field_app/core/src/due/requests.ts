/**
 * Where a request for information stands, and what to do next: chase, take it further. Spec 5.10. Vectors: due.
 */
import { isList, isMap } from "../fold/markers";
import { addWorkingDays } from "./calendar";
import { DAY_MS, dayOf, spanOf } from "./days";
import type { Values } from "./due";

/** Working days after which an answer is chased again. */
const CHASE_DAYS = 5;
/** Chases after which it is offered to take it further. */
const ESCALATE_AFTER = 2;

export interface Standing {
  readonly state: "waiting" | "late" | "chased" | "escalated" | "answered";
  readonly chases: number;
  readonly next: "nothing" | "chase" | "escalate" | "answer";
  /** The first moment of the day from which that is to be done. */
  readonly on: number | null;
}

const midnightOf = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;

/** An `information_request` with these effective values on a day. What others asked of us waits for our answer. */
export function requestStands(values: Values, today: number): Standing {
  const rows = values.get("chases");
  const chases = rows !== undefined && isList(rows) ? rows.filter(isMap) : [];
  const times = chases.map((row) => spanOf(row.get("when")));
  const days = times.flatMap((time) => (time === null ? [] : [midnightOf(time.first)]));
  if (dayOf(values.get("answered_on")) !== null)
    return { state: "answered", chases: days.length, next: "nothing", on: null };
  const [due, escalated] = [dayOf(values.get("due_on")), dayOf(values.get("escalated_on"))];
  const waiting = due !== null && due < today ? "late" : "waiting";
  if (values.get("direction") === "they_asked") return { state: waiting, chases: 0, next: "answer", on: due };
  const begun = escalated === null ? days : [...days, escalated];
  const on = begun.length === 0 ? due : addWorkingDays(Math.max(...begun), CHASE_DAYS);
  if (escalated !== null) return { state: "escalated", chases: days.length, next: "chase", on };
  const state = days.length > 0 ? "chased" : waiting;
  return { state, chases: days.length, next: days.length >= ESCALATE_AFTER ? "escalate" : "chase", on };
}
