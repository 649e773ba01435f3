/**
 * The store: everything that this app keeps on the phone, sealed (docs/spec.md §13).
 *
 * It is empty until there is a passphrase, locked until somebody gives it, and open until it is locked again. While it is
 * locked, there is no key in memory. Only `transaction` changes anything: what its body writes becomes true all at once when
 * the browser's own transaction ends, or not at all. The browser's transactions do not wait for cryptography, so reads come
 * first, then sealing, and then one transaction that writes; transactions of a store run one after the other, and there is
 * one writer among the windows (turn.ts).
 */
import { type Attempts, NO_ATTEMPTS, counted, waitLeft } from "./attempts";
import { type Boxes, type Durability, type Keyring, ONLY, type WaitingRequest } from "./database";
import { Disk } from "./disk";
import { newStoreKey, type Own, ownOf, unwrap, wrap } from "./keyring";
import { StoreRefusal } from "./refusal";
import {
  type Bytes,
  type Keys,
  type Name,
  type Row,
  collectionKey,
  deriveKeys,
  joined,
  numberKey,
  openRow,
  rowKey,
  sealRow,
} from "./sealing";
import { type Range, type Reading, type Transaction, type Write, Writes } from "./transaction";
import { type Turn, takeOver, takeTurn } from "./turn";

export type State = "empty" | "locked" | "open" | "elsewhere";

interface Opened {
  readonly storeKey: Bytes;
  readonly keys: Keys;
  readonly own: Own;
}

/** Makes the boxes of a store key: for everybody who may help, or for nobody. */
export type SealBoxes = (storeKey: Bytes) => Promise<Boxes | undefined>;

const END_OF_COLLECTION = new Uint8Array(17).fill(0xff);

export class Store implements Reading {
  readonly #name: string;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #beforeLock = new Set<() => Promise<void>>();
  readonly #disk: Disk;
  #opened: Opened | undefined;
  #keyring: Keyring | undefined;
  #turn: Turn | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(name: string, now: () => number, disk: Disk, keyring: Keyring | undefined) {
    this.#name = name;
    this.#now = now;
    this.#disk = disk;
    this.#keyring = keyring;
  }

  /** The store of that name, which is made where there is none, and the turn to write in it if nobody has that. */
  static async open(name: string, now: () => number): Promise<Store> {
    let gone = (): void => undefined;
    const disk = await Disk.open(name, () => gone());
    const store = new Store(name, now, disk, await disk.keyring());
    gone = () => store.#drop();
    await store.#begin(await takeTurn(name, () => store.lock()));
    return store;
  }

  get state(): State {
    if (this.#turn === undefined) return "elsewhere";
    if (this.#opened !== undefined) return "open";
    return this.#keyring === undefined ? "empty" : "locked";
  }

  get attempts(): Attempts {
    return this.#keyring?.attempts ?? NO_ATTEMPTS;
  }

  /** The key of everything, for those who may help when the passphrase is forgotten (docs/spec.md §13.3). */
  get secret(): Bytes {
    return this.#need().storeKey;
  }

  /** Who may help to open this store, and their boxes: also while it is locked. */
  get help(): Boxes | undefined {
    return this.#keyring?.help;
  }

  /** The request for help that waits, whether or not its hour is over. */
  get request(): WaitingRequest | undefined {
    return this.#keyring?.request;
  }

  /** Told whenever `state` changes. Gives back how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What has to be written before the keys go, and is awaited. Gives back how to stop. */
  beforeLock(finish: () => Promise<void>): () => void {
    this.#beforeLock.add(finish);
    return () => this.#beforeLock.delete(finish);
  }

  /** Takes the turn from whichever window has it. */
  async takeOver(): Promise<void> {
    if (this.#turn !== undefined) return;
    const turn = await takeOver(this.#name, () => this.lock());
    this.#keyring = await this.#disk.keyring();
    await this.#begin(turn);
  }

  /** A new store under `passphrase`, which opens. Raises StoreRefusal `exists`, `too-short`. */
  async create(passphrase: string): Promise<void> {
    this.#needTurn();
    if (this.#keyring !== undefined) throw new StoreRefusal("exists", "there is a store on this phone");
    const storeKey = newStoreKey();
    const own = await ownOf(passphrase);
    await this.#replaceKeyring(await wrap(storeKey, own, undefined));
    await this.#become(storeKey, own);
  }

  /** Raises StoreRefusal `wait`, `wrong-passphrase`, `damaged`. A try is on disk before it is made. */
  async unlock(passphrase: string): Promise<void> {
    if (this.state === "open") return;
    const { storeKey, own } = await this.#tried(passphrase);
    await this.#become(storeKey, own);
  }

  /** Keeps a request for help, in the place of an earlier one. */
  async keepRequest(request: WaitingRequest): Promise<void> {
    this.#needTurn();
    if (this.#keyring === undefined || this.#opened !== undefined) throw new StoreRefusal("locked", "only what is locked needs help");
    await this.#replaceKeyring({ ...this.#keyring, request });
  }

  /**
   * Opens with a key that a helper has given back: one of `candidates`. `judge` reads the store, and may write in it, before
   * anybody sees it open; it raises what it has against whoever helped, and then nothing is changed. After that the store has
   * another key, for the old one has left the phone, and the passphrase of `own`. Raises StoreRefusal `damaged`.
   */
  async recover(candidates: readonly Bytes[], own: Own, judge: () => Promise<SealBoxes>): Promise<void> {
    this.#needTurn();
    const opened = await this.#openedBy(candidates, own);
    if (opened === undefined) throw new StoreRefusal("damaged", "what the helper sent does not open this phone");
    this.#opened = opened; // told to nobody before it is judged
    try {
      await this.changeStoreKey(await judge());
    } catch (error) {
      this.#forget();
      throw error;
    }
    this.#tell();
  }

  async #openedBy(candidates: readonly Bytes[], own: Own): Promise<Opened | undefined> {
    const [first] = await this.#disk.rows(undefined, 1);
    for (const storeKey of candidates) {
      const keys = await deriveKeys(storeKey);
      const opens = first !== undefined && (await openRow(keys, first.at, first.sealed).then(() => true, () => false));
      if (opens) return { storeKey: storeKey.slice(), keys, own };
    }
    return undefined;
  }

  /** Raises what `unlock` raises, and `too-short`. Nothing but the keyring is written anew. */
  async changePassphrase(present: string, next: string): Promise<void> {
    this.#need();
    const own = await ownOf(next);
    await this.#inTurn(async () => {
      const { storeKey } = await this.#tried(present);
      await this.#replaceKeyring(await wrap(storeKey, own, this.#keyring?.help));
      storeKey.fill(0);
      if (this.#opened !== undefined) this.#opened = { ...this.#opened, own };
    });
  }

  /** Has these boxes, and no others. */
  async putBoxes(seal: SealBoxes): Promise<void> {
    await this.#inTurn(async () => {
      const help = await seal(this.#need().storeKey);
      if (this.#keyring !== undefined) await this.#replaceKeyring({ ...this.#keyring, help });
    });
  }

  /** Another store key, under the same passphrase: every row is sealed anew, and all of it becomes true in one transaction, its boxes too. */
  async changeStoreKey(seal: SealBoxes): Promise<void> {
    await this.#inTurn(async () => {
      const before = this.#need();
      const storeKey = newStoreKey();
      const [keys, keyring] = await Promise.all([deriveKeys(storeKey), wrap(storeKey, before.own, await seal(storeKey))]);
      const rows = await Promise.all(
        (await this.#disk.rows()).map(async ({ at, sealed }) => {
          const row = await openRow(before.keys, at, sealed);
          const place = await rowKey(keys, row.collection, row.name);
          return { at: place, sealed: await sealRow(keys, place, row) };
        }),
      );
      await this.#disk.write("strict", (rowTable, keyringTable) => [
        rowTable.clear(),
        ...rows.map(({ at, sealed }) => rowTable.put(sealed, at.buffer)),
        keyringTable.put(keyring, ONLY),
      ]);
      this.#keyring = keyring;
      if (this.#opened !== before) return; // it was locked meanwhile, and stays so
      before.storeKey.fill(0);
      this.#opened = { storeKey, keys, own: before.own };
    });
  }

  /** Forgets the keys. What waits to be written is written first; whatever comes of that, the keys go. */
  async lock(): Promise<void> {
    if (this.#opened === undefined) return;
    await Promise.allSettled([...this.#beforeLock].map((finish) => finish()));
    await this.#queue.catch(() => undefined);
    this.#forget();
  }

  /** Forgets the keys at once, and writes nothing more. */
  lockNow(): void {
    if (this.#opened !== undefined) this.#forget();
  }

  /** Removes everything, for good: the keyring first, without which nothing of the rest opens. */
  async destroy(): Promise<void> {
    this.#needTurn();
    this.#forget();
    await this.#disk.write("strict", (rows, keyring) => [keyring.clear(), rows.clear()]);
    this.#keyring = undefined;
    this.#tell();
  }

  async get(collection: string, name: Name): Promise<Bytes | undefined> {
    const { keys } = this.#need();
    const at = await rowKey(keys, collection, name);
    const sealed = await this.#disk.row(at);
    return sealed && (await openRow(keys, at, sealed)).content;
  }

  async scan(collection: string, range: Range = {}): Promise<readonly Row[]> {
    const { keys } = this.#need();
    const first = await collectionKey(keys, collection);
    const lower = range.after === undefined ? first : joined(first, numberKey(range.after));
    const within = IDBKeyRange.bound(lower.buffer, joined(first, END_OF_COLLECTION).buffer, true, true);
    const found = await this.#disk.rows(within, range.limit);
    return Promise.all(found.map(({ at, sealed }) => openRow(keys, at, sealed)));
  }

  /**
   * Runs `body`, and makes true what it wrote when it ends; nothing of it when it raises. It reads its own writes by `get`.
   * Raises StoreRefusal `locked`, `elsewhere`, `full`.
   */
  transaction<T>(body: (transaction: Transaction) => Promise<T>, durability: Durability = "strict"): Promise<T> {
    return this.#inTurn(async () => {
      const { keys } = this.#need();
      const writes = new Writes(this);
      const answer = await body(writes);
      await this.#commit(keys, writes.all, durability);
      return answer;
    });
  }

  async #commit(keys: Keys, writes: readonly Write[], durability: Durability): Promise<void> {
    if (writes.length === 0) return;
    const rows = await Promise.all(
      writes.map(async ({ collection, name, content }) => {
        const at = await rowKey(keys, collection, name);
        return { at, sealed: content && (await sealRow(keys, at, { collection, name, content })) };
      }),
    );
    await this.#disk.write(durability, (table) =>
      rows.map(({ at, sealed }) => (sealed === undefined ? table.delete(at.buffer) : table.put(sealed, at.buffer))),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#queue.catch(() => undefined).then(work);
    this.#queue = next;
    return next;
  }

  async #tried(passphrase: string): Promise<{ readonly storeKey: Bytes; readonly own: Own }> {
    this.#needTurn();
    const keyring = this.#keyring;
    if (keyring === undefined) throw new StoreRefusal("locked", "there is no store on this phone yet");
    const now = this.#now();
    const wait = waitLeft(keyring.attempts, now);
    if (wait > 0) throw new StoreRefusal("wait", `wait ${Math.ceil(wait / 1000)} seconds`);
    await this.#replaceKeyring({ ...keyring, attempts: counted(keyring.attempts, now) });
    const found = await unwrap(keyring, passphrase);
    if (found === undefined) throw new StoreRefusal("wrong-passphrase", "that is not the passphrase");
    await this.#replaceKeyring({ ...keyring, attempts: NO_ATTEMPTS, request: undefined }); // whoever opens it needs no help
    return found;
  }

  async #replaceKeyring(keyring: Keyring): Promise<void> {
    await this.#disk.write("strict", (_rows, table) => [table.put(keyring, ONLY)]);
    this.#keyring = keyring;
  }

  async #become(storeKey: Bytes, own: Own): Promise<void> {
    const keys = await deriveKeys(storeKey);
    this.#needTurn(); // it may be over since the passphrase was typed
    this.#opened = { storeKey, keys, own };
    this.#tell();
  }

  async #begin(turn: Turn | undefined): Promise<void> {
    if (turn !== undefined) {
      await this.#disk.beginTurn();
      this.#turn = turn;
      void turn.over.then(() => this.#drop());
    }
    this.#tell();
  }

  /** The turn is over, or the database: nothing may be shown or written from here. */
  #drop(): void {
    this.#turn = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#opened?.storeKey.fill(0);
    this.#opened = undefined;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #needTurn(): void {
    if (this.#turn === undefined) throw elsewhere();
  }

  #need(): Opened {
    this.#needTurn();
    if (this.#opened === undefined) throw locked();
    return this.#opened;
  }
}

const locked = (): StoreRefusal => new StoreRefusal("locked", "the store is locked");
const elsewhere = (): StoreRefusal => new StoreRefusal("elsewhere", "another window has the store");
