/**
 * What a side shows of its files that can receive: gates, weekly keys, and how they are published.
 *
 * Spec 15.1, 15.2. Vectors: parcel.
 */
import { sideShape } from "./certificate";
import { kind, plainLabels, type SignedOf } from "./cose";
import { Refused } from "./errors";
import { limit } from "./limits";
import {
  cose,
  decodeAs,
  encodeAs,
  epoch,
  exactly,
  id,
  list,
  map,
  nullable,
  type Of,
  receiveKey,
  refine,
  signKey,
  week,
} from "./shape";

export const gate = kind(
  "fieldkeep-gate",
  plainLabels,
  refine(map({ side: sideShape, address: id, key: signKey, from: week, until: week }), ({ from, until }) => {
    if (until < from || until - from >= limit("gate_weeks")) {
      throw new Refused("malformed", `a gate from week ${from} to ${until}, want 1 to ${limit("gate_weeks")} weeks`);
    }
  }),
);
export const intakeKey = kind("fieldkeep-intake", plainLabels, map({ side: sideShape, week, key: receiveKey }));
export type Gate = SignedOf<typeof gate>;
export type IntakeKey = SignedOf<typeof intakeKey>;

/** The body of `POST /v1/intake/{log}`: the present week and twelve more at most. */
export const publication = map({
  v: exactly(1),
  ep: epoch,
  key: signKey,
  gate: nullable(cose),
  keys: list(cose, 0, limit("intake_weeks") + 1),
});
export const gatesAnswer = map({ v: exactly(1), gates: list(cose) });
export const deskAnswer = map({ v: exactly(1), gate: cose, key: cose });
export const addressAnswer = map({ v: exactly(1), key: cose });
export type Publication = Of<typeof publication>;

export const decodePublication = (body: Uint8Array): Publication => decodeAs(publication, body);
export const encodePublication = (value: Publication): Uint8Array => encodeAs(publication, value);
