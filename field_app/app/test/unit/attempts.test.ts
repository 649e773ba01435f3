/** src/store/attempts.ts: wrong passphrases cost time, and a clock that is put back saves none. */
import { describe, expect, it } from "vitest";
import { NO_ATTEMPTS, counted, triesLeft, waitAfter, waitLeft } from "../../src/store/attempts";

describe("a wrong passphrase", () => {
  it("costs nothing four times, and more each time after that, up to an hour", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100].map(waitAfter).map((ms) => ms / 1000);
    expect(waits).toEqual([0, 0, 0, 0, 30, 60, 300, 900, 3600, 3600, 3600]);
  });

  it("is counted with its time, and the wait runs from there", () => {
    let attempts = NO_ATTEMPTS;
    for (let i = 0; i < 5; i += 1) attempts = counted(attempts, 1_000_000);
    expect(waitLeft(attempts, 1_000_000)).toBe(30_000);
    expect(waitLeft(attempts, 1_029_999)).toBe(1);
    expect(waitLeft(attempts, 1_030_000)).toBe(0);
  });

  it("waits its whole time again when the clock was put back", () => {
    expect(waitLeft({ failures: 5, lastMs: 1_000_000 }, 999_999)).toBe(30_000);
  });

  it("says how many are left before the next wait", () => {
    expect([0, 1, 4, 5, 9].map((failures) => triesLeft({ failures, lastMs: 0 }))).toEqual([5, 4, 1, 1, 1]);
  });
});
