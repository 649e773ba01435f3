/** From the entries that a device keeps of a file to what its fold takes. Spec 5.2, 5.7, 7.8. Pure. */
import { hex } from "@fieldkeep/core/bytes";
import { decodePart } from "@fieldkeep/core/change";
import { type Entry, entryPair } from "@fieldkeep/core/entry";
import { encode } from "@fieldkeep/core/cbor";
import type { Placed } from "@fieldkeep/core/fold/model";
import type { Expunged } from "@fieldkeep/core/membership/state";
import type { EntryRow } from "./stored";

/** An entry at its place, as it is kept. Of an expunction `plaintexts` has the stub. */
export interface Stored {
  readonly seq: number;
  readonly row: EntryRow;
  readonly entry: Entry;
}

/** The changes of one entry's parts, but for those that were expunged since. */
export function placedIn({ seq, row, entry }: Stored, expunged: readonly Expunged[] = []): readonly Placed[] {
  if (row.void !== null || entry.typ === "fieldkeep-expunction") return [];
  const { received_ms, device, user, role, late, plaintexts } = row;
  return plaintexts.flatMap((plaintext, part) => {
    if (plaintext === null || expunged.some((one) => one.at === seq && one.part === part)) return [];
    return decodePart(plaintext).map((change) => ({ seq, received_ms, part, device, user, role, late, stub: false, change }));
  });
}

/** What stands in the place of a part that was expunged: said by the expunction, placed where the part was. */
function stubOf({ at, part }: Expunged, by: Stored | undefined, target: Stored | undefined): readonly Placed[] {
  const stub = by?.row.plaintexts[0] ?? null;
  if (stub === null || target === undefined) return [];
  const { received_ms, device, user, role, late } = target.row;
  return decodePart(stub, true).map((change) => ({ seq: at, received_ms, part, device, user, role, late, stub: true, change }));
}

/** Everything of a file. */
export function placedOf(stored: readonly Stored[], expunged: readonly Expunged[]): readonly Placed[] {
  const bySeq = new Map(stored.map((one) => [one.seq, one]));
  const said = stored.flatMap((one) => placedIn(one, expunged));
  const stubs = expunged.flatMap((one) => stubOf(one, bySeq.get(one.seq), bySeq.get(one.at)));
  return [...said, ...stubs];
}

/** An entry without those of its parts whose plaintext is kept, and those that were expunged. */
export function keptPair(entry: Entry, keeps: (part: number) => boolean): Uint8Array {
  const [cose] = entryPair(entry) as readonly [Uint8Array];
  return encode([cose, entry.parts.map((part, index) => (keeps(index) ? part : null))]);
}

export const fileKey = (log: Uint8Array): string => hex(log);
