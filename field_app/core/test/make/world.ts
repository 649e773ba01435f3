/**
 * A side with an authority, an administrator and members' devices, made with the core alone: what tests of making
 * judge.
 */
import {
  type Author,
  authorIn,
  generateSigningKey,
  randomId,
  randomSecret,
  signRegistryStatement,
} from "../../src/author";
import type { DeviceKeys, RegistryStatement, Subject } from "../../src/certificate";
import { decodeEntry, encodeEntry, type Entry } from "../../src/entry";
import { decodeCode, encodeCode, type InvitationCode, invite, makeEnrolment } from "../../src/enrolment";
import { type Code, Refused } from "../../src/errors";
import { receivingKey } from "../../src/hpke";
import { authorityId, fingerprint } from "../../src/ids";
import { type SigningKey, signingKey } from "../../src/keys";
import { headOf, seqOf } from "../../src/log";
import { type RecoveryKeys, recoveryKeys } from "../../src/registry/recovery";
import { emptyRegistry, type Registry } from "../../src/registry/state";
import { readRegistryEntry, takeRegistryEntry } from "../../src/registry/take";
import type { Role } from "../../src/roles";

export const START_MS = 1_760_000_000_000;

/** A device with all its private keys, as a store would keep them. */
export interface Phone {
  readonly keys: DeviceKeys;
  readonly key: SigningKey;
  readonly seed: Uint8Array;
  readonly subject: Subject;
}

export interface World {
  readonly svc: Uint8Array;
  readonly authority: SigningKey;
  readonly registry: Registry;
  readonly recovery: RecoveryKeys;
}

/** Judged as a server does and as a reader does: both agree that it stands. */
export async function takeBoth(registry: Registry, entry: Entry): Promise<Registry> {
  const receivedMs = START_MS + 1000 * seqOf(registry.log);
  const again = decodeEntry(encodeEntry(entry));
  const taken = await takeRegistryEntry(registry, again, receivedMs);
  const read = await readRegistryEntry(registry, again, receivedMs);
  if (read.void !== null) throw new Error(`void: ${read.void}`);
  if (JSON.stringify(headOf(read.registry.log)) !== JSON.stringify(headOf(taken.log))) {
    throw new Error("server and reader differ");
  }
  return read.registry;
}

export async function phone(user: Uint8Array, name: string, roles: readonly Role[]): Promise<Phone> {
  const { key } = await generateSigningKey(false);
  const seed = randomSecret();
  const keys = { device: randomId(), label: `${name}'s phone`, sign: key.public, receive: await receivingKey(seed) };
  return { keys, key, seed, subject: { user, name, org: "Example programme", roles, until: START_MS + 1e10 } };
}

export function byAuthority({ svc, authority, registry }: World): Author {
  return authorIn(svc, registry.log, authorityId(authority.public), authority, null);
}

export function byPhone(registry: Registry, { keys, key }: Phone): Author {
  return authorIn(registry.svc, registry.log, keys.device, key, null);
}

export async function newWorld(admin: Phone): Promise<World> {
  const [svc, authority, recovery] = [randomId(), await signingKey(randomSecret()), await recoveryKeys(randomSecret())];
  const empty = emptyRegistry(svc, "perpetrator", fingerprint(authority.public));
  const [receipt, checkpoint] = [await signingKey(randomSecret()), await signingKey(randomSecret())];
  const root: RegistryStatement = {
    kind: "root",
    side: "perpetrator",
    name: "Example",
    authority: authority.public,
    receipt: receipt.public,
    checkpoint: checkpoint.public,
    recovery: recovery.recovery,
    recovery_sign: recovery.sign.public,
    incarnation: randomId(),
    floor: 1,
  };
  const first = {
    ...byAuthority({ svc, authority, registry: empty, recovery }),
    sn: { ...headOf(empty.log), incarnation: root.incarnation },
  };
  const begun = await takeBoth(empty, await signRegistryStatement(first, root));
  const world = { svc, authority, recovery, registry: begun };
  const certify: RegistryStatement = { kind: "certify", subject: admin.subject, keys: admin.keys };
  return { ...world, registry: await takeBoth(begun, await signRegistryStatement(byAuthority(world), certify)) };
}

/** Through the code that a phone scans. */
export async function enrol(
  world: World,
  admin: Phone,
  newcomer: Phone,
): Promise<{ readonly world: World; readonly code: InvitationCode }> {
  const { svc, registry, authority } = world;
  const seed = randomSecret();
  const inviter = { svc, side: registry.side, device: admin.keys.device, key: admin.key };
  const invitation = await invite(inviter, newcomer.subject, START_MS + 1e8, seed);
  const head = headOf(registry.log);
  const line = encodeCode({
    server: "https://example.org",
    authority: fingerprint(authority.public),
    head,
    seed,
    invitation,
    ca: "",
  });
  const code = decodeCode(line);
  const entry = await makeEnrolment(code, newcomer.keys, newcomer.key);
  return { world: { ...world, registry: await takeBoth(registry, entry) }, code };
}

export async function state(world: World, by: Phone, statement: RegistryStatement): Promise<World> {
  return {
    ...world,
    registry: await takeBoth(world.registry, await signRegistryStatement(byPhone(world.registry, by), statement)),
  };
}

/** Ada coordinates, Bo navigates; Bo's other phone is not enrolled yet. */
export interface Cast {
  readonly world: World;
  readonly admin: Phone;
  readonly ada: Phone;
  readonly bo: Phone;
  readonly bosOther: Phone;
}

export async function newCast(): Promise<Cast> {
  const person = randomId();
  const admin = await phone(randomId(), "Root", ["administrator"]);
  const ada = await phone(randomId(), "Ada", ["coordinator"]);
  const [bo, bosOther] = [await phone(person, "Bo", ["navigator"]), await phone(person, "Bo", ["navigator"])];
  let world = await newWorld(admin);
  for (const one of [ada, bo]) world = (await enrol(world, admin, one)).world;
  return { world, admin, ada, bo, bosOther };
}

/** The code for which something is refused, or null where it is not. */
export async function code(run: () => unknown): Promise<Code | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}
