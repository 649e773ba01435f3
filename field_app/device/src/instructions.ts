/** What the victim side asks of a case of the other side: what is in force here, and on that side what is sent. Spec 15.5. */
import { equal, hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import type { Json } from "@fieldkeep/core/change";
import { isList, isMap } from "@fieldkeep/core/fold/markers";
import { encodeUuid } from "@fieldkeep/core/ids";
import { fillerId, weekBegins, weekOf } from "@fieldkeep/core/parcel/address";
import { gateNow, isFillerTime, isInForce, untilOf } from "@fieldkeep/core/parcel/letter_body";
import { json } from "@fieldkeep/core/change";
import { receivingFiles, weekNow } from "./board";
import { liaisonOf, sentAt } from "./cases";
import { addressIn, postIn } from "./posting";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { dayNow, recordsIn, type Values, valuesOf } from "./values_in";

/** What holds in a case today. No word ever is `hold`: unknown acts as hold. */
export interface InForce {
  readonly gate: string;
  readonly letters: readonly Values[];
}

/** What came to a liaison file, in order; of several records with one parcel the first. */
export function lettersIn(session: Session, liaison: Uint8Array): readonly Values[] {
  const found = new Map<string, Values>();
  for (const record of recordsIn(session, liaison, "instruction")) {
    const values = valuesOf(record);
    const parcel = values.get("parcel");
    const key = typeof parcel === "string" ? parcel : hex(record.id);
    if (typeof values.get("word") === "string" && !found.has(key)) found.set(key, values);
  }
  return [...found.values()];
}

export function inForce(session: Session, log: Uint8Array): InForce {
  const liaison = liaisonOf(session, log);
  const there = liaison !== null && session.files.has(hex(liaison.log)) ? lettersIn(session, liaison.log) : [];
  const now = there.filter((body) => isInForce(body, dayNow(session)));
  return { gate: gateNow(now, session.schemas), letters: now };
}

// --- on the victim side -------------------------------------------------------------------------------------------

/** What a letter across says is known over there: its days tell nothing. */
const ACROSS: ReadonlySet<string> = new Set(["parcel_sent", "letter_request", "instruction", "notice", "case_opened"]);
const DAY = /^\d{4}-\d\d-\d\d/;

function daysOf(value: Json): readonly string[] {
  if (typeof value === "string") return DAY.test(value) ? [value.slice(0, 10)] : [];
  if (isList(value)) return value.flatMap(daysOf);
  return isMap(value) ? [...value.values()].flatMap(daysOf) : [];
}

/** Every day that a record of a file names, but for what was sent across. */
export function daysIn(session: Session, log: Uint8Array): ReadonlySet<string> {
  const records = [...session.recordsOf(log).records.values()].filter(({ type }) => !ACROSS.has(type));
  const fields = records.flatMap((record) => [...record.fields.values()]);
  return new Set(fields.flatMap(({ live }) => live.flatMap(({ value }) => daysOf(value))));
}

export interface Asked {
  readonly say?: readonly string[];
  readonly gate?: string;
  readonly ringFirst?: string;
  readonly weeks: number;
  /** Why, and what she thinks: it stays in the file that it is sent from. */
  readonly about?: Values;
}

/** Asks something of a case, from today, for whole weeks; gives back the last day. */
export async function instruct(session: Session, log: Uint8Array, address: Uint8Array, asked: Asked): Promise<string> {
  const from = dayNow(session);
  const until = untilOf(from, asked.weeks);
  const word = asked.gate === undefined ? "instruction" : "contact_gate";
  const kept = new Map<string, Json>([["word", word], ["from", from], ["until", until]]);
  if (asked.say !== undefined && asked.say.length > 0) kept.set("say", asked.say);
  if (asked.gate !== undefined) kept.set("gate", asked.gate);
  const body = new Map<string, Json>([...kept, ["ring_first", asked.ringFirst ?? "duty_desk"]]);
  const about = new Map<string, Json>([["to_case", encodeUuid(address)], ...kept, ...(asked.about ?? [])]);
  await session.change((transaction) =>
    postIn(session, transaction, log, "instruction", body, { to: address, about, days: daysIn(session, log) }),
  );
  return until;
}

/** After Friday noon, a filler to each case to which nothing is known to have gone this week: a quiet week looks like a busy one. */
export async function fill(session: Session): Promise<void> {
  if (session.identity.side !== "victim") return;
  const week = weekNow(session);
  await session.change(async (transaction) => endOldFillers(session, transaction, week));
  if (!isFillerTime(session.serverNow())) return;
  for (const { log, secrets, reading } of receivingFiles(session)) {
    const [mark, secret] = [`filled:${hex(log)}`, secrets.get(1)];
    const done = session.fact(mark);
    if (reading.file.kind !== "intake" || secret === undefined) continue;
    if (done !== undefined && equal(done, encode(week))) continue;
    const sent = sentIn(session, week);
    await session.change(async (transaction) => {
      for (const address of casesKnown(session, log)) {
        const to = encodeUuid(address);
        if (sent.has(to)) continue;
        const about = new Map<string, Json>([["to_case", to], ["word", "filler"]]);
        const id = fillerId(secret, address, week);
        const body = new Map<string, Json>([["word", "filler"]]);
        await postIn(session, transaction, log, "instruction", body, { to: address, about, id });
      }
      session.setFact(transaction, mark, encode(week));
    });
  }
}

/** A filler that could not be sent ends with its week. */
function endOldFillers(session: Session, transaction: Transaction, week: number): void {
  for (const { n, says, made_ms } of session.letters) {
    const body = says === null ? null : json(says.body);
    const isFiller = body !== null && isMap(body) && body.get("word") === "filler";
    if (isFiller && weekOf(made_ms + session.state.clock_offset) < week) session.dropLetter(transaction, n);
  }
}

/** The cases of the other side that letters of a file have named. */
export function casesKnown(session: Session, log: Uint8Array): readonly Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const record of recordsIn(session, log, "case_opened")) {
    const address = addressIn(valuesOf(record).get("case"));
    if (address !== null) found.set(hex(address), address);
  }
  return [...found.values()];
}

/** The cases to which this device knows something to have gone in a week. */
function sentIn(session: Session, week: number): ReadonlySet<string> {
  const [from, until] = [week, week + 1].map((one) => new Date(weekBegins(one)).toISOString().slice(0, 10));
  const all = session.ownFiles.flatMap(({ log }) => recordsIn(session, log, "parcel_sent").map(valuesOf));
  const inWeek = all.filter((one) => sentAt(one) >= (from ?? "") && sentAt(one) < (until ?? ""));
  return new Set(inWeek.flatMap((one) => { const to = one.get("to_case"); return typeof to === "string" ? [to] : []; }));
}
