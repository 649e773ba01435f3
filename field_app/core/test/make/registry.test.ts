/** What a device makes for its registry stands: enrolments, recovery keys, permits, suspensions. Spec 6. */
import { beforeAll, expect, test } from "vitest";
import { randomId, randomSecret } from "../../src/author";
import { checkEnrolled, decodeEnrolled, encodeEnrolment, makeEnrolment } from "../../src/enrolment";
import { seqOf } from "../../src/log";
import { drillBound, recoveryKeys } from "../../src/registry/recovery";
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

test("suspension: one person keeps two devices out at most, and somebody who leads is left", async () => {
  const { world, admin, ada, bo } = cast;
  const suspend = (device: Phone) => ({ kind: "suspend", device: device.keys.device, reason: "lost" }) as const;
  const extra = await phone(randomId(), "Dee", ["navigator"]);
  let now = (await enrol(world, admin, extra)).world;
  now = await state(now, bo, suspend(extra));
  now = await state(now, bo, suspend(ada));
  expect(await code(() => state(now, bo, suspend(admin)))).toBe("not-permitted");
  const another = await state(now, admin, { kind: "revoke", device: extra.keys.device, reason: "lost" });
  expect(await code(() => state(another, bo, suspend(admin)))).toBe("not-permitted");
  expect(await code(() => state(another, bo, suspend(bo)))).toBe(null);
});
