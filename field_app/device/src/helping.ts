/**
 * A forgotten passphrase, on both ends: a colleague's request judged and answered here, and an answer judged on the device
 * that asked. Spec 13.2 to 13.4. Who helps sees whose device it is, never what is in it.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { decodeLine, encodeLine } from "@fieldkeep/core/code_line";
import { Refused } from "@fieldkeep/core/errors";
import { decodeHelpRequest, type Help } from "@fieldkeep/core/help";
import { limit } from "@fieldkeep/core/limits";
import type { RecoveryKeys } from "@fieldkeep/core/registry/recovery";
import { deviceOf } from "@fieldkeep/core/registry/state";
import { map, millis, text } from "@fieldkeep/core/shape";
import {
  type Asked,
  checkDigits,
  checkHelp,
  makeAnswer,
  openBox,
  readRequest,
  requestId,
  unlockBound,
} from "@fieldkeep/core/unlock";
import type { Session } from "./session";
import { read, write } from "./stored";

const DIGITS = 6;
const challengeShape = map({ digits: text(DIGITS, DIGITS), at_ms: millis });
const challengeOf = (request: Uint8Array): string => `challenge:${hex(requestId(request))}`;

/** The code of what both devices keep: each request has its own, so that none hides behind another. */
const helped = (request: Uint8Array): string => `helped:${hex(requestId(request)).slice(0, 8)}`;

export const requestIn = (line: string): Uint8Array => decodeLine("help", line);
export const answerIn = (line: string): Uint8Array => decodeLine("answer", line);
export const requestLine = (request: Uint8Array): string => encodeLine("help", request);

/** Whether this device may answer, by its registry: the server has to be asked for news first. Raises Refused. */
export function judge(session: Session, request: Uint8Array, withShares = false): Asked {
  if (session.standing !== "in") throw new Refused("no-standing", "this phone does not stand in its registry");
  return readRequest(session.registry, request, session.identity.device, session.serverNow(), withShares);
}

function sixDigits(): string {
  const bound = 4_294_000_000; // the most of four bytes that a million divides: each number is as likely as any
  for (;;) {
    const [drawn = bound] = crypto.getRandomValues(new Uint32Array(1));
    if (drawn < bound) return String(drawn % 1_000_000).padStart(DIGITS, "0");
  }
}

/** Six digits to read out for a request, good once and for an hour. */
export async function challenge(session: Session, request: Uint8Array): Promise<string> {
  const digits = sixDigits();
  const kept = write(challengeShape, { digits, at_ms: Math.max(0, session.now()) });
  await session.change(async (transaction) => session.setFact(transaction, challengeOf(request), kept));
  return digits;
}

/** Compares what was read back, and answers. Right or wrong, the digits that were read out are used up. */
export async function answer(session: Session, request: Uint8Array, readBack: string): Promise<string> {
  const asked = judge(session, request);
  await compareDigits(session, request, readBack);
  const { device, receive } = session.identity;
  return answered(session, request, asked, { to: device, seed: receive, by: null });
}

/** The same with the recovery shares, when no colleague can help: never at the locked device. */
export async function answerWithShares(
  session: Session,
  request: Uint8Array,
  readBack: string,
  keys: RecoveryKeys,
): Promise<string> {
  const asked = judge(session, request, true);
  await compareDigits(session, request, readBack);
  const by = await keys.sign.sign(unlockBound(session.identity.svc, asked.device.device, requestId(request)));
  return answered(session, request, asked, { to: keys.id, seed: keys.secret, by });
}

async function compareDigits(session: Session, request: Uint8Array, readBack: string): Promise<void> {
  const fact = session.fact(challengeOf(request));
  await session.change(async (transaction) => session.dropFact(transaction, challengeOf(request)));
  const said = fact === undefined ? null : read(challengeShape, fact);
  const age = said === null ? -1 : session.now() - said.at_ms;
  if (said === null || age < 0 || age > limit("help_ms"))
    throw new Refused("request-ended", "no digits wait for this request: begin again, and read out fresh ones");
  checkDigits(request, said.digits, readBack.replaceAll(/\s/g, ""));
}

interface Opening {
  /** Whose box it is, and what opens it. */
  readonly to: Uint8Array;
  readonly seed: Uint8Array;
  /** What a recovery key says to it. */
  readonly by: Uint8Array | null;
}

async function answered(
  session: Session,
  request: Uint8Array,
  asked: Asked,
  { to, seed, by }: Opening,
): Promise<string> {
  const box = asked.request.boxes.find((one) => equal(one.to, to));
  if (box === undefined)
    throw by === null
      ? new Refused("not-permitted", "when that phone last synced you could not help it yet: somebody else may")
      : new Refused(
          "other-shares",
          "that phone has no box for the key that these shares make: they are of another key, or another side",
        );
  const { svc, side, device: helper } = session.identity;
  const { device, cert, name, label } = asked.device;
  const keys = await openBox(seed, { svc, side, device, cert, to }, box.sealed);
  const made = await makeAnswer(request, keys, { svc, helper, key: session.key, to, by, at: session.serverNow() });
  await session.change(async (transaction) => {
    const how = by === null ? "you" : "with recovery shares you";
    const words = `${how} helped to open ${name}'s ${label}, whose passphrase was forgotten (request ${hex(requestId(request)).slice(0, 8)})`;
    session.alarm(transaction, null, null, helped(request), words);
  });
  return encodeLine("answer", made);
}

/** On the device that asked, before it changes anything: whether whoever helped may. It keeps who it was. Raises Refused. */
export async function checkHelped(session: Session, request: Uint8Array, said: Help): Promise<void> {
  const by = await checkHelp(session.registry, request, said, session.identity.device);
  const helper = by === null ? null : deviceOf(session.registry, by);
  const shares = said.payload.by !== null;
  const who = helper === null ? "somebody" : `${helper.name} (${helper.label})`;
  const words = `${who} helped${shares ? " with recovery shares" : ""} to open this phone, whose passphrase was forgotten (request ${hex(requestId(request)).slice(0, 8)}). If you did not ask for that, ring your coordinator at once`;
  await session.change(async (transaction) => {
    session.alarm(transaction, null, null, helped(request), words);
  });
}

/** Whether the hour of a request is over, by this device's clock. */
export function isEnded(request: Uint8Array, now: number): boolean {
  const age = now - decodeHelpRequest(request).made;
  return age < 0 || age > limit("help_ms");
}
