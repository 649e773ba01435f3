/**
 * What a sync does about parcels: keys on the board, letters out, letters in. Nothing of it makes a sync fail. Spec
 * 15.
 */
import { Refused } from "@fieldkeep/core/errors";
import { deviceOf, readsContent } from "@fieldkeep/core/registry/state";
import { dropStale } from "./agreeing";
import { publish, refreshDesk } from "./board";
import { tellNewKeys } from "./cases";
import { fill } from "./instructions";
import { makeNotices } from "./noticing";
import { send } from "./posting";
import { receive } from "./receiving";
import type { Session } from "./session";
import type { Transport } from "./transport";

async function carefully(session: Session, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.code === "offline") return;
    const text = `letters between the sides could not be exchanged: ${error.message}`;
    await session.change(async (transaction) => session.alarm(transaction, null, null, error.code, text));
  }
}

/**
 * What cannot wait goes ahead of everything that a sync does; then the letters that unsent records make are written.
 */
export async function before(session: Session, transport: Transport): Promise<void> {
  if (session.letters.some(({ urgent }) => urgent)) await carefully(session, () => send(session, transport, true));
  await carefully(session, () => session.change((transaction) => makeNotices(session, transaction)));
}

/** True when there is something to send now that the sync has not sent. */
export async function cross(session: Session, transport: Transport): Promise<boolean> {
  const { side, device } = session.identity;
  const me = deviceOf(session.registry, device);
  if (side === "oversight" || session.standing !== "in" || me === null || !readsContent(me.roles)) return false;
  await carefully(session, () => tellNewKeys(session));
  await carefully(session, () => fill(session));
  await carefully(session, () => dropStale(session));
  const waits = session.letters.length > 0;
  await carefully(session, () => publish(session, transport));
  await carefully(session, () => refreshDesk(session, transport, waits));
  if (waits) await carefully(session, () => send(session, transport));
  await carefully(session, () => receive(session, transport));
  const loose = [...session.files.values()].flatMap(({ pending }) => pending);
  return loose.some(({ outbox, held }) => outbox === null && held === "");
}
