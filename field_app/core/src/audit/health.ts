/**
 * How each device of a side is, and what waits, as far as logs and audit events tell. Spec 9.2, 10.1. Tests: audit.
 *
 * What a device says of itself in a sync (`status`) is in no event: unsent work and open conflicts are not among this.
 */
import { hex } from "../bytes";
import { isUnrevokedAt, type Device } from "../registry/state";
import { rotationNeeded } from "../membership/state";
import { seqOf } from "../log";
import { itemsOf } from "./conclude";
import { timeOf } from "./events";
import type { Audit, AuditedLog } from "./state";

export interface DeviceHealth {
  readonly device: Device;
  readonly standing: "in use" | "suspended" | "revoked" | "wiped";
  /** When it last sent or fetched anything, and when it last wrote. */
  readonly heardMs: number | null;
  readonly wroteMs: number | null;
  readonly written: number;
  readonly refused: number;
  /** What it sent that waits for somebody's decision. */
  readonly held: number;
  /** Entries of its person's files and of the registry that were there and did not go to it yet, and the oldest. */
  readonly waiting: number;
  readonly waitingSinceMs: number | null;
}

export interface HeldWork {
  readonly log: Uint8Array | null;
  readonly author: Uint8Array;
  readonly id: Uint8Array;
  readonly n: number;
}

export interface Health {
  readonly devices: readonly DeviceHealth[];
  readonly held: readonly HeldWork[];
  /** Files in which nothing can be written before their keys were changed. */
  readonly rotations: readonly Uint8Array[];
}

interface Seen {
  heardMs: number | null;
  wroteMs: number | null;
  written: number;
  refused: number;
  /** By log: how far it was given each. */
  readonly given: Map<string, number>;
}

export function healthOf(audit: Audit): Health {
  const seen = new Map<string, Seen>();
  const of = (device: Uint8Array): Seen => {
    const key = hex(device);
    const known = seen.get(key) ?? {
      heardMs: null,
      wroteMs: null,
      written: 0,
      refused: 0,
      given: new Map<string, number>(),
    };
    seen.set(key, known);
    return known;
  };
  const held = new Map<string, HeldWork>();
  let ms = 0;
  for (let n = 0; n < audit.events.length; n++) {
    const event = audit.events.at(n)?.event ?? null;
    if (event === null) continue;
    ms = timeOf(event) ?? ms;
    const by = "device" in event ? event.device : "author" in event ? event.author : null;
    if (by === null) continue;
    const one = of(by);
    if (event.e !== "accepted" && event.e !== "refused") one.heardMs = ms;
    if (event.e === "accepted") {
      one.written += 1;
      one.wroteMs = ms;
    } else if (event.e === "refused") {
      one.refused += Number(event.code !== "held");
      if (event.code === "held") held.set(hex(event.id), { log: event.log, author: event.author, id: event.id, n });
    } else if (event.e === "delivered") {
      one.given.set(hex(event.log), Math.max(event.to, one.given.get(hex(event.log)) ?? 0));
    }
  }
  const open = [...held.values()].filter((one) => waits(audit, one));
  const rotations = [...audit.logs.values()].filter(
    ({ file }) => file !== null && file.erased === null && (file.blocked || rotationNeeded(audit.registry, file)),
  );
  const devices = [...audit.registry.devices.values()].map((device) =>
    deviceHealth(audit, device, of(device.device), open),
  );
  return { devices, held: open, rotations: rotations.map(({ log }) => log) };
}

/** Nobody has admitted, refused or removed it, and it is not in the log by itself. */
function waits(audit: Audit, { log, id }: HeldWork): boolean {
  const known = log === null ? undefined : audit.logs.get(hex(log));
  if (known?.file == null) return true;
  if (known.file.erased !== null || known.file.settled.has(hex(id))) return false;
  for (const item of itemsOf(known)) if (hex(item.id) === hex(id)) return false;
  return true;
}

function deviceHealth(audit: Audit, device: Device, seen: Seen, held: readonly HeldWork[]): DeviceHealth {
  const { heardMs, wroteMs, written, refused, given } = seen;
  const counts = isUnrevokedAt(device, seqOf(audit.registry.log));
  const standing =
    device.wiped !== null
      ? "wiped"
      : device.revoked !== null
        ? "revoked"
        : device.suspended !== null
          ? "suspended"
          : "in use";
  let [waiting, waitingSinceMs]: [number, number | null] = [0, null];
  for (const log of counts ? audit.logs.values() : []) {
    if (!reads(log, device)) continue;
    for (let seq = (given.get(hex(log.log)) ?? 0) + 1; seq <= log.items.length; seq++) {
      const item = log.items.at(seq - 1);
      if (item === undefined || (item.author !== null && hex(item.author) === hex(device.device))) continue;
      waiting += 1;
      waitingSinceMs = Math.min(item.received_ms, waitingSinceMs ?? item.received_ms);
    }
  }
  const own = held.filter(({ author }) => hex(author) === hex(device.device)).length;
  return { device, standing, heardMs, wroteMs, written, refused, held: own, waiting, waitingSinceMs };
}

const reads = ({ file }: AuditedLog, { user }: Device): boolean =>
  file === null || (file.erased === null && file.members.has(hex(user)));
