/** Held work as somebody decides on it: whose, when, and what it would say. */
import { hex } from "@fieldkeep/core/bytes";
import type { Held as DeviceHeld } from "@fieldkeep/device/held";
import type { Session } from "@fieldkeep/device/session";
import type { Held } from "../facade";
import { deviceName, lineOf, personName } from "./people";

export const heldName = (id: Uint8Array): string => hex(id);

export function heldView(session: Session, file: string, { entry, author, held_ms, records, trouble }: DeviceHeld): Held {
  const lines = records.map((record) => ({ type: record.type, line: lineOf(record) }));
  return {
    file, id: heldName(entry.id), by: personName(session, author), device: deviceName(session, entry.header.kid), heldMs: held_ms,
    records: trouble === "" ? lines : [...lines, { type: "", line: `It cannot be let in: ${trouble}` }],
  };
}
