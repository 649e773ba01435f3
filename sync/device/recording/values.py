"""Whether a value fits its field.

Everything follows from `shared_schema/records/*.schema.json` and `shared_schema/codes/*.json`. A refusal is a `BadValue`, which says the field, the shape that
was seen and what was wanted. This module fetches nothing (a schema may name only schemas of the same folder), stores nothing, and judges neither who may write
nor whether a field is signed or in conflict.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any, NoReturn

import jsonschema_rs

from shared_schema import records
from shared_schema.records import code_list, schema
from sync.device.recording.places import (
    HEADER,
    MAX_INT,
    REASONS,
    BadValue,
    Place,
    cell_place,
    list_place,
    named,
    place_of,
    seen_in,
    seen_of,
    wanted_at,
    wanted_row,
)

_BASE = "https://fieldkeep.invalid/records/"
_MAX_DEPTH = 16


def check_value(record_type: str, field: str, value: object) -> None:
    """Check a whole value: for a `set` field the list of its members, for a list field the list of its rows.

    Raises BadValue, and UnknownRecordType where there is no such type.
    """
    check(place_of(record_type, field), value)


def check_shape(record_type: str, field: str, value: object, cell: str = "") -> None:
    """The same of a value, or of one cell, that another app wrote: a code may be one that this app does not know. Raises as check_value does."""
    _check_form(cell_place(record_type, field, cell) if cell else place_of(record_type, field), value)


def check_member(record_type: str, field: str, member: object) -> None:
    """Check one member of a `set` field.

    Raises as check_value does, and BadValue for a field of another kind.
    """
    place = place_of(record_type, field)
    if place.field.merge != "set":
        raise BadValue(place.called, "a member", f"a value: the field is not a set but {place.field.kind}")
    check(place, [member])


def check_row(record_type: str, field: str, row: object) -> None:
    """Check one row of a list field. Raises as check_value does, and BadValue for a field of another kind."""
    check(list_place(record_type, field), [row])


def check_cell(record_type: str, field: str, cell: str, value: object) -> None:
    """Check a new value for one cell of a row. Whether that cell may change is for the fold to say.

    Raises as check_row does.
    """
    check(cell_place(record_type, field, cell), value)


def check(place: Place, value: object) -> None:
    """Check a value at its place. Raises BadValue."""
    _check_form(place, value)
    _check_codes(place, value)


def _check_form(place: Place, value: object) -> None:
    fault = _not_json(value)
    if fault:
        raise BadValue(place.called, fault, wanted_at(place))
    error = next(validator(place.document, place.pointer).iter_errors(value), None)
    if error is not None:
        raise _misfit(place, value, error.instance_path)


def _misfit(place: Place, value: Any, path: Sequence[str | int]) -> BadValue:
    """The refusal for the part of `value` that `path` leads to: a member, a row or a cell."""
    if place.field.kind == "list" and path:
        row = value[path[0]]
        called = f"{place.called} row {int(path[0]) + 1}"
        if len(path) > 1 and path[1] in place.field.cells:
            cell = place.cell(str(path[1]), f"{called} {path[1]}")
            return BadValue(cell.called, seen_in(cell, row[path[1]]), wanted_at(cell))
        return BadValue(called, seen_of(row), wanted_row(place.field))
    if place.field.merge == "set" and path:
        return BadValue(place.called, f"among its members {seen_of(value[path[0]])}", wanted_at(place))
    return BadValue(place.called, seen_in(place, value), wanted_at(place))


def _check_codes(place: Place, value: Any) -> None:
    """Codes are on the lists that the words name. Only for values whose shape has been checked."""
    if place.field.kind == "list":
        for number, row in enumerate(value, start=1):
            for cell, inner in row.items():
                _check_codes(place.cell(cell, f"{place.called} row {number} {cell}"), inner)
    elif isinstance(value, dict) and "missing" in value:
        _check_on_list(place, [value["missing"]], REASONS, "a missing reason that is not on the list")
    elif place.field.codes:
        codes = value if isinstance(value, list) else [value]
        _check_on_list(place, codes, place.field.codes, "a code that is not on the list")


def _check_on_list(place: Place, codes: Iterable[str], name: str, seen: str) -> None:
    known = code_list(name).offered
    strange = [code for code in codes if code not in known]
    if strange and strange[0] in code_list(name).codes:
        today = code_list(name).today(strange[0])
        raise BadValue(
            place.called, f"a code that is chosen no more{named(strange[0])}", f"{today}, which says the same today" if today else wanted_at(place)
        )
    if strange:
        raise BadValue(place.called, f"{seen}{named(strange[0])}", wanted_at(place))


def _not_json(value: object, depth: int = 1) -> str:
    """What about `value` cannot stand in a record at all, or ""."""
    match value:
        case None | bool():
            return ""
        case int():
            return "" if abs(value) <= MAX_INT else "a whole number beyond 2^53 - 1"
        case str():
            return "" if _is_unicode(value) else "text that is not Unicode"
        case list() | dict() if depth > _MAX_DEPTH:
            return f"something nested deeper than {_MAX_DEPTH}"
        case list():
            return next(filter(None, (_not_json(item, depth + 1) for item in value)), "")
        case dict() if all(isinstance(key, str) and _is_unicode(key) for key in value):
            return next(filter(None, (_not_json(item, depth + 1) for item in value.values())), "")
        case _:
            return seen_of(value)


def _is_unicode(text: str) -> bool:
    """Whether the text has a UTF-8 form: half of a surrogate pair has none."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@cache
def validator(document: str, pointer: str) -> jsonschema_rs.Draft202012Validator:
    """The check of a part of a schema document."""
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"{_BASE}{document}.schema.json{pointer}"},
        registry=_registry(),
        retriever=_refuse_to_fetch,
        formats={"calendar-start": is_calendar_start},
        validate_formats=True,
    )


@cache
def _registry() -> jsonschema_rs.Registry:
    documents = [schema(name) for name in (*records.record_types(), HEADER)]
    return jsonschema_rs.Registry([(d["$id"], d) for d in documents], retriever=_refuse_to_fetch)


def _refuse_to_fetch(_uri: str, /) -> NoReturn:
    raise LookupError("a schema names another that is not in shared_schema/records")


def is_calendar_start(text: str) -> bool:
    """Whether YYYY, YYYY-MM or YYYY-MM-DD, with or without a time after it, begins with a day that exists."""
    day = text[:10]
    try:
        date.fromisoformat(day + "-01-01"[len(day) - 4 :])
    except ValueError:
        return False
    return True
