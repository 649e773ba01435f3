/**
 * What an auditor has read of a side so far, and what was found in it. Spec 10.4. Tests: audit.
 *
 * Everything follows from the pages, and from the authority's fingerprint.
 */
import { hex } from "../bytes";
import type { Code } from "../errors";
import type { AuditEvent } from "../event";
import { registryLog, type Side } from "../ids";
import { Growing } from "../log";
import type { File } from "../membership/state";
import { emptyRegistry, type Registry } from "../registry/state";
import type { Witness } from "../shape";
import type { AuditEntry } from "./pages";
import { Tree } from "./tree";

/** Something that is wrong: with the entry at a place of a log, with an event, or (both null) with the side's tree. */
export interface Finding {
  readonly code: Code | "recovery";
  readonly log: Uint8Array | null;
  readonly seq: number;
  readonly event: number | null;
  readonly text: string;
}

/** An entry at its place; of one that was erased only the id is known. */
export interface Item {
  readonly seq: number;
  readonly id: Uint8Array;
  readonly received_ms: number;
  readonly chain: Uint8Array;
  readonly author: Uint8Array | null;
  /** `envelope`, the kind of a statement, or `erased`. */
  readonly what: string;
  readonly void: Code | null;
  /** What the author had seen of the audit tree, where the author is proved. */
  readonly witness: Witness | null;
  /** How its `accepted` event has to read. */
  readonly accepted: Uint8Array | null;
  readonly leaf: number;
  readonly salt: Uint8Array;
}

export interface AuditedLog {
  readonly log: Uint8Array;
  readonly entries: Growing<AuditEntry>;
  readonly items: Growing<Item>;
  /** Null of the registry. */
  readonly file: File | null;
  /** Statements that stand and remove something, by id in hexadecimal. */
  readonly removed: ReadonlySet<string>;
  /** Ids were served in the place of entries, and no erasure has come yet. */
  readonly ids: boolean;
  /** The chain ends here: what comes after cannot be placed. */
  readonly broken: boolean;
}

export interface Told {
  readonly n: number;
  readonly salt: Uint8Array;
  readonly bytes: Uint8Array;
  /** Null of what is none of 10.1. */
  readonly event: AuditEvent | null;
}

export interface Audit {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly registry: Registry;
  /** By id in hexadecimal; the registry is among them. */
  readonly logs: ReadonlyMap<string, AuditedLog>;
  readonly events: Growing<Told>;
  readonly tree: Tree;
  readonly findings: readonly Finding[];
  /** What a person should know of, and what proves no fault. */
  readonly notices: readonly Finding[];
}

export function beginAudit(svc: Uint8Array, side: Side, pinned: Uint8Array): Audit {
  return Object.freeze({
    svc,
    side,
    registry: emptyRegistry(svc, side, pinned),
    logs: new Map<string, AuditedLog>(),
    events: Growing.of<Told>(),
    tree: Tree.empty,
    findings: [],
    notices: [],
  });
}

export const ownRegistry = ({ svc, side }: Pick<Audit, "svc" | "side">): Uint8Array => registryLog(svc, side);

export function logOf(audit: Audit, log: Uint8Array): AuditedLog | null {
  return audit.logs.get(hex(log)) ?? null;
}

/** How many entries of a log were read. */
export function readOf(audit: Audit, log: Uint8Array): number {
  return logOf(audit, log)?.entries.length ?? 0;
}
