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

export interface Keyring extends Cost {
  readonly v: 1;
  readonly salt: Bytes;
  /** A key that the browser keeps and no script can read. What it opens is still under the passphrase. */
  readonly deviceKey: CryptoKey;
  /** The store key, under the passphrase's key, under the device's key. */
  readonly wrapped: Bytes;
  readonly attempts: Attempts;
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
