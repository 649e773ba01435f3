/** Names of things on screen, the same everywhere. */
import type { DueCount, Gate, Sending } from "../device/facade";
import type { Colour } from "../components/patterns";
import { recordType } from "../forms/schema";

export const SENDING: Readonly<Record<Sending, readonly [string, Colour]>> = {
  saved: ["Saved on this phone", "grey"],
  sending: ["Sending", "blue"],
  received: ["Received", "green"],
  held: ["Held for review", "yellow"],
  "needs-you": ["Needs you", "red"],
};

export const GATES: Readonly<Record<Gate, string>> = {
  clear: "Contact is clear",
  clear_after_date: "Contact is clear after a day",
  ring_first: "Ring first",
  hold: "Hold all contact",
};

const KINDS: Readonly<Record<string, string>> = {
  case: "Case",
  shared_care: "Shared care",
  therapy: "Therapy",
  liaison: "From partner support",
  fund: "Fund",
  desk: "Desk",
  intake: "Intake",
};

export const kindWords = (kind: string): string => KINDS[kind] ?? kind;
export const typeWords = (type: string): string => recordType(type)?.title ?? type.replaceAll("_", " ");

/** On home: nothing of what it is. */
export function countWords({ overdue, today }: DueCount): string {
  if (overdue === 0 && today === 0) return "Nothing overdue, nothing for today.";
  const parts = [overdue === 0 ? "" : `${overdue} overdue`, today === 0 ? "" : `${today} for today`];
  return `${parts.filter((part) => part !== "").join(", ")}.`;
}

/** Types that nobody begins by hand: the app writes them, or another act of it does. */
export const NOT_BY_HAND: ReadonlySet<string> = new Set([
  "allowance",
  "attachment",
  "attendance_notice",
  "case_address",
  "case_opened",
  "export_request",
  "fund_line",
  "instruction",
  "legal_hold",
  "letter_request",
  "liaison_file",
  "liaison_key",
  "notice",
  "parcel_sent",
  "read_event",
  "referral_intake",
  "removal_request",
  "spend_reversal",
]);

/** The type of the draft of the other side's part of a referral: what is typed there is no record yet. */
export const PART = "referral_part";
