/**
 * A forgotten passphrase, on both ends: a colleague's request judged and answered here, and an answer judged on the device
 * that asked. Spec 13.2 to 13.4. Who helps sees whose device it is, never what is in it.
 */
import { hex } from "@fieldkeep/core/bytes";
import { decodeLine, encodeLine } from "@fieldkeep/core/code_line";
import { Refused } from "@fieldkeep/core/errors";
import { decodeHelpRequest, type Help } from "@fieldkeep/core/help";
import { limit } from "@fieldkeep/core/limits";
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
export function judge(session: Session, request: Uint8Array): Asked {
  if (session.standing !== "in") throw new Refused("no-standing", "this phone does not stand in its registry");
  return readRequest(session.registry, request, session.identity.device, session.serverNow(), false);
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
  const fact = session.fact(challengeOf(request));
  await session.change(async (transaction) => session.dropFact(transaction, challengeOf(request)));
  const said = fact === undefined ? null : read(challengeShape, fact);
  const age = said === null ? -1 : session.now() - said.at_ms;
  if (said === null || age < 0 || age > limit("help_ms"))
    throw new Refused("request-ended", "no digits wait for this request: begin again, and read out fresh ones");
  checkDigits(request, said.digits, readBack.replaceAll(/\s/g, ""));
  const { identity, key } = session;
  const own = asked.request.boxes.find(({ to }) => hex(to) === hex(identity.device));
  if (own === undefined)
    throw new Refused("not-permitted", "when that phone last synced you could not help it yet: somebody else may");
  const { svc, side } = identity;
  const { device, cert, name, label } = asked.device;
  const keys = await openBox(identity.receive, { svc, side, device, cert, to: identity.device }, own.sealed);
  const at = session.serverNow();
  const made = await makeAnswer(request, keys, { svc, helper: identity.device, key, to: identity.device, by: null, at });
  await session.change(async (transaction) => {
    const words = `you helped to open ${name}'s ${label}, whose passphrase was forgotten (request ${hex(requestId(request)).slice(0, 8)})`;
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
