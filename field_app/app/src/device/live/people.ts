/** Names of people, files and records, as far as this phone knows them. Pure reading of the session. */
import { equal } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { shown } from "@fieldkeep/core/fold/show";
import type { OpenFile, Session } from "@fieldkeep/device/session";
import { recordType } from "../../forms/schema";
import { showValue } from "../../forms/show";
import { type Value, isList, isMap, missingReason } from "../../forms/values";
import { fromJson, idBytes, idText } from "./convert";
import { remembered } from "./remember";

const KINDS: Readonly<Record<string, string>> = {
  case: "Case", shared_care: "Shared care", therapy: "Therapy", liaison: "Liaison", fund: "Fund", desk: "Desk", intake: "Desk",
};

export function personName(session: Session, user: Uint8Array): string {
  const devices = [...session.registry.devices.values()];
  return devices.findLast((device) => equal(device.user, user))?.name ?? "Somebody";
}

export function deviceName(session: Session, id: Uint8Array): string {
  const found = [...session.registry.devices.values()].find(({ device }) => equal(device, id));
  return found?.label ?? "an unknown phone";
}

/** A record's shown value of a field; nothing where a reason stands in its place. */
export function valueOf(record: FoldedRecord, field: string): Value | undefined {
  const value = fromJson(shown(record, field).value);
  return value === null || (isList(value) && value.length === 0) || missingReason(value) !== undefined ? undefined : value;
}

export function textOf(record: FoldedRecord, field: string): string | undefined {
  const value = valueOf(record, field);
  return typeof value === "string" ? value : undefined;
}

const recordsOfType = (session: Session, log: Uint8Array, type: string): readonly FoldedRecord[] =>
  [...session.recordsOf(log).records.values()].filter((record) => record.type === type && !record.hidden && !record.isVoid);

/** Initials of whoever the file is about, or the beginning of its id: no whole name stands in a list. */
export function fileTitle(session: Session, { log, reading }: OpenFile): string {
  const of = reading.file.kind === "liaison" ? caseOf(session, log) : undefined;
  if (of !== undefined) return `${about(session, of) ?? idText(of).slice(0, 4)}: from partner support`;
  const kind = KINDS[reading.file.kind ?? ""] ?? "File";
  return `${kind} ${about(session, log) ?? idText(log).slice(0, 4)}`;
}

/** The case that a liaison file belongs to, where this phone has it. */
function caseOf(session: Session, liaison: Uint8Array): Uint8Array | undefined {
  const id = idText(liaison);
  return session.ownFiles.find(({ log }) => recordsOfType(session, log, "liaison_file").some((record) => textOf(record, "file") === id))?.log;
}

function about(session: Session, log: Uint8Array): string | undefined {
  for (const person of recordsOfType(session, log, "person")) {
    const known = textOf(person, "known_as") ?? firstName(fromJson(shown(person, "names").value));
    if (known !== undefined) return known.split(/[\s.]+/).filter((word) => word !== "").map((word) => `${word.charAt(0).toUpperCase()}.`).join(" ");
  }
  return undefined;
}

function firstName(names: Value): string | undefined {
  const row = isList(names) ? names[0] : undefined;
  const name = isMap(row) ? row["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

/** The name of a person, a device or a record of this file. */
export function nameOf(session: Session, log: Uint8Array): (id: string) => string | undefined {
  const { records } = session.recordsOf(log);
  return (id) => {
    const bytes = bytesOf(id);
    if (bytes === undefined) return undefined;
    const device = [...session.registry.devices.values()].findLast((one) => equal(one.user, bytes) || equal(one.device, bytes));
    if (device !== undefined) return equal(device.user, bytes) ? device.name : device.label;
    const record = [...records.values()].find((one) => equal(one.id, bytes));
    return record === undefined ? undefined : lineOf(record);
  };
}

function bytesOf(id: string): Uint8Array | undefined {
  try {
    return idBytes(id);
  } catch {
    return undefined;
  }
}

const SAID_FIRST = new Set(["code", "yn", "text", "long", "date", "pence", "codes"]);
const PLAIN = new Set(["state", "source", "basis_of_statement", "do_not_raise", "handling", "code_version"]);
const MOST = 90;
/** What a line says of types whose first fields say less than others. */
const SAYS: Readonly<Record<string, readonly string[]>> = {
  contact: ["result", "mode"], case_note: ["body"], spend: ["item", "amount"], risk_assessment: ["level", "risk_level"], instruction: ["say", "gate"],
  visit_plan: ["purpose", "due_back"], urgent_alert: ["what", "words"], attachment: ["what"],
};

/** One line of what a record says: the first two things in it that say anything by themselves. */
export const lineOf = remembered((record: FoldedRecord): string => {
  const type = recordType(record.type);
  if (type === undefined) return "Needs a newer version of this app";
  const parts: string[] = [];
  const named = (SAYS[record.type] ?? []).flatMap((name) => type.fields.filter((field) => field.name === name));
  for (const field of [...named, ...type.fields.filter(({ kind, name }) => named.length === 0 && SAID_FIRST.has(kind) && !PLAIN.has(name))]) {
    const value = parts.length === 2 ? undefined : valueOf(record, field.name);
    if (value !== undefined) parts.push(showValue(field, value, () => undefined));
  }
  const line = parts.join(": ").replaceAll(/\s+/g, " ");
  return line.length <= MOST ? line : `${line.slice(0, MOST - 1).trimEnd()}…`;
});

/** Everything that a record says, in lower case, to be searched. */
export function wordsIn(record: FoldedRecord): string {
  const type = recordType(record.type);
  const said = [...record.fields.values()].flatMap(({ field, live }) => {
    const known = typeof field === "string" ? type?.fields.find((one) => one.name === field) : undefined;
    return live.map(({ value }) => (known === undefined ? textsIn(value) : showValue(known, fromJson(value), () => "")));
  });
  return [type?.title ?? "", ...said].join(" ").toLowerCase();
}

function textsIn(value: Json): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(textsIn).join(" ");
  return value instanceof Map ? [...value.values()].map(textsIn).join(" ") : "";
}
