/** Files and records as lists have them, and one record as a page has it. Reading of the session; nothing is changed here. */
import { equal, hex } from "@fieldkeep/core/bytes";
import { opKey } from "@fieldkeep/core/change";
import { type Folded, PENDING_SEQ } from "@fieldkeep/core/fold/fold";
import type { FoldedField, FoldedRecord } from "@fieldkeep/core/fold/model";
import { conflicts, rows, shown, unweighed } from "@fieldkeep/core/fold/show";
import { roleIn } from "@fieldkeep/core/membership/state";
import { holds } from "@fieldkeep/core/membership/state";
import { isDraft, isOwn, isSigned } from "@fieldkeep/device/ops";
import type { OpenFile, Session } from "@fieldkeep/device/session";
import type { Pending } from "@fieldkeep/device/stored";
import { missingIn, writerIn } from "@fieldkeep/device/writing";
import { recordType, standsIn } from "../../forms/schema";
import { type Value, type When, isMap, isWhen } from "../../forms/values";
import type { FieldView, FileSummary, HistoryItem, RecordSummary, RecordView, Sending } from "../facade";
import { fromJson, idText, rowName } from "./convert";
import { deviceName, fileTitle, lineOf, personName, textOf, valueOf } from "./people";
import { remembered } from "./remember";

/** How much in a record waits for somebody's decision, or for its author to weigh it. */
export const conflictsIn = remembered((record: FoldedRecord): number => conflicts(record).length);
export const unweighedIn = remembered((record: FoldedRecord): number => unweighed(record).length);

const LATE_MS = 2 * 86_400_000;
const GONE: Readonly<Record<string, string>> = { expunged: "Removed by two people" };

export function fileSummary(session: Session, open: OpenFile): FileSummary {
  const { file } = open.reading;
  const records = [...session.recordsOf(open.log).records.values()].filter(({ hidden }) => !hidden);
  const events = records.map((record) => eventMs(record)).filter((ms) => ms !== undefined);
  return {
    id: idText(open.log), kind: file.kind ?? "case", title: fileTitle(session, open), role: roleIn(file, session.identity.user) ?? "",
    lastEventMs: events.length === 0 ? undefined : Math.max(...events),
    needsYou: records.reduce((sum, record) => sum + conflictsIn(record) + unweighedByMe(session, record), 0),
    members: [...file.members.values()].map(({ user }) => personName(session, user)),
    open: isOpen(session, open),
  };
}

/** Whether this device may write in a file now. */
export const isOpen = (session: Session, { stopped, reading }: OpenFile): boolean =>
  stopped === "" && holds(reading.file, session.identity.device) && session.standing === "in" && !session.state.frozen;

const unweighedByMe = (session: Session, record: FoldedRecord): number =>
  record.created !== null && equal(record.created.user, session.identity.user) ? unweighedIn(record) : 0;

const eventOf = remembered((record: FoldedRecord): When | undefined => {
  const value = valueOf(record, "event_at");
  return isWhen(value) ? value : undefined;
});

const eventMs = remembered((record: FoldedRecord): number | undefined => {
  const event = eventOf(record);
  const ms = event === undefined ? Number.NaN : Date.parse(event.at.length === 4 ? `${event.at}-07-01` : event.at);
  return Number.isNaN(ms) ? record.created?.change.at : ms;
});

/** What is not sent, by record in hexadecimal. */
const pendingOf = remembered(({ pending }: OpenFile): ReadonlyMap<string, readonly Pending[]> => {
  const byRecord = new Map<string, readonly Pending[]>();
  for (const one of pending) byRecord.set(hex(one.change.r), [...(byRecord.get(hex(one.change.r)) ?? []), one]);
  return byRecord;
});

/** How far a record's newest change has come: what waits longest says it. */
export function sendingOf(session: Session, log: Uint8Array, record: FoldedRecord): Sending {
  let sending: Sending = "received";
  for (const { outbox, held } of pendingOf(session.file(log)).get(hex(record.id)) ?? []) {
    if (held !== "") return "needs-you";
    const item = outbox === null ? undefined : session.outbox.get(outbox);
    if (item?.final === true) return item.code === "held" ? "held" : "needs-you";
    if (outbox === null) sending = "saved";
    else if (sending === "received") sending = "sending";
  }
  return sending;
}

export function recordSummary(session: Session, log: Uint8Array, record: FoldedRecord): RecordSummary {
  const { created } = record;
  const author = created === null ? "Somebody" : personName(session, created.user);
  return { ...byItself(record), file: idText(log), author, sending: sendingOf(session, log, record) };
}

/** What a record's summary says that follows from the record alone. */
const byItself = remembered((record: FoldedRecord): Omit<RecordSummary, "file" | "author" | "sending"> => {
  const { created } = record;
  const event = eventOf(record);
  const happened = eventMs(record);
  const recordedMs = created?.change.at ?? 0;
  const sent = created !== null && created.seq !== PENDING_SEQ;
  return {
    id: idText(record.id), type: record.type, line: lineOf(record), event, recordedMs, receivedMs: sent ? created.received_ms : undefined,
    state: record.isVoid ? "void" : isDraft(record) ? "draft" : "signed",
    late: created?.late === true || (event !== undefined && happened !== undefined && recordedMs - happened > LATE_MS), clockUnsure: created?.change.u === true,
    doNotRaise: textOf(record, "do_not_raise") === "yes", inConflict: conflictsIn(record) > 0,
  };
});

/** What devices keep for themselves: of letters, of what was read, of where letters go. No page of a case. */
const MACHINERY: ReadonlySet<string> = new Set(["read_event", "liaison_file", "liaison_key", "case_address", "parcel_sent", "letter_request", "link"]);

/** Newest event first. */
export const inOrder = (session: Session, log: Uint8Array): readonly FoldedRecord[] => ordered(session.recordsOf(log));

const ordered = remembered(({ records }: Folded): readonly FoldedRecord[] => {
  const all = [...records.values()].filter(({ hidden, created, type }) => !hidden && created !== null && !MACHINERY.has(type));
  const at = new Map(all.map((record) => [record, eventMs(record) ?? 0] as const));
  return all.sort((a, b) => (at.get(b) ?? 0) - (at.get(a) ?? 0));
});

// --- one record ----------------------------------------------------------------------------------------------------------

function fieldView(record: FoldedRecord, at: FoldedField, name: string): FieldView {
  const { value, conflict } = shown(record, name);
  const plain = fromJson(value);
  const gone = isMap(plain) ? Object.keys(plain).find((key) => key in GONE) : undefined;
  return {
    field: name, value: plain === null || gone !== undefined ? undefined : plain, inConflict: conflict, proposals: at.proposals.length,
    removed: gone === undefined ? undefined : GONE[gone],
  };
}

export function recordView(session: Session, log: Uint8Array, record: FoldedRecord): RecordView {
  const type = recordType(record.type);
  const writer = writerIn(session, log);
  const mine = isOwn(record, writer);
  const named = [...record.fields.values()].flatMap((at) => (typeof at.field === "string" ? [[at.field, at] as const] : []));
  const values: Record<string, Value> = {};
  for (const [name] of named) {
    const value = fromJson(shown(record, name).value);
    if (value !== null) values[name] = value;
  }
  const lists = (type?.fields ?? []).filter(({ kind }) => kind === "list").map(({ name }) => name);
  const rowsBefore = Object.fromEntries(lists.map((name) => [name, rows(record, name).map(({ id, value }) => ({ id: rowName(id), cells: cellsOf(fromJson(value)) }))] as const));
  return {
    ...recordSummary(session, log, record), version: record.version, mine,
    fields: named.map(([name, at]) => fieldView(record, at, name)), before: { values, rows: rowsBefore },
    signatures: record.signatures.map(({ by }) => ({ by: personName(session, by.user), atMs: by.change.at })),
    may: mayDo(session, log, record, mine), lacking: missingIn(session, log, record).flatMap(({ fields }) => fields),
  };
}

const cellsOf = (value: Value): Readonly<Record<string, Value>> => (isMap(value) ? value : {});

function mayDo(session: Session, log: Uint8Array, record: FoldedRecord, mine: boolean): RecordView["may"] {
  const open = session.file(log);
  if (record.rules === null || record.isVoid || !session.isMember(open.reading.file) || session.standing === "revoked") return [];
  const living = record.rules.weight === "living";
  const may: RecordView["may"][number][] = [];
  if (living || (mine && isDraft(record))) may.push("edit");
  if (living || (mine && isDraft(record))) may.push("sign");
  if (isSigned(record) || !mine) may.push("addendum");
  if (mine) may.push("void");
  return may;
}

export function historyOf(session: Session, log: Uint8Array, record: FoldedRecord): readonly HistoryItem[] {
  const all = session.recordsOf(log).changes.filter(({ change }) => equal(change.r, record.id));
  return all.map(({ seq, user, device, change, received_ms, late }) => {
    const sent = seq !== PENDING_SEQ;
    return {
      seq: sent ? seq : undefined, by: personName(session, user), device: deviceName(session, device), atMs: change.at, receivedMs: sent ? received_ms : undefined,
      late, clockUnsure: change.u, signed: change.ops.some(({ action }) => action === "sign"),
      edits: change.ops.filter(({ action }) => action !== "sign").map(({ field, action, value }) => ({
        field: typeof field === "string" ? field : field[0], cell: typeof field === "string" ? undefined : field[2], act: action,
        value: fromJson(action === "resolve" && Array.isArray(value) ? (value[0] ?? null) : value),
      })),
    };
  });
}

/** Fields of a type that stand in this file. */
export function fieldsIn(session: Session, log: Uint8Array, typeName: string): NonNullable<ReturnType<typeof recordType>>["fields"] {
  const { kind, side } = session.file(log).reading.file;
  if (side === "oversight") return [];
  return (recordType(typeName)?.fields ?? []).filter((field) => standsIn(field, kind ?? "", side));
}

export const recordKey = (record: FoldedRecord): string => hex(record.id);
export const opName = opKey;
