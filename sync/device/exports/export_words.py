"""Values of records in words, for paper and for tables: codes by their labels, workers by their names, times as people write them (docs/spec.md §16.3)."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from shared_schema.records import CodeList, Field, RecordType, code_lists
from sync.device.exports.export_page import words

_YN: Final = {"yes": "Yes", "no": "No"}
_PRECISE: Final = frozenset({"minute", "hour"})


def field_words(type_: RecordType | None, name: str, value: Any, people: Mapping[str, str]) -> str:
    """An effective value of a field."""
    return spoken(type_.fields.get(name) if type_ else None, value, people)


def spoken(spec: Field | None, value: Any, people: Mapping[str, str]) -> str:
    """A value of a field, of its rows a line each. What does not fit is put down as it is."""
    if isinstance(value, list):
        return "\n".join(spoken(spec, item, people) for item in value) or "none"
    if spec is not None and spec.cells and isinstance(value, dict) and value.keys() != {"removed"}:
        return "; ".join(f"{_label(spec.cells.get(name), name)}: {spoken(spec.cells.get(name), item, people)}" for name, item in value.items())
    if is_missing(value):
        return f"({_term('missing_reason', str(value['missing']))})"
    if isinstance(value, dict) and value.keys() == {"at", "precision"}:
        return when(str(value["at"]))
    if spec is not None and isinstance(value, str):
        if spec.codes:
            return _term(spec.codes, value)
        if spec.kind == "yn":
            return _YN.get(value, value)
        if spec.kind == "date":
            return when(value)
    if spec is not None and spec.kind == "pence" and type(value) is int:
        return f"{'-' if value < 0 else ''}£{abs(value) // 100}.{abs(value) % 100:02d}"
    return words(value, dict(people))


def is_missing(value: Any) -> bool:
    """True for a reason why there is no value."""
    return isinstance(value, dict) and value.keys() == {"missing"}


def _label(spec: Field | None, name: str) -> str:
    return spec.label if spec is not None else name


def _term(list_: str, code: str) -> str:
    known: CodeList | None = code_lists().get(list_)
    return next((term.label for term in known.terms if term.code == code), code.replace("_", " ")) if known else code.replace("_", " ")


def when(text: str) -> str:
    """A day, with its time where it has one, as people write it; anything else as it is."""
    day, _, at = text.partition("T")
    try:
        return f"{date.fromisoformat(day):%d %b %Y}{f', {at}' if at else ''}"
    except ValueError:
        return text
