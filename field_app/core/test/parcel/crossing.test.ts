/** A letter crosses: published, sealed, passed, opened; by one person and by two. Spec 15.1 to 15.6. */
import { beforeAll, describe, expect, test } from "vitest";
import { approval } from "../../src/approval";
import { randomId, randomSecret } from "../../src/author";
import { gate } from "../../src/board";
import type { Json } from "../../src/change";
import { type Code, Refused } from "../../src/errors";
import { H } from "../../src/hash";
import { authorityId, serverKeyId, type Side as SideName } from "../../src/ids";
import { type Contents, letter, type Parcel, pass } from "../../src/letter";
import { addressKey, addressOf, fillerId, weekBegins, weekOf } from "../../src/parcel/address";
import { certified, chainOfDevice } from "../../src/parcel/chain";
import { type OpenedLetter, openParcel } from "../../src/parcel/open";
import { checkGate, checkIntakeKey, checkPublication, gateInForce, makePublication } from "../../src/parcel/publish";
import { sealParcel } from "../../src/parcel/seal";
import { letterAct } from "../../src/parcel/second";
import { seqOf } from "../../src/log";
import { type Phone, phone, START_MS } from "../make/world";
import { enrolled, newService, newSide, type Service, type Side } from "../exchange/side";

const WEEK = weekOf(START_MS);
const CASE = { log: randomId(), secret: randomSecret() };
let service: Service;
let sides: { readonly perpetrator: Side; readonly victim: Side };
let coordinator: Phone;
let worker: Phone;
let otherWorker: Phone;
let navigator: Phone;

beforeAll(async () => {
  service = await newService();
  const admins = {
    perpetrator: await phone(randomId(), "P", ["administrator"]),
    victim: await phone(randomId(), "V", ["administrator"]),
  };
  coordinator = await phone(randomId(), "Cleo", ["coordinator"]);
  worker = await phone(randomId(), "Wyn", ["link_worker"]);
  otherWorker = await phone(randomId(), "Win", ["link_worker"]);
  navigator = await phone(randomId(), "Nia", ["navigator"]);
  let victim = await newSide(admins.victim, "victim", service);
  for (const one of [coordinator, worker, otherWorker]) victim = await enrolled(victim, admins.victim, one);
  const perpetrator = await enrolled(
    await newSide(admins.perpetrator, "perpetrator", service),
    admins.perpetrator,
    navigator,
  );
  sides = { perpetrator, victim };
});

const chainOf = (side: Side, { keys }: Phone): readonly Uint8Array[] =>
  chainOfDevice(side.registry, keys.device).flatMap((seq) => side.entries[seq - 1]?.frame.bytes ?? []);

interface Sending {
  readonly from: SideName;
  readonly by: Phone;
  readonly kind: string;
  readonly body: ReadonlyMap<string, Json>;
  readonly approver?: Phone;
  readonly until?: number;
  /** Whose device the approval names, where that is not `approver`'s, and whose key it is signed under. */
  readonly named?: Phone;
  readonly key?: Phone;
  /** What was approved is another kind of letter. */
  readonly other?: boolean;
}

/** To the case's liaison file, or where it is from the perpetrator side to the victim side's desk of the same log. */
async function send({
  from,
  by,
  kind,
  body,
  approver,
  until = START_MS + 1000,
  named = approver,
  key: signer = named,
  other = false,
}: Sending): Promise<{ parcel: Parcel; pass: Uint8Array }> {
  const side = from === "victim" ? sides.victim : sides.perpetrator;
  const to = from === "victim" ? "perpetrator" : "victim";
  const { svc, log, secret } = { svc: service.svc, ...CASE };
  const address = addressOf(svc, to, log);
  const receiving = { svc, side: to, log, secrets: new Map([[1, secret]]), current: 1 } as const;
  const { keys, key } = await makePublication(receiving, WEEK, null, null);
  const [present] = keys;
  if (present === undefined) throw new Error("a key wanted");
  const weekly = await checkIntakeKey(present, { svc, side: to, address }, key, WEEK);
  const id = randomId();
  const payload = { from, to: address, id, kind, at: START_MS, body };
  let second: Contents["second"] = null;
  if (approver !== undefined && named !== undefined && signer !== undefined) {
    const act = letterAct(other ? { ...payload, kind: "notice" } : payload);
    const said = { side: from, log: address, kind: "letter" as const, act, until };
    const chain = chainOf(side, by).map((bytes) => bytes.join());
    const bySecond = chainOf(side, approver).filter((bytes) => !chain.includes(bytes.join()));
    second = { approval: await approval.make({ kid: named.keys.device, svc }, said, signer.key), by: bySecond };
  }
  const signed = await letter.make({ kid: by.keys.device, svc }, payload, by.key);
  const contents: Contents = { v: 1, letter: signed, chain: chainOf(side, by), second };
  const root = side.registry.root?.id ?? new Uint8Array(32);
  const parcel = await sealParcel({ svc, from, address, week: WEEK, id, root }, weekly, contents, false);
  const passed = { address, week: WEEK, id, hash: H(parcel.sealed), ms: START_MS };
  return { parcel, pass: await pass.make({ kid: serverKeyId(side.receipt.public), svc }, passed, side.receipt) };
}

async function open(
  { parcel, pass: passed }: { parcel: Parcel; pass: Uint8Array },
  from: SideName,
): Promise<OpenedLetter> {
  const { pinned } = sides.victim.registry;
  const file = from === "victim" ? ("liaison" as const) : ("intake" as const);
  const side = from === "victim" ? ("perpetrator" as const) : ("victim" as const);
  const secrets = [
    [2, randomSecret()],
    [1, CASE.secret],
  ] as const;
  return openParcel({ svc: service.svc, side, log: CASE.log, file, secrets, pinned }, parcel, passed);
}

const refusal = async (run: Promise<unknown>): Promise<Code | null> =>
  run.then(
    () => null,
    (error: unknown) => (error instanceof Refused ? error.code : "internal"),
  );

const INSTRUCTION = new Map<string, Json>([
  ["word", "instruction"],
  ["from", "2025-10-13"],
  ["until", "2025-10-19"],
]);
const IN_WORDS = new Map<string, Json>([...INSTRUCTION, ["free_text", "Ring before you call"]]);

describe("a letter", () => {
  test("of one person, from each side", async () => {
    const sent = await send({ from: "victim", by: worker, kind: "instruction", body: INSTRUCTION });
    expect(sent.parcel.sealed.length).toBe(1120 + 16_384 + 16);
    const opened = await open(sent, "victim");
    expect(opened.letter.body).toEqual(INSTRUCTION);
    expect([opened.sender.name, opened.sender.roles, opened.second]).toEqual(["Wyn", ["link_worker"], null]);
    const notice = new Map<string, Json>([
      ["case", "x"],
      ["notice", "contact_made"],
    ]);
    expect(
      (await open(await send({ from: "perpetrator", by: navigator, kind: "notice", body: notice }), "perpetrator"))
        .sender.name,
    ).toBe("Nia");
  });

  test("of two people", async () => {
    const words = { from: "victim" as const, kind: "instruction", body: IN_WORDS };
    const opened = await open(await send({ ...words, by: worker, approver: coordinator }), "victim");
    expect([opened.sender.name, opened.second?.name]).toEqual(["Wyn", "Cleo"]);
    expect(await refusal(send({ ...words, by: worker }).then((one) => open(one, "victim")))).toBe("not-approved");
    expect(
      await refusal(send({ ...words, by: worker, approver: otherWorker }).then((one) => open(one, "victim"))),
    ).toBe("not-approved");
    const ended = send({ ...words, by: worker, approver: coordinator, until: START_MS - 1 });
    expect(await refusal(ended.then((one) => open(one, "victim")))).toBe("not-approved");
    const closed = send({ from: "victim", kind: "instruction", body: INSTRUCTION, by: worker, approver: coordinator });
    expect(await refusal(closed.then((one) => open(one, "victim")))).toBe("malformed");
  });

  test("of two people, the first of several things that are wrong says the code", async () => {
    const stranger = await phone(randomId(), "Eve", ["coordinator"]);
    const words = { from: "victim" as const, kind: "instruction", body: IN_WORDS, by: worker, approver: coordinator };
    const given = async (more: Partial<Sending>) =>
      refusal(send({ ...words, ...more }).then((one) => open(one, "victim")));
    expect(await given({})).toBeNull();
    expect(await given({ key: stranger })).toBe("malformed");
    expect(await given({ key: stranger, other: true })).toBe("not-approved");
    expect(await given({ key: stranger, until: START_MS - 1 })).toBe("not-approved");
    // Certified nowhere in the letter: by nobody, whatever the entries say of somebody else.
    expect(await given({ named: stranger })).toBe("not-approved");
    expect(await given({ named: otherWorker })).toBe("not-approved");
    // Certified in it, and not the one that the entries are there for.
    expect(await given({ named: worker })).toBe("malformed");
    expect(await given({ named: worker, other: true })).toBe("not-approved");
    // Entries that certify nobody come before everything.
    expect(await given({ by: coordinator, other: true })).toBe("malformed");
  });

  test("by somebody who sends no such letter", async () => {
    const sent = await send({ from: "perpetrator", by: navigator, kind: "instruction", body: INSTRUCTION });
    expect(await refusal(open(sent, "perpetrator"))).toBe("not-permitted");
  });

  test("a chain has nobody in it but who invited the next", async () => {
    const { svc, victim } = { svc: service.svc, victim: sides.victim };
    const good = chainOf(victim, worker);
    const { pinned } = victim.registry;
    expect((await certified(svc, "victim", pinned, good)).sender.name).toBe("Wyn");
    const [other] = chainOf(victim, coordinator).slice(-1);
    if (other === undefined) throw new Error("a certificate wanted");
    const more = [...good.slice(0, 2), other, ...good.slice(2)];
    expect(await refusal(certified(svc, "victim", pinned, more))).toBe("malformed");
    expect(seqOf(victim.registry.log)).toBe(5);
  });
});

describe("a board", () => {
  const file = {
    log: CASE.log,
    side: "victim" as const,
    secrets: new Map([
      [1, CASE.secret],
      [2, randomSecret()],
    ]),
    current: 2,
  };
  const address = (): Uint8Array => addressOf(service.svc, "victim", CASE.log);

  async function gateFor(epoch: number, from: number, until: number) {
    const secret = file.secrets.get(epoch);
    if (secret === undefined) throw new Error("a secret wanted");
    const key = await addressKey(secret, { svc: service.svc, log: CASE.log, epoch });
    const payload = { side: "victim" as const, address: address(), key: key.public, from, until };
    const bytes = await gate.make(
      { kid: authorityId(service.authority.public), svc: service.svc },
      payload,
      service.authority,
    );
    return checkGate(bytes, service.svc, "victim", service.authority.public);
  }

  test("a liaison file's keys stand under its newest address key, thirteen of them", async () => {
    const made = await makePublication({ svc: service.svc, ...file }, WEEK, null, null);
    const weeks = await checkPublication(made, { svc: service.svc, side: "victim", address: address() }, WEEK);
    expect(weeks).toEqual(Array.from({ length: 13 }, (_, i) => WEEK + i));
  });

  test("a desk's stand under the key that the gate in force names, and end with it", async () => {
    const gates = [await gateFor(1, WEEK - 3, WEEK + 20), await gateFor(2, WEEK + 4, WEEK + 30)];
    expect(gateInForce(gates, WEEK + 4)).toEqual(gates[1]);
    expect(gateInForce(gates, WEEK + 31)).toBeNull();
    const made = await makePublication({ svc: service.svc, ...file }, WEEK, gates, null);
    expect(made.key).toEqual(gates[0]?.key);
    const weeks = await checkPublication(made, { svc: service.svc, side: "victim", address: address() }, WEEK);
    expect(weeks).toEqual([WEEK, WEEK + 1, WEEK + 2, WEEK + 3]);
  });

  test("weeks and fillers", () => {
    expect(weekOf(weekBegins(WEEK))).toBe(WEEK);
    expect(weekOf(weekBegins(WEEK) - 1)).toBe(WEEK - 1);
    expect(fillerId(CASE.secret, address(), WEEK)).toEqual(fillerId(CASE.secret, address(), WEEK));
    expect(fillerId(CASE.secret, address(), WEEK)).not.toEqual(fillerId(CASE.secret, address(), WEEK + 1));
  });
});
