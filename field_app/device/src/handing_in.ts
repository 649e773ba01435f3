/**
 * What a device does when the server turns it away: it hands in what it could not send, and learns whether it was
 * revoked. Spec 9.5.
 */
import { decodeRegistryStatement } from "@fieldkeep/core/certificate";
import { hex } from "@fieldkeep/core/bytes";
import { decodeDeposited, encodeDeposit } from "@fieldkeep/core/deposit";
import { entryPair } from "@fieldkeep/core/entry";
import { dropsWhenSuspended } from "@fieldkeep/core/exchange/overtaken";
import type { Asked } from "@fieldkeep/core/exchange/plan";
import { respondDeposited } from "@fieldkeep/core/exchange/respond";
import { verifies } from "@fieldkeep/core/keys";
import { limit } from "@fieldkeep/core/limits";
import { seqOf } from "@fieldkeep/core/log";
import { sealPending } from "./outbox";
import type { Transaction } from "./rows";
import { putDue } from "./reading";
import type { Session } from "./session";
import { carryOut } from "./stepping";
import type { OutboxItem } from "./stored";
import { plan } from "./sync";
import type { Transport } from "./transport";
import { viewOf } from "./viewing";
import { wipe } from "./wiping";

const MOST_BYTES = (limit("request_bytes") * 3) / 4;

function choose(session: Session, asked: ReadonlySet<number>): readonly OutboxItem[] {
  if (session.state.frozen) return [];
  const chosen: OutboxItem[] = [];
  let size = 0;
  for (const item of session.waiting()) {
    const stopped = session.files.get(hex(item.log))?.stopped ?? "";
    if (asked.has(item.n) || item.final || item.receipted || stopped !== "") continue;
    if (item.what === "registry" || item.what === "statement") continue;
    size += item.entry.parts.reduce((sum, part) => sum + (part?.length ?? 0), item.entry.frame.bytes.length);
    if (chosen.length > 0 && (size > MOST_BYTES || chosen.length >= limit("entries_per_push"))) break;
    chosen.push(item);
  }
  return chosen;
}

/**
 * Whom somebody wanted kept out, or let in, before they were kept out themselves: it does not go out by itself weeks
 * later.
 */
function dropOwnOrders(session: Session, transaction: Transaction): void {
  for (const item of session.waiting(session.registry.log.log)) {
    if (item.entry.typ !== "fieldkeep-statement" || item.receipted) continue;
    const statement = decodeRegistryStatement(item.entry.payload);
    if (!dropsWhenSuspended(statement)) continue;
    session.dropOutbox(transaction, item.n);
    const text = `your ${statement.kind} was not sent before this phone was kept out: make it again, if it is right`;
    session.alarm(transaction, null, null, "overtaken", text);
  }
}

/** Everything that can be handed in, and then the registry, up to this device's own revocation if there is one. */
export async function handIn(session: Session, transport: Transport, turnedAway: string): Promise<void> {
  await putDue(session, { everything: true });
  await session.change(async (transaction) => {
    session.setState(transaction, { turned_away: turnedAway });
    dropOwnOrders(session, transaction);
    await sealPending(session, transaction, { out: true });
  });
  const asked = new Set<number>();
  for (let goesOn = true; goesOn;) {
    const chosen = choose(session, asked);
    for (const { n } of chosen) asked.add(n);
    const again = await deposit(session, transport, chosen);
    goesOn = again || choose(session, asked).length > 0;
  }
  await wipe(session, (_, items) => deposit(session, transport, items).then(() => undefined));
}

/** Hands in these items; what the server made of them is in the outbox afterwards. */
export type Deposit = (session: Session, items: readonly OutboxItem[]) => Promise<void>;

/** Goes on with what being turned away began, once its person has thrown away what could not be handed in. */
export async function discardAndWipe(session: Session, transport: Transport): Promise<boolean> {
  return wipe(session, (_, items) => deposit(session, transport, items).then(() => undefined), true);
}

/** One request; true when more of the registry is to come, and something came. */
async function deposit(session: Session, transport: Transport, chosen: readonly OutboxItem[]): Promise<boolean> {
  const push = chosen.map(({ entry }) => entryPair(entry));
  const body = encodeDeposit({ v: 1, push, registry: seqOf(session.registry.log) });
  const answer = await transport.signed(session.identity, session.key, "POST", "/v1/deposit", body);
  const deposited = decodeDeposited(answer);
  return session.change(async (transaction) => {
    const asked: Asked = { ...plan(session, []), pushed: chosen };
    const now = session.serverNow();
    const own = Math.max(0, session.now());
    const responded = await respondDeposited(viewOf(session), asked, deposited, now, own, verifies);
    const came = await carryOut(session, transaction, asked, deposited, responded, answer);
    return came.again && came.received > 0;
  });
}
