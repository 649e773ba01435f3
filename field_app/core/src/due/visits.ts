/** Where a planned visit stands. Nothing is sent or set by itself. Spec 5.10. Vectors: due. */
import { MINUTE_MS, spanOf } from "./days";
import type { Values } from "./due";

export interface VisitStanding {
  readonly state: "planned" | "out" | "overdue" | "back";
  /** From the time that was said. */
  readonly lateMinutes: number;
}

const says = (values: Values, field: string): boolean => (values.get(field) ?? null) !== null;

/** A `visit_plan` with these effective values. A day, or an hour, that is all that was said ends when it has passed. */
export function visitStands(values: Values, now: number): VisitStanding {
  if (says(values, "checked_out")) return { state: "back", lateMinutes: 0 };
  const [start, back] = [spanOf(values.get("start")), spanOf(values.get("due_back"))];
  const late = back === null ? 0 : Math.floor((now - back.last) / MINUTE_MS);
  if (late > 0) return { state: "overdue", lateMinutes: late };
  const begun = says(values, "checked_in") || (start !== null && start.first <= now);
  return { state: begun ? "out" : "planned", lateMinutes: 0 };
}
