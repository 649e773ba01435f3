/**
 * Another device's signed entry, delivered as it is: authority belongs to its author, never to the sender. Spec 3.1.
 */
import type { Entry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { sealed } from "@fieldkeep/core/exchange/outbox";
import type { Session } from "./session";
import { exchange, plan } from "./sync";
import type { Transport } from "./transport";

/** Raises Refused with the server's code where it was not taken. */
export async function deliver(session: Session, transport: Transport, entry: Entry): Promise<void> {
  const what = entry.header.sq === 1 && entry.header.sn.seq === 0 ? "genesis" : "statement";
  const asked = plan(session, [sealed(entry, what, Math.max(0, session.now()))]);
  let code = "";
  let message = "";
  await exchange(session, transport, asked, (answers) => {
    code = answers[0]?.code ?? "";
    message = answers[0]?.message ?? code;
  });
  if (code !== "accepted") throw new Refused("not-permitted", message);
}
