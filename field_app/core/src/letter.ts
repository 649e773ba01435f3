/** Letters, the parcels that carry them, and the bodies that carry parcels. Spec 15.3, 15.4. Vectors: parcel. */
import { sideShape } from "./certificate";
import { type Json, json } from "./change";
import { kind, plainLabels, type SignedOf } from "./cose";
import { Refused } from "./errors";
import { limit } from "./limits";
import {
  anything,
  bytes,
  cose,
  decodeAs,
  encodeAs,
  exactly,
  hash,
  id,
  isMap,
  list,
  map,
  millis,
  name,
  nullable,
  type Of,
  positive,
  refine,
  row,
  type Shape,
  truth,
  week,
} from "./shape";
import { answerCode, answerWords, checkAnswer } from "./sync";

/** The fields of a record: text keys, values of JSON. */
const body: Shape<ReadonlyMap<string, Json>> = {
  read: (value) => {
    const read = json(value);
    if (!isMap(value) || !(read instanceof Map)) throw new Refused("malformed", "a letter's body is a map");
    return read;
  },
  write: (value) => value,
};

export const letter = kind(
  "fieldkeep-letter",
  plainLabels,
  map({ from: sideShape, to: id, id, kind: name, at: millis, body }),
);
export const pass = kind("fieldkeep-pass", plainLabels, map({ address: id, week, id, hash, ms: millis }));
export type Letter = SignedOf<typeof letter>;
export type Pass = SignedOf<typeof pass>;

export const parcel = refine(
  map({ address: id, week, id, fixed: truth, root: hash, sealed: bytes(0, Number.MAX_SAFE_INTEGER) }),
  ({ sealed }) => {
    if (sealed.length > limit("parcel_bytes")) throw new Refused("too-large", `a parcel of ${sealed.length} bytes`);
  },
);
export type Parcel = Of<typeof parcel>;

const certificates = list(cose, 2, limit("chain_entries"));
export const contents = map({
  v: exactly(1),
  letter: cose,
  chain: certificates,
  second: nullable(row({ approval: cose, by: list(cose, 1, limit("chain_entries")) })),
});
export type Contents = Of<typeof contents>;

/** The body of `POST /v1/parcels`: each parcel is judged by itself, and so is not looked into. */
export const parcels = map({ v: exactly(1), parcels: list(anything, 0, limit("parcels_per_request"), "too-large") });
/** The answer to it: one for each parcel, in their order, and a pass for each that was accepted. */
const parcelsAnswer = map({
  v: exactly(1),
  answers: list(refine(map({ id, code: answerCode }, answerWords), checkAnswer), 0, limit("parcels_per_request")),
  passes: list(cose, 0, limit("parcels_per_request")),
});
export type ParcelsAnswer = Of<typeof parcelsAnswer>;
/** The answer to `GET /v1/parcels/{log}`. */
export const come = map({
  v: exactly(1),
  parcels: list(row({ n: positive, received_ms: millis, pass: cose, parcel }), 0, 256),
  more: truth,
});
export type Come = Of<typeof come>;

export const decodeParcel = (encoded: Uint8Array): Parcel => decodeAs(parcel, encoded);
export const encodeParcel = (value: Parcel): Uint8Array => encodeAs(parcel, value);
export const decodeContents = (encoded: Uint8Array): Contents => decodeAs(contents, encoded);
export const encodeContents = (value: Contents): Uint8Array => encodeAs(contents, value);
export const decodeParcelsAnswer = (body: Uint8Array): ParcelsAnswer => decodeAs(parcelsAnswer, body);
export const decodeCome = (encoded: Uint8Array): Come => decodeAs(come, encoded);
export const encodeParcels = (list: readonly Parcel[]): Uint8Array =>
  encodeAs(parcels, { v: 1, parcels: list.map(parcel.write) });
