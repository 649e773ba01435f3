/**
 * What a page opens: secrets that its statements grant to this device, and the changes that its envelopes seal. Spec
 * 4, 7.3.
 */
import { equal } from "@fieldkeep/core/bytes";
import { changesIn as readChanges } from "@fieldkeep/core/cover";
import type { Entry, Envelope, Expunction } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import type { TakenEntry } from "@fieldkeep/core/exchange/file_page";
import { openGrant } from "@fieldkeep/core/grant";
import type { File } from "@fieldkeep/core/membership/state";
import { openPart } from "@fieldkeep/core/sealing";
import { decodeFileStatement, type Grant } from "@fieldkeep/core/statement";
import { decodeStub, stubSays } from "@fieldkeep/core/stub";
import type { Identity } from "./identity";

export { changesIn as readChanges } from "@fieldkeep/core/cover";

export type Secrets = ReadonlyMap<number, Uint8Array>;

export interface Granted {
  readonly secrets: Secrets;
  /** Epochs whose secret is refused: what one opened is closed again. */
  readonly bad: readonly number[];
  /** A secret came of an epoch whose envelopes may have come before. */
  readonly older: boolean;
}

function grantsIn(entry: Entry): { readonly grants: readonly Grant[]; readonly epoch: number | null } {
  if (entry.typ === "fieldkeep-envelope") return { grants: [], epoch: null };
  const statement = decodeFileStatement(entry.payload);
  if (!("grants" in statement)) return { grants: [], epoch: null };
  return { grants: statement.grants, epoch: "ep" in statement ? statement.ep : null };
}

/** What the statements among `taken` grant to this device, on top of `held`. */
export async function opened(me: Identity, file: File, taken: readonly TakenEntry[], held: Secrets): Promise<Granted> {
  let secrets: Secrets = held;
  const bad = new Set<number>();
  let older = false;
  for (const one of taken) {
    if (one.void !== null) continue;
    const { grants, epoch } = grantsIn(one.entry);
    const mine = grants.find(({ to }) => equal(to, me.device));
    if (mine === undefined) continue;
    const context = { svc: me.svc, log: file.log.log, granter: one.entry.header.kid, to: me.device };
    const found = await openGrant(me.receive, context, mine, file.commits, secrets);
    for (const [number] of found.secrets) older ||= number !== epoch && !secrets.has(number);
    secrets = new Map([...secrets, ...found.secrets].filter(([number]) => !found.bad.includes(number)));
    for (const number of found.bad) bad.add(number);
  }
  return { secrets, bad: [...bad], older };
}

/** A part: what it says, `null` where it did not come or its key is not here, or that it is a hole. */
export type Part = { readonly plaintext: Uint8Array | null; readonly hole: string | null };

/** The envelope of an entry, by itself or carried; null of a statement. */
export function sealedIn(entry: Entry): Envelope | null {
  return entry.typ === "fieldkeep-envelope" ? entry : entry.typ === "fieldkeep-admission" ? entry.held : null;
}

export async function openParts(
  me: Identity,
  envelope: Envelope,
  seq: number,
  secrets: Secrets,
): Promise<readonly Part[]> {
  const { log, ep, kid, sq, sn } = envelope.header;
  const secret = secrets.get(ep);
  const context = {
    svc: me.svc,
    log,
    epoch: ep,
    author: kid,
    sq,
    protected: envelope.frame.protected,
    total: envelope.parts.length,
  };
  return Promise.all(
    envelope.parts.map(async (part, index): Promise<Part> => {
      if (part === null || secret === undefined) return { plaintext: null, hole: null };
      try {
        const plaintext = await openPart(secret, part, context, index);
        const changes = readChanges(plaintext);
        if (changes.some(({ b }) => b > sn.seq || b >= seq))
          throw new Refused("malformed", "a change claims to have seen more than its entry");
        return { plaintext, hole: null };
      } catch (error) {
        if (error instanceof Refused) return { plaintext: null, hole: error.message };
        throw error;
      }
    }),
  );
}

/** What an expunction says stands in the place of the part: `hole` where it is none, or not what the two agreed to. */
export async function openStub(
  me: Identity,
  { header, frame, parts, payload }: Expunction,
  file: File,
  secrets: Secrets,
): Promise<Part> {
  const { log, ep, kid, sq } = header;
  const [secret, part = null] = [secrets.get(ep), parts[0]];
  const said = decodeFileStatement(payload);
  if (secret === undefined || part === null || said.kind !== "expunge" || file.kind === null)
    return { plaintext: null, hole: null };
  try {
    const context = { svc: me.svc, log, epoch: ep, author: kid, sq, protected: frame.protected, total: 1 };
    const plaintext = await openPart(secret, part, context, 0);
    if (!equal(stubSays(decodeStub(file.kind, plaintext)), said.says))
      throw new Refused("malformed", "the stub says something else than what the two agreed to");
    return { plaintext, hole: null };
  } catch (error) {
    if (error instanceof Refused) return { plaintext: null, hole: error.message };
    throw error;
  }
}
