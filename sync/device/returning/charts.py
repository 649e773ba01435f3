"""Charts of a return (docs/returns.md): PNG and SVG, for tables at which people look rather than read, each with its words beside it.

Colours are Okabe and Ito's, told apart also by their hatching and without colour; every bar has its number. What was left out has no bar and says so.
matplotlib comes with the extra `returns`, and is loaded when something is drawn.
"""

import io
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared_schema.errors import Refused
from shared_schema.records import code_lists
from shared_schema.returns import Return, Table
from sync.returns.counting import MISSING, TOTAL, Figure, Period, lists_of
from sync.returns.publishing import HIDDEN, Shown

_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_HATCHES: Final = ("", "//", "..", "xx", "\\\\", "++")
_MOST_ROWS: Final = 24
_LEFT_OUT: Final = "left out"
_INK: Final = "#1A1A1A"


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows: of each row and each column a number, or None for what was left out. `unit` says what is counted."""

    name: str
    title: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    numbers: Mapping[tuple[str, str], int | None]
    says: str

    @property
    def words(self) -> str:
        """The same as text, for who does not see it."""
        lines = [f"{self.title}. {self.unit}. {self.says}"]
        for row in self.rows:
            cells = [(column, self.numbers.get((row, column), 0)) for column in self.columns]
            said = ", ".join(f"{f'{column}: ' if column else ''}{_LEFT_OUT if number is None else number}" for column, number in cells)
            lines.append(f"{row}: {said}.")
        return "\n".join(lines) + "\n"


def charts_of(asked: Return, tables: Mapping[str, Iterable[Figure]], period: Period, says: str) -> list[Chart]:
    """A chart for every table that has several rows, of those in which anything was counted."""
    found: list[Chart] = []
    for table in asked.tables:
        found += _charts(table, [(one.row, one.column, one.numerator) for one in tables.get(table.name, ())], f"{_days(period)}. {says}")
    return found


def charts_of_shown(asked: Return, shown: Iterable[Shown], period: Period, says: str) -> list[Chart]:
    """The same of what is published; a column for each stretch of days."""
    cells = list(shown)
    found: list[Chart] = []
    for table in asked.tables:
        mine = [one for one in cells if one.table == f"{asked.name}/{table.name}"]
        several = len({(one.from_, one.until) for one in mine}) > 1
        numbers = [(one.row, _days(Period(one.from_, one.until)) if several else "", None if one.says == HIDDEN else int(one.says)) for one in mine]
        found += _charts(table, numbers, f"{_days(period)}. {says}")
    return found


def _days(period: Period) -> str:
    first, last = (f"{day.day} {day:%b %Y}" for day in (period.from_, period.until))
    return f"{first} to {last}"


def _charts(table: Table, cells: Sequence[tuple[str, str, int | None]], says: str) -> Iterator[Chart]:
    """One chart, or none where there is nothing to see; of severities one for each kind of abuse. Of rows of two words the second becomes the column."""
    label = _Labels(table)
    numbers: dict[str, dict[tuple[str, str], int | None]] = {}
    for key, column, number in cells:
        words = [label.of(one) for one in key.split(" / ")]
        if key.split(" / ")[0] not in (TOTAL, MISSING):
            chart, place = _place(words, label.of(column))
            numbers.setdefault(chart, {})[place] = number
    if not (table.rows.field or table.rows.derived):
        return
    for n, (chart, mine) in enumerate(numbers.items(), 1):
        rows = tuple(dict.fromkeys(row for (row, _), number in mine.items() if number != 0))[:_MOST_ROWS]
        if rows:
            title, name = (f"{table.title}: {chart}", f"{table.name}_{n}") if chart else (table.title, table.name)
            unit = {"records": "People" if table.of == "case" else "Number", "people": "People", "sum": "Sum"}[table.count]
            yield Chart(name, title, unit, rows, tuple(dict.fromkeys(column for _, column in mine)), mine, says)


def _place(words: list[str], column: str) -> tuple[str, tuple[str, str]]:
    """The chart, row and column of a cell."""
    if len(words) == 3:
        return words[0], (f"first: {words[1]}", f"last: {words[2]}")
    if len(words) == 2 and not column:
        return "", (words[0], words[1])
    return "", (" – ".join(words), column)


class _Labels:
    """Words for the codes of a table's rows and columns."""

    def __init__(self, table: Table) -> None:
        lists = [name for rows in (table.rows, table.across) for name in lists_of(table, rows) if name]
        self._known = {term.code: term.label for name in reversed(lists) for term in code_lists()[name].terms}

    def of(self, key: str) -> str:
        return " – ".join(self._known.get(one, one.replace("_", " ")) for one in key.split(" / "))


# --- drawing ---------------------------------------------------------------------------------------------------------------


def require() -> None:
    """Raises Refused where nothing can be drawn."""
    try:
        import matplotlib  # noqa: F401 – heavy, and only who draws needs it
    except ImportError:
        raise Refused("not-found", "charts need matplotlib, which is not installed here: install fieldkeep with its extra `returns`") from None


def draw(chart: Chart) -> dict[str, str | bytes]:
    """The files of a chart, by name: PNG, SVG, and its words. The same chart gives the same bytes."""
    require()
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawing

    with mpl.rc_context({"svg.hashsalt": "fieldkeep", "svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 10, "hatch.linewidth": 0.6}):
        height = 1.7 + len(chart.rows) * max(0.34, 0.24 * len(chart.columns))
        drawing = Drawing(figsize=(8.5, height), layout="constrained")
        _bars(drawing.add_subplot(), chart)
        png, svg = io.BytesIO(), io.StringIO()
        drawing.savefig(png, format="png", dpi=150, metadata={"Software": None, "Title": chart.title, "Description": chart.words})
        drawing.savefig(svg, format="svg", metadata={"Date": None, "Creator": None, "Title": chart.title, "Description": chart.words})
    return {f"{chart.name}.png": png.getvalue(), f"{chart.name}.svg": svg.getvalue(), f"{chart.name}.txt": chart.words}


def _bars(axes: Any, chart: Chart) -> None:
    """Bars that lie, so that long words stay level; the first row on top."""
    many = len(chart.columns)
    thick = 0.8 / many
    most = max((number for number in chart.numbers.values() if number is not None), default=0) or 1
    for n, column in enumerate(chart.columns):
        numbers = [chart.numbers.get((row, column), 0) for row in chart.rows]
        places = [place - 0.4 + thick * (n + 0.5) for place in range(len(chart.rows))]
        colour, hatch = _COLOURS[n % len(_COLOURS)], _HATCHES[n % len(_HATCHES)]
        axes.barh(places, [number or 0 for number in numbers], thick * 0.92, color=colour, hatch=hatch, edgecolor=_INK, linewidth=0.6, label=column)
        for place, number in zip(places, numbers, strict=True):
            text = _LEFT_OUT if number is None else str(number)
            axes.text(
                (number or 0) + most * 0.012,
                place,
                text,
                va="center",
                ha="left",
                fontsize=8.5,
                color=_INK,
                style="italic" if number is None else "normal",
            )
    axes.set_yticks(range(len(chart.rows)), [textwrap.fill(row, 44) for row in chart.rows])
    axes.invert_yaxis()
    axes.set_xlim(0, most * 1.14)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(f"{chart.unit}. {chart.says}", fontsize=8.5, loc="left", wrap=True)
    axes.set_title(textwrap.fill(chart.title, 80), loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#D9D9D9", linewidth=0.6)
    axes.set_axisbelow(True)
    if many > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
