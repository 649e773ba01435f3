/**
 * HPKE as every sealing to a person's or a file's key uses it: base mode, X-Wing, HKDF-SHA256, AES-256-GCM, empty aad.
 *
 * Spec 7.3. Vectors: grant. What is sealed is the encapsulation (1,120 bytes) followed by the ciphertext with its tag.
 */
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { concat } from "./bytes";
import { Refused } from "./errors";
import { checkReceiveKey } from "./keys";

const ENCAPSULATION = 1120;
const SEED = 32;
const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** The public key of an X-Wing private key, which is a seed of 32 bytes. */
export async function receivingKey(seed: Uint8Array): Promise<Uint8Array> {
  if (seed.length !== SEED) throw new Refused("bad-value", `a seed of ${seed.length} bytes, want ${SEED}`);
  const { publicKey } = await kem.generateKeyPairDerand(Uint8Array.from(seed));
  return new Uint8Array(await kem.serializePublicKey(publicKey));
}

/** Seals to a receiving key, which is refused as `weak-key` when it is one. */
export async function hpkeSeal(to: Uint8Array, info: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
  checkReceiveKey(to);
  const recipientPublicKey = await kem.deserializePublicKey(buffer(to));
  const { ct, enc } = await suite.seal({ recipientPublicKey, info: buffer(info) }, buffer(plaintext));
  return concat(new Uint8Array(enc), new Uint8Array(ct));
}

/** What was sealed, or null where it does not open. */
export async function hpkeOpen(seed: Uint8Array, info: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | null> {
  if (sealed.length < ENCAPSULATION) return null;
  const recipientKey = await kem.deserializePrivateKey(buffer(seed));
  try {
    const enc = buffer(sealed.subarray(0, ENCAPSULATION));
    return new Uint8Array(
      await suite.open({ recipientKey, enc, info: buffer(info) }, buffer(sealed.subarray(ENCAPSULATION))),
    );
  } catch {
    return null; // whatever the library says of it: these bytes were not sealed to this key in this place
  }
}
