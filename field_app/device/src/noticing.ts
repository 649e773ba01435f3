/** What the victim side is told by rule, the same for every case, whether or not anyone is supported. Spec 15.5. */
import { hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import type { Json } from "@fieldkeep/core/change";
import { encodeUuid } from "@fieldkeep/core/ids";
import { noticesOf } from "@fieldkeep/core/parcel/notices";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { shown } from "@fieldkeep/core/fold/show";
import type { RecordType } from "@fieldkeep/core/record_types";
import { decodeAs, positive } from "@fieldkeep/core/shape";
import { caseAddress } from "./cases";
import type { OpenFile } from "./memory";
import { postIn } from "./posting";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import type { Pending } from "./stored";
import type { Values } from "./values_in";

const toldUpTo = (log: Uint8Array, record: string): string => `noticed:${hex(log)}:${record}`;

/** In a case, and in shared care for what has no place in a case: nothing is told twice. */
function tells({ reading: { file } }: OpenFile, type: RecordType): boolean {
  if (file.side !== "perpetrator" || type.notices.length === 0) return false;
  return file.kind === "case" || (file.kind === "shared_care" && type.files !== null && !type.files.has("case"));
}

/** This device's changes of a record that are in no entry, and that nobody was told of. */
function newChanges(session: Session, log: Uint8Array, record: string): readonly Pending[] {
  const content = session.fact(toldUpTo(log, record));
  const told = content === undefined ? 0 : decodeAs(positive, content);
  const { pending } = session.file(log);
  return pending.filter(
    ({ change, outbox, held }) => hex(change.r) === record && outbox === null && held === "" && change.c > told,
  );
}

/** Writes the letters that this device's unsealed changes make; gives back how many. */
export async function makeNotices(session: Session, transaction: Transaction): Promise<number> {
  let made = 0;
  for (const open of session.ownFiles) {
    const records = new Set(open.pending.filter(({ outbox }) => outbox === null).map(({ change }) => hex(change.r)));
    for (const record of records) made += await noticesOfOne(session, transaction, open, record);
  }
  return made;
}

/** The record of the same type that a record corrects, if this device knows it. */
function correctedBy(session: Session, log: Uint8Array, record: FoldedRecord): FoldedRecord | null {
  const { value } = shown(record, "corrects");
  const { records } = session.recordsOf(log);
  return [...records.values()].find(({ id, type }) => type === record.type && encodeUuid(id) === value) ?? null;
}

async function noticesOfOne(session: Session, transaction: Transaction, open: OpenFile, id: string): Promise<number> {
  const { log } = open;
  const record = session.recordsOf(log).records.get(id);
  const type = record === undefined ? undefined : session.schemas.types.get(record.type);
  if (record === undefined || type === undefined || record.isVoid || !tells(open, type)) return 0;
  const changes = newChanges(session, log, id);
  const address = caseAddress(session, log);
  const last = changes.at(-1);
  if (last === undefined || address === null) return 0;
  const corrected = correctedBy(session, log, record);
  const me = session.identity.device;
  const found = changes.flatMap(({ change }) => noticesOf(session.schemas, record, change, me, corrected));
  const bodies = new Map(found.map((body) => [hex(encode(body)), body] as const));
  for (const said of bodies.values()) {
    const body: Values = new Map<string, Json>([["case", encodeUuid(address)], ...said]);
    await postIn(session, transaction, log, "notice", body);
  }
  if (bodies.size > 0) session.setFact(transaction, toldUpTo(log, id), encode(last.change.c));
  return bodies.size;
}
