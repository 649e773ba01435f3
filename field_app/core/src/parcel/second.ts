/** Letters that take two people: who approved the very letter. Spec 15.6, 7.7. Vectors: parcel/second. */
import { approval, type Approval, actHash } from "../approval";
import { equal } from "../bytes";
import type { CborValue } from "../cbor";
import { verifyFrame } from "../cose";
import { Refused } from "../errors";
import type { Side } from "../ids";
import type { Contents, Letter } from "../letter";
import { limit } from "../limits";
import { deviceOf } from "../registry/state";
import { type Certified, certifiedAfter, type Sender } from "./chain";
import { leads, letterRow, takesTwo } from "./rights";

const notApproved = (message: string): Refused => new Refused("not-approved", message);

/** What an approval of a letter names: its address, id, kind and body, as it will be. */
export function letterAct({ to, id, kind, body }: Pick<Letter["payload"], "to" | "id" | "kind" | "body">): Uint8Array {
  return actHash(
    new Map<string, CborValue>([
      ["kind", "letter"],
      ["to", to],
      ["id", id],
      ["letter", kind],
      ["body", body],
    ]),
  );
}

function isAbout({ header, payload }: Approval, letter: Letter): boolean {
  const { to, from } = letter.payload;
  const same =
    equal(header.svc, letter.header.svc) && equal(payload.log, to) && equal(payload.act, letterAct(letter.payload));
  return same && payload.side === from && payload.kind === "letter";
}

/** Who sends, and who approved. */
export type OneOfTwo = Pick<Sender, "user" | "roles">;

/** Two people, each of whom may send this kind, and one of whom leads. */
export function mayBoth(kind: string, from: Side, first: OneOfTwo, second: OneOfTwo): boolean {
  const by = letterRow(kind, from)?.by ?? [];
  const may = second.roles.some((role) => by.includes(role));
  return may && !equal(first.user, second.user) && (leads(kind, from, first.roles) || leads(kind, from, second.roles));
}

/**
 * Who approved the letter; null where it takes one person alone. `passedMs` is the pass's. Of several things that are
 * wrong the first in the page's order says the code.
 */
export async function checkSecond(
  contents: Contents,
  letter: Letter,
  chain: Certified,
  passedMs: number,
): Promise<Sender | null> {
  const { kind, from, body } = letter.payload;
  if (!takesTwo(kind, from, body)) {
    if (contents.second !== null) throw new Refused("malformed", "an approval where none is called for");
    return null;
  }
  if (contents.second === null) throw notApproved("nobody has approved it");
  const given = approval.decode(contents.second.approval);
  const { sender: second, registry } = await certifiedAfter(chain, contents.second.by);
  if (!isAbout(given, letter)) throw notApproved("what was approved is something else");
  const { until } = given.payload;
  if (until < passedMs || until > passedMs + limit("approval_ms"))
    throw notApproved("the approval has ended, or is for longer than it may be");
  const approver = deviceOf(registry, given.header.kid);
  if (approver === null) throw notApproved("approved by nobody who is certified");
  await verifyFrame(given.frame, approver.sign);
  if (!equal(second.device, approver.device))
    throw new Refused("malformed", "the entries certify another device than the one that approved");
  if (!mayBoth(kind, from, chain.sender, second)) throw notApproved("not two people who may");
  return second;
}
