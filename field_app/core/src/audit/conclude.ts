/**
 * What follows when all of one moment was read: heads, the signed tree, witnesses, and every event. Spec 10.4.
 * Tests: audit.
 *
 * Signatures of entries were verified on the way (entries.ts); what is here is done anew each time.
 */
import { equal, hex } from "../bytes";
import { type Checkpoint, origin, verifyCheckpoint } from "../checkpoint";
import { Refused } from "../errors";
import { seqOf } from "../log";
import { checkServed, signedHead } from "../receipt";
import { serverOf } from "../registry/state";
import { timeOf } from "./events";
import type { Listed } from "./pages";
import { type Audit, type AuditedLog, type Finding, type Item, ownRegistry, type Told } from "./state";
import { wrongIn } from "./told";

export interface SizedRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface Concluded {
  readonly findings: readonly Finding[];
  readonly notices: readonly Finding[];
  /** The tree that all this was checked against; null where there is none to believe. */
  readonly tree: SizedRoot | null;
  /** Devices, by id in hexadecimal, that had verified a tree with which this one begins: the size of the newest. */
  readonly witnesses: ReadonlyMap<string, number>;
  /** The time of the newest event, 0 without any. */
  readonly asOfMs: number;
}

type Add = (code: Finding["code"], log: Uint8Array | null, seq: number, text: string, event?: number | null) => void;

/** `kept` is the tree that was verified before: this one has to begin with it. */
export async function conclude(
  audit: Audit,
  listed: Pick<Listed, "logs" | "events" | "checkpoint">,
  kept: SizedRoot | null,
): Promise<Concluded> {
  const findings: Finding[] = [...audit.findings];
  const add: Add = (code, log, seq, text, event = null) => void findings.push({ code, log, seq, event, text });
  const asOfMs = lastTime(audit);
  const none = { notices: audit.notices, tree: null, witnesses: new Map<string, number>(), asOfMs };
  if (audit.registry.root === null) {
    add("bad-export", ownRegistry(audit), 0, "the registry has no root of the authority that this device trusts");
    return { ...none, findings };
  }
  for (const { log, file, ids } of audit.logs.values())
    if (ids && file !== null)
      add("contradiction", log, seqOf(file.log), "entries are absent, and no statement erased the file");
  await checkHeads(audit, listed, add);
  const checkpoint = await readCheckpoint(audit, listed.checkpoint, add);
  if (checkpoint === null) return { ...none, findings };
  checkTree(audit, listed, checkpoint, kept, add);
  const witnesses = checkWitnesses(audit, checkpoint.size, add);
  checkLeaves(audit, add);
  for (const { n, event } of told(audit)) {
    const wrong = event === null ? null : wrongIn(audit, n, event);
    if (wrong !== null) findings.push(wrong);
  }
  return { ...none, findings, tree: { size: checkpoint.size, root: checkpoint.root }, witnesses };
}

function* told({ events }: Audit): Generator<Told> {
  for (let n = 0; n < events.length; n++) {
    const one = events.at(n);
    if (one !== undefined) yield one;
  }
}

export function* itemsOf({ items }: AuditedLog): Generator<Item> {
  for (let i = 0; i < items.length; i++) {
    const one = items.at(i);
    if (one !== undefined) yield one;
  }
}

function lastTime(audit: Audit): number {
  let newest = 0;
  for (const { event } of told(audit)) newest = Math.max(newest, event === null ? 0 : (timeOf(event) ?? 0));
  return newest;
}

/** True of these logs, and one at the end of each. */
async function checkHeads(audit: Audit, { logs }: Pick<Listed, "logs">, add: Add): Promise<void> {
  const server = serverOf(audit.registry);
  if (server === null) return;
  const ended = new Set<string>();
  for (const { log, head } of logs) {
    let said = 0;
    try {
      said = signedHead.decode(head).payload.seq;
      const { payload } = await checkServed(signedHead, head, server);
      const read = audit.logs.get(hex(log));
      const last = read?.items.length ?? 0;
      const there = payload.seq === 0 ? null : read?.items.at(payload.seq - 1)?.chain;
      if (!equal(payload.log, log)) add("bad-export", log, payload.seq, "the signed head is of another log");
      else if (payload.seq > last)
        add("contradiction", log, last + 1, `the server signed a head at ${payload.seq} and the log ends at ${last}`);
      else if (there !== null && (there === undefined || !equal(there, payload.chain)))
        add("contradiction", log, payload.seq, "the server signed a head with another chain");
      else if (payload.seq === last) ended.add(hex(log));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      add("bad-export", log, said, `the signed head: ${error.message}`);
    }
  }
  for (const [key, { log, items }] of audit.logs)
    if (!ended.has(key)) add("bad-export", log, items.length, "no signed head says that the log ends here");
}

async function readCheckpoint({ svc, side, registry }: Audit, note: string, add: Add): Promise<Checkpoint | null> {
  const { root, log } = registry;
  if (root === null) return null;
  try {
    return await verifyCheckpoint(note, origin(svc, side, log.incarnation), root.checkpoint);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    add("bad-export", null, 0, `the checkpoint: ${error.message}`);
    return null;
  }
}

function checkTree(
  audit: Audit,
  listed: Pick<Listed, "events">,
  { size, root }: Checkpoint,
  kept: SizedRoot | null,
  add: Add,
): void {
  const { events, tree } = audit;
  if (events.length < size || events.length !== listed.events)
    add(
      "bad-export",
      null,
      events.length,
      `${events.length} events came, of ${listed.events}, for a tree of ${size}`,
      events.length,
    );
  if (events.length > size)
    add("contradiction", null, size, `${events.length - size} events are not in the signed tree`, size);
  const found = tree.rootAt(size);
  if (found !== null && !equal(found, root)) {
    const [from, to] = between(audit, size);
    add(
      "contradiction",
      null,
      size,
      `the events do not hash to the checkpoint's root: one of ${from} to ${to - 1} is not what it was`,
      to - from === 1 ? from : null,
    );
  }
  if (kept === null) return;
  if (size < kept.size) add("contradiction", null, size, `the tree has shrunk from ${kept.size} to ${size}`);
  const before = tree.rootAt(kept.size);
  if (before !== null && !equal(before, kept.root))
    add(
      "contradiction",
      null,
      kept.size,
      `the tree does not begin with the one of ${kept.size} events that was verified before`,
    );
}

/** What authors saw of the tree says where it changed: after the newest tree that still fits. */
function between(audit: Audit, size: number): readonly [number, number] {
  let [from, to] = [0, size];
  for (const { witness } of witnessed(audit)) {
    const fits = audit.tree.rootAt(witness.size);
    if (fits === null || witness.size > size) continue;
    if (equal(fits, witness.root)) from = Math.max(from, witness.size);
    else to = Math.min(to, witness.size);
  }
  return from < to ? [from, to] : [0, size];
}

function* witnessed(
  audit: Audit,
): Generator<{ readonly log: Uint8Array; readonly item: Item; readonly witness: NonNullable<Item["witness"]> }> {
  for (const log of audit.logs.values())
    for (const item of itemsOf(log)) {
      const { witness } = item;
      if (witness !== null && equal(witness.incarnation, audit.registry.log.incarnation))
        yield { log: log.log, item, witness };
    }
}

function checkWitnesses(audit: Audit, size: number, add: Add): ReadonlyMap<string, number> {
  const witnesses = new Map<string, number>();
  const roots = new Map<number, Uint8Array | null>();
  for (const { log, item, witness } of witnessed(audit)) {
    const root = roots.get(witness.size) ?? audit.tree.rootAt(witness.size);
    roots.set(witness.size, root);
    if (root === null || witness.size > size || !equal(root, witness.root)) {
      add("contradiction", log, item.seq, `its author was shown another audit tree of size ${witness.size}`);
    } else if (item.author !== null && witness.size > 0) {
      const author = hex(item.author);
      witnesses.set(author, Math.max(witness.size, witnesses.get(author) ?? 0));
    }
  }
  return witnesses;
}

/**
 * Exactly one `accepted` event for every entry, at the leaf and with the salt that it was served with, and no other.
 */
function checkLeaves(audit: Audit, add: Add): void {
  const seen = new Set<string>();
  for (const { n, salt, bytes, event } of told(audit)) {
    if (event?.e !== "accepted") continue;
    const { log, seq } = event;
    const item = audit.logs.get(hex(log))?.items.at(seq - 1);
    const key = `${hex(log)} ${seq}`;
    if (item === undefined)
      add("contradiction", log, seq, "the audit log has a leaf for an entry that is not there", n);
    else if (seen.has(key)) add("contradiction", log, seq, "two leaves for one entry", n);
    else if (!saysSame(item, bytes, event))
      add("contradiction", log, seq, "the audit log tells something else about this entry", n);
    else if (item.leaf !== n || !equal(item.salt, salt))
      add(
        "contradiction",
        log,
        seq,
        `the entry was served with leaf ${item.leaf}, and its event stands at ${n} or has another salt`,
        n,
      );
    if (item !== undefined) seen.add(key);
  }
  for (const log of audit.logs.values())
    for (const { seq } of itemsOf(log))
      if (!seen.has(`${hex(log.log)} ${seq}`))
        add("contradiction", log.log, seq, "the audit log has no leaf for this entry");
}

/** Of an entry that was erased the author is not known any more. */
function saysSame(
  { accepted, id, received_ms, chain }: Item,
  bytes: Uint8Array,
  event: Extract<Told["event"], { readonly e: "accepted" }>,
): boolean {
  if (accepted !== null) return equal(accepted, bytes);
  return equal(event.id, id) && event.ms === received_ms && equal(event.chain, chain) && !event.void;
}
