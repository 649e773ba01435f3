/** Ids, their text, and those that follow from something. Spec 1, 2, 3, 5.1. Vectors: ids. */
import { ascii, concat, fromHex, hex } from "./bytes";
import { Refused } from "./errors";
import { H, L, u64be } from "./hash";

export const SIDES = ["perpetrator", "victim", "oversight"] as const;
export type Side = (typeof SIDES)[number];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function encodeUuid(id: Uint8Array): string {
  if (id.length !== 16) throw new Refused("malformed", `an id of ${id.length} bytes, want 16`);
  return hex(id).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Takes lower-case 8-4-4-4-12 and nothing else. */
export function decodeUuid(text: string): Uint8Array {
  if (text.length !== 36 || !UUID.test(text)) throw new Refused("malformed", "not an id as lower-case UUID text");
  return fromHex(text.replaceAll("-", ""));
}

const first16 = (hash: Uint8Array): Uint8Array => hash.slice(0, 16);

export function registryLog(svc: Uint8Array, side: Side): Uint8Array {
  return first16(H(L("registry"), svc, ascii(side)));
}

export function fileLog(svc: Uint8Array, creator: Uint8Array, nonce: Uint8Array): Uint8Array {
  return first16(H(L("file"), svc, creator, nonce));
}

export function recordId(log: Uint8Array, device: Uint8Array, c: number): Uint8Array {
  return first16(H(L("record"), log, device, u64be(c)));
}

/** The whole hash by which an authority is pinned. */
export function fingerprint(authority: Uint8Array): Uint8Array {
  return H(L("authority"), authority);
}

export function authorityId(authority: Uint8Array): Uint8Array {
  return first16(fingerprint(authority));
}

export function serverKeyId(receipt: Uint8Array): Uint8Array {
  return first16(H(L("server-key"), receipt));
}

/** `recovery` is the receiving key, not the signing one. */
export function recoveryId(recovery: Uint8Array): Uint8Array {
  return first16(H(L("recovery"), recovery));
}

/** chain[0] of a log. */
export function chainStart(log: Uint8Array): Uint8Array {
  return H(L("log"), log);
}

/** chain[n] from chain[n−1]. */
export function chainNext(before: Uint8Array, n: number, receivedMs: number, entryId: Uint8Array): Uint8Array {
  return H(concat(L("chain"), before, u64be(n), u64be(receivedMs), entryId));
}

export function readSide(name: string): Side {
  const side = SIDES.find((one) => one === name);
  if (side === undefined) throw new Refused("malformed", "a side that does not exist");
  return side;
}
