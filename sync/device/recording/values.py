"""Values at the rim: whether one fits its field, and what a typed text means.

Everything follows from `shared_schema/records/*.schema.json` and `shared_schema/codes/*.json`; no field is
known here by name. A refusal is a `BadValue`, which says the field, the shape that was seen and what was
wanted; of what was typed it repeats only what looks like the name of a field or a code. This module fetches
nothing (a schema may name only schemas of the same folder), stores nothing, and judges neither who may write
nor whether a field is signed or in conflict.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NoReturn, TypeAlias

import jsonschema_rs

from shared_schema import records
from shared_schema.errors import ProtocolError
from shared_schema.records import NUMBERS, Field, code_list, schema

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

_BASE = "https://fieldkeep.invalid/records/"
_HEADER = "header"
_REASONS = "missing_reason"
_MAX_INT = 2**53 - 1
_MAX_DEPTH = 16

_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_MISSING = re.compile(r"missing:([a-z0-9_]+)")
_WHOLE = re.compile(r"-?[0-9]{1,16}")
_POUNDS = re.compile(r"-?£?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,14})(?:\.([0-9]{2}))?")
_LOOSE_POUNDS = re.compile(r"£?[0-9,]+\.([0-9]*)")
_OTHER_DATE = re.compile(r"[0-9]{1,4}([/.\-])[0-9]{1,2}\1[0-9]{1,4}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHEN = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}(:[0-9]{2})?)?)?)?")
_WHEN_WANTED = "YYYY-MM-DDTHH:MM, or less of it, for example 2026-11-20T14:30 or 2026-11-20, or about 2026-11"
_AMOUNTS = "12, 12.50 or £12.50"
_WORDS = ("text", "long")
_PRECISION = {4: "year", 7: "month", 10: "day", 13: "hour", 16: "minute"}


class BadValue(ProtocolError, ValueError):
    """A value does not fit its field.

    `field`, `seen` and `wanted` make up the message; `seen` is a shape, and at most the name of a field or a code.
    """

    code = "bad-value"

    def __init__(self, field: str, seen: str, wanted: str) -> None:
        super().__init__(f"{field}: saw {seen}; wanted {wanted}")
        self.field = field
        self.seen = seen
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class _Place:
    """A field or cell, what to call it in a message, and the document and JSON pointer of its schema."""

    field: Field
    called: str
    document: str
    pointer: str

    in_row: bool = False

    def cell(self, name: str, called: str = "") -> "_Place":
        inner = f"{self.pointer}/items/properties/{name}"
        return _Place(self.field.cells[name], called or f"{self.called} {name}", self.document, inner, in_row=True)


def check_value(record_type: str, field: str, value: object) -> None:
    """Check a whole value: for a `set` field the list of its members, for a list field the list of its rows.

    Raises BadValue, and UnknownRecordType where there is no such type.
    """
    _check(_place(record_type, field), value)


def check_shape(record_type: str, field: str, value: object, cell: str = "") -> None:
    """The same of a value, or of one cell, that another app wrote: a code may be one that this app does not know. Raises as check_value does."""
    _check_form(_cell_place(record_type, field, cell) if cell else _place(record_type, field), value)


def check_member(record_type: str, field: str, member: object) -> None:
    """Check one member of a `set` field.

    Raises as check_value does, and BadValue for a field of another kind.
    """
    place = _place(record_type, field)
    if place.field.merge != "set":
        raise BadValue(place.called, "a member", f"a value: the field is not a set but {place.field.kind}")
    _check(place, [member])


def check_row(record_type: str, field: str, row: object) -> None:
    """Check one row of a list field. Raises as check_value does, and BadValue for a field of another kind."""
    _check(_list_place(record_type, field), [row])


def check_cell(record_type: str, field: str, cell: str, value: object) -> None:
    """Check a new value for one cell of a row. Whether that cell may change is for the fold to say.

    Raises as check_row does.
    """
    _check(_cell_place(record_type, field, cell), value)


def parse_text(record_type: str, field: str, text: str) -> Json:
    """The value that a person meant who typed `field=text`; check_value has accepted it.

    `missing:reason` where a missing reason may stand · pounds (`12.50`, `£1,200`) for pence · members of a
    set with commas between · `{…}` (one row) or `[…]` (rows) for lists · `2026-03-04T14:30`, or less of it,
    or `about 2026-03` for a time. Raises as check_value does.
    """
    place = _place(record_type, field)
    value = _parse(place, text)
    _check(place, value)
    return value


def parse_cell(record_type: str, field: str, cell: str, text: str) -> Json:
    """The value that a person meant who typed `text` for one cell of a row. Raises as check_cell does."""
    place = _cell_place(record_type, field, cell)
    value = _parse(place, text)
    _check(place, value)
    return value


def wanted(record_type: str, field: str, cell: str = "") -> str:
    """What a field, or a cell of its rows, takes, in a few words; a missing reason is not mentioned. Raises as check_value does."""
    place = _cell_place(record_type, field, cell) if cell else _place(record_type, field)
    return _brief(place)


def shape_of(record_type: str, field: str, cell: str = "") -> str:
    """The name of the header's definition that one value of a field, or of a cell, is made of; "integer" for a whole number between bounds of its own."""
    place = _cell_place(record_type, field, cell) if cell else _place(record_type, field)
    words = _words(place)
    words = words.get("items", words)
    reference: str = words.get("anyOf", [words])[0].get("$ref", "/integer")
    return reference.rpartition("/")[2]


# What is checked


def _place(kind: str, name: str) -> _Place:
    fields = records.record_type(kind).fields
    own = _properties(kind)
    called = f"{kind}.{name}"
    if name in fields:
        return _Place(fields[name], called, kind if name in own else _HEADER, f"#/properties/{name}")
    if own.get(name, _properties(_HEADER).get(name, {})).get("x-derived"):
        raise BadValue(called, "a value", "none: it is worked out, never written")
    raise BadValue(kind, f"a field it does not have{_named(name)}", _one_of(fields))


def _list_place(kind: str, name: str) -> _Place:
    place = _place(kind, name)
    if place.field.kind != "list":
        raise BadValue(place.called, "a row", f"a value: the field holds no rows but {place.field.kind}")
    return place


def _cell_place(kind: str, name: str, cell: str) -> _Place:
    place = _list_place(kind, name)
    if cell not in place.field.cells:
        raise BadValue(place.called, f"a cell it does not have{_named(cell)}", _one_of(place.field.cells))
    return place.cell(cell)


def _check(place: _Place, value: object) -> None:
    _check_form(place, value)
    _check_codes(place, value)


def _check_form(place: _Place, value: object) -> None:
    fault = _not_json(value)
    if fault:
        raise BadValue(place.called, fault, _wanted(place))
    error = next(_validator(place.document, place.pointer).iter_errors(value), None)
    if error is not None:
        raise _misfit(place, value, error.instance_path)


def _misfit(place: _Place, value: Any, path: Sequence[str | int]) -> BadValue:
    """The refusal for the part of `value` that `path` leads to: a member, a row or a cell."""
    if place.field.kind == "list" and path:
        row = value[path[0]]
        called = f"{place.called} row {int(path[0]) + 1}"
        if len(path) > 1 and path[1] in place.field.cells:
            cell = place.cell(str(path[1]), f"{called} {path[1]}")
            return BadValue(cell.called, _seen_in(cell, row[path[1]]), _wanted(cell))
        return BadValue(called, _seen(row), _wanted_row(place.field))
    if place.field.merge == "set" and path:
        return BadValue(place.called, f"among its members {_seen(value[path[0]])}", _wanted(place))
    return BadValue(place.called, _seen_in(place, value), _wanted(place))


def _check_codes(place: _Place, value: Any) -> None:
    """Codes are on the lists that the words name. Only for values whose shape has been checked."""
    if place.field.kind == "list":
        for number, row in enumerate(value, start=1):
            for cell, inner in row.items():
                _check_codes(place.cell(cell, f"{place.called} row {number} {cell}"), inner)
    elif isinstance(value, dict) and "missing" in value:
        _check_on_list(place, [value["missing"]], _REASONS, "a missing reason that is not on the list")
    elif place.field.codes:
        codes = value if isinstance(value, list) else [value]
        _check_on_list(place, codes, place.field.codes, "a code that is not on the list")


def _check_on_list(place: _Place, codes: Iterable[str], name: str, seen: str) -> None:
    known = code_list(name).offered
    strange = [code for code in codes if code not in known]
    if strange and strange[0] in code_list(name).codes:
        today = code_list(name).today(strange[0])
        raise BadValue(
            place.called, f"a code that is chosen no more{_named(strange[0])}", f"{today}, which says the same today" if today else _wanted(place)
        )
    if strange:
        raise BadValue(place.called, f"{seen}{_named(strange[0])}", _wanted(place))


def _not_json(value: object, depth: int = 1) -> str:
    """What about `value` cannot stand in a record at all, or ""."""
    match value:
        case None | bool():
            return ""
        case int():
            return "" if abs(value) <= _MAX_INT else "a whole number beyond 2^53 - 1"
        case str():
            return "" if _is_unicode(value) else "text that is not Unicode"
        case list() | dict() if depth > _MAX_DEPTH:
            return f"something nested deeper than {_MAX_DEPTH}"
        case list():
            return next(filter(None, (_not_json(item, depth + 1) for item in value)), "")
        case dict() if all(isinstance(key, str) and _is_unicode(key) for key in value):
            return next(filter(None, (_not_json(item, depth + 1) for item in value.values())), "")
        case _:
            return _seen(value)


def _is_unicode(text: str) -> bool:
    """Whether the text has a UTF-8 form: half of a surrogate pair has none."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _validator(document: str, pointer: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"{_BASE}{document}.schema.json{pointer}"},
        registry=_registry(),
        retriever=_refuse_to_fetch,
        formats={"calendar-start": _is_calendar_start},
        validate_formats=True,
    )


@cache
def _registry() -> jsonschema_rs.Registry:
    documents = [schema(name) for name in (*records.record_types(), _HEADER)]
    return jsonschema_rs.Registry([(d["$id"], d) for d in documents], retriever=_refuse_to_fetch)


@cache
def _properties(document: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = schema(document)["properties"]
    return found


def _refuse_to_fetch(_uri: str, /) -> NoReturn:
    raise LookupError("a schema names another that is not in shared_schema/records")


def _is_calendar_start(text: str) -> bool:
    """Whether YYYY, YYYY-MM or YYYY-MM-DD, with or without a time after it, begins with a day that exists."""
    day = text[:10]
    try:
        date.fromisoformat(day + "-01-01"[len(day) - 4 :])
    except ValueError:
        return False
    return True


# What a message says


def _seen(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction"
        case str():
            return f"text of {len(value)} characters" if value.strip() else "text that is empty or blank"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object with {len(value)} keys"
        case _:
            return f"a Python {type(value).__name__}, which JSON cannot hold"


def _seen_in(place: _Place, value: object) -> str:
    """The same of a value that does not fit this place: of a number, on which side it is beyond the bounds."""
    if type(value) is not int or place.field.kind not in NUMBERS:
        return _seen(value)
    bounds = _definition(place)
    if value < bounds.get("minimum", value):
        return "a whole number that is too small"
    return "a whole number that is too large" if value > bounds.get("maximum", value) else _seen(value)


def _named(name: str) -> str:
    """The name itself, where it looks like one: a slip of the fingers should be seen, a sentence in the wrong place not repeated."""
    return f" ({name})" if _NAME.fullmatch(name) else ""


def _wanted(place: _Place) -> str:
    if place.field.kind == "list" or not place.field.allows_missing:
        return _brief(place)
    form = '{"missing": REASON}' if place.in_row else "missing:REASON"
    return f"{_brief(place)}; or {form}, the reason being {_one_of(code_list(_REASONS).codes)}"


def _brief(place: _Place) -> str:
    field = place.field
    if field.kind == "list":
        return f"a list of rows, each {_wanted_row(field)}"
    if field.kind == "when" and not place.in_row:
        return _WHEN_WANTED
    one = _one_of(code_list(field.codes).offered) if field.codes else _shape(place)
    return f"a list, no member twice, each {one}" if field.merge == "set" else one


def _wanted_row(field: Field) -> str:
    always = [name for name, cell in field.cells.items() if cell.need == "sign" and cell.merge == "once"]
    return f"an object with {', '.join(always)}, and no keys but {', '.join(field.cells)}"


def _shape(place: _Place) -> str:
    """The shape of a field's value in plain words."""
    found = _definition(place)
    return str(found.get("description", f"a whole number from {found.get('minimum', -_MAX_INT)} to {found.get('maximum', _MAX_INT)}"))


def _definition(place: _Place) -> dict[str, Any]:
    """The definition that the schema of a field refers to; of a whole number between bounds of its own, the schema itself."""
    words = _words(place)
    words = words.get("items", words)
    one: dict[str, Any] = words.get("anyOf", [words])[0]
    found: dict[str, Any] = schema(_HEADER)["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
    return found


def _words(place: _Place) -> dict[str, Any]:
    """The property of a field or cell, as its schema has it."""
    words: dict[str, Any] = schema(place.document)
    for step in place.pointer.removeprefix("#/").split("/"):
        words = words[step]
    return words


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


# What a person typed


def _parse(place: _Place, text: str) -> Json:
    field = place.field
    reason = _MISSING.fullmatch(text.strip())
    if reason and field.allows_missing:
        return {"missing": reason[1]}
    if reason and (reason[1] in code_list(_REASONS).codes or field.kind not in _WORDS):  # a narrative may begin with the word
        raise BadValue(place.called, "a missing reason", _wanted(place))
    if field.merge == "set":
        one = _PARSERS.get(field.kind, _parse_code)
        return [one(place, member.strip()) for member in text.split(",")]
    return _PARSERS[field.kind](place, text)


def _parse_words(_place: _Place, text: str) -> Json:
    return text


def _parse_code(_place: _Place, text: str) -> Json:
    return text.strip()


def _parse_lower(_place: _Place, text: str) -> Json:
    return text.strip().lower()


def _parse_whole(place: _Place, text: str) -> Json:
    if not _WHOLE.fullmatch(text.strip()):
        raise BadValue(place.called, _seen(text), _wanted(place))
    return int(text)


def _parse_pounds(place: _Place, text: str) -> Json:
    """Pounds, with pence or without, as whole pence.

    One decimal or three could be a slip, so both are refused.
    """
    typed = text.strip()
    amount = _POUNDS.fullmatch(typed)
    if amount is None:
        loose = _LOOSE_POUNDS.fullmatch(typed)
        seen = f"an amount with {len(loose[1])} decimals" if loose else _seen(text)
        raise BadValue(place.called, seen, f"pounds as {_AMOUNTS}")
    pence = (int(amount[1].replace(",", "")) * 100 + int(amount[2] or 0)) * (-1 if typed.startswith("-") else 1)
    most = _definition(place)["maximum"]
    if not 0 < pence <= most:
        seen = "an amount of 0 or less" if pence <= 0 else "an amount that is too large"
        raise BadValue(place.called, seen, f"pounds above 0, at most £{most // 100:,}, as {_AMOUNTS}")
    return pence


def _parse_date(place: _Place, text: str) -> Json:
    typed = text.strip()
    wanted_form = _WHEN_WANTED if place.field.kind == "when" else "YYYY-MM-DD, for example 2026-11-20"
    if seen := _not_a_day(typed):
        raise BadValue(place.called, seen, wanted_form)
    return typed


def _not_a_day(typed: str) -> str:
    """What keeps figures with something between them from being a day, or ""."""
    if not _DAY.fullmatch(typed):
        return "a day written another way" if _OTHER_DATE.fullmatch(typed) else ""
    if typed[0] not in "12":
        return "a year that is not from 1000 to 2999"
    return "" if _is_calendar_start(typed) else "the right form, but there is no such day"


def _parse_when(place: _Place, text: str) -> Json:
    if text.lstrip().startswith("{"):
        return _parse_json(place, text)
    about = re.fullmatch(r"about[ :]\s*(.+)", text.strip())
    at = re.sub(r"^(\S{10}) ", r"\1T", about[1] if about else text.strip())
    _parse_date(place, re.split("[ T]", at)[0])
    if not _WHEN.fullmatch(at):
        raise BadValue(place.called, _seen(text), _WHEN_WANTED)
    value: Json = {"at": at, "precision": "about" if about else _PRECISION[len(at)]}
    if not _validator(place.document, place.pointer).is_valid(value):
        raise BadValue(place.called, "the right form, but there is no such day or time", _WHEN_WANTED)
    return value


def _parse_rows(place: _Place, text: str) -> Json:
    value = _parse_json(place, text)
    return value if isinstance(value, list) else [value]


def _parse_json(place: _Place, text: str) -> Json:
    """JSON with no key twice. It must begin as an object or a list."""
    if not text.lstrip().startswith(("{", "[")):
        raise BadValue(place.called, _seen(text), f"JSON: {_wanted(place)}")
    seen = "text that is not JSON"
    try:
        return _load_json(text)
    except _NotOurJson as error:
        seen = str(error)
    except (ValueError, RecursionError):
        pass  # raised below, where the parser's error, which carries the text, no longer hangs on to ours
    raise BadValue(place.called, seen, f"JSON: {_wanted(place)}")


def _load_json(text: str) -> Json:
    """Numbers with a fraction come back as floats, which no field takes."""
    value: Json = json.loads(text, object_pairs_hook=_no_key_twice)
    return value


class _NotOurJson(ValueError):
    """JSON that others take and records do not. The message names no content."""


def _no_key_twice(pairs: list[tuple[str, Json]]) -> Json:
    if len(dict(pairs)) != len(pairs):
        raise _NotOurJson("an object with the same key twice")
    return dict(pairs)


_PARSERS: Mapping[str, Callable[[_Place, str], Json]] = {
    "text": _parse_words,
    "long": _parse_words,
    "code": _parse_code,
    "codes": _parse_code,
    "yn": _parse_lower,
    "date": _parse_date,
    "when": _parse_when,
    "pence": _parse_pounds,
    "int": _parse_whole,
    "minutes": _parse_whole,
    "list": _parse_rows,
    "ref": _parse_lower,
    "refs": _parse_lower,
    "user": _parse_lower,
    "users": _parse_lower,
    "attachments": _parse_lower,
    "random_id": _parse_lower,
    "hash": _parse_lower,
    "att": _parse_json,
}
