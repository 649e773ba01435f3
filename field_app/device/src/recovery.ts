/**
 * Recovery on a phone: files that nobody holds any more brought back, a drill, a locked device opened by shares, and a
 * grant that a drill found wanting. Spec 6.3, 7.6, 13.4.
 *
 * What the shares come to is an argument, and is kept nowhere.
 */
import { randomSecret } from "@fieldkeep/core/author";
import { equal, hex } from "@fieldkeep/core/bytes";
import { decodeEntry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { seqOf } from "@fieldkeep/core/log";
import { makeGrant, makeRecover } from "@fieldkeep/core/membership/make";
import { openGranted } from "@fieldkeep/core/membership/opening";
import { epochsOf, type File, holds, isAbandonedAt, roleIn } from "@fieldkeep/core/membership/state";
import { drillBound, recoverBound, type RecoveryKeys } from "@fieldkeep/core/registry/recovery";
import { deviceOf, type PermitGiven, recoveryAt, recoveryById } from "@fieldkeep/core/registry/state";
import { mayInFile, type Role } from "@fieldkeep/core/roles";
import { authorOf, putEntry } from "./outbox";
import { makingIn, putRegistryStatement } from "./owed";
import type { OpenFile, Session } from "./session";
import { entryRow, OF, read } from "./stored";

/** `held` by a device that is not revoked; `same-key`: a fresh recovery key has to come first. */
export type FoundState = "ready" | "held" | "same-key" | "no-role";

export interface Found {
  readonly log: Uint8Array;
  readonly state: FoundState;
  /** The recovery key that holds it. */
  readonly key: Uint8Array | null;
}

const inForce = (session: Session): Uint8Array | null =>
  recoveryAt(session.registry, seqOf(session.registry.log))?.id ?? null;

export function ownPermit(session: Session): PermitGiven | null {
  const found = session.registry.permits.find(
    ({ device, ended }) => ended === null && equal(device, session.identity.device),
  );
  return found === undefined || found.until < session.serverNow() ? null : found;
}

/** Every file that this phone has and that its permit is about. */
export function survey(session: Session): readonly Found[] {
  const permit = ownPermit(session);
  if (permit === null) return [];
  const { files } = permit;
  return [...session.files.values()]
    .filter(
      ({ log, stopped, begun }) => stopped === "" && !begun && (files === null || files.some((one) => equal(one, log))),
    )
    .flatMap(({ log, reading: { file } }) =>
      file.kind === null || file.erased !== null ? [] : [{ log, state: stateOf(session, file), key: file.recovery }],
    );
}

function stateOf(session: Session, file: File): FoundState {
  if (!isAbandonedAt(session.registry, file, seqOf(session.registry.log))) return "held";
  if (file.recovery !== null && equal(file.recovery, inForce(session) ?? new Uint8Array())) return "same-key";
  return ownRole(session, file) === null ? "no-role" : "ready";
}

/** The role in which this person may bring a file back: the one that they have in it, or the first that may. */
function ownRole(session: Session, { kind, side, members }: File): Role | null {
  if (kind === null) return null;
  const now = members.get(hex(session.identity.user))?.role;
  const roles = deviceOf(session.registry, session.identity.device)?.roles ?? [];
  const sorted = [...roles].sort((a, b) => Number(b === now) - Number(a === now));
  return (
    sorted.find((role) => mayInFile(kind, side, "members_by", role) && mayInFile(kind, side, "members", role)) ?? null
  );
}

/** The key of this side that shares are of, in force or not. */
export function checkOwnKey(session: Session, { id }: RecoveryKeys): void {
  if (recoveryById(session.registry, id) === null)
    throw new Refused(
      "other-shares",
      "this side never had the key that these shares make: they are another side's, or another service's",
    );
}

/** The epochs of a file that a recovery key opens, each held against what was committed to. */
export async function opensWith(
  session: Session,
  log: Uint8Array,
  keys: RecoveryKeys,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const { file } = session.file(log).reading;
  const found = new Map<number, Uint8Array>();
  for (let seq = 1; seq <= seqOf(file.log); seq++) {
    const content = await session.rows.get(OF.entries(log), seq);
    const row = content === undefined ? null : read(entryRow, content);
    if (row === null || row.void !== null) continue;
    try {
      const opened = await openGranted(file, decodeEntry(row.pair), { to: keys.id, seed: keys.secret }, found);
      for (const [epoch, secret] of opened?.secrets ?? []) found.set(epoch, secret);
    } catch (error) {
      if (!(error instanceof Refused)) throw error; // what does not open is left out, and said
    }
  }
  return found;
}

/** Epochs that a key does not open. */
const closedIn = (file: File, opened: ReadonlyMap<number, Uint8Array>): readonly number[] =>
  epochsOf(file).filter((epoch) => !opened.has(epoch));

/** Brings back a file that is `ready`: this person is in it, with a new epoch. Sent at the next sync. Gives back the epochs that stay closed. */
export async function bringBack(session: Session, log: Uint8Array, keys: RecoveryKeys): Promise<readonly number[]> {
  const open: OpenFile = session.file(log);
  const { file } = open.reading;
  if (file.recovery === null || !equal(file.recovery, keys.id))
    throw new Refused("other-shares", "these shares are of another recovery key than the one that holds the file");
  const role = ownRole(session, file);
  if (role === null) throw new Refused("not-permitted", "you may not bring back a file of this kind");
  const { svc, device, user } = session.identity;
  const previous = file.previous;
  if (previous === null) throw new Refused("no-such-file", "a file that has not begun");
  const secrets = await opensWith(session, log, keys);
  const by = await keys.sign.sign(recoverBound(svc, log, device, previous));
  await session.change(async (transaction) => {
    putEntry(
      session,
      transaction,
      await makeRecover({ ...makingIn(session, open), secrets }, role, by, user, randomSecret()),
    );
  });
  return closedIn(file, secrets);
}

/** When nothing is left for it to bring back. Sent at the next sync. */
export async function closePermit(session: Session): Promise<void> {
  const { device } = session.identity;
  await session.change((transaction) => putRegistryStatement(session, transaction, { kind: "close", device }));
}

export interface Tried {
  readonly log: Uint8Array;
  readonly closed: readonly number[];
}

/** Proves that the shares come to the key in force, and what they open; it is left on record, at the next sync. */
export async function drill(session: Session, keys: RecoveryKeys): Promise<readonly Tried[]> {
  checkOwnKey(session, keys);
  if (!equal(keys.id, inForce(session) ?? new Uint8Array()))
    throw new Refused(
      "other-shares",
      "these are good shares of a key that is no longer in force: there are fresh ones",
    );
  const granted = [...session.files.values()].filter(
    ({ reading: { file } }) => file.recovery !== null && equal(file.recovery, keys.id),
  );
  const tried: Tried[] = [];
  for (const { log, reading } of granted)
    tried.push({ log, closed: closedIn(reading.file, await opensWith(session, log, keys)) });
  const { svc, device } = session.identity;
  const { log } = session.registry.log;
  await session.change(async (transaction) => {
    const by = await keys.sign.sign(drillBound(svc, log, device, authorOf(session, session.registry.log).sq));
    const opened = tried.filter(({ closed }) => closed.length === 0).length;
    await putRegistryStatement(session, transaction, { kind: "drill", key: keys.id, files: tried.length, opened, by });
  });
  return tried;
}

/** Grants the recovery key in force all epochs of a file once more: a drill found some closed. Sent at the next sync. */
export async function regrant(session: Session, log: Uint8Array): Promise<void> {
  await session.change(async (transaction) => {
    const open = session.file(log);
    const { file } = open.reading;
    const role = roleIn(file, session.identity.user) ?? "";
    const may = file.kind !== null && mayInFile(file.kind, file.side, "grant", role);
    if (!may || !holds(file, session.identity.device) || !open.secrets.has(file.epoch))
      throw new Refused("no-standing", "this phone does not hold the file's keys, or you may not give them");
    const key = recoveryAt(session.registry, seqOf(session.registry.log));
    if (key === null || file.recovery === null || !equal(file.recovery, key.id))
      throw new Refused(
        "not-permitted",
        "the file has not been granted to the fresh recovery key yet: send and fetch, which does that",
      );
    const to = [{ to: key.id, cert: key.cert, key: key.recovery }];
    putEntry(session, transaction, await makeGrant(makingIn(session, open), to));
  });
}

/** How this side stands: who holds the shares, when they were last together, and how many of this person's files the key in force opens. */
export function standing(session: Session): {
  readonly holders: readonly string[];
  readonly threshold: number | null;
  readonly drilledSeq: number | null;
  readonly granted: readonly OpenFile[];
  readonly owed: readonly OpenFile[];
} {
  const { custody, drills } = session.registry;
  const key = inForce(session);
  const isGranted = ({ reading: { file } }: OpenFile): boolean =>
    key !== null && file.recovery !== null && equal(file.recovery, key);
  const mine = session.ownFiles.filter(({ begun }) => !begun);
  return {
    ...{ holders: custody?.holders ?? [], threshold: custody?.threshold ?? null },
    drilledSeq: drills.findLast((one) => key !== null && equal(one.key, key))?.seq ?? null,
    ...{ granted: mine.filter(isGranted), owed: mine.filter((open) => !isGranted(open)) },
  };
}
