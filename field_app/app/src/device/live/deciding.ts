/** What waits for somebody's decision: fields in conflict, and what others propose to a record's author. */
import { equal } from "@fieldkeep/core/bytes";
import { type Field, fieldKey, opKey } from "@fieldkeep/core/change";
import { PENDING_SEQ } from "@fieldkeep/core/fold/fold";
import type { FoldedField, FoldedOp, FoldedRecord } from "@fieldkeep/core/fold/model";
import { conflicts, shown, unweighed } from "@fieldkeep/core/fold/show";
import type { Session } from "@fieldkeep/device/session";
import type { Conflict, ConflictValue } from "../facade";
import { fromJson, idText, rowName, rowOf } from "./convert";
import { conflictsIn, unweighedIn } from "./lists";
import { deviceName, personName } from "./people";

function valueOf(session: Session, { key, from, value }: FoldedOp): ConflictValue {
  const sent = from.seq !== PENDING_SEQ;
  return {
    id: key, value: fromJson(value), by: personName(session, from.user), device: deviceName(session, from.device), atMs: from.change.at,
    receivedMs: sent ? from.received_ms : undefined, seq: sent ? from.seq : undefined,
  };
}

/** What a field said at each of its ops, and which ops each of these had seen. In the order of the log. */
type Told = ReadonlyMap<string, { readonly text: string | undefined; readonly preds: readonly string[] }>;

function toldOf(session: Session, log: Uint8Array, record: FoldedRecord, field: Field): Told {
  const wanted = fieldKey(field);
  const changes = session.recordsOf(log).changes.filter(({ change }) => equal(change.r, record.id));
  return new Map(
    changes.flatMap(({ device, change }) =>
      change.ops.flatMap(({ field: at, action, value, preds }, index) => {
        if (fieldKey(at) !== wanted) return [];
        const said = action === "resolve" && Array.isArray(value) ? value[0] : value;
        return [[opKey([device, change.c, index]), { text: typeof said === "string" ? said : undefined, preds: preds.map(opKey) }] as const];
      }),
    ),
  );
}

/** An op, and all that whoever wrote it had seen of the field. */
function seenBy(told: Told, key: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [key];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...(told.get(next)?.preds ?? []));
  }
  return seen;
}

/** The last words that both had seen. */
function baseOf(session: Session, log: Uint8Array, record: FoldedRecord, field: Field, ops: readonly FoldedOp[]): string | undefined {
  const [a, b, more] = ops;
  if (a === undefined || b === undefined || more !== undefined || typeof a.value !== "string" || typeof b.value !== "string") return undefined;
  const told = toldOf(session, log, record, field);
  const [byA, byB] = [seenBy(told, a.key), seenBy(told, b.key)];
  const last = [...told.keys()].findLast((key) => byA.has(key) && byB.has(key));
  return last === undefined ? undefined : told.get(last)?.text;
}

function conflictOf(session: Session, log: Uint8Array, record: FoldedRecord, field: Field, ops: readonly FoldedOp[], kind: Conflict["kind"]): Conflict {
  const author = record.created?.user ?? session.identity.user;
  const [name, row, cell] = typeof field === "string" ? [field, undefined, undefined] : [field[0], rowName(field[1]), field[2]];
  return {
    file: idText(log), record: idText(record.id), type: record.type, field: name, row, cell, kind, values: ops.map((op) => valueOf(session, op)),
    base: baseOf(session, log, record, field, ops),
    owner: personName(session, author), mine: equal(author, session.identity.user), sinceMs: Math.max(0, ...ops.map(({ from }) => from.change.at)),
    stop: shown(record, field).stop,
  };
}

function ofRecord(session: Session, log: Uint8Array, record: FoldedRecord): readonly Conflict[] {
  const disputed = conflicts(record).map((field) => conflictOf(session, log, record, field, record.fields.get(fieldKey(field))?.live ?? [], "conflict"));
  if (record.created === null || !equal(record.created.user, session.identity.user)) return disputed;
  const proposed = new Map<string, { readonly at: FoldedField; readonly ops: FoldedOp[] }>();
  for (const [field, op] of unweighed(record)) {
    const at = record.fields.get(fieldKey(field));
    if (at === undefined) continue;
    const known = proposed.get(fieldKey(field)) ?? { at, ops: [] };
    known.ops.push(op);
    proposed.set(fieldKey(field), known);
  }
  return [...disputed, ...[...proposed.values()].map(({ at, ops }) => conflictOf(session, log, record, at.field, [...at.live, ...ops], "proposal"))];
}

/** The oldest first. */
export function allConflicts(session: Session): readonly Conflict[] {
  const found = session.ownFiles.flatMap(({ log }) =>
    [...session.recordsOf(log).records.values()].filter((record) => conflictsIn(record) + unweighedIn(record) > 0).flatMap((record) => ofRecord(session, log, record)),
  );
  return [...found].sort((a, b) => a.sinceMs - b.sinceMs);
}

export const fieldOf = ({ field, row, cell }: Conflict): Field => (row === undefined || cell === undefined ? field : [field, rowOf(row), cell]);
