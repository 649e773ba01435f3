/**
 * The store's key, wrapped twice (docs/spec.md §13.1 and, outside of it, the device's key). Nothing of it is kept in the clear.
 *
 *     own     = Argon2id(passphrase, salt)
 *     inner   = nonce ‖ AES-256-GCM(own, nonce, store key, aad = "notes/keyring" ‖ salt ‖ u32be(memory) ‖ u32be(passes))
 *     wrapped = nonce ‖ AES-256-GCM(device key, nonce, inner, the same aad)
 *
 * The device key is one that no script can read, so a script that copied the database elsewhere has nothing to guess at. A
 * copy of the phone's whole disk has that key as well, and then the passphrase and Argon2id are what is left.
 */
import { type Cost, COST, acceptable, derive } from "./argon";
import { NO_ATTEMPTS } from "./attempts";
import type { Keyring } from "./database";
import { StoreRefusal } from "./refusal";
import { type Bytes, joined, openBytes, sealBytes } from "./sealing";

const LEAST_CHARACTERS = 8;
const SALT_BYTES = 16;
const STORE_KEY_BYTES = 32;

export const newStoreKey = (): Bytes => crypto.getRandomValues(new Uint8Array(STORE_KEY_BYTES));

const newDeviceKey = (): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);

function context(salt: Bytes, cost: Cost): Bytes {
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, cost.memoryKib);
  numbers.setUint32(4, cost.passes);
  return joined(new TextEncoder().encode("notes/keyring"), salt, new Uint8Array(numbers.buffer));
}

async function ownKey(passphrase: string, salt: Bytes, cost: Cost): Promise<CryptoKey> {
  const derived = await derive(passphrase, salt, cost);
  const key = await crypto.subtle.importKey("raw", derived, "AES-GCM", false, ["encrypt", "decrypt"]);
  derived.fill(0);
  return key;
}

/** Raises StoreRefusal `too-short`. Length is the only rule: a long passphrase is worth more than odd characters. */
export function checkPassphrase(passphrase: string): void {
  if ([...passphrase.normalize("NFKC")].length < LEAST_CHARACTERS) {
    throw new StoreRefusal("too-short", `a passphrase has at least ${LEAST_CHARACTERS} characters`);
  }
}

/** A keyring with `storeKey` in it, under another salt and another device key than any before. */
export async function wrap(storeKey: Bytes, passphrase: string): Promise<Keyring> {
  checkPassphrase(passphrase);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const [own, deviceKey] = await Promise.all([ownKey(passphrase, salt, COST), newDeviceKey()]);
  const aad = context(salt, COST);
  const wrapped = await sealBytes(deviceKey, await sealBytes(own, storeKey, aad), aad);
  return { v: 1, ...COST, salt, deviceKey, wrapped, attempts: NO_ATTEMPTS };
}

/** The store key, or undefined when the passphrase is another. Raises StoreRefusal `damaged` when no passphrase opens it. */
export async function unwrap(keyring: Keyring, passphrase: string): Promise<Bytes | undefined> {
  if (!acceptable(keyring)) throw new StoreRefusal("damaged", "how the key was worked out is outside of what is allowed");
  const aad = context(keyring.salt, keyring);
  const inner = await openBytes(keyring.deviceKey, keyring.wrapped, aad);
  if (inner === undefined) throw new StoreRefusal("damaged", "the wrapped key was altered");
  return openBytes(await ownKey(passphrase, keyring.salt, keyring), inner, aad);
}
