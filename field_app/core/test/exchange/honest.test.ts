/** A device's sync with an honest server: pages, receipts, and what was pushed. Spec 9.2, 9.3. */
import { beforeEach, describe, expect, test } from "vitest";
import { hex } from "../../src/bytes";
import { isOverdue, sealed } from "../../src/exchange/outbox";
import { seqOf } from "../../src/log";
import { kinds, Scene, withItems } from "./scene";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.new();
});

describe("an honest server", () => {
  test("the registry comes first, then the files; what was pushed is done when receipt and log agree", async () => {
    const first = await scene.sync(scene.view);
    expect(kinds(first.events)).toEqual(["registry"]);
    expect(seqOf(first.view.registry.log)).toBe(3);
    const second = await scene.sync(
      withItems(
        first.view,
        sealed(scene.genesis, "genesis", 0),
        sealed(await scene.note(scene.genesis, 1), "envelope", 0),
      ),
    );
    expect(kinds(second.events)).toEqual(["file", "outcome done", "outcome done"]);
    expect(second.view.outbox).toEqual([]);
    expect(second.view.files.get(hex(scene.log))?.file.kind).toBe("case");
    expect(second.again).toBe(false);
    const third = await scene.sync(second.view);
    expect(third.events).toEqual([]);
    expect(third.view.pending).toEqual([]);
    expect(third.view.checkpoint?.size).toBe(5);
  });

  test("pages in pieces lead to the same place, and each asks for the next", async () => {
    scene.server.lies = { pageEntries: 1 };
    let step = await scene.sync(scene.view);
    expect(step.again).toBe(true);
    for (let i = 0; i < 10 && step.again; i++) step = await scene.sync(step.view);
    expect(seqOf(step.view.registry.log)).toBe(3);
    expect(step.again).toBe(false);
  });

  test("an entry without its receipt stays, is sent again, and then is done", async () => {
    const begun = (await scene.sync(scene.view)).view;
    scene.server.lies = { noReceipts: true };
    const silent = await scene.sync(withItems(begun, sealed(scene.genesis, "genesis", 0)));
    expect(kinds(silent.events)).toEqual(["file"]);
    expect(silent.view.outbox).toHaveLength(1);
    scene.server.lies = {};
    const heard = await scene.sync(silent.view);
    expect(kinds(heard.events)).toEqual(["outcome done"]);
  });

  test("a receipt without its page keeps the entry, and its person is told after a day", async () => {
    const begun = (await scene.sync(scene.view)).view;
    scene.server.lies = { noPages: true };
    const { view: waiting } = await scene.sync(withItems(begun, sealed(scene.genesis, "genesis", scene.server.now)));
    expect(waiting.outbox).toHaveLength(1);
    const [item] = waiting.outbox;
    expect(item?.receipt).toBe(1);
    expect(item !== undefined && isOverdue(item, scene.server.now + 86_400_001)).toBe(true);
  });
});
