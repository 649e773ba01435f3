/**
 * What a person does to records: write, change, sign, add to, make void, delete, decide. Spec 5.
 *
 * Each is one change, kept as pending in the rows before it returns; it never waits for the network.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Change, Field, Json, Op } from "@fieldkeep/core/change";
import { encodePart } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { fold } from "@fieldkeep/core/fold/fold";
import { conflicts } from "@fieldkeep/core/fold/show";
import { recordId } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { seqOf } from "@fieldkeep/core/log";
import type { RecordType } from "@fieldkeep/core/record_types";
import { standsIn } from "@fieldkeep/core/record_types";
import { type Unmet, unmet } from "@fieldkeep/core/needs";
import { paddedSize } from "@fieldkeep/core/sealing";
import { checkValue, fieldNamed } from "@fieldkeep/core/values";
import {
  addended,
  begun,
  changed,
  deleted,
  type Edit,
  isDraft,
  isOwn,
  resolved,
  signed,
  signedBySaving,
  voided,
  type Writer,
} from "./ops";
import type { Transaction } from "./rows";
import type { Session } from "./session";

const CLOCK_OFF_MS = 120_000;
/** What counts money is signed by saving, whatever it lacks. */
const COUNTED: ReadonlySet<string> = new Set(["spend", "spend_reversal", "fund_line", "allowance"]);

export function writerIn(session: Session, log: Uint8Array): Writer {
  const { device, user } = session.identity;
  const { pending, folded } = session.file(log);
  const own = folded.changes.filter((one) => equal(one.device, device)).map(({ change }) => change.c);
  return {
    device,
    user,
    c:
      own.reduce(
        (a, b) => Math.max(a, b),
        pending.reduce((a, { change }) => Math.max(a, change.c), 0),
      ) + 1,
  };
}

/** The type, if it has a place in this file. */
export function typeIn(session: Session, log: Uint8Array, name: string): RecordType {
  const { kind, side } = session.file(log).reading.file;
  const type = session.schemas.types.get(name);
  if (type === undefined) throw new Refused("bad-value", "no record type of that name: this record needs a newer app");
  if (kind === null || !standsIn(type, kind, side)) throw new Refused("bad-value", `${name} has no place in this file`);
  return type;
}

export function recordIn(session: Session, log: Uint8Array, record: Uint8Array): FoldedRecord {
  const found = session.recordsOf(log).records.get(hex(record));
  if (found === undefined || found.hidden) throw new Refused("not-found", "there is no such record in this file");
  return found;
}

function checkMayWrite(session: Session, log: Uint8Array): void {
  if (session.standing === "revoked")
    throw new Refused(
      "revoked",
      "an administrator revoked this phone: nothing more is written on it; nothing was changed",
    );
  if (!session.isMember(session.file(log).reading.file))
    throw new Refused("no-standing", "you are no longer a member of this file; nothing was changed");
}

/** Keeps one change; gives back the record's id. `record` null begins one. */
export function keep(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  record: Uint8Array | null,
  type: RecordType,
  ops: readonly Op[],
): Uint8Array {
  checkMayWrite(session, log);
  const { device, c } = writerIn(session, log);
  const target = record ?? recordId(log, device, c);
  const change: Change = {
    r: target,
    t: type.name,
    s: type.version,
    c,
    b: seqOf(session.file(log).reading.file.log),
    at: session.now(),
    ops,
    u: Math.abs(session.state.clock_offset) > CLOCK_OFF_MS,
  };
  const size = paddedSize(encodePart([change]).length + 4) + 48;
  if (size > limit("entry_bytes") - 1024)
    throw new Refused("too-large", `this would be ${size} bytes: save it as several changes; nothing was kept`);
  session.putPending(transaction, log, [{ change, outbox: null, held: "" }]);
  return target;
}

/** A new record. A quick one that lacks nothing is signed by saving; saving is never refused for a missing field. */
export async function add(
  session: Session,
  log: Uint8Array,
  typeName: string,
  edits: readonly Edit[],
): Promise<Uint8Array> {
  const type = typeIn(session, log, typeName);
  return session.change(async (transaction) => addIn(session, transaction, log, type, edits));
}

/** What is not `byHand` was checked by whoever read it: it may have codes that this app does not know. */
export function addIn(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  type: RecordType,
  edits: readonly Edit[],
  byHand = true,
): Uint8Array {
  const ops = begun(edits);
  if (byHand) checkValues(session, type, edits);
  const whole = type.weight === "quick" && (COUNTED.has(type.name) || isWhole(session, log, type, ops));
  return keep(session, transaction, log, null, type, whole ? signedBySaving(ops, writerIn(session, log)) : ops);
}

/** Whether a record that begins with these ops lacks nothing. */
function isWhole(session: Session, log: Uint8Array, type: RecordType, ops: readonly Op[]): boolean {
  const { device, user, c } = writerIn(session, log);
  const id = recordId(log, device, c);
  const change: Change = { r: id, t: type.name, s: type.version, c, b: 0, at: 0, ops, u: false };
  const placed = { seq: 1, received_ms: 0, part: 0, device, user, role: "", late: false, stub: false, change };
  const record = fold(log, session.schemas.types, [placed]).records.get(hex(id));
  return record !== undefined && missingIn(session, log, record).length === 0;
}

/** Raises Refused `bad-value` for a value that its field does not take. */
function checkValues(session: Session, type: RecordType, edits: readonly Edit[]): void {
  for (const edit of edits) {
    const field = fieldNamed(type, edit.field, edit.act === "cell" ? edit.cell : null);
    if (edit.act !== "remove") checkValue(edit.value, field, edit.act === "add" ? "add" : "set", session.schemas);
  }
}

export async function edit(
  session: Session,
  log: Uint8Array,
  record: Uint8Array,
  edits: readonly Edit[],
): Promise<void> {
  await session.change(async (transaction) => editIn(session, transaction, log, record, edits));
}

export function editIn(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  record: Uint8Array,
  edits: readonly Edit[],
): void {
  const found = recordIn(session, log, record);
  const type = typeIn(session, log, found.type);
  checkValues(session, type, edits);
  const ops = changed(found, type, edits, writerIn(session, log));
  if (ops.length === 0) return;
  keep(session, transaction, log, record, type, ops);
  signQuick(session, transaction, log, record, type);
}

/** A quick record is signed by saving, as soon as nothing is missing. */
function signQuick(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  record: Uint8Array,
  type: RecordType,
): void {
  const found = recordIn(session, log, record);
  const writer = writerIn(session, log);
  if (
    type.weight !== "quick" ||
    !isOwn(found, writer) ||
    !isDraft(found) ||
    conflicts(found).length > 0 ||
    missingIn(session, log, found).length > 0
  )
    return;
  keep(session, transaction, log, record, type, signed(found, type, writer));
}

/** What a record still lacks to be signed. */
export function missingIn(session: Session, log: Uint8Array, record: FoldedRecord): readonly Unmet[] {
  const { kind, side } = session.file(log).reading.file;
  const type = session.schemas.types.get(record.type);
  return type === undefined || kind === null ? [] : unmet(type, record, { file: kind, side });
}

export async function sign(session: Session, log: Uint8Array, record: Uint8Array): Promise<void> {
  await session.change(async (transaction) => signIn(session, transaction, log, record));
}

export function signIn(session: Session, transaction: Transaction, log: Uint8Array, record: Uint8Array): void {
  const found = recordIn(session, log, record);
  const type = typeIn(session, log, found.type);
  const missing = missingIn(session, log, found);
  if (isDraft(found) && missing.length > 0) {
    throw new Refused(
      "bad-value",
      `still needed to sign: ${missing.map(({ fields }) => fields.join(" or ")).join(", ")}`,
    );
  }
  keep(session, transaction, log, record, type, signed(found, type, writerIn(session, log)));
}

export async function addend(
  session: Session,
  log: Uint8Array,
  record: Uint8Array,
  text: string,
  reason: string,
): Promise<void> {
  const found = recordIn(session, log, record);
  const type = typeIn(session, log, found.type);
  if (isOwn(found, writerIn(session, log)) && isDraft(found))
    throw new Refused("not-permitted", "this is a draft of your own: change its words");
  await session.change(async (transaction) => keep(session, transaction, log, record, type, [addended(text, reason)]));
}

export async function makeVoid(session: Session, log: Uint8Array, record: Uint8Array, reason: string): Promise<void> {
  const found = recordIn(session, log, record);
  const type = typeIn(session, log, found.type);
  const ops = voided(found, reason, writerIn(session, log));
  await session.change(async (transaction) => keep(session, transaction, log, record, type, ops));
}

export async function remove(session: Session, log: Uint8Array, record: Uint8Array): Promise<void> {
  const found = recordIn(session, log, record);
  const type = typeIn(session, log, found.type);
  await session.change(async (transaction) => keep(session, transaction, log, record, type, [deleted(type)]));
}

export async function resolve(
  session: Session,
  log: Uint8Array,
  record: Uint8Array,
  field: Field,
  chosen: Json,
  reason: string,
): Promise<void> {
  const found = recordIn(session, log, record);
  const type = typeIn(session, log, found.type);
  const op = resolved(found, field, chosen, reason);
  await session.change(async (transaction) => keep(session, transaction, log, record, type, [op]));
}

/** Takes back the newest change of a record that is not sealed yet: as if it had not been made. */
export async function undo(session: Session, log: Uint8Array, record: Uint8Array): Promise<void> {
  const last = session
    .file(log)
    .pending.filter(({ change }) => equal(change.r, record))
    .at(-1);
  if (last === undefined) throw new Refused("not-found", "nothing of this record is on this phone only");
  if (last.outbox !== null)
    throw new Refused("not-permitted", "it is on its way already: write what is right now, or make it void");
  await session.change(async (transaction) => session.dropPending(transaction, log, new Set([last.change.c])));
}

/**
 * Throws away what one record says that never came into the log, and keeps that it was done, and why. What is on its
 * way stays.
 */
export async function discard(session: Session, log: Uint8Array, record: Uint8Array, reason: string): Promise<void> {
  const loose = session.file(log).pending.filter(({ change, outbox }) => {
    const item = outbox === null ? undefined : session.outbox.get(outbox);
    return equal(change.r, record) && (item === undefined || item.final);
  });
  if (loose.length === 0) throw new Refused("not-permitted", "it is on its way already");
  const [first] = loose;
  await session.change(async (transaction) => {
    session.dropPending(transaction, log, new Set(loose.map(({ change }) => change.c)));
    session.alarm(
      transaction,
      log,
      null,
      "discarded",
      `you threw away ${loose.length} change(s) to a ${first?.change.t.replaceAll("_", " ") ?? "record"} that was not sent: ${reason}`,
    );
  });
}
