/** What all rules of a registry look at and refuse with. Spec 6. */
import { equal } from "../bytes";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import type { verifies } from "../keys";
import { administers, type Device, deviceOf, type Registry } from "./state";

export type Check = typeof verifies;

/** `place` is the one that the entry takes; `check` verifies signatures. */
export interface Judged {
  readonly registry: Registry;
  readonly entry: Entry;
  readonly place: number;
  readonly check: Check;
}

export function refuse(code: Code, message: string): never {
  throw new Refused(code, message);
}

/** Every signing key that is no device's to have: of devices, of the root, of recovery. */
export function knowsSignKey({ devices, root, recovery }: Registry, key: Uint8Array): boolean {
  const rooted = root === null ? [] : [root.authority, root.receipt, root.checkpoint];
  const known = [
    ...rooted,
    ...recovery.map((one) => one.recovery_sign),
    ...[...devices.values()].map((device) => device.sign),
  ];
  return known.some((one) => equal(one, key));
}

export function knowsReceiveKey({ devices, recovery }: Registry, key: Uint8Array): boolean {
  return [...recovery.map((one) => one.recovery), ...[...devices.values()].map((device) => device.receive)].some(
    (one) => equal(one, key),
  );
}

/** The device that a statement names, where it is certified and not revoked. */
export function named(registry: Registry, id: Uint8Array): Device {
  const device = deviceOf(registry, id);
  if (device === null || device.revoked !== null) {
    return refuse("not-permitted", "a device that is not certified, or is revoked");
  }
  return device;
}

export function checkAdministrator(author: Device): void {
  if (!administers(author)) refuse("not-permitted", "by a device that is no administrator's");
}
