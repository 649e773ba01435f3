"""Returns on disk (docs/returns.md): a side's part, an assembled return, a publication; each a folder that is written whole or not at all.

Nobody is named in any of them, and what comes back from a file is checked before it is believed.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from shared_schema.errors import Refused
from shared_schema.returns import Return, Table
from sync.device.entering.private_files import write_private
from sync.device.exports.export_files import whole_folder
from sync.device.returning.charts import Chart, draw
from sync.device.returning.returning import FUNDER, PUBLICATION
from sync.returns import assembling
from sync.returns.assembling import Assembled, Part, lists_said
from sync.returns.counting import Figure, Period
from sync.returns.publishing import Form, Shown

_MOST_BYTES: Final = 32 * 1024 * 1024
_FIGURE: Final = ("row", "column", "numerator", "denominator", "missing")


def part_json(asked: Return, one: Part) -> dict[str, Any]:
    """A side's part as plain values."""
    return {
        "return": one.name, "version": one.version, "title": asked.title, "side": one.side, **_days(one.period), "form": FUNDER,
        "says": assembling.FUNDER, "files": dict(one.files), "left_out": list(one.left_out), "undated": dict(one.undated),
        "unknown": one.unknown,
        "tables": [_table_json(table, one.tables[table.name]) for table in asked.tables if table.name in one.tables],
    }  # fmt: skip


def assembled_json(found: Assembled) -> dict[str, Any]:
    """An assembled return as plain values."""
    return {
        "return": found.asked.name, "version": found.asked.version, "title": found.asked.title, **_days(found.period), "form": FUNDER,
        "says": assembling.FUNDER, "wanting": list(found.wanting), "undated": dict(found.undated),
        "tables": [_table_json(table, found.tables[table.name]) for table in found.asked.tables if table.name in found.tables],
        "computed": [asdict(one) | {"figures": list(one.figures)} for one in found.computed],
    }  # fmt: skip


def shown_json(asked: Return, side: str, period: Period, shown: Iterable[Shown], form: Form) -> dict[str, Any]:
    """A publication as plain values."""
    cells = list(shown)
    tables = [table for table in asked.tables if any(one.table == f"{asked.name}/{table.name}" for one in cells)]
    return {
        "return": asked.name, "version": asked.version, "title": asked.title, "side": side, **_days(period), "form": PUBLICATION,
        "says": f"0 is none. c is left out: {left_out(form)}",
        "tables": [
            {
                **_words(table),
                "figures": [
                    {"row": one.row, "from": one.from_.isoformat(), "until": one.until.isoformat(), "shown": one.says}
                    for one in cells
                    if one.table == f"{asked.name}/{table.name}"
                ],
            }
            for table in tables
        ],
    }  # fmt: skip


def left_out(form: Form) -> str:
    """What is left out of a publication, in words."""
    return (
        f"left out: 1 to {form.most_small}, or more, so that a small figure does not follow from others. All others are to the nearest {form.base}."
    )


def _days(period: Period) -> dict[str, str]:
    return {"from": period.from_.isoformat(), "until": period.until.isoformat()}


def _words(table: Table) -> dict[str, str]:
    return {"table": table.name, "title": table.title, "source": table.source, "side": table.side, "rule": table.rule, "lists": lists_said(table)}


def _table_json(table: Table, figures: Iterable[Figure]) -> dict[str, Any]:
    return {**_words(table), "figures": [{name: getattr(one, name) for name in _FIGURE} for one in figures]}


# --- reading ---------------------------------------------------------------------------------------------------------------


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object. Raises Refused."""
    if path.stat().st_size > _MOST_BYTES:
        raise Refused("too-large", f"{path.name} is larger than any return")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):  # of bytes that are no text, and of numbers that no figure has, too
        raise Refused("bad-value", f"{path.name} is no JSON") from None
    if not isinstance(found, dict):
        raise Refused("bad-value", f"{path.name}: want one JSON object")
    return found


def read_part(raw: Mapping[str, Any], asked: Return) -> Part:
    """A part from its JSON. Raises Refused for what is not one."""
    try:
        if raw["form"] != FUNDER:
            raise Refused("bad-value", f"saw the {raw['form']} form, want exact parts: rounded figures do not add up")
        tables = {one["table"]: tuple(_figure(one["table"], figure) for figure in one["figures"]) for one in raw["tables"]}
        period = Period(date.fromisoformat(raw["from"]), date.fromisoformat(raw["until"]))
        part = Part(
            raw["return"],
            raw["version"],
            raw["side"],
            period,
            tables,
            _counts(raw["files"]),
            tuple(raw["left_out"]),
            _counts(raw["undated"]),
            raw["unknown"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("bad-value", f"want a part that `report part-return` wrote: {type(error).__name__} at {str(error)[:60]}") from None
    strange = sorted(set(tables) - {table.name for table in asked.tables})
    if strange or part.name != asked.name:
        raise Refused("bad-value", f"want a part of {asked.name}, saw tables that it has not: this part is of another return or version")
    return part


def _counts(raw: Mapping[str, Any]) -> dict[str, int]:
    if any(type(many) is not int for many in raw.values()):
        raise ValueError("a count")
    return dict(raw)


def _figure(table: str, raw: Mapping[str, Any]) -> Figure:
    row, column, *numbers = (raw[name] for name in _FIGURE)
    fits = isinstance(row, str) and isinstance(column, str) and type(numbers[0]) is int
    if not fits or any(one is not None and (type(one) is not int or one < 0) for one in numbers):
        raise ValueError(f"a figure of {table}")
    return Figure(table, row, column, *numbers)


def read_values(raw: Mapping[str, Any]) -> dict[str, int]:
    """Figures by name, from a part, an assembled return, or an object of names and numbers that somebody typed. Raises Refused."""
    if "tables" in raw:
        try:
            found = {f"{one['table']}/{cell['row']}/{cell['column']}": cell["numerator"] for one in raw["tables"] for cell in one["figures"]}
        except (KeyError, TypeError, AttributeError):
            raise Refused("bad-value", 'want a part or an assembled return, or an object such as {"referrals/total/": 27}') from None
    else:
        found = dict(raw)
    wrong = [name for name, value in found.items() if type(value) is not int or name.count("/") < 2]
    if wrong:
        raise Refused("bad-value", f"saw {wrong[0][:60]!r}, want names such as table/row/column with whole numbers; row or column may be empty")
    return found


# --- writing ---------------------------------------------------------------------------------------------------------------


def write(out: Path, content: Mapping[str, Any], charts: Iterable[Chart] = ()) -> list[str]:
    """A folder with `return.json`, `tables.csv` and the charts; the names of what is in it. Folders are 0700, files 0600. Raises OSError, and then nothing
    is left.
    """
    files: dict[str, str | bytes] = {"return.json": json.dumps(content, ensure_ascii=False, indent=1) + "\n", "tables.csv": tables_csv(content)}
    for chart in charts:
        files |= draw(chart)
    with whole_folder(out) as beside:
        for name, text in files.items():
            write_private(beside / name, text, new=True)
    return sorted(files)


def tables_csv(content: Mapping[str, Any]) -> str:
    """Every figure a line, with what it was counted by. A first line says for whom it is."""
    columns = ("row", "from", "until", "shown") if content["form"] == PUBLICATION else _FIGURE
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow([content["says"]])
    rows.writerow(["table", "title", "side", *columns, "rule", "lists"])
    for table in content["tables"]:
        for figure in table["figures"]:
            cells = ["" if figure[name] is None else figure[name] for name in columns]
            rows.writerow([table["table"], table["title"], table["side"], *cells, table["rule"], table["lists"]])
    for one in content.get("computed", ()):
        worked_out = f"Worked out from {'; '.join(one['figures'])}" + (f": {one['per_cent']} %" if one["per_cent"] is not None else "")
        rows.writerow(
            [
                one["figure"].split("/")[0],
                one["name"],
                "both",
                one["figure"].split("/")[1],
                "",
                one["numerator"],
                one["denominator"] or "",
                "",
                worked_out,
                "",
            ]
        )
    return written.getvalue()
