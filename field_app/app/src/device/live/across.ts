/** What partner support asks of the other side, seen from one of its own files. Spec 15.5. */
import { dayNow, recordsIn, valuesOf } from "@fieldkeep/device/values_in";
import { casesKnown, daysIn, instruct } from "@fieldkeep/device/instructions";
import { limit } from "@fieldkeep/core/limits";
import { Refused } from "@fieldkeep/core/errors";
import { untilOf } from "@fieldkeep/core/parcel/letter_body";
import type { Json } from "@fieldkeep/core/change";
import type { Session } from "@fieldkeep/device/session";
import { terms } from "../../forms/schema";
import { isList } from "../../forms/values";
import { askFor, type AskedWords, waitingForMe, wordsAsked } from "@fieldkeep/device/agreeing";
import { equal } from "@fieldkeep/core/bytes";
import type { Across, Asking, AskingWords, WordsAsked } from "../facade";
import { idBytes, idText } from "./convert";
import { fileTitle, personName, textOf, valueOf } from "./people";

const DAY_MS = 86_400_000;
const dayAfter = (day: string): string => new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);
const labelOf = (list: string, code: string): string => terms(list).find((term) => term.code === code)?.label ?? code.replaceAll("_", " ");

/** The beginning of a case's address is all the name that it has on this side, and what the desk was told of it. */
function labelFor(session: Session, log: Uint8Array, address: string): string {
  const told = recordsIn(session, log, "notice").map(valuesOf).findLast((values) => values.get("case") === address && typeof values.get("names") === "string");
  const names = told?.get("names");
  return typeof names === "string" ? `${names} (${address.slice(0, 4)})` : `Case ${address.slice(0, 4)}`;
}

export function acrossOf(session: Session, log: Uint8Array): Across {
  const from = dayNow(session);
  const days = daysIn(session, log);
  const weeks = Array.from({ length: limit("letter_weeks") }, (_, index) => index + 1);
  const asked = recordsIn(session, log, "parcel_sent").flatMap((record) => {
    const [until, gate, said] = [textOf(record, "until"), textOf(record, "gate"), valueOf(record, "say")];
    if (until === undefined || until < from) return [];
    const codes = isList(said) ? said.filter((code) => typeof code === "string") : [];
    const says = [...(gate === undefined ? [] : [`Contact: ${labelOf("contact_gate", gate).toLowerCase()}`]), ...codes.map((code) => labelOf("instruction", code))];
    return says.length === 0 ? [] : [{ record: idText(record.id), says, until, sent: valueOf(record, "hash") !== undefined }];
  });
  return {
    cases: casesKnown(session, log).map((address) => ({ id: idText(address), label: labelFor(session, log, idText(address)) })),
    ends: weeks.map((many) => {
      const until = untilOf(from, many);
      return { weeks: many, until, refused: days.has(until) || days.has(dayAfter(until)) };
    }),
    asked,
    words: wordsAsked(session, log).filter(({ state }) => state === "open" || state === "agreed").map((one) => wordsView(session, one)),
  };
}

const said = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const codesOf = (value: Json | undefined): readonly string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);

function wordsView(session: Session, one: AskedWords): WordsAsked {
  const { log, record, by, address, body, about, state, approval } = one;
  const view = about.get("her_view");
  return {
    file: idText(log), record: idText(record), title: fileTitle(session, session.file(log)), to: labelFor(session, log, idText(address)), by: personName(session, by),
    mine: equal(by, session.identity.user), text: said(body.get("free_text")), says: codesOf(body.get("say")).map((code) => labelOf("instruction", code)),
    from: said(body.get("from")), until: said(body.get("until")), ringFirst: labelOf("ring_first", said(body.get("ring_first"))), why: said(about.get("why")) || undefined,
    basedOn: codesOf(about.get("based_on")).map((code) => labelOf("source_of_information", code)), herView: view === undefined ? undefined : labelOf("her_view", said(view)),
    state, endsMs: approval.payload.until,
  };
}

export const wordsWaiting = (session: Session): readonly WordsAsked[] => waitingForMe(session).map((one) => wordsView(session, one));

export async function askWords(session: Session, log: Uint8Array, { to, text, say, ringFirst, weeks, why, basedOn, herView }: AskingWords): Promise<string> {
  const about = new Map<string, Json>();
  if (why !== "") about.set("why", why);
  if (herView !== undefined) about.set("her_view", herView);
  await askFor(session, log, idBytes(to), { text, weeks, basedOn, say, ringFirst, about });
  return untilOf(dayNow(session), weeks);
}

export function ask(session: Session, log: Uint8Array, asking: Asking): Promise<string> {
  const { to, say, gate, ringFirst, weeks, why, basedOn, herView } = asking;
  if ((say.length > 0) === (gate !== undefined)) throw new Refused("bad-value", "either something is asked, or contact as a whole is judged");
  const about = new Map<string, Json>([["decided_by", idText(session.identity.user)]]);
  if (why !== "") about.set("why", why);
  if (basedOn.length > 0) about.set("based_on", basedOn);
  if (herView !== undefined) about.set("her_view", herView);
  const address = idBytes(to);
  return instruct(session, log, address, { say, ...(gate === undefined ? {} : { gate }), ringFirst, weeks, about });
}
