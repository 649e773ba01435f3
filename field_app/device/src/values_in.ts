/** What records of a file say, for what this app does by itself; and new records as plain values. Spec 5.4. */
import type { Json } from "@fieldkeep/core/change";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { isList } from "@fieldkeep/core/fold/markers";
import { shown } from "@fieldkeep/core/fold/show";
import type { Edit } from "./ops";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { addIn, typeIn } from "./writing";

export type Values = ReadonlyMap<string, Json>;

/** The records of a type in a file, in the order in which they began; those that are void, or hidden, left out. */
export function recordsIn(session: Session, log: Uint8Array, type: string): readonly FoldedRecord[] {
  const all = [...session.recordsOf(log).records.values()];
  const there = all.filter((one) => one.type === type && !one.hidden && !one.isVoid && one.created !== null);
  const place = ({ created }: FoldedRecord): readonly [number, number] => [created?.seq ?? 0, created?.change.c ?? 0];
  return there.sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1]);
}

/** Effective values alone. */
export function valuesOf(record: FoldedRecord): Values {
  const found = [...record.fields.values()].flatMap(({ field }) => {
    const value = typeof field === "string" ? shown(record, field).value : null;
    return typeof field === "string" && value !== null ? [[field, value] as const] : [];
  });
  return new Map(found);
}

/** A new record with these values; what is not `byHand` was checked by whoever read it. */
export function addValues(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  name: string,
  values: Values,
  byHand = true,
): Uint8Array {
  const type = typeIn(session, log, name);
  const edits = [...values].flatMap(([field, value]): readonly Edit[] => {
    const merge = type.fields.get(field)?.merge;
    if ((merge === "set" || merge === "append") && isList(value))
      return value.map((one): Edit => ({ act: "add", field, value: one }));
    return [{ act: "set", field, value }];
  });
  return addIn(session, transaction, log, type, edits, byHand);
}

/** The minute, by the server's clock as this device last heard it. */
export function minuteNow(session: Session): Json {
  const at = new Date(session.serverNow()).toISOString().slice(0, 16);
  return new Map<string, Json>([
    ["at", at],
    ["precision", "minute"],
  ]);
}

/** The day, by the same clock, in UTC. */
export const dayNow = (session: Session): string => new Date(session.serverNow()).toISOString().slice(0, 10);
