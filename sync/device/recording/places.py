"""Where a value stands: a field of a record or a cell of a row, what its schema takes, and how a refusal says so.

Everything follows from `shared_schema/records/*.schema.json`; no field is known here by name. Of what was typed a refusal repeats only what looks like the name
of a field or a code.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from shared_schema import records
from shared_schema.errors import ProtocolError
from shared_schema.records import NUMBERS, Field, code_list, schema

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
HEADER = "header"
REASONS = "missing_reason"
MAX_INT = 2**53 - 1
WHEN_WANTED = "YYYY-MM-DDTHH:MM, or less of it, for example 2026-11-20T14:30 or 2026-11-20, or about 2026-11"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


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
class Place:
    """A field or cell, what to call it in a message, and the document and JSON pointer of its schema."""

    field: Field
    called: str
    document: str
    pointer: str

    in_row: bool = False

    def cell(self, name: str, called: str = "") -> "Place":
        """A cell of its rows."""
        inner = f"{self.pointer}/items/properties/{name}"
        return Place(self.field.cells[name], called or f"{self.called} {name}", self.document, inner, in_row=True)


def place_of(kind: str, name: str) -> Place:
    """A field. Raises BadValue for one that the type does not have, or that is worked out; UnknownRecordType."""
    fields = records.record_type(kind).fields
    own = properties(kind)
    called = f"{kind}.{name}"
    if name in fields:
        return Place(fields[name], called, kind if name in own else HEADER, f"#/properties/{name}")
    if own.get(name, properties(HEADER).get(name, {})).get("x-derived"):
        raise BadValue(called, "a value", "none: it is worked out, never written")
    raise BadValue(kind, f"a field it does not have{named(name)}", one_of(fields))


def list_place(kind: str, name: str) -> Place:
    """A field that holds rows. Raises BadValue for another."""
    place = place_of(kind, name)
    if place.field.kind != "list":
        raise BadValue(place.called, "a row", f"a value: the field holds no rows but {place.field.kind}")
    return place


def cell_place(kind: str, name: str, cell: str) -> Place:
    """A cell of the rows of a field. Raises BadValue."""
    place = list_place(kind, name)
    if cell not in place.field.cells:
        raise BadValue(place.called, f"a cell it does not have{named(cell)}", one_of(place.field.cells))
    return place.cell(cell)


@cache
def properties(document: str) -> dict[str, dict[str, Any]]:
    """The fields that a schema names."""
    found: dict[str, dict[str, Any]] = schema(document)["properties"]
    return found


def wanted(record_type: str, field: str, cell: str = "") -> str:
    """What a field, or a cell of its rows, takes, in a few words; a missing reason is not mentioned. Raises as check_value does."""
    place = cell_place(record_type, field, cell) if cell else place_of(record_type, field)
    return _brief(place)


def shape_of(record_type: str, field: str, cell: str = "") -> str:
    """The name of the header's definition that one value of a field, or of a cell, is made of; "integer" for a whole number between bounds of its own."""
    place = cell_place(record_type, field, cell) if cell else place_of(record_type, field)
    words = _words(place)
    words = words.get("items", words)
    reference: str = words.get("anyOf", [words])[0].get("$ref", "/integer")
    return reference.rpartition("/")[2]


def wanted_at(place: Place) -> str:
    """What a place takes, with a missing reason where one may stand."""
    if place.field.kind == "list" or not place.field.allows_missing:
        return _brief(place)
    form = '{"missing": REASON}' if place.in_row else "missing:REASON"
    return f"{_brief(place)}; or {form}, the reason being {one_of(code_list(REASONS).codes)}"


def _brief(place: Place) -> str:
    field = place.field
    if field.kind == "list":
        return f"a list of rows, each {wanted_row(field)}"
    if field.kind == "when" and not place.in_row:
        return WHEN_WANTED
    one = one_of(code_list(field.codes).offered) if field.codes else _shape(place)
    return f"a list, no member twice, each {one}" if field.merge == "set" else one


def wanted_row(field: Field) -> str:
    """What a row takes."""
    always = [name for name, cell in field.cells.items() if cell.need == "sign" and cell.merge == "once"]
    return f"an object with {', '.join(always)}, and no keys but {', '.join(field.cells)}"


def _shape(place: Place) -> str:
    """The shape of a field's value in plain words."""
    found = definition(place)
    return str(found.get("description", f"a whole number from {found.get('minimum', -MAX_INT)} to {found.get('maximum', MAX_INT)}"))


def definition(place: Place) -> dict[str, Any]:
    """The definition that the schema of a field refers to; of a whole number between bounds of its own, the schema itself."""
    words = _words(place)
    words = words.get("items", words)
    one: dict[str, Any] = words.get("anyOf", [words])[0]
    found: dict[str, Any] = schema(HEADER)["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
    return found


def _words(place: Place) -> dict[str, Any]:
    """The property of a field or cell, as its schema has it."""
    words: dict[str, Any] = schema(place.document)
    for step in place.pointer.removeprefix("#/").split("/"):
        words = words[step]
    return words


def one_of(names: Iterable[str]) -> str:
    """The names, as a choice."""
    return f"one of {', '.join(names)}"


def seen_of(value: object) -> str:
    """The shape of a value, and nothing of what it says."""
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


def seen_in(place: Place, value: object) -> str:
    """The same of a value that does not fit this place: of a number, on which side it is beyond the bounds."""
    if type(value) is not int or place.field.kind not in NUMBERS:
        return seen_of(value)
    bounds = definition(place)
    if value < bounds.get("minimum", value):
        return "a whole number that is too small"
    return "a whole number that is too large" if value > bounds.get("maximum", value) else seen_of(value)


def named(name: str) -> str:
    """The name itself, where it looks like one: a slip of the fingers should be seen, a sentence in the wrong place not repeated."""
    return f" ({name})" if _NAME.fullmatch(name) else ""
