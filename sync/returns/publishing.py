"""The form of a return that anybody may see (docs/returns.md): 1 to 7 is not shown, the rest is rounded to 5, and nothing small follows from the rest.

Cells are left out until every count of 1 to 7 could be at least `LEAST` values for somebody who has every return that was published and knows these rules;
as far as that is possible also for one who guesses which cells were left out for another's sake. Zero is shown. What relates cells to each other is said in
`relating`; what follows, in `deriving`.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from shared_schema.returns import Return
from sync.returns.cases import Case
from sync.returns.counting import TOTAL, Period
from sync.returns.deriving import MOST, Knowledge
from sync.returns.relating import Cells, Key, Related, spans

LEAST: Final = 3
HIDDEN: Final = "c"


class CannotPublish(ValueError):
    """With what was published before, no form of this return keeps every small figure."""


@dataclass(frozen=True, slots=True)
class Form:
    """Counts from 1 to below `smallest` are not shown; the others are, to the nearest multiple of `base`."""

    smallest: int = 8
    base: int = 5

    def stricter(self, smallest: int, base: int) -> "Form":
        """At least as strict as both."""
        return Form(max(self.smallest, smallest), max(self.base, base))

    @property
    def most_small(self) -> int:
        """The greatest count that is never shown: also one that would be rounded to nothing."""
        return max(self.smallest, self.base - self.base // 2) - 1

    def is_small(self, count: int) -> bool:
        """True for what is never shown."""
        return 0 < count <= self.most_small

    def rounded(self, count: int) -> int:
        """To the nearest multiple; a tie goes up."""
        return self.base * ((count + self.base // 2) // self.base)

    def bounds(self, says: str, count: int | None = None) -> tuple[int, int]:
        """What `says` tells of a cell. Of one that is left out also whether it is small, to whoever guesses that from its `count`."""
        if says == HIDDEN:
            return (1, MOST) if count is None else (1, self.most_small) if count <= self.most_small else (self.most_small + 1, MOST)
        shown = int(says)
        least = shown - self.base // 2
        return (max(self.most_small + 1, least), least + self.base - 1) if shown else (0, 0)


@dataclass(frozen=True, slots=True)
class Shown:
    """One published cell. `table` is `return/table`; `says` is a multiple of the base, 0, or `c`."""

    table: str
    row: str
    from_: date
    until: date
    says: str


def publish(asked: Return, side: str, cases: Iterable[Case], period: Period, earlier: Iterable[Shown] = (), form: Form | None = None) -> list[Shown]:
    """The cells of a side's tables as they may be shown, beside what the side published `earlier`. Raises CannotPublish, or Unsolved."""
    form, cells = form or Form(), Cells(cases)
    tables = [(f"{asked.name}/{table.name}", table) for table in asked.tables if table.side == side]
    mine = {(name, row, span): key for name, table in tables for span in spans(table, period) for row, key in cells.of(table, span).items()}
    draft = Draft(cells, form, _known(earlier, cells, form), mine.values())
    draft.protect()
    return [Shown(name, row, span.from_, span.until, draft.says[key]) for (name, row, span), key in mine.items()]


Known = Mapping[Key, list[str]]
Kind = tuple[bool, Known]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads what is published: what they know, and what they would at best if nothing were shown but zeros. `kind` says whether they guess
    which cells were left out for another's sake, and what they have of earlier publications.
    """

    knows: Knowledge
    at_best: Knowledge
    kind: Kind


class Draft:
    """Cells that are to be published, and what three readers would know: one guesses and has only this publication, one guesses and has all, one has all."""

    def __init__(self, cells: Cells, form: Form, known: Known, mine: Iterable[Key]) -> None:
        self._cells, self._form, self._known = cells, form, known
        self.says = {key: known[key][0] if key in known else self._plain(key) for key in mine}  # what was said is said again
        self._related = Related(cells, [*self.says, *known])
        nothing = {key: said if key in known or said == "0" else HIDDEN for key, said in self.says.items()}
        kinds = [(True, {}), (True, known), (False, known)]  # of what each of the readers knows; the last one gets nothing, whatever it takes
        self._readers = [Reader(self._knowledge(self.says, *kind), self._knowledge(nothing, *kind), kind) for kind in kinds]
        self._new = {id(self._readers[-1].knows.groups[key]) for key in self.says if key not in known}

    def protect(self) -> None:
        """Leave out more, until nothing small follows. Raises CannotPublish."""
        for target in filter(self._is_touched, self._related.targets(self._form.is_small)):
            for reader in self._readers:
                if reader is not self._readers[-1] and not reader.at_best.leaves(target, LEAST):
                    continue  # against a guess like that nothing helps that could be left out
                while not reader.knows.leaves(target, LEAST):
                    self._leave_out(self._next(target))

    def _is_touched(self, target: tuple[Key, ...]) -> bool:
        """True when what is published now has anything to do with it."""
        groups = self._readers[-1].knows.groups
        return any(id(groups[one]) in self._new for one in target)

    def _leave_out(self, key: Key) -> None:
        self.says[key] = HIDDEN
        for reader in self._readers:
            reader.knows.loosen(key, *self._bounds(key, self.says, *reader.kind))

    def _next(self, target: tuple[Key, ...]) -> Key:
        """What is left out next for a small count's sake: of the cells that have to do with it one of its own table, its own days, the smallest; a total
        last.
        """
        group = {cell for one in target for cell in self._readers[-1].knows.groups[one].cells}
        shown = [key for key, said in self.says.items() if said not in (HIDDEN, "0") and key not in self._known and key in group]
        near = [key for key in shown if any(key.span.from_ <= one.span.until and one.span.from_ <= key.span.until for one in target)] or shown
        if not near:
            raise CannotPublish("a small figure would follow from this together with what was published before: publish a longer time, or nothing")
        series = {one.series for one in target}
        return min(near, key=lambda key: (key.row == TOTAL, key.series not in series, self._cells.count(key), key.span.until - key.span.from_))

    def _plain(self, key: Key) -> str:
        count = self._cells.count(key)
        return HIDDEN if self._form.is_small(count) else str(self._form.rounded(count))

    def _knowledge(self, says: Mapping[Key, str], guessing: bool, known: Known) -> Knowledge:
        bounds: dict[Hashable, tuple[int, int]] = {cell: self._bounds(cell, says, guessing, known) for cell in self._related.cells}
        return Knowledge(bounds, self._related.relations, {cell: self._cells.count(cell) for cell in self._related.cells})

    def _bounds(self, cell: Key, says: Mapping[Key, str], guessing: bool, known: Known) -> tuple[int, int]:
        least, most = 0, MOST
        for one in (*known.get(cell, ()), *filter(None, (says.get(cell),))):
            low, high = self._form.bounds(one, self._cells.count(cell) if guessing else None)
            least, most = max(least, low), min(most, high)
        return least, most


def _known(earlier: Iterable[Shown], cells: Cells, form: Form) -> Known:
    """What was published before, by cell, as far as it still holds: what does not, because records came later, helps nobody to an exact figure."""
    found: dict[Key, list[str]] = {}
    for one in earlier:
        key = cells.find(one.table, one.row, Period(one.from_, one.until))
        if key is not None and _still(one.says, cells.count(key), form):
            found.setdefault(key, []).append(one.says)
    return found


def _still(says: str, count: int, form: Form) -> bool:
    least, most = form.bounds(says)
    return least <= count <= most
