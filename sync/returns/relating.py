"""What published cells have to do with each other (docs/returns.md): the same records in other words, days within days, rows and their total.

A relation stands only where it is true of what is counted now: it could only mislead whoever believes it otherwise, and they get no exact figure.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from shared_schema.returns import Return, Table, returns
from sync.returns.cases import Case
from sync.returns.counting import MISSING, TOTAL, Period, column_at, figures
from sync.returns.derived import GROWING
from sync.returns.deriving import Relation

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Key:
    """A cell: a row, and what stands across, of a series between two days. Two tables that count the same in the same rows are one series."""

    series: int
    row: str
    across: str
    span: Period


class Cells:
    """The counts of cells, each table counted once for each stretch of days."""

    def __init__(self, cases: Iterable[Case], known: Mapping[str, Return] | None = None) -> None:
        self.returns = returns() if known is None else known
        self._cases = tuple(cases)
        self._series: dict[Table, int] = {}
        self._counts: dict[tuple[int, Period], dict[Key, int]] = {}

    def table(self, series: int) -> Table:
        """The table, without what does not change what it counts."""
        return list(self._series)[series]

    def series(self, table: Table) -> int:
        """The number of what a table counts."""
        bare = replace(table, name="", title="", source="", rule="", columns="none")
        return self._series.setdefault(bare, len(self._series))

    def counted(self, series: int, span: Period) -> dict[Key, int]:
        """Every cell of a series between two days."""
        if (series, span) not in self._counts:
            table = self.table(series)
            found: dict[Key, int] = {}
            for one in figures(table, self._cases, span):
                found[Key(series, one.row, one.column, span)] = one.numerator
                if one.missing is not None and table.count != "sum" and _has_rows(table):
                    found[Key(series, MISSING, one.column, span)] = one.missing
            self._counts[series, span] = found
        return self._counts[series, span]

    def of(self, table: Table, span: Period) -> dict[str, Key]:
        """The cells of a table between two days, by what stands before them."""
        return {" / ".join(filter(None, (key.row, key.across))): key for key in self.counted(self.series(table), span)}

    def find(self, table: str, row: str, span: Period) -> Key | None:
        """The cell that a publication names; None for one that there is no longer."""
        name, _, rest = table.partition("/")
        found = next((one for one in self.returns[name].tables if one.name == rest), None) if name in self.returns else None
        return self.of(found, span).get(row) if found is not None else None

    def count(self, cell: Key) -> int:
        """What a cell counts; a row that only other days have counts none."""
        return self.counted(cell.series, cell.span).get(cell, 0)


def spans(table: Table, period: Period) -> list[Period]:
    """The stretches of days in the columns of a table."""
    found: dict[str, list[date]] = {}
    for n in range((period.until - period.from_).days + 1):
        day = period.from_ + timedelta(days=n)
        found.setdefault(column_at(table, day), []).append(day)
    return [Period(days[0], days[-1]) for days in found.values()]


def adds_up(table: Table) -> bool:
    """True where the count of a stretch of days is the sum of the counts of its parts: of records that each have one day and rows of their own."""
    return (
        bool(table.day)
        and table.of != "case"
        and table.count != "people"
        and table.pick == "all"
        and not table.until_end
        and not table.across.derived
    )


def _grows(table: Table) -> bool:
    """True where each part counts at most what the whole does, and the whole at most what the parts come to: of people."""
    if table.of == "case":
        return table.rows.derived in GROWING
    return bool(table.day) and table.count == "people" and table.pick == "all" and not table.until_end and not table.across.derived


def _has_rows(table: Table) -> bool:
    return bool(table.rows.field or table.rows.derived)


class Related:
    """The relations between some cells, with all the cells that they are about."""

    def __init__(self, cells: Cells, given: Iterable[Key]) -> None:
        self._cells = cells
        self.cells: dict[Key, None] = dict.fromkeys(given)
        self.relations: list[Relation] = []
        self._steps: dict[int, list[Period]] = {}
        families = _families({key.series for key in self.cells}, cells)
        for family in families:
            self._relate(family)

    def _relate(self, family: list[int]) -> None:
        """All of the series that count the same records: one set of days for all of them."""
        here = [key for key in self.cells if key.series in family]
        edges = sorted({day for key in here for day in (key.span.from_, key.span.until + _DAY)})
        steps = [Period(first, after - _DAY) for first, after in pairwise(edges)]
        whole = sorted({key.span for key in here}, key=lambda span: (span.from_, span.until))
        for series in family:
            table = self._cells.table(series)
            if adds_up(table) or _grows(table):
                self._steps[series] = steps
                for span in steps:
                    self.cells |= dict.fromkeys(self._cells.counted(series, span))
                rows = GROWING.get(table.rows.derived) if table.of == "case" else None
                keys = [key for key in self.cells if key.series == series and (rows is None or key.row in rows)]
                self._across_days(keys, steps, exact=adds_up(table))
            for span in dict.fromkeys((*whole, *self._steps.get(series, ()))):
                self._total(series, span)
        self._same_records(family, (*whole, *steps))
        self._checks(family, (*whole, *steps))

    def _across_days(self, keys: list[Key], steps: list[Period], *, exact: bool) -> None:
        for key in keys:
            parts = [replace(key, span=step) for step in steps if key.span.from_ <= step.from_ and step.until <= key.span.until]
            if not parts or parts == [key]:
                continue
            self._add({key: 1} | dict.fromkeys(parts, -1), exact=exact)
            if not exact:
                for part in parts:
                    self._add({part: 1, key: -1}, exact=False)

    def _total(self, series: int, span: Period) -> None:
        here = self._cells.counted(series, span)
        for total in [key for key in here if key.row == TOTAL]:
            rows = [key for key in here if key.row not in (TOTAL, MISSING) and key.across == total.across]
            if rows and (total in self.cells or any(row in self.cells for row in rows)):
                self._add({total: 1} | dict.fromkeys(rows, -1), exact=True)

    def _same_records(self, family: list[int], all_: Iterable[Period]) -> None:
        """The total and what is missing come to the same in every table of the same records."""
        for span in dict.fromkeys(all_):
            wholes = [whole for series in family if (whole := self._whole(series, span))]
            for first, second in pairwise(wholes):
                self._add(dict.fromkeys(first, 1) | dict.fromkeys(second, -1), exact=True)

    def _whole(self, series: int, span: Period) -> list[Key]:
        table = self._cells.table(series)
        here = self._cells.counted(series, span)
        found = [key for key in here if key.row in (TOTAL, MISSING) and not key.across]
        fits = table.count != "sum" and not table.having and any(key.row == TOTAL for key in found) and any(key in self.cells for key in found)
        return found if fits else []

    def _checks(self, family: list[int], all_: Iterable[Period]) -> None:
        """The sums of which a return says itself that they have to agree."""
        for one in self._cells.returns.values():
            numbers = {table.name: self._cells.series(table) for table in one.tables}
            for check in (check for check in one.checks if check.equals):
                named = [_cell_of(name, numbers) for name in (check.equals, *check.sum)]
                for span in dict.fromkeys(all_):
                    keys = [Key(*found, span) for found in named if found is not None and found[0] in family]
                    if len(keys) == len(named) and all(key in self._cells.counted(key.series, span) for key in keys):
                        self._add({keys[0]: 1} | dict.fromkeys(keys[1:], -1), exact=True)

    def _add(self, of: Mapping[Key, int], *, exact: bool) -> None:
        """That the sum is 0, or where it is not `exact` at most 0; if it is true."""
        now = sum(factor * self._cells.count(key) for key, factor in of.items())
        if now == 0 or (not exact and now < 0):
            self.cells |= dict.fromkeys(of)
            self.relations.append(Relation(dict(of), 0 if exact else -(10**9), 0))

    def targets(self, is_small: Callable[[int], bool]) -> Iterator[tuple[Key, ...]]:
        """Every small count in a row between any two days that matter: a cell, or cells of days that follow each other."""
        for key in self.cells:
            if is_small(self._cells.count(key)):
                yield (key,)
        for series, steps in self._steps.items():
            if adds_up(self._cells.table(series)):
                for row, across in dict.fromkeys((key.row, key.across) for key in self.cells if key.series == series):
                    yield from self._stretches([Key(series, row, across, step) for step in steps], is_small)

    def _stretches(self, keys: list[Key], is_small: Callable[[int], bool]) -> Iterator[tuple[Key, ...]]:
        for first in range(len(keys)):
            for last in range(first + 1, len(keys)):
                some = tuple(keys[first : last + 1])
                if is_small(sum(self._cells.count(key) for key in some)):
                    yield some


def _cell_of(name: str, numbers: Mapping[str, int]) -> tuple[int, str, str] | None:
    table, row, across = name.split("/", 2)
    return (numbers[table], row, across) if table in numbers else None


def _families(given: Iterable[int], cells: Cells) -> list[list[int]]:
    """The series of the same records, or between whose records a check goes, together."""
    found: dict[Hashable, list[int]] = {}
    for series in sorted(given):
        table = cells.table(series)
        found.setdefault((table.side, table.kinds, table.of, table.day), []).append(series)
    return list(found.values())
