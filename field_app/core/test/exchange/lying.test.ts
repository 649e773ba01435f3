/** What a device catches of a server that lies. Spec 9.3. */
import { beforeEach, describe, expect, test } from "vitest";
import { randomId, randomSecret } from "../../src/author";
import { hex } from "../../src/bytes";
import { receipt } from "../../src/receipt";
import { serverKeyId } from "../../src/ids";
import { chainOf } from "../../src/log";
import { sealed } from "../../src/exchange/outbox";
import { respond } from "../../src/exchange/respond";
import type { View } from "../../src/exchange/view";
import { verifies } from "../../src/keys";
import { makeGenesis } from "../../src/membership/make";
import { phone, START_MS } from "../make/world";
import { kinds, Scene, SECRET, withItems } from "./scene";
import { Server } from "./server";
import { enrolled } from "./side";

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.new();
});

describe("a lying server", () => {
  test("a receipt that names another entry at a place that the device holds", async () => {
    const begun = await scene.begun();
    const other = await scene.note(scene.genesis, 1);
    const lie = new Server(scene.side);
    lie.keep(other, scene.log, START_MS);
    const receipt = await lie.receiptFor(scene.log, [other]);
    scene.spoil = (response) => ({ ...response, receipts: [receipt] });
    expect(kinds((await scene.sync(begun)).events)).toEqual(["contradiction"]);
  });

  /** Rightly signed, and with the head that the log has: only what it names is another. */
  const receiptOf = async (item: { readonly id: Uint8Array; readonly seq: number; readonly received_ms: number }) => {
    const { side, log } = scene;
    const at = scene.server.chainAt(log, item.seq);
    const payload = {
      log,
      inc: side.registry.log.incarnation,
      items: [item],
      head: { seq: item.seq, chain: chainOf(at) },
    };
    return receipt.make({ kid: serverKeyId(side.receipt.public), svc: side.svc }, payload, side.receipt);
  };

  test("a receipt with another entry, or another time, under the head that the device has", async () => {
    const begun = await scene.begun();
    const [kept] = scene.server.logs.get(hex(scene.log)) ?? [];
    if (kept === undefined) throw new Error("an entry wanted");
    const right = { id: scene.genesis.id, seq: 1, received_ms: kept.received_ms };
    const other = await scene.note(scene.genesis, 1);
    for (const [item, wanted] of [
      [right, []],
      [{ ...right, id: other.id }, ["contradiction"]],
      [{ ...right, received_ms: right.received_ms + 1 }, ["contradiction"]],
    ] as const) {
      const bytes = await receiptOf(item);
      scene.spoil = (response) => ({ ...response, receipts: [bytes] });
      expect(kinds((await scene.sync(begun)).events)).toEqual(wanted);
    }
  });

  test("two receipts that name one place, beyond what the device has", async () => {
    const begun = await scene.begun();
    await scene.server.take(await scene.note(scene.genesis, 1));
    const [one, two] = [await scene.note(scene.genesis, 1, "one"), await scene.note(scene.genesis, 1, "two")];
    const receipts = await Promise.all(
      [one, two].map(({ id }) => receiptOf({ id, seq: 2, received_ms: scene.server.now })),
    );
    scene.spoil = (response) => ({ ...response, receipts, pages: [] });
    expect(kinds((await scene.sync(begun)).events)).toEqual(["contradiction"]);
  });

  test("a log that ends before a place that a receipt has promised", async () => {
    const begun = await scene.begun();
    scene.server.lies = { noPages: true };
    const promised = (await scene.sync(withItems(begun, sealed(await scene.note(scene.genesis, 1), "envelope", 0))))
      .view;
    scene.server.lies = {};
    const page = await scene.server.page(scene.log, 1, [], 0);
    scene.spoil = (response) => ({ ...response, pages: [{ ...page, more: false }] });
    expect(kinds((await scene.sync(promised)).events)).toEqual(["contradiction"]);
  });

  test("a receipt of the same answer says nothing of where its pages end", async () => {
    const begun = await scene.begun();
    const page = await scene.server.page(scene.log, 1, [], 0);
    scene.spoil = (response) => ({ ...response, pages: [{ ...page, more: false }] });
    const step = await scene.sync(withItems(begun, sealed(await scene.note(scene.genesis, 1), "envelope", 0)));
    expect(step.events).toEqual([]);
  });

  test("a log that later holds another than its receipt said", async () => {
    const begun = await scene.begun();
    const other = await scene.note(scene.genesis, 1, "another");
    const promised: View = { ...begun, promised: new Map([[hex(scene.log), new Map([[2, hex(other.id)]])]]) };
    await scene.server.take(await scene.note(scene.genesis, 1));
    expect(kinds((await scene.sync(promised)).events)).toEqual(["contradiction"]);
  });

  test("two entries with one audit leaf", async () => {
    const begun = await scene.begun();
    await scene.server.take(await scene.note(scene.genesis, 1));
    scene.spoil = (response) => ({
      ...response,
      pages: response.pages.map((page) => ({
        ...page,
        entries: page.entries.map((one) => ({ ...one, opening: { ...one.opening, leaf: 0 } })),
      })),
    });
    expect(kinds((await scene.sync(begun)).events)).toEqual(["contradiction"]);
  });

  test("an entry that is not in the tree a day after it was served, by either clock", async () => {
    const begun = await scene.begun();
    expect(begun.pending.length).toBeGreaterThan(0);
    scene.spoil = (response) => ({ ...response, inclusion: [] });
    expect(kinds((await scene.sync(begun)).events)).toEqual([]);
    const told = begun.pending.map(() => "not-in-audit-log");
    const late = await scene.sync(begun, scene.server.now + 86_500_000);
    expect(kinds(late.events)).toEqual(told);
    expect([late.view.stopped.size, late.view.pending, late.view.checkpoint?.size]).toEqual([0, [], 4]);
    scene.server.now += 86_500_000;
    expect(kinds((await scene.sync(begun, 0)).events)).toEqual(told);
  });

  test("a path that nobody asked for is passed over", async () => {
    const begun = await scene.begun();
    const asked = { ...scene.ask(begun), request: { ...scene.ask(begun).request, prove: [] } };
    const response = await scene.server.sync(scene.ask(begun).request);
    expect(response.inclusion.length).toBeGreaterThan(0);
    const { view, events } = await respond(begun, asked, response, scene.server.now, verifies);
    expect([events, view.pending]).toEqual([[], begun.pending]);
  });

  test("a leaf that says something else", async () => {
    const begun = await scene.begun();
    const [pending] = begun.pending;
    if (pending === undefined) throw new Error("a leaf wanted");
    const other = { ...pending, leaf: { ...pending.leaf, received_ms: pending.leaf.received_ms + 1 } };
    const { view, events } = await scene.sync({ ...begun, pending: [other] });
    expect(events).toEqual([{ is: "not-in-audit-log", log: other.leaf.log, seq: other.leaf.seq }]);
    expect([view.stopped.size, view.pending]).toEqual([0, []]);
  });

  test("a tree that shrinks", async () => {
    const begun = await scene.begun();
    const seen = { incarnation: begun.incarnation, size: 99, root: randomSecret() };
    const asked = scene.ask(begun);
    const response = await scene.server.sync(asked.request);
    expect(
      kinds((await respond({ ...begun, checkpoint: seen }, asked, response, scene.server.now, verifies)).events),
    ).toEqual(["contradiction"]);
  });

  test("what is older than a quiet answer is taken, and told", async () => {
    const begun = await scene.begun();
    await scene.server.take(await scene.note(scene.genesis, 1));
    const early = async (from: View): Promise<readonly number[] | undefined> => {
      const { events } = await scene.sync({ ...from, quietMs: scene.server.now + 700_000 });
      return events.flatMap((one) => (one.is === "file" && one.page.kind === "taken" ? [one.page.early] : []))[0];
    };
    expect(await early(begun)).toEqual([2]);
    // A file that is read from its beginning: what came before the person did was never due to them.
    const fresh = (await scene.sync(scene.view)).view;
    const unread: View = { ...fresh, files: new Map(), pending: [], leaves: new Map() };
    expect(await early({ ...unread, user: new Uint8Array(16) })).toEqual([]);
    expect(await early(unread)).toEqual([]);
  });

  test("a page behind the registry is asked for again, and the second time is a contradiction", async () => {
    const begun = await scene.begun();
    const bo = await phone(randomId(), "Bo", ["navigator"]);
    const grown = await enrolled(scene.side, scene.admin, bo);
    const beginning = {
      registry: grown.registry,
      device: bo.keys.device,
      key: bo.key,
      kind: "case" as const,
      nonce: randomId(),
      secret: SECRET,
      ck: null,
    };
    const foreign = await makeGenesis({ ...beginning, members: [{ user: bo.subject.user, role: "navigator" }] });
    scene.server.keep(foreign, foreign.header.log, scene.server.now);
    const once = await scene.sync(begun);
    expect([kinds(once.events), once.again]).toEqual([[], true]);
    expect(kinds((await scene.sync(once.view)).events)).toEqual(["contradiction"]);
  });

  test("not one answer for each entry that was pushed", async () => {
    const begun = await scene.begun();
    scene.spoil = (response) => ({ ...response, answers: [] });
    await expect(
      scene.sync(withItems(begun, sealed(await scene.note(scene.genesis, 1), "envelope", 0))),
    ).rejects.toMatchObject({
      code: "malformed",
    });
  });

  test("a contradicted log is written to again when the server shows what continues it", async () => {
    const begun = await scene.begun();
    const one = await scene.note(scene.genesis, 1);
    await scene.server.take(one);
    scene.spoil = (response) => ({ ...response, pages: response.pages.map((page) => ({ ...page, entries: [] })) });
    const stopped = await scene.sync(begun);
    expect(kinds(stopped.events)).toEqual(["contradiction"]);
    scene.spoil = (response) => response;
    const resumed = await scene.sync(stopped.view);
    expect(kinds(resumed.events)).toEqual(["file"]);
    expect(resumed.view.stopped.size).toBe(0);
  });
});
