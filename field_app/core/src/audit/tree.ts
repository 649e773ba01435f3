/**
 * The whole audit tree, as an auditor builds it from every event: roots of all its beginnings, and paths. Spec 10.2.
 * Vectors: merkle; tests: audit.
 */
import { Refused } from "../errors";
import { EMPTY_ROOT, nodeHash } from "../merkle";

/**
 * Level k holds the hashes of the complete subtrees of 2^k leaves. A newer tree shares its levels with the older one,
 * which keeps its own size.
 */
export class Tree {
  readonly #levels: Uint8Array[][];
  readonly size: number;

  private constructor(levels: Uint8Array[][], size: number) {
    [this.#levels, this.size] = [levels, size];
  }

  static readonly empty = new Tree([[]], 0);

  with(leaves: readonly Uint8Array[]): Tree {
    const ours = this.#levels[0]?.length === this.size && this.size > 0;
    const levels = ours ? this.#levels : this.#levels.map((level, k) => level.slice(0, Math.floor(this.size / 2 ** k)));
    for (const leaf of leaves) {
      let hash = leaf;
      for (let k = 0; ; k++) {
        const level = (levels[k] ??= []);
        level.push(hash);
        if (level.length % 2 === 1) break;
        hash = nodeHash(this.#at(levels, k, level.length - 2), hash);
      }
    }
    return new Tree(levels, this.size + leaves.length);
  }

  leaf(index: number): Uint8Array | null {
    return index < this.size ? this.#at(this.#levels, 0, index) : null;
  }

  /** The root of the first `size` leaves; null of a tree that is larger than this one. */
  rootAt(size: number): Uint8Array | null {
    if (size < 0 || size > this.size) return null;
    return size === 0 ? EMPTY_ROOT : this.#range(0, size);
  }

  /** The path that leads from a leaf to the root of the first `size` leaves. */
  inclusion(index: number, size: number): readonly Uint8Array[] {
    if (index < 0 || index >= size || size > this.size)
      throw new Refused("not-found", `leaf ${index} of a tree of ${size}`);
    const path: Uint8Array[] = [];
    let [from, to] = [0, size];
    while (to - from > 1) {
      const middle = from + powerBelow(to - from);
      path.unshift(index < middle ? this.#range(middle, to) : this.#range(from, middle));
      if (index < middle) to = middle;
      else from = middle;
    }
    return path;
  }

  #at(levels: readonly (readonly Uint8Array[])[], level: number, index: number): Uint8Array {
    const found = levels[level]?.[index];
    if (found === undefined) throw new Refused("internal", "a tree without a node of its own");
    return found;
  }

  /** The hash over leaves from a place at which a subtree of that many leaves begins. */
  #range(from: number, to: number): Uint8Array {
    const count = to - from;
    const k = Math.floor(Math.log2(count));
    if (2 ** k === count) return this.#at(this.#levels, k, from / count);
    const middle = from + powerBelow(count);
    return nodeHash(this.#range(from, middle), this.#range(middle, to));
  }
}

/** The largest power of two below a number from 2. */
const powerBelow = (count: number): number => 2 ** Math.ceil(Math.log2(count) - 1);
