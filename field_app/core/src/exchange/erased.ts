/**
 * A file of which nothing but ids is served: they lead to an erasure, or no honest server serves them. Spec 7.10, 9.6.
 * Vectors: exchange.
 */
import type { File } from "../membership/state";
import { BEHIND, readErasure, skipId } from "../membership/take";
import type { Check } from "../registry/judged";
import type { Registry } from "../registry/state";
import { contradiction, type Served } from "./served";

export type Ids = readonly (readonly [seq: number, id: Uint8Array])[];

export interface IdsTaken {
  readonly file: File;
  readonly ids: Ids;
  /** The place of the erasure; null where more is to come. */
  readonly erased: number | null;
}

/**
 * `served` is a whole page that leads to its signed head. An id that the device has just sent is an id all the same,
 * but the erasure itself may come by its id to whoever has just sent it. Gives null where the registry has not got what
 * the erasure relies on.
 */
export async function takeIds(
  registry: Registry,
  reading: File,
  served: readonly Served[],
  more: boolean,
  check: Check,
): Promise<IdsTaken | null> {
  const last = more ? undefined : served.at(-1);
  const ids = served.filter((one) => one !== last);
  if (ids.some(({ whole }) => whole)) throw contradiction("ids among entries that are whole");
  const file = ids.reduce((before, one) => skipId(before, one.id, one.received_ms), reading);
  const taken = ids.map(({ seq, id }) => [seq, id] as const);
  if (more) return { file, ids: taken, erased: null };
  if (last?.entry == null) throw contradiction("ids, and nothing more that they could lead to");
  const after = await readErasure(registry, file, last.entry, last.received_ms, check);
  return after === BEHIND ? null : { file: after, ids: taken, erased: last.seq };
}
