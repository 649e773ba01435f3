/** What all rules of a file look at. Spec 7.2, rules 1 and 3. Vectors: membership. */
import { equal } from "../bytes";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import type { Check } from "../registry/judged";
import { type Device, isUnrevokedAt, type Registry } from "../registry/state";
import { type FileKind, type FileRight, mayInFile, type Role } from "../roles";
import type { FileStatement } from "../statement";
import { type File, holds, roleIn } from "./state";

/** `place` is the one that the entry takes, `author` the device that signed it. */
export interface Judged {
  readonly registry: Registry;
  readonly file: File;
  readonly entry: Entry;
  readonly author: Device;
  readonly place: number;
  readonly receivedMs: number;
  readonly check: Check;
}

export function refuse(code: Code, message: string): never {
  throw new Refused(code, message);
}

export function begunKind(file: File): FileKind {
  return file.kind ?? refuse("not-permitted", "a statement before there is a genesis");
}

export function mayHere(file: File, right: FileRight, role: Role | null): boolean {
  return role !== null && file.kind !== null && mayInFile(file.kind, file.side, right, role);
}

const RIGHTS: { readonly [K in FileStatement["kind"]]: FileRight | null } = {
  genesis: null,
  recover: null,
  members: "members_by",
  epoch: "epoch",
  grant: "grant",
  admit: "admit",
  refuse: "admit",
  expunge: "expunge",
  hold: "hold",
  erase: "erase",
};

export function checkAuthorCertified({ author }: Judged, { rg }: FileStatement): void {
  if (!isUnrevokedAt(author, rg.seq)) {
    refuse("not-permitted", "the author is not certified, or is revoked, at the registry head that it names");
  }
}

export function checkPrevious({ file }: Judged, statement: FileStatement): void {
  const { pr } = statement;
  if (pr === null || file.previous === null || !equal(pr, file.previous)) {
    refuse("stale-statement", "not after the newest statement");
  }
}

/** Rule 3: after the newest statement, by a member whose role may sign this here, on a device that holds the file. */
export function checkStanding(judged: Judged, statement: FileStatement): void {
  const { file, author } = judged;
  checkPrevious(judged, statement);
  const right = RIGHTS[statement.kind];
  if (right === null || !mayHere(file, right, roleIn(file, author.user))) {
    refuse("not-permitted", "by nobody whose role may sign this here");
  }
  if (!holds(file, author.device)) refuse("not-permitted", "by a device that does not hold the file");
}
