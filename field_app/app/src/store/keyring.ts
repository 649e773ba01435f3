/**
 * The store's key, wrapped twice (docs/spec.md §13.1 and, outside of it, the device's key). Nothing of it is kept in the clear.
 *
 *     own     = Argon2id(passphrase, salt)
 *     inner   = nonce ‖ AES-256-GCM(own, nonce, store key, aad = "notes/keyring" ‖ salt ‖ u32be(memory) ‖ u32be(passes))
 *     wrapped = nonce ‖ AES-256-GCM(device key, nonce, inner, the same aad)
 *
 * The device key is one that no script can read, so a script that copied the database elsewhere has nothing to guess at. A
 * copy of the phone's whole disk has that key as well, and then the passphrase and Argon2id are what is left. A request for
 * help (§13.4) keeps the seed of its key in the same way, under the new passphrase, with "notes/help-pending" and the request.
 */
import { type Cost, COST, acceptable, derive } from "./argon";
import { NO_ATTEMPTS } from "./attempts";
import type { Boxes, Keyring, WaitingRequest, Wrapped } from "./database";
import { StoreRefusal } from "./refusal";
import { type Bytes, joined, openBytes, sealBytes } from "./sealing";

const LEAST_CHARACTERS = 8;
const SALT_BYTES = 16;
const STORE_KEY_BYTES = 32;

export const newStoreKey = (): Bytes => crypto.getRandomValues(new Uint8Array(STORE_KEY_BYTES));

const newDeviceKey = (): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);

const utf8 = new TextEncoder();

function context(label: string, salt: Bytes, cost: Cost, more: Bytes): Bytes {
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, cost.memoryKib);
  numbers.setUint32(4, cost.passes);
  return joined(utf8.encode(label), salt, new Uint8Array(numbers.buffer), more);
}

const NOTHING = new Uint8Array();
const KEYRING = "notes/keyring";
const REQUEST = "notes/help-pending";

/** A passphrase's key as it stays in memory while the store is open: with it the store key can be changed without asking for the passphrase. */
export interface Own extends Cost {
  readonly salt: Bytes;
  readonly key: CryptoKey;
}

async function ownKey(passphrase: string, salt: Bytes, cost: Cost): Promise<Own> {
  const derived = await derive(passphrase, salt, cost);
  const key = await crypto.subtle.importKey("raw", derived, "AES-GCM", false, ["encrypt", "decrypt"]);
  derived.fill(0);
  return { memoryKib: cost.memoryKib, passes: cost.passes, salt, key };
}

/** Raises StoreRefusal `too-short`. Length is the only rule: a long passphrase is worth more than odd characters. */
export function checkPassphrase(passphrase: string): void {
  if ([...passphrase.normalize("NFKC")].length < LEAST_CHARACTERS) {
    throw new StoreRefusal("too-short", `a passphrase has at least ${LEAST_CHARACTERS} characters`);
  }
}

/** The key of a passphrase under a salt that no other has had. Raises StoreRefusal `too-short`. */
export function ownOf(passphrase: string): Promise<Own> {
  checkPassphrase(passphrase);
  return ownKey(passphrase, crypto.getRandomValues(new Uint8Array(SALT_BYTES)), COST);
}

async function wrapped(label: string, content: Bytes, own: Own, more: Bytes): Promise<Wrapped> {
  const { memoryKib, passes, salt, key } = own;
  const deviceKey = await newDeviceKey();
  const aad = context(label, salt, own, more);
  return { memoryKib, passes, salt, deviceKey, wrapped: await sealBytes(deviceKey, await sealBytes(key, content, aad), aad) };
}

/** Undefined when the passphrase is another. Raises StoreRefusal `damaged` when no passphrase opens it. */
async function unwrapped(label: string, one: Wrapped, passphrase: string, more: Bytes): Promise<{ readonly content: Bytes; readonly own: Own } | undefined> {
  if (!acceptable(one)) throw new StoreRefusal("damaged", "how the key was worked out is outside of what is allowed");
  const aad = context(label, one.salt, one, more);
  const inner = await openBytes(one.deviceKey, one.wrapped, aad);
  if (inner === undefined) throw new StoreRefusal("damaged", "the wrapped key was altered");
  const own = await ownKey(passphrase, one.salt, one);
  const content = await openBytes(own.key, inner, aad);
  return content && { content, own };
}

/** A keyring with `storeKey` in it, under another device key than any before. No request for help is in it. */
export async function wrap(storeKey: Bytes, own: Own, help: Boxes | undefined): Promise<Keyring> {
  return { v: 1, ...(await wrapped(KEYRING, storeKey, own, NOTHING)), attempts: NO_ATTEMPTS, help };
}

/** The store key, or undefined when the passphrase is another. Raises StoreRefusal `damaged`. */
export async function unwrap(keyring: Keyring, passphrase: string): Promise<{ readonly storeKey: Bytes; readonly own: Own } | undefined> {
  const found = await unwrapped(KEYRING, keyring, passphrase, NOTHING);
  return found && { storeKey: found.content, own: found.own };
}

/** A request for help as it waits: the seed of its key opens with the new passphrase alone, and for this request alone. */
export async function wrapRequest(seed: Bytes, own: Own, request: Bytes): Promise<WaitingRequest> {
  return { ...(await wrapped(REQUEST, seed, own, request)), request };
}

/** The seed, or undefined when this is not the passphrase that was chosen with the request. Raises StoreRefusal `damaged`. */
export async function unwrapRequest(waiting: WaitingRequest, passphrase: string): Promise<{ readonly seed: Bytes; readonly own: Own } | undefined> {
  const found = await unwrapped(REQUEST, waiting, passphrase, waiting.request);
  return found && { seed: found.content, own: found.own };
}
