/**
 * What is let in, and what is removed: admissions, expunctions, holds, erasures.
 *
 * Spec 7.5, 7.7 to 7.10, 15.7. Vectors: membership, removal.
 */
import { equal, hex } from "../bytes";
import type { Approval } from "../approval";
import { toSign } from "../cose";
import type { Admission, Expunction } from "../entry";
import { fileLog } from "../ids";
import { liesOn } from "../log";
import { weekOf } from "../parcel/address";
import { type Device, deviceOf, isCertifiedAt } from "../registry/state";
import { fileExists, type FileRight, mayInFile } from "../roles";
import {
  actHashOf,
  type Admit,
  type Erase,
  type Expunge,
  type FileStatement,
  type Hold,
  type Refuse,
} from "../statement";
import { type Approver, checkApproval } from "./approval";
import { begunKind, checkStanding, type Judged, mayHere, refuse } from "./judged";
import { type File, idsWith, idsWithout, isPartExpunged, roleIn, wasExpunged } from "./state";

/** How many weeks a letter stays in a liaison file. */
const LETTER_WEEKS = 7;

/** What was decided on once, or removed, is not decided on again. */
function checkUnsettled({ file }: Judged, id: Uint8Array): void {
  if (file.settled.has(hex(id)) || wasExpunged(file, id)) refuse("not-permitted", "what was decided on before");
}

export async function admit(judged: Judged, { held }: Admission, statement: Admit): Promise<File> {
  const { registry, file, check } = judged;
  checkStanding(judged, statement);
  const { header, id } = held;
  if (!equal(header.svc, file.svc) || !equal(header.log, file.log.log)) {
    refuse("malformed", "an envelope of another service or log");
  }
  const author = deviceOf(registry, header.kid);
  if (author === null || !isCertifiedAt(author, statement.rg.seq)) {
    return refuse("not-permitted", "by a device that is not certified");
  }
  if (!file.ever.has(hex(author.user))) refuse("not-permitted", "of somebody who never was a member");
  if (!file.commits.has(header.ep)) refuse("not-permitted", "in an epoch that is none of this file");
  if (!(await check(author.sign, held.signature, toSign(held.frame)))) {
    refuse("malformed", "the signature of what is admitted does not hold");
  }
  if (wasExpunged(file, id)) refuse("erased", "what was expunged");
  checkUnsettled(judged, id);
  if (liesOn(file.log, header.sn) !== true) refuse("not-permitted", "it claims to have seen another history");
  return { ...file, settled: idsWith(file.settled, id), admitted: idsWith(file.admitted, id) };
}

export function refuseHeld(judged: Judged, statement: Refuse): File {
  const { file } = judged;
  checkStanding(judged, statement);
  checkUnsettled(judged, statement.id);
  return { ...file, settled: idsWith(file.settled, statement.id) };
}

// --- two people -----------------------------------------------------------------------------------------------------

/**
 * An approval by another member who may sign this here, not used before, one of the two leading: the file with it used
 * up.
 */
async function withApproval(
  judged: Judged,
  statement: FileStatement,
  approval: Approval | null,
  right: "expunge" | "hold" | "erase",
): Promise<File> {
  const { file, author } = judged;
  const { id, user } = await approverOf(judged, statement, approval, right);
  const roles = [roleIn(file, author.user), roleIn(file, user)];
  if (roles.some((role) => !mayHere(file, right, role))) refuse("not-approved", "approved by nobody who may");
  if (!roles.some((role) => mayHere(file, "lead", role))) refuse("not-approved", "neither of the two leads such files");
  if (file.approvals.has(hex(id))) refuse("not-approved", "an approval that was used before");
  return { ...file, approvals: idsWith(file.approvals, id) };
}

/** Whoever approved this very act, where that is another person than the author. */
export async function approverOf(
  judged: Judged,
  statement: FileStatement,
  approval: Approval | null,
  kind: "expunge" | "hold" | "erase",
): Promise<Approver & { readonly id: Uint8Array }> {
  const { registry, file, author, receivedMs, check } = judged;
  const act = actHashOf(statement);
  if (approval === null || act === null) return refuse("not-approved", "nobody approved it");
  const context = { registry, log: file.log.log, kind, act, seq: statement.rg.seq, receivedMs };
  const approver = await checkApproval(context, approval, check);
  if (equal(approver.user, author.user)) refuse("not-approved", "approved by the person who carries it out");
  return { ...approver, id: approval.id };
}

function expungedFrom({ file, entry }: Judged, { at, id, part, hash }: Expunge): void {
  if (isPartExpunged(file, id, part)) refuse("not-permitted", "nothing is expunged twice");
  if (at === 0) {
    if (file.admitted.has(hex(id))) refuse("not-permitted", "what was let in is expunged where it stands");
    return;
  }
  if (at > entry.header.sn.seq) refuse("not-permitted", "the author had not applied what it removes");
  const there = file.places.at(at);
  const found = there?.hashes[part];
  if (there === null || there === undefined || !equal(there.id, id)) {
    refuse("not-permitted", "another envelope, or none, is at that place");
  }
  if (found === undefined || !equal(found, hash)) refuse("not-permitted", "the envelope has no such part there");
}

/** Spec 15.7: one person alone, in a liaison file, by the calendar. */
function checkCalendar({ file, receivedMs }: Judged, { at, approval }: Expunge): void {
  const there = file.places.at(at);
  if (file.kind !== "liaison" || at === 0 || there === null || there === undefined) {
    return refuse("not-permitted", "nothing that goes by the calendar");
  }
  if (approval !== null) refuse("not-permitted", "by the calendar nobody approves");
  if (weekOf(receivedMs) < weekOf(there.received_ms) + LETTER_WEEKS) {
    refuse("not-permitted", "before its week has come");
  }
}

export async function expunge(judged: Judged, { header }: Expunction, statement: Expunge): Promise<File> {
  const { file, place } = judged;
  const { at, id, part, reason, approval } = statement;
  checkStanding(judged, statement);
  const byAge = reason === "retention" || reason === "expired";
  if (byAge && file.holds.size > 0) refuse("not-permitted", "a hold is on the file");
  expungedFrom(judged, statement);
  if (header.ep !== file.epoch || file.blocked) {
    refuse("not-permitted", "the stub is sealed under an epoch that is not current");
  }
  if (reason === "expired") checkCalendar(judged, statement);
  const after = reason === "expired" ? file : await withApproval(judged, statement, approval, "expunge");
  const settled = at === 0 ? idsWith(after.settled, id) : after.settled;
  return { ...after, settled, expunged: [...after.expunged, { id, part, at, seq: place }] };
}

export async function hold(judged: Judged, statement: Hold): Promise<File> {
  const { file, entry } = judged;
  const { release, approval } = statement;
  checkStanding(judged, statement);
  if (release === null) return { ...file, holds: idsWith(file.holds, entry.id) };
  if (!file.holds.has(hex(release))) refuse("not-permitted", "no such hold is on");
  const after = await withApproval(judged, statement, approval, "hold");
  return { ...after, holds: idsWithout(after.holds, release) };
}

export function checkErasedFile(file: File, statement: Erase): void {
  if (!equal(fileLog(file.svc, statement.creator, statement.nonce), file.log.log)) {
    refuse("malformed", "the log id does not follow from creator and nonce");
  }
}

export async function erase(judged: Judged, statement: Erase): Promise<File> {
  const { file } = judged;
  checkStanding(judged, statement);
  if (file.holds.size > 0) refuse("not-permitted", "a hold is on the file");
  if (statement.file !== begunKind(file)) refuse("not-permitted", "a file of another kind");
  checkErasedFile(file, statement);
  await withApproval(judged, statement, statement.approval, "erase");
  return erasedBy(judged);
}

/**
 * What a reader can judge that was not shown all of the file: both are certified in roles that may erase such files,
 * and one in
 * one that leads them; where it has the beginning, one of the two is a member in a role that may, as far as it has
 * read.
 */
export async function eraseUnread(judged: Judged, statement: Erase): Promise<File> {
  const { registry, file, author } = judged;
  const { file: kind, approval } = statement;
  checkErasedFile(file, statement);
  if (!fileExists(kind, file.side)) refuse("not-permitted", "such files do not exist on this side");
  const { device: id, user } = await approverOf(judged, statement, approval, "erase");
  const approver = deviceOf(registry, id);
  const both = approver === null ? [] : [author, approver];
  const may = (right: FileRight) => (one: Device) => one.roles.some((role) => mayInFile(kind, file.side, right, role));
  if (both.length === 0 || !both.every(may("erase")) || !both.some(may("lead"))) {
    refuse("not-approved", "erased by nobody who may");
  }
  if (file.kind !== null) {
    if (kind !== file.kind) refuse("not-permitted", "a file of another kind");
    const members = [author.user, user].map((one) => roleIn(file, one));
    if (!members.some((role) => mayHere(file, "erase", role))) {
      refuse("not-approved", "erased by nobody who is known to be a member");
    }
  }
  return { ...erasedBy(judged), kind };
}

/** Nobody is a member, nobody holds the file, and no grant of it is left. */
export function erasedBy({ file, entry, place }: Judged): File {
  const none = new Map<string, never>();
  return {
    ...file,
    members: none,
    epoch: 0,
    voided: [],
    commits: new Map(),
    holders: none,
    recovery: null,
    blocked: false,
    settled: none,
    admitted: none,
    expunged: [],
    holds: none,
    approvals: none,
    erased: { id: entry.id, seq: place },
  };
}
