"""From the files of schemas and code lists to frozen values (docs/records/language.md).

Takes files that `shared_schema.language` finds no fault with, and says what they say; it refuses nothing by itself.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from shared_schema.record_types import Catalogue, CodeList, Condition, Field, Gate, NeedIf, NoticeRule, RecordType, Term
from shared_schema.schema_files import HEADER, SchemaFiles


def load(source: SchemaFiles) -> Catalogue:
    """The types and lists of files that `shared_schema.language` finds no fault with."""
    lists = {name: _code_list(raw) for name, raw in source.lists.items()}
    types = {name: _record_type(raw, source.schemas[HEADER]) for name, raw in source.schemas.items() if name != HEADER}
    return Catalogue(MappingProxyType(types), MappingProxyType(lists))


def _code_list(raw: dict[str, Any]) -> CodeList:
    terms = tuple(Term(**term) for term in raw["terms"])
    return CodeList(raw["name"], raw["version"], raw["ordered"], terms, raw["title"])


def _record_type(raw: dict[str, Any], of_every_record: dict[str, Any]) -> RecordType:
    header = of_every_record["properties"]
    inherited = {name: words for name, words in header.items() if name not in raw.get("x-header-omit", ())}
    properties = {**raw["properties"], **inherited}
    written = {name: words for name, words in properties.items() if not words.get("x-derived")}
    places = _places(raw["x-files"])
    write = tuple(raw["x-write"])
    return RecordType(
        name=raw["x-record"],
        version=raw["x-version"],
        weight=raw["x-weight"],
        files=places,
        sides=tuple(raw["x-side"]),
        write=write,
        read=tuple(raw["x-read"]),
        deletable=raw["x-deletable"],
        fields=MappingProxyType({name: _field(name, words, places, write) for name, words in written.items()}),
        label=raw["title"],
        notices=_notices(raw.get("x-notice", [])),
        subject_access=raw.get("x-subject-access", True),
        description=raw["description"],
        source=raw["x-source"],
        gates=tuple(_gate(gate) for gate in raw.get("x-gates", ())),
        command=raw.get("x-command", ""),
        money=raw.get("x-money", False),
        own_record=tuple(raw["x-own-record"]) if "x-own-record" in raw else None,
    )


def _gate(raw: dict[str, Any]) -> Gate:
    return Gate(raw["name"], raw["say"], tuple(_condition(words) for words in raw["when"]))


def _condition(words: dict[str, Any]) -> Condition:
    return Condition(
        field=words.get("field", ""),
        terms=tuple(words.get("in", ())),
        empty=words.get("empty", False),
        some=words.get("some", ""),
        no=words.get("no", ""),
        in_force=words.get("in-force", ""),
    )


def _notices(raw: dict[str, Any] | list[dict[str, Any]]) -> tuple[NoticeRule, ...]:
    """One rule, or several."""
    return tuple(NoticeRule(**rule) for rule in (raw if isinstance(raw, list) else [raw]))


def _field(name: str, words: dict[str, Any], places: Mapping[str, tuple[str, ...]], write: tuple[str, ...]) -> Field:
    """`places` and `write` are the type's, or for a cell its field's."""
    places = _places(words["x-files"]) if "x-files" in words else places
    write = tuple(words.get("x-write", write))
    cells = {cell: _field(cell, inner, places, write) for cell, inner in words.get("x-cells", {}).items()}
    return Field(
        name=name,
        kind=words["x-kind"],
        merge=words["x-merge"],
        label=words["x-label"],
        need=words["x-need"],
        need_if=_need_if(words["x-need-if"]) if "x-need-if" in words else None,
        codes=words.get("x-codes", ""),
        order=tuple(words.get("x-order", ())),
        while_conflicted=words.get("x-while-conflicted", "show_all"),
        allows_missing=words.get("x-missing", False),
        cells=MappingProxyType(cells),
        source=words["x-source"],
        targets=tuple(words.get("x-ref", ())),
        files=places,
        write=write,
        subject_access=words.get("x-subject-access", True),
        description=words.get("description", ""),
        owner=tuple(words.get("x-owner", ())),
        least=words.get("x-at-least", 1),
    )


def _need_if(words: dict[str, Any]) -> NeedIf:
    return NeedIf(
        field=words.get("field", ""),
        terms=tuple(words.get("in", ())),
        missing=words.get("missing", False),
        filled=words.get("filled", False),
        group=words.get("one-of", ""),
        outside=words.get("outside", ""),
    )


def _places(words: dict[str, list[str]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({kind: tuple(sides) for kind, sides in words.items()})
