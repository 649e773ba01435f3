/** What the tree tells of devices and logs is this side's own. Spec 10.4. Tests: audit. */
import { equal, hex } from "../bytes";
import type { AuditEvent } from "../event";
import type { File } from "../membership/state";
import { type Device, deviceOf } from "../registry/state";
import { type Audit, type AuditedLog, type Finding, logOf } from "./state";

type Parcels = Extract<AuditEvent, { readonly e: "published" | "shown" | "came" }>;
type ByDevice = Extract<AuditEvent, { readonly device: Uint8Array }>;

/** What is wrong with what event `n` says; null where nothing is. */
export function wrongIn(audit: Audit, n: number, event: AuditEvent): Finding | null {
  const say = (code: Finding["code"], seq: number, text: string): Finding => {
    const log = "log" in event ? event.log : null;
    return { code, log, seq, event: n, text: `event ${n}: ${text}` };
  };
  const device = "device" in event ? deviceOf(audit.registry, event.device) : null;
  if ("device" in event && device === null)
    return say("wall", placeIn(event), "it names a device that is not on this side");
  const log = "log" in event && event.log !== null ? logOf(audit, event.log) : null;
  if ("log" in event && event.log !== null && log === null)
    return say("contradiction", placeIn(event), "it names a log that is not in what the server shows");
  switch (event.e) {
    case "accepted":
    case "sent":
    case "refused":
      return null;
    case "restored": {
      const last = audit.registry.restorations.at(-1);
      const before = last?.before ?? null;
      const same =
        event.before === null || before === null
          ? event.before === before
          : equal(before.root, event.before.root) &&
            before.size === event.before.size &&
            equal(before.incarnation, event.before.incarnation);
      if (n === 0 && last !== undefined && same) return null;
      return say("contradiction", n, "the tree does not begin as the registry says that it does");
    }
    case "delivered":
      return log === null ? null : delivered(audit, event, log, device, say);
    case "reviewed":
      if (event.log === null || ownDevice(log, device)) return null;
      return say("contradiction", event.to, "held work went to somebody who never was a member");
    case "published":
    case "shown":
    case "came":
      return parcels(event, log, device, say);
    case "fetched":
      if (log?.file != null && ownDevice(log, device)) return null;
      return say("contradiction", 0, "a piece of an attachment went to somebody who never was a member");
    case "purged":
      if (log?.removed.has(hex(event.id)) === true && ownDevice(log, device)) return null;
      return say("contradiction", 0, "a device has purged what no statement removed, or never was a member's");
    case "export":
      if (deviceOf(audit.registry, event.by) === null) return null;
      return say("wall", n, "the logs were fetched by a device of this side");
    default: {
      const never: never = event;
      return never;
    }
  }
}

/** The newest entry that it speaks of; weeks and parcels are numbered otherwise. */
const placeIn = (event: AuditEvent): number => (event.e === "delivered" || event.e === "reviewed" ? event.to : 0);

type Say = (code: Finding["code"], seq: number, text: string) => Finding;

function everIn(file: File, device: Device | null): boolean {
  return file.erased !== null || (device !== null && file.ever.has(hex(device.user)));
}

const ownDevice = (log: AuditedLog | null, device: Device | null): boolean =>
  log === null || log.file === null || everIn(log.file, device);

function delivered(
  audit: Audit,
  event: Extract<ByDevice, { readonly e: "delivered" }>,
  log: AuditedLog,
  device: Device | null,
  say: Say,
): Finding | null {
  if (!ownDevice(log, device) && !wasPermitted(audit, event.device, event.log))
    return say("contradiction", event.to, "entries went to somebody who never was a member");
  if (event.from >= event.to || event.to > log.entries.length)
    return say("contradiction", event.to, "entries went out that the server does not show");
  return null;
}

function wasPermitted({ registry }: Audit, device: Uint8Array, log: Uint8Array): boolean {
  return registry.permits.some(
    (permit) =>
      hex(permit.device) === hex(device) &&
      (permit.files === null || permit.files.some((file) => hex(file) === hex(log))),
  );
}

function parcels(event: Parcels, log: AuditedLog | null, device: Device | null, say: Say): Finding | null {
  const file = log?.file ?? null;
  if (file === null || (file.kind !== "intake" && file.kind !== "liaison"))
    return say("contradiction", 0, "a parcel came to, or keys were published for, a file that receives none");
  if (event.e === "came" || everIn(file, device)) return null;
  return say("contradiction", 0, "a parcel or its key went by somebody who never was a member");
}
