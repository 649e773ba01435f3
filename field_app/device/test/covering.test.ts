/** What goes into one envelope where cover traffic is on. Spec 9.7, 4. */
import { randomId } from "@fieldkeep/core/author";
import { limit } from "@fieldkeep/core/limits";
import { paddedSize } from "@fieldkeep/core/sealing";
import { expect, test } from "vitest";
import { coverBatch } from "../src/covering";
import type { Pending } from "../src/stored";

const pending = (c: number, length: number, r = randomId()): Pending => ({
  change: {
    ...{ r, t: "case_note", s: 1, c, b: 0, at: 0, u: false },
    ops: [{ field: "body", action: "set", value: "x".repeat(length), preds: [] }],
  },
  outbox: null,
  held: "",
});
const sizes = (plaintexts: readonly Uint8Array[]): readonly number[] =>
  plaintexts.map(({ length }) => paddedSize(length + 4));
const DAY = [256, 256, 512, 512, 1024, 1024, 2048, 2048, 4096, 4096];

test("an envelope has the day's sizes whether it says nothing or something", () => {
  expect(sizes(coverBatch([]).plaintexts)).toEqual(DAY);
  const two = coverBatch([pending(1, 10), pending(2, 700)]);
  expect([two.taken.length, sizes(two.plaintexts)]).toEqual([2, DAY]);
});

test("what finds no part waits for the next envelope, and what is larger stands behind", () => {
  const many = coverBatch([pending(1, 10), pending(2, 11), pending(3, 12), pending(4, 13)]);
  expect(many.taken.map(({ change }) => change.c)).toEqual([1, 2]);
  const large = coverBatch([pending(1, 9000)]);
  expect(sizes(large.plaintexts).slice(0, 10)).toEqual(DAY);
  expect(large.plaintexts).toHaveLength(11);
});

test("however many long notes wait, an envelope is one that a server takes", () => {
  const notes = Array.from({ length: 300 }, (_, c) => pending(c + 1, 8000));
  const { taken, plaintexts } = coverBatch(notes);
  expect(taken.length).toBeGreaterThan(50);
  expect(taken.length).toBeLessThan(300);
  const bytes = sizes(plaintexts).reduce((sum, size) => sum + size + 48, 0);
  expect(bytes).toBeLessThan(limit("entry_bytes"));
});
