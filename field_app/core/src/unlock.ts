/**
 * A forgotten passphrase: who may help, their boxes, and what passes between the two devices. Spec 13.2 to 13.4.
 * Vectors: unlock.
 * Shapes: ./help. What the store itself does with a store key is the app's.
 */
import { ascii, compare, concat, equal } from "./bytes";
import { verifyFrame } from "./cose";
import { Refused } from "./errors";
import { H, L } from "./hash";
import {
  decodeHelpAnswer,
  decodeHelpContents,
  decodeHelpRequest,
  encodeHelpAnswer,
  encodeHelpContents,
  encodeHelpRequest,
  help,
  type Help,
  type HelpRequest,
} from "./help";
import { hpkeOpen, hpkeSeal } from "./hpke";
import type { Side } from "./ids";
import { type SigningKey, verifies } from "./keys";
import { limit } from "./limits";
import { type Device, deviceOf, isInStanding, readsContent, recoveryById, type Registry } from "./registry/state";
import { helpersOf } from "./roles";

const refuse = (
  code: "malformed" | "not-permitted" | "not-found" | "request-ended" | "wrong-digits",
  message: string,
): Refused => new Refused(code, message);
const KEY = 32;

// --- who may help ----------------------------------------------------------------------------------------------------

/** A device with a role that nobody is listed for is helped by nobody, and helps nobody. */
function isListed(side: Side, { roles }: Device): boolean {
  return roles.length > 0 && roles.every((role) => helpersOf(side, role).length > 0);
}

function mayHelp(side: Side, helper: Device, device: Device): boolean {
  if (
    equal(helper.device, device.device) ||
    !isListed(side, helper) ||
    !isListed(side, device) ||
    !isInStanding(helper)
  )
    return false;
  const own = equal(helper.user, device.user) && device.roles.every((role) => helper.roles.includes(role));
  return (
    own || device.roles.every((role) => helpersOf(side, role).some((one) => helper.roles.some((its) => its === one)))
  );
}

export interface BoxRecipient {
  readonly to: Uint8Array;
  readonly key: Uint8Array;
}

/** Who has a box of this device's store, by recipient: at most fifteen devices and the recovery key in force. */
export function boxRecipients(registry: Registry, id: Uint8Array, now: number): readonly BoxRecipient[] {
  const device = deviceOf(registry, id);
  const recovery = registry.recovery.at(-1);
  if (device === null || recovery === undefined || !isListed(registry.side, device)) return [];
  const own = (one: Device): boolean => equal(one.user, device.user);
  const helpers = [...registry.devices.values()]
    .filter((one) => mayHelp(registry.side, one, device) && now < one.until)
    .sort((a, b) => Number(own(b)) - Number(own(a)) || b.seq - a.seq)
    .slice(0, limit("boxes_per_device") - 1)
    .map(({ device: to, receive }) => ({ to, key: receive }));
  return sorted([...helpers, { to: recovery.id, key: recovery.recovery }]);
}

function sorted<T extends { readonly to: Uint8Array }>(list: readonly T[]): readonly T[] {
  return [...list].sort((a, b) => compare(a.to, b.to));
}

// --- boxes -----------------------------------------------------------------------------------------------------------

/** `cert` is the entry id of the device's certificate. */
export interface BoxContext {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly device: Uint8Array;
  readonly cert: Uint8Array;
  readonly to: Uint8Array;
}

export function boxInfo({ svc, side, device, cert, to }: BoxContext): Uint8Array {
  return concat(L("box"), svc, ascii(side), new Uint8Array(1), device, cert, to);
}

/** `keys` are the store keys: one, or while it is being changed the present one and the next. */
export async function sealBox(key: Uint8Array, context: BoxContext, keys: readonly Uint8Array[]): Promise<Uint8Array> {
  return hpkeSeal(key, boxInfo(context), concat(...keys));
}

export async function openBox(
  seed: Uint8Array,
  context: BoxContext,
  sealed: Uint8Array,
): Promise<readonly Uint8Array[]> {
  const keys = await hpkeOpen(seed, boxInfo(context), sealed);
  if (keys === null) throw refuse("malformed", "a box that does not open");
  if (keys.length !== KEY && keys.length !== 2 * KEY)
    throw refuse("malformed", `a box with ${keys.length} bytes of keys in it`);
  return keys.length === KEY ? [keys] : [keys.slice(0, KEY), keys.slice(KEY)];
}

// --- request and digits ----------------------------------------------------------------------------------------------

/** `key` is the public half of a fresh X-Wing key, `made` the claimed time. */
export function makeRequest(request: Omit<HelpRequest, "v">): Uint8Array {
  return encodeHelpRequest({ v: 1, ...request, boxes: sorted(request.boxes) });
}

export function requestId(request: Uint8Array): Uint8Array {
  return H(L("help-request"), request);
}

/** What the locked device shows for the six digits that were read out to its person. */
export function helpDigits(request: Uint8Array, challenge: string): string {
  decodeHelpRequest(request);
  if (!/^[0-9]{6}$/.test(challenge)) throw refuse("malformed", "a challenge has six digits");
  const hash = H(L("help-check"), requestId(request), ascii(challenge));
  const number = new DataView(hash.buffer, hash.byteOffset).getBigUint64(0) % 1_000_000n;
  return number.toString().padStart(6, "0");
}

/** A challenge is used up by this, whatever comes of it. */
export function checkDigits(request: Uint8Array, challenge: string, readBack: string): void {
  if (readBack !== helpDigits(request, challenge))
    throw refuse("wrong-digits", "other digits than those of this request");
}

export type Warning = "time-is-off" | "certificate-ended" | "device-lost-lately";
const LATELY_MS = 30 * 24 * 3_600_000;

function warnings(registry: Registry, device: Device, made: number, now: number): readonly Warning[] {
  const isLost = ({ revoked, suspended }: Device): boolean =>
    [revoked, suspended].some((place) => place !== null && (registry.times.at(place) ?? 0) >= now - LATELY_MS);
  const lost = [...registry.devices.values()].some(
    (one) => equal(one.user, device.user) && !equal(one.device, device.device) && isLost(one),
  );
  return [
    ...(Math.abs(now - made) > limit("help_ms") ? (["time-is-off"] as const) : []),
    ...(now >= device.until ? (["certificate-ended"] as const) : []),
    ...(lost ? (["device-lost-lately"] as const) : []),
  ];
}

export interface Asked {
  readonly request: HelpRequest;
  readonly device: Device;
  readonly warnings: readonly Warning[];
}

/**
 * What a helper sees of a request, after it asked the server for news. With recovery shares any device with content may
 * help.
 */
export function readRequest(
  registry: Registry,
  bytes: Uint8Array,
  helper: Uint8Array,
  now: number,
  withShares: boolean,
): Asked {
  const request = decodeHelpRequest(bytes);
  const device = deviceOf(registry, request.device);
  const own = deviceOf(registry, helper);
  if (device === null) throw refuse("not-found", "the registry has no such device");
  if (!isInStanding(device)) throw refuse("not-permitted", "a device that is revoked or suspended");
  const may =
    own !== null &&
    (withShares ? isAtHand(own, device) && isListed(registry.side, device) : mayHelp(registry.side, own, device));
  if (!may) throw refuse("not-permitted", "a device that this one may not help");
  return { request, device, warnings: warnings(registry, device, request.made, now) };
}

/** Where shares may be typed: at any device in standing with content, and never at the locked one. */
const isAtHand = (own: Device, locked: Device): boolean =>
  isInStanding(own) && readsContent(own.roles) && !equal(own.device, locked.device);

// --- answer ----------------------------------------------------------------------------------------------------------

/** What a recovery key signs when its shares open a device; `request` is the request's id. */
export function unlockBound(svc: Uint8Array, device: Uint8Array, request: Uint8Array): Uint8Array {
  return concat(L("unlock"), svc, device, request);
}

export interface Helping {
  readonly svc: Uint8Array;
  readonly helper: Uint8Array;
  readonly key: SigningKey;
  /** Whose box was opened: the helper's, or a recovery key's, which then signs `unlockBound`. */
  readonly to: Uint8Array;
  readonly by: Uint8Array | null;
  readonly at: number;
}

const answerInfo = (id: Uint8Array): Uint8Array => concat(L("help-answer"), id);

export async function makeAnswer(
  request: Uint8Array,
  keys: readonly Uint8Array[],
  { svc, helper, key, to, by, at }: Helping,
): Promise<Uint8Array> {
  const { device, key: asking } = decodeHelpRequest(request);
  const id = requestId(request);
  const said = await help.make({ kid: helper, svc }, { request: id, device, to, at, by }, key);
  const sealed = await hpkeSeal(asking, answerInfo(id), encodeHelpContents({ v: 1, keys, help: said }));
  return encodeHelpAnswer({ v: 1, request: id, sealed });
}

export interface Answered {
  readonly keys: readonly Uint8Array[];
  readonly help: Help;
}

/** `seed` is that of the request's key. Who says to have helped is for `checkHelp`, once the store is open. */
export async function openAnswer(seed: Uint8Array, request: Uint8Array, answer: Uint8Array): Promise<Answered> {
  const given = decodeHelpAnswer(answer);
  const id = requestId(request);
  if (!equal(given.request, id)) throw refuse("request-ended", "an answer to another request");
  const contents = await hpkeOpen(seed, answerInfo(id), given.sealed);
  if (contents === null) throw refuse("malformed", "an answer that does not open");
  const { keys, help: said } = decodeHelpContents(contents);
  return { keys, help: help.decode(said) };
}

const holds = async ({ frame }: Help, key: Uint8Array): Promise<boolean> => {
  try {
    await verifyFrame(frame, key);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
};

/**
 * The helper's device; null for one that was enrolled since, at which recovery shares were typed. Else `not-permitted`.
 */
export async function checkHelp(
  registry: Registry,
  request: Uint8Array,
  said: Help,
  device: Uint8Array,
): Promise<Uint8Array | null> {
  const deny = (message: string): Refused => refuse("not-permitted", message);
  const { header, payload } = said;
  const { device: asking, boxes } = decodeHelpRequest(request);
  const id = requestId(request);
  if (!equal(header.svc, registry.svc) || !equal(payload.request, id)) throw deny("said of another service or request");
  if (!equal(payload.device, device) || !equal(asking, device)) throw deny("said of another device");
  if (!boxes.some(({ to }) => equal(to, payload.to))) throw deny("whose box was opened had none");
  const helper = deviceOf(registry, header.kid);
  const locked = deviceOf(registry, device);
  if (locked === null || (helper !== null && !(await holds(said, helper.sign))))
    throw deny("signed by another device than it says");
  if (payload.by === null) {
    if (helper === null || !equal(payload.to, header.kid) || !mayHelp(registry.side, helper, locked))
      throw deny("by a device that may not help");
    return helper.device;
  }
  const recovery = recoveryById(registry, payload.to);
  const bound = unlockBound(registry.svc, device, id);
  if (recovery === null || !(await verifies(recovery.recovery_sign, payload.by, bound)))
    throw deny("not signed by a recovery key of this side");
  if (helper === null) return null;
  if (!isAtHand(helper, locked)) throw deny("shares typed at a device that may not open another");
  return helper.device;
}
