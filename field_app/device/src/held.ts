/** Held work: what others could not send before they lost their place, looked at and decided on. Spec 7.5, 9.5. */
import { type Author, signAdmission, signFileStatement } from "@fieldkeep/core/author";
import { equal, hex } from "@fieldkeep/core/bytes";
import { type Change, changeKey } from "@fieldkeep/core/change";
import { toSign } from "@fieldkeep/core/cose";
import { decodeHeld } from "@fieldkeep/core/deposit";
import { type Entry, type Envelope, readEntry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { emptyFold, type Folded, take } from "@fieldkeep/core/fold/fold";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { encodeUuid } from "@fieldkeep/core/ids";
import { verifies } from "@fieldkeep/core/keys";
import { headOf, liesOn } from "@fieldkeep/core/log";
import { openGranted } from "@fieldkeep/core/membership/opening";
import { type File, holds, lastRoleIn, roleIn } from "@fieldkeep/core/membership/state";
import { deviceOf } from "@fieldkeep/core/registry/state";
import { type FileKind, mayInFile } from "@fieldkeep/core/roles";
import type { FileStatement } from "@fieldkeep/core/statement";
import { asBegun } from "./memory";
import { openParts, readChanges, type Secrets } from "./opening";
import { authorOf, putEntry } from "./outbox";
import type { Session } from "./session";
import { deliver } from "./delivering";
import type { Transport } from "./transport";

export type RefusedBecause = Extract<FileStatement, { kind: "refuse" }>["reason"];

/** One held entry: what it would say, or why it cannot be read or let in. */
export interface Held {
  readonly log: Uint8Array;
  readonly held_ms: number;
  readonly entry: Entry;
  readonly author: Uint8Array;
  /** What it begins or changes, as that would be with it. */
  readonly records: readonly FoldedRecord[];
  readonly changes: readonly Change[];
  readonly trouble: string;
  /** The kind of file that it begins, if it begins one. */
  readonly begins: FileKind | null;
}

/** The file that held work is for, as this device can read it. */
interface Target {
  readonly file: File;
  readonly secrets: Secrets;
  readonly folded: Folded;
}

/** All that is held of a file, in the order in which it came; each is verified and opened. */
export async function heldOf(session: Session, transport: Transport, log: Uint8Array): Promise<readonly Held[]> {
  const found: Held[] = [];
  const open = session.files.get(hex(log));
  let target: Target | null = open === undefined || open.begun ? null : { ...open, file: open.reading.file };
  for (let after = 0, more = true; more; ) {
    const path = `/v1/held/${encodeUuid(log)}?after=${after}`;
    const answer = decodeHeld(await transport.signed(session.identity, session.key, "GET", path));
    for (const { n, held_ms, entry } of answer.held) {
      if (n <= after) throw new Refused("malformed", "held entries do not come in order");
      after = n;
      const one = readEntry(entry);
      if (target === null || target.file.kind === null) {
        const [held, begun] = await openGenesis(session, log, one, held_ms);
        found.push(held);
        target = begun;
      } else found.push(await openOne(session, log, one, held_ms, target));
    }
    more = answer.more && answer.held.length > 0;
  }
  return found;
}

async function verified(session: Session, log: Uint8Array, entry: Entry): Promise<Uint8Array> {
  const author = deviceOf(session.registry, entry.header.kid);
  const isHere = equal(entry.header.log, log) && equal(entry.header.svc, session.identity.svc);
  if (author === null || !isHere)
    throw new Refused("no-standing", "nobody whom this side knows wrote this for this file");
  if (!(await verifies(author.sign, entry.signature, toSign(entry.frame))))
    throw new Refused("malformed", "its signature does not hold");
  return author.user;
}

const NOTHING = { records: [], changes: [], trouble: "", begins: null } as const;

async function openGenesis(
  session: Session,
  log: Uint8Array,
  entry: Entry,
  held_ms: number,
): Promise<readonly [Held, Target | null]> {
  const author = deviceOf(session.registry, entry.header.kid)?.user ?? new Uint8Array(0);
  try {
    await verified(session, log, entry);
    const file = await asBegun(session.registry, entry);
    const { device: to, receive: seed } = session.identity;
    const granted = await openGranted(file, entry, { to, seed }, new Map());
    const secrets = granted?.secrets ?? new Map<number, Uint8Array>();
    const target = { file, secrets, folded: emptyFold(log, session.schemas.types) };
    return [{ ...NOTHING, log, held_ms, entry, author, begins: file.kind }, target];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [{ ...NOTHING, log, held_ms, entry, author, trouble: error.message }, null];
  }
}

async function openOne(
  session: Session,
  log: Uint8Array,
  entry: Entry,
  held_ms: number,
  target: Target,
): Promise<Held> {
  const author = deviceOf(session.registry, entry.header.kid)?.user ?? new Uint8Array(0);
  const one = { ...NOTHING, log, held_ms, entry, author };
  try {
    await verified(session, log, entry);
    const envelope = checkAdmissible(entry, author, target);
    const changes = await changesOf(session, envelope, target);
    if (changes.every(({ c }) => target.folded.standing.has(changeKey(envelope.header.kid, c))))
      throw new Refused("not-permitted", "nothing of it is new: it is in the file already");
    return { ...one, changes, records: withChanges(target, envelope, author, held_ms, changes) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ...one, trouble: error.message };
  }
}

function checkAdmissible(entry: Entry, author: Uint8Array, { file }: Target): Envelope {
  if (entry.typ !== "fieldkeep-envelope") throw new Refused("malformed", "what is held is no envelope");
  if (!file.ever.has(hex(author))) throw new Refused("not-permitted", "by somebody who never was a member");
  if (liesOn(file.log, entry.header.sn) === false && file.log.chains.length > 1)
    throw new Refused("not-permitted", "its author had seen another history of this file");
  return entry;
}

async function changesOf(session: Session, envelope: Envelope, { secrets }: Target): Promise<readonly Change[]> {
  if (!secrets.has(envelope.header.ep)) throw new Refused("no-standing", "this phone has not got the key of it");
  const parts = await openParts(session.identity, envelope, Number.MAX_SAFE_INTEGER, secrets);
  const hole = parts.find((part) => part.hole !== null)?.hole ?? null;
  if (hole !== null) throw new Refused("not-permitted", `a part of it cannot be read: ${hole}`);
  return parts.flatMap(({ plaintext }) => (plaintext === null ? [] : readChanges(plaintext)));
}

function withChanges(
  { file, folded }: Target,
  { header }: Envelope,
  user: Uint8Array,
  received_ms: number,
  changes: readonly Change[],
): readonly FoldedRecord[] {
  const role = lastRoleIn(file, user) ?? "";
  const by = { seq: Number.MAX_SAFE_INTEGER, received_ms, device: header.kid, user, role, late: true, stub: false };
  const after = take(
    folded,
    changes.map((change, part) => ({ ...by, part, change })),
  );
  const touched = new Set(changes.map(({ r }) => hex(r)));
  return [...after.records].flatMap(([id, record]) => (touched.has(id) ? [record] : []));
}

// --- deciding -----------------------------------------------------------------------------------------------------

function deciding(
  session: Session,
  log: Uint8Array,
): { author: Author; rg: ReturnType<typeof headOf>; pr: Uint8Array } {
  const open = session.files.get(hex(log));
  const file = open?.reading.file;
  if (open === undefined || open.begun || file === undefined || file.kind === null || file.previous === null)
    throw new Refused("not-permitted", "the file that it is for has not begun: let its beginning in first");
  const role = roleIn(file, session.identity.user) ?? "";
  if (!mayInFile(file.kind, file.side, "admit", role) || !holds(file, session.identity.device))
    throw new Refused("not-permitted", "you may not decide on what is held in this file");
  return { author: authorOf(session, file.log), rg: headOf(session.registry.log), pr: file.previous };
}

/** Lets a held entry into its file: it counts from there on, as late. Sent at the next sync. */
export async function admit(session: Session, { log, entry, trouble }: Held): Promise<void> {
  if (trouble !== "" || entry.typ !== "fieldkeep-envelope")
    throw new Refused("not-permitted", `it cannot be let in: ${trouble}`);
  await session.change(async (transaction) => {
    const { author, rg, pr } = deciding(session, log);
    putEntry(session, transaction, await signAdmission(author, entry, { rg, pr }));
  });
}

/** Does not let it in. Sent at the next sync. */
export async function refuseHeld(
  session: Session,
  { log, entry, begins }: Held,
  reason: RefusedBecause,
): Promise<void> {
  if (begins !== null)
    throw new Refused("not-permitted", "a file that nobody lets begin stays held, and shows nowhere");
  await session.change(async (transaction) => {
    const { author, rg, pr } = deciding(session, log);
    putEntry(session, transaction, await signFileStatement(author, { kind: "refuse", rg, pr, id: entry.id, reason }));
  });
}

/** Lets a file begin whose author had lost their place: its first entry is delivered as it is. */
export async function letBegin(
  session: Session,
  transport: Transport,
  { entry, begins, trouble }: Held,
): Promise<void> {
  if (begins === null) throw new Refused("not-permitted", `it cannot begin: ${trouble}`);
  await deliver(session, transport, entry);
}
