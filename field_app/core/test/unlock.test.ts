/** A forgotten passphrase, from the box to the answer, between two devices. Spec 13.2 to 13.4. */
import { beforeAll, describe, expect, test } from "vitest";
import { randomId, randomSecret, signRegistryStatement } from "../src/author";
import { decodeLine, encodeLine } from "../src/code_line";
import { type Code, Refused } from "../src/errors";
import { receivingKey } from "../src/hpke";
import type { Registry } from "../src/registry/state";
import { deviceOf } from "../src/registry/state";
import {
  boxRecipients,
  checkDigits,
  checkHelp,
  helpDigits,
  makeAnswer,
  makeRequest,
  openAnswer,
  openBox,
  readRequest,
  requestId,
  sealBox,
} from "../src/unlock";
import { byPhone, type Phone, phone, START_MS, takeBoth } from "./make/world";
import { enrolled, newSide, type Side } from "./exchange/side";

let side: Side;
let admin: Phone;
let locked: Phone;
let helper: Phone;
let request: Uint8Array;
const seed = randomSecret();
const store = randomSecret();

const refusal = async (run: () => unknown): Promise<Code | null> => {
  try {
    await run();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
};

const context = (to: Uint8Array) => {
  const cert = deviceOf(side.registry, locked.keys.device)?.cert ?? new Uint8Array(32);
  return { svc: side.svc, side: side.registry.side, device: locked.keys.device, cert, to };
};

beforeAll(async () => {
  admin = await phone(randomId(), "Root", ["administrator"]);
  locked = await phone(randomId(), "Nia", ["navigator"]);
  helper = await phone(randomId(), "Cleo", ["coordinator"]);
  side = await newSide(admin);
  for (const one of [locked, helper]) side = await enrolled(side, admin, one);
  const recipients = boxRecipients(side.registry, locked.keys.device, START_MS);
  const boxes = await Promise.all(
    recipients.map(async ({ to, key }) => ({ to, sealed: await sealBox(key, context(to), [store]) })),
  );
  request = makeRequest({
    device: locked.keys.device,
    key: await receivingKey(seed),
    made: START_MS,
    boxes: boxes.toReversed(),
  });
});

const read = (registry: Registry, who: Phone, now = START_MS, withShares = false) =>
  readRequest(registry, request, who.keys.device, now, withShares);

const registryWith = async (kind: "revoke" | "suspend", who: Phone): Promise<Registry> => {
  const statement = await signRegistryStatement(byPhone(side.registry, admin), {
    kind,
    device: who.keys.device,
    reason: "lost",
  });
  return takeBoth(side.registry, statement);
};

describe("help with a passphrase", () => {
  test("the request goes as a line, the digits are read back, and the answer opens the store", async () => {
    const line = encodeLine("help", request);
    expect(decodeLine("help", `${line.slice(0, 40)}\n  ${line.slice(40)}\n`)).toEqual(request);
    const asked = read(side.registry, helper);
    expect([asked.device.name, asked.warnings]).toEqual(["Nia", []]);
    checkDigits(request, "123456", helpDigits(request, "123456"));
    const own = asked.request.boxes.find(({ to }) => to.join() === helper.keys.device.join());
    if (own === undefined) throw new Error("a box wanted");
    const keys = await openBox(helper.seed, context(own.to), own.sealed);
    expect(keys).toEqual([store]);
    const helping = { svc: side.svc, helper: helper.keys.device, key: helper.key, to: own.to, by: null, at: START_MS };
    const answer = await makeAnswer(request, keys, helping);
    const opened = await openAnswer(seed, request, decodeLine("answer", encodeLine("answer", answer)));
    expect(opened.keys).toEqual([store]);
    expect(await checkHelp(side.registry, request, opened.help, locked.keys.device)).toEqual(helper.keys.device);
    expect(opened.help.payload.request).toEqual(requestId(request));
    expect(
      await refusal(async () =>
        checkHelp(await registryWith("suspend", helper), request, opened.help, locked.keys.device),
      ),
    ).toBe("not-permitted");
  });

  test("other digits are refused, and a line that was mistyped", async () => {
    const digits = helpDigits(request, "123456");
    const other = digits === "000000" ? "000001" : "000000";
    expect(await refusal(() => checkDigits(request, "123456", other))).toBe("wrong-digits");
    const line = encodeLine("help", request);
    expect(await refusal(() => decodeLine("help", line.replace(line.slice(30, 34), "AAAA")))).toBe("malformed");
    expect(await refusal(() => decodeLine("answer", line))).toBe("malformed");
  });

  test("who may not help is told so, and so is whoever asks for a device that is kept out or unknown", async () => {
    expect(await refusal(() => read(side.registry, locked))).toBe("not-permitted");
    expect(await refusal(() => read(side.registry, admin))).toBe("not-permitted");
    expect(await refusal(async () => read(await registryWith("suspend", locked), helper))).toBe("not-permitted");
    expect(await refusal(async () => read(await registryWith("revoke", helper), helper))).toBe("not-permitted");
    const stranger = makeRequest({
      device: randomId(),
      key: await receivingKey(seed),
      made: START_MS,
      boxes: [{ to: randomId(), sealed: new Uint8Array(1168) }],
    });
    expect(await refusal(() => readRequest(side.registry, stranger, helper.keys.device, START_MS, false))).toBe(
      "not-found",
    );
  });

  test("with recovery shares any device with content may, and never the locked one", async () => {
    expect(read(side.registry, helper, START_MS, true).device.name).toBe("Nia");
    expect(await refusal(() => read(side.registry, locked, START_MS, true))).toBe("not-permitted");
    expect(await refusal(() => read(side.registry, admin, START_MS, true))).toBe("not-permitted");
  });

  test("what is odd about a request is said", async () => {
    expect(read(side.registry, helper, START_MS + 3_600_001).warnings).toEqual(["time-is-off"]);
    expect(read(side.registry, helper, START_MS + 2e10).warnings).toEqual(["time-is-off", "certificate-ended"]);
    const { user } = locked.subject;
    const lost = await phone(user, "Nia", ["navigator"]);
    const before = side;
    const two = await enrolled(before, admin, lost);
    const statement = await signRegistryStatement(byPhone(two.registry, admin), {
      kind: "revoke",
      device: lost.keys.device,
      reason: "lost",
    });
    expect(read(await takeBoth(two.registry, statement), helper).warnings).toEqual(["device-lost-lately"]);
  });
});
