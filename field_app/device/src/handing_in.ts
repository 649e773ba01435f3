/** What a device does when the server turns it away: it hands in what it could not send, and learns whether it was revoked. Spec 9.5. */
import { type CborValue, decode } from "@fieldkeep/core/cbor";
import { decodeDeposited, encodeDeposit } from "@fieldkeep/core/deposit";
import { limit } from "@fieldkeep/core/limits";
import { seqOf } from "@fieldkeep/core/log";
import { sealPending } from "./outbox";
import type { Session } from "./session";
import { takeAnswers, takeReceipts } from "./settling";
import type { OutboxItem } from "./stored";
import { takeRegistry } from "./taking";
import type { Transport } from "./transport";

const MOST_BYTES = (limit("request_bytes") * 3) / 4;

function choose(session: Session, asked: ReadonlySet<number>): readonly OutboxItem[] {
  const chosen: OutboxItem[] = [];
  let size = 0;
  for (const item of session.waiting()) {
    if (asked.has(item.n) || item.final || item.receipted || (item.statement && item.sq > 1)) continue;
    size += item.pair.length;
    if (chosen.length > 0 && size > MOST_BYTES) break;
    chosen.push(item);
  }
  return chosen;
}

/** Everything that can be handed in, and then the registry, up to this device's own revocation if there is one. */
export async function handIn(session: Session, transport: Transport, turnedAway: string): Promise<void> {
  await session.change(async (transaction) => {
    session.setState(transaction, { turned_away: turnedAway });
    await sealPending(session, transaction);
  });
  const asked = new Set<number>();
  for (let goesOn = true; goesOn; ) {
    const chosen = choose(session, asked);
    for (const { n } of chosen) asked.add(n);
    const body = encodeDeposit({ v: 1, push: chosen.map(({ pair }): CborValue => decode(pair)), registry: seqOf(session.registry.log) });
    const answer = decodeDeposited(await transport.signed(session.identity, session.key, "POST", "/v1/deposit", body));
    const before = seqOf(session.registry.log);
    await session.change(async (transaction) => {
      for (const page of answer.pages) await takeRegistry(session, transaction, page, new Map(), { received: 0, behind: false, contradictions: [] });
      const settled = { accepted: 0, refused: [] };
      await takeReceipts(session, transaction, answer.receipts, settled);
      await takeAnswers(session, transaction, chosen, answer.answers, settled);
    });
    goesOn = choose(session, asked).length > 0 || (answer.pages.some(({ more }) => more) && seqOf(session.registry.log) > before);
  }
}
