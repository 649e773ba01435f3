/** What an audit log says: the bytes whose hash, with a salt, is a leaf. Spec 10.1. Vectors: merkle. */
import {
  count,
  decodeAs,
  encodeAs,
  exactly,
  hash,
  id,
  line,
  map,
  millis,
  nullable,
  type Of,
  positive,
  type Shape,
  tagged,
  truth,
  week,
  witness,
} from "./shape";

const accepted = map({
  e: exactly("accepted"),
  log: id,
  id: hash,
  seq: positive,
  ms: millis,
  author: id,
  chain: hash,
  void: truth,
});
const refused = map({ e: exactly("refused"), log: nullable(id), id: hash, author: id, code: line });
const delivered = map({ e: exactly("delivered"), device: id, log: id, from: count, to: positive, ms: millis });
const reviewed = map({ e: exactly("reviewed"), device: id, log: nullable(id), from: count, to: positive, ms: millis });
const published = map({ e: exactly("published"), device: id, log: id, from: week, to: week, ms: millis });
const sent = map({ e: exactly("sent"), device: id, address: id, id, ms: millis });
const came = map({ e: exactly("came"), log: id, n: positive, ms: millis });
const shown = map({ e: exactly("shown"), device: id, log: id, from: count, to: positive, ms: millis });
const purged = map({ e: exactly("purged"), device: id, log: id, id: hash, ms: millis });
const fetched = map({ e: exactly("fetched"), device: id, log: id, id: hash, ms: millis });
const restored = map({ e: exactly("restored"), before: nullable(witness), ms: millis });
const exported = map({ e: exactly("export"), by: id, what: exactly("logs"), ms: millis });

export type AcceptedEvent = Of<typeof accepted>;
export type AuditEvent =
  | AcceptedEvent
  | Of<typeof refused>
  | Of<typeof delivered>
  | Of<typeof reviewed>
  | Of<typeof published>
  | Of<typeof sent>
  | Of<typeof came>
  | Of<typeof shown>
  | Of<typeof purged>
  | Of<typeof fetched>
  | Of<typeof restored>
  | Of<typeof exported>;

const event: Shape<AuditEvent> = tagged("e", {
  accepted,
  refused,
  delivered,
  reviewed,
  published,
  sent,
  came,
  shown,
  purged,
  fetched,
  restored,
  export: exported,
});
export const eventShape = event;

export const decodeEvent = (encoded: Uint8Array): AuditEvent => decodeAs(event, encoded);
export const encodeEvent = (value: AuditEvent): Uint8Array => encodeAs(event, value);
