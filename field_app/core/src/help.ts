/**
 * The objects that pass between a locked device and whoever helps: the word, request, answer and its contents.
 *
 * Spec 13.4. Vectors: unlock.
 */
import { kind, plainLabels, type SignedOf } from "./cose";
import { Refused } from "./errors";
import { limit } from "./limits";
import {
  bytes,
  cose,
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
  receiveKey,
  refine,
  rising,
  row,
  signature,
} from "./shape";

export const help = kind(
  "fieldkeep-help",
  plainLabels,
  map({ request: hash, device: id, to: id, at: millis, by: nullable(signature) }),
);
export type Help = SignedOf<typeof help>;

const ENCAPSULATION = 1120;
const TAG = 16;
/** Sealed store keys: one, or while the key is being changed two. */
export const BOX_SIZES: readonly number[] = [1, 2].map((keys) => ENCAPSULATION + 32 * keys + TAG);

const box = refine(row({ to: id, sealed: cose }), ({ sealed }) => {
  if (!BOX_SIZES.includes(sealed.length)) {
    throw new Refused("malformed", `a box of ${sealed.length} bytes, want ${BOX_SIZES.join(" or ")}`);
  }
});
export const helpRequest = map({
  v: exactly(1),
  device: id,
  key: receiveKey,
  made: millis,
  boxes: rising(list(box, 1, limit("boxes_per_device")), ({ to }) => to),
});
export const helpAnswer = map({ v: exactly(1), request: hash, sealed: cose });
export const helpContents = map({ v: exactly(1), keys: list(bytes(32), 1, 2), help: cose });
export type HelpRequest = Of<typeof helpRequest>;
export type HelpAnswer = Of<typeof helpAnswer>;
export type HelpContents = Of<typeof helpContents>;

export const decodeHelpRequest = (encoded: Uint8Array): HelpRequest => decodeAs(helpRequest, encoded);
export const encodeHelpRequest = (value: HelpRequest): Uint8Array => encodeAs(helpRequest, value);
export const decodeHelpAnswer = (encoded: Uint8Array): HelpAnswer => decodeAs(helpAnswer, encoded);
export const encodeHelpAnswer = (value: HelpAnswer): Uint8Array => encodeAs(helpAnswer, value);
export const decodeHelpContents = (encoded: Uint8Array): HelpContents => decodeAs(helpContents, encoded);
export const encodeHelpContents = (value: HelpContents): Uint8Array => encodeAs(helpContents, value);
