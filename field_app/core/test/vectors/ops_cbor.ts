/** Registers the codec `cbor`. */
import { decode, encode } from "../../src/cbor";
import type { Codecs } from "./runner";

export const codecs: Codecs = { cbor: { decode: (bytes) => decode(bytes), encode: (value) => encode(value) } };
