/**
 * The second implementation, asked line by line: what it makes of the same bytes as the first (tests/fuzz/differential.py).
 *
 * A line in is `{codec, bytes | text}` or `{op, in}`, in the vectors' notation; a line out `{code}` where it was
 * refused, `{value, again}` where it was taken (the hash of what it was taken for, and whether that is written as the
 * same bytes), `{wrong}` for anything else that was thrown.
 */
import { createInterface } from "node:readline";
import { equal, hex } from "../../src/bytes";
import { type CborValue, encode } from "../../src/cbor";
import { Refused } from "../../src/errors";
import { H } from "../../src/hash";
import { isMap } from "../../src/shape";
import { In, readLine } from "../vectors/notation";
import type { Codec, Codecs, Op, Ops, TextCodec } from "../vectors/runner";

declare global {
  interface ImportMeta {
    readonly glob: <M>(pattern: string, options: { readonly eager: true }) => { readonly [path: string]: M };
  }
}

interface Told {
  readonly code?: string;
  readonly why?: string;
  readonly value?: string;
  readonly again?: boolean;
  readonly says?: string;
  readonly wrong?: string;
}

/** A value stands deeper in a codec's value than on the wire. */
const DEPTH = 64;
const modules = import.meta.glob<{ readonly codecs?: Codecs; readonly ops?: Ops }>("../vectors/ops_*.ts", {
  eager: true,
});
const codecs = new Map<string, Codec | TextCodec>();
const ops = new Map<string, Op>();
for (const module of Object.values(modules)) {
  for (const [name, codec] of Object.entries(module.codecs ?? {})) codecs.set(name, codec);
  for (const [name, op] of Object.entries(module.ops ?? {})) ops.set(name, op);
}

/** For a person who looks at one difference: the value in words. */
const SAYS = process.env["FUZZ_SAYS"] !== undefined;
const shown = (value: CborValue): string =>
  JSON.stringify(value, (_key, one: unknown) =>
    one instanceof Map ? Object.fromEntries(one) : one instanceof Uint8Array ? hex(one) : one,
  );
const hashOf = (value: CborValue): string => hex(H(encode(value, DEPTH)));
/** What is signed is written with a key, and an entry holds something signed. */
const isSigned = (value: CborValue): boolean => isMap(value) && value.has("signature");

async function taken(codec: Codec | TextCodec, input: CborValue): Promise<Told> {
  if ("decode" in codec) {
    if (!(input instanceof Uint8Array)) throw new Error("bytes wanted");
    const value = await codec.decode(input);
    return { value: hashOf(value), again: isSigned(value) || equal(await codec.encode(value, null), input) };
  }
  if (typeof input !== "string") throw new Error("a text wanted");
  const value = await codec.decodeText(input);
  return { value: hashOf(value), again: (await codec.encodeText(value, null)) === input };
}

async function answer(line: string): Promise<Told> {
  const asked = readLine(line);
  try {
    const codec = codecs.get(asked.codec ?? "");
    if (codec !== undefined) return await taken(codec, asked.bytes ?? asked.text ?? null);
    const op = ops.get(asked.op ?? "");
    if (op === undefined) throw new Error(`nobody knows ${asked.codec ?? asked.op}`);
    const value = (await op(new In(asked.in))) ?? null;
    return { value: hashOf(value), again: true, ...(SAYS ? { says: shown(value) } : {}) };
  } catch (error) {
    if (error instanceof Refused) return { code: error.code, why: error.message };
    return { wrong: error instanceof Error ? (error.stack ?? error.message).slice(0, 2000) : String(error) };
  }
}

process.stdout.write(`${JSON.stringify({ codecs: [...codecs.keys()], ops: [...ops.keys()] })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
