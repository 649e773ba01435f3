"""The figures of a table (docs/returns.md): numerator, denominator, missing, each by a rule that is said.

A figure never mixes people and records: the denominator of a table in which one person may stand in several rows is people, and it has no total.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import Any, Final

from shared_schema.records import code_lists, record_types
from shared_schema.returns import Condition, Rows, Table
from sync.returns.cases import Case, Rec, day_of, is_missing
from sync.returns.derived import RULES

TOTAL: Final = "total"
MISSING: Final = "missing"
NOT_IN_LIST: Final = "not_in_list"
"""The row of what is a word of no list that this app has."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both included."""

    from_: date
    until: date


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell. `denominator` are those that said something or should have, `missing` those of them that did not; None where there is no such thing."""

    table: str
    row: str
    column: str
    numerator: int
    denominator: int | None
    missing: int | None

    @property
    def name(self) -> str:
        """As checks name it."""
        return f"{self.table}/{self.row}/{self.column}"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A record that counts, in its file and its column."""

    case: Case
    rec: Rec
    column: str
    counted: bool


def figures(table: Table, cases: Iterable[Case], period: Period) -> list[Figure]:
    """Every cell of a table, zeros included, rows in the order of their list."""
    seen = [one for case in cases if case.kind in table.kinds for one in _of_case(table, case, period)]
    columns = list(_columns(table, period))
    return [figure for column in columns for figure in _column(table, [one for one in seen if one.column == column], column, period)]


def undated(table: Table, cases: Iterable[Case]) -> int:
    """How many records are in no column at any time, for the day by which they count is not known."""
    return sum(
        1
        for case in cases
        if table.day and table.of != "case" and case.kind in table.kinds
        for one in _records(table, case)
        if _day(table, one) is None and all(_holds(condition, one, case, Period(date.min, date.max)) for condition in table.where)
    )


def _of_case(table: Table, case: Case, period: Period) -> Iterator[_Seen]:
    found = [one for one in _records(table, case) if all(_holds(condition, one, case, period) for condition in table.where)]
    dated = [(day, one) for one in found if (day := _day(table, one)) is None or _falls(table, day, period)]
    dated = [(day, one) for day, one in dated if day is not None or not table.day]
    if table.pick != "all" and dated:
        order = sorted(dated, key=lambda pair: (pair[0] or date.min, pair[1].id))
        dated = order[:1] if table.pick == "first" else order[-1:]
    for day, one in dated:
        column = _column_of(table, day)
        yield _Seen(case, one, column, all(_holds(condition, one, case, period) for condition in table.having))


def _records(table: Table, case: Case) -> Iterable[Rec]:
    return [Rec(case.name, "case", {}, True, date.min)] if table.of == "case" else case.of(table.of)


def _day(table: Table, one: Rec) -> date | None:
    return None if not table.day else one.written if table.day == "written" else day_of(one.values.get(table.day))


def _falls(table: Table, day: date | None, period: Period) -> bool:
    return day is not None and day <= period.until and (table.until_end or day >= period.from_)


# --- conditions ------------------------------------------------------------------------------------------------------------


def _holds(condition: Condition, one: Rec, case: Case, period: Period) -> bool:
    if condition.beside:
        return any(_beside(condition, other, one, period) and other.id != one.id for other in case.of(condition.beside))
    if condition.signed:
        return one.signed
    value = one.values.get(condition.field)
    if condition.cell:
        return (
            any(_says(condition, row.get(condition.cell)) for row in value if isinstance(row, Mapping))
            if isinstance(value, list)
            else condition.missing
        )
    return _says(condition, value)


def _says(condition: Condition, value: Any) -> bool:
    if condition.missing:
        return is_missing(value)
    if not condition.terms:
        return not is_missing(value)
    return any(item in condition.terms for item in value) if isinstance(value, list) else value in condition.terms


def _beside(condition: Condition, other: Rec, one: Rec, period: Period) -> bool:
    """In force on the day of `one`: `from_` of the other is not after it, and `until` not before; a day that is not said does not keep it out."""
    on = day_of(one.values.get(condition.field)) if condition.field else period.until
    if on is None:
        return False
    begins, ends = day_of(other.values.get(condition.from_)), day_of(other.values.get(condition.until))
    fits = (begins is None or begins <= on) and (ends is None or ends >= on)
    return fits and all(_holds(inner, other, Case("", "", ()), period) for inner in condition.where)


# --- columns and rows -------------------------------------------------------------------------------------------------------


def _columns(table: Table, period: Period) -> Iterator[str]:
    across = _terms(table, table.across) or [""]
    times = list(dict.fromkeys(column_at(table, period.from_ + timedelta(days=n)) for n in range((period.until - period.from_).days + 1)))
    for time, term in product(times, across):
        yield " / ".join(part for part in (time, term) if part)


def _column_of(table: Table, day: date | None) -> str:
    return column_at(table, day) if day is not None and not table.until_end else ""


def column_at(table: Table, day: date) -> str:
    """The column of a day; "" in a table that has one."""
    match table.columns:
        case "year":
            return str(day.year)
        case "quarter":
            return f"{day.year} Q{(day.month + 2) // 3}"
        case "month":
            return f"{day.year}-{day.month:02}"
    return ""


def lists_of(table: Table, rows: Rows) -> list[str]:
    """The code list of each word of a row; "" for yes or no."""
    if rows.derived:
        return rows.codes.split(" / ") if rows.codes else []
    type_ = record_types().get(table.of)
    spec = type_.fields.get(rows.field) if type_ and rows.field else None
    if spec is None:
        return []
    return [spec.cells[name].codes for name in (rows.cell, rows.value) if name] or [spec.codes]


def _terms(table: Table, rows: Rows) -> list[str]:
    """Every row that there can be, in order."""
    if rows.terms or not (rows.field or rows.derived):
        return list(rows.terms)
    return [" / ".join(words) for words in product(*(_codes(name) for name in lists_of(table, rows)))]


def _codes(name: str) -> list[str]:
    """The words that are counted by: one that says today what an older one said, and not the older."""
    return [term.code for term in code_lists()[name].terms if not term.now] if name else ["yes", "no"]


def _today(key: str, lists: list[str]) -> str:
    """A row, with each of its words as it is said today."""
    known: list[dict[str, str]] = [{term.code: term.now for term in code_lists()[name].terms if term.now} if name else {} for name in lists]
    words = key.split(" / ")
    return " / ".join(again.get(word, word) for word, again in zip(words, known, strict=True)) if len(words) == len(known) else key


def _keys(rows: Rows, one: _Seen, period: Period) -> list[str]:
    """The rows in which a record stands; none where it says nothing."""
    if rows.derived:
        return list(RULES[rows.derived](one.case, one.rec, period.from_, period.until))
    if not rows.field:
        return [TOTAL]
    value: Any = one.rec.values.get(rows.field)
    if is_missing(value):
        return []
    if not rows.cell:
        return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    kept = [row for row in value if isinstance(row, Mapping) and row.get("withdrawn") != "yes" and isinstance(row.get(rows.cell), str)]
    if not rows.value:
        return list(dict.fromkeys(row[rows.cell] for row in kept))
    return list(dict.fromkeys(f"{row[rows.cell]} / {row[rows.value]}" for row in kept if isinstance(row.get(rows.value), str)))


def _in_rows(table: Table, one: _Seen, period: Period, known: Set[str], lists: list[str]) -> list[str]:
    """Only words of the lists become rows: whatever else stands there, of a newer list or typed by another app, must not leave in a return."""
    keys = (key if key == TOTAL else _today(key, lists) for key in _keys(table.rows, one, period))
    return list(dict.fromkeys(key if key in known or key == TOTAL else NOT_IN_LIST for key in keys))


def _several(table: Table) -> bool:
    """One person or record may stand in several rows."""
    spec = record_types()[table.of].fields.get(table.rows.field) if table.of in record_types() and table.rows.field else None
    return spec is not None and spec.kind in ("codes", "list")


def _column(table: Table, seen: list[_Seen], column: str, period: Period) -> Iterator[Figure]:
    if table.across.field or table.across.derived:
        seen = [one for one in seen if column.rsplit(" / ", 1)[-1] in _keys(table.across, one, period)]
    known, lists = frozenset(_terms(table, table.rows)), lists_of(table, table.rows)
    rows = {key: _in_rows(table, one, period, known, lists) for key, one in enumerate(seen)}
    blank = Figure(table.name, "", column, 0, None, None)
    if table.count == "sum":
        yield from _sums(table, seen, rows, blank)
        return
    people = table.count == "people"
    whole = _size(seen, people=people)
    missing = _size([one for n, one in enumerate(seen) if not rows[n]], people=people)
    named = _terms(table, table.rows)
    others = sorted({key for keys in rows.values() for key in keys} - {*named, TOTAL})
    for key in (*named, *others):
        there = [one for n, one in enumerate(seen) if key in rows[n] and one.counted]
        yield replace(blank, row=key, numerator=_size(there, people=people), denominator=whole, missing=missing)
    if not _several(table):
        counted = [one for n, one in enumerate(seen) if rows[n] and one.counted]
        yield replace(blank, row=TOTAL, numerator=_size(counted, people=people), denominator=whole, missing=missing)


def _size(seen: list[_Seen], *, people: bool) -> int:
    return len({one.case.person or one.case.name for one in seen}) if people else len(seen)


def _sums(table: Table, seen: list[_Seen], rows: Mapping[int, list[str]], blank: Figure) -> Iterator[Figure]:
    """A sum says of how many records it is, and how many of them say no number."""
    named = _terms(table, table.rows)
    for key in (*named, TOTAL):
        there = [one for n, one in enumerate(seen) if (key == TOTAL or key in rows[n]) and one.counted]
        numbers = [number for one in there if (number := _number(table.sum, one.rec)) is not None]
        yield replace(blank, row=key, numerator=sum(numbers), denominator=len(there), missing=len(there) - len(numbers))


def _number(name: str, one: Rec) -> int | None:
    first, _, last = name.partition("..")
    if last:
        begins, ends = day_of(one.values.get(first)), day_of(one.values.get(last))
        return (ends - begins).days + 1 if begins and ends and ends >= begins else None
    value = one.values.get(name)
    return value if type(value) is int else None
