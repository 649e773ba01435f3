/**
 * Money spent for somebody: a record in the case says what and why, a line in the fund counts it, under one id. Spec
 * 8.
 *
 * Both halves are kept in one transaction, and each is sent in its own log. Recording a spend is always possible: what
 * is beyond the allowance is claimed, and somebody else decides.
 */
import { randomId } from "@fieldkeep/core/author";
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { shown } from "@fieldkeep/core/fold/show";
import { encodeUuid } from "@fieldkeep/core/ids";
import { foldFund } from "@fieldkeep/core/ledger";
import type { Edit } from "./ops";
import type { Transaction } from "./rows";
import type { OpenFile, Session } from "./session";
import { addIn, recordIn, typeIn } from "./writing";

/** The fund from which this phone spends: the one that has an allowance for it, else the only one that it has. */
export function ownFund(session: Session): OpenFile {
  const funds = session.ownFiles.filter(({ reading }) => reading.file.kind === "fund");
  const device = encodeUuid(session.identity.device);
  const allowed = funds.find(({ log }) => foldFund(log, session.recordsOf(log).changes).remaining.has(device));
  const found = allowed ?? (funds.length === 1 ? funds[0] : undefined);
  if (found === undefined)
    throw new Refused("not-found", "there is no fund on this phone that you may spend from: ask your fund holder");
  return found;
}

const set = (field: string, value: Json): Edit => ({ act: "set", field, value });
const said = (edits: readonly Edit[], field: string): Json | undefined =>
  edits.find((edit) => edit.act === "set" && edit.field === field)?.value;

/** `edits` are those of a `spend`; gives back its record. */
export function spendIn(
  session: Session,
  transaction: Transaction,
  log: Uint8Array,
  fund: Uint8Array,
  edits: readonly Edit[],
): Uint8Array {
  const id = encodeUuid(randomId());
  const amount = said(edits, "amount");
  if (typeof amount !== "number") throw new Refused("bad-value", "say how much was spent");
  const category = said(edits, "category");
  const line = [
    set("kind", "spend"),
    set("amount", amount),
    ...(category === undefined ? [] : [set("category", category)]),
    set("spend_id", id),
    set("device", encodeUuid(session.identity.device)),
  ];
  const record = addIn(session, transaction, log, typeIn(session, log, "spend"), [...edits, set("spend_id", id)]);
  addIn(session, transaction, fund, typeIn(session, fund, "fund_line"), line);
  return record;
}

export function spend(
  session: Session,
  log: Uint8Array,
  fund: Uint8Array,
  edits: readonly Edit[],
): Promise<Uint8Array> {
  return session.change(async (transaction) => spendIn(session, transaction, log, fund, edits));
}

/** Takes a spend back, in whole or in part: the money goes back to the pot. */
export async function reverse(
  session: Session,
  log: Uint8Array,
  fund: Uint8Array,
  record: Uint8Array,
  amount: number | null,
  why: string,
): Promise<number> {
  const id = shown(recordIn(session, log, record), "spend_id").value;
  const known = typeof id === "string" ? foldFund(fund, session.recordsOf(fund).changes).spends.get(id) : undefined;
  if (typeof id !== "string" || known === undefined)
    throw new Refused("not-found", "the fund does not know this spend");
  const most = known.counted + known.disputed;
  const back = amount ?? most;
  if (!Number.isSafeInteger(back) || back < 1 || back > most)
    throw new Refused("bad-value", `want from 1 to ${most} pence: no more than this spend counts`);
  await session.change(async (transaction) => {
    const reversal = [set("of", encodeUuid(record)), set("amount", back), set("why", why)];
    addIn(session, transaction, log, typeIn(session, log, "spend_reversal"), reversal);
    const line = [set("kind", "reversal"), set("amount", back), set("against", id)];
    addIn(session, transaction, fund, typeIn(session, fund, "fund_line"), line);
  });
  return back;
}
