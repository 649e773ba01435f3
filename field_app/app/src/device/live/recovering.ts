/** Recovery as screens show it, and what is done with shares. The words are loaded when somebody types some. Spec 6.3, 7.6. */
import { equal } from "@fieldkeep/core/bytes";
import { Refused } from "@fieldkeep/core/errors";
import { recoveryKeys, type RecoveryKeys } from "@fieldkeep/core/registry/recovery";
import * as recovery from "@fieldkeep/device/recovery";
import type { OpenFile, Session } from "@fieldkeep/device/session";
import type { Opened, RecoveryView } from "../facade";
import { idText } from "./convert";
import { fileTitle } from "./people";

export async function keysOf(shares: readonly string[]): Promise<RecoveryKeys> {
  const { combineShares, parseShare } = await import("@fieldkeep/core/recovery_shares");
  return recoveryKeys(combineShares(shares.map((words, at) => parseShare(words, `Share ${at + 1}`))));
}

export function recoveryView(session: Session): RecoveryView {
  const { holders, threshold, drilledSeq, granted, owed } = recovery.standing(session);
  const named = (open: OpenFile): { readonly file: string; readonly title: string } => ({ file: idText(open.log), title: fileTitle(session, open) });
  const permit = recovery.ownPermit(session);
  const files = recovery.survey(session).map(({ log, state }) => ({ ...named(session.file(log)), state }));
  return {
    ...{ holders, threshold: threshold ?? undefined, drilled: drilledSeq !== null, granted: granted.map(named), owed: owed.map(named) },
    permit: permit === null ? undefined : { untilMs: permit.until, files },
  };
}

export const openedView = (session: Session, { log, closed }: recovery.Tried): Opened => ({
  file: idText(log), title: fileTitle(session, session.file(log)), closed: closed.length,
});

/** All that waits for this very key. What somebody else overtook stays as it is, and can be tried again. */
export async function bringBack(session: Session, keys: RecoveryKeys, send: () => Promise<void>): Promise<readonly Opened[]> {
  recovery.checkOwnKey(session, keys);
  const ready = recovery.survey(session).filter(({ state, key }) => state === "ready" && key !== null && equal(key, keys.id));
  if (ready.length === 0) throw new Refused("other-shares", "these are good shares, and no file waits for their key");
  const made: recovery.Tried[] = [];
  for (const { log } of ready) made.push({ log, closed: await recovery.bringBack(session, log, keys) });
  await send();
  const left = recovery.survey(session);
  const back = made.filter(({ log }) => left.some((one) => equal(one.log, log) && one.state === "held"));
  if (left.every(({ state }) => state === "held")) {
    await recovery.closePermit(session);
    await send();
  }
  return back.map((one) => openedView(session, one));
}
