/**
 * What the records on this device say for what follows from them and the clock: effective values that fit, of records
 * that stand. Spec 5.4, 5.8, 5.10. Reading of the session; the rules are in core/due.
 */
import { hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { DAY_MS, local } from "@fieldkeep/core/due/days";
import { due, type Due, type Said, TYPES, type Values } from "@fieldkeep/core/due/due";
import type { Folded } from "@fieldkeep/core/fold/fold";
import { isList, isMap } from "@fieldkeep/core/fold/markers";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { shown } from "@fieldkeep/core/fold/show";
import { encodeUuid } from "@fieldkeep/core/ids";
import type { FieldType, Schemas } from "@fieldkeep/core/record_types";
import { fits } from "@fieldkeep/core/values";
import type { Session } from "./session";

/** The time of day in the United Kingdom, by the server's clock as this device last heard it. */
export const ukTime = (session: Session): number => local(session.serverNow());

/** The first moment of today there. */
export const ukToday = (session: Session): number => Math.floor(ukTime(session) / DAY_MS) * DAY_MS;

const known = new WeakMap<FoldedRecord, Values>();

/** A record's effective values, as far as they fit: of a set the members, of a list the rows and cells that do. */
export function fittingValues({ types, codes }: Schemas, record: FoldedRecord): Values {
  const before = known.get(record);
  if (before !== undefined) return before;
  const type = types.get(record.type);
  const found = [...record.fields.values()].flatMap(({ field }): readonly (readonly [string, Json])[] => {
    const spec = typeof field === "string" ? type?.fields.get(field) : undefined;
    if (typeof field !== "string" || spec === undefined) return [];
    const value = fitting(shown(record, field).value, spec, { types, codes });
    return value === null ? [] : [[field, value]];
  });
  const values = new Map(found);
  known.set(record, values);
  return values;
}

function fitting(value: Json, field: FieldType, schemas: Schemas): Json {
  if (!field.many) return fits(value, field, schemas) ? value : null;
  if (!isList(value)) return null;
  if (field.shape !== "row") return value.filter((one) => fits(one, field, schemas));
  return value.filter(isMap).map((row) => {
    const cells = [...row].filter(([name, held]) => {
      const cell = field.cells.get(name);
      return cell === undefined || fits(held, cell, schemas);
    });
    return new Map(cells);
  });
}

const sorted = new WeakMap<Folded, ReadonlyMap<string, readonly FoldedRecord[]>>();

/** All records of a type in a file, in log order: void and hidden ones too. */
function ofType(session: Session, log: Uint8Array, type: string): readonly FoldedRecord[] {
  const folded = session.recordsOf(log);
  const byType = sorted.get(folded) ?? inLogOrder(folded);
  sorted.set(folded, byType);
  return byType.get(type) ?? [];
}

function inLogOrder({ records }: Folded): ReadonlyMap<string, readonly FoldedRecord[]> {
  const place = ({ created }: FoldedRecord): readonly [number, number] => [created?.seq ?? 0, created?.change.c ?? 0];
  const all = [...records.values()].filter(({ created }) => created !== null);
  const byType = new Map<string, FoldedRecord[]>();
  for (const record of all.sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1])) {
    const there = byType.get(record.type);
    if (there === undefined) byType.set(record.type, [record]);
    else there.push(record);
  }
  return byType;
}

/** Those that stand: of each chain of corrections the newest that is neither void nor hidden. */
export function standing(session: Session, log: Uint8Array, type: string): readonly FoldedRecord[] {
  const all = ofType(session, log, type);
  const chain = new Map(all.map((record) => [hex(record.id), hex(record.id)] as const));
  const root = (id: string): string => {
    let at = id;
    for (let next = chain.get(at); next !== undefined && next !== at; next = chain.get(at)) at = next;
    return at;
  };
  for (const record of all) {
    const corrects = fittingValues(session.schemas, record).get("corrects");
    const other = typeof corrects === "string" ? corrects.replaceAll("-", "") : "";
    if (chain.has(other)) chain.set(root(hex(record.id)), root(other));
  }
  const newest = new Map<string, FoldedRecord>();
  for (const record of all) if (!record.hidden && !record.isVoid) newest.set(root(hex(record.id)), record);
  const stands = new Set(newest.values());
  return all.filter((record) => stands.has(record));
}

function saidIn(session: Session, log: Uint8Array, type: string): readonly Said[] {
  return standing(session, log, type).map((record) => ({
    file: log,
    record: record.id,
    type,
    author: record.created === null ? "" : encodeUuid(record.created.user),
    values: fittingValues(session.schemas, record),
  }));
}

/** The records of these types that stand in this person's files, in log order of each file. */
export const said = (session: Session, types: Iterable<string>): readonly Said[] =>
  [...types].flatMap((type) => session.ownFiles.flatMap(({ log }) => saidIn(session, log, type)));

/** Whoever the first allocation of each file names. */
function leads(session: Session): ReadonlyMap<string, string> {
  const found = session.ownFiles.flatMap(({ log }): readonly (readonly [string, string])[] => {
    const [first] = ofType(session, log, "allocation");
    const lead = first === undefined ? undefined : fittingValues(session.schemas, first).get("lead");
    return typeof lead === "string" ? [[hex(log), lead]] : [];
  });
  return new Map(found);
}

/** What is overdue, due today or in so many days: this person's own, or everybody's in their files. */
export function dueItems(session: Session, ahead: number, everybodys: boolean): readonly Due[] {
  const whose = everybodys ? "" : encodeUuid(session.identity.user);
  return due(said(session, TYPES), { leads: leads(session), today: ukToday(session), ahead, whose });
}
