/** Letters from the other side become records of the file that they came to. Spec 15.4. */
import { equal, hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import type { Json, Op } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import type { FoldedRecord, Placed } from "@fieldkeep/core/fold/model";
import { isList } from "@fieldkeep/core/fold/markers";
import { encodeUuid, recordId } from "@fieldkeep/core/ids";
import { type Come, decodeCome } from "@fieldkeep/core/letter";
import { checkTaken } from "@fieldkeep/core/parcel/letter_body";
import { type OpenedLetter, openParcel, type Reader } from "@fieldkeep/core/parcel/open";
import { letterRow, otherSide } from "@fieldkeep/core/parcel/rights";
import { decodeAs, positive } from "@fieldkeep/core/shape";
import { expungeOf } from "./removing";
import { receivingFiles } from "./board";
import type { OpenFile } from "./memory";
import { addressIn } from "./posting";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, OF, read } from "./stored";
import { decodeEntry } from "@fieldkeep/core/entry";
import type { Transport } from "./transport";
import { addValues, recordsIn, type Values, valuesOf } from "./values_in";

/** Bytes of a record of the victim side, so that its part has one size whatever it says. */
const FILLED = 3400;
/** Bytes of an op and its signature, besides its value. */
const OP = 40;
const COPIED = ["case_opened", "liaison_key", "notice"] as const;
const SKIPPED: ReadonlySet<string> = new Set(["filling", "state"]);
const seenOf = (log: Uint8Array): string => `parcels:${hex(log)}`;
type Parcelled = Come["parcels"][number];

/** Fetches, judges and keeps what came to this device's files; gives back how many records were written. */
export async function receive(session: Session, transport: Transport): Promise<number> {
  let written = 0;
  for (const open of receivingFiles(session)) {
    const newest = session.state.parcels.find(({ log }) => equal(log, open.log))?.newest ?? 0;
    const content = session.fact(seenOf(open.log));
    const seen = content === undefined ? 0 : decodeAs(positive, content);
    // A parcel to a key that this device has not been given yet is not a forged one.
    if (newest <= seen || open.stopped !== "" || !open.secrets.has(open.reading.file.epoch)) continue;
    for (const one of await fetched(session, transport, open.log, seen)) {
      written += await session.change(async (transaction) => {
        const made = await takeOne(session, transaction, session.file(open.log), one);
        session.setFact(transaction, seenOf(open.log), encode(one.n));
        return made;
      });
    }
  }
  return written + (await session.change(async (transaction) => fileCopies(session, transaction)));
}

async function fetched(
  session: Session,
  transport: Transport,
  log: Uint8Array,
  after: number,
): Promise<readonly Parcelled[]> {
  const found: Parcelled[] = [];
  for (let [at, more] = [after, true]; more; ) {
    const path = `/v1/parcels/${encodeUuid(log)}?after=${at}`;
    const answer = decodeCome(await transport.signed(session.identity, session.key, "GET", path));
    for (const one of answer.parcels) {
      if (one.n <= at) throw new Refused("malformed", "parcels do not come in order");
      at = one.n;
      found.push(one);
    }
    more = answer.more && answer.parcels.length > 0;
  }
  return found;
}

/**
 * One parcel: a record, or an alarm. Of what a colleague's device has made a record of, it is seen that this says what
 * came.
 */
async function takeOne(session: Session, transaction: Transaction, open: OpenFile, one: Parcelled): Promise<number> {
  const { log, reading, secrets } = open;
  const { identity } = session;
  const { kind } = reading.file;
  if (kind === null) return 0;
  try {
    const there = begunFrom(session, log, one.parcel.id);
    if (there === null && (await isRemoved(transaction, open, one.parcel.id))) return 0;
    const newestFirst = [...secrets].sort(([a], [b]) => b - a);
    const reader: Reader = {
      ...{ svc: identity.svc, side: identity.side, log, file: kind },
      ...{ secrets: newestFirst, pinned: identity.authority },
    };
    const opened = await openParcel(reader, one.parcel, one.pass);
    checkTaken(opened.letter.kind, opened.letter.body, session.schemas, opened.passedMs);
    const values = valuesFrom(opened);
    if (there !== null) {
      checkSays(session, transaction, log, there, opened.letter.kind, values);
      return 0;
    }
    addValues(session, transaction, log, opened.letter.kind, kind === "liaison" ? filled(values) : values, false);
    return 1;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const text = `something from the other side was not taken: ${error.message}`;
    session.alarm(transaction, log, one.n, "bad-parcel", text);
    return 0;
  }
}

const valuesFrom = ({ letter, sender, second }: OpenedLetter): Values =>
  new Map<string, Json>([
    ...letter.body,
    ["parcel", encodeUuid(letter.id)],
    ["sender", hex(sender.cert)],
    ...(second === null ? [] : ([["second", hex(second.cert)]] as const)),
  ]);

/** What came from the victim side makes records of one size, so that a busy week looks like a quiet one. */
function filled(values: Values): Values {
  const ops = [...values.values()].reduce<number>((sum, value) => sum + (isList(value) ? value.length : 1), 0);
  const size = encode(values).length + OP * ops;
  return new Map<string, Json>([...values, ["filling", "-".repeat(Math.max(1, FILLED - size))]]);
}

// --- what is there already ----------------------------------------------------------------------------------------

/** The change that begins a record of a letter; null for any other, whatever it says of one. */
function parcelBegun(session: Session, log: Uint8Array, { change, device }: Placed): Uint8Array | null {
  if (!equal(change.r, recordId(log, device, change.c))) return null;
  if (letterRow(change.t, otherSide(session.identity.side)) === null) return null;
  const said = change.ops.find(({ field, action }) => field === "parcel" && action === "set");
  return addressIn(said?.value);
}

/** The first in log order that begins a record of this parcel, own unsent ones last. */
function begunFrom(session: Session, log: Uint8Array, parcel: Uint8Array): Placed | null {
  const all = session.recordsOf(log).changes;
  return all.find((placed) => equal(parcelBegun(session, log, placed) ?? new Uint8Array(0), parcel)) ?? null;
}

/** Two people have removed it: nobody makes a record of it again. */
async function isRemoved(transaction: Transaction, { log, reading }: OpenFile, parcel: Uint8Array): Promise<boolean> {
  for (const { seq } of reading.file.expunged) {
    const content = await transaction.get(OF.entries(log), seq);
    const named = content === undefined ? null : (expungeOf(decodeEntry(read(entryRow, content).pair))?.parcel ?? null);
    if (named !== null && equal(named, parcel)) return true;
  }
  return false;
}

const saidBy = (ops: readonly Op[]): ReadonlySet<string> =>
  new Set(
    ops
      .filter(({ action, field }) => (action === "set" || action === "add") && !SKIPPED.has(String(field)))
      .map(({ field, value }) => `${String(field)} ${hex(encode(value))}`),
  );

function wouldSay(session: Session, kind: string, values: Values): ReadonlySet<string> {
  const fields = session.schemas.types.get(kind)?.fields;
  const members = (name: string, value: Json): readonly Json[] => {
    const merge = fields?.get(name)?.merge;
    return (merge === "set" || merge === "append") && isList(value) ? value : [value];
  };
  return new Set(
    [...values].flatMap(([name, value]) => members(name, value).map((one) => `${name} ${hex(encode(one))}`)),
  );
}

/** One device vouches for a letter in the file, and every other looks again. */
function checkSays(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  there: Placed,
  kind: string,
  values: Values,
): void {
  const [said, wanted] = [saidBy(there.change.ops), wouldSay(session, kind, values)];
  const same = said.size === wanted.size && [...wanted].every((one) => said.has(one));
  if (there.stub || (there.change.t === kind && same)) return;
  const text = "a colleague's device wrote something else into this file than what came from the other side: ring them";
  session.alarm(transaction, log, null, "bad-parcel", text);
}

// --- copies into one's own files ----------------------------------------------------------------------------------

/** What came to the desk about a case goes into the files that links name, where this device has both. */
function fileCopies(session: Session, transaction: Transaction): number {
  if (session.identity.side !== "victim") return 0;
  let written = 0;
  for (const { log, reading } of receivingFiles(session)) {
    if (reading.file.kind !== "intake") continue;
    const links = linksIn(session, log);
    for (const kind of COPIED)
      for (const record of recordsIn(session, log, kind)) written += copyOne(session, transaction, links, kind, record);
  }
  return written;
}

function linksIn(session: Session, desk: Uint8Array): ReadonlyMap<string, readonly Uint8Array[]> {
  const found = new Map<string, Uint8Array[]>();
  for (const record of recordsIn(session, desk, "link")) {
    const values = valuesOf(record);
    const [of, file] = [values.get("case"), addressIn(values.get("file"))];
    const open = file === null ? undefined : session.ownFiles.find(({ log }) => equal(log, file));
    if (typeof of === "string" && open !== undefined) found.set(of, [...(found.get(of) ?? []), open.log]);
  }
  return found;
}

function copyOne(
  session: Session,
  transaction: Transaction,
  links: ReadonlyMap<string, readonly Uint8Array[]>,
  kind: string,
  record: FoldedRecord,
): number {
  const values = valuesOf(record);
  const [of, parcel] = [values.get("case"), addressIn(values.get("parcel"))];
  if (typeof of !== "string" || parcel === null) return 0;
  const known = session.schemas.types.get(kind)?.fields;
  const kept = new Map(
    [...values].filter(([name]) => known?.has(name) === true && name !== "state" && name !== "addenda"),
  );
  const lacking = (links.get(of) ?? []).filter((log) => begunFrom(session, log, parcel) === null);
  for (const log of lacking) addValues(session, transaction, log, kind, kept, false);
  return lacking.length;
}
