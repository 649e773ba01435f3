/** What the device shows to screens and takes from them, as values: parts of the interface in facade.ts. */
import type { Before, Edit } from "../forms/edits";
import type { Side } from "../forms/schema";
import type { Value, When } from "../forms/values";
import type { Trouble } from "./trouble";

export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface Me extends Person {
  readonly device: string;
  readonly side: Side;
  readonly roles: readonly string[];
  /** Made-up people on a service for practice: every screen says so. */
  readonly practice: boolean;
}

// Files

export interface FileSummary {
  readonly id: string;
  /** A kind of shared_schema/roles.json: case, shared_care, therapy, liaison, fund, desk, intake. */
  readonly kind: string;
  /** Initials or a reference: no whole name in a list that others may see over a shoulder. */
  readonly title: string;
  readonly role: string;
  readonly lastEventMs: number | undefined;
  readonly needsYou: number;
  /** Members' names, as far as this phone knows them. */
  readonly members: readonly string[];
  /** Whether this device may write in it now. */
  readonly open: boolean;
}

export type RecordState = "draft" | "signed" | "void";

/** A record in a list: what it is, and no more of what it says than one line. */
export interface RecordSummary {
  readonly file: string;
  readonly id: string;
  readonly type: string;
  readonly line: string;
  readonly author: string;
  readonly event: When | undefined;
  readonly recordedMs: number;
  readonly receivedMs: number | undefined;
  readonly state: RecordState;
  /** Written more than two days after it happened. */
  readonly late: boolean;
  readonly clockUnsure: boolean;
  readonly doNotRaise: boolean;
  readonly sending: Sending;
  readonly inConflict: boolean;
}

export interface FieldView {
  readonly field: string;
  /** What is shown; nothing while a conflict keeps it back. */
  readonly value: Value | undefined;
  readonly inConflict: boolean;
  /** How many proposals of others wait for the author. */
  readonly proposals: number;
  /** In words, where the value was removed by two people. */
  readonly removed: string | undefined;
}

export interface RecordView extends RecordSummary {
  readonly version: number;
  readonly fields: readonly FieldView[];
  /** What a form starts from: effective values, and rows under their names. */
  readonly before: Before;
  readonly signatures: readonly { readonly by: string; readonly atMs: number }[];
  readonly mine: boolean;
  /** What this device's person may do with it now. */
  readonly may: readonly ("edit" | "sign" | "addendum" | "void")[];
  /** Fields that are needed to sign and are not there. */
  readonly lacking: readonly string[];
}

/** One change in a record's history, the oldest first. */
export interface HistoryItem {
  readonly seq: number | undefined;
  readonly by: string;
  readonly device: string;
  readonly atMs: number;
  readonly receivedMs: number | undefined;
  readonly late: boolean;
  readonly clockUnsure: boolean;
  readonly signed: boolean;
  readonly edits: readonly { readonly field: string; readonly cell: string | undefined; readonly value: Value; readonly act: string }[];
}

export interface Query {
  readonly types?: readonly string[];
  /** Words that are all in the record, whatever the case of their letters. */
  readonly words?: string;
  readonly limit?: number;
}

// Writing

export type Act =
  /** Saved: for living and quick records that is all there is. Of evidence it stays a draft in the log. */
  | "save"
  /** Saved and signed, in one change. */
  | "sign";

export interface NewChange {
  readonly type: string;
  /** Undefined: a new record. */
  readonly record: string | undefined;
  readonly edits: readonly Edit[];
  readonly act: Act;
  /** Fields that name a record that an earlier change of the same `write` makes, by its place among them. */
  readonly refers?: Readonly<Record<string, number>>;
}

export interface Written {
  readonly record: string;
}

// Status of what was written

/** "Saved on this phone", "Sending", "Received", "Held for review", "Needs you". */
export type Sending = "saved" | "sending" | "received" | "held" | "needs-you";

export interface Item {
  readonly id: string;
  readonly file: string;
  readonly record: string | undefined;
  readonly title: string;
  readonly sending: Sending;
  readonly sinceMs: number;
  /** Of what is held or needs somebody. */
  readonly trouble: Trouble | undefined;
}

export interface Status {
  /** Rolled up from single items, never a flag of its own. */
  readonly unsent: number;
  readonly oldestUnsentMs: number | undefined;
  readonly lastSentMs: number | undefined;
  readonly lastHeardMs: number | undefined;
  readonly needsYou: number;
  readonly held: number;
  readonly conflicts: number;
  readonly syncing: boolean;
  /** More than 50 items, or 5 days: the limits of shared_schema/limits.json. */
  readonly nudge: boolean;
  /** What the service did that it must not: an alarm stays until somebody has read it. */
  readonly alarms: readonly Trouble[];
}

// Conflicts

export interface ConflictValue {
  readonly id: string;
  readonly value: Value;
  readonly by: string;
  readonly device: string;
  readonly atMs: number;
  readonly receivedMs: number | undefined;
  readonly seq: number | undefined;
}

export interface Conflict {
  readonly file: string;
  readonly record: string;
  readonly type: string;
  readonly field: string;
  /** A row and its cell, where the field is one of a row. */
  readonly row: string | undefined;
  readonly cell: string | undefined;
  /** "conflict": two values stand. "proposal": others propose to the author, and the author has not weighed it. */
  readonly kind: "conflict" | "proposal";
  /** Of a proposal: what stands, and then what is proposed. */
  readonly values: readonly ConflictValue[];
  /** Words that both began from, where the history has them and the field is text. */
  readonly base: string | undefined;
  /** Who decides. */
  readonly owner: string;
  readonly mine: boolean;
  readonly sinceMs: number;
  /** Nobody may act on the field until it is decided. */
  readonly stop: boolean;
}

/** Choose one, or write another that combines them; of proposals also: leave it as it is. */
export interface Decision {
  readonly value: Value;
  readonly reason: string;
}

// Money

export interface FundView {
  readonly file: string;
  readonly title: string;
  /** What this device may still spend, offline: whole pence. */
  readonly mayStillSpend: number;
  readonly spent: number;
  readonly disputed: number;
  readonly until: string | undefined;
  readonly lines: readonly FundLine[];
}

export interface FundLine {
  readonly spend: string;
  readonly amount: number;
  readonly counts: number;
  readonly disputed: number;
  readonly by: string;
  readonly atMs: number;
  readonly item: string | undefined;
  readonly mine: boolean;
  /** Why it had no effect, where it had none. */
  readonly noEffect: string | undefined;
}

// Visits, words from partner support, danger

export type Gate = "clear" | "clear_after_date" | "ring_first" | "hold";

export interface InForce {
  readonly record: string;
  /** In words, one for each thing that is asked. */
  readonly says: readonly string[];
  readonly freeText: string | undefined;
  readonly from: string;
  readonly until: string;
  readonly ringFirst: string | undefined;
  readonly acknowledged: boolean;
}

export interface Plan {
  readonly record: string;
  readonly buddy: string | undefined;
  readonly dueBack: When | undefined;
  /** Who planned it. Checking in and out is written once, on the phone that planned it. */
  readonly by: string;
  readonly here: boolean;
}

export interface VisitBrief {
  /** The strictest in force. Unknown, old or unreadable is hold. */
  readonly gate: Gate;
  readonly gateKnown: boolean;
  readonly inForce: readonly InForce[];
  readonly hazards: readonly RecordSummary[];
  readonly livesWith: readonly string[];
  readonly orders: readonly RecordSummary[];
  readonly plan: Plan | undefined;
  /** When the phone last heard from the service: what is newer is not here. */
  readonly asOfMs: number | undefined;
}

/** What partner support may ask of the other side from one of its own files. */
export interface Across {
  /** Cases of the other side that the desk has linked to this file. Nothing else is known of them here. */
  readonly cases: readonly { readonly id: string; readonly label: string }[];
  /** How long it may hold: whole weeks from today. One whose end would tell of a day in this file is refused. */
  readonly ends: readonly { readonly weeks: number; readonly until: string; readonly refused: boolean }[];
  /** What was asked from here and still holds. */
  readonly asked: readonly { readonly record: string; readonly says: readonly string[]; readonly until: string; readonly sent: boolean }[];
  /** Words that take two people, asked for from here and not sent yet. */
  readonly words: readonly WordsAsked[];
}

/** Words in somebody's own hand for a case of the other side: a second person reads exactly these (docs/spec.md §15.6). */
export interface WordsAsked {
  readonly file: string;
  readonly record: string;
  /** Of the file that they are about. */
  readonly title: string;
  readonly to: string;
  readonly by: string;
  readonly mine: boolean;
  readonly text: string;
  /** Of the closed list, besides. */
  readonly says: readonly string[];
  readonly from: string;
  readonly until: string;
  readonly ringFirst: string;
  /** These three stay on this side. */
  readonly why: string | undefined;
  readonly basedOn: readonly string[];
  readonly herView: string | undefined;
  readonly state: "open" | "agreed" | "sent" | "ended" | "withdrawn";
  /** Until when somebody can agree. */
  readonly endsMs: number;
}

export interface AskingWords extends Omit<Asking, "gate"> {
  readonly text: string;
}

export interface Asking {
  readonly to: string;
  /** Codes of the closed list; none where it is about contact as a whole. */
  readonly say: readonly string[];
  readonly gate: string | undefined;
  readonly ringFirst: string;
  readonly weeks: number;
  /** These stay in the file that it is asked from. */
  readonly why: string;
  readonly basedOn: readonly string[];
  readonly herView: string | undefined;
}

/** A visit of today, or one from which somebody is not back. */
export interface Visiting {
  readonly file: string;
  readonly record: string;
  readonly title: string;
  readonly mine: boolean;
  readonly start: When | undefined;
  readonly dueBack: When | undefined;
  readonly buddy: string | undefined;
  readonly iAmBuddy: boolean;
  readonly visitors: readonly string[];
  /** Who planned it, and whether that was on this phone, which alone checks in and out. */
  readonly by: string;
  readonly here: boolean;
  readonly overdue: boolean;
}

// What is due (docs/spec.md §5.10)

export interface DueCount {
  readonly overdue: number;
  readonly today: number;
}

export interface DueItem {
  readonly file: string;
  readonly record: string;
  /** Of the file. */
  readonly title: string;
  /** Which day of which type: `task.due`. */
  readonly rule: string;
  /** In the words of whoever wrote it; empty where it has none. */
  readonly what: string;
  readonly day: string;
  /** Days that are left; below 0 when it is overdue. */
  readonly days: number;
  readonly group: "overdue" | "today" | "week" | "later";
  readonly mine: boolean;
  readonly owner: string;
  readonly doNotRaise: boolean;
  /** Of a task that this person may change: its state, so that "done" can be undone. */
  readonly task: string | undefined;
  readonly request: RequestStands | undefined;
}

export interface RequestStands {
  readonly state: "waiting" | "late" | "chased" | "escalated" | "answered";
  readonly chases: number;
  readonly next: "nothing" | "chase" | "escalate" | "answer";
  readonly on: string | undefined;
}

export interface OrderRuns {
  readonly file: string;
  readonly record: string;
  readonly title: string;
  readonly kind: string;
  readonly state: "not_served" | "running" | "maybe_over" | "over" | "ended" | "not_known";
  /** Between these two it ends, both the same where that is known: `YYYY-MM-DDTHH:MM`. */
  readonly earliest: string | undefined;
  readonly latest: string | undefined;
  readonly hoursLeft: number | undefined;
  readonly unsure: boolean;
  readonly doNotRaise: boolean;
}

export interface UrgentNumber {
  readonly label: string;
  readonly number: string;
  /** How a call to it is put on record: a code of the list `urgent_call`. */
  readonly call?: string;
}

/** An alert that nobody has stood down. */
export interface UrgentAlert {
  readonly file: string;
  readonly record: string;
  /** Of the file. */
  readonly title: string;
  readonly what: string;
  readonly atRisk: readonly string[];
  readonly words: string | undefined;
  readonly by: string;
  /** Then a colleague stands it down. */
  readonly mine: boolean;
  readonly sinceMs: number;
  readonly acknowledged: readonly { readonly by: string; readonly says: string; readonly atMs: number | undefined }[];
  readonly calls: readonly { readonly to: string; readonly spokeTo: string | undefined; readonly atMs: number | undefined }[];
  /** Ten minutes, and nobody at a desk has it. */
  readonly unanswered: boolean;
  readonly next: UrgentNumber | undefined;
}

export interface CallMade {
  readonly call: string;
  readonly spokeTo: string;
  readonly readBack: boolean;
}

// Referrals (docs/spec.md §15.8)

/** A whole referral at the desk of partner support. It stays there. */
export interface Pack {
  readonly file: string;
  readonly record: string;
  /** Who uses abuse. */
  readonly who: string;
  readonly receivedOn: string | undefined;
  readonly source: string | undefined;
  /** How many people are harmed. */
  readonly harmed: number;
  readonly state: "to look at" | "incomplete" | "given";
  readonly missing: readonly string[];
  readonly matches: readonly { readonly label: string; readonly found: boolean; readonly note: string | undefined }[];
  /** What stands in it: each is given, or looked at and kept. */
  readonly items: readonly { readonly id: string; readonly label: string }[];
  /** Names of fields that have gone to the other side. */
  readonly given: readonly string[];
  /** Values that the part for the other side begins with. */
  readonly startWith: Readonly<Record<string, Value>>;
}

export interface PartLine {
  readonly label: string;
  readonly value: string;
}

/** The other side's part of a referral, at its own desk. */
export interface Referral {
  readonly file: string;
  readonly record: string;
  readonly who: string;
  readonly receivedOn: string | undefined;
  readonly lines: readonly PartLine[];
}

export interface Colleague {
  readonly id: string;
  readonly name: string;
  /** That they would have in a case. */
  readonly role: string;
}

export interface Declining {
  readonly decision: string;
  readonly reason: string;
  readonly due: string;
}

// Forgotten passphrases

export interface HelpAsked {
  readonly name: string;
  readonly label: string;
  readonly roles: readonly string[];
  /** What to be careful about: docs/spec.md §13.4. */
  readonly warnings: readonly ("time-is-off" | "certificate-ended" | "device-lost-lately")[];
  readonly readOut: string;
}

// Recovery (docs/spec.md §6.3, §7.6)

/** `held` by a phone that is not revoked; `same-key`: an administrator puts a fresh recovery key in force first. */
export type FoundState = "ready" | "held" | "same-key" | "no-role";

export interface RecoveryView {
  /** Who is on record as holding the shares of the key in force, and how many of them are needed. */
  readonly holders: readonly string[];
  readonly threshold: number | undefined;
  /** Whether they were together since the key came in force. */
  readonly drilled: boolean;
  /** This person's files that the key in force opens, and those that it does not open yet. */
  readonly granted: readonly { readonly file: string; readonly title: string }[];
  readonly owed: readonly { readonly file: string; readonly title: string }[];
  /** Files that this phone may bring back, and until when; undefined for a phone that may bring back none. */
  readonly permit: { readonly untilMs: number; readonly files: readonly { readonly file: string; readonly title: string; readonly state: FoundState }[] } | undefined;
}

/** A file that shares were tried on, and how many of its keys they did not open. */
export interface Opened {
  readonly file: string;
  readonly title: string;
  readonly closed: number;
}

// Lost phones

export interface DeviceView {
  readonly id: string;
  readonly label: string;
  readonly person: string;
  readonly mine: boolean;
  readonly standing: "in use" | "suspended" | "revoked" | "ended";
  readonly lastSeenMs: number | undefined;
}

export interface OnDevice {
  readonly files: readonly { readonly id: string; readonly title: string }[];
  readonly unsent: number | undefined;
  readonly ring: readonly UrgentNumber[];
}

export interface LostAnswers {
  readonly how: "lost" | "stolen";
  readonly locked: "yes" | "no" | "not_known";
  readonly what: string;
}

// Handover

export interface Handover {
  readonly file: string;
  readonly record: string;
  readonly from: string;
  readonly to: string;
  readonly mine: boolean;
  readonly accepted: boolean;
  readonly left: readonly { readonly kind: string; readonly label: string; readonly count: number; readonly explained: string | undefined }[];
}

// Held work

export interface Held {
  readonly file: string;
  readonly id: string;
  readonly by: string;
  readonly device: string;
  readonly heldMs: number;
  readonly records: readonly { readonly type: string; readonly line: string }[];
}

export type HeldRefusal = "duplicate" | "wrong_file" | "not_authentic" | "spill" | "other";
