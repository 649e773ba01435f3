/** The rows of a device's store: what each holds, as CBOR. Collections of one log bear its id in hexadecimal. */
import { hex } from "@fieldkeep/core/bytes";
import type { CborValue } from "@fieldkeep/core/cbor";
import { encode } from "@fieldkeep/core/cbor";
import { changeValue, type Change, readPart } from "@fieldkeep/core/change";
import {
  bytes, cose, count, decodeAs, epoch, hash, id, list, map, millis, nullable, type Of, positive, row, type Shape, text, truth, witness,
} from "@fieldkeep/core/shape";
import { copied } from "./identity";
import type { Bytes } from "./rows";

const word = text(0, 200);

/** An entry at its place. Of a part that was opened the plaintext is kept, and `null` in its place in `pair`. */
export const entryRow = row({
  pair: cose, received_ms: millis, leaf: count, salt: hash, void: nullable(word), device: id, user: bytes(0, 16), role: word, late: truth,
  plaintexts: list(nullable(cose)),
});
export type EntryRow = Of<typeof entryRow>;

/** Of a log: parts that did not come, whether ids alone were served, and why nothing more is taken. */
export const logRow = row({ absent: list(row({ seq: positive, part: count })), ids: truth, stopped: word });
export const secretsRow = list(row({ epoch, secret: hash }));

/** A change of this device that is in no log yet; `outbox` is the entry in which it is sealed. */
const changeShape: Shape<Change> = {
  read: (value) => {
    const [change] = readPart([value as CborValue]);
    if (change === undefined) throw new TypeError("a part of one change has one");
    return change;
  },
  write: changeValue,
};
export const pendingRow = row({ change: changeShape, outbox: nullable(positive), held: word });
export type Pending = Of<typeof pendingRow>;

/** A sealed entry whose bytes never change. `code` is the server's last word on it, and empty before there is one. */
export const outboxRow = row({
  log: id, sq: positive, id: hash, pair: cose, statement: truth, made_ms: millis, code: word, message: text(0, 600), final: truth, receipted: truth,
});
export type OutboxItem = Of<typeof outboxRow> & { readonly n: number };

/** An entry of which it is demanded that the audit tree has it, before `by_ms`. */
export const dueRow = row({
  log: id, id: hash, seq: positive, received_ms: millis, author: id, chain: hash, salt: hash, void: truth, by_ms: millis,
});
export type Due = Of<typeof dueRow>;

export const alarmRow = map({ at_ms: millis, log: nullable(id), seq: nullable(count), code: word, text: text(1, 2000), seen: truth });
export type Alarm = Of<typeof alarmRow> & { readonly n: number };

/** What the device knows of the server, and of itself, between two syncs. */
export const stateRow = map({
  clock_offset: millisOrBefore(), synced_ms: nullable(millis), quiet_ms: nullable(millis), checkpoint: nullable(witness), frozen: truth,
  turned_away: word, held: list(row({ log: id, count: positive })), parcels: list(row({ log: id, newest: positive })),
});
export type State = Of<typeof stateRow>;

export const FIRST_STATE: State = {
  clock_offset: 0, synced_ms: null, quiet_ms: null, checkpoint: null, frozen: false, turned_away: "", held: [], parcels: [],
};

function millisOrBefore(): Shape<number> {
  return {
    read: (value) => {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new TypeError("a clock's offset is a whole number");
      return value;
    },
    write: (value) => value,
  };
}

export const write = <T>(shape: Shape<T>, value: T): Bytes => copied(encode(shape.write(value)));
export const read = <T>(shape: Shape<T>, content: Uint8Array): T => decodeAs(shape, content);

export const OF = {
  entries: (log: Uint8Array): string => `entry/${hex(log)}`,
  changes: (log: Uint8Array): string => `change/${hex(log)}`,
  logs: "log",
  secrets: "secret",
  outbox: "outbox",
  due: "due",
  alarms: "alarm",
  roots: "root",
  refused: "refused",
  promised: (log: Uint8Array): string => `promised/${hex(log)}`,
  state: "state",
} as const;
export const ONLY = "now";
