/** Recovery keys, who holds their shares, and who may recover. Spec 6.3. Vectors: recovery. */
import { concat, equal } from "../bytes";
import type { Custody, Drill, Permit, Renew } from "../certificate";
import { hkdf, L, u64be } from "../hash";
import { receivingKey } from "../hpke";
import { recoveryId } from "../ids";
import { checkReceiveKey, checkSignKey, type SigningKey, signingKey } from "../keys";
import { checkAdministrator, type Judged, knowsReceiveKey, knowsSignKey, named, refuse } from "./judged";
import { type Device, deviceOf, isInStanding, type PermitGiven, readsContent, type Registry } from "./state";

/** What a recovery secret comes to: the receiving key's seed is the secret itself. */
export interface RecoveryKeys {
  readonly secret: Uint8Array;
  readonly id: Uint8Array;
  readonly recovery: Uint8Array;
  readonly sign: SigningKey;
}

export async function recoveryKeys(secret: Uint8Array): Promise<RecoveryKeys> {
  const recovery = await receivingKey(secret);
  return { secret, recovery, id: recoveryId(recovery), sign: await signingKey(hkdf(secret, L("recovery-sign"), 32)) };
}

/** What the key in force signs in a drill: `sq` is the number of the drill's own entry. */
export function drillBound(svc: Uint8Array, log: Uint8Array, device: Uint8Array, sq: number): Uint8Array {
  return concat(L("drill"), svc, log, device, u64be(sq));
}

/** What the key that holds a file signs when the file is brought back: `previous` is the statement's `pr`. */
export function recoverBound(svc: Uint8Array, log: Uint8Array, device: Uint8Array, previous: Uint8Array): Uint8Array {
  return concat(L("recover"), svc, log, device, previous);
}

export function renew(
  { registry, entry, place }: Judged,
  author: Device,
  { recovery, recovery_sign }: Renew,
): Registry {
  checkAdministrator(author);
  checkReceiveKey(recovery);
  checkSignKey(recovery_sign);
  const id = recoveryId(recovery);
  const used = [...registry.spent.values()].some(({ key }) => equal(key, recovery_sign));
  if (
    used ||
    knowsSignKey(registry, recovery_sign) ||
    knowsReceiveKey(registry, recovery) ||
    deviceOf(registry, id) !== null
  ) {
    refuse("not-permitted", "a recovery key that is not fresh");
  }
  const key = { id, cert: entry.id, seq: place, recovery, recovery_sign };
  return { ...registry, recovery: [...registry.recovery, key], custody: null };
}

export function custody({ registry }: Judged, author: Device, { threshold, holders }: Custody): Registry {
  checkAdministrator(author);
  return { ...registry, custody: { threshold, holders } };
}

const isOpen = (permit: PermitGiven, device: Uint8Array): boolean =>
  permit.ended === null && equal(permit.device, device);

function ended(registry: Registry, device: Uint8Array, place: number): readonly PermitGiven[] {
  return registry.permits.map((permit) => (isOpen(permit, device) ? { ...permit, ended: place } : permit));
}

export function permit(
  { registry, entry, place }: Judged,
  author: Device,
  { device: id, files, reason, until }: Permit,
): Registry {
  checkAdministrator(author);
  const device = named(registry, id);
  if (!isInStanding(device) || !readsContent(device.roles)) {
    refuse("not-permitted", "a permit for a device that is suspended or reads no files");
  }
  const given: PermitGiven = { device: id, files, reason, until, seq: place, by: entry.header.kid, ended: null };
  return { ...registry, permits: [...ended(registry, id, place), given] };
}

export function close({ registry, place }: Judged, author: Device, id: Uint8Array): Registry {
  if (!equal(author.device, id)) checkAdministrator(author);
  if (!registry.permits.some((one) => isOpen(one, id))) refuse("not-permitted", "a device that has no permit");
  return { ...registry, permits: ended(registry, id, place) };
}

export async function drill(
  { registry, entry, place, check }: Judged,
  author: Device,
  { key, by }: Drill,
): Promise<Registry> {
  const inForce = registry.recovery.at(-1);
  if (inForce === undefined || !equal(inForce.id, key)) {
    return refuse("not-permitted", "a drill of a key that is not in force");
  }
  const bound = drillBound(registry.svc, registry.log.log, author.device, entry.header.sq);
  if (!(await check(inForce.recovery_sign, by, bound))) {
    refuse("not-permitted", "the key in force did not sign this drill");
  }
  return { ...registry, drills: [...registry.drills, { seq: place, device: author.device, key }] };
}
