/**
 * Beginning files, adding and removing people. Spec 7. A file is begun offline; anything else is sent at the next
 * sync.
 */
import { randomId, randomSecret } from "@fieldkeep/core/author";
import { equal, hex } from "@fieldkeep/core/bytes";
import type { Entry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { seqOf } from "@fieldkeep/core/log";
import { makeGenesis, makeGrant, makeMembers } from "@fieldkeep/core/membership/make";
import { type File, holds, roleIn } from "@fieldkeep/core/membership/state";
import { devicesOfAt, deviceOf } from "@fieldkeep/core/registry/state";
import { fileExists, type FileKind, type FileRight, mayInFile, type Role } from "@fieldkeep/core/roles";
import type { Member } from "@fieldkeep/core/statement";
import { asBegun } from "./memory";
import { putEntry } from "./outbox";
import { makingIn } from "./owed";
import type { Transaction } from "./rows";
import type { OpenFile, Session } from "./session";

/** The first of this device's roles that may begin such a file, and be a member of it. */
export function beginningRole(session: Session, kind: FileKind): Role | null {
  const { side, device } = session.identity;
  const roles = deviceOf(session.registry, device)?.roles ?? [];
  const may = (right: FileRight, role: Role): boolean => mayInFile(kind, side, right, role);
  return roles.find((role) => may("genesis", role) && may("members", role)) ?? null;
}

/** Raises Refused unless this side knows the person in that role, and such a file takes it. */
function checkPerson(session: Session, kind: FileKind, { user, role }: Member): void {
  const devices = devicesOfAt(session.registry, user, seqOf(session.registry.log));
  if (devices.length === 0) throw new Refused("wall", "that person has no phone on this side");
  if (!mayInFile(kind, session.identity.side, "members", role))
    throw new Refused("not-permitted", `a ${kind} file takes no ${role}`);
  if (!devices.some(({ roles }) => roles.includes(role)))
    throw new Refused("not-permitted", `that person is no ${role}`);
}

/** Also offline. This person is a member, in the first role that may begin such a file; `members` are the others. */
export async function begin(session: Session, kind: FileKind, members: readonly Member[]): Promise<Uint8Array> {
  return session.change((transaction) => beginIn(session, transaction, kind, members));
}

export async function beginIn(
  session: Session,
  transaction: Transaction,
  kind: FileKind,
  members: readonly Member[],
): Promise<Uint8Array> {
  const { side, user, device } = session.identity;
  if (!fileExists(kind, side)) throw new Refused("bad-value", `there is no ${kind} file on this side`);
  if (session.standing !== "in") throw new Refused("no-standing", "this phone is kept out, and begins no file");
  const role = beginningRole(session, kind);
  if (role === null) throw new Refused("not-permitted", `you may not begin a ${kind} file`);
  const others = members.filter((member) => !equal(member.user, user));
  const people: readonly Member[] = [{ user, role }, ...others];
  for (const member of people) checkPerson(session, kind, member);
  const secret = randomSecret();
  const { registry, key, witness } = session;
  const beginning = { registry, device, key, kind, members: people, nonce: randomId(), secret, ck: witness };
  const genesis = await makeGenesis(beginning);
  const { log } = genesis.header;
  putEntry(session, transaction, genesis);
  const file = await asBegun(registry, genesis);
  const reading = { file, absent: [], ids: false };
  session.putFile(transaction, { ...session.blank(log), reading, secrets: new Map([[1, secret]]), begun: true });
  return log;
}

// --- people -------------------------------------------------------------------------------------------------------

/** Raises Refused unless this person may sign such a statement here, on this device, now. */
function changeable(session: Session, log: Uint8Array, right: "members_by" | "grant"): OpenFile & { kind: FileKind } {
  const open = session.file(log);
  const { file } = open.reading;
  if (open.begun || file.kind === null)
    throw new Refused("no-such-file", "this file is not at the server yet: send what you have first");
  const role = roleIn(file, session.identity.user) ?? "";
  if (!mayInFile(file.kind, file.side, right, role)) throw new Refused("not-permitted", "ask a coordinator to do that");
  if (!holds(file, session.identity.device) || (right === "grant" && !open.secrets.has(file.epoch)))
    throw new Refused("no-standing", "this phone was not given the file's keys yet: any other that has them does so");
  return { ...open, kind: file.kind };
}

async function changeMembers(
  session: Session,
  log: Uint8Array,
  add: readonly Member[],
  remove: readonly Uint8Array[],
): Promise<Entry> {
  return session.change(async (transaction) => {
    const open = changeable(session, log, "members_by");
    checkChange(session, open.reading.file, add, remove);
    for (const member of add) checkPerson(session, open.kind, member);
    const entry = await makeMembers(makingIn(session, open), add, remove, randomSecret());
    putEntry(session, transaction, entry);
    return entry;
  });
}

function checkChange(session: Session, file: File, add: readonly Member[], remove: readonly Uint8Array[]): void {
  if (add.some(({ user }) => roleIn(file, user) !== null))
    throw new Refused("not-permitted", "that person is a member already");
  if (remove.some((user) => roleIn(file, user) === null)) throw new Refused("not-found", "that person is no member");
  if (remove.some((user) => equal(user, session.identity.user)))
    throw new Refused("not-permitted", "nobody takes themselves out: ask a coordinator");
}

/** Sent at the next sync: they get the keys of all that was written before. */
export const addMember = (session: Session, log: Uint8Array, user: Uint8Array, role: Role): Promise<Entry> =>
  changeMembers(session, log, [{ user, role }], []);

/** Sent at the next sync, with a new key: nothing written after it is open to them. */
export const removeMember = (session: Session, log: Uint8Array, user: Uint8Array): Promise<Entry> =>
  changeMembers(session, log, [], [user]);

/** Gives a member's devices all keys once more: what they were given did not open. */
export async function grantAgain(session: Session, log: Uint8Array, user: Uint8Array): Promise<Entry> {
  return session.change(async (transaction) => {
    const open = changeable(session, log, "grant");
    if (roleIn(open.reading.file, user) === null) throw new Refused("not-found", "that person is no member");
    const devices = devicesOfAt(session.registry, user, seqOf(session.registry.log));
    if (devices.length === 0) throw new Refused("not-found", "that person has no phone in standing");
    const to = devices.map(({ device, cert, receive }) => ({ to: device, cert, key: receive }));
    const entry = await makeGrant(makingIn(session, open), to);
    putEntry(session, transaction, entry);
    return entry;
  });
}

/** Whether this person may add people here, and take them out. */
export function mayChangePeople(session: Session, log: Uint8Array): boolean {
  const { file } = session.file(log).reading;
  const role = roleIn(file, session.identity.user) ?? "";
  return (
    file.kind !== null && mayInFile(file.kind, file.side, "members_by", role) && holds(file, session.identity.device)
  );
}

/** People of this side who might be added, with the roles in which they might be. */
export function mightBeAdded(session: Session, log: Uint8Array): readonly (Member & { readonly name: string })[] {
  const { file } = session.file(log).reading;
  const { kind } = file;
  if (kind === null) return [];
  const found = new Map<string, Member & { readonly name: string }>();
  for (const device of session.registry.devices.values()) {
    if (device.revoked !== null || roleIn(file, device.user) !== null) continue;
    for (const role of device.roles)
      if (mayInFile(kind, file.side, "members", role))
        found.set(`${hex(device.user)} ${role}`, { user: device.user, role, name: device.name });
  }
  return [...found.values()];
}
