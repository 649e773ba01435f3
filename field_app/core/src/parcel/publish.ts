/**
 * Gates and weekly keys: whose word is taken for them, and what a file publishes. Spec 15.1, 15.2. Vectors:
 * parcel/board.
 */
import { gate, intakeKey, type IntakeKey, type Publication } from "../board";
import { equal } from "../bytes";
import { verifyFrame } from "../cose";
import { Refused } from "../errors";
import { authorityId, type Side } from "../ids";
import { checkReceiveKey, type SigningKey } from "../keys";
import { limit } from "../limits";
import type { EpochContext } from "../sealing";
import { addressKey, addressOf, weeklyKey } from "./address";

const malformed = (message: string): Refused => new Refused("malformed", message);

/** A desk's address and address key, by the authority's word, from one week to another. */
export interface Gate {
  readonly address: Uint8Array;
  readonly key: Uint8Array;
  readonly from: number;
  readonly until: number;
}

export async function checkGate(bytes: Uint8Array, svc: Uint8Array, side: Side, authority: Uint8Array): Promise<Gate> {
  const { header, payload, frame } = gate.decode(bytes);
  if (!equal(header.svc, svc)) throw malformed("a gate of another service");
  if (!equal(header.kid, authorityId(authority))) throw malformed("a gate under another id than the authority's");
  if (payload.side !== side) throw malformed("a gate of another side");
  await verifyFrame(frame, authority);
  const { address, key, from, until } = payload;
  return { address, key, from, until };
}

/** Of gates for one address: the one with the greatest `from` of those that have this week in them. */
export function gateInForce(gates: readonly Gate[], week: number): Gate | null {
  const open = gates.filter(({ from, until }) => from <= week && week <= until);
  return open.reduce<Gate | null>((best, one) => (best === null || one.from > best.from ? one : best), null);
}

export interface AddressedTo {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly address: Uint8Array;
}

async function checkKeyObject(object: IntakeKey, { svc, side, address }: AddressedTo, key: Uint8Array): Promise<void> {
  if (!equal(object.header.svc, svc)) throw malformed("a weekly key of another service");
  if (!equal(object.header.kid, address)) throw malformed("a weekly key of another address");
  if (object.payload.side !== side) throw malformed("a weekly key of another side");
  await verifyFrame(object.frame, key);
}

/** The receiving key of that week; `key` is the address key that the sender trusts. */
export async function checkIntakeKey(
  bytes: Uint8Array,
  to: AddressedTo,
  key: Uint8Array,
  week: number,
): Promise<Uint8Array> {
  const object = intakeKey.decode(bytes);
  await checkKeyObject(object, to, key);
  if (object.payload.week !== week) throw malformed(`the key of week ${object.payload.week}, want ${week}`);
  checkReceiveKey(object.payload.key);
  return object.payload.key;
}

/**
 * What a server takes of a publication by itself: the weeks of its keys. Its epoch and its gate are judged elsewhere.
 */
export async function checkPublication(
  { key, keys }: Publication,
  to: AddressedTo,
  present: number,
): Promise<readonly number[]> {
  const objects: IntakeKey[] = [];
  for (const bytes of keys) {
    const object = intakeKey.decode(bytes);
    await checkKeyObject(object, to, key);
    checkReceiveKey(object.payload.key);
    objects.push(object);
  }
  const weeks = objects.map(({ payload }) => payload.week);
  if (weeks.some((week, i) => week <= (weeks[i - 1] ?? -1))) throw malformed("weeks that do not rise");
  if (weeks.some((week) => week < present || week > present + limit("intake_weeks")))
    throw malformed("a week that is over, or too far ahead");
  return weeks;
}

/** Whose secrets a device has of a file that can receive: by epoch, and the present one. */
export interface Receiving {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly log: Uint8Array;
  readonly secrets: ReadonlyMap<number, Uint8Array>;
  readonly current: number;
}

/**
 * The present week's key and those of twelve more. Of a desk each stands under the address key that the gate in force
 * names, so
 * weeks without such a gate, and those of which the device lacks that key's secret, are left out; the keys are the
 * newest epoch's.
 */
export async function makePublication(
  file: Receiving,
  present: number,
  gates: readonly Gate[] | null,
  newGate: Uint8Array | null,
): Promise<Publication> {
  const keys = new Map<string, SigningKey>();
  const context = (epoch: number): EpochContext => ({ svc: file.svc, log: file.log, epoch });
  const secret = file.secrets.get(file.current);
  if (secret === undefined) throw new Refused("not-found", "the secret of the current epoch is not here");
  for (const [epoch, one] of file.secrets) {
    const key = await addressKey(one, context(epoch));
    keys.set(key.public.join(), key);
  }
  const newest = await addressKey(secret, context(file.current));
  const signerOf = (week: number): SigningKey | undefined =>
    gates === null ? newest : keys.get((gateInForce(gates, week)?.key ?? new Uint8Array(0)).join());
  const signer = signerOf(present) ?? newest;
  const objects: Uint8Array[] = [];
  for (let week = present; week <= present + limit("intake_weeks"); week++) {
    if (signerOf(week) !== signer) continue;
    const key = await weeklyKey(secret, context(file.current), week);
    objects.push(
      await intakeKey.make(
        { kid: addressOf(file.svc, file.side, file.log), svc: file.svc },
        { side: file.side, week, key },
        signer,
      ),
    );
  }
  return { v: 1, ep: file.current, key: signer.public, gate: newGate, keys: objects };
}
