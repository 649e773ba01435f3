/**
 * What is due, and for whom: a function of the records and the day. It reminds; it sets nothing, and no status follows
 * from a day that has passed.
 *
 * Spec 5.10. Vectors: due.
 */
import { compare, hex } from "../bytes";
import type { Json } from "../change";
import { isList, isMap, valueKey } from "../fold/markers";
import { DAY_MS, dayOf } from "./days";

export type Values = ReadonlyMap<string, Json>;

/** A record as it stands. Void, hidden and corrected ones are left out by whoever asks. */
export interface Said {
  readonly file: Uint8Array;
  readonly record: Uint8Array;
  readonly type: string;
  /** A user's id as text. */
  readonly author: string;
  readonly values: Values;
}

/** A day in a record, or in the rows of a list, that something is due on. */
interface Rule {
  readonly type: string;
  readonly field: string;
  /** Names the words. */
  readonly what?: string;
  readonly owner?: string;
  /** It is over when this holds one of `terms`, or without terms is filled. */
  readonly over?: string;
  readonly terms?: readonly string[];
  readonly rows?: string;
  /** Only the last record of the file counts, for each combination of these fields. */
  readonly newest?: readonly string[];
}

const DONE = { terms: ["done", "dropped"] } as const;
const GONE = { over: "status", terms: ["refused", "withdrawn", "expired"] } as const;
const EACH_CONSENT = ["about_p", "about_v"] as const;
const last = (type: string, field: string): Rule => ({ type, field, newest: [] });

export const RULES: readonly Rule[] = [
  { type: "task", field: "due", what: "what", owner: "owner", over: "task_state", ...DONE },
  { type: "forum_action", field: "due", what: "action", owner: "owner", over: "done_on" },
  { type: "information_request", field: "due_on", what: "agency", over: "answered_on" },
  last("case_status", "look_again_on"),
  { type: "consent", field: "look_again_on", newest: EACH_CONSENT, ...GONE },
  { type: "consent", field: "expires_on", newest: EACH_CONSENT, ...GONE },
  last("risk_assessment", "next_review"),
  last("risk_management_plan", "review_on"),
  {
    ...{ type: "risk_management_plan", field: "due", rows: "actions", what: "action", owner: "owner", over: "state" },
    ...DONE,
  },
  last("support_plan", "review_on"),
  { type: "need", field: "due", what: "step", over: "state", rows: "steps", ...DONE },
  last("own_safety_plan", "review_on"),
  last("victim_safety_plan", "review_on"),
  last("staff_safety_plan", "review_on"),
  last("contact_strategy", "review_on"),
  last("case_review", "next_on"),
  { type: "case_review", field: "due", what: "decision", owner: "owner", over: "state", rows: "decisions", ...DONE },
  last("dash_assessment", "again_on"),
  last("safe_contact", "check_again_on"),
  { type: "role_check", field: "review_on", newest: ["pack", "who"] },
  { type: "data_request", field: "due", over: "released" },
  { type: "supervision", field: "due", what: "decision", owner: "owner", over: "state", rows: "decisions", ...DONE },
  { type: "sharing_agreement", field: "expires", what: "name" },
  { type: "legal_order", field: "ends", over: "order_state", terms: ["ended"] },
];
export const TYPES: ReadonlySet<string> = new Set(RULES.map(({ type }) => type));

export interface Due {
  /** The first moment of its day. */
  readonly day: number;
  readonly file: Uint8Array;
  readonly record: Uint8Array;
  /** `type.field` of the table in §5.10. */
  readonly rule: string;
  readonly what: string;
  /** A user's id as text. */
  readonly owner: string;
  /** Days that are left; below 0 when it is overdue. */
  readonly days: number;
}

export interface Asked {
  /** The lead workers of files, by the file's id in hexadecimal. */
  readonly leads: ReadonlyMap<string, string>;
  /** The first moment of it. */
  readonly today: number;
  readonly ahead: number;
  /** A user's id as text; the empty text for everybody's. */
  readonly whose: string;
}

/** What is overdue, due today, or due in `ahead` days, the earliest first. `said` in log order of each file. */
export function due(said: readonly Said[], { leads, today, ahead, whose }: Asked): readonly Due[] {
  const closed = closedIn(said);
  const found: Due[] = [];
  for (const rule of RULES) {
    for (const one of countedBy(rule, said)) {
      if (rule.newest !== undefined && closed.has(hex(one.file))) continue;
      for (const row of rowsOf(rule, one)) {
        const day = dayOf(row.get(rule.field));
        if (day === null || isOver(rule, row)) continue;
        const days = (day - today) / DAY_MS;
        const owner = textOf(row, rule.owner) ?? leads.get(hex(one.file)) ?? one.author;
        if (days > ahead || (whose !== "" && owner !== whose)) continue;
        const [{ file, record, type }, what] = [one, textOf(row, rule.what) ?? ""];
        found.push({ day, file, record, rule: `${type}.${rule.field}`, what, owner, days });
      }
    }
  }
  // Where these are alike: rules and rows in their own order, which sorting keeps.
  return found.sort((a, b) => a.day - b.day || compare(a.file, b.file) || compare(a.record, b.record));
}

function closedIn(said: readonly Said[]): ReadonlySet<string> {
  const status = new Map<string, Json | undefined>();
  for (const { file, type, values } of said) if (type === "case_status") status.set(hex(file), values.get("status"));
  return new Set([...status].flatMap(([file, value]) => (value === "closed" ? [file] : [])));
}

function countedBy({ type, newest }: Rule, said: readonly Said[]): Iterable<Said> {
  const all = said.filter((one) => one.type === type);
  if (newest === undefined) return all;
  const about = ({ values }: Said): readonly string[] =>
    newest.map((name) => {
      const value = values.get(name);
      return value === undefined ? "" : valueKey(value);
    });
  return new Map(all.map((one) => [JSON.stringify([hex(one.file), ...about(one)]), one])).values();
}

function rowsOf({ rows }: Rule, { values }: Said): readonly Values[] {
  if (rows === undefined) return [values];
  const list = values.get(rows);
  return list !== undefined && isList(list) ? list.filter(isMap).filter((row) => row.get("withdrawn") !== "yes") : [];
}

function isOver({ over, terms }: Rule, row: Values): boolean {
  const value = over === undefined ? undefined : row.get(over);
  if (terms !== undefined) return typeof value === "string" && terms.includes(value);
  return value !== undefined && value !== null && !isMap(value) && !(isList(value) && value.length === 0);
}

function textOf(row: Values, name: string | undefined): string | undefined {
  const value = name === undefined ? undefined : row.get(name);
  return typeof value === "string" ? value : undefined;
}

export const GROUPS = ["overdue", "today", "week", "later"] as const;
export type Group = (typeof GROUPS)[number];

/** Where an app shows it: before today, today, in the seven days after today, later. */
export function groupOf({ days }: Pick<Due, "days">): Group {
  if (days < 0) return "overdue";
  return days === 0 ? "today" : days <= 7 ? "week" : "later";
}
