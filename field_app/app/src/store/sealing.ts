/**
 * Rows as they lie in the browser's database: sealed, and under names that say nothing. Pure but for the nonces.
 *
 *     store key (32 random bytes) → HKDF-SHA256 → seal key (AES-256-GCM), name key (HMAC-SHA256)
 *     row's key   = HMAC(name key, "c" ‖ collection)[:16] ‖ (HMAC(name key, "n" ‖ collection ‖ 0 ‖ name)[:16], or u64be(number))
 *     row's value = nonce (12 random) ‖ AES-GCM(seal key, nonce, head ‖ content, aad = row's key)
 *     head        = u16be(length) ‖ collection ‖ u16be(length) ‖ name, the name of a number being empty
 *
 * So a row that somebody moves to another row's place does not open. A number keeps its order, so that a log can be read on
 * from a place; what it tells to whoever has the phone is how many entries some log has.
 */
import { StoreRefusal } from "./refusal";

export type Bytes = Uint8Array<ArrayBuffer>;
export type Name = string | number;

export interface Row {
  readonly collection: string;
  readonly name: Name;
  readonly content: Bytes;
}

export interface Keys {
  readonly seal: CryptoKey;
  readonly name: CryptoKey;
}

const NONCE_BYTES = 12;
const HALF = 16;
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

export async function deriveKeys(storeKey: Bytes): Promise<Keys> {
  const root = await crypto.subtle.importKey("raw", storeKey, "HKDF", false, ["deriveKey"]);
  const from = (info: string): HkdfParams => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode(info) });
  const [seal, name] = await Promise.all([
    crypto.subtle.deriveKey(from("store/seal"), root, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
    crypto.subtle.deriveKey(from("store/name"), root, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]),
  ]);
  return { seal, name };
}

const mac = async (keys: Keys, words: string): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.sign("HMAC", keys.name, utf8.encode(words))).slice(0, HALF);

/** The half of a row's key that all rows of a collection have in common. */
export const collectionKey = (keys: Keys, collection: string): Promise<Bytes> => mac(keys, `c${collection}`);

/** Both halves. A number is from 0 to 2⁵³−1. */
export async function rowKey(keys: Keys, collection: string, name: Name): Promise<Bytes> {
  const [first, second] = await Promise.all([
    collectionKey(keys, collection),
    typeof name === "number" ? numberKey(name) : mac(keys, `n${collection}\0${name}`),
  ]);
  return joined(first, second);
}

/** Eight bytes, where a name has sixteen: in one collection the two are never mistaken for each other. */
export function numberKey(number: number): Bytes {
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError("a row's number is a whole number from 0");
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export async function sealBytes(key: CryptoKey, content: Bytes, aad: Bytes): Promise<Bytes> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const parameters = { name: "AES-GCM", iv: nonce, additionalData: aad };
  return joined(nonce, new Uint8Array(await crypto.subtle.encrypt(parameters, key, content)));
}

/** What was sealed, or undefined where it was sealed under another key or altered. */
export async function openBytes(key: CryptoKey, sealed: Bytes, aad: Bytes): Promise<Bytes | undefined> {
  const parameters = { name: "AES-GCM", iv: sealed.subarray(0, NONCE_BYTES), additionalData: aad };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key, sealed.subarray(NONCE_BYTES)));
  } catch {
    return undefined;
  }
}

const counted = (words: string): Bytes => {
  const bytes = utf8.encode(words);
  if (bytes.length > 0xffff) throw new RangeError("a row's name has at most 65535 bytes");
  return joined(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
};

export function sealRow(keys: Keys, at: Bytes, row: Row): Promise<Bytes> {
  const name = typeof row.name === "number" ? "" : row.name;
  return sealBytes(keys.seal, joined(counted(row.collection), counted(name), row.content), at);
}

/** Raises StoreRefusal `damaged` when the row does not open at this place. */
export async function openRow(keys: Keys, at: Bytes, sealed: Bytes): Promise<Row> {
  const opened = await openBytes(keys.seal, sealed, at);
  if (opened === undefined) throw new StoreRefusal("damaged", "something that is kept on this phone does not open");
  const bytes = new DataView(opened.buffer);
  const endOfCollection = 2 + bytes.getUint16(0);
  const endOfName = endOfCollection + 2 + bytes.getUint16(endOfCollection);
  const words = text.decode(opened.subarray(endOfCollection + 2, endOfName));
  return {
    collection: text.decode(opened.subarray(2, endOfCollection)),
    name: at.length === HALF + 8 ? Number(new DataView(at.buffer, at.byteOffset + HALF).getBigUint64(0)) : words,
    content: opened.slice(endOfName),
  };
}
