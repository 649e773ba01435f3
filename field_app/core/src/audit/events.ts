/** The next events of a side's audit log, and the tree over them. Spec 10.1, 10.2. Tests: audit. */
import { Refused } from "../errors";
import { type AuditEvent, decodeEvent } from "../event";
import { eventCommitment, leafHash } from "../merkle";
import type { AuditEventRow } from "./pages";
import type { Audit, Finding, Told } from "./state";

/** They go on where the ones before ended; what has another number is left out, and said. */
export function takeEvents(audit: Audit, rows: readonly AuditEventRow[]): Audit {
  const wrong: Finding[] = [];
  const add = (n: number, text: string): void =>
    void wrong.push({ code: "bad-export", log: null, seq: n, event: n, text });
  const leaves: Uint8Array[] = [];
  let events = audit.events;
  for (const { n, salt, event: bytes } of rows) {
    if (n !== events.length) {
      add(events.length, `event ${events.length} is missing: ${n} stands there`);
      break;
    }
    const event = read(bytes);
    if (event instanceof Refused) add(n, `event ${n} is no event: ${event.message}`);
    const told: Told = { n, salt, bytes, event: event instanceof Refused ? null : event };
    events = events.with(told);
    leaves.push(leafHash(eventCommitment(salt, bytes)));
  }
  return { ...audit, events, tree: audit.tree.with(leaves), findings: [...audit.findings, ...wrong] };
}

function read(bytes: Uint8Array): AuditEvent | Refused {
  try {
    return decodeEvent(bytes);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

/** The time of an event, where it says one. */
export const timeOf = (event: AuditEvent): number | null => ("ms" in event ? event.ms : null);
