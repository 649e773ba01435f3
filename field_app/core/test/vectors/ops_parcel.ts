/** Registers the operations of the topic parcel. */
import { publication } from "../../src/board";
import type { CborValue } from "../../src/cbor";
import { readSide } from "../../src/ids";
import { parcel } from "../../src/letter";
import { addressKey, addressOf, weekOf, weeklyKey } from "../../src/parcel/address";
import { certified, type Sender } from "../../src/parcel/chain";
import { openParcel } from "../../src/parcel/open";
import { checkGate, checkIntakeKey, checkPublication } from "../../src/parcel/publish";
import { parcelInfo, room } from "../../src/parcel/seal";
import { FILE_KINDS } from "../../src/roles";
import { isMap } from "../../src/shape";
import { asBytes, asList, asNumber, type In, struct } from "./notation";
import type { Ops } from "./runner";

const context = (input: In) => ({ svc: input.bytes("svc"), log: input.bytes("log"), epoch: input.number("epoch") });
const addressed = (input: In) => ({
  svc: input.bytes("svc"),
  side: readSide(input.text("side")),
  address: input.bytes("address"),
});
const senderOut = ({ cert, device, key, user, name, roles }: Sender): CborValue =>
  struct({ cert, device, key, user, name, roles });

function fileKind(name: string) {
  const found = FILE_KINDS.find((one) => one === name);
  if (found === undefined) throw new Error(`${name} is no kind of file`);
  return found;
}

export const ops: Ops = {
  week_of: (input) => weekOf(input.number("ms")),
  receiving_address: (input) => addressOf(input.bytes("svc"), readSide(input.text("side")), input.bytes("log")),
  address_key: async (input) => (await addressKey(input.bytes("secret"), context(input))).public,
  weekly_key: (input) => weeklyKey(input.bytes("secret"), context(input), input.number("week")),
  check_gate: async (input) => {
    const gate = await checkGate(
      input.bytes("bytes"),
      input.bytes("svc"),
      readSide(input.text("side")),
      input.bytes("authority"),
    );
    return struct({ ...gate });
  },
  check_intake_key: (input) =>
    checkIntakeKey(input.bytes("bytes"), addressed(input), input.bytes("key"), input.number("week")),
  check_publication: (input) => {
    const value = input.value("publication");
    if (!isMap(value)) throw new Error("a map wanted");
    return checkPublication(publication.read(new Map([...value, ["v", 1]])), addressed(input), input.number("week"));
  },
  room: (input) => room(readSide(input.text("side")), input.number("size")),
  parcel_info: (input) => {
    const { address, week, id, root } = {
      address: input.bytes("address"),
      week: input.number("week"),
      id: input.bytes("id"),
      root: input.bytes("root"),
    };
    return parcelInfo({ svc: input.bytes("svc"), from: readSide(input.text("from")), address, week, id, root });
  },
  certified: async (input) => {
    const chain = input.list("chain").map(asBytes);
    const { root, receipt, sender } = await certified(
      input.bytes("svc"),
      readSide(input.text("side")),
      input.bytes("pinned"),
      chain,
    );
    return struct({ root, receipt, sender: senderOut(sender) });
  },
  open_parcel: async (input) => {
    const secrets = input.list("secrets").map((one) => [asNumber(asList(one)[0]), asBytes(asList(one)[1])] as const);
    const { svc, log, pinned } = { svc: input.bytes("svc"), log: input.bytes("log"), pinned: input.bytes("pinned") };
    const reader = {
      svc,
      side: readSide(input.text("side")),
      log,
      file: fileKind(input.text("file")),
      secrets,
      pinned,
    };
    const { letter, sender, second, passedMs } = await openParcel(
      reader,
      parcel.read(input.value("parcel")),
      input.bytes("pass"),
    );
    const { kind, at, body } = letter;
    return struct({
      letter: struct({ kind, at, body }),
      sender: senderOut(sender),
      passed_ms: passedMs,
      ...(second === null ? {} : { second: senderOut(second) }),
    });
  },
};
