/**
 * Who read what: a look is remembered before anything is shown, and becomes a record of the file with what else is sent.
 * Spec 16.1.
 *
 * What cannot be remembered or written keeps nobody from reading, and holds nothing up.
 */
import { hex } from "@fieldkeep/core/bytes";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { encodeUuid } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { seqOf } from "@fieldkeep/core/log";
import { count, id, map, millis, nullable, type Of, positive, text, word } from "@fieldkeep/core/shape";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { read, READ, write } from "./stored";
import { addValues } from "./values_in";

/** Of one record: it has to fit in an entry with room to spare. */
const ROWS = 200;
/** What is shown again within this time is the same look: a screen is drawn anew whenever a sync brings something. */
const SAME_MS = 600_000;
const PREFIX = "look:";

export type How = "opened" | "searched";
/** A record, or all records of a type that the file had. */
export type Shown = { readonly record: Uint8Array } | { readonly kind: string };

const lookShape = map({
  log: id,
  how: word(["opened", "searched"]),
  record: nullable(id),
  kind: text(0, 64),
  at_ms: millis,
  until_ms: millis,
  times: positive,
  upto: count,
});
type Look = Of<typeof lookShape>;

const nameOf = ({ log, how, record, kind }: Pick<Look, "log" | "how" | "record" | "kind">): string =>
  `${PREFIX}${hex(log)}:${how}:${record === null ? kind : hex(record)}`;

/** A person is about to be shown these. On disk when the promise is kept; nothing is written where nothing is new. */
export async function looked(session: Session, log: Uint8Array, shown: readonly Shown[], how: How): Promise<void> {
  const open = session.files.get(hex(log));
  if (open === undefined || open.reading.file.erased !== null) return;
  const now = session.serverNow();
  const upto = seqOf(open.reading.file.log);
  const looks = shown.flatMap((one): readonly Look[] => {
    const what = "record" in one ? { record: one.record, kind: "" } : { record: null, kind: one.kind };
    const fact = session.fact(nameOf({ log, how, ...what }));
    const before = fact === undefined ? null : read(lookShape, fact);
    if (before === null) return [{ log, how, ...what, at_ms: now, until_ms: now, times: 1, upto }];
    const isSame = now - before.until_ms < SAME_MS;
    if (isSame && minute(now) === minute(before.until_ms) && before.upto === upto) return [];
    return [{ ...before, until_ms: Math.max(now, before.until_ms), times: before.times + Number(!isSame), upto }];
  });
  if (looks.length === 0) return;
  await session.change(async (transaction) => {
    for (const look of looks) session.setFact(transaction, nameOf(look), write(lookShape, look));
  });
}

function looksIn(session: Session): ReadonlyMap<string, readonly Look[]> {
  const byFile = new Map<string, Look[]>();
  for (const [name, content] of session.memory.facts) {
    if (!name.startsWith(PREFIX)) continue;
    const look = read(lookShape, content);
    byFile.set(hex(look.log), [...(byFile.get(hex(look.log)) ?? []), look]);
  }
  for (const looks of byFile.values()) looks.sort((a, b) => a.at_ms - b.at_ms);
  return byFile;
}

const minute = (ms: number): string => new Date(ms).toISOString().slice(0, 16);
const at = (ms: number): Json =>
  new Map<string, Json>([
    ["at", minute(ms)],
    ["precision", "minute"],
  ]);

function rowOf({ how, at_ms, until_ms, times, record, kind, upto }: Look): Json {
  const row = new Map<string, Json>([
    ["how", how],
    ["at", at(at_ms)],
    ["until", at(until_ms)],
    ["times", times],
  ]);
  if (record !== null) row.set("record", encodeUuid(record));
  if (kind !== "") row.set("kind", kind);
  if (upto > 0) row.set("upto", upto);
  return row;
}

/**
 * At the beginning of a sync: where something else of the file goes out too, or the first look is an hour old; with
 * `everything` in all files. Each file by itself: what is read in one shows in no other.
 */
export async function putDue(session: Session, { everything = false } = {}): Promise<void> {
  for (const [key, looks] of looksIn(session)) {
    const [first] = looks;
    const open = session.files.get(key);
    if (first === undefined) continue;
    if (open === undefined || open.reading.file.erased !== null) {
      await session.change(async (transaction) => drop(session, transaction, looks));
      continue;
    }
    const loose = open.pending.some(({ outbox, held }) => outbox === null && held === "");
    const age = session.serverNow() - first.at_ms;
    const due = loose || age < 0 || age >= limit("looks_ms");
    const onTheWay = open.pending.some(
      ({ change, outbox, held }) => change.t === READ && held === "" && !isOver(session, outbox),
    );
    if (!everything && (!due || open.stopped !== "" || onTheWay)) continue;
    await put(session, open.log, looks);
  }
}

const isOver = (session: Session, n: number | null): boolean => n !== null && session.outbox.get(n)?.final === true;

async function put(session: Session, log: Uint8Array, looks: readonly Look[]): Promise<void> {
  try {
    await session.change(async (transaction) => {
      for (let start = 0; start < looks.length; start += ROWS) {
        const rows = looks.slice(start, start + ROWS).map(rowOf);
        addValues(session, transaction, log, READ, new Map<string, Json>([["looks", rows]]));
      }
      drop(session, transaction, looks);
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // who is no member any more writes nothing there
  }
}

function drop(session: Session, transaction: Transaction, looks: readonly Look[]): void {
  for (const look of looks) session.dropFact(transaction, nameOf(look));
}
