"""Parcels, the only thing that crosses between the working sides, and the signed objects around them (docs/spec.md §15).

Vectors: shared_schema/vectors/parcel/.  Shape only; the rules are in sync/parcel.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from shared_schema import cbor, cose, ids, limits
from shared_schema.errors import Malformed, TooLarge
from shared_schema.ids import Side
from shared_schema.recovery import RECEIVE_BYTES
from shared_schema.shape import as_blob, as_bytes, as_hash, as_id, as_list, as_map, as_text, as_tuple, as_uint, check_json_safe, keys, versioned

GATE: Final = "fieldkeep-gate"
INTAKE: Final = "fieldkeep-intake"
LETTER: Final = "fieldkeep-letter"
PASS: Final = "fieldkeep-pass"  # noqa: S105  # no password
READER_FIELDS: Final = frozenset({"parcel", "sender", "second", "filling", "state", "split", "matches", "incomplete", "filed_in"})
"""Fields that a letter's reader writes, and no letter has (docs/spec.md §15.5)."""
WEEK_MS: Final = 604_800_000
_FIRST_MONDAY_MS: Final = 345_600_000  # 5 January 1970
_MOST_WEEKS: Final = 2**32 - 1
COME_AT_ONCE: Final = 256
_PARCEL: Final = keys("address", "week", "id", "fixed", "root", "sealed")


def week_of(ms: int) -> int:
    """The week of a time in ms: 0 is the one of Monday, 5 January 1970, UTC; no earlier one has a number."""
    return max(0, (ms - _FIRST_MONDAY_MS) // WEEK_MS)


def week_starts(week: int) -> int:
    """When a week begins, in ms."""
    return _FIRST_MONDAY_MS + week * WEEK_MS


def address_of(svc: bytes, side: str, log: bytes) -> bytes:
    """The address of a file that can receive parcels, 16 bytes."""
    return ids.sha256(ids.label("address") + svc + side.encode() + b"\0" + log)[:16]


@dataclass(frozen=True, slots=True)
class Gate:
    """The authority's word that `key` is the address key of a side's desk, in the weeks `first` to `last`."""

    side: Side
    address: bytes
    key: bytes
    first: int
    last: int
    sign1: cose.Sign1


@dataclass(frozen=True, slots=True)
class IntakeKey:
    """The X-Wing key of an address in one week, signed by its address key."""

    side: Side
    address: bytes
    week: int
    key: bytes
    sign1: cose.Sign1


@dataclass(frozen=True, slots=True)
class Letter:
    """What a parcel says: `body` is the fields of a record of type `kind`."""

    side: Side
    to: bytes
    id: bytes
    kind: str
    at: int
    body: Mapping[str, Any]
    sign1: cose.Sign1


@dataclass(frozen=True, slots=True)
class Pass:
    """The word of the sender's server that it took this parcel from a device in standing."""

    address: bytes
    week: int
    id: bytes
    hash: bytes
    ms: int
    sign1: cose.Sign1


class Parcel(NamedTuple):
    """A sealed letter on its way. `fixed` when it cannot be sealed again, `root` the entry id of the root of the sender's side."""

    address: bytes
    week: int
    id: bytes
    fixed: bool
    root: bytes
    sealed: bytes


class Contents(NamedTuple):
    """What a parcel opens to: the letter's COSE bytes, the registry entries that certify its sender, a second person's approval with theirs."""

    letter: bytes
    chain: tuple[bytes, ...]
    second: tuple[bytes, tuple[bytes, ...]] | None = None


class Publication(NamedTuple):
    """What a member's device publishes for its file."""

    epoch: int
    key: bytes
    gate: bytes | None
    keys: tuple[bytes, ...]


class Come(NamedTuple):
    """A parcel that came to a file: its number there, when, the pass, and the parcel's map, in which a parcel is."""

    n: int
    received_ms: int
    passed: bytes
    parcel: Any


def gate_payload(side: Side, address: bytes, key: bytes, first: int, last: int) -> bytes:
    """The payload of a `fieldkeep-gate`."""
    return cbor.encode({"side": side, "address": address, "key": key, "from": first, "until": last})


def decode_gate(data: bytes) -> Gate:
    """A gate from its COSE bytes; its signature is not checked here. Raises Malformed."""
    sign1 = cose.decode(data, GATE)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "gate", keys("side", "address", "key", "from", "until"))
    first = as_uint(map_["from"], "from", 0, _MOST_WEEKS)
    last = as_uint(map_["until"], "until", first, min(first + limits.GATE_WEEKS - 1, _MOST_WEEKS))
    return Gate(ids.side(map_["side"]), as_id(map_["address"], "address"), as_bytes(map_["key"], 32, "key"), first, last, sign1)


def intake_key_payload(side: Side, week: int, key: bytes) -> bytes:
    """The payload of a `fieldkeep-intake`."""
    return cbor.encode({"side": side, "week": week, "key": key})


def decode_intake_key(data: bytes) -> IntakeKey:
    """An intake key object from its COSE bytes; its signature is not checked here. Raises Malformed."""
    sign1 = cose.decode(data, INTAKE)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "intake key", keys("side", "week", "key"))
    week = as_uint(map_["week"], "week", 0, _MOST_WEEKS)
    return IntakeKey(ids.side(map_["side"]), sign1.kid, week, as_bytes(map_["key"], RECEIVE_BYTES, "key"), sign1)


def letter_payload(side: Side, to: bytes, letter_id: bytes, kind: str, at: int, body: Mapping[str, Any]) -> bytes:
    """The payload of a `fieldkeep-letter`."""
    return cbor.encode({"from": side, "to": to, "id": letter_id, "kind": kind, "at": at, "body": dict(body)})


def decode_letter(data: bytes) -> Letter:
    """A letter from its COSE bytes; its signature is not checked here. Raises Malformed."""
    sign1 = cose.decode(data, LETTER)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "letter", keys("from", "to", "id", "kind", "at", "body"))
    body = map_["body"]
    if type(body) is not dict:
        raise Malformed("a letter's body is a map of fields")
    check_json_safe(body)
    return Letter(
        ids.side(map_["from"]),
        as_id(map_["to"], "to"),
        as_id(map_["id"], "id"),
        as_text(map_["kind"], "kind", 64),
        as_uint(map_["at"], "at"),
        body,
        sign1,
    )


def pass_payload(parcel: Parcel, ms: int) -> bytes:
    """The payload of a `fieldkeep-pass`."""
    return cbor.encode(
        {"address": parcel.address, "week": parcel.week, "id": parcel.id, "hash": ids.sha256(parcel.sealed), "ms": ms},
    )


def decode_pass(data: bytes) -> Pass:
    """A pass from its COSE bytes; its signature is not checked here. Raises Malformed."""
    sign1 = cose.decode(data, PASS)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "pass", keys("address", "week", "id", "hash", "ms"))
    return Pass(
        as_id(map_["address"], "address"),
        as_uint(map_["week"], "week", 0, _MOST_WEEKS),
        as_id(map_["id"], "id"),
        as_hash(map_["hash"], "hash"),
        as_uint(map_["ms"], "ms"),
        sign1,
    )


def parcel_map(parcel: Parcel) -> dict[str, Any]:
    """A parcel as it travels."""
    return parcel._asdict()


def decode_parcel(value: object) -> Parcel:
    """A parcel from a decoded map. Raises Malformed, or TooLarge."""
    map_ = as_map(value, "parcel", _PARCEL)
    sealed = as_blob(map_["sealed"], "sealed")
    if len(sealed) > limits.PARCEL_BYTES:
        raise TooLarge(f"a parcel of {len(sealed)} B, want at most {limits.PARCEL_BYTES}")
    if type(map_["fixed"]) is not bool:
        raise Malformed("fixed is neither true nor false")
    week = as_uint(map_["week"], "week", 0, _MOST_WEEKS)
    return Parcel(as_id(map_["address"], "address"), week, as_id(map_["id"], "id"), map_["fixed"], as_hash(map_["root"], "root"), sealed)


def encode_contents(contents: Contents) -> bytes:
    """What is sealed, before its length and padding."""
    second = None if contents.second is None else [contents.second[0], list(contents.second[1])]
    return cbor.encode({"v": 1, "letter": contents.letter, "chain": list(contents.chain), "second": second})


def decode_contents(data: bytes) -> Contents:
    """What a parcel opened to. Raises Malformed."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_OBJECT), "contents", "letter", "chain", "second")
    second = None
    if map_["second"] is not None:
        pair = as_tuple(map_["second"], "second", 2)
        second = as_blob(pair[0], "approval"), _chain(pair[1])
    return Contents(as_blob(map_["letter"], "letter"), _chain(map_["chain"]), second)


def _chain(value: object) -> tuple[bytes, ...]:
    return tuple(as_blob(item, "certificate") for item in as_list(value, "chain", limits.CHAIN_ENTRIES))


def encode_publication(publication: Publication) -> bytes:
    """The body of `POST /v1/intake/{log}`."""
    map_ = {"v": 1, "ep": publication.epoch, "key": publication.key, "gate": publication.gate, "keys": list(publication.keys)}
    return cbor.encode(map_)


def decode_publication(data: bytes) -> Publication:
    """Parse a publication. Raises Malformed."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_OBJECT), "publication", "ep", "key", "gate", "keys")
    objects = tuple(as_blob(item, "intake key") for item in as_list(map_["keys"], "keys", limits.INTAKE_WEEKS + 1))
    gate = None if map_["gate"] is None else as_blob(map_["gate"], "gate")
    return Publication(as_uint(map_["ep"], "ep", 1), as_bytes(map_["key"], 32, "key"), gate, objects)


def encode_parcels(parcels: Sequence[Parcel]) -> bytes:
    """The body of `POST /v1/parcels`."""
    return cbor.encode({"v": 1, "parcels": [parcel_map(parcel) for parcel in parcels]})


def decode_parcels(data: bytes) -> tuple[Any, ...]:
    """The undecoded parcels of a request. Raises Malformed or TooLarge."""
    found = as_list(versioned(cbor.decode(data, limits.ITEMS_PER_REQUEST), "parcels", "parcels")["parcels"], "parcels")
    if len(found) > limits.PARCELS_PER_REQUEST:
        raise TooLarge(f"{len(found)} parcels, want at most {limits.PARCELS_PER_REQUEST}")
    return tuple(found)


def encode_come(come: Sequence[Come], *, more: bool) -> bytes:
    """The answer to `GET /v1/parcels/{log}`."""
    return cbor.encode({"v": 1, "parcels": [list(one) for one in come], "more": more})


def decode_come(data: bytes) -> tuple[tuple[Come, ...], bool]:
    """What came to a file, and whether more did. Raises Malformed, TooLarge."""
    map_ = versioned(cbor.decode(data), "parcels", "parcels", "more")
    if type(map_["more"]) is not bool:
        raise Malformed("more is neither true nor false")
    found = []
    for item in as_list(map_["parcels"], "parcels", COME_AT_ONCE):
        items = as_tuple(item, "parcel", 4)
        found.append(Come(as_uint(items[0], "n", 1), as_uint(items[1], "received_ms"), as_blob(items[2], "pass"), items[3]))
        decode_parcel(items[3])
    return tuple(found), map_["more"]
