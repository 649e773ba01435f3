"""Approval: one person's device agrees to one exact act that another person's device will carry out (docs/spec.md §7.7).

Spec: docs/spec.md §2, §7.7.  Vectors: shared_schema/vectors/approval/.  Shape only; who may approve what is judged in sync/approval.py.
"""

from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cbor, cose, ids, limits
from shared_schema.errors import Malformed
from shared_schema.ids import Side
from shared_schema.shape import as_hash, as_id, as_map, as_uint, keys

APPROVAL: Final = "fieldkeep-approval"
KINDS: Final = ("expunge", "hold", "erase", "export", "letter")
"""The acts that two people do together: kinds of statements, `export` (docs/spec.md §16.2), and a `letter` to the other side (§15.6), of which `log` is
the address.
"""
_ACT: Final = ids.label("act")
_KEYS: Final = keys("side", "log", "kind", "act", "until")


@dataclass(frozen=True, slots=True)
class Approval:
    """Device `by` agrees, until `until` (ms, by the time at which the act is received), to the act of `kind` in `log` whose hash is `act`."""

    id: bytes
    sign1: cose.Sign1
    cose: bytes
    by: bytes
    svc: bytes
    side: Side
    log: bytes
    kind: str
    act: bytes
    until: int


def act_hash(act: dict[str, Any]) -> bytes:
    """What an approval names: the hash of the map that says exactly what will be done."""
    return ids.sha256(_ACT + cbor.encode(act))


def export_act(purpose: str, to: str, upto: int) -> bytes:
    """The hash of writing a file out, up to its entry `upto`, for a purpose and a recipient: which file, the approval says itself."""
    return act_hash({"kind": "export", "purpose": purpose, "to": to, "upto": upto})


def approval_payload(side: Side, log: bytes, kind: str, act: bytes, until: int) -> bytes:
    """The payload of an approval."""
    return cbor.encode({"side": side, "log": log, "kind": kind, "act": act, "until": until})


def decode_approval(data: bytes) -> Approval:
    """An approval from its COSE bytes. Raises Malformed."""
    sign1 = cose.decode(data, APPROVAL)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "approval", _KEYS)
    if type(map_["kind"]) is not str or map_["kind"] not in KINDS:
        raise Malformed("an approval is of no known kind of act")
    return Approval(
        id=sign1.id,
        sign1=sign1,
        cose=data,
        by=sign1.kid,
        svc=sign1.svc,
        side=ids.side(map_["side"]),
        log=as_id(map_["log"], "log"),
        kind=map_["kind"],
        act=as_hash(map_["act"], "act"),
        until=as_uint(map_["until"], "until"),
    )
