"""A return from the parts of two sides (docs/returns.md): their tables beside each other, and figures that follow from figures.

Nothing is joined: a part holds counts, and no row of one part is looked up in the other. Whoever assembles needs no device and no file, only the parts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shared_schema.records import code_list
from shared_schema.returns import Check, Return, Table
from sync.returns.cases import Case
from sync.returns.checking import comes_to
from sync.returns.counting import Figure, Period, figures, lists_of, undated

FUNDER: Final = "Small numbers: not for publication."
"""What every exact form says of itself."""


class BadParts(ValueError):
    """Parts that are not of one return; the message says in what they differ."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one side worked out: the figures of each table that it could count. `files` is of how many files, by kind; `left_out` are the tables for which it
    holds no file, which is not the same as none; `undated` how many records of a table are in no time, for their day is not known.
    """

    name: str
    version: int
    side: str
    period: Period
    tables: Mapping[str, tuple[Figure, ...]]
    files: Mapping[str, int]
    left_out: tuple[str, ...]
    undated: Mapping[str, int]
    unknown: int


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure that follows from others: a sum, or a share in per cent with what it is a share of. `figures` are those it was worked out from."""

    name: str
    figure: str
    numerator: int
    denominator: int | None
    per_cent: int | None
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assembled:
    """All the tables of a return, in its order, and what follows from them. `wanting` are tables that no part has."""

    asked: Return
    period: Period
    tables: Mapping[str, tuple[Figure, ...]]
    computed: tuple[Computed, ...]
    wanting: tuple[str, ...]
    undated: Mapping[str, int]


def part(asked: Return, side: str, cases: Iterable[Case], period: Period, unknown: int = 0) -> Part:
    """A side's part, from its own files. `unknown` is how many records were passed over because this app does not know their type."""
    files = tuple(cases)
    kinds = {kind: sum(1 for case in files if case.kind == kind) for kind in sorted({case.kind for case in files})}
    mine = [table for table in asked.tables if table.side == side]
    able = [table for table in mine if any(kind in kinds for kind in table.kinds)]
    found = {table.name: tuple(figures(table, files, period)) for table in able}
    without = {table.name: many for table in able if (many := undated(table, files))}
    return Part(asked.name, asked.version, side, period, found, kinds, tuple(table.name for table in mine if table not in able), without, unknown)


def assemble(asked: Return, parts: Iterable[Part]) -> Assembled:
    """The parts beside each other. Raises BadParts for parts of different returns or periods, and for a table that two of them have."""
    given = list(parts)
    if not given:
        raise BadParts("there is no part")
    found: dict[str, tuple[Figure, ...]] = {}
    for one in given:
        _fits(asked, one, given[0])
        twice = found.keys() & one.tables.keys()
        if twice:
            raise BadParts(f"two parts have {', '.join(sorted(twice))}: added up they would count some files twice, so each table is of one part")
        found |= one.tables
    tables = {table.name: found[table.name] for table in asked.tables if table.name in found}
    wanting = tuple(table.name for table in asked.tables if table.name not in tables)
    without = {name: many for one in given for name, many in one.undated.items()}
    return Assembled(asked, given[0].period, tables, computed(asked.checks, values(tables)), wanting, without)


def _fits(asked: Return, one: Part, first: Part) -> None:
    if (one.name, one.version) != (asked.name, asked.version):
        raise BadParts(f"saw a part of {one.name} version {one.version}, want {asked.name} version {asked.version}")
    if one.period != first.period:
        raise BadParts(f"saw a part from {one.period.from_} to {one.period.until}, want {first.period.from_} to {first.period.until}")
    sides = {table.name: table.side for table in asked.tables}
    strange = sorted(name for name in one.tables if sides.get(name) != one.side)
    if strange:
        raise BadParts(f"{', '.join(strange)} is no table of the {one.side} side of {asked.name}")


def values(tables: Mapping[str, Iterable[Figure]]) -> dict[str, int]:
    """Every figure by its name."""
    return {one.name: one.numerator for some in tables.values() for one in some}


def computed(checks: Iterable[Check], known: Mapping[str, int]) -> tuple[Computed, ...]:
    """What the checks of a return work out that no table counts, as far as the figures are there."""
    found = []
    for check in checks:
        figure = check.per_cent or check.equals
        needed = (*check.sum, *check.share, *check.of)
        if figure in known or not set(needed) <= known.keys():
            continue
        whole = sum(known[name] for name in check.of) if check.per_cent else None
        part_ = sum(known[name] for name in (check.share or check.sum))
        found.append(Computed(check.name, figure, part_, whole, comes_to(check, known) if whole else None, needed))
    return tuple(found)


def lists_said(table: Table) -> str:
    """The code lists of a table's rows, each with its version: `gender 1`. "none" where no list has the rows."""
    names = [name for rows in (table.rows, table.across) for name in lists_of(table, rows)]
    return ", ".join(f"{name} {code_list(name).version}" for name in dict.fromkeys(names) if name) or "none"
