"""File statements: genesis, members, epoch, recover, grant, admit, refuse, those of shared_schema/removal.py, and the grants inside them.

Spec: docs/spec.md §7.  Vectors: shared_schema/vectors/membership/.  Shape only; whether one may stand is judged in
sync/membership.py by server and reader alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from shared_schema import cbor, ids, limits
from shared_schema.certificate import SUITE
from shared_schema.entry import ADMISSION, EXPUNCTION, STATEMENT, Entry, Head, decode_head
from shared_schema.errors import Malformed
from shared_schema.ids import Side
from shared_schema.removal import DECODERS as REMOVAL_DECODERS
from shared_schema.removal import KIND as REMOVAL_KIND
from shared_schema.removal import Erase, Expunge, Hold, removal_map
from shared_schema.roles import FILES, ROLES
from shared_schema.shape import as_blob, as_bytes, as_hash, as_id, as_list, as_map, as_text, as_tuple, as_uint, keys

KEM_BYTES: Final = 1120  # X-Wing encapsulation: ML-KEM-768 1,088 then X25519 32
TAG_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Grant:
    """Epoch secrets sealed to one recipient: a device, or the side's recovery key.

    `cert` is the id of the registry entry that names the recipient's key. `sealed` = KEM output ‖ ciphertext of the 32-byte
    secrets of `epochs`, in that order.
    """

    to: bytes
    cert: bytes
    epochs: tuple[int, ...]
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Genesis:
    """The first statement of a file. `commit` is kc of epoch 1."""

    nonce: bytes
    file: str
    side: Side
    suite: int
    members: tuple[tuple[bytes, str], ...]
    epoch: int
    commit: bytes
    grants: tuple[Grant, ...]
    rg: Head
    previous: None = None


@dataclass(frozen=True, slots=True)
class Members:
    """People added or removed, with the new epoch and all its grants in the same statement."""

    add: tuple[tuple[bytes, str], ...]
    remove: tuple[bytes, ...]
    epoch: int
    commit: bytes
    grants: tuple[Grant, ...]
    rg: Head
    previous: bytes


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """A rotation: same people, new secret."""

    epoch: int
    commit: bytes
    grants: tuple[Grant, ...]
    rg: Head
    previous: bytes


@dataclass(frozen=True, slots=True)
class Recover:
    """A file that nobody holds any more is brought back: its author becomes a member as `role`, by a new epoch. `by` is the signature of the
    recovery key that holds the file.
    """

    role: str
    by: bytes
    epoch: int
    commit: bytes
    grants: tuple[Grant, ...]
    rg: Head
    previous: bytes


@dataclass(frozen=True, slots=True)
class MoreGrants:
    """Grants that were missing, for devices of people who already are members."""

    grants: tuple[Grant, ...]
    rg: Head
    previous: bytes


@dataclass(frozen=True, slots=True)
class Admit:
    """A held envelope comes into the log, late: `held` are its COSE bytes, its parts are the admission's own."""

    held: bytes
    rg: Head
    previous: bytes
    grants: ClassVar[tuple[Grant, ...]] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """A held envelope is not let in; `reason` is one of REFUSE_REASONS."""

    id: bytes
    reason: str
    rg: Head
    previous: bytes
    grants: ClassVar[tuple[Grant, ...]] = ()


EpochStatement = Genesis | Members | NewEpoch | Recover
FileStatement = EpochStatement | MoreGrants | Admit | Refuse | Expunge | Hold | Erase
KIND: Final[dict[type, str]] = {
    Genesis: "genesis",
    Members: "members",
    NewEpoch: "epoch",
    Recover: "recover",
    MoreGrants: "grant",
    Admit: "admit",
    Refuse: "refuse",
    **REMOVAL_KIND,
}
REFUSE_REASONS: Final = ("duplicate", "wrong_file", "not_authentic", "spill", "other")
_TYPE: Final[dict[type, str]] = {Admit: ADMISSION, Expunge: EXPUNCTION}
_EPOCH_KEYS: Final = keys("kind", "rg", "pr", "ep", "kc", "grants")


def encode_file_statement(statement: FileStatement) -> bytes:
    """The payload of a file statement."""
    map_: dict[str, Any] = {"kind": KIND[type(statement)], "rg": list(statement.rg), "pr": statement.previous}
    match statement:
        case Admit():
            return cbor.encode(map_ | {"held": statement.held})
        case Refuse():
            return cbor.encode(map_ | {"id": statement.id, "reason": statement.reason})
        case Expunge() | Hold() | Erase():
            return cbor.encode(map_ | removal_map(statement))
    map_["grants"] = [[grant.to, grant.cert, list(grant.epochs), grant.sealed] for grant in statement.grants]
    if not isinstance(statement, MoreGrants):
        map_ |= {"ep": statement.epoch, "kc": statement.commit}
    if isinstance(statement, Genesis):
        map_ |= {"nonce": statement.nonce, "file": statement.file, "side": statement.side, "suite": statement.suite}
        map_["members"] = [list(member) for member in statement.members]
    if isinstance(statement, Members):
        map_ |= {"add": [list(member) for member in statement.add], "remove": list(statement.remove)}
    if isinstance(statement, Recover):
        map_ |= {"role": statement.role, "by": statement.by}
    return cbor.encode(map_)


def decode_file_statement(payload: bytes) -> FileStatement:
    """A file statement from its payload. Raises Malformed."""
    value = cbor.decode(payload, limits.ITEMS_PER_STATEMENT)
    kind = value.get("kind") if type(value) is dict else None
    decoder = _DECODERS.get(kind) if type(kind) is str else None
    if decoder is None:
        raise Malformed("not a file statement of a known kind")
    return decoder(value)


def file_statement(entry: Entry) -> FileStatement:
    """The file statement that an entry is. `admit` is the one kind of an admission, `expunge` of an expunction; neither is in any other entry.

    Raises Malformed.
    """
    statement = decode_file_statement(entry.sign1.payload)
    if _TYPE.get(type(statement), STATEMENT) != entry.typ:
        raise Malformed("an admission is an `admit`, an expunction an `expunge`, and no other entry is")
    return statement


def _grant(value: object) -> Grant:
    items = as_tuple(value, "grant", 4)
    epochs = tuple(as_uint(epoch, "epoch", 1, 2**32 - 1) for epoch in as_list(items[2], "epochs"))
    if not epochs or list(epochs) != sorted(set(epochs)):
        raise Malformed("a grant's epochs are not a rising list")
    sealed = as_bytes(items[3], KEM_BYTES + 32 * len(epochs) + TAG_BYTES, "sealed")
    return Grant(as_id(items[0], "to"), as_hash(items[1], "cert"), epochs, sealed)


def _grants(value: object) -> tuple[Grant, ...]:
    grants = tuple(_grant(item) for item in as_list(value, "grants"))
    recipients = [grant.to for grant in grants]
    if not grants or recipients != sorted(set(recipients)):
        raise Malformed("grants are not in rising order of recipient, one each")
    return grants


def _role(value: object) -> str:
    role = as_text(value, "role")
    if role not in ROLES:
        raise Malformed("role is none of the known ones")
    return role


def _people(value: object, name: str) -> tuple[tuple[bytes, str], ...]:
    people = []
    for item in as_list(value, name):
        pair = as_tuple(item, name, 2)
        role = _role(pair[1])
        people.append((as_id(pair[0], "user"), role))
    users = [user for user, _ in people]
    if users != sorted(set(users)):
        raise Malformed(f"{name} are not in rising order, one each")
    return tuple(people)


def _genesis(value: dict[str, Any]) -> Genesis:
    map_ = as_map(value, "genesis", _EPOCH_KEYS | keys("nonce", "file", "side", "suite", "members"))
    if map_["pr"] is not None or type(map_["file"]) is not str or map_["file"] not in FILES:
        raise Malformed("a genesis has no previous statement and a known file kind")
    members = _people(map_["members"], "members")
    if not members:
        raise Malformed("a file has members")
    return Genesis(
        nonce=as_id(map_["nonce"], "nonce"),
        file=map_["file"],
        side=ids.side(map_["side"]),
        suite=as_uint(map_["suite"], "suite", SUITE, SUITE),
        members=members,
        epoch=as_uint(map_["ep"], "ep", 1, 1),
        commit=as_hash(map_["kc"], "kc"),
        grants=_grants(map_["grants"]),
        rg=decode_head(map_["rg"], "rg"),
    )


def _members(value: dict[str, Any]) -> Members:
    map_ = as_map(value, "members", _EPOCH_KEYS | keys("add", "remove"))
    remove = tuple(as_id(user, "user") for user in as_list(map_["remove"], "remove"))
    add = _people(map_["add"], "add")
    if list(remove) != sorted(set(remove)) or {user for user, _ in add} & set(remove) or not (add or remove):
        raise Malformed("add and remove are not disjoint rising lists with at least one person")
    return Members(add, remove, *_new_epoch(map_))


def _epoch(value: dict[str, Any]) -> NewEpoch:
    return NewEpoch(*_new_epoch(as_map(value, "epoch", _EPOCH_KEYS)))


def _recover(value: dict[str, Any]) -> Recover:
    map_ = as_map(value, "recover", _EPOCH_KEYS | keys("role", "by"))
    return Recover(_role(map_["role"]), as_bytes(map_["by"], 64, "by"), *_new_epoch(map_))


def _new_epoch(map_: dict[str, Any]) -> tuple[int, bytes, tuple[Grant, ...], Head, bytes]:
    return (
        as_uint(map_["ep"], "ep", 2, 2**32 - 1),
        as_hash(map_["kc"], "kc"),
        _grants(map_["grants"]),
        decode_head(map_["rg"], "rg"),
        as_hash(map_["pr"], "pr"),
    )


def _more_grants(value: dict[str, Any]) -> MoreGrants:
    map_ = as_map(value, "grant", keys("kind", "rg", "pr", "grants"))
    return MoreGrants(_grants(map_["grants"]), decode_head(map_["rg"], "rg"), as_hash(map_["pr"], "pr"))


def _admit(value: dict[str, Any]) -> Admit:
    map_ = as_map(value, "admit", keys("kind", "rg", "pr", "held"))
    return Admit(as_blob(map_["held"], "held"), decode_head(map_["rg"], "rg"), as_hash(map_["pr"], "pr"))


def _refuse(value: dict[str, Any]) -> Refuse:
    map_ = as_map(value, "refuse", keys("kind", "rg", "pr", "id", "reason"))
    if map_["reason"] not in REFUSE_REASONS:
        raise Malformed("reason is none of the known ones")
    return Refuse(as_hash(map_["id"], "id"), map_["reason"], decode_head(map_["rg"], "rg"), as_hash(map_["pr"], "pr"))


_DECODERS: Final[dict[str, Callable[[dict[str, Any]], FileStatement]]] = {
    **REMOVAL_DECODERS,
    "admit": _admit,
    "refuse": _refuse,
    "genesis": _genesis,
    "members": _members,
    "epoch": _epoch,
    "recover": _recover,
    "grant": _more_grants,
}
