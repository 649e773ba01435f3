"""What returns ask for, read from `returns/*.json` (docs/returns.md). This module reads and checks those files; it counts nothing.

A table says of which records (`of`) the figures are, which of them (`where`), what stands in the rows and the columns, and in words by which rule.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from shared_schema.records import code_lists, record_types

COUNTS: Final = ("records", "people", "sum")
PICKS: Final = ("all", "first", "last")
COLUMNS: Final = ("none", "year", "quarter", "month")
DERIVED: Final = ("support_given", "status_at_end", "open_at_end", "supported", "age_at_end", "complex_needs", "severity_change")


@dataclass(frozen=True, slots=True)
class Condition:
    """That a field, or a cell of one of its rows, holds one of `terms`; with `missing`, that it holds nothing; else that it holds something.

    `beside` is a type of which another record of the same file has to stand, in force on the day of this one (`from_`, `until` are its fields).
    """

    field: str = ""
    cell: str = ""
    terms: tuple[Any, ...] = ()
    missing: bool = False
    signed: bool = False
    beside: str = ""
    from_: str = ""
    until: str = ""
    where: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """What stands in the rows: the terms that `field` holds, or that `cell` holds in the rows of a list; with `value`, and below it what a second cell
    says. `derived` is a rule of sync/returns/derived.py, and `codes` the code list of what it gives; several, with " / " between them, where it gives several
    words. Without any there is one row.
    """

    field: str = ""
    cell: str = ""
    value: str = ""
    derived: str = ""
    codes: str = ""
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a return.

    `of` is a record type, or "case" for the file itself. `day` is the field by whose day a record falls into the period ("written": its first change;
    "": any day); with `until_end` all count that are not after the period. `where` says which of them count at all, `having` which of those stand in
    the numerator. `count` is of records, of people (files), or the `sum` of a field, or of the days from one field to another ("from..to"). `pick`
    takes the first or the last record of each file, by `day`.
    """

    name: str
    title: str
    source: str
    side: str
    rule: str
    of: str
    day: str = ""
    count: str = "records"
    sum: str = ""
    pick: str = "all"
    rows: Rows = field(default_factory=Rows)
    across: Rows = field(default_factory=Rows)
    columns: str = "none"
    where: tuple[Condition, ...] = ()
    having: tuple[Condition, ...] = ()
    kinds: tuple[str, ...] = ("case",)
    until_end: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """That the sum of some figures is another one, or that a figure is a share of others in per cent. Figures are named `table/row/column`."""

    name: str
    sum: tuple[str, ...] = ()
    equals: str = ""
    share: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    per_cent: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """A return: its tables, and what of them has to agree."""

    name: str
    version: int
    title: str
    tables: tuple[Table, ...]
    checks: tuple[Check, ...]


class BadReturn(ValueError):
    """A definition that says something else than the language has; the message says where, what was seen and what was wanted."""


@cache
def returns() -> Mapping[str, Return]:
    """Every return by name."""
    found = sorted(files("shared_schema").joinpath("returns").iterdir(), key=lambda path: path.name)
    read = (read_return(json.loads(path.read_text(encoding="utf-8"))) for path in found if path.name.endswith(".json"))
    return MappingProxyType({one.name: one for one in read})


def read_return(raw: Mapping[str, Any]) -> Return:
    """A return from its JSON. Raises BadReturn."""
    _only(raw, {"return", "version", "title", "tables", "checks"}, "return")
    tables = tuple(_table(one) for one in raw["tables"])
    if len({one.name for one in tables}) != len(tables):
        raise BadReturn("two tables have one name")
    checks = tuple(_check(one, {table.name for table in tables}) for one in raw.get("checks", []))
    return Return(raw["return"], raw["version"], raw["title"], tables, checks)


def _table(raw: Mapping[str, Any]) -> Table:
    named = raw.get("table", "?")
    _only(raw, {"table", *(set(Table.__dataclass_fields__) - {"name"})}, f"table {named}")
    words = {name: value for name, value in raw.items() if name not in ("table", "rows", "across", "where", "having", "kinds")}
    table = Table(
        name=raw["table"],
        rows=_rows(raw.get("rows", {}), named),
        across=_rows(raw.get("across", {}), named),
        where=tuple(_condition(one, named) for one in raw.get("where", [])),
        having=tuple(_condition(one, named) for one in raw.get("having", [])),
        kinds=tuple(raw.get("kinds", ("case",))),
        **words,
    )
    _one_of(table.count, COUNTS, f"table {named}: count")
    _one_of(table.pick, PICKS, f"table {named}: pick")
    _one_of(table.columns, COLUMNS, f"table {named}: columns")
    _one_of(table.side, ("perpetrator", "victim"), f"table {named}: side")
    if table.of != "case":
        _known(table, named)
    return table


def _known(table: Table, named: str) -> None:
    """The type and the fields exist."""
    type_ = record_types().get(table.of)
    if type_ is None:
        raise BadReturn(f"table {named}: of is {table.of!r}, want a record type or case")
    for name in filter(
        None, (table.day, *table.sum.split(".."), table.rows.field, table.across.field, *(one.field for one in (*table.where, *table.having)))
    ):
        if name != "written" and name not in type_.fields:
            raise BadReturn(f"table {named}: {table.of} has no field {name!r}")
    for rows in (table.rows, table.across):
        cells = type_.fields[rows.field].cells if rows.field else {}
        for cell in filter(None, (rows.cell, rows.value)):
            if cell not in cells:
                raise BadReturn(f"table {named}: the rows of {rows.field} have no cell {cell!r}")


def _rows(raw: Mapping[str, Any], named: str) -> Rows:
    _only(raw, set(Rows.__dataclass_fields__), f"table {named}: rows")
    for name in filter(None, raw.get("codes", "").split(" / ")):
        if name not in code_lists():
            raise BadReturn(f"table {named}: there is no code list {name!r}")
    if raw.get("derived", DERIVED[0]) not in DERIVED:
        raise BadReturn(f"table {named}: there is no rule {raw['derived']!r}; there are {', '.join(DERIVED)}")
    if raw.get("derived") and not (raw.get("terms") or raw.get("codes")):
        raise BadReturn(f"table {named}: the rule {raw['derived']!r} has neither terms nor codes, and so no rows")
    words: dict[str, Any] = {name: tuple(value) if name == "terms" else value for name, value in raw.items()}
    return Rows(**words)


def _condition(raw: Mapping[str, Any], named: str) -> Condition:
    _only(raw, {"from", *(set(Condition.__dataclass_fields__) - {"from_"})}, f"table {named}: condition")
    words = {("from_" if name == "from" else name): value for name, value in raw.items() if name not in ("terms", "where")}
    return Condition(**words, terms=tuple(raw.get("terms", ())), where=tuple(_condition(one, named) for one in raw.get("where", [])))


def _check(raw: Mapping[str, Any], tables: set[str]) -> Check:
    """What a check adds up is of the tables; what it comes to may be a figure that only the check works out."""
    _only(raw, set(Check.__dataclass_fields__), "check")
    words: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
    check = Check(**words)
    for name in (*check.sum, *check.share, *check.of):
        if name.split("/")[0] not in tables:
            raise BadReturn(f"check {check.name}: there is no table {name.split('/')[0]!r}")
    return check


def _only(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = set(raw) - known
    if unknown:
        raise BadReturn(f"{where}: {', '.join(sorted(unknown))} is not known; there are {', '.join(sorted(known))}")


def _one_of(value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        raise BadReturn(f"{where} is {value!r}, want one of {', '.join(known)}")
