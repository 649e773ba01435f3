/**
 * A log: its chain, its authors' own order, and what an author claims to have seen.
 *
 * Spec 3, 3.1 rule 7. Vectors: log.
 */
import { equal, hex } from "./bytes";
import type { Entry } from "./entry";
import { type Code, Refused } from "./errors";
import { chainNext, chainStart } from "./ids";
import type { Head } from "./shape";

/** An author's last entry that counts. */
export interface AuthorHead {
  readonly author: Uint8Array;
  readonly sq: number;
  readonly id: Uint8Array;
}

/** A list that only grows: the newest version shares its items with the older ones, which keep their own length. */
export class Growing<T> {
  readonly #items: T[];
  readonly length: number;

  private constructor(items: T[], length: number) {
    this.#items = items;
    this.length = length;
  }

  static of<T>(...items: readonly T[]): Growing<T> {
    return new Growing([...items], items.length);
  }

  at(index: number): T | undefined {
    return index >= 0 && index < this.length ? this.#items[index] : undefined;
  }

  with(item: T): Growing<T> {
    const shared = this.#items.length === this.length ? this.#items : this.#items.slice(0, this.length);
    shared.push(item);
    return new Growing(shared, shared.length);
  }
}

export interface Log {
  readonly log: Uint8Array;
  readonly incarnation: Uint8Array;
  /** chain[0], chain[1], … */
  readonly chains: Growing<Uint8Array>;
  readonly received_ms: number;
  /** By the author's id in hexadecimal. */
  readonly authors: ReadonlyMap<string, AuthorHead>;
}

export function emptyLog(log: Uint8Array, incarnation: Uint8Array): Log {
  return Object.freeze({
    log,
    incarnation,
    chains: Growing.of(chainStart(log)),
    received_ms: 0,
    authors: new Map<string, AuthorHead>(),
  });
}

export function seqOf(log: Log): number {
  return log.chains.length - 1;
}

export function chainOf(log: Log): Uint8Array {
  return log.chains.at(seqOf(log)) ?? chainStart(log.log);
}

export function headOf(log: Log): Head {
  return { incarnation: log.incarnation, seq: seqOf(log), chain: chainOf(log) };
}

/** The next place of the chain; `counts` is whether the entry becomes its author's last. */
export function append(log: Log, entry: Entry, receivedMs: number, counts: boolean): Log {
  return appendId(
    log,
    entry.id,
    receivedMs,
    counts ? { author: entry.header.kid, sq: entry.header.sq, id: entry.id } : null,
  );
}

/** The same of an entry of which nothing but the id is known (spec 7.10). */
export function appendId(log: Log, id: Uint8Array, receivedMs: number, last: AuthorHead | null): Log {
  if (receivedMs < log.received_ms) throw new Refused("contradiction", "time runs backwards in a log");
  const chains = log.chains.with(chainNext(chainOf(log), seqOf(log) + 1, receivedMs, id));
  const authors = last === null ? log.authors : new Map([...log.authors, [hex(last.author), last]]);
  return Object.freeze({ ...log, chains, received_ms: receivedMs, authors });
}

/** The code for which an entry is not its author's next, or null. */
export function orderCode(log: Log, entry: Entry): Code | null {
  const { kid, sq, pv } = entry.header;
  const last = log.authors.get(hex(kid));
  const next = (last?.sq ?? 0) + 1;
  if (sq > next) return "after-predecessor";
  if (sq < next) return "clone-detected";
  const follows = last === undefined ? pv === null : pv !== null && equal(pv, last.id);
  return follows ? null : "clone-detected";
}

export function checkAuthorOrder(log: Log, entry: Entry): void {
  const code = orderCode(log, entry);
  if (code !== null) throw new Refused(code, `number ${entry.header.sq} is not its author's next`);
}

export function isAddressed(entry: Entry, svc: Uint8Array, log: Uint8Array): boolean {
  return equal(entry.header.svc, svc) && equal(entry.header.log, log);
}

/** Refuses as `malformed` what was signed for another service or log. */
export function checkAddress(entry: Entry, svc: Uint8Array, log: Uint8Array): void {
  if (!isAddressed(entry, svc, log)) throw new Refused("malformed", "signed for another service or log");
}

/** Whether a head lies on this log's chain, whatever incarnation it names: a chain says the same in all. */
export function liesOn(log: Log, head: Head): boolean {
  const chain = log.chains.at(head.seq);
  return chain !== undefined && equal(chain, head.chain);
}

/** Refuses as `contradiction` an entry, about to take the next place, whose author saw another history of this log. */
export function checkSeen(log: Log, entry: Entry): void {
  if (!liesOn(log, entry.header.sn)) {
    throw new Refused("contradiction", "the author saw another history of this log");
  }
}
