/** The audit tree, as this device follows it: each checkpoint after the last, and every entry that it was served in it within a day. Spec 9.3, 10.2. */
import { hex } from "@fieldkeep/core/bytes";
import { checkLeaf, takeCheckpoint } from "@fieldkeep/core/exchange/registry_page";
import type { Served } from "@fieldkeep/core/exchange/served";
import { chainNext } from "@fieldkeep/core/ids";
import { chainOf, type Log } from "@fieldkeep/core/log";
import type { SyncResponse } from "@fieldkeep/core/sync";
import { copied } from "./identity";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { dueRow, OF, write } from "./stored";

const DAY_MS = 86_400_000;

function chainAt(before: Log, all: readonly Served[], seq: number): Uint8Array {
  let chain = chainOf(before);
  for (const one of all) if (one.seq <= seq) chain = chainNext(chain, one.seq, one.received_ms, one.id);
  return chain;
}

/** `before` is the log as it was before `all` of the page, of which `served` is one. */
export function demandProof(session: Session, transaction: Transaction, log: Uint8Array, before: Log, all: readonly Served[], served: Served, isVoid: boolean): void {
  const { entry, id, seq, received_ms, leaf, salt } = served;
  if (entry === null) return;
  const chain = chainAt(before, all, seq);
  const by_ms = Math.max(session.serverNow(), received_ms) + DAY_MS;
  const one = { log, id, seq, received_ms, author: entry.header.kid, chain, salt, void: isVoid, by_ms };
  session.due.set(leaf, one);
  transaction.put(OF.due, leaf, write(dueRow, one));
}

export async function takeTree(session: Session, transaction: Transaction, response: SyncResponse): Promise<void> {
  const seen = await takeCheckpoint(session.registry, session.state.checkpoint, response.checkpoint, response.consistency);
  session.setState(transaction, { checkpoint: seen });
  session.roots.set(seen.size, hex(seen.root));
  transaction.put(OF.roots, seen.size, copied(seen.root));
  for (const { leaf, path } of response.inclusion) {
    const demanded = session.due.get(leaf);
    if (demanded === undefined) continue;
    checkLeaf({ ...demanded, leaf }, seen, path);
    session.due.delete(leaf);
    transaction.delete(OF.due, leaf);
  }
  for (const { log, seq, by_ms } of session.due.values()) {
    if (Math.max(session.serverNow(), response.time) <= by_ms) continue;
    session.alarm(transaction, log, seq, "unproved", "the server has not proved within a day that its audit log has this entry");
  }
}
