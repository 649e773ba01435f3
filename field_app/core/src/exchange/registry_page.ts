/** The next page of a registry, and of an audit tree its next checkpoint. Spec 9.3, 10.2. Vectors: exchange. */
import { equal, hex } from "../bytes";
import { origin, verifyCheckpoint } from "../checkpoint";
import { type Code, Refused } from "../errors";
import { verifies } from "../keys";
import { isAddressed } from "../log";
import { acceptedLeaf, checkConsistency, checkInclusion } from "../merkle";
import type { Check } from "../registry/judged";
import { type Registry, serverOf } from "../registry/state";
import { readRegistryEntry } from "../registry/take";
import type { Witness } from "../shape";
import type { Page } from "../sync";
import {
  checkForce,
  checkLeads,
  checkLeaves,
  checkPromised,
  checkTree,
  contradiction,
  NOTHING_TOLD,
  readHead,
  readServed,
  type Sent,
  type Served,
  type Told,
} from "./served";

export interface TakenStatement {
  readonly served: Served;
  readonly void: Code | null;
}

export interface RegistryPage {
  readonly registry: Registry;
  readonly taken: readonly TakenStatement[];
}

export interface RegistryTaking {
  /** That of the side, as the device learnt it when it was enrolled. */
  readonly incarnation: Uint8Array;
  readonly sent: Sent;
  readonly told: Told;
  readonly check: Check;
}

export const REGISTRY_TAKING = { sent: new Map() as Sent, told: NOTHING_TOLD, check: verifies } as const;

async function readOne(
  registry: Registry,
  { entry, received_ms }: Served,
  check: Check,
): Promise<readonly [Registry, Code | null]> {
  if (entry === null) throw contradiction("an entry by its id alone that the device did not send");
  const next = await readRegistryEntry(registry, entry, received_ms, check);
  return [next.registry, next.void];
}

/** Of what the device was told before, what a `restore` of this very page has not ended: its tree, and its promises. */
function toldIn(before: Registry, after: Registry, told: Told): Told {
  return after.restorations.length > before.restorations.length ? { ...NOTHING_TOLD, refused: told.refused } : told;
}

/** Throws `contradiction` or `malformed`, and `no-service` where no root of the pinned authority stands. */
export async function takeRegistryPage(
  registry: Registry,
  page: Page,
  { incarnation, sent, told, check }: RegistryTaking,
): Promise<RegistryPage> {
  const served = readServed(page, registry.log, sent);
  const [first] = served;
  // Of a registry that has not begun the first entry names the key by which its head is signed.
  const begun = registry.root === null && first !== undefined ? (await readOne(registry, first, check))[0] : registry;
  const server = serverOf(begun);
  if (server === null) throw new Refused("no-service", "no root of the pinned authority stands at the beginning");
  const head = await readHead(page, server, registry.log);
  checkLeads(registry.log, served, head);
  let after = registry;
  const taken: TakenStatement[] = [];
  for (const one of served) {
    const [next, code] = await readOne(after, one, check);
    if (one.entry !== null && isAddressed(one.entry, registry.svc, registry.log.log))
      checkTree(one.entry, after.root === null ? incarnation : after.log.incarnation, toldIn(registry, after, told));
    if (code === null && told.refused.has(hex(one.id)))
      throw contradiction("an entry stands that the server has refused for good");
    taken.push({ served: one, void: code });
    after = next;
  }
  checkForce(head, after.log.incarnation);
  const now = toldIn(registry, after, told);
  checkLeaves(served, now);
  checkPromised(served, head, page.more, now);
  return { registry: after, taken };
}

// --- the audit tree --------------------------------------------------------------------------------------------------

/** The newest checkpoint, held against the one that the device has seen. Of another incarnation nothing is compared. */
export async function takeCheckpoint(
  registry: Registry,
  seen: Witness | null,
  note: string,
  path: readonly Uint8Array[],
): Promise<Witness> {
  const { svc, side, root, log } = registry;
  if (root === null) throw new Refused("no-service", "a registry without a root");
  const { incarnation } = log;
  const { size, root: tree } = await verifyCheckpoint(note, origin(svc, side, incarnation), root.checkpoint);
  const before = seen !== null && equal(seen.incarnation, incarnation) ? seen : null;
  if (before !== null && size < before.size) throw contradiction("the audit tree has shrunk");
  if (before !== null && size === before.size && !equal(tree, before.root))
    throw contradiction("another audit tree of one size");
  if (before !== null && size > before.size && before.size > 0)
    checkConsistency(before.size, before.root, size, tree, path);
  return { incarnation, size, root: tree };
}

/** An entry of which the device demands that the tree has it. */
export interface Leaf {
  readonly log: Uint8Array;
  readonly id: Uint8Array;
  readonly seq: number;
  readonly received_ms: number;
  readonly author: Uint8Array;
  readonly chain: Uint8Array;
  readonly leaf: number;
  readonly salt: Uint8Array;
  /** A reused invitation that was appended all the same (6.2). */
  readonly void: boolean;
}

/** The device rebuilds the event itself, so a leaf cannot say something else. */
export function checkLeaf(
  { log, id, seq, received_ms: ms, author, chain, leaf, salt, void: isVoid }: Leaf,
  tree: Witness,
  path: readonly Uint8Array[],
): void {
  checkInclusion(
    acceptedLeaf({ log, id, seq, ms, author, chain, void: isVoid }, salt),
    leaf,
    tree.size,
    path,
    tree.root,
  );
}
