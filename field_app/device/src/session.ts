/**
 * A device at work: what it has read, folded, and not sent yet. All of it follows from its rows, from which it is read
 * at the start.
 *
 * What changes it does so inside `change`: rows and memory together, one after the other. When that fails, memory is
 * read from the rows again, so that nothing is half done.
 */
import { equal, hex } from "@fieldkeep/core/bytes";
import { type Code, Refused } from "@fieldkeep/core/errors";
import type { PendingLeaf } from "@fieldkeep/core/exchange/view";
import { emptyFold, type Folded, withPending } from "@fieldkeep/core/fold/fold";
import { type SigningKey, signingKey } from "@fieldkeep/core/keys";
import { emptyFile, type File, roleIn } from "@fieldkeep/core/membership/state";
import { EMPTY_ROOT } from "@fieldkeep/core/merkle";
import type { Schemas } from "@fieldkeep/core/record_types";
import { deviceOf, type Registry } from "@fieldkeep/core/registry/state";
import type { Witness } from "@fieldkeep/core/shape";
import { copied, type Identity } from "./identity";
import { load, type Memory, type OpenFile } from "./memory";
import type { Bytes, Rows, Transaction } from "./rows";
import {
  type Alarm,
  alarmRow,
  type Letter,
  letterRow,
  logRow,
  OF,
  ONLY,
  type OutboxItem,
  type Pending,
  pendingRow,
  secretsRow,
  type State,
  stateRow,
  write,
  writeOutbox,
} from "./stored";

export type { OpenFile } from "./memory";

export class Session {
  readonly rows: Rows;
  readonly identity: Identity;
  readonly key: SigningKey;
  readonly schemas: Schemas;
  readonly #now: () => number;
  #memory: Memory;
  #shown = new Map<string, { readonly of: OpenFile; readonly folded: Folded }>();
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(
    rows: Rows,
    identity: Identity,
    key: SigningKey,
    schemas: Schemas,
    now: () => number,
    of: Memory,
  ) {
    [this.rows, this.identity, this.key, this.schemas, this.#now] = [rows, identity, key, schemas, now];
    this.#memory = of;
  }

  static async open(rows: Rows, identity: Identity, schemas: Schemas, now: () => number): Promise<Session> {
    const memory = await load(rows, identity, schemas.types);
    return new Session(rows, identity, await signingKey(identity.sign), schemas, now, memory);
  }

  get memory(): Memory {
    return this.#memory;
  }

  get registry(): Registry {
    return this.#memory.registry;
  }

  get files(): ReadonlyMap<string, OpenFile> {
    return this.#memory.files;
  }

  get outbox(): ReadonlyMap<number, OutboxItem> {
    return this.#memory.outbox;
  }

  get due(): ReadonlyMap<number, PendingLeaf> {
    return this.#memory.due;
  }

  get alarms(): ReadonlyMap<number, Alarm> {
    return this.#memory.alarms;
  }

  /** Letters to the other side that are not sent yet, urgent ones first. */
  get letters(): readonly Letter[] {
    return [...this.#memory.letters.values()].sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.n - b.n);
  }

  get refused(): ReadonlyMap<string, Code> {
    return this.#memory.refused;
  }

  get state(): State {
    return this.#memory.state;
  }

  now(): number {
    return this.#now();
  }

  /** The server's clock, as far as it is known. */
  serverNow(): number {
    return Math.max(0, this.now() + this.state.clock_offset);
  }

  /** The one in force on this side, as far as its registry is here. */
  get incarnation(): Uint8Array {
    return this.registry.root === null ? this.identity.incarnation : this.registry.log.incarnation;
  }

  get witness(): Witness {
    return this.state.checkpoint ?? { incarnation: this.incarnation, size: 0, root: EMPTY_ROOT };
  }

  /** Certified, and neither revoked nor suspended, as far as the registry here goes. */
  get standing(): "in" | "suspended" | "revoked" | "unknown" {
    const me = deviceOf(this.registry, this.identity.device);
    if (me === null) return "unknown";
    return me.revoked !== null ? "revoked" : me.suspended !== null ? "suspended" : "in";
  }

  file(log: Uint8Array): OpenFile {
    const found = this.files.get(hex(log));
    if (found === undefined) throw new Refused("no-such-file", "there is no such file on this phone");
    return found;
  }

  /** A file that this device has nothing of yet. */
  blank(log: Uint8Array): OpenFile {
    return {
      log,
      reading: { file: emptyFile(this.registry, log), absent: [], ids: false },
      secrets: new Map(),
      pending: [],
      stopped: "",
      begun: false,
      creator: null,
      folded: emptyFold(log, this.schemas.types),
    };
  }

  /** Files that have begun and that this person is a member of. */
  get ownFiles(): readonly OpenFile[] {
    return [...this.files.values()].filter(
      ({ reading: { file } }) => file.kind !== null && file.erased === null && this.isMember(file),
    );
  }

  isMember(file: File): boolean {
    return roleIn(file, this.identity.user) !== null;
  }

  /** The records of a file with what is not sent laid over them. */
  recordsOf(log: Uint8Array): Folded {
    const open = this.file(log);
    const known = this.#shown.get(hex(log));
    if (known?.of === open) return known.folded;
    const { device, user } = this.identity;
    const role = roleIn(open.reading.file, user) ?? "";
    const counting = open.pending.filter(({ held }) => held === "").map(({ change }) => change);
    const folded = withPending(open.folded, { device, user, role }, counting);
    this.#shown.set(hex(log), { of: open, folded });
    return folded;
  }

  waiting(log?: Uint8Array): readonly OutboxItem[] {
    const all = [...this.outbox.values()].sort((a, b) => a.n - b.n);
    return log === undefined ? all : all.filter((item) => equal(item.log, log));
  }

  fact(name: string): Bytes | undefined {
    return this.#memory.facts.get(name);
  }

  /** All of it, or nothing: in rows and in memory; with `reads` memory is read from the rows again. */
  change<T>(body: (transaction: Transaction) => Promise<T>, reads = false): Promise<T> {
    const next = this.#queue.then(() => this.#changed(body, reads));
    this.#queue = next.catch(() => undefined);
    return next;
  }

  async #changed<T>(body: (transaction: Transaction) => Promise<T>, reads: boolean): Promise<T> {
    try {
      const done = await this.rows.transaction(body);
      if (reads) await this.#read();
      return done;
    } catch (error) {
      await this.#read();
      throw error;
    }
  }

  async #read(): Promise<void> {
    this.#memory = await load(this.rows, this.identity, this.schemas.types);
    this.#shown = new Map();
  }

  putFile(transaction: Transaction, open: OpenFile): void {
    const key = hex(open.log);
    this.#memory.files.set(key, open);
    const { reading, stopped } = open;
    const absent = reading.absent.map(([seq, part]) => ({ seq, part }));
    transaction.put(OF.logs, key, write(logRow, { absent, ids: reading.ids, stopped }));
    const secrets = [...open.secrets].map(([epoch, secret]) => ({ epoch, secret }));
    transaction.put(OF.secrets, key, write(secretsRow, secrets));
  }

  putPending(transaction: Transaction, log: Uint8Array, changes: readonly Pending[]): void {
    const open = this.file(log);
    const byNumber = new Map([...open.pending, ...changes].map((one) => [one.change.c, one]));
    for (const one of changes) transaction.put(OF.changes(log), one.change.c, write(pendingRow, one));
    const pending = [...byNumber.values()].sort((a, b) => a.change.c - b.change.c);
    this.#memory.files.set(hex(log), { ...open, pending });
  }

  dropPending(transaction: Transaction, log: Uint8Array, numbers: ReadonlySet<number>): void {
    const open = this.file(log);
    for (const c of numbers) transaction.delete(OF.changes(log), c);
    const pending = open.pending.filter(({ change }) => !numbers.has(change.c));
    this.#memory.files.set(hex(log), { ...open, pending });
  }

  /**
   * What an own entry said that counts for nothing is sealed anew, under the same numbers: no reader has folded them.
   */
  sealAgain(transaction: Transaction, log: Uint8Array, n: number): void {
    const sealed = (this.files.get(hex(log))?.pending ?? []).filter((one) => one.outbox === n);
    if (sealed.length === 0) return;
    this.putPending(
      transaction,
      log,
      sealed.map((one) => ({ ...one, outbox: null })),
    );
  }

  putOutbox(transaction: Transaction, item: OutboxItem): void {
    this.#memory.outbox.set(item.n, item);
    transaction.put(OF.outbox, item.n, writeOutbox(item));
  }

  dropOutbox(transaction: Transaction, n: number): void {
    this.#memory.outbox.delete(n);
    transaction.delete(OF.outbox, n);
  }

  putLetter(transaction: Transaction, { n, ...rest }: Letter): void {
    this.#memory.letters.set(n, { ...rest, n });
    transaction.put(OF.letters, n, write(letterRow, rest));
  }

  dropLetter(transaction: Transaction, n: number): void {
    this.#memory.letters.delete(n);
    transaction.delete(OF.letters, n);
  }

  setState(transaction: Transaction, more: Partial<State>): void {
    this.#memory.state = { ...this.state, ...more };
    transaction.put(OF.state, ONLY, write(stateRow, this.state));
  }

  setFact(transaction: Transaction, name: string, content: Uint8Array): void {
    const kept = copied(content);
    this.#memory.facts.set(name, kept);
    transaction.put(OF.facts, name, kept);
  }

  dropFact(transaction: Transaction, name: string): void {
    this.#memory.facts.delete(name);
    transaction.delete(OF.facts, name);
  }

  /**
   * Something that a person has to know; the same of one log is said once, until it was seen. Gives back its number, or
   * null where it was said before.
   */
  alarm(
    transaction: Transaction,
    log: Uint8Array | null,
    seq: number | null,
    code: string,
    text: string,
  ): number | null {
    const ofLog = (one: Alarm): boolean => (log === null ? one.log === null : one.log !== null && equal(one.log, log));
    const same = (one: Alarm): boolean => !one.seen && one.code === code && one.text === text && ofLog(one);
    if ([...this.alarms.values()].some(same)) return null;
    const n = Math.max(0, ...this.alarms.keys()) + 1;
    this.putAlarm(transaction, {
      n,
      at_ms: this.now(),
      log,
      seq,
      code,
      text: [...text].slice(0, 2000).join(""),
      seen: false,
    });
    return n;
  }

  putAlarm(transaction: Transaction, { n, ...rest }: Alarm): void {
    this.#memory.alarms.set(n, { ...rest, n });
    transaction.put(OF.alarms, n, write(alarmRow, rest));
  }
}
