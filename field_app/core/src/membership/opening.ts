/** What a statement grants to one recipient, opened and held against the file. Spec 7.3. Tests: make/. */
import { equal } from "../bytes";
import type { Entry } from "../entry";
import { openGrant, type Opened, type Secrets } from "../grant";
import { decodeFileStatement } from "../statement";
import type { File } from "./state";

/** A device, or a recovery key, and the seed of its receiving key. */
export interface Receiving {
  readonly to: Uint8Array;
  readonly seed: Uint8Array;
}

/**
 * `entry` stands in the file, which was read up to it; `held` are the secrets that the recipient has. null where the
 * entry grants it nothing. Where something is bad, an alarm is due, and any holder grants again.
 */
export async function openGranted(
  file: File,
  entry: Entry,
  { to, seed }: Receiving,
  held: Secrets,
): Promise<Opened | null> {
  if (entry.typ !== "fieldkeep-statement") return null;
  const statement = decodeFileStatement(entry.payload);
  const own = "grants" in statement ? statement.grants.find((grant) => equal(grant.to, to)) : undefined;
  if (own === undefined) return null;
  return openGrant(seed, { svc: file.svc, log: file.log.log, granter: entry.header.kid, to }, own, file.commits, held);
}
