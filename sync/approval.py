"""Two people for one act: what one person's device approved and another's carries out (docs/spec.md §7.7).  Vectors: shared_schema/vectors/approval/.

Pure. The same rule for server, reader and auditor: it looks at nothing but the approval, the registry at `rg` and the time at which the act was received.
"""

from collections.abc import Mapping

from shared_schema import cose, limits
from shared_schema.approval import APPROVAL, Approval, approval_payload, decode_approval
from shared_schema.errors import Refused
from shared_schema.ids import Side
from shared_schema.roles import is_lead, may_sign
from sync.registry import Certificate, Registry
from sync.signing import SigningKey, sign_object, verify_object


def sign_approval(key: SigningKey, device: bytes, svc: bytes, side: Side, log: bytes, kind: str, act: bytes, until: int) -> Approval:
    """An approval, signed."""
    return decode_approval(sign_object(key, cose.protected_header(APPROVAL, device, svc), approval_payload(side, log, kind, act, until)))


def check_approval(approval: Approval | None, log: bytes, kind: str, act: bytes, registry: Registry, seq: int, received_ms: int) -> Certificate:
    """Whoever approved, when the approval is for this very act, and in time. `seq` is the place in the registry that the act relied on,
    `received_ms` when the act was received. Raises Refused `not-approved`, Malformed for a signature that fails.
    """
    if approval is None:
        raise Refused("not-approved", "this takes two people: nobody has approved it")
    if (approval.svc, approval.side, approval.log, approval.kind, approval.act) != (registry.svc, registry.side, log, kind, act):
        raise Refused("not-approved", "the approval is for something else")
    if not received_ms <= approval.until <= received_ms + limits.APPROVAL_MS:
        raise Refused("not-approved", "the approval has ended, or is for a longer time than an approval may be")
    approver = registry.devices.get(approval.by)
    if approver is None or not approver.stands_at(seq):
        raise Refused("not-approved", "whoever approved was not certified at the registry head that the act names")
    verify_object(approval.sign1, approver.keys.sign)
    return approver


def check_pair(kind: str, file: str, side: Side, roles: Mapping[bytes, str], author: bytes, approver: bytes) -> None:
    """That these two users are two, each in a role that may do this in such a file, and one of them its lead. `roles` maps users to theirs there.

    Raises Refused `not-approved`. This is the place where a kind of file may ask for less.
    """
    if approver == author:
        raise Refused("not-approved", "this takes two people: whoever approved it carries it out")
    both = [roles.get(user, "") for user in (author, approver)]
    if not all(may_sign(kind, file, side, role) for role in both):
        raise Refused("not-approved", f"of the two who sign {kind}, one may not in this file")
    if not any(is_lead(file, side, role) for role in both):
        raise Refused("not-approved", f"neither of the two who sign {kind} leads this file")
