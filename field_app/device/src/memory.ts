/** What a device has read, in memory: all of it follows from its rows. */
import { fromHex, hex } from "@fieldkeep/core/bytes";
import { decodeEntry, type Entry } from "@fieldkeep/core/entry";
import { type Code, Refused } from "@fieldkeep/core/errors";
import { believed, type FileReading } from "@fieldkeep/core/exchange/file_page";
import type { PendingLeaf } from "@fieldkeep/core/exchange/view";
import { emptyFold, fold, type Folded } from "@fieldkeep/core/fold/fold";
import { emptyLog, Growing, seqOf } from "@fieldkeep/core/log";
import { emptyFile, type File, type Placed } from "@fieldkeep/core/membership/state";
import { BEHIND, readErasure, readFileEntry, skipId } from "@fieldkeep/core/membership/take";
import type { Types } from "@fieldkeep/core/record_rules";
import { emptyRegistry, type Registry } from "@fieldkeep/core/registry/state";
import { readRegistryEntry } from "@fieldkeep/core/registry/take";
import type { Identity } from "./identity";
import { placedOf, type Stored } from "./placing";
import type { Bytes, Reading } from "./rows";
import {
  type Alarm,
  alarmRow,
  type Awaiting,
  awaitingRow,
  dueRow,
  entryRow,
  FIRST_STATE,
  idRow,
  type Kept,
  keptRow,
  type Letter,
  letterRow,
  logRow,
  OF,
  olderTree,
  ONLY,
  type OutboxItem,
  type Pending,
  pendingRow,
  read,
  readOutbox,
  secretsRow,
  type State,
  stateRow,
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
  /** Begun on this device, and not in its log yet: `reading` says what its genesis will make of it. */
  readonly begun: boolean;
  /** The device that signed its first entry, where that is here. */
  readonly creator: Uint8Array | null;
}

export interface Memory {
  registry: Registry;
  registryStopped: string;
  state: State;
  /** By log, in hexadecimal. */
  readonly files: Map<string, OpenFile>;
  readonly outbox: Map<number, OutboxItem>;
  readonly due: Map<number, PendingLeaf>;
  readonly alarms: Map<number, Alarm>;
  /** Entry ids by audit leaf, roots by size, refusals by entry, places by log: what the server has said before. */
  readonly leaves: Map<number, string>;
  readonly roots: Map<number, string>;
  readonly refused: Map<string, Code>;
  readonly promised: Map<string, ReadonlyMap<number, string>>;
  /** Words of what was purged that are not answered yet, by statement. */
  readonly purges: Map<string, Bytes>;
  readonly facts: Map<string, Bytes>;
  /** Letters to the other side that the server has given no pass for. */
  readonly letters: Map<number, Letter>;
  /** Attachments whose record is not in its log, by record; sealed chunks that are here, by file and chunk. */
  readonly awaiting: Map<string, Awaiting>;
  readonly kept: Map<string, Kept>;
}

function nothing({ svc, side, authority }: Identity): Memory {
  return {
    registry: emptyRegistry(svc, side, authority),
    registryStopped: "",
    state: FIRST_STATE,
    files: new Map(),
    outbox: new Map(),
    due: new Map(),
    alarms: new Map(),
    leaves: new Map(),
    roots: new Map(),
    refused: new Map(),
    promised: new Map(),
    purges: new Map(),
    facts: new Map(),
    letters: new Map(),
    awaiting: new Map(),
    kept: new Map(),
  };
}

/** Everything from the rows. What was verified when it came is believed. */
export async function load(rows: Reading, identity: Identity, types: Types): Promise<Memory> {
  const memory = nothing(identity);
  const state = await rows.get(OF.state, ONLY);
  if (state !== undefined) memory.state = read(stateRow, state);
  for (const { name, content } of await rows.scan(OF.outbox))
    memory.outbox.set(Number(name), readOutbox(Number(name), content));
  for (const { name, content } of await rows.scan(OF.due)) {
    const { server_ms, own_ms, ...leaf } = read(dueRow, content);
    memory.due.set(Number(name), { leaf: { ...leaf, leaf: Number(name) }, server_ms, own_ms });
  }
  for (const { name, content } of await rows.scan(OF.alarms))
    memory.alarms.set(Number(name), { ...read(alarmRow, content), n: Number(name) });
  for (const { name, content } of await rows.scan(OF.roots)) memory.roots.set(Number(name), hex(content));
  for (const { name, content } of await rows.scan(OF.refused))
    memory.refused.set(String(name), new TextDecoder().decode(content) as Code);
  for (const { name, content } of await rows.scan(OF.purges)) memory.purges.set(String(name), content);
  for (const { name, content } of await rows.scan(OF.letters))
    memory.letters.set(Number(name), { ...read(letterRow, content), n: Number(name) });
  for (const { name, content } of await rows.scan(OF.awaiting))
    memory.awaiting.set(String(name), read(awaitingRow, content));
  for (const { name, content } of await rows.scan(OF.kept)) memory.kept.set(String(name), read(keptRow, content));
  for (const { name, content } of await rows.scan(OF.facts)) memory.facts.set(String(name), content);
  await loadRegistry(rows, memory);
  const own = hex(memory.registry.log.log);
  for (const { name } of await rows.scan(OF.logs))
    if (String(name) !== own) await loadFile(rows, memory, fromHex(String(name)), types);
  return memory;
}

async function readLogRow(rows: Reading, log: Uint8Array): Promise<ReturnType<typeof logRow.read>> {
  const content = await rows.get(OF.logs, hex(log));
  return content === undefined ? { absent: [], ids: false, stopped: "" } : read(logRow, content);
}

async function loadPromised(rows: Reading, memory: Memory, log: Uint8Array): Promise<void> {
  const found = await rows.scan(OF.promised(log));
  if (found.length === 0) return;
  memory.promised.set(hex(log), new Map(found.map(({ name, content }) => [Number(name), hex(content)])));
}

async function loadRegistry(rows: Reading, memory: Memory): Promise<void> {
  const { log } = memory.registry.log;
  memory.registryStopped = (await readLogRow(rows, log)).stopped;
  for (const { name, content } of await rows.scan(OF.entries(log))) {
    const { pair, received_ms, leaf } = read(entryRow, content);
    const entry = decodeEntry(pair);
    const older = olderTree(memory.facts, log);
    memory.registry = (await readRegistryEntry(memory.registry, entry, received_ms, believed)).registry;
    if (seqOf(memory.registry.log) !== Number(name)) throw new Error("a registry's entries have a gap");
    if (Number(name) > older) memory.leaves.set(leaf, hex(entry.id));
  }
  await loadPromised(rows, memory, log);
}

async function loadFile(rows: Reading, memory: Memory, log: Uint8Array, types: Types): Promise<void> {
  const { absent, ids, stopped } = await readLogRow(rows, log);
  const secrets = await rows.get(OF.secrets, hex(log));
  const held = new Map(secrets === undefined ? [] : read(secretsRow, secrets).map((one) => [one.epoch, one.secret]));
  const pending = (await rows.scan(OF.changes(log))).map(({ content }) => read(pendingRow, content));
  const { file, stored } = await readEntries(rows, memory, log);
  const genesis = seqOf(file.log) === 0 ? genesisOf(memory.outbox.values(), log) : null;
  await loadPromised(rows, memory, log);
  memory.files.set(hex(log), {
    log,
    reading: {
      file: genesis === null ? file : await asBegun(memory.registry, genesis),
      absent: absent.map(({ seq, part }) => [seq, part]),
      ids,
    },
    secrets: held,
    pending,
    stopped,
    begun: genesis !== null,
    creator: stored[0]?.seq === 1 && file.erased === null ? stored[0].entry.header.kid : null,
    folded: stored.length === 0 ? emptyFold(log, types) : fold(log, types, placedOf(stored, file.expunged, held)),
  });
}

/** A file's entries in order; of one that is erased, or ends so, ids lead to the statement that says so. */
async function readEntries(rows: Reading, memory: Memory, log: Uint8Array): Promise<{ file: File; stored: Stored[] }> {
  const stored: Stored[] = [];
  const ids = await rows.scan(OF.ids(log));
  const lines = [
    ...(await rows.scan(OF.entries(log))).map((one) => ({ ...one, whole: true })),
    ...ids.map((one) => ({ ...one, whole: false })),
  ].sort((a, b) => Number(a.name) - Number(b.name));
  const lastId = Number(ids.at(-1)?.name ?? 0);
  const older = olderTree(memory.facts, log);
  let file = emptyFile(memory.registry, log);
  for (const { name, content, whole } of lines) {
    if (whole) {
      const kept = read(entryRow, content);
      const entry = decodeEntry(kept.pair);
      file = await nextEntry(memory.registry, file, entry, kept.received_ms, ids.length > 0 && Number(name) > lastId);
      if (Number(name) > older) memory.leaves.set(kept.leaf, hex(entry.id));
      stored.push({ seq: Number(name), row: kept, entry });
    } else {
      const { id, received_ms } = read(idRow, content);
      file = skipId(file, id, received_ms);
    }
    if (seqOf(file.log) !== Number(name)) throw new Error("a file's entries have a gap");
  }
  return { file, stored };
}

/** `last` is an entry behind ids: nothing but an erasure stands there. */
async function nextEntry(registry: Registry, file: File, entry: Entry, ms: number, last: boolean): Promise<File> {
  const taken = last
    ? await readErasure(registry, file, entry, ms, believed)
    : await readFileEntry(registry, file, entry, ms, believed);
  if (taken === BEHIND) throw new Error("a file's entry relies on a registry that is not here");
  return "file" in taken ? taken.file : taken;
}

function genesisOf(outbox: Iterable<OutboxItem>, log: Uint8Array): Entry | null {
  const found = [...outbox].find((item) => item.what === "genesis" && hex(item.log) === hex(log));
  return found?.entry ?? null;
}

/** What a file will be when its log begins: nothing of its log is there yet. */
export async function asBegun(registry: Registry, genesis: Entry): Promise<File> {
  const { log } = genesis.header;
  const taken = await readFileEntry(registry, emptyFile(registry, log), genesis, 0, believed);
  if (taken === BEHIND || taken.void !== null) throw new Refused("not-permitted", "a beginning that does not stand");
  return { ...taken.file, log: emptyLog(log, registry.log.incarnation), places: Growing.of<Placed | null>(null) };
}
