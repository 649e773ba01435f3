/**
 * What a server answers besides the bodies that have modules of their own: errors and nonces.
 *
 * Spec 9.1. Tests: answers.
 */
import table from "../../../shared_schema/errors.json" with { type: "json" };
import type { Code } from "./errors";
import { limit } from "./limits";
import { decodeAs, list, map, millis, type Of, text, word } from "./shape";
import { RETRIES } from "./sync";

const errorShape = map({
  code: word(Object.keys(table.errors) as readonly Code[]),
  message: text(1, 500),
  retry: word(RETRIES),
});
const noncesShape = map({ nonces: list(text(1, 200), 1, limit("nonces_per_get")), time: millis });
export type ErrorAnswer = Of<typeof errorShape>;
export type Nonces = Of<typeof noncesShape>;

export const decodeError = (body: Uint8Array): ErrorAnswer => decodeAs(errorShape, body);
export const decodeNonces = (body: Uint8Array): Nonces => decodeAs(noncesShape, body);
