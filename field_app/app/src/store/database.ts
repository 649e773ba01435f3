/**
 * The browser's database: two object stores, whose names and keys say nothing about what is in them.
 *
 * `keyring` holds one value, and `turn` who writes; `rows` holds everything else, sealed. Whatever matters is written with
 * strict durability: the browser says that it is done when the disk has it.
 */
import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from "idb";
import type { Attempts } from "./attempts";
import type { Cost } from "./argon";
import type { Bytes } from "./sealing";

/** Something short under a passphrase's key. */
export interface Wrapped extends Cost {
  readonly salt: Bytes;
  /** A key that the browser keeps and no script can read. What it opens is still under the passphrase. */
  readonly deviceKey: CryptoKey;
  /** What is wrapped, under the passphrase's key, under the device's key. */
  readonly wrapped: Bytes;
}

/** The store key, sealed to a recipient who may help to open the store (docs/spec.md §13.3). */
export interface Box {
  readonly to: Bytes;
  readonly sealed: Bytes;
}

/** Boxes lie outside of what is sealed, for a locked phone has to hand them out. */
export interface Boxes {
  readonly device: Bytes;
  readonly boxes: readonly Box[];
}

/** A request for help that waits: what was sent, and the seed of its key under the new passphrase (docs/spec.md §13.4). */
export interface WaitingRequest extends Wrapped {
  readonly request: Bytes;
}

/** `wrapped` is the store key. */
export interface Keyring extends Wrapped {
  readonly v: 1;
  readonly attempts: Attempts;
  readonly help?: Boxes | undefined;
  readonly request?: WaitingRequest | undefined;
}

interface Tables extends DBSchema {
  readonly keyring: { key: string; value: Keyring };
  readonly turn: { key: string; value: number };
  readonly rows: { key: ArrayBuffer; value: Bytes };
}

export type Database = IDBPDatabase<Tables>;
type Written = ["rows", "keyring", "turn"];
export type Rows = IDBPObjectStore<Tables, Written, "rows", "readwrite">;
export type Keyrings = IDBPObjectStore<Tables, Written, "keyring", "readwrite">;
export type Durability = "strict" | "relaxed";

export const ONLY = "0";

/** Opens the database. `onGone` is told when the browser has closed it, for instance because its data were cleared. */
export function openDatabase(name: string, onGone: () => void): Promise<Database> {
  return openDB<Tables>(name, 1, {
    upgrade(database) {
      database.createObjectStore("keyring");
      database.createObjectStore("turn");
      database.createObjectStore("rows");
    },
    blocking(_current, _blocked, event) {
      const { target } = event;
      if (target instanceof IDBDatabase) target.close();
      onGone();
    },
    terminated: onGone,
  });
}
