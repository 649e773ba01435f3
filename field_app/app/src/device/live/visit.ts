/** Before somebody knocks: what partner support asks for, what is dangerous, who lives there, who waits for them back. */
import { equal } from "@fieldkeep/core/bytes";
import { shown } from "@fieldkeep/core/fold/show";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import type { Session } from "@fieldkeep/device/session";
import { terms } from "../../forms/schema";
import { type Value, isList, isMap, isWhen } from "../../forms/values";
import type { Gate, InForce, UrgentNumber, VisitBrief } from "../facade";
import { fromJson, idBytes, idText } from "./convert";
import { recordSummary } from "./lists";
import { lineOf, personName, textOf, valueOf } from "./people";

const GATES: readonly Gate[] = ["clear", "clear_after_date", "ring_first", "hold"];
const today = (session: Session): string => new Date(session.serverNow()).toISOString().slice(0, 10);
const textsOf = (record: FoldedRecord, field: string): readonly string[] => {
  const value = valueOf(record, field);
  return isList(value) ? value.filter((one) => typeof one === "string") : [];
};

function ofType(session: Session, log: Uint8Array, ...types: readonly string[]): readonly FoldedRecord[] {
  return [...session.recordsOf(log).records.values()].filter((record) => types.includes(record.type) && !record.hidden && !record.isVoid);
}

/** The file in which words from partner support come: named by the case; of several the first that this phone has. */
export function liaisonOf(session: Session, log: Uint8Array): Uint8Array | undefined {
  for (const record of ofType(session, log, "liaison_file")) {
    const file = textOf(record, "file");
    const open = file === undefined ? undefined : [...session.files.values()].find((one) => idText(one.log) === file);
    if (open !== undefined) return open.log;
  }
  return undefined;
}

/** What came, in order; of several records with one parcel the first. */
function letters(session: Session, liaison: Uint8Array): readonly FoldedRecord[] {
  const byParcel = new Map<string, FoldedRecord>();
  for (const record of ofType(session, liaison, "instruction")) {
    if (textOf(record, "word") === undefined) continue; // its time is over, and its words have gone
    const parcel = textOf(record, "parcel") ?? idText(record.id);
    if (!byParcel.has(parcel)) byParcel.set(parcel, record);
  }
  return [...byParcel.values()];
}

const asGate = (code: string | undefined): Gate => GATES.find((gate) => gate === code) ?? "hold";
const labelOf = (list: string, code: string): string => terms(list).find((term) => term.code === code)?.label ?? code.replaceAll("_", " ");

function inForce(session: Session, liaison: Uint8Array): readonly FoldedRecord[] {
  const day = today(session);
  return letters(session, liaison).filter((letter) => (textOf(letter, "from") ?? "") <= day && day <= (textOf(letter, "until") ?? ""));
}

function instructionView(session: Session, letter: FoldedRecord): InForce {
  const ring = textOf(letter, "ring_first");
  const read = fromJson(shown(letter, "read_by").value);
  const mine = idText(session.identity.user);
  return {
    record: idText(letter.id), says: textsOf(letter, "say").map((code) => labelOf("instruction", code)), freeText: textOf(letter, "free_text"),
    from: textOf(letter, "from") ?? "", until: textOf(letter, "until") ?? "", ringFirst: ring === undefined ? undefined : labelOf("ring_first", ring),
    acknowledged: isList(read) && read.some((row) => isMap(row) && row["user"] === mine),
  };
}

/** Who planned a visit, and whether on this phone. */
export function planned(session: Session, { created }: FoldedRecord): { readonly by: string; readonly here: boolean } {
  return { by: created === null ? "Somebody" : personName(session, created.user), here: created !== null && equal(created.device, session.identity.device) };
}

/** No word ever is hold: unknown acts as hold, and so does a file that is not on this phone. */
export function visitBrief(session: Session, log: Uint8Array): VisitBrief {
  const liaison = liaisonOf(session, log);
  const now = liaison === undefined ? [] : inForce(session, liaison);
  const gates = now.map((letter) => textOf(letter, "gate")).filter((gate) => gate !== undefined).map(asGate);
  const strictest = gates.reduce<Gate | undefined>((worst, gate) => (worst === undefined || GATES.indexOf(gate) > GATES.indexOf(worst) ? gate : worst), undefined);
  const hazards = ofType(session, log, "hazard").filter((record) => valueOf(record, "ended_on") === undefined);
  const plan = ofType(session, log, "visit_plan").findLast((record) => valueOf(record, "checked_out") === undefined);
  const due = plan === undefined ? undefined : valueOf(plan, "due_back");
  const buddy = plan === undefined ? undefined : textOf(plan, "buddy");
  return {
    gate: strictest ?? "hold", gateKnown: strictest !== undefined, inForce: now.map((letter) => instructionView(session, letter)),
    hazards: hazards.map((record) => recordSummary(session, log, record)),
    livesWith: ofType(session, log, "linked_person").filter((record) => textOf(record, "living_with") === "yes" || textOf(record, "lives_with") !== undefined).map((record) => lineOf(record)),
    orders: ofType(session, log, "legal_order").map((record) => recordSummary(session, log, record)),
    plan: plan === undefined ? undefined : {
      record: idText(plan.id), buddy: buddy === undefined ? undefined : personName(session, idBytes(buddy)), dueBack: isWhen(due) ? due : undefined, ...planned(session, plan),
    },
    asOfMs: session.state.synced_ms ?? undefined,
  };
}

/** The row by which somebody says that they have read a letter. */
export function readRow(session: Session): Value {
  return { user: idText(session.identity.user), at: when(session.now()) };
}

export const when = (ms: number): Value => ({ at: local(ms), precision: "minute" });

/** Minutes, in this phone's own time, as people say it. */
function local(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** 999 always; the numbers that a case's people put on record. */
export function urgentNumbers(session: Session): readonly UrgentNumber[] {
  const found = session.ownFiles.flatMap(({ log }) =>
    ofType(session, log, "contact_point").filter((record) => ["duty_desk", "coordinator"].includes(textOf(record, "owner") ?? "")).flatMap((record) => {
      const number = textOf(record, "value");
      return number === undefined ? [] : [{ label: labelOf("contact_point_owner", textOf(record, "owner") ?? ""), number, call: textOf(record, "owner") ?? "" }];
    }),
  );
  const known = new Map(found.map((one) => [one.number, one]));
  return [{ label: "Police, fire or ambulance", number: "999", call: "emergency_999" }, ...known.values()];
}
