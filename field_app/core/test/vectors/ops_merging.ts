/** Registers the operations of the topic merging. */
import { type Piece, mergeWords } from "../../src/words";
import { struct } from "./notation";
import type { Ops } from "./runner";

/** As the vectors write a piece: what stood there, what stands there on either side, and whose change it is. */
function row(piece: Piece): readonly string[] {
  if (piece.kind === "same") return [piece.kind, piece.text, piece.text, piece.text, ""];
  if (piece.kind === "clash") return [piece.kind, piece.was, piece.a, piece.b, ""];
  const { by, kind, text, was } = piece;
  return [kind, was, by === "b" ? was : text, by === "a" ? was : text, by];
}

export const ops: Ops = {
  merge_words: (input) => {
    const base = input.value("base");
    const { pieces, proposal } = mergeWords(base === null ? null : input.text("base"), input.text("a"), input.text("b"));
    return struct({ pieces: pieces.map((piece) => [...row(piece)]), proposal });
  },
};
