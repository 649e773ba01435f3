/**
 * Where a device keeps what it has: rows under a collection and a name. Who seals them, and where they lie, is
 * somebody else's.
 *
 * A transaction becomes true all at once when its body ends, or not at all. It reads its own writes by `get`, and
 * scans a collection before it writes in it.
 */
export type Bytes = Uint8Array<ArrayBuffer>;
export type Name = string | number;

export interface Row {
  readonly collection: string;
  readonly name: Name;
  readonly content: Bytes;
}

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

export interface Rows extends Reading {
  transaction<T>(body: (transaction: Transaction) => Promise<T>): Promise<T>;
}
