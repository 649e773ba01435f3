/**
 * What a certificate says of a person and a device, invitations, and the statements of a registry.
 *
 * Spec 6.1 to 6.3. Vectors: registry, recovery.
 */
import { ascii } from "./bytes";
import { embedded, kind, plainLabels, type SignedOf } from "./cose";
import { Refused } from "./errors";
import { SIDES } from "./ids";
import { limit } from "./limits";
import { ROLES } from "./roles";
import {
  count,
  decodeAs,
  encodeAs,
  exactly,
  id,
  integer,
  line,
  list,
  map,
  millis,
  nullable,
  type Of,
  receiveKey,
  refine,
  rising,
  type Shape,
  signature,
  signKey,
  tagged,
  truth,
  witness,
  word,
} from "./shape";

export const sideShape = word(SIDES);
export const roleShape = word(ROLES);

export const subject = map({
  user: id,
  name: line,
  org: line,
  roles: rising(list(roleShape, 1), (role) => ascii(role)),
  until: millis,
});
export const deviceKeys = map({ device: id, label: line, sign: signKey, receive: receiveKey });
/** What an administrator signs: whoever holds the seed of `key` may enrol one device (spec 6.2). */
export const invitation = kind(
  "fieldkeep-invitation",
  plainLabels,
  map({ side: sideShape, subject, key: signKey, enrol_until: millis }),
);
export type Invitation = SignedOf<typeof invitation>;
export type Subject = Of<typeof subject>;
export type DeviceKeys = Of<typeof deviceKeys>;

const REVOKED_BECAUSE = ["lost", "stolen", "left", "replaced", "misuse", "clone"] as const;
const SUSPENDED_BECAUSE = ["lost", "stolen", "unsure", "misuse", "clone"] as const;
const PERMITTED_BECAUSE = ["died", "left", "devices_lost", "locked_out", "other"] as const;

const root = map({
  kind: exactly("root"),
  side: sideShape,
  name: line,
  authority: signKey,
  receipt: signKey,
  checkpoint: signKey,
  recovery: receiveKey,
  recovery_sign: signKey,
  incarnation: id,
  floor: exactly(1),
});
const certify = map({ kind: exactly("certify"), subject, keys: deviceKeys });
const enrol = map({ kind: exactly("enrol"), invitation: embedded(invitation), keys: deviceKeys, by: signature });
const revoke = map({ kind: exactly("revoke"), device: id, reason: word(REVOKED_BECAUSE) });
const suspend = map({ kind: exactly("suspend"), device: id, reason: word(SUSPENDED_BECAUSE) });
const reinstate = map({ kind: exactly("reinstate"), device: id });
const wiped = map({ kind: exactly("wiped"), files: count, entries: count, held: count, unsent: count, letters: count });
const renew = map({ kind: exactly("renew"), recovery: receiveKey, recovery_sign: signKey });
const custody = refine(
  map({ kind: exactly("custody"), threshold: integer(2, 16), holders: list(line, 2, 16) }),
  ({ threshold, holders }) => {
    if (holders.length < threshold) {
      throw new Refused("malformed", `${holders.length} shares, of which ${threshold} are needed`);
    }
  },
);
const permit = map({
  kind: exactly("permit"),
  device: id,
  files: nullable(rising(list(id, 1), (log) => log)),
  reason: word(PERMITTED_BECAUSE),
  until: millis,
});
const close = map({ kind: exactly("close"), device: id });
const drill = refine(
  map({ kind: exactly("drill"), key: id, files: count, opened: count, by: signature }),
  ({ files, opened }) => {
    if (opened > files) throw new Refused("malformed", `${opened} opened of ${files} that were tried`);
  },
);
const restore = map({
  kind: exactly("restore"),
  incarnation: id,
  before: nullable(witness),
  marked: truth,
});
const healed = map({ kind: exactly("healed") });
const coverTraffic = map({ kind: exactly("cover_traffic"), hour: nullable(integer(0, 23)) });

export type Root = Of<typeof root>;
export type Certify = Of<typeof certify>;
export type Enrol = Of<typeof enrol>;
export type Custody = Of<typeof custody>;
export type Permit = Of<typeof permit>;
export type Renew = Of<typeof renew>;
export type Drill = Of<typeof drill>;
export type CoverTraffic = Of<typeof coverTraffic>;
export type Restore = Of<typeof restore>;
export type RegistryStatement =
  | Root
  | Certify
  | Enrol
  | Of<typeof revoke>
  | Of<typeof suspend>
  | Of<typeof reinstate>
  | Of<typeof wiped>
  | Renew
  | Custody
  | Permit
  | Of<typeof close>
  | Drill
  | CoverTraffic
  | Restore
  | Of<typeof healed>;

export const registryStatement: Shape<RegistryStatement> = tagged("kind", {
  root,
  certify,
  enrol,
  revoke,
  suspend,
  reinstate,
  wiped,
  renew,
  custody,
  permit,
  close,
  drill,
  cover_traffic: coverTraffic,
  restore,
  healed,
});

export function decodeRegistryStatement(payload: Uint8Array): RegistryStatement {
  return decodeAs(registryStatement, payload, limit("items_per_object"));
}

export function encodeRegistryStatement(statement: RegistryStatement): Uint8Array {
  return encodeAs(registryStatement, statement);
}
