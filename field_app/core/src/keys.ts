/** Keys and signatures: which public keys are refused, and Ed25519 as the spec checks it. Spec 2. Vectors: keys. */
import { compare, concat, fromHex } from "./bytes";
import { Refused } from "./errors";

const weak = (message: string): Refused => new Refused("weak-key", message);
const reversed = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes).reverse();

/** p = 2^255 − 19 and the group order L, big-endian, so that bytewise order is that of the numbers. */
const P = fromHex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
const ORDER = fromHex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
const P_MINUS_1 = fromHex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec");
const ZERO = new Uint8Array(32);
const ONE = Uint8Array.of(...new Uint8Array(31), 1);

/** y of the eight points of small order, whatever the sign of x. */
const SMALL_Y: readonly Uint8Array[] = [
  ZERO,
  ONE,
  P_MINUS_1,
  reversed(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
  reversed(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
];

/** u of the points of small order on Curve25519 and its twist. */
const SMALL_U: readonly Uint8Array[] = [
  ZERO,
  ONE,
  P_MINUS_1,
  reversed(fromHex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
  reversed(fromHex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")),
];

export function checkSignKey(key: Uint8Array): void {
  if (key.length !== 32) throw weak(`a signing key of ${key.length} bytes, want 32`);
  const y = reversed(key);
  y[0] = (y[0] ?? 0) & 0x7f;
  if (compare(y, P) >= 0) throw weak("a signing key whose y is not canonical");
  if (SMALL_Y.some((small) => compare(small, y) === 0)) throw weak("a signing key of small order");
}

const KEM_COEFFICIENT_BYTES = 1152;
const KEM_BYTES = 1184;
const KEM_MODULUS = 3329;

export function checkReceiveKey(key: Uint8Array): void {
  if (key.length !== KEM_BYTES + 32) throw weak(`a receiving key of ${key.length} bytes, want ${KEM_BYTES + 32}`);
  const u = reversed(key.subarray(KEM_BYTES));
  if (compare(u, P) >= 0) throw weak("a receiving key whose X25519 half is not canonical");
  if (SMALL_U.some((small) => compare(small, u) === 0)) {
    throw weak("a receiving key whose X25519 half is of small order");
  }
  for (let i = 0; i < KEM_COEFFICIENT_BYTES; i += 3) {
    const [a, b, c] = [key[i] ?? 0, key[i + 1] ?? 0, key[i + 2] ?? 0];
    if ((a | ((b & 15) << 8)) >= KEM_MODULUS || ((b >> 4) | (c << 4)) >= KEM_MODULUS) {
      throw weak("a receiving key whose ML-KEM half has a coefficient of 3329 or more");
    }
  }
}

// --- signing --------------------------------------------------------------------------------------------------------

/** What signs: made of a seed or of a key that never leaves WebCrypto. */
export interface SigningKey {
  readonly public: Uint8Array;
  readonly sign: (data: Uint8Array) => Promise<Uint8Array>;
}

/** PKCS #8 around an Ed25519 seed (RFC 8410). */
const PKCS8 = fromHex("302e020100300506032b657004220420");

export async function signingKey(seed: Uint8Array): Promise<SigningKey> {
  const key = await crypto.subtle.importKey("pkcs8", concat(PKCS8, seed), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  if (x === undefined) throw new Refused("internal", "WebCrypto gave no public key");
  return keyOf(
    key,
    Uint8Array.from(atob(x.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
  );
}

/** Of a pair that WebCrypto made, extractable or not. */
export async function signingKeyOf(pair: CryptoKeyPair): Promise<SigningKey> {
  return keyOf(pair.privateKey, new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
}

function keyOf(key: CryptoKey, publicKey: Uint8Array): SigningKey {
  const sign = async (data: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.sign("Ed25519", key, Uint8Array.from(data)));
  return Object.freeze({ public: publicKey, sign });
}

/**
 * Whether `signature` over `data` holds: S below the group order, and the equation without cofactor, R compared as
 * bytes.
 */
export async function verifies(publicKey: Uint8Array, signature: Uint8Array, data: Uint8Array): Promise<boolean> {
  if (signature.length !== 64 || compare(reversed(signature.subarray(32)), ORDER) >= 0) return false;
  try {
    checkSignKey(publicKey);
    const key = await crypto.subtle.importKey("raw", Uint8Array.from(publicKey), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, Uint8Array.from(signature), Uint8Array.from(data));
  } catch (error) {
    // A platform without Ed25519 says nothing about a signature; a weak key, or bytes that are no point of the curve,
    // does.
    if (error instanceof DOMException && error.name === "NotSupportedError") throw error;
    return false;
  }
}

export async function verify(publicKey: Uint8Array, signature: Uint8Array, data: Uint8Array): Promise<void> {
  if (!(await verifies(publicKey, signature, data))) throw new Refused("malformed", "the signature does not hold");
}
