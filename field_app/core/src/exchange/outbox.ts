/** What becomes of an entry that a device has sealed: after an answer, after a page. Spec 3.1, 9.3. Tests: exchange. */
import { equal, hex } from "../bytes";
import { toSign } from "../cose";
import { type Entry, readEntry } from "../entry";
import { type Code, Refused } from "../errors";
import type { Check } from "../registry/judged";
import type { Answer } from "../sync";
import type { What } from "./receipts";

/** A sealed entry, kept byte for byte until the server has settled it and the log shows it. */
export interface OutboxItem {
  readonly entry: Entry;
  readonly what: What;
  readonly sealed_ms: number;
  /** A verified verdict. `held` waits for somebody's decision. */
  readonly verdict: Code | null;
  /** Where a verified receipt has put it. */
  readonly receipt: number | null;
  /** Where its log has shown it, and the code for which it is void there. */
  readonly shown: { readonly seq: number; readonly void: Code | null } | null;
}

export function sealed(entry: Entry, what: What, sealedMs: number): OutboxItem {
  return { entry, what, sealed_ms: sealedMs, verdict: null, receipt: null, shown: null };
}

export type Outcome =
  /** It stays, and the next sync sends it again. */
  | { readonly is: "waits" }
  /** The log shows it where the receipt said. */
  | { readonly is: "done"; readonly seq: number }
  /** Its changes are sealed again, under the same change numbers. */
  | { readonly is: "resealed"; readonly because: Code }
  /** Kept aside by the server for a member to decide; it is shown, and not sent again. */
  | { readonly is: "held" }
  /** Somebody has decided on what was held. */
  | { readonly is: "decided"; readonly admitted: boolean }
  /** For a person to see: nothing is sealed again and nothing destroyed. */
  | { readonly is: "kept"; readonly because: Code }
  /** A statement that lost its race, or is right no more: made anew if it is still wanted. */
  | { readonly is: "dropped"; readonly because: Code };

const KEPT: readonly Code[] = ["malformed", "too-large", "erased"];

/** After a verdict by itself; what comes before it in its log is for `settle`. */
function byVerdict({ what, verdict }: OutboxItem): Outcome | null {
  if (verdict === null) return null;
  if (verdict === "held") return { is: "held" };
  if (what === "genesis" || KEPT.includes(verdict)) return { is: "kept", because: verdict };
  return what === "envelope" ? { is: "resealed", because: verdict } : { is: "dropped", because: verdict };
}

/** What the log shows of held work, by id in hexadecimal. */
export interface Decided {
  readonly admitted: ReadonlySet<string>;
  /** Admitted, refused, or expunged while it was held. */
  readonly settled: ReadonlySet<string>;
}

const isOver = ({ is }: Outcome): boolean => is === "resealed" || is === "held" || is === "decided" || is === "kept";

/** `before` is the outcome of what it follows, where that is in the outbox too. */
function settleOne(item: OutboxItem, { admitted, settled }: Decided, before: Outcome | null): Outcome {
  const { entry, what, receipt, shown, verdict } = item;
  const id = hex(entry.id);
  const { pv } = entry.header;
  if (shown !== null) {
    if (shown.void !== null)
      return { is: what === "envelope" ? "resealed" : what === "genesis" ? "kept" : "dropped", because: shown.void };
    return receipt === shown.seq ? { is: "done", seq: shown.seq } : { is: "waits" };
  }
  if (verdict === "held" && settled.has(id)) return { is: "decided", admitted: admitted.has(id) };
  const own = byVerdict(item);
  if (own !== null) return own;
  if (receipt !== null) return { is: "waits" };
  // Behind a genesis that was refused everything is kept for a person to see; `erased` seals nothing again either.
  if (before?.is === "kept") return before;
  // What follows an entry that never will have its number never will have its own.
  const follows = (before !== null && isOver(before)) || (pv !== null && settled.has(hex(pv)));
  return follows && what === "envelope" ? { is: "resealed", because: "after-predecessor" } : { is: "waits" };
}

/** The outcomes of one log's items, in the order of their numbers. */
export function settle(items: readonly OutboxItem[], decided: Decided): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  for (const [i, item] of items.entries()) {
    const { pv } = item.entry.header;
    const earlier = items[i - 1];
    const follows = earlier !== undefined && pv !== null && equal(pv, earlier.entry.id);
    outcomes.push(settleOne(item, decided, follows ? (outcomes[i - 1] ?? null) : null));
  }
  return outcomes;
}

// --- clones ----------------------------------------------------------------------------------------------------------

/**
 * Whether a `clone-detected` shows that another copy of this device exists: the stored entry is rightly its own, of
 * this log and
 * number, another than the one sent, and it holds no signed refusal of it or of what it followed. Else the server is at
 * fault.
 */
export async function isCloned(
  item: OutboxItem,
  answer: Answer,
  publicKey: Uint8Array,
  refused: ReadonlyMap<string, Code>,
  check: Check,
): Promise<boolean> {
  if (answer.stored === undefined) return false;
  let stored: Entry;
  try {
    stored = readEntry(answer.stored);
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
  const { header } = item.entry;
  const own =
    equal(stored.header.kid, header.kid) &&
    equal(stored.header.log, header.log) &&
    equal(stored.header.svc, header.svc);
  if (!own || stored.header.sq !== header.sq || equal(stored.id, item.entry.id)) return false;
  const { pv } = stored.header;
  if (refused.has(hex(stored.id)) || (pv !== null && refused.has(hex(pv)))) return false;
  return check(publicKey, stored.signature, toSign(stored.frame));
}

const DAY_MS = 86_400_000;

/** Sent for a day, with a receipt or without, and the log does not show it: its person is told. */
export function isOverdue({ sealed_ms, verdict }: OutboxItem, now: number): boolean {
  return verdict === null && now - sealed_ms > DAY_MS;
}
