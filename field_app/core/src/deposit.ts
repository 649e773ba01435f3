/**
 * What a device hands in that may do nothing else, what is held, and who has purged what.
 *
 * Spec 9.5, 9.6. Vectors: wire, removal.
 */
import { kind, plainLabels, type SignedOf } from "./cose";
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
  type Of,
  positive,
  row,
  truth,
} from "./shape";
import { answersShape, onePageShape, pushed } from "./sync";

export const deposit = map({ v: exactly(1), push: pushed, registry: count });
export const deposited = map({ v: exactly(1), answers: answersShape, receipts: list(cose), pages: onePageShape });
/** The answer to `GET /v1/held/{log}`; the entries are looked into by whoever decides on them. */
export const held = map({
  v: exactly(1),
  held: list(row({ n: positive, held_ms: millis, entry: anything })),
  more: truth,
});
/** The answer to `GET /v1/purged/{log}`. */
export const purged = map({ v: exactly(1), purged: list(row({ n: positive, ms: millis, word: cose })), more: truth });
/** A device's word that nothing is left on it of what statement `id` of that log removed. */
export const purge = kind("fieldkeep-purge", plainLabels, map({ log: id, id: hash }));

export type Deposit = Of<typeof deposit>;
export type Deposited = Of<typeof deposited>;
export type Held = Of<typeof held>;
export type Purged = Of<typeof purged>;
export type Purge = SignedOf<typeof purge>;

export const encodeDeposit = (value: Deposit): Uint8Array => encodeAs(deposit, value);
export const decodeDeposit = (body: Uint8Array): Deposit => decodeAs(deposit, body, limit("items_per_request"));
export const decodeDeposited = (body: Uint8Array): Deposited => decodeAs(deposited, body);
export const decodeHeld = (body: Uint8Array): Held => decodeAs(held, body);
export const decodePurged = (body: Uint8Array): Purged => decodeAs(purged, body);
