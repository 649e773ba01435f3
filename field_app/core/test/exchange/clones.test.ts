/** When a device freezes because a copy of it exists. Spec 3.1. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Entry } from "../../src/entry";
import { sealed } from "../../src/exchange/outbox";
import type { SyncEvent } from "../../src/exchange/view";
import { kinds, Scene, withItems } from "./scene";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.new();
});

describe("clones", () => {
  const claim = async (stored: Entry | null, sent = false): Promise<readonly SyncEvent[]> => {
    const begun = await scene.begun();
    const own = sent && stored !== null ? stored : await scene.note(scene.genesis, 1);
    scene.spoil = (response) => ({
      ...response,
      answers: response.answers.map(({ id }) => ({
        id,
        code: "clone-detected",
        message: "No.",
        retry: "never",
        ...(stored === null ? {} : { stored: [stored.frame.bytes, [...stored.parts]] }),
      })),
    });
    scene.server.lies = { refuse: "clone-detected" };
    const { view: now, events } = await scene.sync(withItems(begun, sealed(own, "envelope", 0)));
    expect(now.frozen).toBe(kinds(events).includes("cloned"));
    if (now.frozen) expect(scene.ask(now).pushed).toEqual([]);
    return events;
  };

  test("another entry of its own under that number: the device freezes", async () => {
    expect(kinds(await claim(await scene.note(scene.genesis, 1, "by the copy")))).toEqual(["cloned"]);
  });

  test("nothing stored: the server is at fault", async () => {
    expect(kinds(await claim(null))).toEqual(["falsely-cloned"]);
  });

  test("an entry of another number", async () => {
    expect(kinds(await claim(scene.genesis))).toEqual(["falsely-cloned"]);
  });

  test("the very entry that it sent", async () => {
    expect(kinds(await claim(await scene.note(scene.genesis, 1), true))).toEqual(["falsely-cloned"]);
  });

  test("an entry under its number that it did not sign", async () => {
    const own = await scene.note(scene.genesis, 1, "by the copy");
    const signature = own.frame.bytes.slice();
    signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    expect(kinds(await claim({ ...own, frame: { ...own.frame, bytes: signature } }))).toEqual(["falsely-cloned"]);
  });
});
