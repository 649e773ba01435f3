"""The record types and their vocabularies of this version, as the files of `shared_schema.schema_files` say them (docs/records/language.md).

Every type has its own fields and those of the header (`header.schema.json`). The words that begin with `x-`
say how a field is shown, merged, needed and coded; the rest of a property is JSON Schema for its value. This
module checks no values (`sync.device.recording.values` does), merges nothing, and decides nothing about who may read or
write: it only says what the files say.
"""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any

from shared_schema import schema_files
from shared_schema.catalogue import load
from shared_schema.record_types import (
    EARLIEST_IS_STRICTEST,
    HIGHER_IS_STRICTEST,
    NUMBERS,
    Catalogue,
    CodeList,
    Condition,
    Field,
    Gate,
    NeedIf,
    NoticeRule,
    RecordType,
    Term,
)

__all__ = [
    "EARLIEST_IS_STRICTEST", "HIGHER_IS_STRICTEST", "NUMBERS", "Catalogue", "CodeList", "Condition", "Field", "Gate", "NeedIf", "NoticeRule", "RecordType", "Term",
    "UnknownCodeList", "UnknownName", "UnknownRecordType", "code_list", "code_lists", "record_type", "record_types", "schema",
]  # fmt: skip


class UnknownName(KeyError):
    """There is no record type or code list of that name.

    `name` is what was asked for; the message leaves it out.
    """

    code = "not-found"

    def __init__(self, what: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no {what} has that name; there are {', '.join(known)}")
        self.name = name

    def __str__(self) -> str:
        """The message itself: a KeyError would put it in quotation marks."""
        return str(self.args[0])


class UnknownRecordType(UnknownName):
    """No record type has that name."""

    def __init__(self, name: str) -> None:
        super().__init__("record type", name, tuple(record_types()))


class UnknownCodeList(UnknownName):
    """No code list has that name."""

    def __init__(self, name: str) -> None:
        super().__init__("code list", name, tuple(code_lists()))


@cache
def _own() -> Catalogue:
    return load(schema_files.own())


def record_types() -> Mapping[str, RecordType]:
    """Every record type by name."""
    return _own().types


def record_type(name: str) -> RecordType:
    """One record type. Raises UnknownRecordType."""
    found = _own().types.get(name)
    if found is None:
        raise UnknownRecordType(name)
    return found


def code_list(name: str) -> CodeList:
    """One vocabulary. Raises UnknownCodeList."""
    found = _own().lists.get(name)
    if found is None:
        raise UnknownCodeList(name)
    return found


def code_lists() -> Mapping[str, CodeList]:
    """Every vocabulary by name."""
    return _own().lists


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a type, or of the "header", as the caller's own copy. Raises UnknownRecordType."""
    found = schema_files.own().schemas.get(name)
    if found is None:
        raise UnknownRecordType(name)
    return copy.deepcopy(found)
