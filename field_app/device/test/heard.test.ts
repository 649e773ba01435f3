/** What devices say of themselves is kept apart from what was verified, a figure for each day. Spec 10.3. */
import { devicesAnswer } from "@fieldkeep/core/audit/pages";
import { encode } from "@fieldkeep/core/cbor";
import { describe, expect, it } from "vitest";
import { lookAround, readHeard } from "../src/auditing/heard";
import { MemoryRows } from "./memory_rows";

const DAY_MS = 86_400_000;

function answer(...conflicts: readonly number[]): Uint8Array {
  const devices = conflicts.map((count, i) => ({
    device: new Uint8Array(16).fill(i + 1),
    heard_ms: 5,
    status: { unsent: 0, held: 0, conflicts: count, oldest_conflict_days: 0, app: "a", claimed_ms: 0, free_mb: 0 },
  }));
  return encode(devicesAnswer.write({ v: 1, time: 7, devices }));
}

describe("what devices say", () => {
  it("is asked for by its path, and kept with the figure of the device that has most", async () => {
    const rows = new MemoryRows();
    const asked: string[] = [];
    const get = (path: string): Promise<Uint8Array> => {
      asked.push(path);
      return Promise.resolve(answer(1, 4, 2));
    };
    await lookAround(get, rows, "victim", 3 * DAY_MS);
    expect(asked).toEqual(["/v1/audit/victim/devices"]);
    const kept = await readHeard(rows, "victim");
    expect(kept?.days).toEqual([{ at_ms: 3 * DAY_MS, conflicts: 4 }]);
    expect(kept?.answer.devices).toHaveLength(3);
    expect(await readHeard(rows, "perpetrator")).toBeNull();
  });

  it("has one figure a day, the newest, and of no day on which nobody asked", async () => {
    const rows = new MemoryRows();
    for (const [at, count] of [[3, 4], [3.5, 1], [6, 0]] as const)
      await lookAround(() => Promise.resolve(answer(count)), rows, "victim", at * DAY_MS);
    expect((await readHeard(rows, "victim"))?.days).toEqual([
      { at_ms: 3.5 * DAY_MS, conflicts: 1 },
      { at_ms: 6 * DAY_MS, conflicts: 0 },
    ]);
  });

  it("stays as it was when the answer cannot be read", async () => {
    const rows = new MemoryRows();
    await lookAround(() => Promise.resolve(answer(2)), rows, "victim", DAY_MS);
    await expect(lookAround(() => Promise.resolve(encode("no")), rows, "victim", 2 * DAY_MS)).rejects.toThrow();
    expect((await readHeard(rows, "victim"))?.days).toHaveLength(1);
  });
});
