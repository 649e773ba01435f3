/**
 * The body of `POST /v1/sync` and its answer.
 *
 * Spec 9.2. Vectors: wire. What is pushed or signed is not looked into here.
 */
import table from "../../../shared_schema/errors.json" with { type: "json" };
import { hex } from "./bytes";
import type { CborValue } from "./cbor";
import { type Code, Refused } from "./errors";
import { limit } from "./limits";
import {
  anything,
  cose,
  count,
  decodeAs,
  encodeAs,
  exactly,
  hash,
  id,
  isList,
  list,
  map,
  millis,
  name,
  nullable,
  type Of,
  positive,
  refine,
  rising,
  row,
  type Shape,
  text,
  truth,
  witness,
  word,
} from "./shape";

const malformed = (message: string): Refused => new Refused("malformed", message);
const CODES = Object.keys(table.errors) as readonly Code[];
export const RETRIES = [
  "never",
  "after-pull",
  "after-reseal",
  "after-predecessor",
  "rotate-first",
  "after-time",
] as const;
export type Retry = (typeof RETRIES)[number];

/** When to try again after this refusal: the one rule of each code. */
export function retryOf(code: string): Retry | undefined {
  const known = CODES.find((each) => each === code);
  return known === undefined ? undefined : RETRIES.find((retry) => retry === table.errors[known].retry);
}

// --- request --------------------------------------------------------------------------------------------------------

const cursor = row({ log: id, seq: count, chain: hash });
const cursors = refine(list(cursor, 0, limit("files_per_device"), "too-large"), (all) => {
  if (new Set(all.map(({ log }) => hex(log))).size !== all.length) throw malformed("two cursors for one log");
});
export const status = map({
  unsent: count,
  held: count,
  conflicts: count,
  oldest_conflict_days: count,
  app: name,
  claimed_ms: millis,
  free_mb: count,
});
export const pushed = list(anything, 0, limit("entries_per_push"), "too-large");

const syncRequest = map({
  v: exactly(1),
  cursors,
  push: pushed,
  status,
  checkpoint: nullable(witness),
  prove: list(count, 0, limit("proofs_per_sync")),
  purged: list(cose, 0, limit("purges_per_sync")),
});
export type Cursor = Of<typeof cursor>;
export type Status = Of<typeof status>;
export type SyncRequest = Of<typeof syncRequest>;
export const syncRequestShape = syncRequest;

export const decodeSyncRequest = (body: Uint8Array): SyncRequest =>
  decodeAs(syncRequest, body, limit("items_per_request"));
export const encodeSyncRequest = (value: SyncRequest): Uint8Array => encodeAs(syncRequest, value);

// --- response -------------------------------------------------------------------------------------------------------

/** An entry inside an answer: whoever takes it looks into the pair. */
const stored: Shape<CborValue> = {
  read: (value) => {
    const [signed, parts] = isList(value) && value.length === 2 ? value : [];
    if (!(signed instanceof Uint8Array) || parts === undefined || !isList(parts)) {
      throw malformed("something else where an entry is wanted");
    }
    return value;
  },
  write: (value) => value,
};
/** Of an entry that the device has just sent, or one of a file that was erased, the id alone. */
const served: Shape<CborValue> = {
  read: (value) => (value instanceof Uint8Array ? hash.read(value) : stored.read(value)),
  write: (value) => value,
};
/** What every answer about one pushed thing has; message and retry come with every code but `accepted`. */
export const answerCode = word(["accepted", ...CODES]);
export const answerWords = { message: text(1, 500), retry: word(RETRIES) } as const;
export function checkAnswer(one: { readonly code: string; readonly message?: string; readonly retry?: string }): void {
  const { code, message, retry } = one;
  if (code === "accepted") {
    if (Object.keys(one).length !== 2) throw malformed("what is accepted has nothing more to say");
  } else if (message === undefined || retry === undefined) throw malformed("a refusal says why, and when to try again");
  else if (retryOf(code) !== retry) throw malformed("another retry than the code's");
}
const answer = refine(map({ id: hash, code: answerCode }, { ...answerWords, signed: cose, stored }), checkAnswer);
const leafOpening = row({ leaf: count, salt: hash });
const pageEntry = row({ what: served, received_ms: millis, opening: leafOpening });
const page = map({ log: id, entries: list(pageEntry), head: cose, more: truth });
export const answersShape = list(answer);
export const pagesShape = list(page);
/** One page at most is the answer to a deposit. */
export const onePageShape = list(page, 0, 1);
const byLog = ({ log }: { readonly log: Uint8Array }): Uint8Array => log;

const syncResponse = map({
  v: exactly(1),
  answers: answersShape,
  receipts: list(cose),
  openings: list(row({ id: hash, leaf: count, salt: hash })),
  pages: pagesShape,
  more: truth,
  time: millis,
  checkpoint: text(1, 1000),
  consistency: list(hash, 0, 128),
  inclusion: list(row({ leaf: count, path: list(hash, 0, 64) }), 0, limit("proofs_per_sync")),
  held: rising(list(row({ log: id, count: positive }), 0, limit("files_per_device")), byLog),
  parcels: rising(list(row({ log: id, newest: positive }), 0, limit("files_per_device")), byLog),
});
export type Answer = Of<typeof answer>;
export type Page = Of<typeof page>;
export type PageEntry = Of<typeof pageEntry>;
export type SyncResponse = Of<typeof syncResponse>;
export const syncResponseShape = syncResponse;

export const decodeSyncResponse = (body: Uint8Array): SyncResponse => decodeAs(syncResponse, body);
export const encodeSyncResponse = (value: SyncResponse): Uint8Array => encodeAs(syncResponse, value);
