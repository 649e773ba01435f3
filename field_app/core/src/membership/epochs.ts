/**
 * Statements that make an epoch or grant one: who is in a file, and who holds it.
 *
 * Spec 7.2 to 7.4, 7.6. Vectors: membership, recovery.
 */
import { equal, hex } from "../bytes";
import type { Envelope } from "../entry";
import { fileLog } from "../ids";
import { recoverBound } from "../registry/recovery";
import { deviceOf, devicesOfAt, isPermittedAt, recoveryAt, recoveryById } from "../registry/state";
import { fileExists, type FileKind, mayInFile } from "../roles";
import type { EpochStatement, Genesis, Grant, Member, Members, MoreGrants, NewEpoch, Recover } from "../statement";
import { checkEpochGrants, checkMoreGrants } from "./grants";
import { begunKind, checkPrevious, checkStanding, type Judged, refuse } from "./judged";
import { type ByHex, type File, holds, type Ids, idsWith, isAbandonedAt, nextEpoch } from "./state";

function byUser(members: readonly Member[]): ByHex<Member> {
  return new Map(members.map((member) => [hex(member.user), member]));
}

/** The devices among the recipients; whoever is not one is the recovery key. */
function devicesIn({ registry }: Judged, grants: readonly Grant[]): Ids {
  return idsWith(new Map(), ...grants.map(({ to }) => to).filter((to) => deviceOf(registry, to) !== null));
}

/** The file after a valid epoch statement. */
function begin(judged: Judged, kind: FileKind, members: ByHex<Member>, { ep, kc, grants, rg }: EpochStatement): File {
  const { registry, file } = judged;
  checkEpochGrants(registry, file, members, ep, grants, rg.seq);
  return {
    ...file,
    kind,
    members,
    ever: new Map([...file.ever, ...members]),
    epoch: ep,
    commits: new Map([...file.commits, [ep, kc]]),
    holders: devicesIn(judged, grants),
    recovery: recoveryAt(registry, rg.seq)?.id ?? null,
    blocked: false,
  };
}

/** Rule 5, of each person who comes in. */
function checkNewcomers({ registry, file }: Judged, kind: FileKind, newcomers: readonly Member[], seq: number): void {
  for (const { user, role } of newcomers) {
    const devices = devicesOfAt(registry, user, seq);
    if (devices.length === 0) refuse("wall", "somebody who has no device on this side");
    const held = devices.some(({ roles }) => roles.includes(role));
    if (!held || !mayInFile(kind, file.side, "members", role)) {
      refuse("not-permitted", "somebody in a role that is not theirs, or not of such a file");
    }
  }
}

export function genesis(judged: Judged, statement: Genesis): File {
  const { file, author, registry } = judged;
  const { file: kind, members, nonce, rg, side } = statement;
  if (file.kind !== null) refuse("not-permitted", "a file has one genesis");
  if (!equal(fileLog(file.svc, author.device, nonce), file.log.log)) {
    refuse("malformed", "the log id does not follow from creator and nonce");
  }
  if (side !== registry.side) refuse("wall", "a file of another side");
  if (!fileExists(kind, side)) refuse("not-permitted", "such files do not exist on this side");
  const own = members.find(({ user }) => equal(user, author.user));
  if (own === undefined || !author.roles.includes(own.role) || !mayInFile(kind, side, "genesis", own.role)) {
    return refuse("not-permitted", "begun by nobody who may begin such a file");
  }
  checkNewcomers(judged, kind, members, rg.seq);
  return begin(judged, kind, byUser(members), statement);
}

function checkEpoch({ file }: Judged, ep: number): void {
  if (ep !== nextEpoch(file)) refuse("stale-statement", `epoch ${ep}, want ${nextEpoch(file)}`);
}

export function members(judged: Judged, statement: Members): File {
  const { file, author } = judged;
  checkStanding(judged, statement);
  checkEpoch(judged, statement.ep);
  const { add, remove, rg } = statement;
  if (add.some(({ user }) => file.members.has(hex(user)))) refuse("not-permitted", "somebody is added who is a member");
  if (remove.some((user) => !file.members.has(hex(user)))) refuse("not-permitted", "somebody is removed who is none");
  if (remove.some((user) => equal(user, author.user))) refuse("not-permitted", "nobody removes themselves");
  const kind = begunKind(file);
  checkNewcomers(judged, kind, add, rg.seq);
  const removed = new Set(remove.map(hex));
  const staying = [...file.members].filter(([user]) => !removed.has(user));
  return begin(judged, kind, new Map([...staying, ...byUser(add)]), statement);
}

export function newEpoch(judged: Judged, statement: NewEpoch): File {
  checkStanding(judged, statement);
  checkEpoch(judged, statement.ep);
  return begin(judged, begunKind(judged.file), judged.file.members, statement);
}

export function moreGrants(judged: Judged, statement: MoreGrants): File {
  const { registry, file } = judged;
  checkStanding(judged, statement);
  checkMoreGrants(registry, file, statement.grants, statement.rg.seq);
  return { ...file, holders: new Map([...file.holders, ...devicesIn(judged, statement.grants)]) };
}

/** An abandoned file is brought back: by a device with a permit, with the signature of the key that holds the file. */
export async function recover(judged: Judged, statement: Recover): Promise<File> {
  const { registry, file, author, check } = judged;
  const { rg, role, by, pr, ep } = statement;
  const kind = begunKind(file);
  checkPrevious(judged, statement);
  checkEpoch(judged, ep);
  if (!isPermittedAt(registry, author.device, file.log.log, rg.seq)) {
    refuse("not-permitted", "by a device that has no permit for this file");
  }
  if (!author.roles.includes(role) || !mayInFile(kind, file.side, "members_by", role)) {
    refuse("not-permitted", "in a role that may not");
  }
  if (!isAbandonedAt(registry, file, rg.seq)) refuse("not-permitted", "a file that somebody holds");
  const holder = file.recovery === null ? null : recoveryById(registry, file.recovery);
  const inForce = recoveryAt(registry, rg.seq);
  if (holder === null || inForce === null || inForce.seq <= holder.seq) {
    return refuse("not-permitted", "no fresh recovery key is in force");
  }
  const bound = recoverBound(file.svc, file.log.log, author.device, pr);
  if (!(await check(holder.recovery_sign, by, bound))) {
    refuse("not-permitted", "the key that holds the file did not sign");
  }
  return begin(judged, kind, new Map([...file.members, ...byUser([{ user: author.user, role }])]), statement);
}

/** Spec 7.4: throws the code for which an envelope does not stand. */
export function checkEnvelope({ file, author }: Judged, envelope: Envelope): void {
  if (file.kind === null) refuse("no-such-file", "an envelope before there is a genesis");
  if (!holds(file, author.device)) refuse("no-standing", "by a device that does not hold the file");
  if (envelope.header.ep !== file.epoch) {
    refuse("stale-epoch", `sealed under epoch ${envelope.header.ep}, want ${file.epoch}`);
  }
  if (file.blocked) refuse("rotate-first", "after a void epoch nobody writes until a valid one");
}
