/** When an approval holds, as far as it says so itself. Spec 7.7. Vectors: approval. */
import type { Approval, ApprovedKind } from "../approval";
import { equal } from "../bytes";
import { toSign } from "../cose";
import { Refused } from "../errors";
import { verifies } from "../keys";
import { limit } from "../limits";
import type { Check } from "../registry/judged";
import { deviceOf, isUnrevokedAt, type Registry } from "../registry/state";

/** The act, and the place of the registry and the time by which its approval is judged. */
export interface ApprovedAct {
  readonly registry: Registry;
  readonly log: Uint8Array;
  readonly kind: ApprovedKind;
  readonly act: Uint8Array;
  readonly seq: number;
  readonly receivedMs: number;
}

export interface Approver {
  readonly device: Uint8Array;
  readonly user: Uint8Array;
}

const notApproved = (message: string): Refused => new Refused("not-approved", message);

/** Who approved; whether they may is for the caller, who knows their role there. */
export async function checkApproval(
  wanted: ApprovedAct,
  approval: Approval,
  check: Check = verifies,
): Promise<Approver> {
  const { registry, log, kind, act, seq, receivedMs } = wanted;
  const { header, payload } = approval;
  const named =
    equal(header.svc, registry.svc) &&
    payload.side === registry.side &&
    equal(payload.log, log) &&
    payload.kind === kind;
  if (!named || !equal(payload.act, act)) throw notApproved("approved is another act, or elsewhere");
  const left = payload.until - receivedMs;
  if (left < 0 || left > limit("approval_ms")) {
    throw notApproved("the approval has ended, or is for longer than one may be");
  }
  const device = deviceOf(registry, header.kid);
  if (device === null || !isUnrevokedAt(device, seq)) {
    throw notApproved("approved by a device that is not certified, or is revoked");
  }
  if (!(await check(device.sign, approval.signature, toSign(approval.frame)))) {
    throw new Refused("malformed", "the approval's signature does not hold");
  }
  return { device: device.device, user: device.user };
}
