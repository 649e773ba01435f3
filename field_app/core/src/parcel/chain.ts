/**
 * The registry entries that certify a letter's sender to the other side, folded as a registry of their own.
 * Spec 15.3, 15.6. Vectors: parcel/chains. Whatever is wrong with them is `malformed`.
 */
import { equal } from "../bytes";
import { decodeRegistryStatement, type RegistryStatement } from "../certificate";
import { toSign } from "../cose";
import { decodeBare, type Entry } from "../entry";
import { Refused } from "../errors";
import { authorityId, type Side } from "../ids";
import { verifies } from "../keys";
import { limit } from "../limits";
import { isAddressed } from "../log";
import { apply } from "../registry/rules";
import { type Device, deviceOf, emptyRegistry, type Registry } from "../registry/state";

const malformed = (message: string): Refused => new Refused("malformed", message);

/** Whoever wrote or approved a letter, by the word of their own side's registry. */
export interface Sender {
  readonly cert: Uint8Array;
  readonly device: Uint8Array;
  readonly key: Uint8Array;
  readonly user: Uint8Array;
  readonly name: string;
  readonly roles: readonly string[];
}

export interface Certified {
  /** The entry id of the root. */
  readonly root: Uint8Array;
  /** The side's receipt key: passes are signed under it. */
  readonly receipt: Uint8Array;
  readonly sender: Sender;
  /** The chain folded: what `second` is folded after. */
  readonly registry: Registry;
}

const senderOf = ({ cert, device, sign, user, name, roles }: Device): Sender => ({
  cert,
  device,
  key: sign,
  user,
  name,
  roles,
});

function signerOf({ root }: Registry, { header }: Entry, statement: RegistryStatement): Uint8Array | null {
  if (statement.kind === "root")
    return equal(header.kid, authorityId(statement.authority)) ? statement.authority : null;
  if (statement.kind === "certify")
    return root !== null && equal(header.kid, authorityId(root.authority)) ? root.authority : null;
  if (statement.kind !== "enrol" || header.sq !== 1) return null;
  return equal(header.kid, statement.keys.device) ? statement.keys.sign : null;
}

/** `before` is who invited the device of a further entry; null where anybody in the chain may have. */
async function link(
  registry: Registry,
  bytes: Uint8Array,
  place: number,
  before: Uint8Array | null,
): Promise<[Registry, Device | null]> {
  const entry = decodeBare(bytes);
  if (entry.typ !== "fieldkeep-statement") throw malformed("a chain with an entry that is no statement");
  if (!isAddressed(entry, registry.svc, registry.log.log)) throw malformed("a chain with an entry of another registry");
  const statement = decodeRegistryStatement(entry.payload);
  const key = signerOf(registry, entry, statement);
  if (key === null || !(await verifies(key, entry.signature, toSign(entry.frame))))
    throw malformed("a chain with an entry that its author did not sign");
  const after = await apply({ registry, entry, place, check: verifies }, statement);
  if (statement.kind === "root") return [after, null];
  if (statement.kind !== "certify" && statement.kind !== "enrol")
    throw malformed("a chain with an entry that certifies nobody");
  const device = deviceOf(after, statement.keys.device);
  if (device === null || (before !== null && !equal(device.issuer, before)))
    throw malformed("a chain with somebody who invited nobody in it");
  return [after, device];
}

async function foldChain(from: Registry, chain: readonly Uint8Array[], begins: boolean): Promise<[Registry, Device]> {
  let registry = from;
  let last: Device | null = null;
  try {
    for (const [i, bytes] of chain.entries()) {
      const place = begins ? i + 1 : i + 2;
      [registry, last] = await link(registry, bytes, place, last?.device ?? null);
    }
  } catch (error) {
    throw error instanceof Refused ? malformed(`a chain in which ${error.message}`) : error;
  }
  if (last === null) throw malformed("a chain that certifies nobody");
  return [registry, last];
}

/** Folds `chain`, as COSE bytes: the root, then each who invited the next, the last one the sender's. */
export async function certified(
  svc: Uint8Array,
  side: Side,
  pinned: Uint8Array,
  chain: readonly Uint8Array[],
): Promise<Certified> {
  if (chain.length < 2 || chain.length > limit("chain_entries")) throw malformed(`a chain of ${chain.length} entries`);
  const [registry, last] = await foldChain(emptyRegistry(svc, side, pinned), chain, true);
  if (registry.root === null) throw malformed("a chain without a root");
  return { root: registry.root.id, receipt: registry.root.receipt, sender: senderOf(last), registry };
}

/** A second person, and everybody whom the chain and their own entries certify. */
export interface CertifiedAfter {
  readonly sender: Sender;
  readonly registry: Registry;
}

/** Folds what certifies a second person after a chain that ends at the first. */
export async function certifiedAfter({ registry }: Certified, by: readonly Uint8Array[]): Promise<CertifiedAfter> {
  if (by.length < 1 || by.length > limit("chain_entries")) throw malformed(`${by.length} entries of a second person`);
  const [after, last] = await foldChain(registry, by, false);
  return { sender: senderOf(last), registry: after };
}

/** The entries that certify a device, as a sender puts them into a letter: of its own registry, by place. */
export function chainOfDevice(registry: Registry, device: Uint8Array): readonly number[] {
  const found = deviceOf(registry, device);
  if (found === null) return [1];
  return [...chainOfDevice(registry, found.issuer), found.seq];
}
