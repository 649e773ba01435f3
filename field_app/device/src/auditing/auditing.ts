/**
 * A supervisor's check of a side: what is new is fetched and verified on top of what was verified before, which this
 * device keeps sealed. Spec 10.3, 10.4.
 *
 * What does not verify is not kept: it is in memory, for a person to see, until the app is locked. That it did not is.
 */
import { changedSince } from "@fieldkeep/core/audit/compare";
import { conclude, type Concluded } from "@fieldkeep/core/audit/conclude";
import { takeEntries } from "@fieldkeep/core/audit/entries";
import { takeEvents } from "@fieldkeep/core/audit/events";
import { type AuditEntry, type AuditEventRow, isErased, type Listed } from "@fieldkeep/core/audit/pages";
import { type Audit, beginAudit, type Finding, logOf, readOf } from "@fieldkeep/core/audit/state";
import { Refused } from "@fieldkeep/core/errors";
import type { Side } from "@fieldkeep/core/ids";
import type { Growing } from "@fieldkeep/core/log";
import type { File } from "@fieldkeep/core/membership/state";
import type { Rows, Transaction } from "../rows";
import { endOf, eventPages, fetchListed, type Get, logPages } from "./fetching";
import * as kept from "./kept";

/** Of which moment all this is. */
export type Moment = Pick<Listed, "logs" | "events" | "checkpoint">;

export interface Known {
  readonly audit: Audit;
  readonly moment: Moment | null;
  readonly concluded: Concluded | null;
  /** The newest check: null where there was none. */
  readonly last: { readonly atMs: number; readonly whole: boolean; readonly findings: readonly Finding[] } | null;
  /** What was verified last, and when: also after a check that found something. */
  readonly verified: { readonly size: number; readonly atMs: number } | null;
}

export interface Progress {
  readonly done: number;
  readonly of: number;
}

interface Who {
  readonly svc: Uint8Array;
  readonly authority: Uint8Array;
}

const PAGE = 200;
/** Their signatures were verified before they were sealed here. */
const believed = (): Promise<boolean> => Promise.resolve(true);

export class Auditing {
  readonly side: Side;
  readonly #rows: Rows;
  readonly #who: Who;
  readonly #now: () => number;
  #known: Known;
  #good: Known;

  private constructor(rows: Rows, who: Who, side: Side, now: () => number, good: Known, last: kept.Last | null) {
    [this.#rows, this.#who, this.side, this.#now, this.#good] = [rows, who, side, now, good];
    this.#known =
      last === null ? good : { ...good, last: { atMs: last.at_ms, whole: last.whole, findings: last.findings } };
  }

  /** What this device kept, read again and held together, but for signatures. */
  static async open(rows: Rows, who: Who, side: Side, now: () => number): Promise<Auditing> {
    const [verified, last] = [await kept.readVerified(rows, side), await kept.readLast(rows, side)];
    let audit = beginAudit(who.svc, side, who.authority);
    if (verified === null) {
      const nothing = { audit, moment: null, concluded: null, last: null, verified: null };
      return new Auditing(rows, who, side, now, nothing, last);
    }
    for (const { log } of verified.logs)
      for (const page of await kept.keptEntries(rows, side, log)) audit = await takeEntries(audit, log, page, believed);
    for (const page of await kept.keptEvents(rows, side)) audit = takeEvents(audit, page);
    const concluded = await conclude(audit, verified, verified.tree);
    const checked = { atMs: verified.verified_ms, whole: false, findings: concluded.findings };
    const good = {
      audit,
      moment: verified,
      concluded,
      last: checked,
      verified: { size: verified.tree.size, atMs: verified.verified_ms },
    };
    return new Auditing(rows, who, side, now, good, last);
  }

  get known(): Known {
    return this.#known;
  }

  /**
   * With `whole` everything is fetched and verified anew, and held against what was kept. Raises Refused, `offline`
   * among others.
   */
  async check(get: Get, whole: boolean, progress: (progress: Progress) => void = () => undefined): Promise<void> {
    const before = this.#good;
    const fresh = beginAudit(this.#who.svc, this.side, this.#who.authority);
    let audit = whole ? fresh : before.audit;
    const listed = await fetchListed(get, this.#who.svc, this.side);
    const ends = listed.logs.map(endOf);
    const of = ends.reduce((sum, end) => sum + end, 0) + listed.events;
    let done = whole ? 0 : audit.events.length;
    const advance = (count: number): void => progress({ done: Math.min((done += count), of), of });
    for (const [i, { log }] of listed.logs.entries()) {
      for await (const page of logPages(get, this.side, log, readOf(audit, log), ends[i] ?? 0)) {
        audit = await takeEntries(audit, log, page);
        advance(page.length);
      }
    }
    for await (const page of eventPages(get, this.side, audit.events.length, listed.events)) {
      audit = takeEvents(audit, page);
      advance(page.length);
    }
    const concluded = await conclude(audit, listed, before.concluded?.tree ?? null);
    const changed = whole ? changedSince(before.audit, audit) : [];
    await this.#keep(audit, listed, { ...concluded, findings: [...changed, ...concluded.findings] }, whole);
  }

  async #keep(audit: Audit, moment: Moment, concluded: Concluded, whole: boolean): Promise<void> {
    const { side } = this;
    const atMs = Math.max(0, this.#now());
    const { findings: all, tree } = concluded;
    const findings = all.flatMap(({ code, ...rest }) => (code === "recovery" ? [] : [{ ...rest, code }]));
    const last = { atMs, whole, findings };
    const good = findings.length === 0 && tree !== null;
    if (findings.length === 0 && tree === null)
      throw new Refused("internal", "nothing was verified, and nothing is wrong");
    await this.#rows.transaction(async (transaction) => {
      kept.putLast(transaction, { side, at_ms: atMs, whole, findings });
      if (!good || tree === null) return;
      await this.#keepPages(transaction, audit, moment, whole);
      const { logs, events, checkpoint } = moment;
      kept.putVerified(transaction, {
        side,
        logs,
        events,
        checkpoint,
        tree: { size: tree.size, root: tree.root },
        verified_ms: atMs,
      });
    });
    const verified = good && tree !== null ? { size: tree.size, atMs } : this.#good.verified;
    this.#known = { audit, moment, concluded, last, verified };
    if (!good) return;
    const erased = [...audit.logs.values()].some(
      ({ log, file }) => isGone(file) && !isGone(logOf(this.#good.audit, log)?.file),
    );
    if (erased) this.#known = (await Auditing.open(this.#rows, this.#who, side, this.#now)).known;
    this.#good = this.#known;
  }

  /** Only what is new, but of a log that was erased: of that nothing stays but the ids. */
  async #keepPages(transaction: Transaction, audit: Audit, { logs }: Moment, whole: boolean): Promise<void> {
    const { audit: before } = this.#good;
    for (const { log } of logs) {
      const [now, was] = [logOf(audit, log), logOf(before, log)];
      if (now === null) continue;
      const erased = now.file?.erased ?? null;
      const anew = whole || (erased !== null && (was?.file?.erased ?? null) === null);
      if (anew) await kept.dropEntries(transaction, this.side, log);
      const entries =
        erased === null
          ? slice(now.entries, anew ? 0 : readOf(before, log))
          : ghosts(now, anew ? 0 : readOf(before, log), erased.seq);
      for (const page of pages(entries)) kept.putEntries(transaction, this.side, log, page);
    }
    if (whole) await kept.dropEvents(transaction, this.side);
    for (const page of pages(slice(rowsOf(audit), whole ? 0 : before.events.length)))
      kept.putEvents(transaction, this.side, page);
  }
}

const isGone = (file: File | null | undefined): boolean => (file?.erased ?? null) !== null;

function rowsOf({ events }: Audit): { readonly length: number; at(index: number): AuditEventRow | undefined } {
  const at = (index: number): AuditEventRow | undefined => {
    const told = events.at(index);
    return told === undefined ? undefined : { n: told.n, salt: told.salt, event: told.bytes };
  };
  return { length: events.length, at };
}

function slice<T>(all: { readonly length: number; at(index: number): T | undefined }, from: number): readonly T[] {
  return Array.from({ length: Math.max(0, all.length - from) }, (_, i) => all.at(from + i)).filter(
    (one) => one !== undefined,
  );
}

/** What stands before the erasure, as ids. */
function ghosts(
  { entries, items }: { readonly entries: Growing<AuditEntry>; readonly items: Growing<{ readonly id: Uint8Array }> },
  from: number,
  erasure: number,
): readonly AuditEntry[] {
  return slice(entries, from).map((one) =>
    one.seq < erasure && !isErased(one) ? { ...one, cose: items.at(one.seq - 1)?.id ?? one.cose } : one,
  );
}

function* pages<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += PAGE) yield all.slice(i, i + PAGE);
}
