/** A side as a supervisor may fetch it: all of one moment, from where the pages that are here end. Spec 10.3. */
import { equal } from "@fieldkeep/core/bytes";
import {
  type AuditEntry,
  type AuditEventRow,
  decodeDevices,
  decodeEventPage,
  decodeListed,
  decodeLogPage,
  type DevicesAnswer,
  type Listed,
} from "@fieldkeep/core/audit/pages";
import { Refused } from "@fieldkeep/core/errors";
import { encodeUuid, registryLog, type Side } from "@fieldkeep/core/ids";
import { signedHead } from "@fieldkeep/core/receipt";

export type Get = (path: string) => Promise<Uint8Array>;

/** The logs, the registry first. */
export async function fetchListed(get: Get, svc: Uint8Array, side: Side): Promise<Listed> {
  const listed = decodeListed(await get(`/v1/audit/${side}/logs`));
  const registry = registryLog(svc, side);
  if (!equal(listed.svc, svc) || listed.side !== side || !equal(listed.registry, registry))
    throw new Refused("malformed", "the answer is of another service or side");
  const isRegistry = ({ log }: Listed["logs"][number]): boolean => equal(log, registry);
  return { ...listed, logs: [...listed.logs.filter(isRegistry), ...listed.logs.filter((one) => !isRegistry(one))] };
}

/** What each device of the side said of itself when it synced last. */
export async function fetchHeard(get: Get, side: Side): Promise<DevicesAnswer> {
  return decodeDevices(await get(`/v1/audit/${side}/devices`));
}

/** How far a log goes at that moment. What its head is worth is for the verifier. */
export function endOf({ head }: Listed["logs"][number]): number {
  return signedHead.decode(head).payload.seq;
}

/** Pages of a log's entries after a place, up to another. It ends where the server has no more. */
export async function* logPages(
  get: Get,
  side: Side,
  log: Uint8Array,
  from: number,
  end: number,
): AsyncGenerator<readonly AuditEntry[]> {
  let after = from;
  while (after < end) {
    const page = decodeLogPage(await get(`/v1/audit/${side}/log/${encodeUuid(log)}?after=${after}`));
    const last = page.at(-1);
    if (last === undefined) return;
    if (last.seq <= after)
      throw new Refused("malformed", "a page of the log does not go on where the one before ended");
    yield page.filter(({ seq }) => seq <= end);
    after = last.seq;
  }
}

export async function* eventPages(
  get: Get,
  side: Side,
  from: number,
  end: number,
): AsyncGenerator<readonly AuditEventRow[]> {
  let first = from;
  while (first < end) {
    const page = decodeEventPage(await get(`/v1/audit/${side}/events?from=${first}`));
    const last = page.at(-1);
    if (last === undefined) return;
    if (last.n < first) throw new Refused("malformed", "a page of events does not go on where the one before ended");
    yield page.filter(({ n }) => n < end);
    first = last.n + 1;
  }
}
