/** Who is granted an epoch, and what of a statement's grants is wrong. Spec 7.3. Vectors: membership, recovery. */
import { compare, equal, hex } from "../bytes";
import { Refused } from "../errors";
import type { Recipient } from "../grant";
import {
  deviceOf,
  devicesOfAt,
  isCertifiedAt,
  isUnrevokedAt,
  recoveryAt,
  recoveryById,
  type Registry,
} from "../registry/state";
import type { Grant, Member } from "../statement";
import { type ByHex, epochsOf, type File, holds } from "./state";

/** Whom an epoch is granted to: each unrevoked device of these people at that place, and the recovery key in force. */
export function recipients(registry: Registry, users: readonly Uint8Array[], seq: number): readonly Recipient[] {
  const devices = users.flatMap((user) => devicesOfAt(registry, user, seq));
  const all: Recipient[] = devices.map(({ device, cert, receive }) => ({ to: device, cert, key: receive }));
  const key = recoveryAt(registry, seq);
  if (key !== null) all.push({ to: key.id, cert: key.cert, key: key.recovery });
  return all.sort((a, b) => compare(a.to, b.to));
}

/**
 * Refuses as `stale-registry` where after that place a device of these people was revoked or a recovery key came in
 * force.
 */
export function checkFresh(registry: Registry, users: readonly Uint8Array[], seq: number): void {
  const concerned = new Set(users.map(hex));
  const revoked = [...registry.devices.values()].some(
    (device) => (device.revoked ?? 0) > seq && concerned.has(hex(device.user)),
  );
  const renewed = (registry.recovery.at(-1)?.seq ?? 0) > seq;
  if (revoked || renewed) {
    throw new Refused("stale-registry", "a revocation or a fresh recovery key came after the head that it names");
  }
}

/** W1: whoever is not in this side's registry at that place, under that very certificate, is beyond the wall. */
export function checkWall(registry: Registry, grants: readonly Grant[], seq: number): void {
  for (const { to, cert } of grants) {
    const device = deviceOf(registry, to);
    const key = recoveryById(registry, to);
    const known =
      device !== null && isCertifiedAt(device, seq) ? device.cert : key !== null && key.seq <= seq ? key.cert : null;
    if (known === null || !equal(known, cert)) {
      throw new Refused("wall", "a grant to nobody of this side, or under another certificate");
    }
  }
}

const sameEpochs = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((epoch, i) => epoch === b[i]);

/** Whether the recipient held the file before, so that the new epoch is all that it lacks. */
function heldBefore(file: File, to: Uint8Array): boolean {
  return holds(file, to) || (file.recovery !== null && equal(file.recovery, to));
}

/** What a grant of a new epoch lists for this recipient. */
export function epochsFor(file: File, to: Uint8Array, ep: number): readonly number[] {
  return heldBefore(file, to) ? [ep] : [...epochsOf(file), ep];
}

/** The grants of an epoch statement: exactly one for each recipient. */
export function checkEpochGrants(
  registry: Registry,
  file: File,
  members: ByHex<Member>,
  ep: number,
  grants: readonly Grant[],
  seq: number,
): void {
  checkWall(registry, grants, seq);
  const wanted = recipients(
    registry,
    [...members.values()].map(({ user }) => user),
    seq,
  );
  const isWanted = ({ to }: Grant, i: number): boolean =>
    wanted.some((recipient, at) => at === i && equal(recipient.to, to));
  if (wanted.length !== grants.length || !grants.every(isWanted)) {
    throw new Refused("not-permitted", "not exactly one grant for each device of each member and the recovery key");
  }
  for (const { to, epochs } of grants) {
    if (!sameEpochs(epochs, epochsFor(file, to, ep))) {
      throw new Refused("not-permitted", "a grant of other epochs than its recipient needs");
    }
  }
  checkRecoveryIsYoung(registry, file, seq);
}

/** The recovery key at that place is never older than the one that holds the file. */
function checkRecoveryIsYoung(registry: Registry, file: File, seq: number): void {
  const holder = file.recovery === null ? null : recoveryById(registry, file.recovery);
  if (holder !== null && (recoveryAt(registry, seq)?.seq ?? 0) < holder.seq) {
    throw new Refused("not-permitted", "a recovery key older than the one that holds the file");
  }
}

/**
 * The grants of a `grant`: of all valid epochs, to devices of members, or once more to the recovery key that holds the
 * file.
 */
export function checkMoreGrants(registry: Registry, file: File, grants: readonly Grant[], seq: number): void {
  checkWall(registry, grants, seq);
  const all = epochsOf(file);
  for (const { to, epochs } of grants) {
    if (!sameEpochs(epochs, all)) throw new Refused("not-permitted", "a grant of other than all valid epochs");
    const device = deviceOf(registry, to);
    const key = recoveryAt(registry, seq);
    const ofMember = device !== null && isUnrevokedAt(device, seq) && file.members.has(hex(device.user));
    const ofKey = key !== null && equal(key.id, to) && file.recovery !== null && equal(file.recovery, to);
    if (!ofMember && !ofKey) {
      throw new Refused("not-permitted", "a grant to no member's device and not to the key that holds the file");
    }
  }
}
