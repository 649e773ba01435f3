/**
 * What a holder owes a file: a new epoch when a device was revoked, a recovery key is out of force, or the present
 * epoch did not open here; grants to devices that lack them. Spec 7.3.
 */
import { randomSecret, signRegistryStatement } from "@fieldkeep/core/author";
import { hex } from "@fieldkeep/core/bytes";
import type { Entry } from "@fieldkeep/core/entry";
import { makeEpoch, makeGrant, type Making, owedGrants } from "@fieldkeep/core/membership/make";
import { holds, roleIn, rotationNeeded } from "@fieldkeep/core/membership/state";
import { mayInFile } from "@fieldkeep/core/roles";
import { authorOf, putEntry } from "./outbox";
import type { Transaction } from "./rows";
import type { OpenFile, Session } from "./session";

export const makingIn = (session: Session, open: OpenFile): Making => ({
  author: authorOf(session, open.reading.file.log),
  registry: session.registry,
  file: open.reading.file,
  secrets: open.secrets,
});

/**
 * One statement for each file that is owed one; gives back how many were made. `tended` are those that had theirs in
 * this call.
 */
export async function tend(session: Session, transaction: Transaction, tended: Set<string>): Promise<number> {
  let made = 0;
  if (session.standing !== "in" || session.state.frozen) return 0;
  for (const open of session.ownFiles) {
    const key = hex(open.log);
    const waits = session.waiting(open.log).some((item) => !item.final && item.shown === null);
    if (tended.has(key) || open.stopped !== "" || waits || !holds(open.reading.file, session.identity.device)) continue;
    const entry = await owed(session, open);
    if (entry === null) continue;
    putEntry(session, transaction, entry);
    tended.add(key);
    made += 1;
  }
  return made;
}

async function owed(session: Session, open: OpenFile): Promise<Entry | null> {
  const { file } = open.reading;
  const role = roleIn(file, session.identity.user) ?? "";
  const may = (right: "epoch" | "grant"): boolean => file.kind !== null && mayInFile(file.kind, file.side, right, role);
  const making = makingIn(session, open);
  const opens = making.secrets.has(file.epoch);
  const rotates = file.blocked || !opens || rotationNeeded(session.registry, file);
  if (rotates) return may("epoch") ? makeEpoch(making, randomSecret()) : null;
  const lacking = owedGrants(session.registry, file);
  return lacking.length > 0 && may("grant") ? makeGrant(making, lacking) : null;
}

/** A statement of this device in its registry, into the outbox. */
export async function putRegistryStatement(
  session: Session,
  transaction: Transaction,
  statement: Parameters<typeof signRegistryStatement>[1],
): Promise<void> {
  putEntry(session, transaction, await signRegistryStatement(authorOf(session, session.registry.log), statement));
}
