/** src/console: picking rows, what to worry about, and a table for other programs. */
import { describe, expect, it } from "vitest";
import { csvOf } from "../../src/console/csv";
import { EVERYTHING, choicesOf, picked } from "../../src/console/filter";
import type { DeviceRow, Row } from "../../src/console/oversight";
import { byWorry } from "../../src/console/worry";

const DAY = 86_400_000;
const NOON = new Date(2026, 9, 25, 12).getTime();

function row(n: number): Row {
  return { n, ms: NOON + n * 60_000, timed: true, person: `Person ${n % 7}`, device: `Device ${n % 11}`, act: n % 2 === 0 ? "Wrote" : "Received", file: `Case ${n % 40}`, detail: "" };
}

describe("ten thousand rows", () => {
  const rows = Array.from({ length: 10_000 }, (_, n) => row(n));

  it("are picked by what was asked, and by all of it", () => {
    const found = picked(rows, { ...EVERYTHING, person: "Person 3", act: "Wrote" });
    expect(found.length).toBeGreaterThan(700);
    expect(found.every(({ person, act }) => person === "Person 3" && act === "Wrote")).toBe(true);
    expect(picked(rows, EVERYTHING)).toHaveLength(10_000);
  });

  it("are picked within a tenth of a second, and so are the choices", () => {
    const begun = performance.now();
    for (const person of ["Person 1", "Person 2", ""]) picked(rows, { ...EVERYTHING, person, from: "2026-10-26", to: "2026-10-30" });
    choicesOf(rows);
    expect((performance.now() - begun) / 4).toBeLessThan(100);
  });

  it("are picked by days, both included", () => {
    const days = picked(rows, { ...EVERYTHING, from: "2026-10-26", to: "2026-10-26" });
    expect(days.length).toBe(1_440);
    expect(new Set(days.map(({ ms }) => new Date(ms).getDate()))).toEqual(new Set([26]));
  });
});

describe("rows for other programs", () => {
  it("say what they said, and run nothing in a spreadsheet", () => {
    const [, line = ""] = csvOf([{ ...row(5), ms: 0, timed: false, person: '=HYPERLINK("x")', detail: "entries 2 to 4, void" }]).split("\r\n");
    expect(line).toBe(`5,1970-01-01T00:00:00.000Z,no,"'=HYPERLINK(""x"")",Device 5,Received,Case 5,"entries 2 to 4, void"`);
  });
});

describe("what to worry about", () => {
  const quiet: DeviceRow = {
    id: "a", person: "Sam", device: "Sam's phone", roles: [], standing: "in use", untilMs: NOON + DAY, heardMs: NOON - 60_000, wroteMs: undefined,
    waiting: 0, waitingSinceMs: undefined, held: 0, refused: 0, treeSeen: undefined, said: undefined,
  };

  it("has the worst first, and what has gone last", () => {
    const rows: readonly DeviceRow[] = [
      { ...quiet, id: "fine" },
      { ...quiet, id: "gone", standing: "wiped", held: 3 },
      { ...quiet, id: "silent", heardMs: NOON - 6 * DAY },
      { ...quiet, id: "behind", waiting: 4, waitingSinceMs: NOON - 2 * DAY },
      { ...quiet, id: "out", standing: "suspended" },
      { ...quiet, id: "held", held: 2 },
      { ...quiet, id: "refused", refused: 1 },
    ];
    expect(byWorry(rows, NOON).map(({ row: { id }, why }) => `${id}: ${why.join("; ")}`)).toEqual([
      "out: kept out",
      "held: 2 things are held",
      "silent: nothing heard for 6 days",
      "behind: has not fetched for 2 days",
      "refused: 1 entry was refused",
      "fine: ",
      "gone: ",
    ]);
  });

  it("believes a device that says it needs help, and not one that says it was heard", () => {
    const said = { heardMs: NOON - 60_000, unsent: 0, conflicts: 0, oldestConflictDays: 0, clockMs: 0, app: "a" };
    const rows: readonly DeviceRow[] = [
      { ...quiet, id: "fine", said },
      { ...quiet, id: "held", held: 1, said },
      { ...quiet, id: "full", said: { ...said, unsent: 51 } },
      { ...quiet, id: "some", said: { ...said, unsent: 2 } },
      { ...quiet, id: "fast", said: { ...said, clockMs: 12 * 60_000 } },
      { ...quiet, id: "slow", said: { ...said, clockMs: -49 * 3_600_000 } },
      { ...quiet, id: "old", said: { ...said, conflicts: 1, oldestConflictDays: 6, heardMs: NOON - DAY } },
      { ...quiet, id: "open", said: { ...said, conflicts: 2 } },
      { ...quiet, id: "gone", standing: "revoked", said: { ...said, unsent: 99 } },
    ];
    const found = new Map(byWorry(rows, NOON).map(({ row: { id }, why }) => [id, why.join("; ")]));
    expect([...found.keys()].slice(0, 1)).toEqual(["held"]);
    expect([...found.keys()].slice(-2)).toEqual(["fine", "gone"]);
    expect(Object.fromEntries(found)).toMatchObject({
      full: "51 not sent", some: "2 not sent", fast: "its clock is 12 minutes ahead", slow: "its clock is 2 days behind",
      old: "a conflict is 7 days old", open: "2 conflicts are open", gone: "", fine: "",
    });
    expect([...found.keys()].indexOf("old")).toBeLessThan([...found.keys()].indexOf("some"));
  });

  it("counts a sync that brought nothing as heard", () => {
    const said = { heardMs: NOON - 60_000, unsent: 0, conflicts: 0, oldestConflictDays: 0, clockMs: undefined, app: "a" };
    const [one] = byWorry([{ ...quiet, heardMs: NOON - 9 * DAY, said }], NOON);
    expect(one?.why).toEqual([]);
  });

  it("has of two alike the one that was heard longest ago first", () => {
    expect(byWorry([{ ...quiet, id: "b" }, { ...quiet, id: "a", heardMs: NOON - DAY }], NOON).map(({ row: { id } }) => id)).toEqual(["a", "b"]);
  });
});
