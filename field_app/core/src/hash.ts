/** What everything is hashed with: SHA-256, labels, big-endian numbers, HKDF. Spec: head of the page. Vectors: ids. */
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ascii, concat } from "./bytes";

const NO_SALT = new Uint8Array(0);

/** SHA-256 of the byte strings joined. */
export function H(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const labels = new Map<string, Uint8Array>();

/** A label: `fieldkeep/v1/`, the name, and one zero byte. There are few of them, and each is asked for thousands of times. */
export function L(name: string): Uint8Array {
  const label = labels.get(name) ?? concat(ascii(`fieldkeep/v1/${name}`), new Uint8Array(1));
  labels.set(name, label);
  return label;
}

export function u32be(n: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

export function u64be(n: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n));
  return bytes;
}

/** HKDF-SHA256 (RFC 5869); the spec's `salt ""` is no bytes. */
export function hkdf(secret: Uint8Array, info: Uint8Array, length: number, salt: Uint8Array = NO_SALT): Uint8Array {
  return nobleHkdf(sha256, secret, salt, info, length);
}
