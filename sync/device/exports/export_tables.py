"""An export as tables, one for each type of record: CSV that a spreadsheet opens and takes no formula from (docs/spec.md §16.3)."""

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

from sync.device.exports.export_page import time, words
from sync.device.exports.export_words import is_missing

_FIRST: Final = ("record", "type", "state", "author", "written", "received", "came_late", "clock_unsure", "signed_by", "in_conflict")
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "'")
_BOM: Final = "\ufeff"
UNKNOWN: Final = "unknown"


def tables(found: dict[str, Any], known: Mapping[str, object]) -> dict[str, str]:
    """Each table by the name of its file; `known` are the types that this app knows."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for one in found["records"]:
        by_type.setdefault(one["type"] if one["type"] in known else UNKNOWN, []).append(one)
    return {f"{name}.csv": _table(rows, found["people"]) for name, rows in sorted(by_type.items())}


def _table(records: list[dict[str, Any]], people: dict[str, str]) -> str:
    rows = [_first(one) | _cells(one, people) for one in records]
    fields = sorted({name for row in rows for name in row} - set(_FIRST))
    names = [*_FIRST, *fields]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(guarded(name) for name in names)
    writer.writerows([guarded(row.get(name, "")) for name in names] for row in rows)
    return _BOM + out.getvalue()


def _first(one: dict[str, Any]) -> dict[str, str]:
    conflicts = " ".join(field["field"] for field in one["fields"] if field["in_conflict"])
    values = (
        one["record"], one["type"] or "", one["state"], one["author"], time(one["written_ms"]), time(one["received_ms"]), _yes(one["came_late"]),
        _yes(one["clock_unsure"]), ", ".join(one["signed_by"]), conflicts,
    )  # fmt: skip
    return dict(zip(_FIRST, values, strict=True))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _cells(one: dict[str, Any], people: dict[str, str]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for field in one["fields"]:
        name = f"field {field['field']}" if field["field"] in _FIRST else field["field"]
        values = [op["value"] for op in field["values"]] if field["in_conflict"] else [field["value"]]
        reasons = [value["missing"] for value in values if is_missing(value)]
        cells[name] = "\n".join(words(value, people) for value in values if value is not None and not is_missing(value))
        if reasons:
            cells[f"{name}.missing"] = "\n".join(map(str, reasons))
    return cells


def guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; taken back by taking one apostrophe from the beginning, where there is one."""
    return f"'{text}" if text.startswith(_FORMULA) else text
