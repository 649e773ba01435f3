/** Who this device is: its keys, its person, its side, and the service that it belongs to. One row of the store. */
import { encode } from "@fieldkeep/core/cbor";
import { roleShape, sideShape } from "@fieldkeep/core/certificate";
import { registryLog } from "@fieldkeep/core/ids";
import { decodeAs, exactly, hash, head, id, line, list, map, type Of, text } from "@fieldkeep/core/shape";
import type { Bytes, Reading, Transaction } from "./rows";

const COLLECTION = "device";
const ROW = "identity";

const identity = map({
  v: exactly(1),
  server: text(1, 2000),
  svc: id,
  side: sideShape,
  authority: hash,
  device: id,
  user: id,
  name: line,
  org: line,
  roles: list(roleShape),
  label: line,
  sign: hash,
  receive: hash,
  incarnation: id,
  floor: head,
  stage: text(1, 20),
});

/**
 * `authority` is the pinned fingerprint, `sign` and `receive` are seeds, `floor` the registry head of the invitation.
 */
export type Identity = Of<typeof identity>;

/** `asked`: it may have been enrolled, and the server's word is missing. `certified`: it stands in the registry. */
export const STAGES = ["asked", "certified"] as const;

export async function readIdentity(rows: Reading): Promise<Identity | null> {
  const content = await rows.get(COLLECTION, ROW);
  return content === undefined ? null : decodeAs(identity, content);
}

export function writeIdentity(rows: Transaction, one: Identity): void {
  rows.put(COLLECTION, ROW, copied(encode(identity.write(one))));
}

/** The keys of this device, for good. */
export function dropIdentity(rows: Transaction): void {
  rows.delete(COLLECTION, ROW);
}

export const ownRegistryLog = ({ svc, side }: Identity): Uint8Array => registryLog(svc, side);

/** With a buffer of its own: what the browser's database and cryptography take. */
export const copied = (bytes: Uint8Array): Bytes => Uint8Array.from(bytes);
