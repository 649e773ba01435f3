/**
 * What a file's log comes to: members, epochs, holders, what was decided and removed.
 *
 * Spec 7. Vectors: membership, removal, recovery.
 */
import { compare, equal, hex } from "../bytes";
import type { Side } from "../ids";
import { emptyLog, Growing, type Log, seqOf } from "../log";
import { type Device, devicesOfAt, isUnrevokedAt, recoveryAt, type Registry } from "../registry/state";
import type { FileKind, Role } from "../roles";
import type { Member } from "../statement";

/** An envelope at a place of the log, by itself or carried by an admission. */
export interface Placed {
  readonly id: Uint8Array;
  readonly hashes: readonly Uint8Array[];
  readonly received_ms: number;
}

/** `at` is the place of what the part was in, 0 of what was held; `seq` that of the expunction. */
export interface Expunged {
  readonly id: Uint8Array;
  readonly part: number;
  readonly at: number;
  readonly seq: number;
}

/** Byte strings by their hexadecimal text: a set that compares by value. */
export type ByHex<T> = ReadonlyMap<string, T>;
export type Ids = ByHex<Uint8Array>;

export interface File {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly log: Log;
  /** null until there is a valid genesis. */
  readonly kind: FileKind | null;
  readonly members: ByHex<Member>;
  /** Everybody who ever was a member, with the last role that they had. */
  readonly ever: ByHex<Member>;
  /** 0 before there is one, and after an erasure. */
  readonly epoch: number;
  /** Numbers of void epochs that were above the epoch then current. */
  readonly voided: readonly number[];
  /** `kc` of each valid epoch. */
  readonly commits: ReadonlyMap<number, Uint8Array>;
  readonly holders: Ids;
  /** The recovery key that holds the file. */
  readonly recovery: Uint8Array | null;
  /** The newest statement, void or not. */
  readonly previous: Uint8Array | null;
  /** The newest epoch statement is void. */
  readonly blocked: boolean;
  /** Held entries that were admitted, refused or expunged. */
  readonly settled: Ids;
  readonly admitted: Ids;
  readonly expunged: readonly Expunged[];
  /** The statements whose hold is on. */
  readonly holds: Ids;
  /** Approvals that were used. */
  readonly approvals: Ids;
  readonly erased: { readonly id: Uint8Array; readonly seq: number } | null;
  /** What is at each place, null where no envelope is. */
  readonly places: Growing<Placed | null>;
}

export function emptyFile(registry: Registry, log: Uint8Array): File {
  return Object.freeze({
    svc: registry.svc,
    side: registry.side,
    log: emptyLog(log, registry.log.incarnation),
    kind: null,
    members: new Map<string, Member>(),
    ever: new Map<string, Member>(),
    epoch: 0,
    voided: [],
    commits: new Map<number, Uint8Array>(),
    holders: new Map<string, Uint8Array>(),
    recovery: null,
    previous: null,
    blocked: false,
    settled: new Map<string, Uint8Array>(),
    admitted: new Map<string, Uint8Array>(),
    expunged: [],
    holds: new Map<string, Uint8Array>(),
    approvals: new Map<string, Uint8Array>(),
    erased: null,
    places: Growing.of(null),
  });
}

export function idsWith(ids: Ids, ...more: readonly Uint8Array[]): Ids {
  return new Map([...ids, ...more.map((id) => [hex(id), id] as const)]);
}

export function idsWithout(ids: Ids, id: Uint8Array): Ids {
  return new Map([...ids].filter(([key]) => key !== hex(id)));
}

/** In rising order, as lists of ids stand on the wire. */
export function inOrder(ids: Ids): readonly Uint8Array[] {
  return [...ids.values()].sort(compare);
}

/** The role of a person who is a member now, or null. */
export function roleIn(file: File, user: Uint8Array): Role | null {
  return file.members.get(hex(user))?.role ?? null;
}

/** The role of a person who ever was a member: the last that they had. */
export function lastRoleIn(file: File, user: Uint8Array): Role | null {
  return file.ever.get(hex(user))?.role ?? null;
}

export function holds(file: File, device: Uint8Array): boolean {
  return file.holders.has(hex(device));
}

/** All valid epochs, rising. */
export function epochsOf(file: File): readonly number[] {
  return [...file.commits.keys()].sort((a, b) => a - b);
}

/** The lowest number above the current epoch that no void one has used. */
export function nextEpoch(file: File): number {
  let next = file.epoch + 1;
  while (file.voided.includes(next)) next += 1;
  return next;
}

export function wasExpunged(file: File, id: Uint8Array): boolean {
  return file.expunged.some((one) => equal(one.id, id));
}

export function isPartExpunged(file: File, id: Uint8Array, part: number): boolean {
  return file.expunged.some((one) => one.part === part && equal(one.id, id));
}

/** Abandoned: every device that holds the file was revoked at or before that place of the registry (spec 7.6). */
export function isAbandonedAt(registry: Registry, file: File, seq: number): boolean {
  if (file.erased !== null || file.kind === null) return false;
  return [...file.holders.keys()].every((device) => {
    const holder = registry.devices.get(device);
    return holder !== undefined && holder.revoked !== null && holder.revoked <= seq;
  });
}

/** Members' devices that have no grant, as the registry is now, in order of id. */
export function missing(registry: Registry, file: File): readonly Device[] {
  const now = seqOf(registry.log);
  const all = [...file.members.values()].flatMap(({ user }) => devicesOfAt(registry, user, now));
  return all.filter(({ device }) => !holds(file, device)).sort((a, b) => compare(a.device, b.device));
}

/** Whether a holder was revoked, or the recovery key that holds the file is not in force. */
export function rotationNeeded(registry: Registry, file: File): boolean {
  if (file.epoch === 0) return false;
  const now = seqOf(registry.log);
  const revoked = [...file.holders.keys()].some((device) => {
    const holder = registry.devices.get(device);
    return holder === undefined || !isUnrevokedAt(holder, now);
  });
  const inForce = recoveryAt(registry, now);
  return revoked || inForce === null || file.recovery === null || !equal(inForce.id, file.recovery);
}
