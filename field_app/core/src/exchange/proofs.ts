/**
 * Which of the entries that a device was served are proved to be in the audit tree. Spec 9.3. Tests: exchange.
 *
 * What is not says nothing of its log, which goes on: it is an alarm, and no contradiction.
 */
import { Refused } from "../errors";
import type { Witness } from "../shape";
import type { SyncResponse } from "../sync";
import { checkLeaf, type Leaf } from "./registry_page";
import type { PendingLeaf } from "./view";

const DAY_MS = 86_400_000;

export interface Proofs {
  readonly tree: Witness;
  /** The leaves of which a path was asked for; one that nobody asked for is passed over. */
  readonly asked: readonly number[];
  readonly inclusion: SyncResponse["inclusion"];
  /** The server's clock and the device's: whichever has gone further counts. */
  readonly serverMs: number;
  readonly ownMs: number;
}

export interface Proved {
  /** To be asked for again. */
  readonly waiting: readonly PendingLeaf[];
  /** Their path is wrong, or did not come within a day. */
  readonly missing: readonly Leaf[];
  /** A day is over for some that were not asked for yet. */
  readonly again: boolean;
}

/** Whether a path leads from what the device rebuilt of an entry to the root of the tree. */
function isIn(tree: Witness, leaf: Leaf, path: readonly Uint8Array[]): boolean {
  try {
    checkLeaf(leaf, tree, path);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

export function proved(pending: readonly PendingLeaf[], { tree, asked, inclusion, serverMs, ownMs }: Proofs): Proved {
  const paths = new Map(
    inclusion.filter(({ leaf }) => asked.includes(leaf)).map(({ leaf, path }) => [leaf, path] as const),
  );
  const waiting: PendingLeaf[] = [];
  const missing: Leaf[] = [];
  let again = false;
  for (const one of pending) {
    const { leaf, server_ms, own_ms } = one;
    const path = paths.get(leaf.leaf);
    const isLate = Math.max(serverMs - server_ms, ownMs - own_ms) > DAY_MS;
    const couldHave = asked.includes(leaf.leaf) || leaf.leaf >= tree.size;
    if (path !== undefined) {
      if (!isIn(tree, leaf, path)) missing.push(leaf);
    } else if (isLate && couldHave) missing.push(leaf);
    else {
      waiting.push(one);
      again ||= isLate;
    }
  }
  return { waiting, missing, again };
}
