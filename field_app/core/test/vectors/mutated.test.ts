/**
 * Nothing but a Refused leaves a decoder, whatever the bytes: the golden ones of every codec, damaged in ways drawn
 * from a fixed seed.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { concat } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import { Refused } from "../../src/errors";
import { isMap } from "../../src/shape";
import { type Case, readVectors } from "./notation";
import { type Codec, registered, ROOT, type TextCodec } from "./runner";

const TRIES = 60;
/** Larger ones have nothing that smaller ones do not have. */
const MOST_BYTES = 20_000;

/** A linear congruential generator: the same damage at every run. */
function drawing(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function damage(bytes: Uint8Array, draw: (below: number) => number): Uint8Array {
  const at = draw(bytes.length);
  const [before, rest] = [bytes.subarray(0, at), bytes.subarray(at)];
  const kind = draw(4);
  if (kind === 0) return concat(before, Uint8Array.of((rest[0] ?? 0) ^ (1 << draw(8))), rest.subarray(1));
  if (kind === 1) return concat(before, Uint8Array.of(draw(256)), rest.subarray(1));
  if (kind === 2) return concat(before, rest.subarray(1 + draw(4)));
  return concat(before, Uint8Array.of(draw(256)), rest);
}

const { codecs } = await registered();
const topics = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const files = topics.flatMap(({ name }) =>
  readdirSync(new URL(`${name}/`, ROOT)).map((file) => new URL(`${name}/${file}`, ROOT)),
);
const golden = files
  .filter(({ pathname }) => pathname.endsWith(".json"))
  .flatMap((file) => readVectors(fileURLToPath(file)).golden);

/** What is signed is written with a key, and an entry holds something signed. */
const isSigned = (value: CborValue): boolean => isMap(value) && value.has("signature");

/** What damaged bytes are taken for, or undefined where they are refused. */
async function taken(run: () => CborValue | Promise<CborValue>): Promise<CborValue | undefined> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

async function decodeDamaged(codec: Codec | TextCodec, one: Case, draw: (below: number) => number): Promise<boolean> {
  const { bytes, text } = one;
  if ("decode" in codec && bytes instanceof Uint8Array && bytes.length > 0 && bytes.length <= MOST_BYTES) {
    const damaged = damage(bytes, draw);
    const value = await taken(() => codec.decode(damaged));
    if (value !== undefined && !isSigned(value)) expect(await codec.encode(value, null)).toEqual(damaged);
    return true;
  }
  if (!("decodeText" in codec) || typeof text !== "string") return false;
  const damaged = Buffer.from(damage(Buffer.from(text), draw)).toString();
  const value = await taken(() => codec.decodeText(damaged));
  if (value !== undefined) expect(await codec.encodeText(value, null)).toBe(damaged);
  return true;
}

for (const [name, codec] of codecs) {
  test(`${name}: damaged bytes are refused, or are the one encoding of what they say`, async () => {
    const draw = drawing(name.length * 7919 + (name.codePointAt(0) ?? 0));
    let tried = 0;
    for (const one of golden.filter((each) => each.codec === name)) {
      for (let i = 0; i < TRIES; i++) if (await decodeDamaged(codec, one, draw)) tried += 1;
    }
    expect(tried).toBeGreaterThan(0);
  });
}
