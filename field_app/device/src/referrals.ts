/**
 * A referral comes whole to the victim side's desk; what he is worked with for goes over, item by item, and nothing of
 * those whom he harms. Spec 15.8.
 */
import { hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { isList, isMap } from "@fieldkeep/core/fold/markers";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { encodeUuid } from "@fieldkeep/core/ids";
import { checkReferral } from "@fieldkeep/core/parcel/referral";
import type { Member } from "@fieldkeep/core/statement";
import { receivingFiles } from "./board";
import { openCaseIn } from "./cases";
import type { Edit } from "./ops";
import { postIn } from "./posting";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { addValues, dayNow, minuteNow, recordsIn, type Values, valuesOf } from "./values_in";
import { editIn, recordIn } from "./writing";

const PACK = "referral_intake";
const REFERRAL = "referral";
const LINKED = "linked_person";
/** The other side writes these, and whoever reads. */
const THEIRS: ReadonlySet<string> = new Set([
  ...["decision", "decision_reason", "decided_on", "decided_by"],
  ...["parcel", "sender", "state", "addenda", "filed_in"],
]);
const MOST = 200;

type Row = ReadonlyMap<string, Json>;
const rowsIn = (values: Values, name: string): readonly Row[] => {
  const value = values.get(name);
  return value !== undefined && isList(value) ? value.filter(isMap) : [];
};
const textIn = (values: Row, name: string): string => {
  const value = values.get(name);
  return typeof value === "string" ? value : "";
};
const short = (text: string): string => [...text].slice(0, MOST).join("");
const inWords = (code: string): string => code.replaceAll("_", " ");

// --- on the victim side's desk --------------------------------------------------------------------------------------

export interface Pack {
  readonly log: Uint8Array;
  readonly record: FoldedRecord;
  readonly values: Values;
}

export function packsIn(session: Session): readonly Pack[] {
  if (session.identity.side !== "victim") return [];
  return session.ownFiles.flatMap(({ log }) =>
    recordsIn(session, log, PACK).map((record) => ({ log, record, values: valuesOf(record) })),
  );
}

function packAt(session: Session, log: Uint8Array, record: Uint8Array): Pack {
  const found = recordIn(session, log, record);
  if (session.identity.side !== "victim" || found.type !== PACK)
    throw new Refused("bad-value", "that is no referral at the victim side's desk");
  return { log, record: found, values: valuesOf(found) };
}

/** What the other side would be given, with what follows from the pack. Raises Refused for what repeats a detail of hers. */
export function partOf(session: Session, { values: pack }: Pack, values: Values): Values {
  for (const name of values.keys())
    if (THEIRS.has(name)) throw new Refused("bad-value", `${name} is the other side's to write`);
  const received = pack.get("received_on") ?? dayNow(session);
  const source = pack.get("referral_source");
  const body = new Map<string, Json>([
    ["received_on", received],
    ...(source === undefined ? [] : [["referral_source", source] as const]),
    ...values,
    ["victim_details_held", rowsIn(pack, "people_harmed").length > 0 ? "yes" : "no"],
  ]);
  checkReferral(body, [...rowsIn(pack, "people_harmed"), ...rowsIn(pack, "children")]);
  return body;
}

/**
 * Gives the other side's desk its part; the pack keeps which items went, and which were looked at and `kept`. Gives
 * back the letter's id.
 */
export async function split(
  session: Session,
  log: Uint8Array,
  record: Uint8Array,
  values: Values,
  kept: readonly string[] = [],
): Promise<Uint8Array> {
  const body = partOf(session, packAt(session, log, record), values);
  const linked = rowsIn(body, "linked_people").map((row) => `linked_people: ${textIn(row, "called")}`);
  const given = [...[...body.keys()].filter((name) => name !== "linked_people"), ...linked];
  const items = [...given.map((name) => [name, "yes"] as const), ...kept.map((name) => [name, "no"] as const)];
  const rows = items.map(
    ([field, sent]) =>
      [
        ["field", short(field)],
        ["sent", sent],
      ] as const,
  );
  return session.change(async (transaction) => {
    const letter = await postIn(session, transaction, log, REFERRAL, body);
    noteRows(session, transaction, log, record, "split", rows);
    return letter;
  });
}

type Cells = readonly (readonly [string, Json])[];

function noteRows(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  record: Uint8Array,
  field: string,
  rows: readonly Cells[],
): void {
  if (rows.length === 0) return;
  const who: Cells = [
    ["by", encodeUuid(session.identity.user)],
    ["at", minuteNow(session)],
  ];
  const edits = rows.map((cells): Edit => ({ act: "add", field, value: new Map<string, Json>([...cells, ...who]) }));
  editIn(session, transaction, log, record, edits);
}

function addTask(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  record: Uint8Array,
  what: string,
  due: string,
): Uint8Array {
  const task = new Map<string, Json>([
    ...([
      ["what", short(what)],
      ["owner", encodeUuid(session.identity.user)],
    ] as const),
    ...([
      ["due", due],
      ["task_state", "open"],
      ["from", encodeUuid(record)],
    ] as const),
  ]);
  return addValues(session, transaction, log, "task", task);
}

const referrerOf = (values: Values): string => textIn(values, "referrer") || textIn(values, "agency") || "the referrer";

/** Says what a pack lacks, and makes it this person's task to ask the referrer. Gives back the task's record. */
export async function sayIncomplete(
  session: Session,
  log: Uint8Array,
  record: Uint8Array,
  missing: readonly string[],
  due: string,
): Promise<Uint8Array> {
  const { values } = packAt(session, log, record);
  const items = [...new Set(missing)].sort();
  const said = new Set(rowsIn(values, "incomplete").map((row) => textIn(row, "item")));
  const what = `Ask ${referrerOf(values)} for: ${items.map(inWords).join(", ")}`;
  return session.change(async (transaction) => {
    const rows = items.filter((item) => !said.has(item)).map((item): Cells => [["item", item]]);
    noteRows(session, transaction, log, record, "incomplete", rows);
    return addTask(session, transaction, log, record, what, due);
  });
}

/** What a pack was looked at for, and the records of other packs that have something of it. */
export type Match = readonly [check: "both_roles" | "couple" | "two_victims", found: readonly Uint8Array[]];

const namesIn = (values: Values, list: string): ReadonlySet<string> =>
  new Set(
    rowsIn(values, list)
      .map((row) => textIn(row, "names").toLowerCase().split(/\s+/u).filter(Boolean).join(" "))
      .filter(Boolean),
  );
const meet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => [...a].some((one) => b.has(one));

/** Looks for the people of a pack in the desk's other packs, and keeps what was looked for and what was found. */
export async function match(session: Session, log: Uint8Array, record: Uint8Array): Promise<readonly Match[]> {
  const { values: mine } = packAt(session, log, record);
  const [harms, harmed] = [namesIn(mine, "person_using_abuse"), namesIn(mine, "people_harmed")];
  const others = recordsIn(session, log, PACK)
    .filter(({ id }) => hex(id) !== hex(record))
    .map((one) => {
      const values = valuesOf(one);
      const [theyHarm, theyAreHarmed] = [namesIn(values, "person_using_abuse"), namesIn(values, "people_harmed")];
      const [here, there] = [meet(harms, theyAreHarmed), meet(harmed, theyHarm)];
      const somebodyElse = meet(harms, theyHarm) && [...harmed].some((name) => !theyAreHarmed.has(name));
      return { id: one.id, both_roles: here !== there, couple: here && there, two_victims: somebodyElse };
    });
  const checks = ["both_roles", "couple", "two_victims"] as const;
  const found = checks.map((check): Match => [check, others.filter((one) => one[check]).map(({ id }) => id)]);
  const rows = found.map(([check, ids]): Cells => [
    ...([
      ["check", check],
      ["result", ids.length > 0 ? "found" : "nothing_found"],
    ] as const),
    ...(ids.length > 0 ? [["note", short(ids.map((id) => hex(id).slice(0, 8)).join(", "))] as const] : []),
  ]);
  await session.change(async (transaction) => noteRows(session, transaction, log, record, "matches", rows));
  return found;
}

// --- on the perpetrator side ----------------------------------------------------------------------------------------

/** Referrals at this side's desk that no case was begun from and nobody has declined; of several with one parcel the first. */
export function referralsWaiting(session: Session): readonly Pack[] {
  if (session.identity.side !== "perpetrator") return [];
  const desks = receivingFiles(session).filter(({ reading }) => reading.file.kind === "intake");
  return desks.flatMap(({ log }) => {
    const seen = new Set<string>();
    return recordsIn(session, log, REFERRAL).flatMap((record): readonly Pack[] => {
      const values = valuesOf(record);
      const parcel = textIn(values, "parcel") || hex(record.id);
      const again = seen.has(parcel);
      seen.add(parcel);
      const done = values.has("filed_in") || textIn(values, "decision").startsWith("declined_");
      return again || done ? [] : [{ log, record, values }];
    });
  });
}

function referralAt(session: Session, desk: Uint8Array, record: Uint8Array): FoldedRecord {
  const found = recordIn(session, desk, record);
  if (found.type !== REFERRAL || session.file(desk).reading.file.kind !== "intake")
    throw new Refused("bad-value", "that is no referral at this side's desk");
  return found;
}

const without = (values: Values, ...names: readonly string[]): Values =>
  new Map([...values].filter(([name]) => !names.includes(name)));

/** Begins a case from a referral: its fields, and everybody whom he knows as a record of their own. Gives back the case. */
export async function beginFrom(
  session: Session,
  desk: Uint8Array,
  record: Uint8Array,
  members: readonly Member[],
): Promise<Uint8Array> {
  const values = valuesOf(referralAt(session, desk, record));
  if (values.has("filed_in")) throw new Refused("not-permitted", "a case was begun from it already");
  const decided = new Map<string, Json>([
    ...without(values, "state", "addenda", "linked_people"),
    ...([
      ["decision", "accepted"],
      ["decided_on", dayNow(session)],
    ] as const),
    ...([["decided_by", encodeUuid(session.identity.user)]] as const),
  ]);
  return session.change(async (transaction) => {
    const log = await openCaseIn(session, transaction, members, textIn(values, "parcel") || null);
    addValues(session, transaction, log, REFERRAL, decided, false);
    for (const row of rowsIn(values, "linked_people"))
      addValues(session, transaction, log, LINKED, linkedFrom(session, row), false);
    const name = textIn(values, "names");
    const named = new Map<string, Json>([
      ["name", name],
      ["kind", "given"],
    ]);
    if (name !== "") addValues(session, transaction, log, "person", new Map<string, Json>([["names", [named]]]));
    editIn(session, transaction, desk, record, [{ act: "set", field: "filed_in", value: encodeUuid(log) }]);
    return log;
  });
}

function linkedFrom(session: Session, row: Row): Values {
  const known = session.schemas.types.get(LINKED)?.fields;
  const cells = new Map([...row].filter(([name]) => known?.has(name) === true));
  const because = row.get("he_knows_because");
  return because === undefined ? cells : new Map<string, Json>([...cells, ["he_knows_because", [because]]]);
}

/** Declines a referral, and makes it this person's task to tell the referrer. Gives back the task's record. */
export async function decline(
  session: Session,
  desk: Uint8Array,
  record: Uint8Array,
  { decision, reason, due }: { readonly decision: string; readonly reason: string; readonly due: string },
): Promise<Uint8Array> {
  const values = valuesOf(referralAt(session, desk, record));
  if (decision === "accepted") throw new Refused("bad-value", "from a referral that is accepted a case is begun");
  const said: Cells = [
    ...([
      ["decision", decision],
      ["decision_reason", reason],
    ] as const),
    ...([
      ["decided_on", dayNow(session)],
      ["decided_by", encodeUuid(session.identity.user)],
    ] as const),
  ];
  const edits = said.map(([field, value]): Edit => ({ act: "set", field, value }));
  return session.change(async (transaction) => {
    editIn(session, transaction, desk, record, edits);
    return addTask(session, transaction, desk, record, `Tell ${referrerOf(values)}: ${inWords(decision)}`, due);
  });
}
