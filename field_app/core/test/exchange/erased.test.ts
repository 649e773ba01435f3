/** A file that ends while its device asks: what stood before comes by its id, and the erasure too. Spec 7.10, 9.6. */
import { beforeEach, describe, expect, test } from "vitest";
import { actHash, approval } from "../../src/approval";
import { authorIn, randomId, randomSecret, sealEnvelope, signFileStatement } from "../../src/author";
import { equal, hex } from "../../src/bytes";
import { encodePart } from "../../src/change";
import { type Entry, readEntry } from "../../src/entry";
import { sealed } from "../../src/exchange/outbox";
import type { View } from "../../src/exchange/view";
import { emptyLog, headOf } from "../../src/log";
import { decodeFileStatement } from "../../src/statement";
import type { Page, SyncResponse } from "../../src/sync";
import { type Phone, phone, START_MS } from "../make/world";
import { kinds, Scene, SECRET, withItems } from "./scene";

let bo: Phone;
let scene: Scene;
let begun: View;
let erasure: Entry;
beforeEach(async () => {
  bo = await phone(randomId(), "Bo", ["coordinator"]);
  scene = await Scene.new(bo);
  begun = await scene.begun();
  erasure = await erase();
  await scene.server.take(await notedByBo());
  scene.spoil = byIds;
});

/** Something that Ada has not read when she ends the file. */
async function notedByBo(): Promise<Entry> {
  const { svc, registry } = scene.side;
  const author = authorIn(svc, emptyLog(scene.log, registry.log.incarnation), bo.keys.device, bo.key, null);
  return sealEnvelope(author, { ep: 1, secret: SECRET }, [encodePart([scene.change(1, "b")])], [randomSecret()]);
}

/** Approved by Bo, signed by Ada. */
async function erase(): Promise<Entry> {
  const { ada, log, genesis, side } = scene;
  const file = begun.files.get(hex(log))?.file;
  const first = genesis.typ === "fieldkeep-statement" ? decodeFileStatement(genesis.payload) : null;
  if (file === undefined || first?.kind !== "genesis") throw new Error("a file that has begun wanted");
  const reason = "court";
  const act = actHash(new Map(Object.entries({ kind: "erase", reason })));
  const said = { side: "perpetrator", log, kind: "erase", act, until: START_MS + 1e6 } as const;
  const given = approval.decode(await approval.make({ kid: bo.keys.device, svc: side.svc }, said, bo.key));
  const what = { kind: "erase", file: "case", creator: ada.keys.device, nonce: first.nonce, reason } as const;
  const relied = { rg: headOf(begun.registry.log), pr: genesis.id, approval: given };
  return signFileStatement(authorIn(side.svc, file.log, ada.keys.device, ada.key, null), { ...what, ...relied });
}

const idOf = (what: Page["entries"][number]["what"]): Uint8Array =>
  what instanceof Uint8Array ? what : readEntry(what).id;

/** As an honest server serves a file that was erased: ids, and the erasure whole but to whoever has just sent it. */
function byIds(response: SyncResponse): SyncResponse {
  const pages = response.pages.map((page) => ({
    ...page,
    entries: page.entries.map((one) => {
      const id = idOf(one.what);
      return equal(page.log, scene.log) && !equal(id, erasure.id) ? { ...one, what: id } : one;
    }),
  }));
  return { ...response, pages };
}

describe("a file that was erased", () => {
  test("whoever has just sent the erasure is given its id, and is done with it", async () => {
    const { view, events } = await scene.sync(withItems(begun, sealed(erasure, "statement", 0)));
    expect(kinds(events)).toEqual(["file", "outcome done"]);
    const ends = events.flatMap((one) => (one.is === "file" && one.page.kind === "ids" ? [one.page.erased] : []));
    expect(ends).toEqual([3]);
    const reading = view.files.get(hex(scene.log));
    expect([reading?.file.erased?.id, reading?.ids, view.outbox]).toEqual([erasure.id, false, []]);
    // Of what came as an id alone nobody can say what the audit log has to hold; of the erasure the device can.
    expect(view.pending.map(({ leaf }) => leaf.seq).at(-1)).toBe(3);
    const proved = await scene.sync(view);
    expect([proved.events, proved.view.pending]).toEqual([[], []]);
  });

  test("anybody else is given the erasure whole", async () => {
    await scene.server.take(erasure);
    const { view, events } = await scene.sync(begun);
    expect(kinds(events)).toEqual(["file"]);
    expect(view.files.get(hex(scene.log))?.file.erased?.seq).toBe(3);
  });

  test("by an id that they did not send it leads nowhere", async () => {
    await scene.server.take(erasure);
    scene.spoil = (response) => ({
      ...response,
      pages: response.pages.map((page) => ({
        ...page,
        entries: page.entries.map((one) => ({ ...one, what: idOf(one.what) })),
      })),
    });
    expect(kinds((await scene.sync(begun)).events)).toEqual(["contradiction"]);
  });
});
