/**
 * Locking by itself: after so many minutes without a touch or a key, and, where that is chosen, as soon as it is hidden.
 *
 * A hidden page's timers are slowed down or stopped, so the time is looked at again before anything is shown.
 */

export const LOCK_MINUTES = [1, 5, 15] as const;
export type LockMinutes = (typeof LOCK_MINUTES)[number];

export interface LockRules {
  readonly minutes: LockMinutes;
  readonly onHide: boolean;
}

export const LOCK_RULES: LockRules = { minutes: 5, onHide: false };

const SIGNS_OF_LIFE = ["pointerdown", "keydown", "input", "scroll"] as const;
const MINUTE = 60_000;

/** Watches until it is stopped. `lock` is called at most once for each time that it is unlocked. */
export function watch(rules: LockRules, now: () => number, lock: () => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  let last = now();
  const due = (): boolean => now() - last >= rules.minutes * MINUTE || now() < last - MINUTE;
  const look = (): void => {
    if (due()) lock();
  };
  const alive = (): void => {
    if (due()) lock();
    else last = now();
  };
  for (const sign of SIGNS_OF_LIFE) addEventListener(sign, alive, { signal, capture: true, passive: true });
  const visible = (): void => {
    if (document.visibilityState === "visible") look();
    else if (rules.onHide) lock();
  };
  document.addEventListener("visibilitychange", visible, { signal });
  const timer = setInterval(look, 1_000);
  signal.addEventListener("abort", () => clearInterval(timer));
  return () => stop.abort();
}
