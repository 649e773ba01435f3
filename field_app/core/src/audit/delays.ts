/**
 * How long what was written took, from the phone to the server and from there to a colleague. Spec 3, 10.1. Tests:
 * audit.
 */
import { hex } from "../bytes";
import { itemsOf } from "./conclude";
import { timeOf } from "./events";
import type { Audit } from "./state";

export interface Delay {
  readonly receivedMs: number;
  /**
   * At most this long on its device: since the newest event of the audit tree that its author had seen. Null where it
   * had seen none. When it was typed is sealed.
   */
  readonly atMostMs: number | null;
  /** Until the first device of somebody else was given it; null while none was. */
  readonly reachedMs: number | null;
}

/** One for each envelope, by the time at which it came. */
export function delaysOf(audit: Audit): readonly Delay[] {
  const times: number[] = [];
  const reached = new Map<string, number>();
  const given = new Map<string, number>();
  for (let n = 0; n < audit.events.length; n++) {
    const event = audit.events.at(n)?.event ?? null;
    const ms = event === null ? null : timeOf(event);
    times.push(ms ?? times.at(-1) ?? 0);
    if (event?.e !== "delivered") continue;
    const log = audit.logs.get(hex(event.log));
    const device = audit.registry.devices.get(hex(event.device));
    if (log === undefined || device === undefined) continue;
    const key = `${hex(event.log)} ${hex(device.user)}`;
    const from = Math.max(event.from, given.get(key) ?? 0);
    given.set(key, Math.max(from, event.to));
    for (let seq = from + 1; seq <= Math.min(event.to, log.items.length); seq++) {
      const author = log.items.at(seq - 1)?.author;
      const writer = author == null ? undefined : audit.registry.devices.get(hex(author));
      const place = `${hex(event.log)} ${seq}`;
      if (writer === undefined || hex(writer.user) === hex(device.user) || reached.has(place)) continue;
      reached.set(place, event.ms);
    }
  }
  const delays: Delay[] = [];
  for (const log of audit.logs.values()) {
    for (const item of itemsOf(log)) {
      if (item.what !== "envelope") continue;
      const size = item.witness?.size ?? 0;
      const seen = size === 0 ? undefined : times[size - 1];
      const there = reached.get(`${hex(log.log)} ${item.seq}`);
      delays.push({
        receivedMs: item.received_ms,
        atMostMs: seen === undefined ? null : Math.max(0, item.received_ms - seen),
        reachedMs: there === undefined ? null : Math.max(0, there - item.received_ms),
      });
    }
  }
  return delays.sort((a, b) => a.receivedMs - b.receivedMs);
}
