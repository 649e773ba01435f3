/**
 * A proposal for a narrative in conflict: two people's texts merged by words against the text that both began from.
 *
 * It only proposes: a person reads it, alters it, and decides with a reason (spec 5.5). Where both changed the same
 * place there is no proposal for that place, and both are shown.
 */
import { diffArrays } from "diff";

/** Words, runs of blanks, and every other character by itself. */
const TOKEN = /[\p{L}\p{N}\p{M}'’]+|\s+|./gsu;
/** Beyond so many differences two texts are two texts. */
const MOST_EDITS = 1500;

export type Piece =
  | { readonly kind: "same"; readonly text: string }
  /** Changed by one of them alone, or by both alike: what stood there, and what stands now. */
  | { readonly kind: "changed"; readonly by: "a" | "b" | "both"; readonly was: string; readonly text: string }
  /** Changed by both, and not alike. */
  | { readonly kind: "clash"; readonly was: string; readonly a: string; readonly b: string };

export interface Merged {
  readonly pieces: readonly Piece[];
  /** The whole text, where nothing clashes. */
  readonly proposal: string | null;
}

/** Tokens `from` to `until` of the base are replaced by these. */
interface Hunk {
  readonly from: number;
  readonly until: number;
  readonly text: readonly string[];
}

const tokens = (text: string): readonly string[] => text.match(TOKEN) ?? [];

function hunks(base: readonly string[], text: readonly string[]): readonly Hunk[] {
  const parts = diffArrays([...base], [...text], { maxEditLength: MOST_EDITS });
  if (parts === undefined) return [{ from: 0, until: base.length, text }];
  const found: Hunk[] = [];
  let at = 0;
  for (const { added, removed, value } of parts) {
    const last = found.at(-1);
    const grows = last !== undefined && last.until === at && (added || removed);
    if (!added && !removed) at += value.length;
    else if (removed) {
      found.splice(grows ? -1 : found.length, grows ? 1 : 0, {
        from: grows ? last.from : at,
        until: at + value.length,
        text: grows ? last.text : [],
      });
      at += value.length;
    } else {
      const before = grows ? last.text : [];
      found.splice(grows ? -1 : found.length, grows ? 1 : 0, {
        from: grows ? last.from : at,
        until: at,
        text: [...before, ...value],
      });
    }
  }
  return found;
}

/** What both kept, where nobody knows what they began from. */
function common(a: readonly string[], b: readonly string[]): readonly string[] {
  const parts = diffArrays([...a], [...b], { maxEditLength: MOST_EDITS }) ?? [];
  return parts.flatMap(({ added, removed, value }) => (added || removed ? [] : value));
}

/** The tokens of one side for a stretch of the base in which its hunks lie. */
function side(base: readonly string[], own: readonly Hunk[], from: number, until: number): string {
  const text: string[] = [];
  let at = from;
  for (const hunk of own) {
    text.push(...base.slice(at, hunk.from), ...hunk.text);
    at = hunk.until;
  }
  return [...text, ...base.slice(at, until)].join("");
}

function piece(was: string, a: string | null, b: string | null): Piece {
  if (a !== null && b !== null && a !== b) return { kind: "clash", was, a, b };
  return { kind: "changed", by: a === null ? "b" : b === null ? "a" : "both", was, text: a ?? b ?? was };
}

/** `base` is what both began from; null where that is not known. */
export function mergeWords(base: string | null, a: string, b: string): Merged {
  const [left, right] = [tokens(a), tokens(b)];
  const began = base === null ? common(left, right) : tokens(base);
  const edits = { a: hunks(began, left), b: hunks(began, right) };
  const waiting = { a: [...edits.a], b: [...edits.b] };
  const pieces: Piece[] = [];
  let at = 0;
  for (;;) {
    const from = Math.min(waiting.a[0]?.from ?? Infinity, waiting.b[0]?.from ?? Infinity);
    if (from === Infinity) break;
    if (from > at) pieces.push({ kind: "same", text: began.slice(at, from).join("") });
    const taken: { readonly a: Hunk[]; readonly b: Hunk[] } = { a: [], b: [] };
    let until = from;
    // What touches belongs together: between two changes that meet there is nothing that both left as it was.
    for (let grew = true; grew; ) {
      grew = false;
      for (const who of ["a", "b"] as const) {
        const next = waiting[who][0];
        if (next === undefined || next.from > until) continue;
        taken[who].push(next);
        waiting[who].shift();
        until = Math.max(until, next.until);
        grew = true;
      }
    }
    const text = (who: "a" | "b"): string | null =>
      taken[who].length === 0 ? null : side(began, taken[who], from, until);
    pieces.push(piece(began.slice(from, until).join(""), text("a"), text("b")));
    at = until;
  }
  if (at < began.length) pieces.push({ kind: "same", text: began.slice(at).join("") });
  const whole = pieces.map((one) => (one.kind === "clash" ? null : one.text));
  return { pieces, proposal: whole.includes(null) ? null : whole.join("") };
}

/** The pieces with one side's words wherever the two clash. */
export function withSide({ pieces }: Merged, who: "a" | "b"): string {
  return pieces.map((one) => (one.kind === "clash" ? one[who] : one.text)).join("");
}
