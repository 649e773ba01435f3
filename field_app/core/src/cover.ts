/**
 * Cover traffic: one envelope a day in each file, of the same sizes whatever it says, and parts that say nothing.
 *
 * Spec 4, 9.7. Vectors: cover. When a device seals is the device's own.
 */
import { decode, encode } from "./cbor";
import { type Change, readPart } from "./change";
import { Refused } from "./errors";
import { paddedSize } from "./sealing";

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Padded sizes of the parts of a day's envelope, in order. */
const SIZES = [256, 256, 512, 512, 1024, 1024, 2048, 2048, 4096, 4096] as const;
const LARGEST = 4096;
/** Before the plaintext its length stands. */
const LENGTH = 4;
/** The head of a byte string of a day's sizes: two bytes up to 255, three beyond. */
const HEADS = [2, 3] as const;

/** The number of the day, which begins at `hour` UTC, that `ms` is in. */
export function coverDay(ms: number, hour: number): number {
  return Math.floor((ms - hour * HOUR_MS) / DAY_MS);
}

/** When that day begins. */
export function coverDayStart(day: number, hour: number): number {
  return day * DAY_MS + hour * HOUR_MS;
}

/** The plaintext of a part that says nothing, and has that padded size. */
function coverPart(size: number): Uint8Array {
  const room = size - LENGTH;
  const head = HEADS.find((bytes) => encode(new Uint8Array(room - bytes)).length === room);
  if (head === undefined) throw new Refused("internal", `no byte string fills a part of ${size} bytes`);
  return encode(new Uint8Array(room - head));
}

const sizeOf = (length: number): number => paddedSize(length + LENGTH);

/** Whether plaintexts of these lengths go into one envelope. What is larger than all its parts stands behind them. */
export function coverFits(lengths: readonly number[]): boolean {
  const sizes = lengths.map(sizeOf);
  const count = (all: readonly number[], size: number): number => all.filter((one) => one === size).length;
  return [...new Set(SIZES)].every((size) => count(sizes, size) <= count(SIZES, size));
}

/** A day's envelope: what there is to say, each in the first free part of its size; the other parts are cover. */
export function coverParts(plaintexts: readonly Uint8Array[]): readonly Uint8Array[] {
  const waiting = new Map<number, Uint8Array[]>();
  for (const one of plaintexts) waiting.set(sizeOf(one.length), [...(waiting.get(sizeOf(one.length)) ?? []), one]);
  const day = SIZES.map((size) => waiting.get(size)?.shift() ?? coverPart(size));
  return [...day, ...plaintexts.filter(({ length }) => sizeOf(length) > LARGEST)];
}

/** The changes of a part; none of one that says nothing. Throws `malformed` for anything else. */
export function changesIn(plaintext: Uint8Array): readonly Change[] {
  const value = decode(plaintext);
  if (!(value instanceof Uint8Array)) return readPart(value);
  if (value.some((byte) => byte !== 0)) throw new Refused("malformed", "a byte string in a part that is not zeros");
  return [];
}
