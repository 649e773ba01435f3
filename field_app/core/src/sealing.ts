/**
 * Parts: padded, sealed under an epoch's secret, bound to their place. Spec 4. Vectors: sealing.
 *
 *     part   = salt ‖ AES-256-GCM(key, iv, padded, aad = protected header ‖ u32be(i) ‖ u32be(n))
 *     padded = u32be(length) ‖ plaintext ‖ zeros
 */
import { concat } from "./bytes";
import { Refused } from "./errors";
import { hkdf, L, u32be, u64be } from "./hash";

const SALT = 32;
const LENGTH = 4;
const STEPS = [256, 512, 1024, 2048, 4096] as const;
const malformed = (message: string): Refused => new Refused("malformed", message);

/** Whose secret it is. */
export interface EpochContext {
  readonly svc: Uint8Array;
  readonly log: Uint8Array;
  readonly epoch: number;
}

/** Where a part stands: `protected` is the header's bytes, `total` how many parts the entry has. */
export interface PartContext extends EpochContext {
  readonly author: Uint8Array;
  readonly sq: number;
  readonly protected: Uint8Array;
  readonly total: number;
}

export function epochContext({ svc, log, epoch }: EpochContext): Uint8Array {
  return concat(svc, log, u32be(epoch));
}

/** kc: what an epoch statement says of its secret. */
export function commitment(secret: Uint8Array, context: EpochContext): Uint8Array {
  return hkdf(secret, concat(L("commit"), epochContext(context)), 32);
}

/** The 44 bytes of a part's key and iv, which open this part and nothing else. */
export function partKey(secret: Uint8Array, salt: Uint8Array, context: PartContext, index: number): Uint8Array {
  const { author, sq } = context;
  return hkdf(secret, concat(L("part"), epochContext(context), author, u64be(sq), u32be(index)), 44, salt);
}

/** The size to which this many bytes are padded, the four of the length among them. */
export function paddedSize(size: number): number {
  const step = STEPS.find((one) => size <= one);
  if (step !== undefined) return step;
  return padme(size);
}

export function padme(size: number): number {
  const e = Math.floor(Math.log2(size));
  const unit = 2 ** (e - (Math.floor(Math.log2(e)) + 1));
  return Math.ceil(size / unit) * unit;
}

export function pad(plaintext: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(size);
  padded.set(u32be(plaintext.length));
  padded.set(plaintext, LENGTH);
  return padded;
}

/** Takes the padding off; `sizeFor` says which size alone this length may have. */
export function unpad(padded: Uint8Array, sizeFor: (size: number) => number): Uint8Array {
  if (padded.length < LENGTH) throw malformed("less than the length itself");
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  if (length > padded.length - LENGTH) throw malformed("a length beyond the end");
  if (sizeFor(length + LENGTH) !== padded.length) throw malformed("padded to another size than its own");
  if (padded.subarray(LENGTH + length).some((byte) => byte !== 0)) throw malformed("padding other than zeros");
  return padded.slice(LENGTH, LENGTH + length);
}

function cipher(
  key: Uint8Array,
  context: PartContext,
  index: number,
): readonly [Uint8Array<ArrayBuffer>, AesGcmParams] {
  const additionalData = concat(context.protected, u32be(index), u32be(context.total));
  return [
    Uint8Array.from(key.subarray(0, 32)),
    { name: "AES-GCM", iv: Uint8Array.from(key.subarray(32)), additionalData },
  ];
}

/** `salt` is 32 random bytes, fresh at every sealing. */
export async function sealPart(
  secret: Uint8Array,
  salt: Uint8Array,
  plaintext: Uint8Array,
  context: PartContext,
  index: number,
): Promise<Uint8Array> {
  if (salt.length !== SALT) throw malformed(`a salt of ${salt.length} bytes, want ${SALT}`);
  const [raw, algorithm] = cipher(partKey(secret, salt, context, index), context, index);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
  const sealed = await crypto.subtle.encrypt(algorithm, key, pad(plaintext, paddedSize(plaintext.length + LENGTH)));
  return concat(salt, new Uint8Array(sealed));
}

/** Opens with the 44 bytes that `partKey` gives. */
export async function openPartWith(
  key44: Uint8Array,
  part: Uint8Array,
  context: PartContext,
  index: number,
): Promise<Uint8Array> {
  const [raw, algorithm] = cipher(key44, context, index);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  let padded: ArrayBuffer;
  try {
    padded = await crypto.subtle.decrypt(algorithm, key, Uint8Array.from(part.subarray(SALT)));
  } catch {
    throw malformed("a part that does not open");
  }
  return unpad(new Uint8Array(padded), paddedSize);
}

export async function openPart(
  secret: Uint8Array,
  part: Uint8Array,
  context: PartContext,
  index: number,
): Promise<Uint8Array> {
  if (part.length < SALT) throw malformed(`a part of ${part.length} bytes`);
  return openPartWith(partKey(secret, part.subarray(0, SALT), context, index), part, context, index);
}
