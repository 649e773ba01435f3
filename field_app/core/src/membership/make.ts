/**
 * Statements of a file as a device makes them: whom they grant to, and what they rely on, follow from registry and
 * file.
 *
 * Spec 7. Tests: make/.
 */
import { type Author, signFileStatement } from "../author";
import { compare, hex } from "../bytes";
import type { Entry } from "../entry";
import { Refused } from "../errors";
import { type Recipient, sealGrant, type Secrets } from "../grant";
import { fileLog } from "../ids";
import type { SigningKey } from "../keys";
import { chainOf, emptyLog, headOf, seqOf } from "../log";
import type { Registry } from "../registry/state";
import type { FileKind, Role } from "../roles";
import { commitment } from "../sealing";
import type { Witness } from "../shape";
import type { Grant, Member } from "../statement";
import { EMPTY_ROOT } from "../merkle";
import { epochsFor, recipients } from "./grants";
import { emptyFile, epochsOf, type File, missing, nextEpoch } from "./state";

/** What a statement needs besides what it says: who signs it, and the registry and file as they have read them. */
export interface Making {
  readonly author: Author;
  readonly registry: Registry;
  readonly file: File;
  /** Every secret of the file that the device has. */
  readonly secrets: Secrets;
}

const usersOf = (members: readonly Member[]): readonly Uint8Array[] => members.map(({ user }) => user);

function previousOf(file: File): Uint8Array {
  if (file.previous === null) throw new Refused("no-such-file", "a statement in a file that has not begun");
  return file.previous;
}

async function grantsTo(
  { author, file, secrets }: Making,
  all: readonly Recipient[],
  epochsOfOne: (to: Uint8Array) => readonly number[],
): Promise<readonly Grant[]> {
  const context = { svc: author.svc, log: file.log.log, granter: author.device };
  return Promise.all(all.map((recipient) => sealGrant(context, recipient, epochsOfOne(recipient.to), secrets)));
}

interface NewEpoch {
  readonly ep: number;
  readonly kc: Uint8Array;
  readonly grants: readonly Grant[];
}

/** `secret` is the new epoch's, 32 random bytes. */
async function epochFor(making: Making, members: readonly Member[], ep: number, secret: Uint8Array): Promise<NewEpoch> {
  const { author, registry, file } = making;
  const secrets = new Map([...making.secrets, [ep, secret]]);
  const all = recipients(registry, usersOf(members), seqOf(registry.log));
  const grants = await grantsTo({ ...making, secrets }, all, (to) => epochsFor(file, to, ep));
  return { ep, kc: commitment(secret, { svc: author.svc, log: file.log.log, epoch: ep }), grants };
}

export interface Beginning {
  readonly registry: Registry;
  readonly device: Uint8Array;
  readonly key: SigningKey;
  readonly kind: FileKind;
  readonly members: readonly Member[];
  /** 16 random bytes: with the device's id they give the log id. */
  readonly nonce: Uint8Array;
  readonly secret: Uint8Array;
  readonly ck: Witness | null;
}

/** A file begins: its first entry, which may be made offline. */
export async function makeGenesis({
  registry,
  device,
  key,
  kind,
  members,
  nonce,
  secret,
  ck,
}: Beginning): Promise<Entry> {
  const { svc, side } = registry;
  const log = emptyLog(fileLog(svc, device, nonce), registry.log.incarnation);
  const seen = ck ?? { incarnation: log.incarnation, size: 0, root: EMPTY_ROOT };
  const sn = { incarnation: log.incarnation, seq: 0, chain: chainOf(log) };
  const author = { svc, device, key, log: log.log, sq: 1, pv: null, sn, ck: seen };
  const sorted = [...members].sort((a, b) => compare(a.user, b.user));
  const making = { author, registry, file: emptyFile(registry, log.log), secrets: new Map() };
  const { kc, grants } = await epochFor(making, sorted, 1, secret);
  const rg = headOf(registry.log);
  return signFileStatement(author, {
    kind: "genesis",
    rg,
    pr: null,
    grants,
    nonce,
    file: kind,
    side,
    suite: 1,
    members: sorted,
    ep: 1,
    kc,
  });
}

/** A rotation: the same people under a new secret. */
export async function makeEpoch(making: Making, secret: Uint8Array): Promise<Entry> {
  const { author, registry, file } = making;
  const fresh = await epochFor(making, [...file.members.values()], nextEpoch(file), secret);
  return signFileStatement(author, { kind: "epoch", rg: headOf(registry.log), pr: previousOf(file), ...fresh });
}

export async function makeMembers(
  making: Making,
  add: readonly Member[],
  remove: readonly Uint8Array[],
  secret: Uint8Array,
): Promise<Entry> {
  const { author, registry, file } = making;
  const gone = new Set(remove.map(hex));
  const staying = [...file.members.values()].filter(({ user }) => !gone.has(hex(user)));
  const fresh = await epochFor(making, [...staying, ...add], nextEpoch(file), secret);
  const sorted = { add: [...add].sort((a, b) => compare(a.user, b.user)), remove: [...remove].sort(compare) };
  return signFileStatement(author, {
    kind: "members",
    rg: headOf(registry.log),
    pr: previousOf(file),
    ...fresh,
    ...sorted,
  });
}

/** `by` is the signature over `recoverBound` by the key that holds the file. */
export async function makeRecover(
  making: Making,
  role: Role,
  by: Uint8Array,
  user: Uint8Array,
  secret: Uint8Array,
): Promise<Entry> {
  const { author, registry, file } = making;
  const others = [...file.members.values()].filter((member) => compare(member.user, user) !== 0);
  const fresh = await epochFor(making, [...others, { user, role }], nextEpoch(file), secret);
  return signFileStatement(author, {
    kind: "recover",
    rg: headOf(registry.log),
    pr: previousOf(file),
    ...fresh,
    role,
    by,
  });
}

/** Grants every epoch to these recipients: members' devices without a grant, or one whose grant did not open. */
export async function makeGrant(making: Making, to: readonly Recipient[]): Promise<Entry> {
  const { author, registry, file } = making;
  const sorted = [...to].sort((a, b) => compare(a.to, b.to));
  const grants = await grantsTo(making, sorted, () => epochsOf(file));
  return signFileStatement(author, { kind: "grant", rg: headOf(registry.log), pr: previousOf(file), grants });
}

/** Whom a `grant` is owed to. */
export function owedGrants(registry: Registry, file: File): readonly Recipient[] {
  return missing(registry, file).map(({ device, cert, receive }) => ({ to: device, cert, key: receive }));
}
