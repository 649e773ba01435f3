"""Values for every field of every record type, several that differ, and what a schema's own words say comes of two at once.

Nothing here asks `shared_schema.records` or the fold what the answer is: orders and policies are read from the JSON as it stands.
"""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from shared_schema.records import Field, RecordType, code_list, schema
from sync.device.recording.places import BadValue
from sync.device.recording.values import check_cell, check_value

_HEADER = "header"


def words_of(type_: str, field: str) -> dict[str, Any]:
    """A field's property in the schemas, as it is written down."""
    found: dict[str, Any] = schema(type_)["properties"].get(field) or schema(_HEADER)["properties"][field]
    return found


def value(type_: str, spec: Field, n: int, cell: Field | None = None) -> Any:
    """The n-th value of a field, or of a cell: those of 3 and 4 differ, and none of them is a missing reason."""
    tried = [_value(type_, spec, one, n, cell) for one in (False, True)]
    for one in tried:
        try:
            check_cell(type_, spec.name, cell.name, one) if cell else check_value(type_, spec.name, one)
        except BadValue:
            continue
        return one
    raise AssertionError(f"no value for {type_}.{spec.name}: {tried}")


def _value(type_: str, spec: Field, as_id: bool, n: int, cell: Field | None) -> Any:
    field = cell or spec
    if field.kind == "list":
        return [{name: value(type_, spec, n, inner) for name, inner in field.cells.items() if name != "withdrawn"}]
    if field.merge == "set":
        return [_one(field, as_id, n), _one(field, as_id, n + 1)]
    return _one(field, as_id, n)


def _one(field: Field, as_id: bool, n: int) -> Any:
    word = f"{field.name} {n}"
    match field.kind:
        case "code" | "codes":
            codes = code_list(field.codes).codes
            return codes[n % len(codes)]
        case "yn":
            return ("no", "yes")[n % 2]
        case "text" | "long":
            return _id(word) if as_id else word
        case "date":
            return f"2026-0{n}-1{n}"
        case "when":
            return {"at": f"2026-0{n}-1{n}T10:30", "precision": "minute"}
        case "int" | "minutes" | "pence":
            return n + 1
        case "hash":
            return _hash(word)
        case "att":
            named = {name: _hash(f"{word} {name}") for name in ("key", "hash", "thumbnail")}
            return {**named, "size": n, "form": "jpeg", "chunks": [_hash(f"{word} chunk")]}
    return _id(word)


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def _id(word: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, word))


def nothing_said(type_: str, spec: Field) -> list[Any]:
    """What a person may answer that must never become one another, nor the same as no answer: a missing reason, 0, no, and a term that says none."""
    every: list[Any] = [{"missing": "not_known"}, {"missing": "declined_to_say"}, 0, "no"]
    if spec.codes and "none" in code_list(spec.codes).codes:
        every.append("none")
    return [one for one in every if spec.merge not in ("set", "append") and _takes(type_, spec, one)]


def _takes(type_: str, spec: Field, one: Any) -> bool:
    if one in (0, "no") and spec.kind in ("text", "long"):
        return False
    try:
        check_value(type_, spec.name, one)
    except BadValue:
        return False
    return True


def together(words: dict[str, Any], first: Any, second: Any) -> tuple[Any, bool]:
    """(what is shown, whether it is in conflict) of two real values at once on a single-valued field, the second later in the log."""
    policy = words["x-merge"]
    if policy == "latest" or first == second:
        return second, False
    if policy == "worst" or words["x-while-conflicted"] == "strictest":
        return max((first, second), key=lambda one: _height(words, one)), True
    assert policy in ("ask", "text")
    return None, True


def _height(words: dict[str, Any], one: Any) -> Any:
    order: Sequence[str] = words["x-order"]
    if words["x-kind"] in ("date", "int", "pence"):
        sign = 1 if order[-1] in ("latest", "higher") else -1
        return sign * (int(one.replace("-", "")) if isinstance(one, str) else one)
    return order.index(one)


def places(type_: RecordType) -> list[tuple[str, str, frozenset[str]]]:
    """(kind of file, side, fields): few places in which, together, every field of the type may stand."""
    found: list[tuple[str, str, frozenset[str]]] = []
    done: set[str] = set()
    every = [(kind, side) for kind, sides in type_.files.items() for side in sides]
    for kind, side in sorted(every, key=lambda place: -sum(field.stands_in(*place) for field in type_.fields.values())):
        here = frozenset(name for name, field in type_.fields.items() if field.stands_in(kind, side) and field.codes != "record_state")
        if here - done:
            found.append((kind, side, here))
            done |= here
    return found
