/** The rows of a device's store: what each holds, as CBOR. Collections of one log bear its id in hexadecimal. */
import { hex } from "@fieldkeep/core/bytes";
import { type CborValue, encode } from "@fieldkeep/core/cbor";
import { type Change, changeValue, readPart } from "@fieldkeep/core/change";
import { decodeEntry, encodeEntry } from "@fieldkeep/core/entry";
import type { Code } from "@fieldkeep/core/errors";
import type { OutboxItem as Sealed } from "@fieldkeep/core/exchange/outbox";
import {
  anything,
  bytes,
  cose,
  count,
  decodeAs,
  epoch,
  hash,
  id,
  list,
  map,
  millis,
  nullable,
  type Of,
  positive,
  row,
  type Shape,
  text,
  truth,
  witness,
  word,
} from "@fieldkeep/core/shape";
import table from "../../../shared_schema/errors.json" with { type: "json" };
import { copied } from "./identity";
import type { Bytes } from "./rows";

const label = text(0, 200);
const CODES = Object.keys(table.errors) as readonly Code[];
export const codeShape = word(CODES);

/**
 * An entry at its place: the pair as it came, but for parts that were expunged. Of a part that was opened the
 * plaintext is kept too.
 */
export const entryRow = row({
  pair: cose,
  received_ms: millis,
  leaf: count,
  salt: hash,
  void: nullable(codeShape),
  device: id,
  user: bytes(0, 16),
  role: label,
  late: truth,
  plaintexts: list(nullable(cose)),
});
export type EntryRow = Of<typeof entryRow>;

/** A place of a file that was erased: nothing but its id is left. */
export const idRow = row({ id: hash, received_ms: millis });

/** Of a log: parts that did not come, whether ids alone were served, and why nothing more is taken. */
export const logRow = row({ absent: list(row({ seq: positive, part: count })), ids: truth, stopped: label });
export const secretsRow = list(row({ epoch, secret: hash }));

const changeShape: Shape<Change> = {
  read: (value) => {
    const [change] = readPart([value as CborValue]);
    if (change === undefined) throw new TypeError("a part of one change has one");
    return change;
  },
  write: changeValue,
};
/**
 * A change of this device that is in no log yet; `outbox` is the entry in which it is sealed. `held` says why it is
 * sealed no more: `refused` by a member, or `repeated` by a copy of this device. Such a change is kept, and counts for
 * nothing.
 */
export const pendingRow = row({ change: changeShape, outbox: nullable(positive), held: label });
export type Pending = Of<typeof pendingRow>;

/** A colleague's change that the server had lost: it counts nowhere, and is kept. */
export const parkedRow = row({ change: changeShape, device: id, user: bytes(0, 16), received_ms: millis });

const WHAT = ["registry", "genesis", "statement", "envelope"] as const;

/** A sealed entry whose bytes never change. `code` and `message` are the server's last words on it, signed or not. */
export const outboxRow = row({
  pair: cose,
  what: word(WHAT),
  sealed_ms: millis,
  verdict: nullable(codeShape),
  receipt: nullable(positive),
  shown: nullable(row({ seq: positive, void: nullable(codeShape) })),
  code: label,
  message: text(0, 600),
});

/** An item of the outbox as this device shows it: what core steps by, and what people are told. */
export interface OutboxItem extends Sealed {
  readonly n: number;
  readonly log: Uint8Array;
  readonly sq: number;
  readonly id: Uint8Array;
  readonly code: string;
  readonly message: string;
  readonly statement: boolean;
  /** Nothing more comes of it by itself. */
  readonly final: boolean;
  readonly receipted: boolean;
}

export function outboxItem(n: number, sealed: Sealed, code: string, message: string): OutboxItem {
  const { entry, what, verdict, receipt, shown } = sealed;
  const { log, sq } = entry.header;
  const final = verdict !== null || (shown?.void ?? null) !== null;
  const statement = what !== "envelope";
  return { ...sealed, n, log, sq, id: entry.id, code, message, statement, final, receipted: receipt !== null };
}

export function writeOutbox({ entry, ...item }: OutboxItem): Bytes {
  return write(outboxRow, { ...item, pair: encodeEntry(entry) });
}

export function readOutbox(n: number, content: Uint8Array): OutboxItem {
  const { pair, code, message, ...rest } = read(outboxRow, content);
  return outboxItem(n, { ...rest, entry: decodeEntry(pair) }, code, message);
}

/** An entry of which it is demanded that the audit tree has it within a day of these times. */
export const dueRow = row({
  log: id,
  id: hash,
  seq: positive,
  received_ms: millis,
  author: id,
  chain: hash,
  salt: hash,
  void: truth,
  server_ms: millis,
  own_ms: millis,
});

export const alarmRow = map({
  at_ms: millis,
  log: nullable(id),
  seq: nullable(count),
  code: label,
  text: text(1, 2000),
  seen: truth,
});
export type Alarm = Of<typeof alarmRow> & { readonly n: number };

/**
 * A letter to the other side until the server's pass: what it says, or, of one that nobody reads back here, only what
 * was sealed. `to` is an address, null for the desk; `record` the file's own record of it.
 */
export const letterRow = map({
  id,
  log: id,
  record: id,
  kind: label,
  to: nullable(id),
  urgent: truth,
  made_ms: millis,
  says: nullable(map({ at: millis, body: anything, second: nullable(cose) })),
  sealed: nullable(cose),
  code: label,
  message: text(0, 600),
});
export type Letter = Of<typeof letterRow> & { readonly n: number };

/**
 * An attachment that was made here and whose record the log does not show yet; `n` is the order in which they were
 * made, `unsent` which of its `chunks` the server has not acknowledged, `code` and `message` what it last said to that.
 * One that is `loose` was made for a record that is being written, and does not go out before that is kept.
 */
export const awaitingRow = map({
  n: positive,
  log: id,
  record: id,
  unsent: list(hash),
  chunks: positive,
  loose: truth,
  code: label,
  message: text(0, 600),
});
export type Awaiting = Of<typeof awaitingRow>;

/** A sealed chunk that is here: of which record, and when it was last used. */
export const keptRow = map({ log: id, chunk: hash, record: id, size: positive, used_ms: millis });
export type Kept = Of<typeof keptRow>;

/** A clock's offset may run behind. */
const offset: Shape<number> = {
  read: (value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new TypeError("an offset is a whole number");
    return value;
  },
  write: (value) => value,
};

/** What the device knows of the server, and of itself, between two syncs. */
export const stateRow = map({
  clock_offset: offset,
  synced_ms: nullable(millis),
  quiet_ms: nullable(millis),
  checkpoint: nullable(witness),
  frozen: truth,
  turned_away: label,
  behind: list(id),
  held: list(row({ log: id, count: positive })),
  parcels: list(row({ log: id, newest: positive })),
});
export type State = Of<typeof stateRow>;

export const FIRST_STATE: State = {
  clock_offset: 0,
  synced_ms: null,
  quiet_ms: null,
  checkpoint: null,
  frozen: false,
  turned_away: "",
  behind: [],
  held: [],
  parcels: [],
};

export const write = <T>(shape: Shape<T>, value: T): Bytes => copied(encode(shape.write(value)));
export const read = <T>(shape: Shape<T>, content: Uint8Array): T => decodeAs(shape, content);

/** How far each log was when its side came back (19.4): the leaves of those entries are an older tree's. */
export const TREE = "restored/tree";
export const treeRow = list(row({ log: id, seq: count }));

/** The last place of a log whose leaf is of an older tree; 0 where there is none. */
export function olderTree(facts: ReadonlyMap<string, Uint8Array>, log: Uint8Array): number {
  const kept = facts.get(TREE);
  const own = hex(log);
  return (kept === undefined ? [] : read(treeRow, kept)).find((one) => hex(one.log) === own)?.seq ?? 0;
}

export const OF = {
  entries: (log: Uint8Array): string => `entry/${hex(log)}`,
  ids: (log: Uint8Array): string => `id/${hex(log)}`,
  changes: (log: Uint8Array): string => `change/${hex(log)}`,
  logs: "log",
  secrets: "secret",
  outbox: "outbox",
  due: "due",
  alarms: "alarm",
  /** The answer in which a contradiction came, by the number of its alarm. */
  evidence: "evidence",
  roots: "root",
  refused: "refused",
  promised: (log: Uint8Array): string => `promised/${hex(log)}`,
  parked: (log: Uint8Array): string => `parked/${hex(log)}`,
  purges: "purge",
  letters: "letter",
  awaiting: "attachment",
  kept: "kept",
  /** Bodies of sealed chunks, by the names of `kept`. */
  chunks: "chunk",
  facts: "fact",
  state: "state",
} as const;
export const ONLY = "now";
/** The type of record that says what was read. It holds nothing up, and is no unsent work. */
export const READ = "read_event";
