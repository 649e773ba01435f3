"""What a schema says of a record type, its fields and its vocabularies, as frozen values. `shared_schema.catalogue` makes them from the files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

EARLIEST_IS_STRICTEST = ("latest", "earliest")
"""The `order` of a day on which the cautious value is the earlier one. Its reverse is the other way about."""

HIGHER_IS_STRICTEST = ("lower", "higher")
"""The `order` of a whole number of which the greater is the cautious one. Its reverse is the other way about."""

NUMBERS = ("int", "minutes", "pence")
"""The kinds whose values are whole numbers."""

_MORE_THAN_ANY = 2**53
_LAST_DAY = date.max.toordinal()
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a vocabulary.

    `label` keeps the source's own words; `under` is the code of a wider term, or "". A term that is chosen no more stays: `until` is the
    last version of the list in which it was, else 0, and `now` the code that says today what it said, or "" where none does.
    """

    code: str
    label: str
    source: str
    note: str = ""
    under: str = ""
    until: int = 0
    now: str = ""


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
        """The codes alone, in the list's order, those that are chosen no more among them."""
        return tuple(term.code for term in self.terms)

    @property
    def offered(self) -> tuple[str, ...]:
        """The codes that may be chosen today."""
        return tuple(term.code for term in self.terms if not term.until)

    def today(self, code: str) -> str:
        """The code by which a stored one counts today: its own, or for a term that is chosen no more the one that says the same; "" where none does."""
        term = next((term for term in self.terms if term.code == code), None)
        return code if term is None or not term.until else term.now


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
    replaces them. `subject_access` is as of a type. `owner` are the roles that settle a conflict in it (empty: whoever writes it).
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
    description: str = ""
    owner: tuple[str, ...] = ()
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
class Condition:
    """One condition of a gate. Exactly one of these names what it looks at:

    `field`: the record itself · `some`: another record of the same file, of that type · `no`: that there is none · `in_force`: what the
    other side asks for. `field` with `terms` (it holds one of them) or `empty`; beside `some` and `no` it is a field of those records.
    """

    field: str = ""
    terms: tuple[str, ...] = ()
    empty: bool = False
    some: str = ""
    no: str = ""
    in_force: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a person is told before they go on, while all of `when` hold (docs/spec.md §5.8). It keeps nobody from recording anything."""

    name: str
    say: str
    when: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class RecordType:
    """A type of record.

    `fields` holds the type's own first, then the header's; derived ones are only in `schema`.

    `weight` is quick, evidence, living or ledger. `files` maps a file kind to the sides on which the type
    stands in it. `subject_access` is False for what no subject access export has in it (docs/spec.md §16.3). `command` is the one that adds
    such records, where they are not added by hand; `money`: the fund is told of one at the same moment, so it is not taken back by itself. `own_record` are the fields that go with it when what somebody else writes in a
    narrative becomes a record of theirs; None where it is a proposal.
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
    description: str = ""
    source: str = ""
    gates: tuple[Gate, ...] = ()
    command: str = ""
    money: bool = False
    own_record: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that a folder of schemas and code lists says."""

    types: Mapping[str, RecordType]
    lists: Mapping[str, CodeList]


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
