/**
 * Rows in memory, for tests: what a transaction wrote is there when its body has ended, and nothing of it when that
 * fails. `cut` is which transaction from now on fails instead of becoming true, or becomes true and is never heard of.
 */
import type { Bytes, Name, Range, Row, Rows, Transaction } from "../src/rows";

/** What a process that ends in the middle of a transaction is to whoever waited for it. */
export class Cut extends Error {}

const keyOf = (collection: string, name: Name): string => `${collection}\0${typeof name} ${name}`;

export class MemoryRows implements Rows {
  readonly #rows = new Map<string, Row>();
  #queue: Promise<unknown> = Promise.resolve();
  cut: { after: number; readonly kept: boolean } | null = null;

  /** Collections in which these bytes stand anywhere. */
  find(needle: Uint8Array): readonly string[] {
    const has = (content: Uint8Array): boolean => Buffer.from(content).includes(Buffer.from(needle));
    return [...this.#rows.values()].filter(({ content }) => has(content)).map(({ collection }) => collection);
  }

  get size(): number {
    return this.#rows.size;
  }

  get(collection: string, name: Name): Promise<Bytes | undefined> {
    return Promise.resolve(this.#rows.get(keyOf(collection, name))?.content);
  }

  scan(collection: string, { after = -1, limit = Number.POSITIVE_INFINITY }: Range = {}): Promise<readonly Row[]> {
    const found = [...this.#rows.values()].filter(
      (row) => row.collection === collection && (typeof row.name === "string" || row.name > after),
    );
    return Promise.resolve(found.sort((a, b) => Number(a.name) - Number(b.name)).slice(0, limit));
  }

  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    const next = this.#queue
      .catch(() => undefined)
      .then(async () => {
        const writes = new Map<
          string,
          { readonly collection: string; readonly name: Name; readonly content: Bytes | null }
        >();
        const answer = await body({
          get: (collection, name) => {
            const written = writes.get(keyOf(collection, name));
            return written === undefined ? this.get(collection, name) : Promise.resolve(written.content ?? undefined);
          },
          scan: (collection, range) => this.scan(collection, range),
          put: (collection, name, content) =>
            void writes.set(keyOf(collection, name), { collection, name, content: content.slice() }),
          delete: (collection, name) => void writes.set(keyOf(collection, name), { collection, name, content: null }),
        });
        const isCut = this.cut !== null && --this.cut.after <= 0;
        const kept = this.cut?.kept === true;
        if (isCut) this.cut = null;
        if (isCut && !kept) throw new Cut();
        for (const [key, { content, ...where }] of writes) {
          if (content === null) this.#rows.delete(key);
          else this.#rows.set(key, { ...where, content });
        }
        if (isCut) throw new Cut();
        return answer;
      });
    this.#queue = next;
    return next;
  }
}
