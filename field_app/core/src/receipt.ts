/** What a server signs: receipts, heads and verdicts. Spec 9.3. Vectors: receipt. */
import table from "../../../shared_schema/errors.json" with { type: "json" };
import { equal } from "./bytes";
import { kind, type Kind, plainLabels, type Signed, type SignedOf, verifyFrame } from "./cose";
import { type Code, Refused } from "./errors";
import { serverKeyId } from "./ids";
import { count, hash, id, list, map, millis, positive, refine, rising, row, word } from "./shape";

const CODES = Object.keys(table.errors) as readonly Code[];
/** The codes of final refusals: what is accepted has a receipt. */
export const FINAL_CODES: readonly Code[] = CODES.filter((code) => table.errors[code].final);

const item = row({ id: hash, seq: positive, received_ms: millis });
const receiptPayload = refine(
  map({ log: id, inc: id, items: rising(list(item, 1), ({ seq }) => seq), head: row({ seq: count, chain: hash }) }),
  ({ items, head }) => {
    const last = items.at(-1);
    if (last !== undefined && last.seq > head.seq) {
      throw new Refused("malformed", `an item at ${last.seq}, beyond the head at ${head.seq}`);
    }
  },
);

export const receipt = kind("fieldkeep-receipt", plainLabels, receiptPayload);
export const signedHead = kind("fieldkeep-head", plainLabels, map({ log: id, inc: id, seq: count, chain: hash }));
export const verdict = kind(
  "fieldkeep-verdict",
  plainLabels,
  map({ log: id, inc: id, id: hash, author: id, sq: positive, code: word(FINAL_CODES) }),
);
export type Receipt = SignedOf<typeof receipt>;
export type SignedHead = SignedOf<typeof signedHead>;
export type Verdict = SignedOf<typeof verdict>;

/** Whose word is taken: the receipt key of a side's root, and what was said in an incarnation that the side has had. */
export interface ServerIdentity {
  readonly svc: Uint8Array;
  readonly receipt: Uint8Array;
  readonly incarnations: readonly Uint8Array[];
}

/**
 * Decodes what this side's server signed: for this service and an incarnation of it, under the receipt key, with that key's id.
 */
export async function checkServed<
  Typ extends string,
  M extends { readonly svc: Uint8Array },
  P extends { readonly inc: Uint8Array },
>(what: Kind<Typ, M, P>, bytes: Uint8Array, server: ServerIdentity): Promise<Signed<Typ, M, P>> {
  const served = what.decode(bytes);
  const { svc, kid } = served.header;
  if (!equal(svc, server.svc)) throw new Refused("malformed", "signed for another service");
  if (!equal(kid, serverKeyId(server.receipt))) {
    throw new Refused("malformed", "signed under another key's id than the server's");
  }
  if (!server.incarnations.some((one) => equal(one, served.payload.inc)))
    throw new Refused("malformed", "signed for another incarnation");
  await verifyFrame(served.frame, server.receipt);
  return served;
}
