/**
 * Between a device's memory and what core steps by: what is known as a `View`, and what a step changed of it into
 * rows.
 */
import { equal, fromHex, hex } from "@fieldkeep/core/bytes";
import type { Code } from "@fieldkeep/core/errors";
import type { Promised } from "@fieldkeep/core/exchange/receipts";
import type { PendingLeaf, View } from "@fieldkeep/core/exchange/view";
import { copied } from "./identity";
import { keepUnseen, unseenIn } from "./restored";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { codeShape, dueRow, logRow, OF, outboxItem, type OutboxItem, write } from "./stored";

export const STOPPED = "contradiction";

export function viewOf(session: Session): View {
  const { identity, memory, state, key } = session;
  const own = hex(memory.registry.log.log);
  const known = [...memory.files].filter(([, { begun }]) => !begun);
  const stopped = [...memory.files].flatMap(([log, file]) => (file.stopped === "" ? [] : [log]));
  return {
    device: identity.device,
    user: identity.user,
    sign: key.public,
    incarnation: session.incarnation,
    registry: memory.registry,
    files: new Map(known.map(([log, { reading }]) => [log, reading] as const)),
    outbox: session.waiting(),
    checkpoint: state.checkpoint,
    roots: memory.roots,
    leaves: memory.leaves,
    pending: dueInOrder(session),
    refused: memory.refused,
    promised: memory.promised,
    quietMs: state.quiet_ms,
    behind: new Set(state.behind.map(hex)),
    stopped: new Set(memory.registryStopped === "" ? stopped : [...stopped, own]),
    frozen: state.frozen,
    unseen: unseenIn(session),
  };
}

/** The oldest first. */
export const dueInOrder = (session: Session): readonly PendingLeaf[] =>
  [...session.due.values()].sort((a, b) => a.own_ms - b.own_ms || a.leaf.leaf - b.leaf.leaf);

/** What is not a page's: that is taken by its own event. */
export function keepView(session: Session, transaction: Transaction, after: View): void {
  const { memory } = session;
  for (const [leaf, id] of after.leaves) memory.leaves.set(leaf, id);
  for (const [size, root] of after.roots) {
    if (memory.roots.get(size) === root) continue;
    memory.roots.set(size, root);
    transaction.put(OF.roots, size, copied(fromHex(root)));
  }
  for (const [id, code] of after.refused) refuse(session, transaction, id, code);
  for (const [log, promised] of after.promised) keepPromised(session, transaction, log, promised);
  keepDue(session, transaction, after.pending);
  keepOutbox(session, transaction, after);
  keepStopped(session, transaction, after.stopped);
  keepUnseen(session, transaction, after.unseen);
  session.setState(transaction, {
    checkpoint: after.checkpoint,
    quiet_ms: after.quietMs,
    frozen: after.frozen,
    behind: [...after.behind].map(fromHex),
  });
}

export function refuse(session: Session, transaction: Transaction, id: string, code: Code): void {
  if (session.refused.get(id) === code) return;
  session.memory.refused.set(id, code);
  transaction.put(OF.refused, id, copied(new TextEncoder().encode(codeShape.read(code))));
}

/** Promises are kept until the log has reached them: what is there speaks for itself. */
function keepPromised(session: Session, transaction: Transaction, key: string, promised: Promised): void {
  const { memory } = session;
  const log = fromHex(key);
  const before = memory.promised.get(key) ?? new Map<number, string>();
  const reached = equal(log, memory.registry.log.log)
    ? memory.registry.log.chains.length
    : (memory.files.get(key)?.reading.file.log.chains.length ?? 1);
  const open = new Map([...promised].filter(([seq]) => seq >= reached));
  for (const [seq, id] of open) if (before.get(seq) !== id) transaction.put(OF.promised(log), seq, copied(fromHex(id)));
  for (const seq of before.keys()) if (!open.has(seq)) transaction.delete(OF.promised(log), seq);
  if (open.size > 0) memory.promised.set(key, open);
  else memory.promised.delete(key);
}

function keepDue(session: Session, transaction: Transaction, pending: readonly PendingLeaf[]): void {
  const { due } = session.memory;
  const after = new Map(pending.map((one) => [one.leaf.leaf, one]));
  for (const leaf of due.keys()) {
    if (after.has(leaf)) continue;
    due.delete(leaf);
    transaction.delete(OF.due, leaf);
  }
  for (const [number, one] of after) {
    if (due.has(number)) continue;
    due.set(number, one);
    const { server_ms, own_ms, leaf } = one;
    transaction.put(OF.due, number, write(dueRow, { ...leaf, server_ms, own_ms }));
  }
}

/** What leaves the outbox leaves it by its outcome, an event. */
function keepOutbox(session: Session, transaction: Transaction, after: View): void {
  const byId = new Map(session.waiting().map((item) => [hex(item.id), item]));
  for (const stepped of after.outbox) {
    const item = byId.get(hex(stepped.entry.id));
    if (item === undefined) continue;
    const { verdict, receipt, shown } = stepped;
    const isSame = item.verdict === verdict && item.receipt === receipt && item.shown === shown;
    if (!isSame)
      session.putOutbox(transaction, outboxItem(item.n, { ...item, verdict, receipt, shown }, item.code, item.message));
  }
}

export function say(session: Session, transaction: Transaction, item: OutboxItem, code: string, message: string): void {
  const now = session.outbox.get(item.n);
  if (now === undefined || (now.code === code && now.message === message)) return;
  session.putOutbox(transaction, outboxItem(now.n, now, code, [...message].slice(0, 600).join("")));
}

/** A log that this device has nothing of, a server can make up: nothing is kept of it. */
function keepStopped(session: Session, transaction: Transaction, stopped: ReadonlySet<string>): void {
  const { memory } = session;
  for (const [log, open] of memory.files) {
    const now = stopped.has(log) ? STOPPED : "";
    if (open.stopped !== now) session.putFile(transaction, { ...open, stopped: now });
  }
  const own = hex(memory.registry.log.log);
  const registry = stopped.has(own) ? STOPPED : "";
  if (memory.registryStopped === registry) return;
  memory.registryStopped = registry;
  transaction.put(OF.logs, own, write(logRow, { absent: [], ids: false, stopped: registry }));
}
