/**
 * When a statement of a registry stands, and what it changes.
 *
 * Spec 6.1, 6.2. Vectors: registry, cover. Those of recovery: ./recovery.
 */
import { concat, equal, hex } from "../bytes";
import type { Certify, CoverTraffic, DeviceKeys, Enrol, RegistryStatement, Restore, Root, Subject } from "../certificate";
import { toSign } from "../cose";
import { L } from "../hash";
import { fingerprint, recoveryId } from "../ids";
import { checkReceiveKey, checkSignKey } from "../keys";
import { limit } from "../limits";
import { mayReinstate, type Role, rolesAllowed } from "../roles";
import { checkAdministrator, type Judged, knowsReceiveKey, knowsSignKey, named, refuse } from "./judged";
import { close, custody, drill, permit, renew } from "./recovery";
import { administers, type Device, deviceOf, incarnations, isInStanding, type Registry } from "./state";

/** What an invitation key signs in an enrolment: these keys, with this invitation, here. */
export function countersigned(svc: Uint8Array, log: Uint8Array, invitation: Uint8Array, keys: DeviceKeys): Uint8Array {
  return concat(L("enrol"), svc, log, invitation, keys.device, keys.sign, keys.receive);
}

/** Gives the registry in which the statement stands; throws the code for which it is void. */
export async function apply(judged: Judged, statement: RegistryStatement): Promise<Registry> {
  const { registry, entry, place } = judged;
  if ((statement.kind === "root") !== (place === 1) || (registry.root === null && place > 1)) {
    refuse("not-permitted", "a registry begins with its root, and has one");
  }
  switch (statement.kind) {
    case "root":
      return begin(judged, statement);
    case "certify":
      return certify(judged, statement);
    case "enrol":
      return enrol(judged, statement);
    case "wiped":
      return wiped(judged);
  }
  const author = deviceOf(registry, entry.header.kid);
  if (author === null || !isInStanding(author)) {
    return refuse("not-permitted", "by a device that is not certified, revoked or suspended");
  }
  switch (statement.kind) {
    case "revoke":
      return revoke(judged, author, statement.device);
    case "suspend":
      return suspend(judged, author, statement.device);
    case "reinstate":
      return reinstate(judged, author, statement.device);
    case "renew":
      return renew(judged, author, statement);
    case "custody":
      return custody(judged, author, statement);
    case "permit":
      return permit(judged, author, statement);
    case "close":
      return close(judged, author, statement.device);
    case "drill":
      return drill(judged, author, statement);
    case "cover_traffic":
      return coverTraffic(judged, author, statement);
    case "restore":
      return restore(judged, author, statement);
    case "healed":
      return healed(judged, author);
    default: {
      const never: never = statement;
      return never;
    }
  }
}

function begin({ registry, entry, place }: Judged, root: Root): Registry {
  if (!equal(fingerprint(root.authority), registry.pinned)) {
    refuse("not-permitted", "another authority than the pinned one");
  }
  if (root.side !== registry.side) refuse("not-permitted", "the root of another side");
  for (const key of [root.authority, root.receipt, root.checkpoint, root.recovery_sign]) checkSignKey(key);
  checkReceiveKey(root.recovery);
  const { recovery, recovery_sign } = root;
  const key = { id: recoveryId(recovery), cert: entry.id, seq: place, recovery, recovery_sign };
  const log = { ...registry.log, incarnation: root.incarnation };
  return { ...registry, log, root: { ...root, id: entry.id }, recovery: [key] };
}

// --- certificates ---------------------------------------------------------------------------------------------------

function checkRoles(registry: Registry, roles: readonly Role[]): void {
  if (!rolesAllowed(registry.side, roles)) {
    refuse("not-permitted", "roles that one device of this side may not hold together");
  }
}

function checkKeys(registry: Registry, keys: DeviceKeys): void {
  checkSignKey(keys.sign);
  checkReceiveKey(keys.receive);
  if (deviceOf(registry, keys.device) !== null) refuse("not-permitted", "a device id that is certified already");
  if (registry.recovery.some(({ id }) => equal(id, keys.device))) {
    refuse("not-permitted", "a device id that is a recovery key's");
  }
  if (knowsSignKey(registry, keys.sign)) refuse("not-permitted", "a signing key that is somebody's already");
  if (knowsReceiveKey(registry, keys.receive)) refuse("not-permitted", "a receiving key that is somebody's already");
}

function withDevice(judged: Judged, subject: Subject, keys: DeviceKeys, issuer: Uint8Array): Registry {
  const { registry, entry, place } = judged;
  const fresh = { revoked: null, suspended: null, suspended_by: null, wiped: null };
  const device: Device = Object.freeze({ ...subject, ...keys, cert: entry.id, seq: place, issuer, ...fresh });
  return put(registry, device);
}

function put(registry: Registry, device: Device): Registry {
  return { ...registry, devices: new Map([...registry.devices, [hex(device.device), device]]) };
}

function certify(judged: Judged, { subject, keys }: Certify): Registry {
  const { registry, entry } = judged;
  if (deviceOf(registry, entry.header.kid) !== null) {
    refuse("not-permitted", "certified by a device and not by the authority");
  }
  if (subject.roles.length !== 1 || subject.roles[0] !== "administrator") {
    refuse("not-permitted", "the authority certifies administrators");
  }
  checkRoles(registry, subject.roles);
  checkKeys(registry, keys);
  return withDevice(judged, subject, keys, entry.header.kid);
}

async function enrol(judged: Judged, { invitation, keys, by }: Enrol): Promise<Registry> {
  const { registry, entry, check } = judged;
  const { header, payload } = invitation;
  if (!equal(entry.header.kid, keys.device)) refuse("not-permitted", "an enrolment of another device than its author");
  if (!equal(header.svc, registry.svc) || payload.side !== registry.side) {
    refuse("invitation-invalid", "an invitation for elsewhere");
  }
  const issuer = deviceOf(registry, header.kid);
  if (issuer === null || !administers(issuer) || !isInStanding(issuer)) {
    return refuse("invitation-invalid", "invited by nobody who may");
  }
  if (!(await check(issuer.sign, invitation.signature, toSign(invitation.frame)))) {
    refuse("malformed", "the invitation's signature does not hold");
  }
  checkSignKey(payload.key);
  const bound = countersigned(registry.svc, registry.log.log, invitation.id, keys);
  if (!(await check(payload.key, by, bound))) {
    refuse("invitation-invalid", "the holder of the invitation did not sign for these keys");
  }
  checkRoles(registry, payload.subject.roles);
  checkKeys(registry, keys);
  if (registry.spent.has(hex(payload.key))) refuse("invitation-spent", "an invitation that was used before");
  const spent = new Map([...registry.spent, [hex(payload.key), { key: payload.key, device: keys.device }]]);
  return { ...withDevice(judged, payload.subject, keys, header.kid), spent };
}

// --- standing -------------------------------------------------------------------------------------------------------

function revoke({ registry, place }: Judged, author: Device, id: Uint8Array): Registry {
  checkAdministrator(author);
  return put(registry, { ...named(registry, id), revoked: place });
}

const LEADING: readonly Role[] = ["administrator", "coordinator"];

function suspend({ registry, place }: Judged, author: Device, id: Uint8Array): Registry {
  const device = named(registry, id);
  if (device.suspended !== null) refuse("not-permitted", "a device that is suspended already");
  const all = [...registry.devices.values()];
  const keptOut = all.filter(
    ({ revoked, suspended, suspended_by }) =>
      revoked === null && suspended !== null && suspended_by !== null && equal(suspended_by, author.user),
  );
  if (keptOut.length >= limit("suspensions_per_person")) {
    refuse("not-permitted", "one person keeps no more devices out than this");
  }
  const left = all.some(
    (one) => isInStanding(one) && !equal(one.device, id) && one.roles.some((role) => LEADING.includes(role)),
  );
  if (!left) refuse("not-permitted", "no administrator or coordinator would be left");
  return put(registry, { ...device, suspended: place, suspended_by: author.user });
}

function reinstate({ registry }: Judged, author: Device, id: Uint8Array): Registry {
  const device = named(registry, id);
  if (device.suspended === null) refuse("not-permitted", "a device that is not suspended");
  if (!mayReinstate(registry.side, author.roles)) refuse("not-permitted", "by a device whose role lifts no suspension");
  return put(registry, { ...device, suspended: null, suspended_by: null });
}

function wiped({ registry, entry, place }: Judged): Registry {
  const device = deviceOf(registry, entry.header.kid);
  if (device === null || device.revoked === null || device.wiped !== null) {
    return refuse("not-permitted", "by no revoked device, or again");
  }
  return put(registry, { ...device, wiped: place });
}

// --- a side that came back from an older copy ---------------------------------------------------------------------------

function restore({ registry, entry, place }: Judged, author: Device, statement: Restore): Registry {
  checkAdministrator(author);
  const { incarnation, before, marked } = statement;
  const had = (one: Uint8Array): boolean => incarnations(registry).some((known) => equal(known, one));
  if (entry.header.sn.seq !== place - 1) refuse("not-permitted", "a restore whose author had not seen the registry's end");
  if (had(incarnation)) refuse("not-permitted", "an incarnation that the side had before");
  if (before !== null && !had(before.incarnation)) {
    refuse("not-permitted", "the checkpoint of an incarnation that the side never had");
  }
  const fresh = { incarnation, seq: place, by: author.device, marked, before, healed: null };
  const log = { ...registry.log, incarnation };
  return { ...registry, log, restorations: [...registry.restorations, fresh] };
}

function healed({ registry, place }: Judged, author: Device): Registry {
  checkAdministrator(author);
  const last = registry.restorations.at(-1);
  if (last?.healed !== null) return refuse("not-permitted", "nothing is waited for on this side");
  return { ...registry, restorations: [...registry.restorations.slice(0, -1), { ...last, healed: place }] };
}

// --- cover traffic ----------------------------------------------------------------------------------------------------

function coverTraffic({ registry }: Judged, author: Device, { hour }: CoverTraffic): Registry {
  checkAdministrator(author);
  if (hour === registry.coverHour) refuse("not-permitted", "it is so already");
  return { ...registry, coverHour: hour };
}
