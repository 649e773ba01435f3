/** Registers the operations of the topic hints. */
import { phrases } from "../../src/hints/phrasing";
import { spills } from "../../src/hints/spills";
import type { Ops } from "./runner";

export const ops: Ops = {
  spills: (input) => {
    const text = input.text("text");
    return spills(text).map(({ what, start, end, near }) => [what, text.slice(start, end), near]);
  },
  phrases: (input) => {
    const text = input.text("text");
    return phrases(text).map(({ start, end, instead }) => [text.slice(start, end), instead]);
  },
};
