/**
 * A fold that takes more changes gives what a fold of all of them gives, however they came. Spec 3.2 (closed parts),
 * 5.2, 5.7.
 */
import { describe, expect, test } from "vitest";
import { hex } from "../../src/bytes";
import { emptyFold, fold, type Folded, PENDING_SEQ, replace, take, withPending } from "../../src/fold/fold";
import type { Placed } from "../../src/fold/model";
import { conflicts, fieldsInOrder, shown, unweighed } from "../../src/fold/show";
import { recordsInOrder, stateHash } from "../../src/fold/state_hash";
import { history, LOG, numbers, TYPES } from "./histories";

/** All that anybody can see of a fold. */
function seen(folded: Folded): unknown {
  const records = recordsInOrder(folded.records).map((record) => ({
    record: { ...record, fields: fieldsInOrder(record) },
    shown: fieldsInOrder(record).map(({ field }) => shown(record, field)),
    conflicts: conflicts(record),
    unweighed: unweighed(record),
  }));
  return { hash: stateHash(folded), records };
}

/** What has one place in the log comes in the order of `c`, as an entry's changes do. */
const inLogOrder = (changes: readonly Placed[]): readonly Placed[] =>
  [...changes].sort((a, b) => a.seq - b.seq || a.change.c - b.change.c);

describe("a fold in pieces", () => {
  for (let seed = 1; seed <= 60; seed++) {
    test(`history ${seed}, page by page`, () => {
      const all = inLogOrder(history(seed, 80));
      const next = numbers(seed);
      let folded = emptyFold(LOG, TYPES);
      for (let at = 0; at < all.length; ) {
        const size = 1 + next(9);
        folded = take(folded, all.slice(at, at + size));
        at += size;
      }
      expect(seen(folded)).toEqual(seen(fold(LOG, TYPES, all)));
    });

    test(`history ${seed}, an epoch opened later`, () => {
      const all = inLogOrder(history(seed, 60));
      const next = numbers(seed);
      const closed = new Set(all.map(({ seq }) => seq).filter(() => next(3) === 0));
      const folded = take(
        fold(
          LOG,
          TYPES,
          all.filter(({ seq }) => !closed.has(seq)),
        ),
        all.filter(({ seq }) => closed.has(seq)),
      );
      expect(seen(folded)).toEqual(seen(fold(LOG, TYPES, all)));
    });
  }

  test("a state does not change when it takes more", () => {
    const all = inLogOrder(history(99, 80));
    const first = fold(LOG, TYPES, all.slice(0, 40));
    const before = seen(first);
    take(first, all.slice(40));
    expect(seen(first)).toEqual(before);
  });

  test("a stub in the place of its part gives what the log would have given with it", () => {
    const all = inLogOrder(history(7, 40)).map((placed, part) => ({ ...placed, part }));
    const [gone] = all.slice(5, 6);
    if (gone === undefined) throw new Error("a change wanted");
    const ops = gone.change.ops.map((op) => ({
      ...op,
      value: op.action === "sign" || op.action === "delete" ? op.value : null,
    }));
    const stub: Placed = { ...gone, stub: true, change: { ...gone.change, ops } };
    const after = replace(fold(LOG, TYPES, all), gone.seq, gone.part, [stub]);
    expect(seen(after)).toEqual(
      seen(
        fold(
          LOG,
          TYPES,
          all.map((placed) => (placed === gone ? stub : placed)),
        ),
      ),
    );
  });
});

describe("pending changes", () => {
  test("they lie after everything, and the log's own state is as it was", () => {
    const all = inLogOrder(history(3, 50));
    const folded = fold(LOG, TYPES, all);
    const before = seen(folded);
    const known = recordsInOrder(folded.records).find(({ type }) => type === "plan");
    if (known?.created == null) throw new Error("a record of a known type wanted");
    const { created } = known;
    const change = {
      ...created.change,
      c: 10_000,
      ops: [{ field: "latest", action: "set" as const, value: "mine", preds: [] }],
    };
    const over = withPending(folded, created, [change]);
    const record = over.records.get(hex(known.id));
    expect(record === undefined ? null : shown(record, "latest").value).toBe("mine");
    expect(over.changes.at(-1)?.seq).toBe(PENDING_SEQ);
    expect(seen(folded)).toEqual(before);
  });
});

describe("speed", () => {
  /** Milliseconds of the processor: what other work the machine has does not count. */
  const spent = (since?: NodeJS.CpuUsage): number => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1000;
  };

  test("ten thousand changes are folded in well under half a second", () => {
    const all = inLogOrder(history(1, 10_000, 600));
    fold(LOG, TYPES, all.slice(0, 1000));
    const started = process.cpuUsage();
    const folded = fold(LOG, TYPES, all);
    const whole = spent(started);
    const [last] = all.slice(-1);
    if (last === undefined) throw new Error("a change wanted");
    const again = process.cpuUsage();
    take(folded, [{ ...last, seq: last.seq + 1, change: { ...last.change, c: 1_000_000 } }]);
    const page = spent(again);
    console.info(
      `10,000 changes to ${folded.records.size} records: ${whole.toFixed(0)} ms; one more: ${page.toFixed(1)} ms`,
    );
    // Twice as much as it takes at most, for the collector has threads of its own.
    expect(whole).toBeLessThan(1000);
  });
});
