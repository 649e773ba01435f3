/** What a device claims for parts that it is to push, and what is said to that. Spec 18.3. Vectors: attachment. */
import { hex } from "./bytes";
import { Refused } from "./errors";
import { limit } from "./limits";
import { decodeAs, encodeAs, exactly, hash, list, map, type Of, refine, row, type Shape } from "./shape";

const MOST = limit("attachment_chunks") + 1;

function distinct<T>(shape: Shape<readonly T[]>, key: (item: T) => Uint8Array, what: string): Shape<readonly T[]> {
  return refine(shape, (items) => {
    if (new Set(items.map((item) => hex(key(item)))).size !== items.length)
      throw new Refused("malformed", `${what} twice`);
  });
}

/** A part, by its hash, and the ids of the chunks that the record in it names. */
const claim = row({ part: hash, chunks: distinct(list(hash, 1, MOST, "too-large"), (id) => id, "a chunk") });
export const claims = map({
  v: exactly(1),
  claims: distinct(list(claim, 1, limit("claims_per_request"), "too-large"), ({ part }) => part, "a part"),
});
export const claimed = map({ v: exactly(1), missing: list(hash, 0, limit("claims_per_request") * MOST) });

export type Claim = Of<typeof claim>;

type Claims = Of<typeof claims>;

export const encodeClaims = (all: Claims["claims"]): Uint8Array => encodeAs<Claims>(claims, { v: 1, claims: all });
export const decodeClaimed = (body: Uint8Array): readonly Uint8Array[] => decodeAs(claimed, body).missing;
