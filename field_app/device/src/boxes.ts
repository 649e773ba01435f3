/**
 * Boxes of this device's own store: one for everybody who may help when its passphrase is forgotten, and for nobody else.
 * Spec 13.2, 13.3. How the store is sealed, and where boxes lie, is the caller's.
 */
import { compare, equal, hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import { H } from "@fieldkeep/core/hash";
import { deviceOf, recoveryById } from "@fieldkeep/core/registry/state";
import { hash, id, list, map } from "@fieldkeep/core/shape";
import { type BoxRecipient, boxRecipients, sealBox } from "@fieldkeep/core/unlock";
import { copied } from "./identity";
import type { Bytes } from "./rows";
import type { Session } from "./session";
import { read, write } from "./stored";

export interface OwnBox {
  readonly to: Bytes;
  readonly sealed: Bytes;
}
export interface OwnBoxes {
  readonly device: Bytes;
  readonly boxes: readonly OwnBox[];
}
export type SealBoxes = (storeKey: Bytes) => Promise<OwnBoxes | undefined>;

/** Where the store's key is wrapped, outside of the store. */
export interface Vault {
  readonly help: OwnBoxes | undefined;
  putBoxes(seal: SealBoxes): Promise<void>;
  /** Another store key, and its boxes with it. */
  changeStoreKey(seal: SealBoxes): Promise<void>;
}

/** Who has a box, and what the vault held then. */
const FACT = "boxes";
const factShape = map({ to: list(id), sealed: hash });

const digest = (help: OwnBoxes | undefined): Uint8Array =>
  H(encode(help === undefined ? [] : [help.device, help.boxes.map(({ to, sealed }) => [to, sealed])]));

export function boxesOf(session: Session, recipients: readonly BoxRecipient[]): SealBoxes {
  const { svc, side, device } = session.identity;
  const cert = deviceOf(session.registry, device)?.cert;
  return async (storeKey) => {
    if (cert === undefined || recipients.length === 0) return undefined;
    const boxes = await Promise.all(
      recipients.map(async ({ to, key }) => {
        return { to: copied(to), sealed: copied(await sealBox(key, { svc, side, device, cert, to }, [storeKey])) };
      }),
    );
    return { device: copied(device), boxes: boxes.sort((a, b) => compare(a.to, b.to)) };
  };
}

export const recipientsNow = (session: Session): readonly BoxRecipient[] =>
  boxRecipients(session.registry, session.identity.device, session.serverNow());

/**
 * After each sync. Whoever has no box any more may have kept an old one, in a copy of what is on this device: the store
 * gets another key.
 */
export async function tendBoxes(session: Session, vault: Vault): Promise<void> {
  if (session.standing !== "in") return;
  const wanted = recipientsNow(session);
  const fact = session.fact(FACT);
  const known = fact === undefined ? { to: [], sealed: digest(undefined) } : read(factShape, fact);
  const names = new Set(wanted.map(({ to }) => hex(to)));
  const had = [...known.to, ...(vault.help?.boxes ?? []).map(({ to }) => to)].map(hex);
  if (had.some((one) => !names.has(one))) await vault.changeStoreKey(boxesOf(session, wanted));
  else if (names.size !== new Set(had).size || !equal(known.sealed, digest(vault.help)))
    await vault.putBoxes(boxesOf(session, wanted));
  else return;
  await rememberBoxes(session, wanted, vault);
}

export async function rememberBoxes(
  session: Session,
  recipients: readonly BoxRecipient[],
  vault: Pick<Vault, "help">,
): Promise<void> {
  const fact = write(factShape, { to: recipients.map(({ to }) => to), sealed: digest(vault.help) });
  await session.change(async (transaction) => session.setFact(transaction, FACT, fact));
}

/** The names of who can help to open this device; "recovery shares" is the last of them. */
export function whoCanHelp(session: Session, vault: Pick<Vault, "help">): readonly string[] {
  const ids = (vault.help?.boxes ?? []).map(({ to }) => to);
  const names = ids.flatMap((one) => deviceOf(session.registry, one)?.name ?? []);
  const shares = ids.some((one) => recoveryById(session.registry, one) !== null);
  return [...[...new Set(names)].sort(), ...(shares ? ["whoever holds the recovery shares"] : [])];
}
