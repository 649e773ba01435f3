"""Change and op: edits to one record, made at one moment by one device (docs/spec.md §5).  Vectors: shared_schema/vectors/change/.

change = {r, t, s, c, b, at, ops [, u]}       op = [field, action, value, preds]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from shared_schema import cbor
from shared_schema.errors import Malformed
from shared_schema.shape import as_id, as_list, as_map, as_text, as_tuple, as_uint, check_json_safe, keys

ACTIONS: Final = frozenset({"set", "add", "remove", "resolve", "sign", "delete"})
DELETED: Final = "_deleted"
SIGNED: Final = "_signed"
_CHANGE: Final = keys("r", "t", "s", "c", "b", "at", "ops")
_UNSURE: Final = keys("u")
MAX_REASON: Final = 2000
OPS: Final = 4096
PREDS: Final = 4096


class OpId(NamedTuple):
    """`[device, c, i]`: op `i` of the change numbered `c` of `device`."""

    device: bytes
    c: int
    i: int


class CellKey(NamedTuple):
    """`[list, row's op id, cell]`: one cell of one row."""

    list: str
    row: OpId
    cell: str


FieldKey = str | CellKey


class Op(NamedTuple):
    """One edit. Of a `resolve`, `value` is `[chosen, reason]`; of a `sign`, `preds` are the ops that it signs."""

    field: FieldKey
    action: str
    value: Any
    preds: tuple[OpId, ...]


def in_pieces(action: str, field: str, preds: Sequence[OpId]) -> "list[Op]":
    """`sign` or `remove` ops that together name all of `preds`, each as many as one op may."""
    return [Op(field, action, None, tuple(preds[start : start + PREDS])) for start in range(0, len(preds), PREDS)]


@dataclass(frozen=True, slots=True)
class Change:
    """Edits to record `r` of type `t`, schema version `s`; the author's change counter `c`; the head seq `b` applied when made;
    claimed time `at` in ms; `unsure` when the device knew its clock to be wrong.
    """

    r: bytes
    t: str
    s: int
    c: int
    b: int
    at: int
    ops: tuple[Op, ...]
    unsure: bool = False


def encode_change_map(change: Change) -> dict[str, Any]:
    """The change as a map ready for CBOR."""
    map_: dict[str, Any] = {
        "r": change.r, "t": change.t, "s": change.s, "c": change.c, "b": change.b, "at": change.at,
        "ops": [[_key_value(op.field), op.action, op.value, [list(pred) for pred in op.preds]] for op in change.ops],
    }  # fmt: skip
    if change.unsure:
        map_["u"] = True
    return map_


def _key_value(key: FieldKey) -> Any:
    return key if isinstance(key, str) else [key.list, list(key.row), key.cell]


def encode_part(changes: list[Change]) -> bytes:
    """The plaintext of a part: CBOR list of the changes to one record."""
    return cbor.encode([encode_change_map(change) for change in changes])


def decode_part(data: bytes) -> list[Change]:
    """The changes of a part, all to one record, with rising counters. Raises Malformed."""
    changes = [_change(item) for item in as_list(cbor.decode(data), "part")]
    if not changes or len({change.r for change in changes}) != 1:
        raise Malformed("a part holds the changes of one record")
    if any(first.c >= second.c for first, second in pairwise(changes)):
        raise Malformed("the changes of a part do not rise")
    return changes


def decode_change(data: bytes) -> Change:
    """One change, as a part's list holds it. Raises Malformed."""
    return _change(cbor.decode(data))


def _change(value: object) -> Change:
    map_ = as_map(value, "change", _CHANGE, _UNSURE)
    if "u" in map_ and map_["u"] is not True:
        raise Malformed("u is true or absent")
    ops = tuple(_op(item) for item in as_list(map_["ops"], "ops", OPS))
    if not ops:
        raise Malformed("a change has ops")
    return Change(
        as_id(map_["r"], "r"),
        as_text(map_["t"], "t", 64),
        as_uint(map_["s"], "s", 1),
        as_uint(map_["c"], "c", 1),
        as_uint(map_["b"], "b"),
        as_uint(map_["at"], "at"),
        ops,
        "u" in map_,
    )


def _op(value: object) -> Op:
    items = as_tuple(value, "op", 4)
    action = items[1]
    if type(action) is not str or action not in ACTIONS:
        raise Malformed("action is none of the known ones")
    check_json_safe(items[2])
    if action == "resolve":
        _check_reason(items[2])
    preds = tuple(_op_id(pred) for pred in as_list(items[3], "preds", PREDS)) if items[3] else _no_preds(items[3])
    field = items[0] if type(items[0]) is str and 1 <= len(items[0]) <= 64 else _cell_key(items[0])
    if (field == DELETED) != (action == "delete") or (field == SIGNED) != (action == "sign"):
        raise Malformed("delete and sign have a reserved field of their own")
    if (action == "delete" and items[2] is not True) or (action == "sign" and items[2] is not None):
        raise Malformed("a deletion has the value true, a signature null")
    return Op(field, action, items[2], preds)


def _no_preds(value: object) -> tuple[OpId, ...]:
    if value != []:
        raise Malformed("preds are not a list")
    return ()


def _check_reason(value: object) -> None:
    as_text(as_tuple(value, "resolve", 2)[1], "reason", MAX_REASON)


def _op_id(value: object) -> OpId:
    items = as_tuple(value, "op id", 3)
    return OpId(as_id(items[0], "device"), as_uint(items[1], "c", 1), as_uint(items[2], "i"))


def _cell_key(value: object) -> CellKey:
    items = as_tuple(value, "field", 3)
    return CellKey(as_text(items[0], "list", 64), _op_id(items[1]), as_text(items[2], "cell", 64))
