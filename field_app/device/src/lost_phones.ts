/**
 * A phone that is lost, a colleague's or one's own: kept out at once, with what was on it and whom to ring. Spec 6.1.
 */
import { signRegistryStatement } from "@fieldkeep/core/author";
import { equal } from "@fieldkeep/core/bytes";
import type { RegistryStatement } from "@fieldkeep/core/certificate";
import { Refused } from "@fieldkeep/core/errors";
import { limit } from "@fieldkeep/core/limits";
import { holds } from "@fieldkeep/core/membership/state";
import { type Device, deviceOf, isInStanding } from "@fieldkeep/core/registry/state";
import { mayReinstate, type Role } from "@fieldkeep/core/roles";
import { authorOf, putEntry } from "./outbox";
import type { Session } from "./session";

export type LostBecause = Extract<RegistryStatement, { kind: "suspend" }>["reason"];

/** Signs a statement of this device in its registry: it goes at the next sync. */
async function say(session: Session, statement: RegistryStatement): Promise<void> {
  await session.change(async (transaction) => {
    const entry = await signRegistryStatement(authorOf(session, session.registry.log), statement);
    putEntry(session, transaction, entry);
  });
}

function known(session: Session, device: Uint8Array): Device {
  const found = deviceOf(session.registry, device);
  if (found === null || found.revoked !== null) throw new Refused("not-found", "there is no such phone on this side");
  return found;
}

const LEADING: readonly Role[] = ["administrator", "coordinator"];

/** Keeps a phone out until somebody lets it in again. Anybody may; it is sent at the next sync. */
export async function suspend(session: Session, device: Uint8Array, reason: LostBecause): Promise<void> {
  if (known(session, device).suspended !== null) throw new Refused("not-permitted", "that phone is kept out already");
  if (equal(device, session.identity.device))
    throw new Refused("not-permitted", "this is the phone in your hand: have it kept out from another");
  const all = [...session.registry.devices.values()];
  const mine = all.filter(
    ({ revoked, suspended, suspended_by: by }) =>
      revoked === null && suspended !== null && by !== null && equal(by, session.identity.user),
  );
  if (mine.length >= limit("suspensions_per_person"))
    throw new Refused("not-permitted", "you keep as many phones out as one person may: ring whoever leads your team");
  const left = all.some(
    (one) => isInStanding(one) && !equal(one.device, device) && one.roles.some((role) => LEADING.includes(role)),
  );
  if (!left) throw new Refused("not-permitted", "nobody would be left who could let anybody in again");
  await say(session, { kind: "suspend", device, reason });
}

/** Lets a phone in again that was kept out. */
export async function reinstate(session: Session, device: Uint8Array): Promise<void> {
  if (known(session, device).suspended === null) throw new Refused("not-permitted", "that phone is not kept out");
  const roles = deviceOf(session.registry, session.identity.device)?.roles ?? [];
  if (!mayReinstate(session.identity.side, roles)) throw new Refused("not-permitted", "ask a coordinator to do that");
  await say(session, { kind: "reinstate", device });
}

/** What was on a phone, as far as this one knows: of files that this phone has not, it knows nothing. */
export interface WasOn {
  readonly files: readonly { readonly log: Uint8Array; readonly records: number }[];
  /** Files of which it may still have older keys. */
  readonly earlier: number;
}

export function wasOn(session: Session, device: Uint8Array): WasOn {
  const all = [...session.files.values()];
  const held = all.filter(({ reading }) => holds(reading.file, device));
  const user = deviceOf(session.registry, device)?.user;
  const once = all.filter(
    ({ reading: { file } }) =>
      user !== undefined && !holds(file, device) && [...file.ever.values()].some((one) => equal(one.user, user)),
  );
  return { files: held.map(({ log, folded }) => ({ log, records: folded.records.size })), earlier: once.length };
}

/** Whom to ring: those who can put a phone out for good, and those who lead; nobody whose phone is kept out. */
export function whomToRing(session: Session): readonly { readonly name: string; readonly roles: readonly Role[] }[] {
  const found = new Map<string, { name: string; roles: readonly Role[] }>();
  for (const device of session.registry.devices.values()) {
    if (!isInStanding(device) || equal(device.user, session.identity.user)) continue;
    if (!device.roles.some((role) => LEADING.includes(role))) continue;
    const before = found.get(device.name)?.roles ?? [];
    found.set(device.name, { name: device.name, roles: [...new Set([...before, ...device.roles])] });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name, "en-GB"));
}
