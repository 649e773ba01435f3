/** Who did what and when, as the audit log tells it: a row for each event. Spec 10.1. Tests: audit. */
import { hex } from "../bytes";
import type { AuditEvent } from "../event";
import { timeOf } from "./events";
import { type Audit, logOf } from "./state";

/** Ids are in hexadecimal: what rows are picked by. */
export interface AuditRow {
  readonly n: number;
  /** The event's own time, or that of the event before it. */
  readonly ms: number;
  /** Whether the event itself says when. */
  readonly timed: boolean;
  /** The kind of the event; of an accepted entry, `wrote` for an envelope and else the kind of the statement. */
  readonly act: string;
  readonly device: string | null;
  readonly log: string | null;
  /** The places that it is about: one entry, or those that went to a device. */
  readonly from: number;
  readonly to: number;
  /** Of what was not taken: why. */
  readonly code: string | null;
  readonly void: boolean;
}

const NOTHING = { device: null, log: null, from: 0, to: 0, code: null, void: false } as const;

/** Rows of the events from a number on. */
export function rowsFrom(audit: Audit, first: number, lastMs: number): readonly AuditRow[] {
  const rows: AuditRow[] = [];
  let ms = lastMs;
  for (let n = first; n < audit.events.length; n++) {
    const event = audit.events.at(n)?.event ?? null;
    const own = event === null ? null : timeOf(event);
    ms = own ?? ms;
    rows.push({
      n,
      ms,
      timed: own !== null,
      act: "unreadable",
      ...NOTHING,
      ...(event === null ? {} : rowOf(audit, event)),
    });
  }
  return rows;
}

function rowOf(audit: Audit, event: AuditEvent): Partial<AuditRow> {
  const log = "log" in event && event.log !== null ? hex(event.log) : null;
  switch (event.e) {
    case "accepted": {
      const item = logOf(audit, event.log)?.items.at(event.seq - 1);
      const act = item === undefined ? "accepted" : item.what === "envelope" ? "wrote" : item.what;
      return {
        act,
        device: hex(event.author),
        log,
        from: event.seq,
        to: event.seq,
        void: item !== undefined && item.void !== null,
      };
    }
    case "refused":
      return { act: event.code === "held" ? "held" : "refused", device: hex(event.author), log, code: event.code };
    case "delivered":
    case "reviewed":
    case "shown":
      return { act: event.e, device: hex(event.device), log, from: event.from + 1, to: event.to };
    case "published":
    case "purged":
    case "fetched":
    case "sent":
      return { act: event.e, device: hex(event.device), log };
    case "came":
      return { act: event.e, log, from: event.n, to: event.n };
    case "restored":
      return { act: event.e };
    case "export":
      return { act: event.e, device: hex(event.by) };
    default: {
      const never: never = event;
      return never;
    }
  }
}
