"""Statements by which something goes for good: expunge (one part), hold (nothing goes meanwhile), erase (the whole file).

Spec: docs/spec.md §7.8 to §7.10.  Vectors: shared_schema/vectors/removal/.  Shape only; whether one may stand is judged in sync/removal.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from shared_schema import cbor, cose, limits
from shared_schema.approval import Approval, act_hash, decode_approval
from shared_schema.entry import Head, decode_head
from shared_schema.errors import Malformed
from shared_schema.roles import FILES
from shared_schema.shape import as_blob, as_hash, as_id, as_map, as_uint, keys

REASONS: Final = ("spill", "retention", "court", "error", "request")
"""Why something goes: it should not have been written here; its time is over; a court says so; a mistake; somebody asked for it who has the right."""
EXPIRED: Final = "expired"
"""The reason of an `expunge` that one person's device carries out by the calendar, in a liaison file (docs/spec.md §7.8)."""
LAST_PART: Final = 1023
_COMMON: Final = keys("kind", "rg", "pr", "approval")


@dataclass(frozen=True, slots=True)
class Expunge:
    """Part `part` of envelope `id`, whose hash is `hash`, goes everywhere. `at` is the place of the envelope, or of its admission; 0 while it is
    held. `stub` is the hash of the part that stands for it, and `says` of what that says, which the approval names. `parcel` is the id of the parcel
    that a record in it was made from, which goes too.
    """

    at: int
    id: bytes
    part: int
    hash: bytes
    reason: str
    parcel: bytes | None
    stub: bytes
    says: bytes
    approval: Approval | None
    rg: Head
    previous: bytes
    grants: ClassVar[tuple[Any, ...]] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing of the file may go by age, and the file not at all. With `release`, the hold that statement `release` began ends."""

    release: bytes | None
    approval: Approval | None
    rg: Head
    previous: bytes
    grants: ClassVar[tuple[Any, ...]] = ()


@dataclass(frozen=True, slots=True)
class Erase:
    """The file ends: of all before it there remain the entry ids and times. `file`, `creator` and `nonce` are those of its genesis."""

    file: str
    creator: bytes
    nonce: bytes
    reason: str
    approval: Approval | None
    rg: Head
    previous: bytes
    grants: ClassVar[tuple[Any, ...]] = ()


Removal = Expunge | Hold | Erase
_OWN: Final[Mapping[type, tuple[str, ...]]] = {
    Expunge: ("at", "id", "part", "hash", "reason", "parcel", "stub", "says"),
    Hold: ("release",),
    Erase: ("file", "creator", "nonce", "reason"),
}
KIND: Final[Mapping[type, str]] = {Expunge: "expunge", Hold: "hold", Erase: "erase"}


def act_of(statement: Removal) -> bytes:
    """The hash of what the statement does, as an approval names it."""
    match statement:
        case Expunge():
            return expunge_act(statement.at, statement.id, statement.part, statement.hash, statement.reason, statement.parcel, statement.says)
        case Hold():
            return release_act(statement.release or b"")
        case Erase():
            return erase_act(statement.reason)


def expunge_act(at: int, entry_id: bytes, part: int, hash_: bytes, reason: str, parcel: bytes | None, says: bytes) -> bytes:
    """The hash of expunging one part, and with it the parcel that it was made from, for a stub that says `says`."""
    return act_hash({"kind": "expunge", "at": at, "id": entry_id, "part": part, "hash": hash_, "reason": reason, "parcel": parcel, "says": says})


def release_act(release: bytes) -> bytes:
    """The hash of ending the hold that statement `release` began."""
    return act_hash({"kind": "hold", "release": release})


def erase_act(reason: str) -> bytes:
    """The hash of erasing a file: which one, the approval says itself."""
    return act_hash({"kind": "erase", "reason": reason})


def removal_map(statement: Removal) -> dict[str, Any]:
    """What a statement's payload has beside `kind`, `rg` and `pr`."""
    approval = {"approval": None if statement.approval is None else statement.approval.cose}
    return approval | {name: getattr(statement, name) for name in _OWN[type(statement)]}


def _approval(value: object) -> Approval | None:
    return None if value is None else decode_approval(as_blob(value, "approval"))


def _reason(value: object, *more: str) -> str:
    if type(value) is not str or value not in (*REASONS, *more):
        raise Malformed("reason is none of the known ones")
    return value


def _end(map_: dict[str, Any]) -> tuple[Approval | None, Head, bytes]:
    return _approval(map_["approval"]), decode_head(map_["rg"], "rg"), as_hash(map_["pr"], "pr")


def _expunge(value: dict[str, Any]) -> Expunge:
    map_ = as_map(value, "expunge", _COMMON | keys(*_OWN[Expunge]))
    return Expunge(
        as_uint(map_["at"], "at"),
        as_hash(map_["id"], "id"),
        as_uint(map_["part"], "part", 0, LAST_PART),
        as_hash(map_["hash"], "hash"),
        _reason(map_["reason"], EXPIRED),
        None if map_["parcel"] is None else as_id(map_["parcel"], "parcel"),
        as_hash(map_["stub"], "stub"),
        as_hash(map_["says"], "says"),
        *_end(map_),
    )


def _hold(value: dict[str, Any]) -> Hold:
    map_ = as_map(value, "hold", _COMMON | keys(*_OWN[Hold]))
    release = None if map_["release"] is None else as_hash(map_["release"], "release")
    if release is None and map_["approval"] is not None:
        raise Malformed("a hold begins without an approval")
    return Hold(release, *_end(map_))


def _erase(value: dict[str, Any]) -> Erase:
    map_ = as_map(value, "erase", _COMMON | keys(*_OWN[Erase]))
    if type(map_["file"]) is not str or map_["file"] not in FILES:
        raise Malformed("file is no known kind")
    return Erase(map_["file"], as_id(map_["creator"], "creator"), as_id(map_["nonce"], "nonce"), _reason(map_["reason"]), *_end(map_))


DECODERS: Final[Mapping[str, Callable[[dict[str, Any]], Removal]]] = {"expunge": _expunge, "hold": _hold, "erase": _erase}

# --- a device's word that it has done it -------------------------------------------------------------------------------------------------

PURGE: Final = "fieldkeep-purge"


@dataclass(frozen=True, slots=True)
class Purge:
    """Device `by` says that it has done what statement `id` of `log` asks: nothing of what had to go is in its store."""

    sign1: cose.Sign1
    cose: bytes
    by: bytes
    svc: bytes
    log: bytes
    id: bytes


def purge_payload(log: bytes, statement: bytes) -> bytes:
    """The payload of a device's word."""
    return cbor.encode({"log": log, "id": statement})


def decode_purge(data: bytes) -> Purge:
    """A device's word from its COSE bytes. Raises Malformed."""
    sign1 = cose.decode(data, PURGE)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "purge", keys("log", "id"))
    return Purge(sign1, data, sign1.kid, sign1.svc, as_id(map_["log"], "log"), as_hash(map_["id"], "id"))
