/**
 * What a supervisor is answered: the logs of a side, a page of one of them, a page of events, and what devices say of
 * themselves. Spec 10.3. Tests: audit. Vectors: wire.
 */
import { sideShape } from "../certificate";
import {
  cose,
  count,
  decodeAs,
  exactly,
  hash,
  id,
  list,
  map,
  millis,
  type Of,
  positive,
  rising,
  row,
  signKey,
  text,
} from "../shape";
import { status } from "../sync";

export const listedShape = map({
  v: exactly(1),
  svc: id,
  side: sideShape,
  registry: id,
  authority: signKey,
  logs: list(row({ log: id, kind: text(1, 64), head: cose })),
  events: count,
  checkpoint: text(1, 1000),
});
/** In the place of the signed object stands the entry id where a file was erased. */
export const auditEntry = row({ seq: positive, received_ms: millis, cose, chain: hash, leaf: count, salt: hash });
export const auditEvent = row({ n: count, salt: hash, event: cose });
export const logPage = map({ entries: list(auditEntry) });
export const eventPage = map({ events: list(auditEvent), size: count });

/** No evidence: the devices' own words, relayed by the server. */
export const devicesAnswer = map({
  v: exactly(1),
  time: millis,
  devices: rising(list(row({ device: id, heard_ms: millis, status })), ({ device }) => device),
});

export type DevicesAnswer = Of<typeof devicesAnswer>;
export type Heard = DevicesAnswer["devices"][number];
export type Listed = Of<typeof listedShape>;
export type AuditEntry = Of<typeof auditEntry>;
export type AuditEventRow = Of<typeof auditEvent>;

export const decodeListed = (body: Uint8Array): Listed => decodeAs(listedShape, body);
export const decodeLogPage = (body: Uint8Array): readonly AuditEntry[] => decodeAs(logPage, body).entries;
export const decodeDevices = (body: Uint8Array): DevicesAnswer => decodeAs(devicesAnswer, body);
export const decodeEventPage = (body: Uint8Array): readonly AuditEventRow[] => decodeAs(eventPage, body).events;

const ID_BYTES = 32;

/** No signed object is as short as an id. */
export function isErased({ cose: bytes }: AuditEntry): boolean {
  return bytes.length === ID_BYTES;
}
