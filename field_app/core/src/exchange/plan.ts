/**
 * What a device asks in one sync: cursors, what it pushes and in which order, what it wants proved. Spec 9.2. Tests:
 * exchange.
 */
import { hex } from "../bytes";
import { encode } from "../cbor";
import { type Entry, entryPair } from "../entry";
import { limit } from "../limits";
import { chainOf, type Log, seqOf } from "../log";
import type { Witness } from "../shape";
import { encodeSyncRequest, type Status, type SyncRequest } from "../sync";
import type { OutboxItem } from "./outbox";

export interface Asking {
  /** The registry first, then the files. */
  readonly logs: readonly Log[];
  /** In the order in which they were sealed. */
  readonly outbox: readonly OutboxItem[];
  /** Logs to which nothing is sent: they were contradicted, by id in hexadecimal. */
  readonly stopped: ReadonlySet<string>;
  /** Another copy of this device exists, or it was told so: it sends nothing more. */
  readonly frozen: boolean;
  readonly status: Status;
  readonly checkpoint: Witness | null;
  /** Leaves not proved yet, the oldest first. */
  readonly prove: readonly number[];
  readonly purged: readonly Uint8Array[];
  /** Files that the server has to show again since a restore, by id in hexadecimal (19.4). */
  readonly unseen: ReadonlySet<string>;
}

/** No log's chain: the server answers with its signed head. */
const SHOW = new Uint8Array(32);

export interface Asked {
  readonly request: SyncRequest;
  readonly body: Uint8Array;
  /** `push[k]` is this item: answers are matched by their index. */
  readonly pushed: readonly OutboxItem[];
  /** By id: a page names these by their ids. */
  readonly sent: ReadonlyMap<string, Entry>;
  /** Something did not go in: another sync has to follow. */
  readonly left: boolean;
}

/** Statements but a genesis go last, and nothing is sealed behind them before their verdict. */
const RANK = { registry: 0, genesis: 1, envelope: 1, statement: 2 } as const;

const sendable = (asking: Asking): readonly OutboxItem[] =>
  asking.frozen
    ? []
    : asking.outbox
        .filter(({ verdict, entry }) => verdict === null && !asking.stopped.has(hex(entry.header.log)))
        .toSorted((a, b) => RANK[a.what] - RANK[b.what]);

/** Room for an answer's worth of other fields beside what is pushed. */
const HEADROOM = 4096;

/** The longest beginning that fits: bytes, entries, and CBOR items. */
function fitting(items: readonly OutboxItem[], bytesLeft: number, itemsLeft: number): readonly OutboxItem[] {
  let [bytes, parts] = [bytesLeft, itemsLeft];
  const over = items.findIndex(({ entry }, i) => {
    bytes -= encode(entryPair(entry)).length;
    parts -= 3 + entry.parts.length;
    return bytes < 0 || parts < 0 || i >= limit("entries_per_push");
  });
  return over < 0 ? items : items.slice(0, over);
}

export function planSync(asking: Asking): Asked {
  const { logs, status, checkpoint } = asking;
  const cursors = logs
    .slice(0, limit("files_per_device"))
    .map((log) => ({ log: log.log, seq: seqOf(log), chain: asking.unseen.has(hex(log.log)) ? SHOW : chainOf(log) }));
  const prove = asking.prove.slice(0, limit("proofs_per_sync"));
  const purged = asking.purged.slice(0, limit("purges_per_sync"));
  const bare: SyncRequest = { v: 1, cursors, push: [], status, checkpoint, prove, purged };
  const all = sendable(asking);
  const bytesLeft = limit("request_bytes") - encodeSyncRequest(bare).length - HEADROOM;
  const itemsLeft = limit("items_per_request") - 4 * cursors.length - prove.length - purged.length - HEADROOM / 8;
  const pushed = fitting(all, bytesLeft, itemsLeft);
  const request: SyncRequest = { ...bare, push: pushed.map(({ entry }) => entryPair(entry)) };
  const left = pushed.length < all.length || prove.length < asking.prove.length || purged.length < asking.purged.length;
  const sent = new Map(pushed.map(({ entry }) => [hex(entry.id), entry] as const));
  return { request, body: encodeSyncRequest(request), pushed, sent, left };
}
