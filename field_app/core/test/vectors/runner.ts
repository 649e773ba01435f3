/**
 * Runs every case of every vector file as one test. What a case needs is registered in files ops_<topic>.ts beside this
 * one,
 * each of which exports `codecs`, `ops` or both. A name that nobody has registered fails, unless pending.ts lists it.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { concat } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import { Refused } from "../../src/errors";
import { type Case, In, readVectors, same } from "./notation";
import { PENDING } from "./pending";

type Awaitable<T> = T | Promise<T>;

export interface Codec {
  readonly decode: (input: Uint8Array) => Awaitable<CborValue>;
  /** `seed` is that of the case: what is signed is signed with it, and `decoded` then verifies under its public key. */
  readonly encode: (value: CborValue, seed: Uint8Array | null) => Awaitable<Uint8Array>;
  /**
   * More bytes that are to be refused because something inside was cut short (of an entry, the signed object and its
   * parts).
   */
  readonly cut?: (bytes: Uint8Array) => Iterable<Uint8Array>;
}

export interface TextCodec {
  readonly decodeText: (text: string) => Awaitable<CborValue>;
  readonly encodeText: (value: CborValue, seed: Uint8Array | null) => Awaitable<string>;
}

export type Op = (input: In) => Awaitable<CborValue>;
export type Codecs = { readonly [name: string]: Codec | TextCodec };
export type Ops = { readonly [name: string]: Op };

const HERE = new URL("./", import.meta.url);
export const ROOT = new URL("../../../../shared_schema/vectors/", import.meta.url);
/** Beyond this many bytes not every prefix is tried, but those near both ends and some hundred between. */
const ALL_PREFIXES = 2048;

export async function registered(): Promise<{ codecs: Map<string, Codec | TextCodec>; ops: Map<string, Op> }> {
  const codecs = new Map<string, Codec | TextCodec>();
  const ops = new Map<string, Op>();
  const add = <T>(to: Map<string, T>, from: { readonly [name: string]: T } | undefined): void => {
    for (const [name, one] of Object.entries(from ?? {})) {
      if (to.has(name)) throw new Error(`${name} is registered twice`);
      to.set(name, one);
    }
  };
  for (const name of readdirSync(HERE).filter((file) => /^ops_\w+\.ts$/.test(file))) {
    const module: { codecs?: Codecs; ops?: Ops } = await import(fileURLToPath(new URL(name, HERE)));
    add(codecs, module.codecs);
    add(ops, module.ops);
  }
  return { codecs, ops };
}

async function refusal(run: () => Awaitable<unknown>): Promise<Refused> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
  throw new Error("it was taken, and should have been refused");
}

async function expectSame(got: CborValue, wanted: CborValue): Promise<void> {
  // The comparison by values is exact; the assertion is what prints the difference.
  if (!same(got, wanted)) expect(got).toEqual(wanted);
  expect(same(got, wanted)).toBe(true);
}

function* prefixes(length: number): Iterable<number> {
  const step = length <= ALL_PREFIXES ? 1 : Math.ceil(length / 256);
  for (let size = 0; size < length; size += size < 512 || size >= length - 512 ? 1 : step) yield size;
}

function* spoiled(bytes: Uint8Array, codec: Codec): Iterable<Uint8Array> {
  for (const size of prefixes(bytes.length)) yield bytes.subarray(0, size);
  for (const byte of [0x00, 0xf6, 0xff]) yield concat(bytes, Uint8Array.of(byte));
  if (codec.cut !== undefined) yield* codec.cut(bytes);
}

async function runCodec(codec: Codec | TextCodec, one: Case): Promise<void> {
  const seed = one.seed instanceof Uint8Array ? one.seed : null;
  const input = one.bytes ?? one.text;
  if (one.code !== undefined) {
    const run = (): Awaitable<unknown> => {
      if (input === undefined) {
        if (one.value === undefined) throw new Error("a case without input");
        return "decode" in codec ? codec.encode(one.value, seed) : codec.encodeText(one.value, seed);
      }
      if ("decode" in codec && input instanceof Uint8Array) return codec.decode(input);
      if ("decodeText" in codec && typeof input === "string") return codec.decodeText(input);
      throw new Error("the input does not fit the codec");
    };
    expect((await refusal(run)).code).toBe(one.code);
    return;
  }
  if (one.value === undefined) throw new Error("a golden case without value");
  if ("decode" in codec && input instanceof Uint8Array) {
    await expectSame(await codec.decode(input), one.value);
    await expectSame(await codec.encode(one.value, seed), input);
    for (const bytes of spoiled(input, codec)) {
      expect((await refusal(() => codec.decode(bytes))).code).toBe("malformed");
    }
  } else if ("decodeText" in codec && typeof input === "string") {
    await expectSame(await codec.decodeText(input), one.value);
    expect(await codec.encodeText(one.value, seed)).toBe(input);
    for (const size of prefixes(input.length)) {
      expect((await refusal(() => codec.decodeText(input.slice(0, size)))).code).toBe("malformed");
    }
    for (const more of [" ", "\n", "0"]) {
      expect((await refusal(() => codec.decodeText(input + more))).code).toBe("malformed");
    }
  } else throw new Error("the input does not fit the codec");
}

async function runOp(op: Op, one: Case): Promise<void> {
  if (one.code !== undefined) {
    expect((await refusal(() => op(new In(one.in)))).code).toBe(one.code);
  } else {
    if (one.out === undefined) throw new Error("a golden case without out");
    await expectSame(await op(new In(one.in)), one.out);
  }
}

/** Defines the tests of all topics' files. */
export async function defineTopics(): Promise<void> {
  const { codecs, ops } = await registered();
  const topics = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(topics.length).toBeGreaterThan(0);
  const missing = new Set<string>();
  const nameOf = (one: Case): string => one.codec ?? one.op ?? "";
  const run = async (one: Case): Promise<void> => {
    const codec = one.codec === undefined ? undefined : codecs.get(one.codec);
    const op = one.op === undefined ? undefined : ops.get(one.op);
    if (codec !== undefined) return runCodec(codec, one);
    if (op !== undefined) return runOp(op, one);
    throw new Error(`${nameOf(one)} is neither registered nor pending`);
  };
  for (const topic of topics) {
    for (const file of readdirSync(new URL(`${topic.name}/`, ROOT)).filter((name) => name.endsWith(".json"))) {
      const vectors = readVectors(fileURLToPath(new URL(`${topic.name}/${file}`, ROOT)));
      const cases = [...vectors.golden, ...vectors.must_refuse];
      for (const one of cases) if (!codecs.has(nameOf(one)) && !ops.has(nameOf(one))) missing.add(nameOf(one));
      const ready = cases.filter((one) => !missing.has(nameOf(one)) || !PENDING.includes(nameOf(one)));
      if (ready.length === 0) continue;
      describe(`${topic.name}/${file}`, () => {
        for (const one of ready) {
          test(`${one.code === undefined ? "golden" : "must_refuse"} ${nameOf(one)} ${one.name}`, () => run(one));
        }
      });
    }
  }
  test("pending.ts lists exactly what is not registered", () => {
    expect([...PENDING].sort()).toEqual([...missing].sort());
  });
}
