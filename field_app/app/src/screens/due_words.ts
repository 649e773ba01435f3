/** What is due, in words. Pure. */
import type { DueItem, OrderRuns, RequestStands } from "../device/facade";
import { showDate } from "../forms/show";
import { typeWords } from "./words";

/** By the rows of the table in docs/spec.md §5.10. */
const CALLED: Readonly<Record<string, string>> = {
  "task.due": "Task",
  "forum_action.due": "Forum action",
  "information_request.due_on": "Answer to a request for information",
  "case_status.look_again_on": "Look again at where the case stands",
  "consent.look_again_on": "Look again at the consent",
  "consent.expires_on": "Consent ends",
  "risk_assessment.next_review": "Review of risk",
  "risk_management_plan.review_on": "Review of the risk management plan",
  "risk_management_plan.due": "Action of the risk management plan",
  "support_plan.review_on": "Review of the support plan",
  "need.due": "Step of the support plan",
  "own_safety_plan.review_on": "Review of the plan for one’s own safety",
  "victim_safety_plan.review_on": "Review of the safety plan",
  "staff_safety_plan.review_on": "Review of the staff safety plan",
  "contact_strategy.review_on": "Review of the contact strategy",
  "case_review.next_on": "Next case review",
  "case_review.due": "Decision of a case review",
  "dash_assessment.again_on": "Ask the risk questions again",
  "safe_contact.check_again_on": "Check the safe ways to contact",
  "role_check.review_on": "Look again at who does what to whom",
  "data_request.due": "Reply to a request for records",
  "supervision.due": "Decision of a supervision",
  "sharing_agreement.expires": "Sharing agreement ends",
  "legal_order.ends": "Order ends",
};

export const calledWords = (rule: string): string => CALLED[rule] ?? typeWords(rule.split(".")[0] ?? rule);

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const some = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** "Thursday 26 November 2026". */
export const longDay = (day: string): string => `${WEEKDAYS[new Date(`${day}T00:00Z`).getUTCDay()] ?? ""} ${showDate(day)}`;

/** When it is, or was, due. */
export function dayWords({ day, days }: Pick<DueItem, "day" | "days">): string {
  if (days < 0) return `${some(-days, "day")} overdue: it was due on ${longDay(day)}`;
  if (days === 0) return "Today";
  return days === 1 ? `Tomorrow, ${longDay(day)}` : `In ${days} days, on ${longDay(day)}`;
}

/** What to do next about a request for information. */
export function requestWords({ chases, next, on }: RequestStands): string {
  const chased = chases === 0 ? "" : `Chased ${chases === 1 ? "once" : chases === 2 ? "twice" : `${chases} times`}. `;
  const when = on === undefined ? "" : ` on ${showDate(on)}`;
  switch (next) {
    case "answer":
      return "They asked us: an answer is ours to give.";
    case "escalate":
      return `${chased}You may take it further${on === undefined ? "" : `, or chase it again${when}`}.`;
    case "chase":
      return `${chased}Chase it${when}.`;
    case "nothing":
      return "It was answered.";
  }
}

/** How much is left, in hours up to three days, then in whole days. */
const left = (hours: number): string => (hours < 1 ? "less than an hour left" : hours < 72 ? `${some(hours, "hour")} left` : `${some(Math.floor(hours / 24), "day")} left`);

/** "14:00 on 25 November 2026"; of midnight the day that ends with it. */
function at(minute: string): string {
  const [day = "", time = ""] = minute.split("T");
  if (time !== "00:00") return `${time} on ${showDate(day)}`;
  return `the end of ${showDate(new Date(Date.parse(`${minute}Z`) - 1).toISOString().slice(0, 10))}`;
}

export function orderWords({ state, earliest, latest, hoursLeft }: OrderRuns): string {
  if (state === "not_served") return "Not in force yet: it was not served, or not made.";
  if (earliest === undefined || latest === undefined) return "Its end is not known.";
  const same = earliest === latest;
  switch (state) {
    case "running":
      return `${same ? `Ends at ${at(earliest)}` : `Ends between ${at(earliest)} and ${at(latest)}`}: ${left(hoursLeft ?? 0)}.`;
    case "maybe_over":
      return `It may be over. It ends between ${at(earliest)} and ${at(latest)}.`;
    default:
      return `Over since ${at(latest)}.`;
  }
}
