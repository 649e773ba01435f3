/** What is let in and what takes two people: admissions, expunctions, holds, erasures, made and judged. Spec 7.5 to 7.10. */
import { beforeAll, expect, test } from "vitest";
import { actHash, approval } from "../../src/approval";
import {
  randomId,
  randomSecret,
  sealEnvelope,
  signAdmission,
  signExpunction,
  signFileStatement,
} from "../../src/author";
import { changeKey } from "../../src/change";
import type { Entry, Envelope } from "../../src/entry";
import { H } from "../../src/hash";
import { headOf, seqOf } from "../../src/log";
import { makeEpoch } from "../../src/membership/make";
import { emptyFile } from "../../src/membership/state";
import { BEHIND, readErasure, skipId, takeFileEntry } from "../../src/membership/take";
import { openPartOf, readParts } from "../../src/reading";
import { actOf } from "../../src/statement";
import { encodeStub, makeStub, stubSays } from "../../src/stub";
import { begin, by, making, next, part } from "./files";
import { type Cast, code, enrol, newCast, phone, START_MS } from "./world";

let cast: Cast;

beforeAll(async () => {
  cast = await newCast();
});

type Shown = readonly [id: Uint8Array, receivedMs: number];

/** The head to which a reader comes that was shown ids alone, and then the erasure. */
async function skipped(ids: readonly Shown[], erasure: Entry): Promise<ReturnType<typeof headOf>> {
  const shown = ids.reduce(
    (file, [id, ms]) => skipId(file, id, ms),
    emptyFile(cast.world.registry, erasure.header.log),
  );
  const erased = await readErasure(cast.world.registry, shown, erasure, START_MS + 1000 * ids.length);
  if (erased === BEHIND) throw new Error("behind");
  expect(erased.kind).toBe("case");
  return headOf(erased.log);
}

test("what is held is let in, what takes two people is removed, and the file is erased", async () => {
  const { world, ada, bo } = cast;
  const [first, second] = [randomSecret(), randomSecret()];
  const nonce = randomId();
  let file = await begin(world, ada, [bo], first, nonce);
  const log = file.log.log;
  const shown: Shown[] = [[file.previous ?? log, START_MS]];
  const step = async (entry: Entry): Promise<void> => {
    shown.push([entry.id, START_MS + 1000 * seqOf(file.log)]);
    file = await next(world, file, entry);
  };
  const late: Envelope = await sealEnvelope(
    by(world, file, bo),
    { ep: 1, secret: first },
    [part(log, bo, 1, "late")],
    [randomSecret()],
  );
  await step(await makeEpoch(making(world, file, ada, new Map([[1, first]])), second));
  const relied = (): { rg: ReturnType<typeof headOf>; pr: Uint8Array } => ({
    rg: headOf(world.registry.log),
    pr: file.previous ?? first,
  });
  const admitted = await signAdmission(by(world, file, ada), late, relied());
  if (admitted.typ !== "fieldkeep-admission") throw new Error("an admission wanted");
  await step(admitted);
  const at = seqOf(file.log);
  expect((await readParts(admitted, at, new Map([[1, first]]))).map(({ is }) => is)).toEqual(["changes"]);

  const changes = await readParts(admitted, at, new Map([[1, first]]));
  const going = changes.flatMap((got) => (got.is === "changes" ? got.changes : []));
  const placed = going.map((change) => ({
    seq: at,
    received_ms: START_MS,
    device: bo.keys.device,
    user: bo.subject.user,
    role: "navigator",
    late: true,
    stub: false,
    part: 0,
    change,
  }));
  const stub = makeStub("case", placed, new Set(placed.map(({ device, change }) => changeKey(device, change.c))));
  const what = {
    at,
    id: late.id,
    part: 0,
    hash: H(late.parts[0] ?? first),
    reason: "spill",
    parcel: null,
    says: stubSays(stub),
  } as const;
  const act = actOf({ kind: "expunge", ...relied(), ...what, stub: first, approval: null });
  const until = START_MS + 1e6;
  const approve = async (kind: "expunge" | "hold" | "erase", hash: Uint8Array) =>
    approval.decode(
      await approval.make(
        { kid: bo.keys.device, svc: world.svc },
        { side: "perpetrator", log, kind, act: hash, until },
        bo.key,
      ),
    );
  const asked = await approve("expunge", actHash(act ?? new Map()));
  const removal = await signExpunction(
    by(world, file, ada),
    { ep: 2, secret: second },
    { ...relied(), ...what, approval: asked },
    encodeStub(stub),
    randomSecret(),
  );
  if (removal.typ !== "fieldkeep-expunction") throw new Error("an expunction wanted");
  await step(removal);
  expect(file.expunged).toEqual([{ id: late.id, part: 0, at, seq: at + 1 }]);
  expect(await openPartOf(removal, 0, new Map([[2, second]]))).toEqual(encodeStub(stub));

  const hold = await signFileStatement(by(world, file, bo), {
    kind: "hold",
    ...relied(),
    release: null,
    approval: null,
  });
  await step(hold);
  const reason = "court";
  const approved = await approve("erase", actHash(new Map(Object.entries({ kind: "erase", reason }))));
  const genesis = { file: "case", creator: ada.keys.device, nonce } as const;
  const erase = async (what = genesis) =>
    signFileStatement(by(world, file, ada), { kind: "erase", ...relied(), ...what, reason, approval: approved });
  expect(await code(async () => takeFileEntry(world.registry, file, await erase(), START_MS + 9000))).toBe(
    "not-permitted",
  );
  const release = actHash(new Map(Object.entries({ kind: "hold", release: hold.id })));
  const letGo = await approve("hold", release);
  await step(
    await signFileStatement(by(world, file, ada), { kind: "hold", ...relied(), release: hold.id, approval: letGo }),
  );
  expect(
    await code(async () =>
      takeFileEntry(world.registry, file, await erase({ ...genesis, nonce: randomId() }), START_MS + 9000),
    ),
  ).toBe("malformed");

  const erasure = await erase();
  const bare = await skipped(shown, erasure);
  await step(erasure);
  expect(file.erased?.id).toEqual(erasure.id);
  expect(bare).toEqual(headOf(file.log));
});

test("an erasure by strangers is a contradiction to who was shown only ids", async () => {
  const { world, admin, ada, bo } = cast;
  const nonce = randomId();
  const file = await begin(world, ada, [bo], randomSecret(), nonce);
  const stranger = await phone(randomId(), "Eve", ["coordinator"]);
  const { world: now } = await enrol(world, admin, stranger);
  const [log, reason] = [file.log.log, "court"] as const;
  const act = actHash(new Map(Object.entries({ kind: "erase", reason })));
  const payload = { side: "perpetrator", log, kind: "erase", act, until: START_MS + 1e6 } as const;
  const asked = approval.decode(await approval.make({ kid: admin.keys.device, svc: now.svc }, payload, admin.key));
  const what = { kind: "erase", file: "case", creator: ada.keys.device, nonce, reason, approval: asked } as const;
  const rg = headOf(now.registry.log);
  const erasure = await signFileStatement(by(now, file, stranger), { ...what, rg, pr: file.previous ?? log });
  expect(await code(() => readErasure(now.registry, file, erasure, START_MS + 2000))).toBe("contradiction");
});
