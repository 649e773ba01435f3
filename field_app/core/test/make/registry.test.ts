/** What a device makes for its registry stands: enrolments, recovery keys, permits, suspensions. Spec 6. */
import { beforeAll, expect, test } from "vitest";
import { randomId, randomSecret, signRegistryStatement } from "../../src/author";
import { checkEnrolled, decodeEnrolled, encodeEnrolment, makeEnrolment } from "../../src/enrolment";
import { seqOf } from "../../src/log";
import { drillBound, recoveryKeys } from "../../src/registry/recovery";
import { readRegistryEntry } from "../../src/registry/take";
import { byPhone, type Cast, code, enrol, newCast, type Phone, phone, START_MS, state } from "./world";

let cast: Cast;

beforeAll(async () => {
  cast = await newCast();
});

test("the new device stands in the registry of the code", async () => {
  const { world, admin } = cast;
  const carl = await phone(randomId(), "Carl", ["navigator"]);
  const { world: with_, code: scanned } = await enrol(world, admin, carl);
  expect(checkEnrolled(with_.registry, scanned, carl.keys).user).toEqual(carl.subject.user);
  expect(await code(() => checkEnrolled(world.registry, scanned, carl.keys))).toBe("contradiction");
  const elsewhere = { ...scanned, head: { ...scanned.head, chain: randomSecret() } };
  expect(await code(() => checkEnrolled(with_.registry, elsewhere, carl.keys))).toBe("contradiction");
  const otherKeys = { ...carl.keys, sign: randomSecret() };
  expect(await code(() => checkEnrolled(with_.registry, scanned, otherKeys))).toBe("contradiction");
  const body = encodeEnrolment(await makeEnrolment(scanned, carl.keys, carl.key));
  expect(body.length).toBeGreaterThan(1216);
  expect(await code(() => decodeEnrolled(body))).toBe("malformed");
});

test("recovery: renewed, drilled, permitted, closed", async () => {
  const { world, admin, bo } = cast;
  const fresh = await recoveryKeys(randomSecret());
  let now = await state(world, admin, { kind: "renew", recovery: fresh.recovery, recovery_sign: fresh.sign.public });
  now = await state(now, admin, { kind: "custody", threshold: 2, holders: ["Ada", "Bo", "Cleo"] });
  const { sq } = byPhone(now.registry, bo);
  const drilled = await fresh.sign.sign(drillBound(now.svc, now.registry.log.log, bo.keys.device, sq));
  now = await state(now, bo, { kind: "drill", key: fresh.id, files: 3, opened: 3, by: drilled });
  now = await state(now, admin, {
    kind: "permit",
    device: bo.keys.device,
    files: null,
    reason: "died",
    until: START_MS + 1e9,
  });
  now = await state(now, bo, { kind: "close", device: bo.keys.device });
  expect(now.registry.permits.map(({ ended }) => ended)).toEqual([seqOf(now.registry.log)]);
  expect(now.registry.drills).toHaveLength(1);
});

test("a recovery key whose id is a device's is never in force", async () => {
  const { world, admin } = cast;
  const fresh = await recoveryKeys(randomSecret());
  const somebody = await phone(randomId(), "Gil", ["navigator"]);
  const namesake = { ...somebody, keys: { ...somebody.keys, device: fresh.id } };
  const { world: now } = await enrol(world, admin, namesake);
  const statement = { kind: "renew", recovery: fresh.recovery, recovery_sign: fresh.sign.public } as const;
  expect(await code(() => state(now, admin, statement))).toBe("not-permitted");
  expect(await code(() => state(world, admin, statement))).toBe(null);
});

test("an author that saw another registry is a contradiction to every reader", async () => {
  const { world, admin, bo } = cast;
  const author = byPhone(world.registry, admin);
  const elsewhere = { ...author, sn: { ...author.sn, chain: randomSecret() } };
  const revoke = { kind: "revoke", device: bo.keys.device, reason: "lost" } as const;
  const forked = await signRegistryStatement(elsewhere, revoke);
  expect(await code(() => readRegistryEntry(world.registry, forked, START_MS + 9e6))).toBe("contradiction");
  const honest = await signRegistryStatement(author, revoke);
  expect((await readRegistryEntry(world.registry, honest, START_MS + 9e6)).void).toBe(null);
});

const suspend = (device: Phone) => ({ kind: "suspend", device: device.keys.device, reason: "lost" }) as const;

test("one person keeps two devices out at most", async () => {
  const { world, admin, ada, bo } = cast;
  const others = await Promise.all(["Dee", "Eve", "Fay"].map((name) => phone(randomId(), name, ["navigator"])));
  let now = world;
  for (const one of others) now = (await enrol(now, admin, one)).world;
  const [dee, eve, fay] = others;
  if (dee === undefined || eve === undefined || fay === undefined) throw new Error("three phones wanted");
  now = await state(await state(now, bo, suspend(dee)), bo, suspend(eve));
  expect(await code(() => state(now, bo, suspend(fay)))).toBe("not-permitted");
  expect(await code(() => state(now, ada, suspend(fay)))).toBe(null);
  const revoked = await state(now, admin, { kind: "revoke", device: dee.keys.device, reason: "lost" });
  expect(await code(() => state(revoked, bo, suspend(fay)))).toBe(null);
  const lifted = await state(now, ada, { kind: "reinstate", device: eve.keys.device });
  expect(await code(() => state(lifted, bo, suspend(fay)))).toBe(null);
});

test("somebody who leads is left in standing", async () => {
  const { world, admin, ada, bo } = cast;
  const now = await state(world, bo, suspend(ada));
  expect(await code(() => state(now, bo, suspend(admin)))).toBe("not-permitted");
  expect(await code(() => state(now, bo, suspend(bo)))).toBe(null);
});
