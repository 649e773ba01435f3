/**
 * A file of which nothing but ids is served: they lead to an erasure, or no honest server serves them. Spec 7.10, 9.6. Vectors: exchange.
 *
 * A reader that has nothing of the file knows no members: it demands two people whom the registry knows in roles that may.
 * One that has its beginning demands besides that one of the two is a member as far as it has read.
 */
import { toSign } from "../cose";
import type { Entry } from "../entry";
import { Refused } from "../errors";
import { append, appendId, isAddressed, liesOn, seqOf } from "../log";
import { approverOf, checkErasedFile, erasedBy } from "../membership/removal";
import { type File, roleIn } from "../membership/state";
import type { Check } from "../registry/judged";
import { type Device, deviceOf, isUnrevokedAt, reaches, type Registry } from "../registry/state";
import { type FileKind, mayInFile } from "../roles";
import { decodeFileStatement, type Erase } from "../statement";
import { contradiction, type Served } from "./served";

export type Ids = readonly (readonly [seq: number, id: Uint8Array])[];

export interface IdsTaken {
  readonly file: File;
  readonly ids: Ids;
  /** The place of the erasure; null where more is to come. */
  readonly erased: number | null;
}

function eraseIn(entry: Entry): Erase {
  if (entry.typ !== "fieldkeep-statement") throw contradiction("ids that lead to no erasure");
  const statement = decodeFileStatement(entry.payload);
  if (statement.kind !== "erase") throw contradiction("ids that lead to no erasure");
  return statement;
}

const mayErase = (kind: FileKind, { side }: File, roles: readonly string[]): boolean => roles.some((role) => mayInFile(kind, side, "erase", role));
const leads = (kind: FileKind, { side }: File, roles: readonly string[]): boolean => roles.some((role) => mayInFile(kind, side, "lead", role));

function checkPeople(file: File, { file: kind }: Erase, author: Device, approver: Device): void {
  const both = [author, approver];
  if (!both.every(({ roles }) => mayErase(kind, file, roles)) || !both.some(({ roles }) => leads(kind, file, roles))) {
    throw contradiction("erased by people who may not");
  }
  if (file.kind === null) return;
  if (file.kind !== kind) throw contradiction("the erasure of a file of another kind");
  const isMember = ({ user }: Device): boolean => mayErase(kind, file, [roleIn(file, user) ?? ""]);
  if (!both.some(isMember)) throw contradiction("erased by two people of whom none is a member");
}

/** null where the registry has not got what the erasure names. */
async function takeErasure(registry: Registry, file: File, { entry, received_ms }: Served, check: Check): Promise<File | null> {
  if (entry === null) throw contradiction("ids that lead to no erasure");
  const author = deviceOf(registry, entry.header.kid);
  if (author === null) return null;
  if (!(await check(author.sign, entry.signature, toSign(entry.frame)))) throw contradiction("an erasure that its author did not sign");
  const statement = eraseIn(entry);
  const reached = reaches(registry, statement.rg);
  if (reached === null) return null;
  const known = isAddressed(entry, file.svc, file.log.log) && liesOn(file.log, entry.header.sn) !== false && reached;
  if (!known || !isUnrevokedAt(author, statement.rg.seq)) throw contradiction("an erasure that does not stand");
  checkErasedFile(file, statement);
  const judged = { registry, file, entry, author, place: seqOf(file.log) + 1, receivedMs: received_ms, check };
  const { device } = await approverOf(judged, statement, statement.approval, "erase");
  const approver = deviceOf(registry, device);
  if (approver === null) throw contradiction("approved by a device that is not certified");
  checkPeople(file, statement, author, approver);
  return { ...erasedBy(judged), log: append(file.log, entry, received_ms, true), previous: entry.id, places: file.places.with(null) };
}

/** `served` is a whole page that leads to its signed head. Gives null where the registry is behind. */
export async function takeIds(registry: Registry, reading: File, served: readonly Served[], more: boolean, check: Check): Promise<IdsTaken | null> {
  let file = reading;
  const ids: (readonly [number, Uint8Array])[] = [];
  for (const [i, one] of served.entries()) {
    if (one.entry !== null && i === served.length - 1 && !more) {
      try {
        const after = await takeErasure(registry, file, one, check);
        return after === null ? null : { file: after, ids, erased: one.seq };
      } catch (error) {
        throw error instanceof Refused ? contradiction(error.message) : error;
      }
    }
    if (one.entry !== null) throw contradiction("ids among entries that are whole");
    file = { ...file, log: appendId(file.log, one.id, one.received_ms, null), places: file.places.with(null) };
    ids.push([one.seq, one.id]);
  }
  if (!more) throw contradiction("ids, and nothing more that they could lead to");
  return { file, ids, erased: null };
}
