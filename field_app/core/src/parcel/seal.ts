/** How large a letter is made, what a parcel is bound to, and sealing one. Spec 15.3. Vectors: parcel/letters. */
import { ascii, concat, equal } from "../bytes";
import { Refused } from "../errors";
import { L, u32be } from "../hash";
import { hpkeOpen, hpkeSeal } from "../hpke";
import type { Side } from "../ids";
import { type Contents, decodeContents, encodeContents, type Parcel } from "../letter";
import { limit } from "../limits";
import { pad, padme, unpad } from "../sealing";
import { otherSide } from "./rights";

/** An encapsulation and a tag are around what is sealed. */
const AROUND = 1120 + 16;
const LENGTH = 4;

/** The padded size, the four bytes of the length counted: from the victim side always one and the same. */
export function room(from: Side, size: number): number {
  const least = limit("parcel_room");
  if (size <= least) return least;
  const padded = padme(size);
  if (from === "victim" || padded + AROUND > limit("parcel_bytes"))
    throw new Refused("bad-value", `a letter of ${size} bytes does not go in`);
  return padded;
}

export interface Bound {
  readonly svc: Uint8Array;
  readonly from: Side;
  readonly address: Uint8Array;
  readonly week: number;
  readonly id: Uint8Array;
  readonly root: Uint8Array;
}

export function parcelInfo({ svc, from, address, week, id, root }: Bound): Uint8Array {
  return concat(L("parcel"), svc, ascii(from), new Uint8Array(1), address, u32be(week), id, root);
}

/**
 * `key` is the receiving key of that week. What cannot be sealed again, for the sender has kept nothing else, is
 * `fixed`.
 */
export async function sealParcel(bound: Bound, key: Uint8Array, contents: Contents, fixed: boolean): Promise<Parcel> {
  const plaintext = encodeContents(contents);
  const sealed = await hpkeSeal(key, parcelInfo(bound), pad(plaintext, room(bound.from, plaintext.length + LENGTH)));
  const { address, week, id, root } = bound;
  return { address, week, id, fixed, root, sealed };
}

/** A size that no letter has is told apart from one that does not fit: neither opens. */
function sizeOf(from: Side): (size: number) => number {
  return (size) => {
    try {
      return room(from, size);
    } catch (error) {
      if (error instanceof Refused) return 0;
      throw error;
    }
  };
}

/** `seeds` are the week's private keys, of the newest epoch first. */
export async function openContents(
  svc: Uint8Array,
  reader: Side,
  parcel: Parcel,
  seeds: readonly Uint8Array[],
): Promise<Contents> {
  const from = otherSide(reader);
  const info = parcelInfo({ svc, from, ...parcel });
  for (const seed of seeds) {
    const padded = await hpkeOpen(seed, info, parcel.sealed);
    if (padded !== null) return decodeContents(unpad(padded, sizeOf(from)));
  }
  throw new Refused("malformed", "a parcel that none of the file's keys opens");
}

/** Whether two parcels are the same one, sealed once. */
export function isSameParcel(a: Parcel, b: Parcel): boolean {
  return equal(a.address, b.address) && equal(a.id, b.id) && equal(a.sealed, b.sealed);
}
