"""Registry statements about a service that came back from an older copy: restore, healed; and the messages of restoring and healing.

Spec: docs/spec.md §19.  Vectors: shared_schema/vectors/registry/, wire/.  Shape only; standing is judged in sync/restoring.py and server/restoring.py.
"""

from dataclasses import dataclass
from typing import Any

from shared_schema import cbor, limits
from shared_schema.entry import Witness, decode_witness
from shared_schema.errors import Malformed, TooLarge
from shared_schema.shape import as_blob, as_hash, as_id, as_list, as_map, as_tuple, as_uint, keys, versioned


@dataclass(frozen=True, slots=True)
class Restore:
    """From here on the side's incarnation is `incarnation`. `before` is the newest checkpoint that its author had verified; `marked` says whether the
    server knew how far its logs had been.
    """

    incarnation: bytes
    before: Witness | None
    marked: bool


@dataclass(frozen=True, slots=True)
class Healed:
    """What has not come back by now is not waited for."""


RestoringStatement = Restore | Healed


def restoring_map(statement: RestoringStatement) -> dict[str, Any]:
    """The payload's map."""
    match statement:
        case Restore():
            before = None if statement.before is None else list(statement.before)
            return {"kind": "restore", "incarnation": statement.incarnation, "before": before, "marked": statement.marked}
        case Healed():
            return {"kind": "healed"}


def restore(value: dict[str, Any]) -> Restore:
    """Raises Malformed."""
    map_ = as_map(value, "restore", keys("kind", "incarnation", "before", "marked"))
    before = None if map_["before"] is None else decode_witness(map_["before"])
    return Restore(as_id(map_["incarnation"], "incarnation"), before, _flag(map_["marked"], "marked"))


def healed(value: dict[str, Any]) -> Healed:
    """Raises Malformed."""
    as_map(value, "healed", keys("kind"))
    return Healed()


def _flag(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise Malformed(f"{name} is neither true nor false")
    return value


@dataclass(frozen=True, slots=True)
class Offer:
    """What a side says of itself that is not served: its incarnation, the next, chain of where its registry ends, and whether it has marks. How many
    entries there are is nobody's business who has not got them: whoever has that chain knows its place.
    """

    incarnation: bytes
    next: bytes
    registry: bytes
    marks: bool


def encode_offer(offer: Offer) -> bytes:
    """The answer of `GET /v1/restored`."""
    return cbor.encode({"v": 1, "incarnation": offer.incarnation, "next": offer.next, "registry": offer.registry, "marks": offer.marks})


def decode_offer(data: bytes) -> Offer:
    """Raises Malformed."""
    map_ = versioned(cbor.decode(data), "offer", "incarnation", "next", "registry", "marks")
    return Offer(
        as_id(map_["incarnation"], "incarnation"), as_id(map_["next"], "next"), as_hash(map_["registry"], "registry"), _flag(map_["marks"], "marks")
    )


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a device brings to a side that is not served: entries of the registry with their times and the signed head that they lead to (None when
    nothing is missing), and the `restore`, as it travels, from whoever declares.
    """

    entries: tuple[tuple[Any, int], ...]
    head: bytes | None
    restore: Any | None


def encode_declaration(declaration: Declaration) -> bytes:
    """The body of `POST /v1/restored`."""
    entries = [[pair, received_ms] for pair, received_ms in declaration.entries]
    return cbor.encode({"v": 1, "entries": entries, "head": declaration.head, "restore": declaration.restore})


def decode_declaration(data: bytes) -> Declaration:
    """Raises Malformed, or TooLarge."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_REQUEST), "declaration", "entries", "head", "restore")
    entries = tuple(_timed(one) for one in as_list(map_["entries"], "entries"))
    head = None if map_["head"] is None else as_blob(map_["head"], "head")
    if bool(entries) != (head is not None):
        raise Malformed("entries come with the signed head that they lead to, and no head without entries")
    return Declaration(entries, head, map_["restore"])


@dataclass(frozen=True, slots=True)
class Healing:
    """What a device brings back of a file: ids and times of the entries from place `after` + 1 up to the place of `head`, and the first of these entries;
    of an entry of an erased file its id stands for it.
    """

    after: int
    links: tuple[tuple[bytes, int], ...]
    head: bytes
    entries: tuple[Any, ...]


def encode_healing(healing: Healing) -> bytes:
    """The body of `POST /v1/heal/{log}`."""
    links = [[entry_id, received_ms] for entry_id, received_ms in healing.links]
    return cbor.encode({"v": 1, "after": healing.after, "links": links, "head": healing.head, "entries": list(healing.entries)})


def decode_healing(data: bytes) -> Healing:
    """Raises Malformed, or TooLarge."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_REQUEST), "healing", "after", "links", "head", "entries")
    raw = as_list(map_["links"], "links")
    if len(raw) > limits.HEAL_LINKS:
        raise TooLarge(f"{len(raw)} links, want at most {limits.HEAL_LINKS}")
    links = tuple(_link(one) for one in raw)
    entries = tuple(as_list(map_["entries"], "entries"))
    if len(entries) > len(links):
        raise Malformed("there are more entries than links")
    return Healing(as_uint(map_["after"], "after"), links, as_blob(map_["head"], "head"), entries)


@dataclass(frozen=True, slots=True)
class HealedTo:
    """Where a file ends, or, asked for, where an earlier incarnation of it does. `open`: nothing was written after it, and more of it may come back."""

    seq: int
    chain: bytes
    open: bool


def encode_healed_to(healed_to: HealedTo) -> bytes:
    """The answer of `POST /v1/heal/{log}` and of `GET /v1/heal/{log}`."""
    return cbor.encode({"v": 1, "seq": healed_to.seq, "chain": healed_to.chain, "open": healed_to.open})


def decode_healed_to(data: bytes) -> HealedTo:
    """Raises Malformed."""
    map_ = versioned(cbor.decode(data), "healed", "seq", "chain", "open")
    return HealedTo(as_uint(map_["seq"], "seq"), as_hash(map_["chain"], "chain"), _flag(map_["open"], "open"))


def _timed(value: object) -> tuple[Any, int]:
    pair, received_ms = as_tuple(value, "entry", 2)
    return pair, as_uint(received_ms, "received_ms")


def _link(value: object) -> tuple[bytes, int]:
    entry_id, received_ms = as_tuple(value, "link", 2)
    return as_hash(entry_id, "id"), as_uint(received_ms, "received_ms")
