/**
 * The messages about a side that came back from an older copy. Spec 19.2, 19.3. Vectors: restoring.
 */
import { Refused } from "./errors";
import { limit } from "./limits";
import {
  anything,
  cose,
  count,
  decodeAs,
  encodeAs,
  exactly,
  hash,
  id,
  list,
  map,
  millis,
  nullable,
  type Of,
  refine,
  row,
  truth,
} from "./shape";

/** The answer to `GET /v1/restored`. */
export const offer = map({ v: exactly(1), incarnation: id, next: id, registry: hash, marks: truth });
/** The body of `POST /v1/restored`. */
export const declaration = refine(
  map({
    v: exactly(1),
    entries: list(row({ what: anything, received_ms: millis })),
    head: nullable(cose),
    restore: anything,
  }),
  ({ entries, head }) => {
    if (entries.length > 0 !== (head !== null)) throw new Refused("malformed", "entries come with their head, and no head alone");
  },
);
/** The body of `POST /v1/heal/{log}`. */
export const healing = refine(
  map({
    v: exactly(1),
    after: count,
    links: list(row({ id: hash, received_ms: millis })),
    head: cose,
    entries: list(anything),
  }),
  ({ links, entries }) => {
    if (links.length > limit("heal_links")) throw new Refused("too-large", `${links.length} links`);
    if (entries.length > links.length) throw new Refused("malformed", "more entries than links");
  },
);
/** The answer to `POST /v1/heal/{log}` and `GET /v1/heal/{log}`. */
export const healedTo = map({ v: exactly(1), seq: count, chain: hash, open: truth });

export type Offer = Of<typeof offer>;
export type Declaration = Of<typeof declaration>;
export type Healing = Of<typeof healing>;
export type HealedTo = Of<typeof healedTo>;

export const decodeOffer = (body: Uint8Array): Offer => decodeAs(offer, body);
export const encodeDeclaration = (value: Declaration): Uint8Array => encodeAs(declaration, value);
export const encodeHealing = (value: Healing): Uint8Array => encodeAs(healing, value);
export const decodeHealedTo = (body: Uint8Array): HealedTo => decodeAs(healedTo, body);
