/** What a device makes stands as it judges others': registry statements, files, grants, envelopes, removals. Spec 3, 4, 6, 7. */
import { beforeAll, describe, expect, test } from "vitest";
import { actHash, approval } from "../src/approval";
import { after, authorIn, randomId, randomSecret, sealEnvelope, signAdmission, signExpunction, signFileStatement } from "../src/author";
import { equal } from "../src/bytes";
import { changeKey, encodePart } from "../src/change";
import { decodeEntry, encodeEntry, type Entry, type Envelope } from "../src/entry";
import { checkEnrolled, decodeEnrolled, encodeEnrolment, makeEnrolment } from "../src/enrolment";
import { type Code, Refused } from "../src/errors";
import { openGrant, type Secrets } from "../src/grant";
import { H } from "../src/hash";
import { recordId } from "../src/ids";
import { headOf, seqOf } from "../src/log";
import { makeEpoch, makeGenesis, makeGrant, makeMembers, makeRecover, owedGrants } from "../src/membership/make";
import { emptyFile, type File, roleIn, rotationNeeded } from "../src/membership/state";
import { BEHIND, readErasure, readFileEntry, skipId, takeFileEntry } from "../src/membership/take";
import { openPartOf, readParts } from "../src/reading";
import { drillBound, recoverBound, recoveryKeys } from "../src/registry/recovery";
import { deviceOf } from "../src/registry/state";
import { actOf, decodeFileStatement, type Grant } from "../src/statement";
import { encodeStub, makeStub, stubSays } from "../src/stub";
import { byPhone, enrol, newWorld, type Phone, phone, START_MS, state, type World } from "./world";

let world: World;
let admin: Phone;
let ada: Phone;
let bo: Phone;
let bosOther: Phone;

beforeAll(async () => {
  const person = randomId();
  admin = await phone(randomId(), "Root", ["administrator"]);
  ada = await phone(randomId(), "Ada", ["coordinator"]);
  bo = await phone(person, "Bo", ["navigator"]);
  bosOther = await phone(person, "Bo", ["navigator"]);
  world = await newWorld(admin);
  for (const one of [ada, bo]) world = (await enrol(world, admin, one)).world;
});

async function next(at: World, file: File, entry: Entry, ms = START_MS + 1000 * seqOf(file.log)): Promise<File> {
  const again = decodeEntry(encodeEntry(entry));
  const taken = await takeFileEntry(at.registry, file, again, ms);
  const read = await readFileEntry(at.registry, file, again, ms);
  if (read === BEHIND || read.void !== null) throw new Error(`not taken: ${read === BEHIND ? read : read.void}`);
  expect(headOf(read.file.log)).toEqual(headOf(taken.log));
  return read.file;
}

const code = async (run: Promise<unknown>): Promise<Code | null> =>
  run.then(() => null, (error: unknown) => (error instanceof Refused ? error.code : "internal"));

async function begin(at: World, by: Phone, others: readonly Phone[], secret: Uint8Array, nonce = randomId()): Promise<File> {
  const members = [...new Map([by, ...others].map(({ subject }) => [subject.name, subject])).values()];
  const named = members.flatMap(({ user, roles: [role] }) => (role === undefined ? [] : [{ user, role }]));
  const beginning = { registry: at.registry, device: by.keys.device, key: by.key, kind: "case", members: named, nonce, secret } as const;
  const entry = await makeGenesis({ ...beginning, ck: null });
  return next(at, emptyFile(at.registry, entry.header.log), entry);
}

const by = (at: World, file: File, { keys, key }: Phone) => authorIn(at.svc, file.log, keys.device, key, null);
const making = (at: World, file: File, who: Phone, secrets: Secrets) => ({ author: by(at, file, who), registry: at.registry, file, secrets });

async function opened(at: World, file: File, entry: Entry, who: Phone, held: Secrets): Promise<Secrets> {
  if (entry.typ !== "fieldkeep-statement") throw new Error("a statement wanted");
  const statement = decodeFileStatement(entry.payload);
  const grants: readonly Grant[] = "grants" in statement ? statement.grants : [];
  const own = grants.find(({ to }) => equal(to, who.keys.device));
  if (own === undefined) return held;
  const context = { svc: at.svc, log: file.log.log, granter: entry.header.kid, to: who.keys.device };
  const { secrets, bad } = await openGrant(who.seed, context, own, file.commits, held);
  expect(bad).toEqual([]);
  return new Map([...held, ...secrets]);
}

function part(log: Uint8Array, who: Phone, c: number, value: string, b = 0): Uint8Array {
  const ops = [{ field: "summary", action: "set", value, preds: [] }] as const;
  return encodePart([{ r: recordId(log, who.keys.device, c), t: "contact", s: 1, c, b, at: START_MS, ops, u: false }]);
}

type Shown = readonly [id: Uint8Array, receivedMs: number];

/** The head to which a reader comes that was shown ids alone, and then the erasure. */
async function skipped(ids: readonly Shown[], erasure: Entry): Promise<ReturnType<typeof headOf>> {
  const shown = ids.reduce((file, [id, ms]) => skipId(file, id, ms), emptyFile(world.registry, erasure.header.log));
  const erased = await readErasure(world.registry, shown, erasure, START_MS + 1000 * ids.length);
  if (erased === BEHIND) throw new Error("behind");
  expect(erased.kind).toBe("case");
  return headOf(erased.log);
}

describe("enrolment", () => {
  test("the new device stands in the registry of the code", async () => {
    const carl = await phone(randomId(), "Carl", ["navigator"]);
    const { world: with_, code: scanned } = await enrol(world, admin, carl);
    expect(checkEnrolled(with_.registry, scanned, carl.keys).user).toEqual(carl.subject.user);
    expect(await code(Promise.resolve().then(() => checkEnrolled(world.registry, scanned, carl.keys)))).toBe("contradiction");
    const body = encodeEnrolment(await makeEnrolment(scanned, carl.keys, carl.key));
    expect(body.length).toBeGreaterThan(1216);
    expect(await code(Promise.resolve().then(() => decodeEnrolled(body)))).toBe("malformed");
  });

  test("recovery: renewed, drilled, permitted, closed", async () => {
    const fresh = await recoveryKeys(randomSecret());
    let now = await state(world, admin, { kind: "renew", recovery: fresh.recovery, recovery_sign: fresh.sign.public });
    now = await state(now, admin, { kind: "custody", threshold: 2, holders: ["Ada", "Bo", "Cleo"] });
    const { sq } = byPhone(now.registry, bo);
    const drilled = await fresh.sign.sign(drillBound(now.svc, now.registry.log.log, bo.keys.device, sq));
    now = await state(now, bo, { kind: "drill", key: fresh.id, files: 3, opened: 3, by: drilled });
    now = await state(now, admin, { kind: "permit", device: bo.keys.device, files: null, reason: "died", until: START_MS + 1e9 });
    now = await state(now, bo, { kind: "close", device: bo.keys.device });
    expect(now.registry.permits.map(({ ended }) => ended)).toEqual([seqOf(now.registry.log)]);
    expect(now.registry.drills).toHaveLength(1);
  });

  test("suspension: one person keeps two devices out at most, and somebody who leads is left", async () => {
    const suspend = (device: Phone) => ({ kind: "suspend", device: device.keys.device, reason: "lost" }) as const;
    const extra = await phone(randomId(), "Dee", ["navigator"]);
    let now = (await enrol(world, admin, extra)).world;
    now = await state(now, bo, suspend(extra));
    now = await state(now, bo, suspend(ada));
    expect(await code(state(now, bo, suspend(admin)))).toBe("not-permitted");
    const another = await state(now, admin, { kind: "revoke", device: extra.keys.device, reason: "lost" });
    expect(await code(state(another, bo, suspend(admin)))).toBe("not-permitted");
    expect(await code(state(another, bo, suspend(bo)))).toBe(null);
  });
});

describe("a file", () => {
  test("begins, is written to and read, changes people and epochs", async () => {
    const first = randomSecret();
    let file = await begin(world, ada, [bo], first);
    expect(roleIn(file, bo.subject.user)).toBe("navigator");
    const log = file.log.log;
    const genesisSecrets = new Map([[1, first]]);

    const mine = by(world, file, bo);
    const texts = [part(log, bo, 1, "first"), part(log, bo, 2, "second")];
    const one = await sealEnvelope(mine, { ep: 1, secret: first }, texts, [randomSecret(), randomSecret()]);
    const two = await sealEnvelope(after(mine, one), { ep: 1, secret: first }, [part(log, bo, 3, "x".repeat(5000))], [randomSecret()]);
    file = await next(world, await next(world, file, one), two);
    const read = await readParts(one, 2, genesisSecrets);
    expect(read.map((got) => (got.is === "changes" ? got.changes[0]?.ops[0]?.value : got.is))).toEqual(["first", "second"]);
    expect((await readParts(one, 2, new Map())).map(({ is }) => is)).toEqual(["closed", "closed"]);
    expect((await readParts(one, 2, new Map([[1, randomSecret()]]))).map(({ is }) => is)).toEqual(["hole", "hole"]);

    const unseen = await sealEnvelope(after(after(mine, one), two), { ep: 1, secret: first }, [part(log, bo, 4, "b", 99)], [randomSecret()]);
    expect((await readParts(unseen, 4, genesisSecrets)).map(({ is }) => is)).toEqual(["hole"]);

    const [second, third] = [randomSecret(), randomSecret()];
    const rotated = await makeEpoch(making(world, file, bo, genesisSecrets), second);
    file = await next(world, file, rotated);
    const adas = await opened(world, file, rotated, ada, genesisSecrets);
    expect([...adas.keys()]).toEqual([1, 2]);
    const removal = await makeMembers(making(world, file, ada, adas), [], [bo.subject.user], third);
    file = await next(world, file, removal);
    expect(file.epoch).toBe(3);
    expect(await code(takeFileEntry(world.registry, file, await makeEpoch(making(world, file, bo, adas), second), START_MS + 9e6))).toBe("not-permitted");

    const withThird = new Map([...adas, [3, third]]);
    const back = await makeMembers(making(world, file, ada, withThird), [{ user: bo.subject.user, role: "navigator" }], [], randomSecret());
    file = await next(world, file, back);
    const bos = await opened(world, file, back, bo, new Map());
    expect([...bos.keys()].sort()).toEqual([1, 2, 3, 4]);
    expect(equal(bos.get(3) ?? new Uint8Array(), third)).toBe(true);
  });

  test("a late device is granted everything, and what the granter lacks stays unknown", async () => {
    const first = randomSecret();
    let file = await begin(world, ada, [bo], first);
    const { world: later } = await enrol(world, admin, bosOther);
    expect(owedGrants(later.registry, file).map(({ to }) => to)).toEqual([bosOther.keys.device]);
    const granted = await makeGrant(making(later, file, bo, new Map([[1, first]])), owedGrants(later.registry, file));
    file = await next(later, file, granted);
    expect([...(await opened(later, file, granted, bosOther, new Map())).values()]).toEqual([first]);
    expect(owedGrants(later.registry, file)).toEqual([]);

    const second = randomSecret();
    file = await next(later, file, await makeEpoch(making(later, file, ada, new Map([[1, first]])), second));
    const again = await makeGrant(making(later, file, ada, new Map([[2, second]])), [
      { to: bosOther.keys.device, cert: deviceOf(later.registry, bosOther.keys.device)?.cert ?? first, key: bosOther.keys.receive },
    ]);
    file = await next(later, file, again);
    expect([...(await opened(later, file, again, bosOther, new Map())).keys()]).toEqual([2]);
  });

  test("an abandoned file is brought back", async () => {
    const first = randomSecret();
    const file = await begin(world, bo, [ada], first);
    const cleo = await phone(randomId(), "Cleo", ["coordinator"]);
    let now = (await enrol(world, admin, cleo)).world;
    for (const gone of [ada, bo]) now = await state(now, admin, { kind: "revoke", device: gone.keys.device, reason: "left" });
    const fresh = await recoveryKeys(randomSecret());
    now = await state(now, admin, { kind: "renew", recovery: fresh.recovery, recovery_sign: fresh.sign.public });
    now = await state(now, admin, { kind: "permit", device: cleo.keys.device, files: [file.log.log], reason: "left", until: START_MS + 1e9 });
    expect(rotationNeeded(now.registry, file)).toBe(true);
    const bound = recoverBound(now.svc, file.log.log, cleo.keys.device, file.previous ?? first);
    const signed = await world.recovery.sign.sign(bound);
    const statement = await makeRecover(making(now, file, cleo, new Map([[1, first]])), "coordinator", signed, cleo.subject.user, randomSecret());
    const back = await next(now, file, statement);
    expect(rotationNeeded(now.registry, back)).toBe(false);
    expect([...(await opened(now, back, statement, cleo, new Map())).keys()]).toEqual([1, 2]);
  });

  test("what is held is let in, what takes two people is removed, and the file is erased", async () => {
    const [first, second] = [randomSecret(), randomSecret()];
    const nonce = randomId();
    let file = await begin(world, ada, [bo], first, nonce);
    const log = file.log.log;
    const shown: Shown[] = [[file.previous ?? log, START_MS]];
    const step = async (entry: Entry): Promise<void> => {
      shown.push([entry.id, START_MS + 1000 * seqOf(file.log)]);
      file = await next(world, file, entry);
    };
    const late: Envelope = await sealEnvelope(by(world, file, bo), { ep: 1, secret: first }, [part(log, bo, 1, "late")], [randomSecret()]);
    await step(await makeEpoch(making(world, file, ada, new Map([[1, first]])), second));
    const relied = (): { rg: ReturnType<typeof headOf>; pr: Uint8Array } => ({ rg: headOf(world.registry.log), pr: file.previous ?? first });
    const admitted = await signAdmission(by(world, file, ada), late, relied());
    if (admitted.typ !== "fieldkeep-admission") throw new Error("an admission wanted");
    await step(admitted);
    const at = seqOf(file.log);
    expect((await readParts(admitted, at, new Map([[1, first]]))).map(({ is }) => is)).toEqual(["changes"]);

    const changes = await readParts(admitted, at, new Map([[1, first]]));
    const going = changes.flatMap((got) => (got.is === "changes" ? got.changes : []));
    const placed = going.map((change) => ({ seq: at, received_ms: START_MS, device: bo.keys.device, user: bo.subject.user, role: "navigator", late: true, stub: false, part: 0, change }));
    const stub = makeStub("case", placed, new Set(placed.map(({ device, change }) => changeKey(device, change.c))));
    const what = { at, id: late.id, part: 0, hash: H(late.parts[0] ?? first), reason: "spill", parcel: null, says: stubSays(stub) } as const;
    const act = actOf({ kind: "expunge", ...relied(), ...what, stub: first, approval: null });
    const until = START_MS + 1e6;
    const approve = async (kind: "expunge" | "hold" | "erase", hash: Uint8Array) =>
      approval.decode(await approval.make({ kid: bo.keys.device, svc: world.svc }, { side: "perpetrator", log, kind, act: hash, until }, bo.key));
    const asked = await approve("expunge", actHash(act ?? new Map()));
    const removal = await signExpunction(by(world, file, ada), { ep: 2, secret: second }, { ...relied(), ...what, approval: asked }, encodeStub(stub), randomSecret());
    if (removal.typ !== "fieldkeep-expunction") throw new Error("an expunction wanted");
    await step(removal);
    expect(file.expunged).toEqual([{ id: late.id, part: 0, at, seq: at + 1 }]);
    expect(await openPartOf(removal, 0, new Map([[2, second]]))).toEqual(encodeStub(stub));

    const hold = await signFileStatement(by(world, file, bo), { kind: "hold", ...relied(), release: null, approval: null });
    await step(hold);
    const reason = "court";
    const approved = await approve("erase", actHash(new Map(Object.entries({ kind: "erase", reason }))));
    const genesis = { file: "case", creator: ada.keys.device, nonce } as const;
    const erase = async (what = genesis) => signFileStatement(by(world, file, ada), { kind: "erase", ...relied(), ...what, reason, approval: approved });
    expect(await code(takeFileEntry(world.registry, file, await erase(), START_MS + 9000))).toBe("not-permitted");
    const release = actHash(new Map(Object.entries({ kind: "hold", release: hold.id })));
    const letGo = await approve("hold", release);
    await step(await signFileStatement(by(world, file, ada), { kind: "hold", ...relied(), release: hold.id, approval: letGo }));
    expect(await code(takeFileEntry(world.registry, file, await erase({ ...genesis, nonce: randomId() }), START_MS + 9000))).toBe("malformed");

    const erasure = await erase();
    const bare = await skipped(shown, erasure);
    await step(erasure);
    expect(file.erased?.id).toEqual(erasure.id);
    expect(bare).toEqual(headOf(file.log));
  });

  test("an erasure by strangers is a contradiction to who was shown only ids", async () => {
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
    expect(await code(readErasure(now.registry, file, erasure, START_MS + 2000))).toBe("contradiction");
  });
});
