/** A list that only grows, shared between its versions: a log's chain and places are kept in one. */
import { expect, test } from "vitest";
import { Growing } from "../src/log";

const items = <T>(list: Growing<T>): readonly (T | undefined)[] =>
  Array.from({ length: list.length }, (_, i) => list.at(i));

test("a version keeps its own items, whatever later ones and other branches add", () => {
  const one = Growing.of("a");
  const two = one.with("b");
  const three = two.with("c");
  const branch = two.with("other");
  const longer = branch.with("still other");
  expect([one, two, three, branch, longer].map(items)).toEqual([
    ["a"],
    ["a", "b"],
    ["a", "b", "c"],
    ["a", "b", "other"],
    ["a", "b", "other", "still other"],
  ]);
  expect([two.at(2), two.at(-1)]).toEqual([undefined, undefined]);
});
