"""By what values are compared: their deterministic bytes, and of what was expunged the op that said the same (docs/spec.md §5.7)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.shape import as_text, as_tuple, as_uint
from sync.change import CellKey, FieldKey, Op, OpId
from sync.fold.model import Live, Occurrence, Register

GONE: Final = "expunged"  # in a stub, a map with this key stands for a value (sync/stub.py)
_OF_AN_OP: Final = b"\xff"  # no CBOR begins like that


def same(first: Any, second: Any) -> bool:
    """Equality of values: as deterministic bytes."""
    return first is second or cbor.encode(first) == cbor.encode(second)


def is_marker(value: Any) -> bool:
    """True for what stands for a value, or for a row, in a stub."""
    return type(value) is dict and GONE in value


def like_of(marker: dict[str, Any]) -> OpId | None:
    """The op that a marker says the same as, if it names one. Raises Malformed."""
    if marker[GONE] is None:
        return None
    device, c, i = as_tuple(marker[GONE], GONE, 3)
    return OpId(ids.parse(as_text(device, "device")), as_uint(c, "c", 1), as_uint(i, "i"))


def said(op_id: OpId, op: Op) -> Iterator[tuple[FieldKey, Any]]:
    """What an op says of its field, and of the cells of the row that it begins."""
    if op.action == "resolve":
        yield op.field, op.value[0]
    elif op.action in ("set", "add"):
        yield op.field, op.value
    if op.action == "add" and type(op.value) is dict and isinstance(op.field, str):
        for cell, value in op.value.items():
            yield CellKey(op.field, op_id, cell), value


def senses(occurrences: Iterable[Occurrence]) -> dict[tuple[FieldKey, OpId], bytes]:
    """Of one record's ops what each value is compared by, where one of them was expunged: that of the op which the stub says is the same, or else its own."""
    told: dict[tuple[FieldKey, OpId], bytes] = {}
    likes: dict[tuple[FieldKey, OpId], OpId] = {}
    for at in occurrences:
        for i, op in enumerate(at.change.ops):
            op_id = OpId(at.device, at.change.c, i)
            for key, value in said(op_id, op):
                if at.stub and is_marker(value):
                    likes[key, op_id] = like_of(value) or op_id
                else:
                    told[key, op_id] = cbor.encode(value)
    for key, op_id in likes:
        root = _root(likes, key, op_id)
        told.setdefault((key, op_id), told.get((key, root), _OF_AN_OP + cbor.encode(list(root))))
    return told


def _root(likes: Mapping[tuple[FieldKey, OpId], OpId], key: FieldKey, op_id: OpId) -> OpId:
    """Where a chain of what says the same ends; of a circle its smallest op, wherever it was entered."""
    path = [op_id]
    while (like := likes.get((key, path[-1]))) is not None:
        if like in path:
            return min(path[path.index(like) :])
        path.append(like)
    return path[-1]


def sense(op: Live) -> bytes:
    """What two values are compared by: their deterministic bytes; of what was expunged, the op that said it first."""
    return cbor.encode(op.value) if op.sense is None else op.sense


def saying(op: Live) -> Any:
    """An op's value; where it was expunged, that of an op which says the same and is still there."""
    known = op.sense is not None and is_marker(op.value) and not op.sense.startswith(_OF_AN_OP)
    return cbor.decode(op.sense) if known and op.sense is not None else op.value


def distinct(live: Iterable[Live]) -> list[Any]:
    """The different values of a live set, in log order. Where one of two that are the same was expunged, the other is shown."""
    seen: dict[bytes, Live] = {}
    for op in live:
        known = seen.setdefault(sense(op), op)
        if is_marker(known.value) and not is_marker(op.value):
            seen[sense(op)] = op
    return [op.value for op in seen.values()]


def in_conflict(register: Register) -> bool:
    """True when the live ops hold two different values."""
    return len(register.live) > 1 and len({sense(op) for op in register.live.values()}) > 1
