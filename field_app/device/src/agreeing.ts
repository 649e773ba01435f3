/**
 * What takes two people to send: one asks for words of their own, a second person reads exactly these, agrees, and so
 * sends them. Spec 15.6.
 *
 * What was asked for is a record in the file of this side that it is about, with the first person's approval of the
 * very letter. It never leaves that file.
 */
import { type Approval, approval } from "@fieldkeep/core/approval";
import { randomId } from "@fieldkeep/core/author";
import { base64, equal, fromBase64, hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { isList } from "@fieldkeep/core/fold/markers";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { encodeUuid } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { checkApproval } from "@fieldkeep/core/membership/approval";
import { checkSent, untilOf } from "@fieldkeep/core/parcel/letter_body";
import { letterRow, maySend } from "@fieldkeep/core/parcel/rights";
import { letterAct, mayBoth } from "@fieldkeep/core/parcel/second";
import { look, type Seen, seenWords } from "@fieldkeep/core/parcel/wording";
import { type Device, deviceOf, isInStanding } from "@fieldkeep/core/registry/state";
import { seqOf } from "@fieldkeep/core/log";
import { daysIn } from "./instructions";
import { addressIn, postIn } from "./posting";
import type { Session } from "./session";
import type { Letter } from "./stored";
import { addValues, dayNow, recordsIn, type Values, valuesOf } from "./values_in";
import { makeVoid } from "./writing";

const REQUEST = "letter_request";
const KIND = "instruction";
/** Where nobody else is known to know it, free words would tell who said so. */
const SOLE: ReadonlySet<Json> = new Set(["victim", "child"]);
/** Half of what is allowed, for devices whose clocks differ. */
const OPEN_MS = Math.floor(limit("approval_ms") / 2);
const BODY = ["free_text", "from", "until", "ring_first"] as const;

export type AskedState = "open" | "agreed" | "sent" | "ended" | "withdrawn";

/** Words that somebody asks to send. `agreed`: it waits for the server. */
export interface AskedWords {
  readonly log: Uint8Array;
  readonly record: Uint8Array;
  readonly by: Uint8Array;
  readonly address: Uint8Array;
  readonly letter: Uint8Array;
  readonly body: Values;
  /** Why, whose knowledge it is and what she thinks: it stays on this side. */
  readonly about: Values;
  readonly approval: Approval;
  readonly state: AskedState;
}

/** What in the words a second person should look at. */
export const seenIn = ({ body }: Pick<AskedWords, "body">): readonly Seen[] => look(textIn(body, "free_text"));

export interface Asking {
  readonly text: string;
  readonly weeks: number;
  readonly basedOn: readonly string[];
  readonly say?: readonly string[];
  readonly ringFirst?: string;
  readonly about?: Values;
}

/** Asks that a case is told something in these words, and approves exactly that. Gives back the request's record. */
export async function askFor(
  session: Session,
  log: Uint8Array,
  address: Uint8Array,
  asking: Asking,
): Promise<Uint8Array> {
  const { text, weeks, basedOn, say = [], ringFirst = "duty_desk", about = new Map<string, Json>() } = asking;
  checkWords(text);
  checkKnown(basedOn);
  const { side, device, svc } = session.identity;
  const to = letterRow(KIND, side)?.to;
  if (to !== "liaison" || !maySend(KIND, side, to, inStanding(session, device).roles))
    throw new Refused("not-permitted", "you may not send a word to a case");
  const from = dayNow(session);
  const said = new Map<string, Json>([
    ["free_text", text],
    ["from", from],
    ["until", untilOf(from, weeks)],
    ["ring_first", ringFirst],
  ]);
  if (say.length > 0) said.set("say", [...new Set(say)].sort());
  const body = new Map<string, Json>([["word", "instruction"], ...said]);
  checkSent(KIND, body, session.schemas, daysIn(session, log));
  const letter = randomId();
  const act = letterAct({ to: address, id: letter, kind: KIND, body });
  const until = session.serverNow() + OPEN_MS;
  const given = await approval.make(
    { kid: device, svc },
    { side, log: address, kind: "letter", act, until },
    session.key,
  );
  const kept = new Map<string, Json>([
    ...([...said, ["to_case", encodeUuid(address)], ["letter", encodeUuid(letter)]] as const),
    ...([["approval", base64(given)], ["based_on", basedOn], ...about] as const),
  ]);
  return session.change(async (transaction) => addValues(session, transaction, log, REQUEST, kept));
}

function checkWords(text: string): void {
  const stops = look(text)
    .filter((one) => one.stops)
    .map(seenWords);
  if (stops.length > 0)
    throw new Refused("bad-value", `say what to do, and no fact: these words have ${stops.join(", ")}`);
}

function checkKnown(basedOn: readonly Json[]): void {
  if (basedOn.every((one) => SOLE.has(one)))
    throw new Refused(
      "not-permitted",
      "nobody but she or a child is named as knowing it: free words would tell who said so. Use the closed list",
    );
}

function inStanding(session: Session, id: Uint8Array): Device {
  const found = deviceOf(session.registry, id);
  if (found === null || !isInStanding(found))
    throw new Refused("not-approved", "the phone of one of the two was revoked, or is suspended");
  return found;
}

/** All that was asked for, in one file or in all, oldest first. */
export function wordsAsked(session: Session, log?: Uint8Array): readonly AskedWords[] {
  const logs = log === undefined ? session.ownFiles.map((open) => open.log) : [log];
  return logs.flatMap((one) => {
    const went = wentIn(session, one);
    const all = [...session.recordsOf(one).records.values()].filter(({ type, hidden }) => type === REQUEST && !hidden);
    return all.flatMap((record) => askedIn(session, one, record, went) ?? []);
  });
}

/** What colleagues ask this person to agree to. */
export const waitingForMe = (session: Session): readonly AskedWords[] =>
  wordsAsked(session).filter(({ state, by }) => state === "open" && !equal(by, session.identity.user));

/** Of each request whether the server has its letter: false while that waits. */
function wentIn(session: Session, log: Uint8Array): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const values of recordsIn(session, log, "parcel_sent").map(valuesOf)) {
    const request = values.get("request");
    if (typeof request === "string") found.set(request, (found.get(request) ?? false) || values.has("hash"));
  }
  return found;
}

/** Null for one that says something else than its approval, or that no app of ours wrote so. */
function askedIn(
  session: Session,
  log: Uint8Array,
  record: FoldedRecord,
  went: ReadonlyMap<string, boolean>,
): AskedWords | null {
  const values = valuesOf(record);
  const [address, letter] = [addressIn(values.get("to_case")), addressIn(values.get("letter"))];
  const given = approvalIn(values.get("approval"));
  if (record.created === null || address === null || letter === null || given === null) return null;
  if (BODY.some((name) => typeof values.get(name) !== "string")) return null;
  const body = new Map<string, Json>([
    ["word", "instruction"],
    ...BODY.map((name) => [name, textIn(values, name)] as const),
  ]);
  const say = listIn(values, "say");
  if (say.length > 0) body.set("say", [...say].sort());
  const same =
    equal(given.payload.log, address) &&
    equal(given.payload.act, letterAct({ to: address, id: letter, kind: KIND, body }));
  if (!same) return null;
  const about = new Map([...values].filter(([name]) => ["why", "based_on", "her_view"].includes(name)));
  const over = given.payload.until < session.serverNow() || textIn(body, "until") < dayNow(session);
  const has = went.get(encodeUuid(record.id));
  const state =
    has === true ? "sent" : record.isVoid ? "withdrawn" : has === false ? "agreed" : over ? "ended" : "open";
  return { log, record: record.id, by: record.created.user, address, letter, body, about, approval: given, state };
}

const textIn = (values: Values, name: string): string => {
  const value = values.get(name);
  return typeof value === "string" ? value : "";
};

const listIn = (values: Values, name: string): readonly Json[] => {
  const value = values.get(name);
  return value !== undefined && isList(value) ? value : [];
};

function approvalIn(value: Json | undefined): Approval | null {
  try {
    return typeof value === "string" ? approval.decode(fromBase64(value)) : null;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** Sends what a colleague asked for, in exactly these words. Gives back the letter's id. Raises Refused when it may not go. */
export async function agree(session: Session, asked: AskedWords): Promise<Uint8Array> {
  const { log, address, body, about, letter, state, by } = asked;
  const { side, device, user } = session.identity;
  if (state !== "open") throw new Refused("not-permitted", `that request is ${state}`);
  if (equal(by, user))
    throw new Refused("not-permitted", "this takes two people: a colleague agrees to what you asked for");
  checkWords(textIn(body, "free_text"));
  checkKnown(listIn(about, "based_on"));
  const { registry } = session;
  const act = letterAct({ to: address, id: letter, kind: KIND, body });
  const wanted = {
    registry,
    log: address,
    kind: "letter",
    act,
    seq: seqOf(registry.log),
    receivedMs: session.serverNow(),
  } as const;
  const approver = await checkApproval(wanted, asked.approval);
  if (!mayBoth(KIND, side, inStanding(session, device), inStanding(session, approver.device)))
    throw new Refused("not-approved", "of the two, one may not send such a letter, or none is a coordinator");
  const kept = [...body].filter(([name]) => ["word", "say", "from", "until"].includes(name));
  const said = new Map<string, Json>([
    ["to_case", encodeUuid(address)],
    ...kept,
    ...about,
    ["decided_by", encodeUuid(by)],
    ["co_signer", encodeUuid(user)],
    ["request", encodeUuid(asked.record)],
  ]);
  const second = asked.approval.frame.bytes;
  return session.change((transaction) =>
    postIn(session, transaction, log, KIND, body, {
      to: address,
      about: said,
      id: letter,
      second,
      days: daysIn(session, log),
    }),
  );
}

/** Takes one's own request back while it has not gone: phones of colleagues send it no more. */
export async function withdraw(session: Session, { by, state, log, record }: AskedWords, why: string): Promise<void> {
  if (!equal(by, session.identity.user))
    throw new Refused(
      "not-permitted",
      "only who asked takes it back; if you do not agree, do nothing: it ends by itself",
    );
  if (state !== "open" && state !== "agreed") throw new Refused("not-permitted", `that request is ${state} already`);
  await makeVoid(session, log, record, why);
}

/**
 * Forgets letters that wait and that nobody would take any more: the request was taken back, its approval has ended, or
 * who gave it has lost their place. What may have gone already is left alone until its approval has ended.
 */
export async function dropStale(session: Session): Promise<void> {
  const stale = session.letters.filter((letter) => isStale(session, letter));
  if (stale.length === 0) return;
  const text =
    "words that you agreed to are not sent: whoever asked took them back, has lost their place, or it is too long ago. Ask again";
  await session.change(async (transaction) => {
    for (const { n, log } of stale) {
      session.dropLetter(transaction, n);
      session.alarm(transaction, log, null, "letter-dropped", text);
    }
  });
}

function isStale(session: Session, { says, sealed, log, id }: Letter): boolean {
  const second = says?.second ?? null;
  if (second === null) return false;
  const { payload, header } = approval.decode(second);
  if (payload.until < session.serverNow()) return true;
  if (sealed !== null) return false;
  const asked = session.files.has(hex(log)) ? wordsAsked(session, log).find((one) => equal(one.letter, id)) : undefined;
  const approver = deviceOf(session.registry, header.kid);
  return asked?.state !== "agreed" || approver === null || !isInStanding(approver);
}
