/**
 * What a server has signed about a device's own entries: receipts and final refusals. Spec 3.1, 9.3. Vectors: receipt;
 * tests: exchange.
 */
import { equal, hex } from "../bytes";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import { chainNext } from "../ids";
import type { Log } from "../log";
import { checkServed, receipt, type Receipt, type ServerIdentity, verdict } from "../receipt";
import { contradiction } from "./served";

/**
 * What receipts have promised of one log: entries by place. A receipt alone may be a lie, and is remembered for that.
 */
export type Promised = ReadonlyMap<number, string>;

export async function readReceipt(server: ServerIdentity, bytes: Uint8Array): Promise<Receipt["payload"]> {
  return (await checkServed(receipt, bytes, server)).payload;
}

/** Whether that entry, received then, is what the device has at that place; null where it has nothing there yet. */
function isAt(log: Log, seq: number, id: Uint8Array, receivedMs: number): boolean | null {
  const [before, there] = [log.chains.at(seq - 1), log.chains.at(seq)];
  if (before === undefined || there === undefined) return null;
  return equal(chainNext(before, seq, receivedMs, id), there);
}

/** `log` is as far as the device has read it; null where it has nothing of it. */
export function takeReceipt({ items, head }: Receipt["payload"], log: Log | null, promised: Promised): Promised {
  const chain = log?.chains.at(head.seq);
  if (chain !== undefined && !equal(chain, head.chain))
    throw contradiction("a receipt's head on another chain than the device's");
  const after = new Map(promised);
  for (const { id, seq, received_ms } of items) {
    if (log !== null && isAt(log, seq, id, received_ms) === false)
      throw contradiction("a receipt names another entry at a place that the device holds");
    const before = after.get(seq);
    if (before !== undefined && before !== hex(id)) throw contradiction("two receipts name one place");
    after.set(seq, hex(id));
  }
  return after;
}

/** What an entry is, as far as its verdicts go. */
export type What = "registry" | "genesis" | "statement" | "envelope";

const NEVER: { readonly [W in What]: readonly Code[] } = {
  registry: [],
  genesis: ["stale-epoch", "rotate-first"],
  statement: ["stale-epoch", "rotate-first", "held"],
  envelope: ["stale-statement", "stale-registry"],
};

/**
 * The final refusal of this very entry. Another one, or one with a code that such an entry cannot have, is no verdict:
 * `malformed`.
 */
export async function readVerdict(server: ServerIdentity, bytes: Uint8Array, what: What, entry: Entry): Promise<Code> {
  const { payload } = await checkServed(verdict, bytes, server);
  const { kid, sq, log } = entry.header;
  const about =
    equal(payload.id, entry.id) && equal(payload.author, kid) && payload.sq === sq && equal(payload.log, log);
  if (!about) throw new Refused("malformed", "a verdict about another entry");
  if (what === "registry" || NEVER[what].includes(payload.code))
    throw new Refused("malformed", `a verdict ${payload.code}, which such an entry cannot have`);
  return payload.code;
}
