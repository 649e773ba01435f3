/** The audit tree of RFC 6962: roots, proofs, and the leaf of an accepted entry. Spec 10.2. Vectors: merkle. */
import { equal } from "./bytes";
import { Refused } from "./errors";
import { type AcceptedEvent, encodeEvent } from "./event";
import { H, L } from "./hash";

const contradiction = (message: string): Refused => new Refused("contradiction", message);
const [LEAF, NODE] = [Uint8Array.of(0), Uint8Array.of(1)];

export const EMPTY_ROOT: Uint8Array = H();

export function leafHash(data: Uint8Array): Uint8Array {
  return H(LEAF, data);
}

const node = (left: Uint8Array, right: Uint8Array): Uint8Array => H(NODE, left, right);
export { node as nodeHash };

/** Leaf data: an event under its salt. */
export function eventCommitment(salt: Uint8Array, event: Uint8Array): Uint8Array {
  return H(L("event"), salt, event);
}

/** The leaf hash of an entry's `accepted` event, rebuilt from the entry. */
export function acceptedLeaf(event: Omit<AcceptedEvent, "e">, salt: Uint8Array): Uint8Array {
  return leafHash(eventCommitment(salt, encodeEvent({ e: "accepted", ...event })));
}

/** The largest power of two below `size`, of a tree of two leaves or more. */
function split(size: number): number {
  return 2 ** Math.ceil(Math.log2(size) - 1);
}

export function root(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  const k = split(leaves.length);
  return node(root(leaves.slice(0, k)), root(leaves.slice(k)));
}

export function inclusion(leaves: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return index < k ? [...inclusion(left, index), root(right)] : [...inclusion(right, index - k), root(left)];
}

export function consistency(leaves: readonly Uint8Array[], old: number): readonly Uint8Array[] {
  return old === 0 ? [] : subproof(leaves, old, true);
}

function subproof(leaves: readonly Uint8Array[], old: number, whole: boolean): readonly Uint8Array[] {
  if (old === leaves.length) return whole ? [] : [root(leaves)];
  const k = split(leaves.length);
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
  return old <= k ? [...subproof(left, old, whole), root(right)] : [...subproof(right, old - k, false), root(left)];
}

const half = (n: number): number => Math.floor(n / 2);
const odd = (n: number): boolean => n % 2 === 1;

/** RFC 9162 §2.1.3.2, with division in the place of shifts: leaves have up to 53 bits. */
export function checkInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  wanted: Uint8Array,
): void {
  if (index < 0 || index >= size) throw contradiction(`leaf ${index} of a tree of ${size}`);
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const step of path) {
    if (sn === 0) throw contradiction("a path that is too long");
    if (odd(fn) || fn === sn) {
      hash = node(step, hash);
      while (!odd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else hash = node(hash, step);
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0 || !equal(hash, wanted)) throw contradiction("the path does not lead to the root");
}

/** RFC 9162 §2.1.4.2. */
export function checkConsistency(
  old: number,
  oldRoot: Uint8Array,
  size: number,
  newRoot: Uint8Array,
  path: readonly Uint8Array[],
): void {
  if (old < 0 || old > size) throw contradiction(`a tree of ${size} after one of ${old}`);
  if (old === 0 || old === size) {
    const same = equal(oldRoot, old === 0 ? EMPTY_ROOT : newRoot);
    if (!same || path.length > 0) {
      throw contradiction("a tree that is empty, or did not grow, has one root and an empty proof");
    }
    return;
  }
  const power = Number.isInteger(Math.log2(old)) && 2 ** Math.log2(old) === old;
  const [first, ...rest] = power ? [oldRoot, ...path] : path;
  if (first === undefined || (power && path.length === 0)) throw contradiction("no proof");
  let [fn, sn] = [old - 1, size - 1];
  while (odd(fn)) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [first, first];
  for (const step of rest) {
    if (sn === 0) throw contradiction("a proof that is too long");
    if (odd(fn) || fn === sn) {
      [fr, sr] = [node(step, fr), node(step, sr)];
      while (!odd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = node(sr, step);
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0 || !equal(fr, oldRoot) || !equal(sr, newRoot)) {
    throw contradiction("the newer tree does not begin with the older");
  }
}
