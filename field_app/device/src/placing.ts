/** From the entries that a device keeps of a file to what its fold takes. Spec 5.2, 5.7, 7.8. Pure. */
import { decodePart } from "@fieldkeep/core/change";
import type { Entry } from "@fieldkeep/core/entry";
import { encode } from "@fieldkeep/core/cbor";
import type { Placed } from "@fieldkeep/core/fold/model";
import type { Expunged } from "@fieldkeep/core/membership/state";
import { readChanges, sealedIn } from "./opening";
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
    return readChanges(plaintext).map((change) => ({
      seq,
      received_ms,
      part,
      device,
      user,
      role,
      late,
      stub: false,
      change,
    }));
  });
}

/** What stands in the place of a part that was expunged: said by the expunction, placed where the part was. */
function stubOf(
  { at, part }: Expunged,
  by: Stored | undefined,
  target: Stored | undefined,
  held: ReadonlyMap<number, unknown>,
): readonly Placed[] {
  const stub = by?.row.plaintexts[0] ?? null;
  const sealed = target === undefined ? null : sealedIn(target.entry);
  if (stub === null || target === undefined || sealed === null) return [];
  if (target.row.void !== null || !held.has(sealed.header.ep)) return [];
  const { received_ms, device, user, role, late } = target.row;
  const changes = decodePart(stub, true);
  if (changes.some(({ b }) => b > sealed.header.sn.seq || b >= at)) return [];
  return changes.map((change) => ({ seq: at, received_ms, part, device, user, role, late, stub: true, change }));
}

/** Everything of a file; `held` are the epochs whose secret is here: a stub is for whoever could read the part. */
export function placedOf(
  stored: readonly Stored[],
  expunged: readonly Expunged[],
  held: ReadonlyMap<number, unknown>,
): readonly Placed[] {
  const bySeq = new Map(stored.map((one) => [one.seq, one]));
  const said = stored.flatMap((one) => placedIn(one, expunged));
  const stubs = expunged.flatMap((one) => stubOf(one, bySeq.get(one.seq), bySeq.get(one.at), held));
  return [...said, ...stubs];
}

/** An entry without those of its parts that were expunged. */
export function keptPair(entry: Entry, isGone: (part: number) => boolean): Uint8Array {
  return encode([entry.frame.bytes, entry.parts.map((part, index) => (isGone(index) ? null : part))]);
}
