/** What a refusal does to what a device has sealed. Spec 3.1, 9.3. */
import { beforeEach, describe, expect, test } from "vitest";
import { hex } from "../../src/bytes";
import { type OutboxItem, sealed, settle } from "../../src/exchange/outbox";
import { kinds, Scene, withItems } from "./scene";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.new();
});

describe("refusals", () => {
  test("an envelope is sealed again on a verified verdict about it, and so is what follows it", async () => {
    const begun = await scene.begun();
    scene.server.lies = { refuse: "stale-epoch" };
    const one = await scene.note(scene.genesis, 1);
    const refused = await scene.sync(
      withItems(begun, sealed(one, "envelope", 0), sealed(await scene.note(one, 2), "envelope", 0)),
    );
    expect(kinds(refused.events)).toEqual(["outcome resealed", "outcome resealed"]);
    expect(refused.view.refused.get(hex(one.id))).toBe("stale-epoch");
  });

  test("without a signature a refusal changes nothing", async () => {
    const begun = await scene.begun();
    scene.server.lies = { refuse: "quota" };
    const waiting = await scene.sync(withItems(begun, sealed(await scene.note(scene.genesis, 1), "envelope", 0)));
    expect(waiting.events).toEqual([]);
    expect(waiting.view.outbox).toHaveLength(1);
  });

  test("what an entry of that kind cannot be answered is no verdict", async () => {
    const begun = await scene.begun();
    scene.server.lies = { refuse: "stale-registry" };
    const waiting = await scene.sync(withItems(begun, sealed(await scene.note(scene.genesis, 1), "envelope", 0)));
    expect(kinds(waiting.events)).toEqual(["unsigned"]);
    expect(waiting.view.outbox).toHaveLength(1);
  });

  test("a verdict about another entry is none", async () => {
    const begun = await scene.begun();
    scene.server.lies = { refuse: "stale-epoch" };
    const [one, other] = [await scene.note(scene.genesis, 1), await scene.note(scene.genesis, 1, "other")];
    const asked = scene.ask(withItems(begun, sealed(other, "envelope", 0)));
    const { answers } = await scene.server.sync(asked.request);
    scene.spoil = (response) => ({ ...response, answers });
    const waiting = await scene.sync(withItems(begun, sealed(one, "envelope", 0)));
    expect(kinds(waiting.events)).toEqual(["unsigned"]);
    expect(waiting.view.refused.size).toBe(0);
  });

  test("what is held waits, and what follows it is sealed again; what was removed is kept", async () => {
    const one = await scene.note(scene.genesis, 1);
    const two = await scene.note(one, 2);
    const none = { admitted: new Set<string>(), settled: new Set<string>() };
    const outcomes = (verdict: OutboxItem["verdict"]) =>
      settle([{ ...sealed(one, "envelope", 0), verdict }, sealed(two, "envelope", 0)], none).map(({ is }) => is);
    expect(outcomes("held")).toEqual(["held", "resealed"]);
    expect(outcomes("erased")).toEqual(["kept", "kept"]);
    expect(outcomes("old-incarnation")).toEqual(["resealed", "resealed"]);
    expect(outcomes(null)).toEqual(["waits", "waits"]);
    const held = { ...sealed(one, "envelope", 0), verdict: "held" as const };
    expect(settle([held, { ...sealed(two, "envelope", 0), receipt: 3 }], none).map(({ is }) => is)).toEqual([
      "held",
      "waits",
    ]);
    const all = [
      { ...sealed(scene.genesis, "genesis", 0), verdict: "person-full" as const },
      sealed(one, "envelope", 0),
      sealed(two, "envelope", 0),
    ];
    expect(settle(all, none).map(({ is }) => is)).toEqual(["kept", "kept", "kept"]);
    const admitted = { admitted: new Set([hex(one.id)]), settled: new Set([hex(one.id)]) };
    expect(
      settle([{ ...sealed(one, "envelope", 0), verdict: "held" }, sealed(two, "envelope", 0)], admitted).map(
        ({ is }) => is,
      ),
    ).toEqual(["decided", "resealed"]);
    expect(settle([sealed(two, "envelope", 0)], admitted).map(({ is }) => is)).toEqual(["resealed"]);
    expect(
      settle([{ ...sealed(one, "envelope", 0), shown: { seq: 2, void: "stale-epoch" } }], none).map(({ is }) => is),
    ).toEqual(["resealed"]);
  });

  test("an entry that stands although it was refused for good is a contradiction", async () => {
    const begun = await scene.begun();
    const one = await scene.note(scene.genesis, 1);
    await scene.server.take(one);
    const caught = await scene.sync({ ...begun, refused: new Map([[hex(one.id), "stale-epoch"]]) });
    expect(kinds(caught.events)).toEqual(["contradiction"]);
    expect(caught.view.stopped.has(hex(scene.log))).toBe(true);
    expect(scene.ask(withItems(caught.view, sealed(await scene.note(one, 2), "envelope", 0))).pushed).toEqual([]);
  });
});
