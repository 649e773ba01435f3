/**
 * What still waits in an outbox and can be taken no more, or would not be right any more. Spec 3.1. Tests: exchange.
 */
import type { RegistryStatement } from "../certificate";
import { equal } from "../bytes";
import type { File } from "../membership/state";
import { isAbandonedAt } from "../membership/state";
import { seqOf } from "../log";
import { deviceOf, isHealing, isPermittedAt, type Registry } from "../registry/state";

export interface Overtaken {
  /** It can never be taken: its id is kept, and the entry shown later is a contradiction. */
  readonly never: boolean;
  /** The person is told: else it would wait for ever, in front of every later revocation. */
  readonly tell: boolean;
}

const NEVER: Overtaken = { never: true, tell: false };
const SUPERFLUOUS: Overtaken = { never: false, tell: false };
const TELL: Overtaken = { never: false, tell: true };

/** `seen` is the place of the registry that the statement's author had applied, `serverMs` the server's clock. */
export function overtaken(
  registry: Registry,
  statement: RegistryStatement,
  seen: number,
  serverMs: number,
): Overtaken | null {
  const named = "device" in statement ? deviceOf(registry, statement.device) : null;
  const inForce = registry.recovery.at(-1);
  switch (statement.kind) {
    case "revoke":
      return named?.revoked == null ? null : NEVER;
    case "suspend":
      return named !== null && (named.revoked !== null || named.suspended !== null) ? SUPERFLUOUS : null;
    case "reinstate":
      return named !== null && (named.revoked !== null || named.suspended === null) ? SUPERFLUOUS : null;
    case "permit":
      if (named?.revoked != null) return NEVER;
      return named?.suspended != null || statement.until < serverMs ? TELL : null;
    case "close":
      return registry.permits.some(({ device, ended }) => ended === null && equal(device, statement.device))
        ? null
        : NEVER;
    case "drill":
      return inForce !== undefined && equal(inForce.id, statement.key) ? null : NEVER;
    case "custody":
      return inForce !== undefined && seen < inForce.seq ? TELL : null;
    case "cover_traffic":
      return statement.hour === registry.coverHour ? TELL : null;
    case "restore":
      return seen === seqOf(registry.log) ? null : NEVER;
    case "healed":
      return isHealing(registry) ? null : NEVER;
    case "root":
    case "certify":
    case "enrol":
    case "wiped":
    case "renew":
      return null;
    default: {
      const never: never = statement;
      return never;
    }
  }
}

/** A `recover` whose permit has ended, or whose file somebody holds again. */
export function recoverOvertaken(registry: Registry, file: File, device: Uint8Array): Overtaken | null {
  const now = seqOf(registry.log);
  return isPermittedAt(registry, device, file.log.log, now) && isAbandonedAt(registry, file, now) ? null : NEVER;
}

/**
 * What says who stands is dropped, and its person told, when the server says that its author is suspended: weeks later
 * it might not be right.
 */
export function dropsWhenSuspended({ kind }: RegistryStatement): boolean {
  return kind === "suspend" || kind === "reinstate";
}
