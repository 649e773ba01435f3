/**
 * Danger now: the record, and the letter to the other side's desk, in one step, ahead of every queue; who has it, and who
 * ends it. Spec 15.5.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { isMap } from "@fieldkeep/core/fold/markers";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { encodeUuid } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { caseAddress } from "./cases";
import { addressIn, addressKeys, postIn } from "./posting";
import type { Session } from "./session";
import { addValues, minuteNow, recordsIn, type Values, valuesOf } from "./values_in";
import { edit, editIn } from "./writing";

const TYPE = "urgent_alert";

/** Works without a connection: it goes before everything else when there is one. Gives back the record's id. */
export async function raiseAlert(session: Session, log: Uint8Array, values: Values): Promise<Uint8Array> {
  return session.change(async (transaction) => {
    const record = addValues(session, transaction, log, TYPE, values);
    const address = caseAddress(session, log);
    const body = address === null ? values : new Map<string, Json>([...values, ["case", encodeUuid(address)]]);
    await postIn(session, transaction, log, TYPE, body);
    return record;
  });
}

/** One alert as its file has it. */
export interface Alert {
  readonly log: Uint8Array;
  readonly record: FoldedRecord;
  readonly by: Uint8Array;
  readonly at_ms: number;
  /** It came from the other side, and this side's desk filed it. */
  readonly came: boolean;
  readonly values: Values;
  /** Rows by whom they name; of `stood_down` none by whoever raised it. */
  readonly acknowledged: readonly Values[];
  readonly stood_down: readonly Values[];
  readonly calls: readonly Values[];
}

type Row = readonly [user: Uint8Array, row: Values];

function rowsOf({ fields }: FoldedRecord, name: string): readonly Row[] {
  const found = [...fields.values()].find(({ field }) => field === name);
  return (found?.live ?? []).flatMap(({ from, value }): readonly Row[] => (isMap(value) ? [[from.user, value]] : []));
}

/** What somebody says in another's name counts for nothing. */
const ownRows = (record: FoldedRecord, name: string): readonly Row[] =>
  rowsOf(record, name).filter(([user, row]) => row.get("by") === encodeUuid(user));

/** All alerts on this device; of several records of one parcel the first. */
export function alertsIn(session: Session): readonly Alert[] {
  const seen = new Set<string>();
  return session.ownFiles.flatMap(({ log, reading }) =>
    recordsIn(session, log, TYPE).flatMap((record): readonly Alert[] => {
      const { created } = record;
      const values = valuesOf(record);
      const parcel = values.get("parcel");
      const key = typeof parcel === "string" ? parcel : hex(record.id);
      if (created === null || seen.has(key)) return [];
      seen.add(key);
      const came = reading.file.kind === "intake" && parcel !== undefined;
      const down = ownRows(record, "stood_down").filter(([user]) => came || !equal(user, created.user));
      return [
        {
          ...{ log, record, by: created.user, at_ms: created.change.at, came, values },
          acknowledged: ownRows(record, "acknowledged").map(([, row]) => row),
          stood_down: down.map(([, row]) => row),
          calls: rowsOf(record, "calls").map(([, row]) => row),
        },
      ];
    }),
  );
}

export const isOpen = ({ stood_down }: Alert): boolean => stood_down.length === 0;

/** Ten minutes without anybody at a desk: the next number is to be rung. */
export function isUnanswered(alert: Alert, now: number): boolean {
  return isOpen(alert) && alert.acknowledged.length === 0 && now - alert.at_ms > limit("unacknowledged_ms");
}

/** Says that somebody has it. On the victim side the case of the other side hears so, in constant words. */
export async function acknowledgeAlert(session: Session, alert: Alert, how: string): Promise<void> {
  const row = new Map<string, Json>([
    ["by", encodeUuid(session.identity.user)],
    ["at", minuteNow(session)],
    ["how", how],
  ]);
  await session.change(async (transaction) => {
    editIn(session, transaction, alert.log, alert.record.id, [{ act: "add", field: "acknowledged", value: row }]);
    const to = addressIn(alert.values.get("case"));
    if (session.identity.side !== "victim" || to === null || addressKeys(session, to).length === 0) return;
    const word = new Map<string, Json>([["word", "acknowledgement"]]);
    const about = new Map<string, Json>([["to_case", encodeUuid(to)], ...word]);
    await postIn(session, transaction, alert.log, "instruction", word, { to, about });
  });
}

/** Ends an alert. Raises Refused for whoever raised it: another person has to. */
export async function standDown(session: Session, alert: Alert, why: string): Promise<void> {
  const { user } = session.identity;
  if (equal(alert.by, user) && !alert.came)
    throw new Refused("not-permitted", "whoever raised an alert does not stand it down: a colleague does");
  if (!isOpen(alert)) throw new Refused("not-permitted", "it is stood down already");
  if (why.trim() === "") throw new Refused("bad-value", "say in a few words why it is over");
  const row = new Map<string, Json>([
    ["by", encodeUuid(user)],
    ["at", minuteNow(session)],
    ["why", why.trim()],
  ]);
  await edit(session, alert.log, alert.record.id, [{ act: "add", field: "stood_down", value: row }]);
}

/** Puts on record that somebody was rung. */
export async function recordCall(session: Session, alert: Alert, said: Values): Promise<void> {
  const row = new Map<string, Json>([...said, ["at", minuteNow(session)]]);
  await edit(session, alert.log, alert.record.id, [{ act: "add", field: "calls", value: row }]);
}
