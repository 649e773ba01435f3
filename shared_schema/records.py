"""The record types and their vocabularies, read from `records/*.schema.json` and `codes/*.json`.

Every type has its own fields and those of the header (`header.schema.json`). The words that begin with `x-`
say how a field is shown, merged, needed and coded; the rest of a property is JSON Schema for its value. This
module reads those files once and hands them out as frozen values. It checks no values (`sync.device.values`
does), merges nothing, and decides nothing about who may read or write: it only says what the files say.
"""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

EARLIEST_IS_STRICTEST = ("latest", "earliest")
"""The `order` of a day on which the cautious value is the earlier one. Its reverse is the other way about."""

HIGHER_IS_STRICTEST = ("lower", "higher")
"""The `order` of a whole number of which the greater is the cautious one. Its reverse is the other way about."""

NUMBERS = ("int", "minutes", "pence")
"""The kinds whose values are whole numbers."""

_LAST_DAY = date.max.toordinal()
_MORE_THAN_ANY = 2**53
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HEADER = "header"


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
        super().__init__("code list", name, tuple(_code_lists()))


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a vocabulary.

    `label` keeps the source's own words; `under` is the code of a wider term, or "".
    """

    code: str
    label: str
    source: str
    note: str = ""
    under: str = ""


@dataclass(frozen=True, slots=True)
class CodeList:
    """A vocabulary. Where `ordered`, the terms run from low to high."""

    name: str
    version: int
    ordered: bool
    terms: tuple[Term, ...]
    title: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes alone, in the list's order."""
        return tuple(term.code for term in self.terms)


@dataclass(frozen=True, slots=True)
class NeedIf:
    """When a field is needed. Exactly one of these is set:

    `field` with `terms`: that field holds one of the terms · `field` with `missing`: that field is not filled
    · `field` with `filled`: that field is filled · `group`: no field with the same group is filled · `outside`:
    words for something that the record does not hold.
    """

    field: str = ""
    terms: tuple[str, ...] = ()
    missing: bool = False
    filled: bool = False
    group: str = ""
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record type, or one cell of a field's rows.

    `need` is "sign", "optional" or "if …" (then `need_if` is set). Of a set or of rows `least` says how many
    make it filled: of what two people have to agree, two. `codes` is a list's name or "". `order`
    runs from low to high and is empty where nothing ranks the values. `cells` is empty but for `kind` "list".
    `targets` are the types that a reference may name (empty: any). `files` says in which file kinds, on which
    sides, the field may stand, and `write` which roles write it: the type's own unless the field narrows or
    replaces them. `subject_access` is as of a type.
    """

    name: str
    kind: str
    merge: str
    label: str
    need: str
    need_if: NeedIf | None
    codes: str
    order: tuple[str, ...]
    while_conflicted: str
    allows_missing: bool
    cells: Mapping[str, "Field"]
    source: str
    targets: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    write: tuple[str, ...] = ()
    subject_access: bool = True
    least: int = 1

    def stands_in(self, file_kind: str, side: str) -> bool:
        """Whether the field may hold a value in a file of that kind on that side."""
        return side in self.files.get(file_kind, ())

    def rank(self, value: object) -> int:
        """Place of a value in the order that `worst` and `strictest` use: higher is worse or stricter.

        0 for a missing reason and for what was expunged, then the terms of `order` as 2, 4, 6 …, and above them all whatever is not known
        here. Where the cautious value rules while in conflict (`ask` with `strictest`), a missing reason stands just
        below the strictest term: "not safe to ask" is not a yes. A yes or no without an order of its own ranks no
        below yes. Raises ValueError where nothing ranks the field.
        """
        order = self.order or (("no", "yes") if self.kind == "yn" else ())
        cautious = self.merge == "ask" and self.while_conflicted == "strictest" and self.kind not in ("date", *NUMBERS)
        if isinstance(value, Mapping) and ("missing" in value or "expunged" in value):
            return 2 * len(order) - 1 if cautious else 0
        if self.kind == "date" and not order:
            order = EARLIEST_IS_STRICTEST
        if not order:
            raise ValueError(f"the values of {self.name} have no order")
        if self.kind == "date":
            return _rank_day(value, earliest_highest=order == EARLIEST_IS_STRICTEST)
        if self.kind in NUMBERS:
            return _rank_number(value, greatest_highest=order == HIGHER_IS_STRICTEST)
        place = order.index(value) + 1 if isinstance(value, str) and value in order else len(order) + 1
        return 2 * place


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """When a record of a perpetrator case tells the victim side's desk, and what (docs/spec.md §15.5).

    `when` is saved or signed. `kinds` maps what field `by` holds to a notice_kind, "*" standing for any value. `facts` maps fields of the
    notice to fields of the record, or to a cell of its first or last row (`names.0.name`, `breaches.-1.when`).
    """

    when: str
    by: str
    kinds: Mapping[str, str]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RecordType:
    """A type of record.

    `fields` holds the type's own first, then the header's; derived ones are only in `schema`.

    `weight` is quick, evidence, living or ledger. `files` maps a file kind to the sides on which the type
    stands in it. `subject_access` is False for what no subject access export has in it (docs/spec.md §16.3).
    """

    name: str
    version: int
    weight: str
    files: Mapping[str, tuple[str, ...]]
    sides: tuple[str, ...]
    write: tuple[str, ...]
    read: tuple[str, ...]
    deletable: bool
    fields: Mapping[str, Field]
    label: str
    notices: tuple[NoticeRule, ...] = ()
    subject_access: bool = True


def record_types() -> Mapping[str, RecordType]:
    """Every record type by name."""
    return _record_types()


def record_type(name: str) -> RecordType:
    """One record type. Raises UnknownRecordType."""
    found = _record_types().get(name)
    if found is None:
        raise UnknownRecordType(name)
    return found


def code_list(name: str) -> CodeList:
    """One vocabulary. Raises UnknownCodeList."""
    found = _code_lists().get(name)
    if found is None:
        raise UnknownCodeList(name)
    return found


def code_lists() -> Mapping[str, CodeList]:
    """Every vocabulary by name."""
    return _code_lists()


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a type, or of the "header", as the caller's own copy. Raises UnknownRecordType."""
    found = _schemas().get(name)
    if found is None:
        raise UnknownRecordType(name)
    return copy.deepcopy(found)


def _rank_day(value: object, *, earliest_highest: bool) -> int:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:  # such as 30 February
        day = None
    if day is None:
        return _LAST_DAY + 1
    return _LAST_DAY + 1 - day.toordinal() if earliest_highest else day.toordinal()


def _rank_number(value: object, *, greatest_highest: bool) -> int:
    if type(value) is not int or abs(value) >= _MORE_THAN_ANY:
        return 2 * _MORE_THAN_ANY
    return _MORE_THAN_ANY + (value if greatest_highest else -value)


def _load(folder: str, ending: str) -> Mapping[str, dict[str, Any]]:
    found = sorted(files("shared_schema").joinpath(folder).iterdir(), key=lambda path: path.name)
    texts = {path.name: path.read_text(encoding="utf-8") for path in found if path.name.endswith(ending)}
    return MappingProxyType({name.removesuffix(ending): json.loads(text) for name, text in texts.items()})


@cache
def _schemas() -> Mapping[str, dict[str, Any]]:
    return _load("records", ".schema.json")


@cache
def _code_lists() -> Mapping[str, CodeList]:
    return MappingProxyType({name: _code_list(raw) for name, raw in _load("codes", ".json").items()})


@cache
def _record_types() -> Mapping[str, RecordType]:
    types = (_record_type(raw) for name, raw in _schemas().items() if name != _HEADER)
    return MappingProxyType({found.name: found for found in types})


def _code_list(raw: dict[str, Any]) -> CodeList:
    terms = tuple(Term(**term) for term in raw["terms"])
    return CodeList(raw["name"], raw["version"], raw["ordered"], terms, raw["title"])


def _record_type(raw: dict[str, Any]) -> RecordType:
    header = _schemas()[_HEADER]["properties"]
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
