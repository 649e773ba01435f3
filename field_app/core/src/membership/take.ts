/**
 * The next entry of a file, judged as a server does and as a reader does.
 *
 * Spec 3.1, 3.2, 7. Vectors: membership, removal, recovery.
 */
import { toSign } from "../cose";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import { verifies } from "../keys";
import { append, appendId, checkAddress, checkAuthorOrder, isAddressed, liesOn, orderCode, seqOf } from "../log";
import type { Check } from "../registry/judged";
import { deviceOf, reaches, type Registry } from "../registry/state";
import { decodeFileStatement, type FileStatement } from "../statement";
import { checkEnvelope, genesis, members, moreGrants, newEpoch, recover } from "./epochs";
import { checkAuthorCertified, type Judged, refuse } from "./judged";
import { admit, erase, eraseUnread, expunge, hold, refuseHeld } from "./removal";
import type { File, Placed } from "./state";

/** A file after one more entry; `void` is the code for which the entry is folded as nothing. */
export interface Taken {
  readonly file: File;
  readonly void: Code | null;
}

/** The registry that the reader has does not go far enough to judge the entry: it asks again. */
export const BEHIND = "behind";

function statementOf(entry: Entry): FileStatement {
  if (entry.typ === "fieldkeep-envelope") return refuse("malformed", "an envelope is no statement");
  const statement = decodeFileStatement(entry.payload);
  const carried = statement.kind === "admit" || statement.kind === "expunge" ? statement.kind : null;
  const carries =
    entry.typ === "fieldkeep-admission" ? "admit" : entry.typ === "fieldkeep-expunction" ? "expunge" : null;
  if (carried !== carries) {
    refuse("malformed", "admit stands in an admission, expunge in an expunction, and neither in any other");
  }
  return statement;
}

function statementOrNull(entry: Entry): FileStatement | null {
  try {
    return statementOf(entry);
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

/** §7.2 from the author on; the registry reaches the head that the statement names. */
async function apply(judged: Judged, statement: FileStatement): Promise<File> {
  const { file, entry } = judged;
  checkAuthorCertified(judged, statement);
  if (statement.kind === "genesis") return genesis(judged, statement);
  if (file.kind === null) refuse("not-permitted", "a file begins with a genesis");
  switch (statement.kind) {
    case "members":
      return members(judged, statement);
    case "epoch":
      return newEpoch(judged, statement);
    case "recover":
      return recover(judged, statement);
    case "grant":
      return moreGrants(judged, statement);
    case "refuse":
      return refuseHeld(judged, statement);
    case "hold":
      return hold(judged, statement);
    case "erase":
      return erase(judged, statement);
    case "admit":
      return entry.typ === "fieldkeep-admission"
        ? admit(judged, entry, statement)
        : refuse("malformed", "an admit outside an admission");
    case "expunge":
      return entry.typ === "fieldkeep-expunction"
        ? expunge(judged, entry, statement)
        : refuse("malformed", "an expunge outside an expunction");
    default: {
      const never: never = statement;
      return never;
    }
  }
}

function placedBy(entry: Entry, receivedMs: number): Placed | null {
  const envelope = entry.typ === "fieldkeep-envelope" ? entry : entry.typ === "fieldkeep-admission" ? entry.held : null;
  return envelope === null ? null : { id: envelope.id, hashes: envelope.hashes, received_ms: receivedMs };
}

function advance(file: File, entry: Entry, receivedMs: number, counts: boolean): File {
  const follows = file.kind !== null && (file.erased === null || file.erased.id === entry.id);
  const previous = follows && entry.typ !== "fieldkeep-envelope" ? entry.id : file.previous;
  const places = file.places.with(placedBy(entry, receivedMs));
  return Object.freeze({ ...file, log: append(file.log, entry, receivedMs, counts), previous, places });
}

/** A place of which a reader is shown nothing but the id: of a file that ends with an erasure (spec 7.10, 9.6). */
export function skipId(file: File, id: Uint8Array, receivedMs: number): File {
  return Object.freeze({ ...file, log: appendId(file.log, id, receivedMs, null), places: file.places.with(null) });
}

/**
 * What a void statement leaves behind all the same: it is the previous one, and a void epoch blocks and uses its number
 * up.
 */
function afterVoid(file: File, statement: FileStatement | null): File {
  if (file.kind === null || file.erased !== null || statement === null) return file;
  if (statement.kind !== "members" && statement.kind !== "epoch" && statement.kind !== "recover") return file;
  const { ep } = statement;
  const used = ep > file.epoch && !file.voided.includes(ep);
  return { ...file, blocked: true, voided: used ? [...file.voided, ep] : file.voided };
}

/** As a server judges an entry by itself (§3.1 rules 4, 7 and 9): throws the code for which it is not taken. */
export async function takeFileEntry(
  registry: Registry,
  file: File,
  entry: Entry,
  receivedMs: number,
  check: Check = verifies,
): Promise<File> {
  const statement = entry.typ === "fieldkeep-envelope" ? null : statementOf(entry);
  const author = deviceOf(registry, entry.header.kid);
  if (author === null) return refuse("no-such-file", "by a device that is not certified here");
  if (!(await check(author.sign, entry.signature, toSign(entry.frame)))) {
    refuse("malformed", "the signature does not hold");
  }
  checkAddress(entry, file.svc, file.log.log);
  checkAuthorOrder(file.log, entry);
  if (file.erased !== null) refuse("erased", "nothing stands after an erasure");
  const judged = { registry, file, entry, author, place: seqOf(file.log) + 1, receivedMs, check };
  if (statement !== null && reaches(registry, statement.rg) !== true) {
    refuse("stale-registry", "it names a registry head that is not on this chain");
  }
  return advance(await judgeNext(judged, statement), entry, receivedMs, true);
}

async function judgeNext(judged: Judged, statement: FileStatement | null): Promise<File> {
  if (statement !== null) return apply(judged, statement);
  if (judged.entry.typ === "fieldkeep-envelope") checkEnvelope(judged, judged.entry);
  return judged.file;
}

/**
 * As a reader judges: what is wrong by the log's own evidence is void, what no honest server serves is a
 * `contradiction`.
 * Gives BEHIND where the registry has not got the author's certificate, or the head that a statement names.
 */
export async function readFileEntry(
  registry: Registry,
  file: File,
  entry: Entry,
  receivedMs: number,
  check: Check = verifies,
): Promise<Taken | typeof BEHIND> {
  const author = deviceOf(registry, entry.header.kid);
  const statement = entry.typ === "fieldkeep-envelope" ? null : statementOrNull(entry);
  const reached = statement === null ? true : reaches(registry, statement.rg);
  if (author === null || reached === null) return BEHIND;
  if (!(await check(author.sign, entry.signature, toSign(entry.frame)))) {
    throw new Refused("contradiction", "an entry whose signature fails under its author's key");
  }
  if (!reached) throw new Refused("contradiction", "a statement relies on another registry than this one");
  const voided = (code: Code, counts: boolean): Taken => ({
    file: advance(afterVoid(file, statement), entry, receivedMs, counts),
    void: code,
  });
  if (!isAddressed(entry, file.svc, file.log.log)) return voided("malformed", false);
  if (liesOn(file.log, entry.header.sn) === false) {
    throw new Refused("contradiction", "the author saw another history of this file");
  }
  if (orderCode(file.log, entry) !== null) return voided("clone-detected", false);
  if (file.erased !== null) return voided("erased", true);
  if (entry.typ !== "fieldkeep-envelope" && statement === null) return voided("malformed", true);
  try {
    const after = await judgeNext(
      { registry, file, entry, author, place: seqOf(file.log) + 1, receivedMs, check },
      statement,
    );
    return { file: advance(after, entry, receivedMs, true), void: null };
  } catch (error) {
    if (error instanceof Refused) return voided(error.code, true);
    throw error;
  }
}

/**
 * As a reader that has nothing but ids of what stood between what it read and the erasure: the last entry, or a
 * `contradiction`.
 * `file` was brought up to that place by `skipId`. Nothing is destroyed by an erasure that does not hold.
 */
export async function readErasure(
  registry: Registry,
  file: File,
  entry: Entry,
  receivedMs: number,
  check: Check = verifies,
): Promise<File | typeof BEHIND> {
  const author = deviceOf(registry, entry.header.kid);
  if (author === null) return BEHIND;
  const contradiction = (message: string): Refused => new Refused("contradiction", message);
  if (!(await check(author.sign, entry.signature, toSign(entry.frame)))) {
    throw contradiction("an erasure whose signature fails");
  }
  const statement = statementOrNull(entry);
  if (statement?.kind !== "erase" || !isAddressed(entry, file.svc, file.log.log)) {
    throw contradiction("ids that lead to no erasure of this file");
  }
  const reached = reaches(registry, statement.rg);
  if (reached === null) return BEHIND;
  if (!reached || liesOn(file.log, entry.header.sn) === false) {
    throw contradiction("the erasure relies on another history");
  }
  try {
    const judged = { registry, file, entry, author, place: seqOf(file.log) + 1, receivedMs, check };
    checkAuthorCertified(judged, statement);
    return advance(await eraseUnread(judged, statement), entry, receivedMs, true);
  } catch (error) {
    if (error instanceof Refused) throw contradiction(`an erasure that does not hold: ${error.code}`);
    throw error;
  }
}
