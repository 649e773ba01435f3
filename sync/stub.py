"""The stub: what stands for a part that was expunged (docs/spec.md §5.7).  Vectors: shared_schema/vectors/stub/.

Pure. It names what was done, by which op ids, over which others, and nothing of what was said: the fold goes on as if the part were there, but for
the values. `{"expunged": null}` stands for a value, `{"expunged": [device, c, i]}` for one that is the same as that other op's.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.errors import Malformed
from sync.change import CellKey, Change, FieldKey, Op, OpId, decode_part, encode_part
from sync.fold import GONE, STATE, Occurrence, is_marker, like_of, said, senses

REASON: Final = "expunged"
"""What stands for a decision's reason."""
_TERM: Final = re.compile(r"[a-z0-9_]{1,64}")
_FUND_IDS: Final = frozenset({"device", "spend_id", "against"})
_NONE: Final = cbor.encode([])
_SAYS: Final = ids.label("stub")
Same = Mapping[tuple[FieldKey, OpId], OpId]
"""For an op on a field another that said the same (`same_as`)."""


def make_stub(changes: Iterable[Change], author: bytes, file: str, same: Same | None = None) -> list[Change]:
    """What stands for these changes by device `author` in a file of this kind."""
    return [_stub_change(change, author, file, same or {}) for change in changes]


def make_last_stub(changes: Iterable[Change]) -> list[Change]:
    """What stands for a letter whose time is over: its changes' numbers, and that they were signed. One size for all (docs/spec.md §15.7)."""

    def kept(change: Change) -> tuple[Op, ...]:
        ops = [op._replace(preds=()) for op in change.ops if op.action == "sign" or _sets_state(op)]
        return tuple(ops) or (Op(STATE, "set", "draft", ()),)

    return [_with_ops(change, kept(change)) for change in changes]


def _sets_state(op: Op) -> bool:
    return op.field == STATE and op.action in ("set", "add") and _stays(STATE, op.value, "")


def _stub_change(change: Change, author: bytes, file: str, same: Same) -> Change:
    def stub_op(i: int, op: Op) -> Op:
        like = same.get((op.field, OpId(author, change.c, i)))
        return op._replace(value=_stub_value(op, file, {GONE: None if like is None else [ids.show(like.device), like.c, like.i]}))

    return _with_ops(change, (stub_op(i, op) for i, op in enumerate(change.ops)))


def _with_ops(change: Change, ops: Iterable[Op]) -> Change:
    return Change(change.r, change.t, change.s, change.c, change.b, change.at, tuple(ops), change.unsure)


def _stub_value(op: Op, file: str, gone: dict[str, Any]) -> Any:
    """A value that the fold or the fund goes by stays; for any other stands `gone`."""
    match op.action:
        case "sign" | "delete":
            return op.value
        case "remove":
            return None
        case "resolve":
            return [op.value[0] if _stays(op.field, op.value[0], file) else gone, REASON]
        case "add" if type(op.value) is dict:
            return gone | {
                cell: value if _cell_stays(op.field, cell, value, file) else {GONE: None} for cell, value in op.value.items() if _is_name(cell)
            }
        case _:
            return op.value if _stays(op.field, op.value, file) else gone


def _is_name(cell: str) -> bool:
    return _TERM.fullmatch(cell) is not None and cell != GONE


def _stays(field: FieldKey, value: Any, file: str) -> bool:
    if isinstance(field, CellKey):
        return False
    if field == STATE or (field == "kind" and file == "fund"):
        return type(value) is str and _TERM.fullmatch(value) is not None
    if file != "fund":
        return False
    return type(value) is int if field == "amount" else field in _FUND_IDS and _is_uuid(value)


def _cell_stays(field: FieldKey, cell: str, value: Any, file: str) -> bool:
    return (file, field, cell) == ("fund", "returned", "amount") and type(value) is int


def _is_uuid(value: Any) -> bool:
    try:
        return type(value) is str and bool(ids.parse(value))
    except Malformed:
        return False


def same_as(occurrences: Sequence[Occurrence], going: Container[tuple[bytes, int]]) -> dict[tuple[FieldKey, OpId], OpId]:
    """Of one record's changes, each once: for each op of those that are going, as (device, c), one that says the same and stays, the first in log
    order; else the first that goes with it, unless that is itself.
    """
    meant = senses(occurrences)
    stays: dict[tuple[FieldKey, bytes], OpId] = {}
    goes: dict[tuple[FieldKey, bytes], OpId] = {}
    leaving = []
    for at in occurrences:
        leaves = (at.device, at.change.c) in going
        for i, op in enumerate(at.change.ops):
            op_id = OpId(at.device, at.change.c, i)
            for key, value in said(op_id, op):
                if leaves:
                    leaving.append((key, op_id))
                if leaves or not (at.stub and is_marker(value)):
                    (goes if leaves else stays).setdefault((key, meant[key, op_id]), op_id)
    found = {(key, op_id): stays.get((key, meant[key, op_id])) or goes[key, meant[key, op_id]] for key, op_id in leaving}
    return {place: like for place, like in found.items() if like != place[1]}


def decode_stub(data: bytes, file: str) -> list[Change]:
    """The changes of a stub in a file of this kind, from its plaintext; none, where nobody could read what it stands for.

    Raises Malformed for what says anything of what was expunged.
    """
    changes = decode_part(data) if data != _NONE else []
    if not all(_says_nothing(op, file) for change in changes for op in change.ops):
        raise Malformed("a stub says something of what was expunged")
    return changes


def _says_nothing(op: Op, file: str) -> bool:
    match op.action:
        case "sign" | "delete":
            return True  # their values are fixed
        case "remove":
            return op.value is None
        case "resolve":
            value, reason = op.value
            return reason == REASON and (_stays(op.field, value, file) or _is_gone(value))
        case "add" if type(op.value) is dict:
            cells = {cell: value for cell, value in op.value.items() if cell != GONE}
            marked = GONE in op.value and _is_gone({GONE: op.value[GONE]})
            return marked and all(
                _is_name(cell) and (_cell_stays(op.field, cell, value, file) or value == {GONE: None}) for cell, value in cells.items()
            )
        case _:
            return _stays(op.field, op.value, file) or _is_gone(op.value)


def _is_gone(value: Any) -> bool:
    """True for a marker and nothing more."""
    if type(value) is not dict or value.keys() != {GONE}:
        return False
    try:
        return value[GONE] is None or like_of(value) is not None
    except Malformed:
        return False


def says_of(stub: Iterable[Change]) -> bytes:
    """The hash of what a stub says, the naming of ops that said the same aside: what both people agree to."""
    return ids.sha256(_SAYS + encode_part([_bare(change) for change in stub]))


def stands_for(stub: Iterable[Change], changes: Iterable[Change], author: bytes, file: str, *, last: bool = False) -> bool:
    """Whether a stub is what `make_stub` makes of these changes, the naming of ops that said the same aside; or, when it is the `last`,
    what `make_last_stub` does.
    """
    if last:
        return list(stub) == make_last_stub(changes)
    return [_bare(change) for change in stub] == make_stub(changes, author, file)


def _bare(change: Change) -> Change:
    return _with_ops(change, (op._replace(value=_bare_value(op.value)) for op in change.ops))


def _bare_value(value: Any) -> Any:
    if is_marker(value):
        return value | {GONE: None}
    return [_bare_value(item) for item in value] if type(value) is list else value
