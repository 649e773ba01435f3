/** An export holds by two people, one of whom leads the file, for what was there, once. Spec 16.2. */
import { beforeAll, expect, test } from "vitest";
import { approval } from "../../src/approval";
import { randomId, randomSecret } from "../../src/author";
import { hex } from "../../src/bytes";
import { checkExport, exportAct, exportNumber, type ExportRow } from "../../src/membership/export";
import type { File } from "../../src/membership/state";
import { type Device, deviceOf } from "../../src/registry/state";
import { begin } from "./files";
import { code, enrol, newWorld, type Phone, phone, START_MS, state, type World } from "./world";

let world: World;
let file: File;
let admin: Phone;
let ada: Phone;
let records: Phone;
let rita: Phone;
let bo: Phone;

beforeAll(async () => {
  admin = await phone(randomId(), "Root", ["administrator"]);
  ada = await phone(randomId(), "Ada", ["coordinator"]);
  records = await phone(randomId(), "Rex", ["records_officer"]);
  rita = await phone(randomId(), "Rita", ["records_officer"]);
  bo = await phone(randomId(), "Bo", ["navigator"]);
  world = await newWorld(admin);
  for (const one of [ada, records, rita, bo]) world = (await enrol(world, admin, one)).world;
  file = await begin(world, ada, [records, rita, bo], randomSecret());
});

const RECEIVED = START_MS + 60_000;
const ACT = { purpose: "subject_access", to: "Jack", upto: 7 } as const;

function device({ keys }: Phone): Device {
  const found = deviceOf(world.registry, keys.device);
  if (found === null) throw new Error("not certified");
  return found;
}

async function row(
  by: Phone,
  approver: Phone,
  more: Partial<ExportRow> = {},
  until = RECEIVED + 1,
): Promise<ExportRow> {
  const payload = { side: "perpetrator", log: file.log.log, kind: "export", act: exportAct(ACT), until } as const;
  const given = await approval.make({ kid: approver.keys.device, svc: world.svc }, payload, approver.key);
  const about = { ...ACT, place: 8, receivedMs: RECEIVED, late: false, used: new Map<string, Uint8Array>() };
  return { ...about, author: device(by), approval: approval.decode(given), ...more };
}

const judged = async (one: ExportRow, at = world): Promise<string | null> =>
  code(() => checkExport(at.registry, file, one));

test("it holds by two people who may, one of whom leads", async () => {
  const one = await row(records, ada);
  expect((await checkExport(world.registry, file, one)).user).toEqual(ada.subject.user);
  expect(exportNumber(one.approval)).toMatch(/^[0-9a-f]{12}$/);
  expect(await judged(await row(ada, records))).toBe(null);
});

test("whatever is wrong with it, it is not approved", async () => {
  const good = await row(records, ada);
  const wrong: readonly ExportRow[] = [
    await row(ada, ada),
    await row(bo, ada),
    await row(ada, bo),
    await row(ada, admin),
    await row(records, rita),
    await row(records, ada, { late: true }),
    await row(records, ada, { place: 7 }),
    await row(records, ada, { to: "Jill" }),
    await row(records, ada, { receivedMs: RECEIVED + 2 }),
    await row(records, ada, {}, RECEIVED + 1_209_600_001),
    { ...good, used: new Map([[hex(good.approval.id), good.approval.id]]) },
    { ...good, approval: { ...good.approval, signature: new Uint8Array(64) } },
  ];
  for (const one of wrong) expect(await judged(one)).toBe("not-approved");
  const revoked = await state(world, admin, { kind: "revoke", device: ada.keys.device, reason: "lost" });
  expect(await judged(good, revoked)).toBe("not-approved");
});
