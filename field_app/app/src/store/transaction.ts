/**
 * What a transaction of the store reads and writes: writes are remembered, and made true by the store when the body ends.
 */
import type { Bytes, Name, Row } from "./sealing";

export interface Range {
  /** Rows whose number is greater; of a collection whose names are numbers. */
  readonly after?: number;
  readonly limit?: number;
}

export interface Reading {
  get(collection: string, name: Name): Promise<Bytes | undefined>;
  /** Numbers in rising order; rows with names in no order. */
  scan(collection: string, range?: Range): Promise<readonly Row[]>;
}

export interface Transaction extends Reading {
  put(collection: string, name: Name, content: Bytes): void;
  delete(collection: string, name: Name): void;
}

export interface Write {
  readonly collection: string;
  readonly name: Name;
  readonly content: Bytes | undefined;
}

export class Writes implements Transaction {
  readonly #store: Reading;
  readonly #writes = new Map<string, Write>();

  constructor(store: Reading) {
    this.#store = store;
  }

  get all(): readonly Write[] {
    return [...this.#writes.values()];
  }

  async get(collection: string, name: Name): Promise<Bytes | undefined> {
    const written = this.#writes.get(writeId(collection, name));
    return written === undefined ? this.#store.get(collection, name) : written.content;
  }

  async scan(collection: string, range?: Range): Promise<readonly Row[]> {
    if (this.all.some((written) => written.collection === collection)) {
      throw new Error("a transaction scans a collection before it writes in it");
    }
    return this.#store.scan(collection, range);
  }

  put(collection: string, name: Name, content: Bytes): void {
    this.#writes.set(writeId(collection, name), { collection, name, content });
  }

  delete(collection: string, name: Name): void {
    this.#writes.set(writeId(collection, name), { collection, name, content: undefined });
  }
}

const writeId = (collection: string, name: Name): string => `${typeof name} ${collection}\0${name}`;
