/**
 * Wrong passphrases: how many there were, and how long the next one has to wait. Pure.
 *
 * Each try is counted, on disk, before it is made, so that ending the app does not save one. This slows down whoever tries
 * on the phone itself. Whoever has copied the phone's storage asks no app, and only Argon2id stands in the way.
 */

export interface Attempts {
  readonly failures: number;
  /** When the last try was, by the phone's clock, in milliseconds. */
  readonly lastMs: number;
}

export const NO_ATTEMPTS: Attempts = { failures: 0, lastMs: 0 };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const FREE = 4;
const WAITS = [30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE] as const;

/** How long to wait after so many failures in a row. */
export function waitAfter(failures: number): number {
  if (failures <= FREE) return 0;
  return WAITS[Math.min(failures - FREE, WAITS.length) - 1] ?? 0;
}

/** Tries that are left before the first wait, or before the next. */
export const triesLeft = (attempts: Attempts): number => Math.max(1, FREE + 1 - attempts.failures);

/** Milliseconds until the next try. A clock that was put back gains nothing: the whole wait begins again. */
export function waitLeft(attempts: Attempts, nowMs: number): number {
  const wait = waitAfter(attempts.failures);
  const passed = nowMs - attempts.lastMs;
  return passed < 0 ? wait : Math.max(0, wait - passed);
}

export const counted = (attempts: Attempts, nowMs: number): Attempts => ({ failures: attempts.failures + 1, lastMs: nowMs });
