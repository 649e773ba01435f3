"""A present caseload from a table: rows, and what a cell says (docs/spec.md §5.11). Pure.

A day that can be read in two ways is refused, for a birthday that is wrong by a month is wrong for good. Messages say where, what form was
seen, and what was wanted; never what the cell holds.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from shared_schema.errors import Refused

MOST_ROWS: Final = 2_000
MOST_CHARS: Final = 20_000
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_NUMBERS: Final = re.compile(r"([0-9]{1,2})([/.\- ])([0-9]{1,2})\2([0-9]{4})")
_WORDS: Final = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[ \-]([a-z]{3,9})\.?[ \-,]+([0-9]{4})", re.IGNORECASE)
_WANTED: Final = "want YYYY-MM-DD, or the month as a word"
_DELIMITERS: Final = (",", ";", "\t")


class Wrong(NamedTuple):
    """What keeps a row from being imported. `line` as an editor counts them; `column` is empty for the row as a whole."""

    line: int
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row that are filled, by column."""

    line: int
    cells: Mapping[str, str]


def read_table(text: str, known: Sequence[str], required: Sequence[str]) -> tuple[list[Row], list[Wrong]]:
    """The rows of a table with a header, and those that are no rows. Raises Refused for what is no such table, or has a column that nobody knows."""
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise Refused("bad-value", "that is no table of text: save it as CSV, UTF-8")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    try:
        header = [_name(cell) for cell in next(reader, [])]
        _check_header(header, known, required)
        return _rows(reader, header, required)
    except csv.Error as error:
        raise Refused(
            "bad-value", f"line {reader.line_num}: no table can be read there ({error}): look for a quotation mark that is not closed"
        ) from None


def _name(cell: str) -> str:
    return "_".join(cell.strip().lower().split())


def _check_header(header: Sequence[str], known: Sequence[str], required: Sequence[str]) -> None:
    strange = [n for n, name in enumerate(header, 1) if name not in known]
    if strange:
        numbers = ", ".join(map(str, strange))
        raise Refused("bad-value", f"column {numbers}: no column of that name is known; known: {', '.join(known)}. Nothing was imported")
    if len(set(header)) < len(header):
        raise Refused("bad-value", "two columns have one name")
    if missing := [name for name in required if name not in header]:
        raise Refused("bad-value", f"the table has no column {', '.join(missing)}; known: {', '.join(known)}")


def _rows(reader: Iterator[list[str]], header: Sequence[str], required: Sequence[str]) -> tuple[list[Row], list[Wrong]]:
    rows: list[Row] = []
    wrong: list[Wrong] = []
    line = 2
    for cells in reader:
        begins, line = line, getattr(reader, "line_num", line) + 1
        filled = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) == MOST_ROWS:
            raise Refused("too-large", f"more than {MOST_ROWS} rows: import it in parts")
        if len(cells) != len(header):
            wrong.append(Wrong(begins, "", f"saw {len(cells)} cells, wanted {len(header)}: look for a comma or quotation mark too many"))
            continue
        wrong += [Wrong(begins, name, "empty, and it is needed") for name in required if name not in filled]
        wrong += [Wrong(begins, name, f"more than {MOST_CHARS} characters") for name, cell in filled.items() if len(cell) > MOST_CHARS]
        rows.append(Row(begins, filled))
    return rows, wrong


def day(text: str) -> str:
    """A day as a person wrote it, as YYYY-MM-DD. Raises Refused for one that can be read in two ways, and for what is none."""
    if match := _ISO.fullmatch(text):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _WORDS.fullmatch(text):
        word = match[2].lower()
        month = next((n for n, (short, name) in enumerate(zip(_MONTHS, _NAMES, strict=True), 1) if word in (short, name, "sept" * (n == 9))), 0)
        if not month:
            raise Refused("bad-value", f"saw a month that is none; {_WANTED}")
        return _day(int(match[3]), month, int(match[1]))
    if match := _NUMBERS.fullmatch(text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        if first <= 12 and second <= 12 and first != second:
            raise Refused("bad-value", f"saw a date of which nobody can tell the day from the month; {_WANTED}")
        if first <= 12 < second:
            raise Refused("bad-value", f"saw a date with the month first; {_WANTED}, and look at the other dates of this table too")
        return _day(year, second, first)
    raise Refused("bad-value", f"saw {_shape(text)}; {_WANTED}")


def _shape(text: str) -> str:
    if re.fullmatch(r"[0-9]{5}(?:\.[0-9]+)?", text):
        return "a spreadsheet's number of a day"
    if re.fullmatch(r"[0-9]{1,2}[/.\- ][0-9]{1,2}[/.\- ][0-9]{2}", text):
        return "a year of two digits"
    return "what is no date"


def _day(year: int, month: int, number: int) -> str:
    try:
        return date(year, month, number).isoformat()
    except ValueError:
        raise Refused("bad-value", f"saw a date that is not in the calendar; {_WANTED}") from None


def born(text: str) -> str:
    """The same, or a year alone."""
    return text if re.fullmatch(r"(?:19|20)[0-9]{2}", text) else day(text)
