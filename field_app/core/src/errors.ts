/** Typed errors: `code` is the wire word of shared_schema/errors.json, the same in every language. */
import table from "../../../shared_schema/errors.json" with { type: "json" };

export type Code = keyof (typeof table)["errors"];

/** What was refused, and why: the message says what was seen and what was wanted, never a key, a name or plaintext. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}
