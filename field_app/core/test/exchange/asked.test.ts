/** What one sync asks and pushes, and what it leaves out. Spec 3.1, 9.2. */
import { beforeEach, describe, expect, test } from "vitest";
import { authorIn, randomSecret, sealEnvelope, signRegistryStatement } from "../../src/author";
import { encodePart } from "../../src/change";
import { sealed } from "../../src/exchange/outbox";
import { overtaken } from "../../src/exchange/overtaken";
import { emptyLog } from "../../src/log";
import { byPhone, START_MS, takeBoth } from "../make/world";
import { Scene, SECRET, withItems } from "./scene";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.new();
});

describe("what is asked", () => {
  test("statements go last, what has a verdict not at all, and no more than fits", async () => {
    const revoke = await signRegistryStatement(byPhone(scene.side.registry, scene.admin), {
      kind: "revoke",
      device: scene.ada.keys.device,
      reason: "lost",
    });
    const one = await scene.note(scene.genesis, 1);
    const items = [
      sealed(one, "statement", 0),
      sealed(scene.genesis, "genesis", 0),
      sealed(revoke, "registry", 0),
      { ...sealed(one, "envelope", 0), verdict: "held" as const },
    ];
    const asked = scene.ask(withItems(scene.view, ...items));
    expect(asked.pushed.map(({ what }) => what)).toEqual(["registry", "genesis", "statement"]);
    const large = await sealEnvelope(
      authorIn(
        scene.side.svc,
        emptyLog(scene.log, scene.side.registry.log.incarnation),
        scene.ada.keys.device,
        scene.ada.key,
        null,
      ),
      { ep: 1, secret: SECRET },
      [
        encodePart([
          { ...scene.change(1, "x"), ops: [{ field: "body", action: "set", value: "x".repeat(900_000), preds: [] }] },
        ]),
      ],
      [randomSecret()],
    );
    const many = scene.ask(withItems(scene.view, ...Array.from({ length: 12 }, () => sealed(large, "envelope", 0))));
    expect(many.body.length).toBeLessThanOrEqual(8_388_608);
    expect([many.left, many.pushed.length < 12, many.pushed.length > 5]).toEqual([true, true, true]);
  });

  test("what somebody else did already is dropped, and what can never be taken is remembered", async () => {
    const { registry } = scene.side;
    const device = scene.ada.keys.device;
    expect(overtaken(registry, { kind: "revoke", device, reason: "lost" }, 3, START_MS)).toBeNull();
    const revoked = await takeBoth(
      registry,
      await signRegistryStatement(byPhone(registry, scene.admin), { kind: "revoke", device, reason: "lost" }),
    );
    expect(overtaken(revoked, { kind: "revoke", device, reason: "lost" }, 3, START_MS)).toEqual({
      never: true,
      tell: false,
    });
    expect(overtaken(revoked, { kind: "suspend", device, reason: "lost" }, 3, START_MS)).toEqual({
      never: false,
      tell: false,
    });
    expect(
      overtaken(revoked, { kind: "permit", device, files: null, reason: "left", until: START_MS + 1 }, 3, START_MS),
    ).toEqual({ never: true, tell: false });
    expect(
      overtaken(registry, { kind: "permit", device, files: null, reason: "left", until: START_MS - 1 }, 3, START_MS),
    ).toEqual({ never: false, tell: true });
    expect(overtaken(registry, { kind: "close", device }, 3, START_MS)).toEqual({ never: true, tell: false });
    expect(overtaken(registry, { kind: "custody", threshold: 2, holders: ["a", "b"] }, 0, START_MS)).toEqual({
      never: false,
      tell: true,
    });
    expect(
      overtaken(registry, { kind: "drill", key: device, files: 0, opened: 0, by: new Uint8Array(64) }, 3, START_MS),
    ).toEqual({ never: true, tell: false });
  });
});
