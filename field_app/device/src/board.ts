/** Where parcels go: the keys of the other side's files, and the publishing of one's own. Spec 15.1, 15.2. */
import {
  addressAnswer,
  deskAnswer,
  encodePublication,
  gatesAnswer,
  intakeKey,
  type Publication,
} from "@fieldkeep/core/board";
import { hex } from "@fieldkeep/core/bytes";
import { encode } from "@fieldkeep/core/cbor";
import { Refused } from "@fieldkeep/core/errors";
import { encodeUuid } from "@fieldkeep/core/ids";
import { limit } from "@fieldkeep/core/limits";
import { holds } from "@fieldkeep/core/membership/state";
import { addressOf, weekOf } from "@fieldkeep/core/parcel/address";
import { checkGate, checkIntakeKey, type Gate, makePublication, type Receiving } from "@fieldkeep/core/parcel/publish";
import { otherSide } from "@fieldkeep/core/parcel/rights";
import { decodeAs, id, millis, receiveKey, row, week } from "@fieldkeep/core/shape";
import type { OpenFile } from "./memory";
import type { Session } from "./session";
import type { Transport } from "./transport";

const DESK = "desk";
const ASKED = "desk-asked";
const ASK_AGAIN_MS = 600_000;
const deskRow = row({ address: id, week, key: receiveKey });
/** The other side's desk: its address, and the key of one week. */
export type Desk = ReturnType<typeof deskRow.read>;
const published = (log: Uint8Array): string => `published:${hex(log)}`;

export const weekNow = (session: Session): number => weekOf(session.serverNow());

/** The other side's desk as this device last heard of it. */
export function deskOf(session: Session): Desk | null {
  const content = session.fact(DESK);
  return content === undefined ? null : decodeAs(deskRow, content);
}

const get = (session: Session, transport: Transport, path: string): Promise<Uint8Array> =>
  transport.signed(session.identity, session.key, "GET", path);

function authorityOf(session: Session): Uint8Array {
  const { root } = session.registry;
  if (root === null) throw new Refused("no-service", "a registry without a root");
  return root.authority;
}

/** Asks for the desk's key once a week; while there is no desk, now and then, or when something is `wanted` for it. */
export async function refreshDesk(session: Session, transport: Transport, wanted: boolean): Promise<void> {
  const [have, now] = [deskOf(session), weekNow(session)];
  const content = session.fact(ASKED);
  const asked = content === undefined ? 0 : decodeAs(millis, content);
  if (have?.week === now) return;
  if (have === null && !wanted && session.now() - asked < ASK_AGAIN_MS) return;
  await session.change(async (transaction) => session.setFact(transaction, ASKED, encode(Math.max(0, session.now()))));
  const answer = await get(session, transport, "/v1/desk").catch((error: unknown) => {
    if (error instanceof Refused && error.code === "no-such-file") return null;
    throw error;
  });
  if (answer === null) return;
  const { gate: signed, key: object } = decodeAs(deskAnswer, answer);
  const { svc, side } = session.identity;
  const gate = await checkGate(signed, svc, otherSide(side), authorityOf(session));
  const shown = intakeKey.decode(object).payload.week;
  if (shown < gate.from || shown > gate.until || shown > now + 1)
    throw new Refused("malformed", "the desk's key is of a week that its gate does not name");
  if (have !== null && shown < have.week) throw new Refused("malformed", "the desk's key of a week that was before");
  const to = { svc, side: otherSide(side), address: gate.address };
  const key = await checkIntakeKey(object, to, gate.key, shown);
  const desk = { address: gate.address, week: shown, key };
  await session.change(async (transaction) => session.setFact(transaction, DESK, encode(deskRow.write(desk))));
}

/** The key of an address of the other side whose address key is one of these. */
export async function fetchKey(
  session: Session,
  transport: Transport,
  address: Uint8Array,
  trusted: readonly Uint8Array[],
): Promise<Desk> {
  const { key: object } = decodeAs(addressAnswer, await get(session, transport, `/v1/address/${encodeUuid(address)}`));
  const shown = intakeKey.decode(object).payload.week;
  if (Math.abs(shown - weekNow(session)) > 1) throw new Refused("malformed", "a key of another week");
  const { svc, side } = session.identity;
  for (const key of trusted) {
    try {
      const to = { svc, side: otherSide(side), address };
      return { address, week: shown, key: await checkIntakeKey(object, to, key, shown) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  throw new Refused("malformed", "the key that the server shows is not signed by that case");
}

// --- one's own files ----------------------------------------------------------------------------------------------

/** Files that receive parcels and that this device holds. */
export function receivingFiles(session: Session): readonly OpenFile[] {
  const { device } = session.identity;
  return session.ownFiles.filter(
    ({ begun, reading: { file } }) =>
      !begun && (file.kind === "intake" || file.kind === "liaison") && holds(file, device),
  );
}

export const ownAddress = ({ identity: { svc, side } }: Session, log: Uint8Array): Uint8Array =>
  addressOf(svc, side, log);

/** Puts the weekly keys of this device's files on the board, where epoch or week is another than the last time. */
export async function publish(session: Session, transport: Transport): Promise<void> {
  const now = weekNow(session);
  for (const open of receivingFiles(session)) {
    const { file } = open.reading;
    const mark = encode([file.epoch, now]);
    const before = session.fact(published(open.log));
    if (!open.secrets.has(file.epoch) || (before !== undefined && hex(before) === hex(mark))) continue;
    try {
      await publishOne(session, transport, open, now);
    } catch (error) {
      // Somebody has changed the keys meanwhile: the next sync sees it.
      const isOver = error instanceof Refused && (error.code === "stale-epoch" || error.code === "no-such-file");
      if (!isOver) throw error;
      continue;
    }
    await session.change(async (transaction) => session.setFact(transaction, published(open.log), mark));
  }
}

async function publishOne(session: Session, transport: Transport, open: OpenFile, now: number): Promise<void> {
  const { svc, side } = session.identity;
  const { log, secrets, reading } = open;
  const own: Receiving = { svc, side, log, secrets, current: reading.file.epoch };
  const path = `/v1/intake/${encodeUuid(log)}`;
  const put = async (publication: Publication): Promise<void> => {
    const kept = publication.keys.filter((key) => intakeKey.decode(key).payload.week <= now + limit("intake_weeks"));
    const body = encodePublication({ ...publication, keys: kept });
    if (kept.length > 0) await transport.signed(session.identity, session.key, "POST", path, body);
  };
  if (reading.file.kind === "liaison") return put(await makePublication(own, now, null, null));
  const answer = decodeAs(gatesAnswer, await get(session, transport, path));
  const gates: Gate[] = [];
  for (const one of answer.gates) gates.push(await checkGate(one, svc, side, authorityOf(session)));
  if (gates.length === 0) return;
  await put(await makePublication(own, now, gates, null));
  for (const gate of gates.filter(({ from }) => from > now && from <= now + limit("intake_weeks")))
    await put(await makePublication(own, gate.from, gates, null));
}
