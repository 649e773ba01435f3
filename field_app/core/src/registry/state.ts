/**
 * What the registry of a side says, as far as it was read: devices, recovery keys, permits.
 *
 * Spec 6. Vectors: registry, recovery.
 */
import { equal, hex } from "../bytes";
import type { Root } from "../certificate";
import { registryLog, type Side } from "../ids";
import { emptyLog, Growing, type Log, liesOn, seqOf } from "../log";
import type { ServerIdentity } from "../receipt";
import { hasContent, isAdministrator, type Role } from "../roles";
import type { Head, Witness } from "../shape";

/** A certified device. Places are of the registry; `issuer` is who invited it, or the authority that certified it. */
export interface Device {
  readonly device: Uint8Array;
  readonly cert: Uint8Array;
  readonly seq: number;
  readonly user: Uint8Array;
  readonly name: string;
  readonly org: string;
  readonly roles: readonly Role[];
  readonly until: number;
  readonly label: string;
  readonly sign: Uint8Array;
  readonly receive: Uint8Array;
  readonly issuer: Uint8Array;
  readonly revoked: number | null;
  /** The place of the suspension that is on, and the person who keeps the device out. */
  readonly suspended: number | null;
  readonly suspended_by: Uint8Array | null;
  readonly wiped: number | null;
}

/** A recovery key; `cert` is the entry that names it. */
export interface RecoveryKey {
  readonly id: Uint8Array;
  readonly cert: Uint8Array;
  readonly seq: number;
  readonly recovery: Uint8Array;
  readonly recovery_sign: Uint8Array;
}

export interface PermitGiven {
  readonly device: Uint8Array;
  readonly files: readonly Uint8Array[] | null;
  readonly reason: string;
  readonly until: number;
  readonly seq: number;
  readonly by: Uint8Array;
  readonly ended: number | null;
}

export interface DrillHeld {
  readonly seq: number;
  readonly device: Uint8Array;
  readonly key: Uint8Array;
}

/** A `restore` that stands: the side came back from an older copy (17). `healed` is the place that ended the waiting. */
export interface Restoration {
  readonly incarnation: Uint8Array;
  readonly seq: number;
  readonly by: Uint8Array;
  readonly marked: boolean;
  readonly before: Witness | null;
  readonly healed: number | null;
}

export interface Registry {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly pinned: Uint8Array;
  readonly log: Log;
  readonly root: (Root & { readonly id: Uint8Array }) | null;
  /** By the device's id in hexadecimal. */
  readonly devices: ReadonlyMap<string, Device>;
  /** The device that enrolled with an invitation key, by that key in hexadecimal. */
  readonly spent: ReadonlyMap<string, { readonly key: Uint8Array; readonly device: Uint8Array }>;
  /** Invitation keys that were used again. */
  readonly reused: readonly Uint8Array[];
  /** In the order of their places: the last is the one in force. */
  readonly recovery: readonly RecoveryKey[];
  readonly custody: { readonly threshold: number; readonly holders: readonly string[] } | null;
  readonly permits: readonly PermitGiven[];
  readonly drills: readonly DrillHeld[];
  /** The hour (UTC) at which a day of cover traffic begins (9.7); null where there is none. */
  readonly coverHour: number | null;
  /** In the order of their places: the incarnation in force is the last one's, and `log` bears it. */
  readonly restorations: readonly Restoration[];
  /** When the entry at each place was received; nothing was at place 0. */
  readonly times: Growing<number>;
}

export function emptyRegistry(svc: Uint8Array, side: Side, pinned: Uint8Array): Registry {
  return Object.freeze({
    svc,
    side,
    pinned,
    log: emptyLog(registryLog(svc, side), new Uint8Array(16)),
    root: null,
    devices: new Map<string, Device>(),
    spent: new Map<string, { key: Uint8Array; device: Uint8Array }>(),
    reused: [],
    recovery: [],
    custody: null,
    permits: [],
    drills: [],
    coverHour: null,
    restorations: [],
    times: Growing.of(0),
  });
}

export function deviceOf(registry: Registry, id: Uint8Array): Device | null {
  return registry.devices.get(hex(id)) ?? null;
}

export function isCertifiedAt(device: Device, seq: number): boolean {
  return device.seq <= seq;
}

/** Certified at or before that place, and not revoked at or before it. */
export function isUnrevokedAt(device: Device, seq: number): boolean {
  return device.seq <= seq && (device.revoked === null || device.revoked > seq);
}

/** Neither revoked nor suspended, now. */
export function isInStanding(device: Device): boolean {
  return device.revoked === null && device.suspended === null;
}

/** Those devices of a person that are unrevoked at that place, in order of id. */
export function devicesOfAt(registry: Registry, user: Uint8Array, seq: number): readonly Device[] {
  const found = [...registry.devices].filter(([, device]) => equal(device.user, user) && isUnrevokedAt(device, seq));
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, device]) => device);
}

export function recoveryAt(registry: Registry, seq: number): RecoveryKey | null {
  return registry.recovery.findLast((key) => key.seq <= seq) ?? null;
}

export function recoveryById(registry: Registry, id: Uint8Array): RecoveryKey | null {
  return registry.recovery.find((key) => equal(key.id, id)) ?? null;
}

/** Whether the device has, at that place, a permit about this log. */
export function isPermittedAt(registry: Registry, device: Uint8Array, log: Uint8Array, seq: number): boolean {
  return registry.permits.some(
    (permit) =>
      equal(permit.device, device) &&
      permit.seq <= seq &&
      (permit.ended === null || permit.ended > seq) &&
      (permit.files === null || permit.files.some((file) => equal(file, log))),
  );
}

/** All that the side has had, the one in force last; none before there is a root. */
export function incarnations({ root, restorations }: Registry): readonly Uint8Array[] {
  return root === null ? [] : [root.incarnation, ...restorations.map(({ incarnation }) => incarnation)];
}

/** Whether what the side has lost may still come back. */
export function isHealing({ restorations }: Registry): boolean {
  return restorations.at(-1)?.healed === null;
}

/** true: on this registry's chain; false: not; null: this registry is not that far yet. */
export function reaches(registry: Registry, rg: Head): boolean | null {
  if (rg.seq > seqOf(registry.log)) return null;
  return incarnations(registry).some((one) => equal(one, rg.incarnation)) && liesOn(registry.log, rg);
}

/** The place of the last entry that was received at that time or before. */
export function placeAt(registry: Registry, ms: number): number {
  let seq = seqOf(registry.log);
  while (seq > 0 && (registry.times.at(seq) ?? 0) > ms) seq -= 1;
  return seq;
}

/** Whose receipts, heads and verdicts are taken, or null before there is a root. */
export function serverOf(registry: Registry): ServerIdentity | null {
  const { svc, root } = registry;
  return root === null ? null : { svc, receipt: root.receipt, incarnations: incarnations(registry) };
}

export function readsContent(roles: readonly Role[]): boolean {
  return roles.some(hasContent);
}

export function administers(device: Device): boolean {
  return isAdministrator(device.roles);
}
