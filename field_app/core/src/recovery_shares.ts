/**
 * Recovery shares as they are typed from paper (SLIP-39): checked word by word, and put together. Spec 6.3.
 * Tests: tests/field_app/test_recovery_on_phone.py.
 *
 * What is wrong with a share is said by the place of its word; nothing is put right silently. Shares are made on an
 * administrator's machine, and never here.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ascii, concat, equal } from "./bytes";
import { Refused } from "./errors";
import { WORDS } from "./recovery_words";

const LENGTH = 33;
const CHECKSUM = 3;
/** Before and after the value: identifier with its flags, parameters. */
const HEAD = 4;
const VALUE_BYTES = 32;
const CUSTOM: readonly number[] = [...ascii("shamir_extendable")];
const MOST_NAMED = 5;

const PLACE_OF: ReadonlyMap<string, number> = new Map(WORDS.map((word, index) => [word, index]));
const BY_PREFIX: ReadonlyMap<string, string> = new Map(WORDS.map((word) => [word.slice(0, 4), word]));

/** One share as its words say; `set` is the same in every share of a set. */
export interface Share {
  readonly set: string;
  readonly exponent: number;
  readonly grouped: boolean;
  readonly index: number;
  readonly needed: number;
  readonly value: Uint8Array;
}

const bad = (message: string): Refused => new Refused("bad-share", message);

// --- one share ------------------------------------------------------------------------------------------------------

const GENERATOR: readonly number[] = [
  ...[0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009],
  ...[0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890, 0x3f3f120],
];

/** RS1024, the checksum of SLIP-39: 1 for words that fit together. */
function checksum(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const high = sum >>> 20;
    sum = ((sum & 0xfffff) << 10) ^ value;
    GENERATOR.forEach((one, bit) => {
      if (((high >>> bit) & 1) === 1) sum ^= one;
    });
  }
  return sum;
}

const fits = (places: readonly number[]): boolean => checksum([...CUSTOM, ...places]) === 1;

/** The words of one share, which people call `name`: in capitals or not, four letters are enough of each. */
export function parseShare(typed: string, name: string): Share {
  const words = typed
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== "")
    .map((word) => BY_PREFIX.get(word) ?? word);
  const strange = words.flatMap((word, at) =>
    PLACE_OF.has(word) ? [] : [`word ${at + 1}, “${word}”, is none of the list`],
  );
  if (strange.length > 0) {
    const more = strange.length > MOST_NAMED ? `; and ${strange.length - MOST_NAMED} more` : "";
    throw bad(`${name}: ${strange.slice(0, MOST_NAMED).join("; ")}${more}`);
  }
  if (words.length !== LENGTH) {
    const which = words.length < LENGTH ? "some are missing" : "too many were typed";
    throw bad(`${name} has ${words.length} words, want ${LENGTH}: ${which}`);
  }
  const places = words.map((word) => PLACE_OF.get(word) ?? 0);
  if (!fits(places)) throw bad(`${name}: ${misfit(places)}`);
  return shareOf(places, name);
}

/** Which word is wrong in a share whose checksum fails, when it is one, or two that stand the wrong way round. */
function misfit(places: readonly number[]): string {
  for (const [at, first] of places.entries()) {
    const second = places[at + 1];
    if (second === undefined || second === first) continue;
    if (fits([...places.slice(0, at), second, first, ...places.slice(at + 2)]))
      return `words ${at + 1} and ${at + 2}, “${WORDS[first]}” and “${WORDS[second]}”, are probably the wrong way round`;
  }
  for (const [at, word] of places.entries())
    for (const [other, likely] of WORDS.entries())
      if (other !== word && fits([...places.slice(0, at), other, ...places.slice(at + 1)]))
        return `word ${at + 1} is probably “${likely}”, not “${WORDS[word]}”`;
  return "its words do not fit together: more than one is wrong; compare each with the paper";
}

function shareOf(places: readonly number[], name: string): Share {
  const [a = 0, b = 0, c = 0, d = 0] = places;
  const [head, parameters] = [a * 1024 + b, c * 1024 + d];
  const nibble = (at: number): number => (parameters >>> (4 * (4 - at))) & 15;
  const bits = places.slice(HEAD, LENGTH - CHECKSUM).reduce((sum, place) => sum * 1024n + BigInt(place), 0n);
  const isExtendable = ((head >>> 4) & 1) === 1;
  if (!isExtendable || bits >> BigInt(8 * VALUE_BYTES) !== 0n || nibble(2) < nibble(1))
    throw bad(`${name}: its words fit together, and are no share of this program`);
  const value = Uint8Array.from({ length: VALUE_BYTES }, (_, at) =>
    Number((bits >> BigInt(8 * (VALUE_BYTES - 1 - at))) & 255n),
  );
  return {
    ...{ set: `${head} ${nibble(0)} ${nibble(1)} ${nibble(2)} ${nibble(4)}`, exponent: head & 15 },
    ...{ grouped: nibble(1) > 0 || nibble(2) > 0, index: nibble(3), needed: nibble(4) + 1, value },
  };
}

// --- together -------------------------------------------------------------------------------------------------------

const [EXP, LOG] = ((): readonly [readonly number[], readonly number[]] => {
  const [exp, log] = [new Array<number>(255).fill(0), new Array<number>(256).fill(0)];
  let power = 1;
  for (let i = 0; i < 255; i++) {
    exp[i] = power;
    log[power] = i;
    power = (power << 1) ^ power;
    if (power > 255) power ^= 0x11b;
  }
  return [exp, log];
})();
const logOf = (n: number): number => LOG[n] ?? 0;

/** The value at `x` of the polynomial over GF(256) that goes through these shares, byte by byte. */
function valueAt(x: number, shares: readonly Share[]): Uint8Array {
  const own = shares.find(({ index }) => index === x);
  if (own !== undefined) return own.value;
  const all = shares.reduce((sum, { index }) => sum + logOf(index ^ x), 0);
  const found = new Uint8Array(VALUE_BYTES);
  for (const { index, value } of shares) {
    const others = shares.reduce((sum, other) => sum + (other.index === index ? 0 : logOf(index ^ other.index)), 0);
    const basis = (((all - logOf(index ^ x) - others) % 255) + 255) % 255;
    value.forEach((byte, at) => {
      if (byte !== 0) found[at] = (found[at] ?? 0) ^ (EXP[(logOf(byte) + basis) % 255] ?? 0);
    });
  }
  return found;
}

const [SECRET_AT, DIGEST_AT, DIGEST_BYTES] = [255, 254, 4];

function encrypted(shares: readonly Share[]): Uint8Array {
  const [first] = shares;
  if (first !== undefined && first.needed === 1) return first.value;
  const [secret, digest] = [valueAt(SECRET_AT, shares), valueAt(DIGEST_AT, shares)];
  const made = hmac(sha256, digest.subarray(DIGEST_BYTES), secret).subarray(0, DIGEST_BYTES);
  if (!equal(made, digest.subarray(0, DIGEST_BYTES)))
    throw new Refused("other-shares", "the shares do not belong together: one of them is of another set");
  return secret;
}

/** Four rounds of Feistel, with no passphrase and, for these shares, no salt of their own. */
function decrypted(sealed: Uint8Array, exponent: number): Uint8Array {
  let [left, right] = [sealed.subarray(0, VALUE_BYTES / 2), sealed.subarray(VALUE_BYTES / 2)];
  for (const round of [3, 2, 1, 0]) {
    const key = pbkdf2(sha256, Uint8Array.of(round), right, { c: 2_500 * 2 ** exponent, dkLen: VALUE_BYTES / 2 });
    const mixed = left.map((byte, at) => byte ^ (key[at] ?? 0));
    [left, right] = [right, mixed];
  }
  return concat(right, left);
}

/** The 32 bytes that shares come to; more than are needed may be given. Raises Refused: too-few-shares, other-shares. */
export function combineShares(shares: readonly Share[]): Uint8Array {
  const [first] = shares;
  if (first === undefined) throw new Refused("too-few-shares", "no share was given");
  if (first.grouped) throw new Refused("other-shares", "these are SLIP-39 shares in groups: not of this program");
  for (const [at, share] of shares.entries()) {
    if (share.set !== first.set)
      throw new Refused(
        "other-shares",
        `share ${at + 1} is of another set than share 1: shares of one set begin with the same two words`,
      );
    if (shares.slice(0, at).some(({ index }) => index === share.index))
      throw new Refused("other-shares", `share ${at + 1} is one that was given before: each share counts once`);
  }
  if (shares.length < first.needed)
    throw new Refused("too-few-shares", `${shares.length} share(s) were given, want ${first.needed} of this set`);
  return decrypted(encrypted(shares.slice(0, first.needed)), first.exponent);
}
