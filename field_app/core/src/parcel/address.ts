/** Weeks, addresses, and the keys that follow from a file's secret. Spec 15.1. Vectors: parcel/board. */
import { ascii, concat } from "../bytes";
import { Refused } from "../errors";
import { H, hkdf, L, u32be } from "../hash";
import { receivingKey } from "../hpke";
import type { Side } from "../ids";
import { type SigningKey, signingKey } from "../keys";
import { type EpochContext, epochContext } from "../sealing";

const FIRST_MONDAY_MS = 345_600_000;
const WEEK_MS = 604_800_000;
const MOST_WEEKS = 0xffffffff;

/** Weeks begin on Mondays at 00:00 UTC; the first is the one of 5 January 1970, and all before it. */
export function weekOf(ms: number): number {
  return Math.min(MOST_WEEKS, Math.max(0, Math.floor((ms - FIRST_MONDAY_MS) / WEEK_MS)));
}

/** The first millisecond of a week. */
export function weekBegins(week: number): number {
  return FIRST_MONDAY_MS + week * WEEK_MS;
}

const NUL = new Uint8Array(1);

/** Where parcels for a file go. */
export function addressOf(svc: Uint8Array, side: Side, log: Uint8Array): Uint8Array {
  return H(L("address"), svc, ascii(side), NUL, log).slice(0, 16);
}

/** Signs the file's weekly keys. */
export async function addressKey(secret: Uint8Array, context: EpochContext): Promise<SigningKey> {
  return signingKey(hkdf(secret, concat(L("address"), epochContext(context)), 32));
}

/** The X-Wing private key to which the parcels of one week are sealed. */
export function weeklySeed(secret: Uint8Array, context: EpochContext, week: number): Uint8Array {
  return hkdf(secret, concat(L("intake"), epochContext(context), u32be(week)), 32);
}

export async function weeklyKey(secret: Uint8Array, context: EpochContext, week: number): Promise<Uint8Array> {
  return receivingKey(weeklySeed(secret, context, week));
}

/** A filler's id, the same on every device that holds the desk. `secret` is that of the desk's epoch 1 (15.5). */
export function fillerId(secret: Uint8Array, address: Uint8Array, week: number): Uint8Array {
  if (week < 0 || week > MOST_WEEKS) throw new Refused("bad-value", `week ${week}`);
  return H(L("filler"), secret, address, u32be(week)).slice(0, 16);
}
