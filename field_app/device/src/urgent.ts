/** Danger now: the record, and the letter to the other side's desk, in one step, ahead of every queue. Spec 15.5. */
import type { Json } from "@fieldkeep/core/change";
import { encodeUuid } from "@fieldkeep/core/ids";
import { caseAddress } from "./cases";
import { postIn } from "./posting";
import type { Session } from "./session";
import { addValues, type Values } from "./values_in";

const TYPE = "urgent_alert";

/** Works without a connection: it goes before everything else when there is one. Gives back the record's id. */
export async function raiseAlert(session: Session, log: Uint8Array, values: Values): Promise<Uint8Array> {
  return session.change(async (transaction) => {
    const record = addValues(session, transaction, log, TYPE, values);
    const address = caseAddress(session, log);
    const body = address === null ? values : new Map<string, Json>([...values, ["case", encodeUuid(address)]]);
    await postIn(session, transaction, log, TYPE, body);
    return record;
  });
}
