/**
 * The database as the store uses it: rows that are sealed already, the keyring, and the number of the turn.
 *
 * A window that lost its turn while it was frozen must not write. So each transaction that writes looks first whether the
 * number on disk is still the one that this window has.
 */
import { type Database, type Durability, type Keyring, type Keyrings, ONLY, type Rows, openDatabase } from "./database";
import { StoreRefusal } from "./refusal";
import type { Bytes } from "./sealing";

export interface SealedRow {
  readonly at: Bytes;
  readonly sealed: Bytes;
}

export class Disk {
  readonly #database: Database;
  #turn = 0;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(name: string, onGone: () => void): Promise<Disk> {
    return new Disk(await openDatabase(name, onGone));
  }

  /** From here on this window is the one that writes. */
  async beginTurn(): Promise<void> {
    const transaction = this.#database.transaction("turn", "readwrite", { durability: "strict" });
    this.#turn = ((await transaction.store.get(ONLY)) ?? 0) + 1;
    await transaction.store.put(this.#turn, ONLY);
    await transaction.done;
  }

  keyring(): Promise<Keyring | undefined> {
    return this.#database.get("keyring", ONLY);
  }

  row(at: Bytes): Promise<Bytes | undefined> {
    return this.#database.get("rows", at.buffer);
  }

  async rows(within?: IDBKeyRange, limit?: number): Promise<readonly SealedRow[]> {
    const { store } = this.#database.transaction("rows");
    const [places, values] = await Promise.all([store.getAllKeys(within, limit), store.getAll(within, limit)]);
    return places.map((place, index) => {
      const sealed = values[index];
      if (sealed === undefined) throw new StoreRefusal("damaged", "a row has a key and no value");
      return { at: new Uint8Array(place), sealed };
    });
  }

  /** One transaction of the browser. Raises StoreRefusal `elsewhere`, `full`. */
  async write(durability: Durability, work: (rows: Rows, keyring: Keyrings) => readonly Promise<unknown>[]): Promise<void> {
    const transaction = this.#database.transaction(["rows", "keyring", "turn"], "readwrite", { durability });
    const done = transaction.done.catch(refuseFull);
    if ((await transaction.objectStore("turn").get(ONLY)) !== this.#turn) {
      transaction.abort();
      await done.catch(() => undefined);
      throw new StoreRefusal("elsewhere", "another window has the store");
    }
    for (const request of work(transaction.objectStore("rows"), transaction.objectStore("keyring"))) {
      request.catch(() => undefined); // a request that fails ends the transaction, and that is what is awaited
    }
    await done; // from here on it is true
  }
}

function refuseFull(error: unknown): never {
  if (error instanceof DOMException && error.name === "QuotaExceededError") {
    throw new StoreRefusal("full", "the browser gives this app no more room");
  }
  throw error;
}
