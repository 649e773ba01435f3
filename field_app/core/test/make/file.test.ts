/** Files that a device makes and writes to: epochs, people, grants, what parts open to, and recovery. Spec 4, 7. */
import { beforeAll, expect, test } from "vitest";
import { after, randomSecret, randomId, sealEnvelope } from "../../src/author";
import { equal } from "../../src/bytes";
import { makeEpoch, makeGrant, makeMembers, makeRecover, owedGrants } from "../../src/membership/make";
import { roleIn, rotationNeeded } from "../../src/membership/state";
import { BEHIND, readFileEntry, takeFileEntry } from "../../src/membership/take";
import { readParts } from "../../src/reading";
import { recoverBound, recoveryKeys } from "../../src/registry/recovery";
import { deviceOf } from "../../src/registry/state";
import { begin, by, making, next, opened, part } from "./files";
import { type Cast, code, enrol, newCast, phone, START_MS, state } from "./world";

let cast: Cast;

beforeAll(async () => {
  cast = await newCast();
});

test("begins, is written to and read, changes people and epochs", async () => {
  const { world, ada, bo } = cast;
  const first = randomSecret();
  let file = await begin(world, ada, [bo], first);
  expect(roleIn(file, bo.subject.user)).toBe("navigator");
  const log = file.log.log;
  const genesisSecrets = new Map([[1, first]]);

  const mine = by(world, file, bo);
  const texts = [part(log, bo, 1, "first"), part(log, bo, 2, "second")];
  const one = await sealEnvelope(mine, { ep: 1, secret: first }, texts, [randomSecret(), randomSecret()]);
  const two = await sealEnvelope(
    after(mine, one),
    { ep: 1, secret: first },
    [part(log, bo, 3, "x".repeat(5000))],
    [randomSecret()],
  );
  file = await next(world, await next(world, file, one), two);
  const read = await readParts(one, 2, genesisSecrets);
  expect(read.map((got) => (got.is === "changes" ? got.changes[0]?.ops[0]?.value : got.is))).toEqual([
    "first",
    "second",
  ]);
  expect((await readParts(one, 2, new Map())).map(({ is }) => is)).toEqual(["closed", "closed"]);
  expect((await readParts(one, 2, new Map([[1, randomSecret()]]))).map(({ is }) => is)).toEqual(["hole", "hole"]);

  // What a change says to have seen is neither beyond what its envelope had seen nor at or after its own place.
  const seen = { ...after(after(mine, one), two), sn: { ...mine.sn, seq: 3 } };
  const read3 = async (b: number, place: number): Promise<string | undefined> => {
    const entry = await sealEnvelope(seen, { ep: 1, secret: first }, [part(log, bo, 4, "b", b)], [randomSecret()]);
    return (await readParts(entry, place, genesisSecrets))[0]?.is;
  };
  expect([await read3(3, 9), await read3(4, 9), await read3(3, 3)]).toEqual(["changes", "hole", "hole"]);

  const [second, third] = [randomSecret(), randomSecret()];
  const rotated = await makeEpoch(making(world, file, bo, genesisSecrets), second);
  file = await next(world, file, rotated);
  const adas = await opened(file, rotated, ada, genesisSecrets);
  expect([...adas.keys()]).toEqual([1, 2]);
  const removal = await makeMembers(making(world, file, ada, adas), [], [bo.subject.user], third);
  file = await next(world, file, removal);
  expect(file.epoch).toBe(3);
  expect(
    await code(async () =>
      takeFileEntry(world.registry, file, await makeEpoch(making(world, file, bo, adas), second), START_MS + 9e6),
    ),
  ).toBe("not-permitted");

  const withThird = new Map([...adas, [3, third]]);
  const back = await makeMembers(
    making(world, file, ada, withThird),
    [{ user: bo.subject.user, role: "navigator" }],
    [],
    randomSecret(),
  );
  file = await next(world, file, back);
  const bos = await opened(file, back, bo, new Map());
  expect([...bos.keys()].sort()).toEqual([1, 2, 3, 4]);
  expect(equal(bos.get(3) ?? new Uint8Array(), third)).toBe(true);
});

test("a late device is granted everything, and what the granter lacks stays unknown", async () => {
  const { world, admin, ada, bo, bosOther } = cast;
  const first = randomSecret();
  let file = await begin(world, ada, [bo], first);
  const { world: later } = await enrol(world, admin, bosOther);
  expect(owedGrants(later.registry, file).map(({ to }) => to)).toEqual([bosOther.keys.device]);
  const granted = await makeGrant(making(later, file, bo, new Map([[1, first]])), owedGrants(later.registry, file));
  file = await next(later, file, granted);
  expect([...(await opened(file, granted, bosOther, new Map())).values()]).toEqual([first]);
  expect(owedGrants(later.registry, file)).toEqual([]);

  const second = randomSecret();
  file = await next(later, file, await makeEpoch(making(later, file, ada, new Map([[1, first]])), second));
  const again = await makeGrant(making(later, file, ada, new Map([[2, second]])), [
    {
      to: bosOther.keys.device,
      cert: deviceOf(later.registry, bosOther.keys.device)?.cert ?? first,
      key: bosOther.keys.receive,
    },
  ]);
  file = await next(later, file, again);
  expect([...(await opened(file, again, bosOther, new Map())).keys()]).toEqual([2]);
});

test("an abandoned file is brought back", async () => {
  const { world, admin, ada, bo } = cast;
  const first = randomSecret();
  const file = await begin(world, bo, [ada], first);
  const cleo = await phone(randomId(), "Cleo", ["coordinator"]);
  let now = (await enrol(world, admin, cleo)).world;
  for (const gone of [ada, bo]) {
    now = await state(now, admin, { kind: "revoke", device: gone.keys.device, reason: "left" });
  }
  const fresh = await recoveryKeys(randomSecret());
  now = await state(now, admin, { kind: "renew", recovery: fresh.recovery, recovery_sign: fresh.sign.public });
  now = await state(now, admin, {
    kind: "permit",
    device: cleo.keys.device,
    files: [file.log.log],
    reason: "left",
    until: START_MS + 1e9,
  });
  expect(rotationNeeded(now.registry, file)).toBe(true);
  const bound = recoverBound(now.svc, file.log.log, cleo.keys.device, file.previous ?? first);
  const signed = await world.recovery.sign.sign(bound);
  const statement = await makeRecover(
    making(now, file, cleo, new Map([[1, first]])),
    "coordinator",
    signed,
    cleo.subject.user,
    randomSecret(),
  );
  const back = await next(now, file, statement);
  expect(rotationNeeded(now.registry, back)).toBe(false);
  expect([...(await opened(back, statement, cleo, new Map())).keys()]).toEqual([1, 2]);
});

test("a reader waits for a registry that it has not got, and takes none that contradicts its own", async () => {
  const { world, admin, ada, bo } = cast;
  const first = randomSecret();
  const file = await begin(world, ada, [bo], first);
  const later = await state(world, admin, { kind: "custody", threshold: 2, holders: ["Ada", "Bo"] });
  const secrets = new Map([[1, first]]);
  const rotated = await makeEpoch(making(later, file, ada, secrets), randomSecret());
  expect(await readFileEntry(world.registry, file, rotated, START_MS + 9000)).toBe(BEHIND);
  expect(await readFileEntry(later.registry, file, rotated, START_MS + 9000)).toMatchObject({ void: null });
  expect(await code(() => takeFileEntry(world.registry, file, rotated, START_MS + 9000))).toBe("stale-registry");

  const other = await state(world, admin, { kind: "custody", threshold: 2, holders: ["Ada", "Cleo"] });
  expect(await code(() => readFileEntry(other.registry, file, rotated, START_MS + 9000))).toBe("contradiction");

  const forked = { ...by(world, file, ada), sn: { ...by(world, file, ada).sn, chain: first } };
  const entry = await sealEnvelope(
    forked,
    { ep: 1, secret: first },
    [part(file.log.log, ada, 1, "x")],
    [randomSecret()],
  );
  expect(await code(() => readFileEntry(world.registry, file, entry, START_MS + 9000))).toBe("contradiction");
});
