/** Alerts that nobody has stood down: who has each, and whom to ring when nobody does. Reading of the session. */
import { equal } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import type { Session } from "@fieldkeep/device/session";
import { type Alert, alertsIn, isOpen, isUnanswered } from "@fieldkeep/device/urgent";
import type { Values } from "@fieldkeep/device/values_in";
import { terms } from "../../forms/schema";
import type { UrgentAlert, UrgentNumber } from "../facade";
import { idBytes, idText } from "./convert";
import { fileTitle, personName } from "./people";
import { urgentNumbers } from "./visit";

const labelOf = (list: string, code: Json | undefined): string =>
  typeof code === "string" ? (terms(list).find((term) => term.code === code)?.label ?? code.replaceAll("_", " ")) : "";
const textOf = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

/** Milliseconds of a row's time, which is in UTC; nothing where it is none. */
function msOf(row: Values): number | undefined {
  const at = row.get("at");
  const said = at instanceof Map ? (at as ReadonlyMap<string, Json>).get("at") : undefined;
  const ms = typeof said === "string" ? Date.parse(`${said}Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** The first number that nobody has rung yet; all of them again when each was. */
export function nextNumber(numbers: readonly UrgentNumber[], rung: readonly string[]): UrgentNumber | undefined {
  return numbers.find(({ call }) => call === undefined || !rung.includes(call)) ?? numbers[0];
}

function viewOf(session: Session, alert: Alert, numbers: readonly UrgentNumber[]): UrgentAlert {
  const { log, record, values, by, at_ms } = alert;
  const mine = !alert.came && equal(by, session.identity.user);
  const rung = alert.calls.flatMap((row) => textOf(row.get("call")) ?? []);
  const nameOf = (id: Json | undefined): string => (typeof id === "string" ? personName(session, idBytes(id)) : "Somebody");
  return {
    file: idText(log), record: idText(record.id), title: fileTitle(session, session.file(log)),
    what: labelOf("urgent_kind", values.get("what")) || "An alert", atRisk: listOf(values.get("at_risk")).map((code) => labelOf("at_risk", code)), words: textOf(values.get("words")),
    by: alert.came ? "the other side" : personName(session, by), mine, sinceMs: at_ms,
    acknowledged: alert.acknowledged.map((row) => ({ by: nameOf(row.get("by")), says: labelOf("ack", row.get("how")), atMs: msOf(row) })),
    calls: alert.calls.map((row) => ({ to: labelOf("urgent_call", row.get("call")), spokeTo: textOf(row.get("spoke_to")), atMs: msOf(row) })),
    unanswered: isUnanswered(alert, session.serverNow()), next: nextNumber(numbers, rung),
  };
}

/** The ones that nobody has first, and of those the oldest. */
export function openAlerts(session: Session): readonly UrgentAlert[] {
  const numbers = urgentNumbers(session);
  const found = alertsIn(session).filter(isOpen).map((alert) => viewOf(session, alert, numbers));
  return found.sort((a, b) => Number(a.acknowledged.length > 0) - Number(b.acknowledged.length > 0) || a.sinceMs - b.sinceMs);
}

export function alertIn(session: Session, file: string, record: string): Alert | undefined {
  return alertsIn(session).find((one) => idText(one.log) === file && idText(one.record.id) === record);
}
