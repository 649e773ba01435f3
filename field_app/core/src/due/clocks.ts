/**
 * How long an order runs: from what it says, else from the law of England and Wales on its kind. A clock is a reminder
 * and no legal advice.
 *
 * Spec 5.10. Vectors: due.
 */
import { addCourtHours } from "./calendar";
import { addMonths, after, DAY_MS, dayOf, endOf, HOUR_MS, spanOf } from "./days";
import type { Values } from "./due";

const NOTICES: readonly unknown[] = ["domestic_violence_protection_notice", "dapn"];
const NOT_IN_FORCE: readonly unknown[] = ["applied_for", "made_not_served"];
/** Crime and Security Act 2010 s. 27; Domestic Abuse Act 2021 s. 29. */
const NOTICE_HOURS = 48;
/** Crime and Security Act 2010 s. 28. */
const DVPO_DAYS = [14, 28] as const;
/** Family Law Act 1996 ss. 36 and 38: at most, unless extended. */
const OCCUPATION_MONTHS = 6;

export interface Clock {
  readonly state: "not_served" | "running" | "maybe_over" | "over" | "ended" | "not_known";
  /** Between which moments it ends, both the same where that is known. */
  readonly ends: { readonly earliest: number; readonly latest: number } | undefined;
  readonly unsure: boolean;
}

const without = (state: Clock["state"], unsure = false): Clock => ({ state, ends: undefined, unsure });

/** The clock of a `legal_order` with these effective values. */
export function orderClock(values: Values, now: number, clockUnsure: boolean): Clock {
  const [kind, state] = [values.get("kind"), values.get("order_state")];
  const by = (earliest: number, latest: number, unsure: boolean): Clock => {
    const stands = now < earliest ? "running" : now >= latest ? "over" : "maybe_over";
    return { state: stands, ends: { earliest, latest }, unsure };
  };
  if (state === "ended") return without("ended");
  if (NOTICES.includes(kind)) {
    const served = spanOf(values.get("served_at"));
    if (served === null) return without("not_served");
    const [first, last] = [addCourtHours(served.first, NOTICE_HOURS), addCourtHours(served.last, NOTICE_HOURS)];
    return by(first, last, clockUnsure || !served.exact);
  }
  if (NOT_IN_FORCE.includes(state)) return without("not_served");
  const [said, made] = [dayOf(values.get("ends")), dayOf(values.get("made_on"))];
  if (said !== null) return by(endOf(said), endOf(said), clockUnsure);
  if (kind === "domestic_violence_protection_order" && made !== null) {
    const [least, most] = DVPO_DAYS;
    return by(after(endOf(made), least * DAY_MS), after(endOf(made), most * DAY_MS), true);
  }
  if (kind === "occupation_order" && made !== null) {
    const end = endOf(addMonths(made, OCCUPATION_MONTHS));
    return by(end, end, true);
  }
  return without("not_known", true);
}

/** Whole hours to the earliest end, below 0 when that is past. */
export const hoursLeft = ({ ends }: Clock, now: number): number | null =>
  ends === undefined ? null : Math.floor((ends.earliest - now) / HOUR_MS);
