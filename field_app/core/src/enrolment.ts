/**
 * How a phone becomes a device: the code that it scans, the entry that it sends, and what it then checks. Spec 6.2,
 * 9.1. Tests: make/.
 *
 * Until `checkEnrolled` is content it is no device, and the same code and keys may be tried again.
 */
import { type Author, signRegistryStatement } from "./author";
import { equal } from "./bytes";
import { type DeviceKeys, invitation, type Invitation, type Subject } from "./certificate";
import { decodeLine, encodeLine } from "./code_line";
import { embedded } from "./cose";
import { type Entry, entryPair } from "./entry";
import { Refused } from "./errors";
import { chainStart, registryLog, type Side } from "./ids";
import { type SigningKey, signingKey } from "./keys";
import { EMPTY_ROOT } from "./merkle";
import { countersigned } from "./registry/rules";
import { type Device, deviceOf, reaches, type Registry } from "./registry/state";
import { anything, bytes, cose, decodeAs, encodeAs, exactly, hash, head, list, map, type Of, text } from "./shape";

const MOST_TEXT = 65536;
const codeShape = map({
  server: text(1, MOST_TEXT),
  authority: hash,
  head,
  seed: bytes(32),
  invitation: embedded(invitation),
  ca: text(0, MOST_TEXT),
});
export type InvitationCode = Of<typeof codeShape>;

export function encodeCode(code: InvitationCode): string {
  return encodeLine("invitation", encodeAs(codeShape, code));
}

export function decodeCode(line: string): InvitationCode {
  return decodeAs(codeShape, decodeLine("invitation", line));
}

export interface Inviting {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly device: Uint8Array;
  readonly key: SigningKey;
}

/** `seed` is 32 random bytes, good for one device; it goes into the code and nowhere else. */
export async function invite(
  { svc, side, device, key }: Inviting,
  subject: Subject,
  until: number,
  seed: Uint8Array,
): Promise<Invitation> {
  const { public: once } = await signingKey(seed);
  return invitation.decode(
    await invitation.make({ kid: device, svc }, { side, subject, key: once, enrol_until: until }, key),
  );
}

/** The new device's first entry, signed with its own key and with the invitation's. */
export async function makeEnrolment(code: InvitationCode, keys: DeviceKeys, key: SigningKey): Promise<Entry> {
  const { header, payload, id } = code.invitation;
  const log = registryLog(header.svc, payload.side);
  const { incarnation } = code.head;
  const sn = { incarnation, seq: 0, chain: chainStart(log) };
  const author: Author = {
    svc: header.svc,
    device: keys.device,
    key,
    log,
    sq: 1,
    pv: null,
    sn,
    ck: { incarnation, size: 0, root: EMPTY_ROOT },
  };
  const by = await (await signingKey(code.seed)).sign(countersigned(header.svc, log, id, keys));
  return signRegistryStatement(author, { kind: "enrol", invitation: code.invitation, keys, by });
}

const enrolBody = map({ entry: anything });
const enrolAnswer = map({ v: exactly(1), receipts: list(cose, 1, 1) });

/** The body of `POST /v1/enrol`. */
export function encodeEnrolment(entry: Entry): Uint8Array {
  return encodeAs(enrolBody, { entry: entryPair(entry) });
}

/** The receipt that answers it, to be held against the registry that comes after. */
export function decodeEnrolled(body: Uint8Array): Uint8Array {
  const [receipt] = decodeAs(enrolAnswer, body).receipts;
  if (receipt === undefined) throw new Refused("malformed", "an enrolment without its receipt");
  return receipt;
}

/** The registry, read whole, is the one of the code, and certifies the device with these very keys. */
export function checkEnrolled(registry: Registry, code: InvitationCode, keys: DeviceKeys): Device {
  const contradiction = (message: string): Refused => new Refused("contradiction", message);
  if (!equal(registry.pinned, code.authority) || registry.root === null) {
    throw contradiction("a registry without the pinned authority's root");
  }
  if (reaches(registry, code.head) !== true) {
    throw contradiction("a registry that does not contain the head of the code");
  }
  const device = deviceOf(registry, keys.device);
  if (device === null || !equal(device.sign, keys.sign) || !equal(device.receive, keys.receive)) {
    throw contradiction("a registry in which the new device does not stand");
  }
  return device;
}
