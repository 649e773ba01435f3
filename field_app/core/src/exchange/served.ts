/**
 * What every page has in common: its entries as they were served, and the signed head that they have to lead to. Spec
 * 9.2, 9.3. Vectors: exchange.
 */
import { equal, hex } from "../bytes";
import { type Entry, readEntry } from "../entry";
import { Refused } from "../errors";
import { appendId, chainOf, type Log, seqOf } from "../log";
import { checkServed, type ServerIdentity, signedHead, type SignedHead } from "../receipt";
import type { Page } from "../sync";

export const contradiction = (message: string): Refused => new Refused("contradiction", message);

/** An entry of a page; `entry` is null where its id alone was served, of one that the device did not send. */
export interface Served {
  readonly seq: number;
  readonly id: Uint8Array;
  readonly entry: Entry | null;
  /** It came as bytes, and not by its id. */
  readonly whole: boolean;
  readonly received_ms: number;
  readonly leaf: number;
  readonly salt: Uint8Array;
}

/** Entries that the device has just sent, by id in hexadecimal: a page names them by their ids. */
export type Sent = ReadonlyMap<string, Entry>;

/** What is served and is no entry, no honest server serves. */
function entryOf(what: Page["entries"][number]["what"], sent: Sent): Pick<Served, "id" | "entry" | "whole"> {
  if (what instanceof Uint8Array) return { id: what, entry: sent.get(hex(what)) ?? null, whole: false };
  try {
    const entry = readEntry(what);
    return { id: entry.id, entry, whole: true };
  } catch (error) {
    if (error instanceof Refused) throw contradiction(`what was served is no entry: ${error.message}`);
    throw error;
  }
}

export function readServed(page: Page, log: Log, sent: Sent): readonly Served[] {
  return page.entries.map(({ what, received_ms, opening }, i) => ({
    seq: seqOf(log) + 1 + i,
    ...entryOf(what, sent),
    received_ms,
    leaf: opening.leaf,
    salt: opening.salt,
  }));
}

/** The page's head: signed by this side's server, for this log. Which incarnation it has to bear `checkForce` says. */
export async function readHead(page: Page, server: ServerIdentity, log: Log): Promise<SignedHead["payload"]> {
  const { inc } = signedHead.decode(page.head).payload;
  const { payload } = await checkServed(signedHead, page.head, { ...server, incarnations: [inc] });
  if (!equal(payload.log, page.log) || !equal(page.log, log.log))
    throw new Refused("malformed", "the head of another log");
  return payload;
}

/** A head of another incarnation than the one in force is a contradiction. */
export function checkForce({ inc }: SignedHead["payload"], incarnation: Uint8Array): void {
  if (!equal(inc, incarnation)) throw contradiction("a head of another incarnation");
}

/**
 * The entries lead from what the device has to exactly the signed head: nothing left out, swapped, repeated or dated
 * otherwise.
 */
export function checkLeads(log: Log, served: readonly Served[], head: SignedHead["payload"]): void {
  let at = log;
  for (const { id, received_ms } of served) at = appendId(at, id, received_ms, null);
  if (head.seq < seqOf(log)) throw contradiction(`a head at ${head.seq}, behind the device's own at ${seqOf(log)}`);
  if (head.seq !== seqOf(at) || !equal(head.chain, chainOf(at)))
    throw contradiction("the page does not lead to its signed head");
}

/** What a device has been told before, and a page has to agree with. */
export interface Told {
  /** Roots of audit trees by their size, in hexadecimal: those of checkpoints that the device verified. */
  readonly roots: ReadonlyMap<number, string>;
  /** Entry ids by audit leaf, of the whole side. */
  readonly leaves: ReadonlyMap<number, string>;
  /** Signed refusals, by entry id. */
  readonly refused: ReadonlyMap<string, string>;
  /** What receipts have promised of this log: entry ids by place. */
  readonly promised: ReadonlyMap<number, string>;
  /** The last place that receipts of earlier answers have promised; 0 where there was none. */
  readonly due: number;
}

export const NOTHING_TOLD: Told = {
  roots: new Map(),
  leaves: new Map(),
  refused: new Map(),
  promised: new Map(),
  due: 0,
};

export function checkLeaves(served: readonly Served[], { leaves }: Told): void {
  const seen = new Map<number, string>();
  for (const { leaf, id } of served) {
    const before = seen.get(leaf) ?? leaves.get(leaf);
    if (before !== undefined && before !== hex(id)) throw contradiction("two entries are served with one audit leaf");
    seen.set(leaf, hex(id));
  }
}

/** Where more is to come the head is that of the last entry given, and promises nothing of the log's end. */
export function checkPromised(
  served: readonly Served[],
  head: SignedHead["payload"],
  more: boolean,
  { promised, due }: Told,
): void {
  if (!more && due > head.seq) throw contradiction("the log ends before a place that a receipt has promised");
  for (const { seq, id } of served) {
    const said = promised.get(seq);
    if (said !== undefined && said !== hex(id)) throw contradiction("the log holds another entry than a receipt said");
  }
}

/** What an author saw of the audit tree, against what the device knows of it (spec 3). */
export function checkTree(entry: Entry, incarnation: Uint8Array, { roots }: Told): void {
  const { ck } = entry.header;
  const known = equal(ck.incarnation, incarnation) ? roots.get(ck.size) : undefined;
  if (known !== undefined && known !== hex(ck.root)) throw contradiction("the author was shown another audit tree");
}
