/** What takes two people: the first approves one exact act, the second carries it out. Spec 7.7. Vectors: approval. */
import { sideShape } from "./certificate";
import { type CborValue, encode } from "./cbor";
import { kind, plainLabels, type SignedOf } from "./cose";
import { H, L } from "./hash";
import { hash, id, map, millis, word } from "./shape";

export const APPROVED_KINDS = ["expunge", "hold", "erase", "export", "letter"] as const;
export type ApprovedKind = (typeof APPROVED_KINDS)[number];

export const approval = kind(
  "fieldkeep-approval",
  plainLabels,
  map({ side: sideShape, log: id, kind: word(APPROVED_KINDS), act: hash, until: millis }),
);
export type Approval = SignedOf<typeof approval>;

/** Says exactly what will be done; the table of spec 7.7 says with which keys. */
export type Act = ReadonlyMap<string, CborValue>;

export function actHash(act: Act): Uint8Array {
  return H(L("act"), encode(act));
}
