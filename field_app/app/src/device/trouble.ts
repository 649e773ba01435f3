/** Why something was not done: what happened, why, and what to do about it, each one sentence. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  constructor(
    /** The word of shared_schema/errors.json, or the store's. */
    readonly code: string,
    readonly what: string,
    readonly why: string,
    readonly doThis: string,
    /** Whether the same may be tried again as it is. */
    readonly again: boolean,
  ) {
    super(what);
  }
}
