/**
 * How this phone becomes a device: keys on disk before the request, so that a lost answer can be asked for again. Spec
 * 6.2.
 */
import { randomId, randomSecret } from "@fieldkeep/core/author";
import {
  checkEnrolled,
  decodeCode,
  decodeEnrolled,
  encodeEnrolment,
  type InvitationCode,
  makeEnrolment,
} from "@fieldkeep/core/enrolment";
import { equal } from "@fieldkeep/core/bytes";
import { Refused } from "@fieldkeep/core/errors";
import { takeRegistryPage } from "@fieldkeep/core/exchange/registry_page";
import { receivingKey } from "@fieldkeep/core/hpke";
import { signingKey } from "@fieldkeep/core/keys";
import { seqOf } from "@fieldkeep/core/log";
import { checkServed, receipt } from "@fieldkeep/core/receipt";
import type { Schemas } from "@fieldkeep/core/record_types";
import { emptyRegistry, type Registry, serverOf } from "@fieldkeep/core/registry/state";
import { decodeSyncResponse, encodeSyncRequest } from "@fieldkeep/core/sync";
import { NOTHING_TOLD } from "@fieldkeep/core/exchange/served";
import { verifies } from "@fieldkeep/core/keys";
import { chainOf } from "@fieldkeep/core/log";
import { type Identity, readIdentity, writeIdentity } from "./identity";
import type { Rows } from "./rows";
import { Session } from "./session";
import { sync } from "./sync";
import type { Transport } from "./transport";

/** What a code says before anything is sent: whom it makes of this phone. */
export function readCode(line: string): InvitationCode {
  return decodeCode(line);
}

/**
 * Raises Refused with the server's code, `offline`, or `contradiction` where the registry does not lead to the code's
 * authority and head.
 */
export async function enrol(
  rows: Rows,
  code: InvitationCode,
  server: string,
  label: string,
  transport: Transport,
  schemas: Schemas,
  now: () => number,
): Promise<Session> {
  const identity = await prepare(rows, code, server, label);
  const keys = {
    device: identity.device,
    label: identity.label,
    sign: (await signingKey(identity.sign)).public,
    receive: await receivingKey(identity.receive),
  };
  const key = await signingKey(identity.sign);
  const entry = await makeEnrolment(code, keys, key);
  const answer = decodeEnrolled(await transport.unsigned(`/v1/enrol?side=${identity.side}`, encodeEnrolment(entry)));
  const registry = await readRegistry(identity, transport);
  checkEnrolled(registry, code, keys);
  await checkReceipt(registry, answer, entry.id);
  const certified: Identity = { ...identity, stage: "certified" };
  await rows.transaction(async (transaction) => writeIdentity(transaction, certified));
  const session = await Session.open(rows, certified, schemas, now);
  await sync(session, transport);
  return session;
}

/** The same keys for the same invitation: an enrolment whose answer was lost is sent again as it was. */
async function prepare(rows: Rows, code: InvitationCode, server: string, label: string): Promise<Identity> {
  const { header, payload } = code.invitation;
  const known = await readIdentity(rows);
  if (known !== null && known.stage === "certified") throw new Refused("bad-value", "this phone is a device already");
  if (
    known !== null &&
    equal(known.svc, header.svc) &&
    equal(known.authority, code.authority) &&
    equal(known.user, payload.subject.user)
  )
    return known;
  const { user, name, org, roles } = payload.subject;
  const fresh: Identity = {
    v: 1,
    server,
    svc: header.svc,
    side: payload.side,
    authority: code.authority,
    device: randomId(),
    user,
    name,
    org,
    roles,
    label,
    sign: randomSecret(),
    receive: randomSecret(),
    incarnation: code.head.incarnation,
    floor: code.head,
    stage: "asked",
  };
  await rows.transaction(async (transaction) => writeIdentity(transaction, fresh));
  return fresh;
}

/** The whole registry, by the first signed request: nothing of it is kept here. */
async function readRegistry(identity: Identity, transport: Transport): Promise<Registry> {
  const key = await signingKey(identity.sign);
  let registry = emptyRegistry(identity.svc, identity.side, identity.authority);
  for (;;) {
    const { log } = registry;
    const cursors = seqOf(log) === 0 ? [] : [{ log: log.log, seq: seqOf(log), chain: chainOf(log) }];
    const status = {
      unsent: 0,
      held: 0,
      conflicts: 0,
      oldest_conflict_days: 0,
      app: "fieldkeep-app/0.1.0",
      claimed_ms: 0,
      free_mb: 0,
    };
    const body = encodeSyncRequest({ v: 1, cursors, push: [], status, checkpoint: null, prove: [], purged: [] });
    const response = decodeSyncResponse(await transport.signed(identity, key, "POST", "/v1/sync", body));
    const page = response.pages.find((one) => equal(one.log, log.log));
    if (page === undefined) return registry;
    const taken = await takeRegistryPage(registry, page, {
      incarnation: identity.incarnation,
      sent: new Map(),
      told: NOTHING_TOLD,
      check: verifies,
    });
    registry = taken.registry;
    if (!page.more) return registry;
  }
}

async function checkReceipt(registry: Registry, bytes: Uint8Array, id: Uint8Array): Promise<void> {
  const server = serverOf(registry);
  if (server === null) throw new Refused("no-service", "a registry without a root");
  const { payload } = await checkServed(receipt, bytes, server);
  if (!payload.items.some((item) => equal(item.id, id)))
    throw new Refused("contradiction", "the receipt is of another entry");
}
