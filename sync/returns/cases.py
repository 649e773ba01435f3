"""What is counted: the records of a side's files, without a name in them (docs/returns.md).

What counts once is said in docs/spec.md §5.8, and `sync.counting` has it. A missing reason is never a value, and never "other".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sync.counting import Linked, count


@dataclass(frozen=True, slots=True)
class Rec:
    """One record as it stands: effective values by field, `signed` by its author. `written` is the day of its first change, by the author's clock. `stands` is
    False for what is void or deleted: it counts nowhere, and yet it ties together what names it.
    """

    id: str
    type: str
    values: Mapping[str, Any]
    signed: bool
    written: date
    stands: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """The records of one file. `name` and `person` are opaque words: to tell two files apart, and two people, of whom several files may be."""

    name: str
    kind: str
    records: tuple[Rec, ...]
    person: str = ""

    def of(self, type_: str) -> Iterator[Rec]:
        """The records of one type that count."""
        return (one for one in self.records if one.type == type_)


def counted(name: str, kind: str, records: Iterable[Rec], person: str = "") -> Case:
    """A case with what counts of `records`, which are in log order: of a chain of corrections the newest that stands, of one contact the first (docs/spec.md §5.8)."""
    there: dict[str, dict[bytes, Rec]] = {}
    for one in records:
        there.setdefault(one.type, {})[one.id.encode()] = one
    kept = [mine[group.stand[0]] for mine in there.values() for group in count({id_: _linked(one) for id_, one in mine.items()})]
    return Case(name, kind, tuple(kept), person or name)


def _linked(one: Rec) -> Linked:
    corrects, same = one.values.get("corrects"), one.values.get("same_as")
    named = frozenset(ref.encode() for ref in same if isinstance(ref, str)) if isinstance(same, list) else frozenset()
    return Linked(one.id.encode(), corrects.encode() if isinstance(corrects, str) else None, named, one.stands)


def day_of(value: Any) -> date | None:
    """The day of a `date`, or the first day of a `when`; None for anything else, a missing reason and a year alone included."""
    text = value.get("at") if isinstance(value, Mapping) else value
    if not isinstance(text, str):
        return None
    whole = text[:10] if len(text) >= 10 else f"{text}-01" if len(text) == 7 else ""
    try:
        return date.fromisoformat(whole)
    except ValueError:
        return None


def is_missing(value: Any) -> bool:
    """True for nothing at all, and for a reason why there is nothing."""
    return value is None or value == [] or (isinstance(value, Mapping) and "missing" in value)
