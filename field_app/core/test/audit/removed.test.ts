/**
 * What is held, and what was erased, as an auditor sees it: the erasure holds, and nothing else is left. Spec 7.5,
 * 7.10, 10.4.
 */
import { describe, expect, it } from "vitest";
import { changedSince } from "../../src/audit/compare";
import { delaysOf } from "../../src/audit/delays";
import { healthOf } from "../../src/audit/health";
import { rowsFrom } from "../../src/audit/table";
import { hex } from "../../src/bytes";
import { H } from "../../src/hash";
import { START_MS } from "../make/world";
import { aCase, erasure } from "./case";
import { read } from "./shown";

describe("a file that was erased", () => {
  it("is its ids and its erasure, whoever read it before and whoever did not", async () => {
    const written = await aCase();
    const { side, bo } = written;
    const before = await read(await written.shower.shown(), { side });
    expect(before.concluded.findings).toEqual([]);
    const { log } = written.genesis.header;
    written.shower.accept(await erasure(written, bo), START_MS + 150_000);
    const whole = await read(await written.shower.shown(), { side });
    expect(whole.concluded.findings).toEqual([]);
    written.shower.erase(log);
    written.shower.tell({ e: "delivered", device: bo.keys.device, log, from: 2, to: 3, ms: START_MS + 160_000 });
    const shown = await written.shower.shown();
    const [anew, further] = [
      await read(shown, { side }),
      await read(shown, { side }, before.concluded.tree, before.audit),
    ];
    for (const { concluded, audit } of [anew, further]) {
      expect(concluded.findings).toEqual([]);
      expect(audit.logs.get(hex(log))?.file?.erased?.seq).toBe(3);
    }
    expect(changedSince(whole.audit, anew.audit)).toEqual([]);
    expect(
      rowsFrom(anew.audit, 0, 0)
        .filter(({ log: of }) => of === hex(log))
        .map(({ act }) => act),
    ).toEqual(["erased", "erased", "delivered", "delivered", "erase", "delivered"]);
  });

  it("is none where nobody else approved it, or where no erasure ends it", async () => {
    const written = await aCase();
    const { side, ada } = written;
    const { log } = written.genesis.header;
    const end = await erasure(written, ada);
    written.shower.accept(end, START_MS + 150_000);
    written.shower.erase(log);
    const alone = (await read(await written.shower.shown(), { side })).concluded.findings;
    expect(alone.some((one) => one.seq === 3 && one.log !== null && hex(one.log) === hex(log))).toBe(true);
    const shown = await written.shower.shown();
    const logs = new Map(shown.logs);
    logs.set(
      hex(log),
      (logs.get(hex(log)) ?? []).map((one) => (one.seq === 3 ? { ...one, cose: end.id } : one)),
    );
    const texts = (await read({ ...shown, logs }, { side })).concluded.findings.map(({ text }) => text);
    expect(texts).toContain("entries are absent, and no statement erased the file");
  });
});

describe("what waits", () => {
  it("is held until somebody decides, and is told of its device", async () => {
    const { side, ada, bo, shower, genesis } = await aCase();
    const { log } = genesis.header;
    shower.tell({ e: "refused", log, id: H(Uint8Array.of(1)), author: bo.keys.device, code: "held" });
    shower.tell({ e: "refused", log, id: genesis.id, author: ada.keys.device, code: "held" });
    shower.tell({ e: "refused", log, id: H(Uint8Array.of(2)), author: bo.keys.device, code: "stale-epoch" });
    const { audit, concluded } = await read(await shower.shown(), { side });
    expect(concluded.findings).toEqual([]);
    const { held, devices, rotations } = healthOf(audit);
    expect(held.map(({ id }) => id)).toEqual([H(Uint8Array.of(1))]);
    expect(devices.find(({ device }) => device.name === "Bo")).toMatchObject({
      held: 1,
      refused: 1,
      waiting: 3,
      written: 1,
    });
    expect(rotations).toEqual([]);
    expect(delaysOf(audit).map(({ reachedMs }) => reachedMs)).toEqual([120_000]);
  });
});
