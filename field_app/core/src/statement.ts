/**
 * The statements of a file: their shapes, strict decode and encode.
 *
 * Spec 7.1, 7.5 to 7.10. Vectors: membership, removal, recovery.
 */
import { type Act, actHash, approval } from "./approval";
import { hex } from "./bytes";
import { roleShape, sideShape } from "./certificate";
import { embedded } from "./cose";
import { Refused } from "./errors";
import { limit } from "./limits";
import { FILE_KINDS } from "./roles";
import {
  bytes,
  cose,
  count,
  decodeAs,
  encodeAs,
  epoch,
  exactly,
  hash,
  head,
  id,
  integer,
  list,
  map,
  nullable,
  type Of,
  refine,
  rising,
  row,
  type Shape,
  signature,
  tagged,
  word,
} from "./shape";

const malformed = (message: string): Refused => new Refused("malformed", message);
const [ENCAPSULATION, SECRET, TAG] = [1120, 32, 16];

/** `sealed` has room for exactly the secrets of `epochs`. */
const grant = refine(
  row({ to: id, cert: hash, epochs: rising(list(epoch, 1), (one) => one), sealed: bytes(0, limit("entry_bytes")) }),
  ({ epochs, sealed }) => {
    const wanted = ENCAPSULATION + SECRET * epochs.length + TAG;
    if (sealed.length !== wanted) throw malformed(`a grant of ${sealed.length} bytes, want ${wanted}`);
  },
);
const grants = rising(list(grant, 1), ({ to }) => to);
const member = row({ user: id, role: roleShape });
const byUser = ({ user }: { readonly user: Uint8Array }): Uint8Array => user;

const later = { rg: head, pr: hash } as const;
const newEpoch = { ...later, ep: integer(2, 0xffffffff), kc: hash, grants } as const;
const fileKind = word(FILE_KINDS);
const REFUSED_BECAUSE = ["duplicate", "wrong_file", "not_authentic", "spill", "other"] as const;
const REMOVED_BECAUSE = ["spill", "retention", "court", "error", "request"] as const;
const approved = nullable(embedded(approval));

const genesis = map({
  kind: exactly("genesis"),
  rg: head,
  pr: exactly(null),
  grants,
  nonce: id,
  file: fileKind,
  side: sideShape,
  suite: exactly(1),
  members: rising(list(member, 1), byUser),
  ep: exactly(1),
  kc: hash,
});
const members = refine(
  map({
    kind: exactly("members"),
    ...newEpoch,
    add: rising(list(member), byUser),
    remove: rising(list(id), (user) => user),
  }),
  ({ add, remove }) => {
    if (add.length + remove.length === 0) throw malformed("nobody is added and nobody removed");
    const removed = new Set(remove.map(hex));
    if (add.some(({ user }) => removed.has(hex(user)))) throw malformed("somebody is both added and removed");
  },
);
const newEpochStatement = map({ kind: exactly("epoch"), ...newEpoch });
const recover = map({ kind: exactly("recover"), ...newEpoch, role: roleShape, by: signature });
const moreGrants = map({ kind: exactly("grant"), ...later, grants });
const admit = map({ kind: exactly("admit"), ...later, held: cose });
const refuse = map({ kind: exactly("refuse"), ...later, id: hash, reason: word(REFUSED_BECAUSE) });
const expunge = map({
  kind: exactly("expunge"),
  ...later,
  at: count,
  id: hash,
  part: integer(0, limit("parts_per_entry") - 1),
  hash,
  reason: word([...REMOVED_BECAUSE, "expired"]),
  parcel: nullable(id),
  stub: hash,
  says: hash,
  approval: approved,
});
const hold = refine(
  map({ kind: exactly("hold"), ...later, release: nullable(hash), approval: approved }),
  (statement) => {
    if (statement.release === null && statement.approval !== null) {
      throw malformed("a hold begins without a second person");
    }
  },
);
const erase = map({
  kind: exactly("erase"),
  ...later,
  file: fileKind,
  creator: id,
  nonce: id,
  reason: word(REMOVED_BECAUSE),
  approval: approved,
});

export type Grant = Of<typeof grant>;
export type Member = Of<typeof member>;
export type Genesis = Of<typeof genesis>;
export type Members = Of<typeof members>;
export type NewEpoch = Of<typeof newEpochStatement>;
export type Recover = Of<typeof recover>;
export type MoreGrants = Of<typeof moreGrants>;
export type Admit = Of<typeof admit>;
export type Refuse = Of<typeof refuse>;
export type Expunge = Of<typeof expunge>;
export type Hold = Of<typeof hold>;
export type Erase = Of<typeof erase>;
export type EpochStatement = Genesis | Members | NewEpoch | Recover;
export type FileStatement = EpochStatement | MoreGrants | Admit | Refuse | Expunge | Hold | Erase;

export const fileStatement: Shape<FileStatement> = tagged("kind", {
  genesis,
  members,
  epoch: newEpochStatement,
  recover,
  grant: moreGrants,
  admit,
  refuse,
  expunge,
  hold,
  erase,
});

export function decodeFileStatement(payload: Uint8Array): FileStatement {
  return decodeAs(fileStatement, payload, limit("items_per_statement"));
}

export function encodeFileStatement(statement: FileStatement): Uint8Array {
  return encodeAs(fileStatement, statement);
}

/** What an approval of this statement names, or null for a statement that takes no approval (spec 7.7). */
export function actOf(statement: FileStatement): Act | null {
  if (statement.kind === "expunge") {
    const { kind, at, id: entry, part, hash: partHash, reason, parcel, says } = statement;
    return new Map(Object.entries({ kind, at, id: entry, part, hash: partHash, reason, parcel, says }));
  }
  if (statement.kind === "hold" && statement.release !== null) {
    return new Map(Object.entries({ kind: "hold", release: statement.release }));
  }
  if (statement.kind === "erase") return new Map(Object.entries({ kind: "erase", reason: statement.reason }));
  return null;
}

export function actHashOf(statement: FileStatement): Uint8Array | null {
  const act = actOf(statement);
  return act === null ? null : actHash(act);
}
