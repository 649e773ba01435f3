/** Why the store did not do what it was asked for: named by what the person in front of it does next. */

export type Why =
  /** Nothing can be read until somebody unlocks. */
  | "locked"
  /** Another window of this browser is the one that writes. */
  | "elsewhere"
  | "wrong-passphrase"
  /** Too many wrong passphrases: wait. */
  | "wait"
  | "too-short"
  /** The browser gives no more room. */
  | "full"
  /** What is kept does not open under its own key: it was altered or is broken. */
  | "damaged"
  | "exists";

export class StoreRefusal extends Error {
  override readonly name = "StoreRefusal";
  constructor(
    readonly why: Why,
    message: string,
  ) {
    super(message);
  }
}
