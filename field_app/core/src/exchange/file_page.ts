/**
 * The next page of a file: judged, held against all that the device was told before, or refused whole. Spec 9.3, 9.6.
 * Vectors: exchange.
 */
import { hex } from "../bytes";
import type { Entry } from "../entry";
import { type Code, Refused } from "../errors";
import { isAddressed, seqOf } from "../log";
import { type File, lastRoleIn, roleIn } from "../membership/state";
import { BEHIND, readFileEntry } from "../membership/take";
import type { Check } from "../registry/judged";
import { deviceOf, type Registry, serverOf } from "../registry/state";
import { verifies } from "../keys";
import type { SignedHead } from "../receipt";
import type { Page } from "../sync";
import { decodeFileStatement } from "../statement";
import { type Ids, takeIds } from "./erased";
import {
  checkForce,
  checkLeads,
  checkLeaves,
  checkPromised,
  checkTree,
  contradiction,
  NOTHING_TOLD,
  readHead,
  readServed,
  type Sent,
  type Served,
  type Told,
} from "./served";

/** A part that has not come: `[place, index]`. */
export type Absent = readonly [seq: number, part: number];
/** A part that came although an expunction of the same page names it: the server has not dropped it. */
export type Kept = { readonly seq: number; readonly part: number; readonly by: number };

/** A file as a device has read it. */
export interface FileReading {
  readonly file: File;
  /** Parts that did not come and that no expunction accounts for yet. */
  readonly absent: readonly Absent[];
  /** It has been served as ids: an erasure has to follow. */
  readonly ids: boolean;
}

/**
 * Whose changes an entry brings: its author, or of an admission the author of what it carries, in the last role that
 * they had.
 */
export interface Author {
  readonly device: Uint8Array;
  readonly user: Uint8Array;
  /** Empty for who is no member. */
  readonly role: string;
}

export interface TakenEntry {
  readonly served: Served;
  readonly entry: Entry;
  /** The code for which it is folded as nothing. */
  readonly void: Code | null;
  readonly by: Author;
  /** Of what an admission carries; the changes are late. */
  readonly carried: Author | null;
}

export type FilePage =
  | { readonly kind: "behind" }
  /** After a restore the server does not show all of the file that is here (19.4): it has it up to `seq`, or says so. */
  | { readonly kind: "lost"; readonly seq: number }
  | {
      readonly kind: "taken";
      readonly reading: FileReading;
      readonly taken: readonly TakenEntry[];
      readonly kept: readonly Kept[];
      readonly early: readonly number[];
    }
  | {
      readonly kind: "ids";
      readonly reading: FileReading;
      readonly served: readonly Served[];
      readonly ids: Ids;
      readonly erased: number | null;
    };

export interface Taking {
  readonly registry: Registry;
  readonly sent: Sent;
  readonly told: Told;
  /**
   * Whether the device's person is a member of the file as it then is: who is none any more is not shown what was
   * removed since, and who was none yet was not served what came before.
   */
  readonly member: (file: File) => boolean;
  /** The server's clock in an earlier answer after which nothing waited; null where there was none. */
  readonly quietMs: number | null;
  /** False from a restore on, until the server has shown that it has all of the file that is here. */
  readonly whole: boolean;
  readonly check: Check;
}

const EARLY_MS = 600_000;

function authorOf(registry: Registry, before: File, after: File, device: Uint8Array): Author {
  const user = deviceOf(registry, device)?.user ?? new Uint8Array(0);
  return { device, user, role: roleIn(before, user) ?? roleIn(after, user) ?? "" };
}

function carriedBy(registry: Registry, after: File, entry: Entry): Author | null {
  if (entry.typ !== "fieldkeep-admission") return null;
  const device = entry.held.header.kid;
  const user = deviceOf(registry, device)?.user ?? new Uint8Array(0);
  return { device, user, role: lastRoleIn(after, user) ?? "" };
}

function isGenesis(entry: Entry): boolean {
  try {
    return entry.typ === "fieldkeep-statement" && decodeFileStatement(entry.payload).kind === "genesis";
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** What the device holds a signed refusal of stands nowhere; a genesis that was held may have been let begin (7.5). */
function checkNotRefused(entry: Entry, code: Code | null, { refused }: Told): void {
  const verdict = refused.get(hex(entry.id));
  if (code !== null || verdict === undefined || (verdict === "held" && isGenesis(entry))) return;
  throw contradiction("an entry stands that the server has refused for good");
}

const absentOf = ({ seq, entry }: Served): readonly Absent[] =>
  (entry?.parts ?? []).flatMap((part, i) => (part === null ? [[seq, i] as const] : []));

const isAccounted = (file: File, [seq, part]: Absent): boolean =>
  file.expunged.some((one) => one.at === seq && one.part === part);

function keptIn(file: File, served: readonly Served[], from: number): readonly Kept[] {
  return file.expunged.flatMap(({ seq: by, at: seq, part }) => {
    const there = by > from ? served.find((one) => one.seq === seq)?.entry?.parts[part] : undefined;
    return there === undefined || there === null ? [] : [{ seq, part, by }];
  });
}

async function judgeAll(
  reading: FileReading,
  served: readonly Served[],
  { registry, told, member, quietMs, check }: Omit<Taking, "whole">,
): Promise<readonly [File, readonly TakenEntry[], readonly number[]] | null> {
  let { file } = reading;
  // What is older than a quiet answer was due then to whoever was a member before this page, and to nobody else.
  const wasDue = quietMs !== null && member(file) ? quietMs - EARLY_MS : 0;
  const taken: TakenEntry[] = [];
  const early: number[] = [];
  for (const one of served) {
    const { entry } = one;
    if (entry === null) throw contradiction("an entry by its id alone that the device did not send");
    const next = await readFileEntry(registry, file, entry, one.received_ms, check);
    if (next === BEHIND) return null;
    if (isAddressed(entry, file.svc, file.log.log)) checkTree(entry, registry.log.incarnation, told);
    checkNotRefused(entry, next.void, told);
    if (one.received_ms < wasDue) early.push(one.seq);
    const by = authorOf(registry, file, next.file, entry.header.kid);
    taken.push({
      served: one,
      entry,
      void: next.void,
      by,
      carried: next.void === null ? carriedBy(registry, next.file, entry) : null,
    });
    file = next.file;
  }
  return [file, taken, early];
}

/** Throws what refuses the page whole: `contradiction`, or `malformed` where its head is not this server's at all. */
export async function takePage(reading: FileReading, page: Page, taking: Taking): Promise<FilePage> {
  const { registry, whole } = taking;
  const server = serverOf(registry);
  if (server === null) throw new Refused("no-service", "a registry without a root");
  const head = await readHead(page, server, reading.file.log);
  checkForce(head, registry.log.incarnation);
  const log = { ...reading.file.log, incarnation: registry.log.incarnation };
  try {
    return await follow({ ...reading, file: { ...reading.file, log } }, page, head, taking);
  } catch (error) {
    if (whole || !(error instanceof Refused) || error.code !== "contradiction") throw error;
    return { kind: "lost", seq: head.seq };
  }
}

async function follow(
  reading: FileReading,
  page: Page,
  head: SignedHead["payload"],
  taking: Taking,
): Promise<FilePage> {
  const { registry, sent, told, member } = taking;
  const { log } = reading.file;
  const served = readServed(page, log, sent);
  checkLeads(log, served, head);
  checkLeaves(served, told);
  checkPromised(served, head, page.more, told);
  if (reading.ids || served.some(({ entry }) => entry === null)) {
    const after = await takeIds(registry, reading.file, served, page.more, taking.check);
    return after === null
      ? { kind: "behind" }
      : {
          kind: "ids",
          reading: { file: after.file, absent: [], ids: after.erased === null },
          served,
          ids: after.ids,
          erased: after.erased,
        };
  }
  const judged = await judgeAll(reading, served, taking);
  if (judged === null) return { kind: "behind" };
  const [file, taken, early] = judged;
  const absent = [...reading.absent, ...served.flatMap(absentOf)].filter((one) => !isAccounted(file, one));
  if (absent.length > 0 && !page.more && member(file) && file.erased === null)
    throw contradiction("a part is absent that nothing accounts for");
  return { kind: "taken", reading: { file, absent, ids: false }, taken, kept: keptIn(file, served, seqOf(log)), early };
}

/** A file as it is read from its own store: every entry was verified when it came. */
export const believed: Check = () => Promise.resolve(true);

export const TAKING = {
  sent: new Map<string, Entry>(),
  told: NOTHING_TOLD,
  member: () => true,
  quietMs: null,
  whole: true,
  check: verifies,
} as const;
