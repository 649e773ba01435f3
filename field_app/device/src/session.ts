/**
 * A device at work: what it has read, folded, and not sent yet. All of it follows from its rows, from which it is read at the start.
 *
 * What changes it does so inside `change`: rows and memory together. When that fails, memory is read from the rows again, so that
 * nothing is half done.
 */
import { equal, fromHex, hex } from "@fieldkeep/core/bytes";
import { decodeEntry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { believed, type FileReading } from "@fieldkeep/core/exchange/file_page";
import type { Told } from "@fieldkeep/core/exchange/served";
import { emptyFold, fold, type Folded, withPending } from "@fieldkeep/core/fold/fold";
import { type SigningKey, signingKey } from "@fieldkeep/core/keys";
import { seqOf } from "@fieldkeep/core/log";
import { emptyFile, type File, roleIn } from "@fieldkeep/core/membership/state";
import { BEHIND, readFileEntry } from "@fieldkeep/core/membership/take";
import { EMPTY_ROOT } from "@fieldkeep/core/merkle";
import type { Schemas } from "@fieldkeep/core/record_types";
import { deviceOf, emptyRegistry, type Registry } from "@fieldkeep/core/registry/state";
import { readRegistryEntry } from "@fieldkeep/core/registry/take";
import type { Witness } from "@fieldkeep/core/shape";
import type { Identity } from "./identity";
import { placedOf, type Stored } from "./placing";
import type { Rows, Transaction } from "./rows";
import {
  type Alarm, alarmRow, type Due, dueRow, entryRow, FIRST_STATE, logRow, OF, ONLY, type OutboxItem, outboxRow, type Pending, pendingRow, read,
  secretsRow, type State, stateRow, write,
} from "./stored";

/** One file as this device has it. */
export interface OpenFile {
  readonly log: Uint8Array;
  readonly reading: FileReading;
  readonly secrets: ReadonlyMap<number, Uint8Array>;
  /** The log alone; `recordsOf` lays over it what is not sent. */
  readonly folded: Folded;
  readonly pending: readonly Pending[];
  /** Why nothing more is taken of this log; empty where all is well. */
  readonly stopped: string;
}

export class Session {
  readonly rows: Rows;
  readonly identity: Identity;
  readonly key: SigningKey;
  readonly schemas: Schemas;
  readonly #now: () => number;
  registry: Registry;
  registryStopped = "";
  readonly files = new Map<string, OpenFile>();
  readonly outbox = new Map<number, OutboxItem>();
  readonly due = new Map<number, Due>();
  readonly alarms = new Map<number, Alarm>();
  /** Entry ids by audit leaf, roots by size, refusals by entry: what the server has said before. */
  readonly leaves = new Map<number, string>();
  readonly roots = new Map<number, string>();
  readonly refused = new Map<string, string>();
  readonly promised = new Map<string, Map<number, string>>();
  state: State = FIRST_STATE;
  #shown = new Map<string, { readonly of: OpenFile; readonly folded: Folded }>();

  private constructor(rows: Rows, identity: Identity, key: SigningKey, schemas: Schemas, now: () => number) {
    [this.rows, this.identity, this.key, this.schemas, this.#now] = [rows, identity, key, schemas, now];
    this.registry = emptyRegistry(identity.svc, identity.side, identity.authority);
  }

  static async open(rows: Rows, identity: Identity, schemas: Schemas, now: () => number): Promise<Session> {
    const session = new Session(rows, identity, await signingKey(identity.sign), schemas, now);
    await session.load();
    return session;
  }

  now(): number {
    return this.#now();
  }

  /** The server's clock, as far as it is known. */
  serverNow(): number {
    return this.now() + this.state.clock_offset;
  }

  get witness(): Witness {
    return this.state.checkpoint ?? { incarnation: this.identity.incarnation, size: 0, root: EMPTY_ROOT };
  }

  told(log: Uint8Array): Told {
    return { roots: this.roots, leaves: this.leaves, refused: this.refused, promised: this.promised.get(hex(log)) ?? new Map() };
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

  /** Files that have begun and that this person is a member of. */
  get ownFiles(): readonly OpenFile[] {
    return [...this.files.values()].filter(({ reading: { file } }) => file.kind !== null && file.erased === null && this.isMember(file));
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
    const folded = withPending(open.folded, { device, user, role }, open.pending.map(({ change }) => change));
    this.#shown.set(hex(log), { of: open, folded });
    return folded;
  }

  waiting(log?: Uint8Array): readonly OutboxItem[] {
    const all = [...this.outbox.values()].sort((a, b) => a.n - b.n);
    return log === undefined ? all : all.filter((item) => equal(item.log, log));
  }

  // --- changing ----------------------------------------------------------------------------------------------------------

  /** All of it, or nothing: in rows and in memory. */
  async change<T>(body: (transaction: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.rows.transaction(body);
    } catch (error) {
      await this.load();
      throw error;
    }
  }

  putFile(transaction: Transaction, open: OpenFile): void {
    this.files.set(hex(open.log), open);
    const { reading, stopped } = open;
    const absent = reading.absent.map(([seq, part]) => ({ seq, part }));
    transaction.put(OF.logs, hex(open.log), write(logRow, { absent, ids: reading.ids, stopped }));
    transaction.put(OF.secrets, hex(open.log), write(secretsRow, [...open.secrets].map(([epoch, secret]) => ({ epoch, secret }))));
  }

  putPending(transaction: Transaction, log: Uint8Array, changes: readonly Pending[]): void {
    const open = this.file(log);
    const byNumber = new Map([...open.pending, ...changes].map((one) => [one.change.c, one]));
    for (const one of changes) transaction.put(OF.changes(log), one.change.c, write(pendingRow, one));
    this.files.set(hex(log), { ...open, pending: [...byNumber.values()].sort((a, b) => a.change.c - b.change.c) });
  }

  dropPending(transaction: Transaction, log: Uint8Array, numbers: ReadonlySet<number>): void {
    const open = this.file(log);
    for (const c of numbers) transaction.delete(OF.changes(log), c);
    this.files.set(hex(log), { ...open, pending: open.pending.filter(({ change }) => !numbers.has(change.c)) });
  }

  putOutbox(transaction: Transaction, item: OutboxItem): void {
    this.outbox.set(item.n, item);
    const { n, ...rest } = item;
    transaction.put(OF.outbox, n, write(outboxRow, rest));
  }

  dropOutbox(transaction: Transaction, n: number): void {
    this.outbox.delete(n);
    transaction.delete(OF.outbox, n);
  }

  setState(transaction: Transaction, more: Partial<State>): void {
    this.state = { ...this.state, ...more };
    transaction.put(OF.state, ONLY, write(stateRow, this.state));
  }

  /** Something that a person has to know; the same of one log is said once, until it was seen. */
  alarm(transaction: Transaction, log: Uint8Array | null, seq: number | null, code: string, text: string): void {
    const same = (one: Alarm): boolean => !one.seen && one.code === code && one.text === text && (log === null ? one.log === null : one.log !== null && equal(one.log, log));
    if ([...this.alarms.values()].some(same)) return;
    const n = Math.max(0, ...this.alarms.keys()) + 1;
    this.putAlarm(transaction, { n, at_ms: this.now(), log, seq, code, text, seen: false });
  }

  putAlarm(transaction: Transaction, alarm: Alarm): void {
    this.alarms.set(alarm.n, alarm);
    const { n, ...rest } = alarm;
    transaction.put(OF.alarms, n, write(alarmRow, rest));
  }

  // --- reading -----------------------------------------------------------------------------------------------------------

  /** Everything from the rows. What was verified when it came is believed. */
  async load(): Promise<void> {
    for (const table of [this.files, this.outbox, this.due, this.alarms, this.leaves, this.roots, this.refused, this.promised]) table.clear();
    this.#shown = new Map();
    const { rows } = this;
    const state = await rows.get(OF.state, ONLY);
    this.state = state === undefined ? FIRST_STATE : read(stateRow, state);
    for (const { name, content } of await rows.scan(OF.outbox)) this.outbox.set(Number(name), { ...read(outboxRow, content), n: Number(name) });
    for (const { name, content } of await rows.scan(OF.due)) this.due.set(Number(name), read(dueRow, content));
    for (const { name, content } of await rows.scan(OF.alarms)) this.alarms.set(Number(name), { ...read(alarmRow, content), n: Number(name) });
    for (const { name, content } of await rows.scan(OF.roots)) this.roots.set(Number(name), hex(content));
    for (const { name, content } of await rows.scan(OF.refused)) this.refused.set(String(name), new TextDecoder().decode(content));
    await this.#loadRegistry();
    for (const { name } of await rows.scan(OF.logs)) if (String(name) !== hex(this.registry.log.log)) await this.#loadFile(fromHex(String(name)));
  }

  async #loadRegistry(): Promise<void> {
    const { svc, side, authority } = this.identity;
    this.registry = emptyRegistry(svc, side, authority);
    const { log } = this.registry.log;
    this.registryStopped = (await this.#logRow(log)).stopped;
    for (const { name, content } of await this.rows.scan(OF.entries(log))) {
      const { pair, received_ms, leaf } = read(entryRow, content);
      const entry = decodeEntry(pair);
      this.registry = (await readRegistryEntry(this.registry, entry, received_ms, believed)).registry;
      if (seqOf(this.registry.log) !== Number(name)) throw new Error("a registry's entries have a gap");
      this.leaves.set(leaf, hex(entry.id));
    }
    await this.#loadPromised(log);
  }

  async #loadFile(log: Uint8Array): Promise<void> {
    const { absent, ids, stopped } = await this.#logRow(log);
    const secrets = await this.rows.get(OF.secrets, hex(log));
    let file = emptyFile(this.registry, log);
    const stored: Stored[] = [];
    for (const { name, content } of await this.rows.scan(OF.entries(log))) {
      const kept = read(entryRow, content);
      const entry = decodeEntry(kept.pair);
      const taken = await readFileEntry(this.registry, file, entry, kept.received_ms, believed);
      if (taken === BEHIND) throw new Error("a file's entry relies on a registry that is not here");
      file = taken.file;
      if (seqOf(file.log) !== Number(name)) throw new Error("a file's entries have a gap");
      this.leaves.set(kept.leaf, hex(entry.id));
      stored.push({ seq: Number(name), row: kept, entry });
    }
    const pending = (await this.rows.scan(OF.changes(log))).map(({ content }) => read(pendingRow, content));
    this.files.set(hex(log), {
      log, reading: { file, absent: absent.map(({ seq, part }) => [seq, part] as const), ids }, stopped, pending,
      secrets: new Map((secrets === undefined ? [] : read(secretsRow, secrets)).map(({ epoch, secret }) => [epoch, secret])),
      folded: fold(log, this.schemas.types, placedOf(stored, file.expunged)),
    });
    await this.#loadPromised(log);
  }

  async #loadPromised(log: Uint8Array): Promise<void> {
    const found = await this.rows.scan(OF.promised(log));
    if (found.length > 0) this.promised.set(hex(log), new Map(found.map(({ name, content }) => [Number(name), hex(content)])));
  }

  async #logRow(log: Uint8Array): Promise<ReturnType<typeof logRow.read>> {
    const content = await this.rows.get(OF.logs, hex(log));
    return content === undefined ? { absent: [], ids: false, stopped: "" } : read(logRow, content);
  }

  /** A file that this device has nothing of yet. */
  blank(log: Uint8Array): OpenFile {
    return {
      log, reading: { file: emptyFile(this.registry, log), absent: [], ids: false }, secrets: new Map(), pending: [], stopped: "",
      folded: emptyFold(log, this.schemas.types),
    };
  }
}
