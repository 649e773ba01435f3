/** What a device knows of its side, and what it does with one answer. Spec 9.2, 9.3. Tests: exchange. */
import { hex } from "../bytes";
import type { Code } from "../errors";
import { chainOf, type Log } from "../log";
import type { Registry } from "../registry/state";
import type { Witness } from "../shape";
import type { FilePage, FileReading } from "./file_page";
import type { OutboxItem, Outcome } from "./outbox";
import type { Promised } from "./receipts";
import type { Leaf, TakenStatement } from "./registry_page";
import type { Served } from "./served";

/** A leaf that the tree has to have within a day of being served, by whichever clock has gone further. */
export interface PendingLeaf {
  readonly leaf: Leaf;
  readonly server_ms: number;
  readonly own_ms: number;
}

/** By id in hexadecimal, wherever a string stands for one. */
export interface View {
  readonly device: Uint8Array;
  readonly user: Uint8Array;
  /** The public key under which the device signs. */
  readonly sign: Uint8Array;
  readonly incarnation: Uint8Array;
  readonly registry: Registry;
  readonly files: ReadonlyMap<string, FileReading>;
  readonly outbox: readonly OutboxItem[];
  readonly checkpoint: Witness | null;
  readonly roots: ReadonlyMap<number, string>;
  readonly leaves: ReadonlyMap<number, string>;
  readonly pending: readonly PendingLeaf[];
  readonly refused: ReadonlyMap<string, Code>;
  readonly promised: ReadonlyMap<string, Promised>;
  readonly quietMs: number | null;
  /** Files whose page was behind the registry once: a second time is a contradiction. */
  readonly behind: ReadonlySet<string>;
  /**
   * Logs that were contradicted: nothing is written to them until the server shows a history that continues the
   * device's.
   */
  readonly stopped: ReadonlySet<string>;
  readonly frozen: boolean;
  /** Files that the server has not shown again since a restore (19.4). */
  readonly unseen: ReadonlySet<string>;
}

export function newView(who: Pick<View, "device" | "user" | "sign" | "incarnation" | "registry">): View {
  return {
    ...who,
    files: new Map(),
    outbox: [],
    checkpoint: null,
    roots: new Map(),
    leaves: new Map(),
    pending: [],
    refused: new Map(),
    promised: new Map(),
    quietMs: null,
    behind: new Set(),
    stopped: new Set(),
    frozen: false,
    unseen: new Set(),
  };
}

export type SyncEvent =
  | { readonly is: "registry"; readonly taken: readonly TakenStatement[] }
  | { readonly is: "file"; readonly log: Uint8Array; readonly page: Exclude<FilePage, { readonly kind: "behind" | "lost" }> }
  /**
   * The side came back from an older copy: what the older incarnation promised, and its tree, are over. The registry
   * had `registrySeq` entries before.
   */
  | { readonly is: "restored"; readonly registrySeq: number }
  /** The server has not got all of a file that is here: up to `seq`, or so it says. */
  | { readonly is: "lost"; readonly log: Uint8Array; readonly seq: number }
  /**
   * A history that no honest server shows: the page is evidence, and the log stops. Of the audit tree `log` is null.
   */
  | { readonly is: "contradiction"; readonly log: Uint8Array | null; readonly message: string }
  /** Something that this server did not sign, or that says nothing it may say: passed over. */
  | { readonly is: "unsigned"; readonly code: Code; readonly message: string }
  /** An entry that is not shown to be in the audit tree: told once. */
  | { readonly is: "not-in-audit-log"; readonly log: Uint8Array; readonly seq: number }
  | { readonly is: "outcome"; readonly item: OutboxItem; readonly outcome: Outcome }
  | { readonly is: "cloned"; readonly log: Uint8Array }
  /** A clone was claimed and not shown. */
  | { readonly is: "falsely-cloned"; readonly log: Uint8Array };

/** Where an entry will be proved to stand in the audit tree; null of one that came by its id alone. */
export function leafOf(log: Log, { entry, id, seq, received_ms, leaf, salt }: Served, isVoid: boolean): Leaf | null {
  if (entry === null) return null;
  return {
    log: log.log,
    id,
    seq,
    received_ms,
    author: entry.header.kid,
    chain: log.chains.at(seq) ?? chainOf(log),
    leaf,
    salt,
    void: isVoid,
  };
}

export function withLeaves(view: View, served: readonly Served[]): View["leaves"] {
  return new Map([...view.leaves, ...served.map(({ leaf, id }) => [leaf, hex(id)] as const)]);
}
