"""A fund's monthly statement as CSV and on paper (docs/spec.md §8.1). Sums are made in sync/statement.py; this writes them down.

A statement whose sums do not agree is refused, not written.
"""

import csv
import io
from collections.abc import Iterator
from typing import Final, NamedTuple

from shared_schema.errors import Refused
from shared_schema.records import code_list
from sync.ledger import pounds
from sync.statement import BY_CATEGORY, NOT_SAID, Stand, Statement

COLUMNS: Final = ("part", "item", "detail", "pence")
_STANDS: Final = {
    "allotted": "Put into the fund so far", "unallocated": "In the pot", "held": "Still held by devices", "spent": "Spent so far",
    "disputed": "Disputed: claims that wait for a decision", "refused": "Refused so far", "owed": "Refused and still to be paid back",
}  # fmt: skip
_MOVES: Final = {
    "allotted": "Put into the fund", "allowed": "Given to devices as allowances", "handed_back": "Taken or handed back from allowances",
    "spent": "Spent within an allowance", "claimed": "Claimed beyond an allowance", "approved": "Claims approved", "refused": "Claims refused",
    "reversed": "Reversed: back in the pot", "claims_reversed": "Claims taken back", "to_repay": "Refused, to be paid back", "repaid": "Paid back",
}  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Row(NamedTuple):
    """One line of a statement. `part`: fund, begin, month, category, end or check."""

    part: str
    item: str
    detail: str
    pence: int


def require_sums(made: Statement) -> None:
    """Raises Refused `bad-value` for a statement whose sums do not agree."""
    wrong = [check for check in made.checks if not check.agrees]
    if wrong:
        raise Refused("bad-value", "; ".join(f"{one.what}: {one.one} is not {one.other} pence" for one in wrong) + ": no statement was made")


def rows(made: Statement) -> Iterator[Row]:
    """Every line of a statement, in order."""
    for (funder, period), (now, total) in made.funders.items():
        yield Row("fund", f"{funder}, {period}", "this month", now)
        yield Row("fund", f"{funder}, {period}", "so far", total)
    for part, stand in (("begin", made.before), ("end", made.after)):
        if part == "end":
            yield from (Row("month", _MOVES[name], "", made.moves[name]) for name in _MOVES)
            for category, sums in made.categories.items():
                yield from (Row("category", label(category), _MOVES[name], sums[name]) for name in BY_CATEGORY)
        yield from (Row(part, _STANDS[name], "", getattr(stand, name)) for name in Stand._fields)
    for check in made.checks:
        yield Row("check", check.what, "one way", check.one)
        yield Row("check", check.what, "the other way", check.other)


def label(category: str) -> str:
    """What people call a category; a code that is not known here as it is."""
    known = {term.code: term.label for term in code_list("spend_category").terms}
    return "Not said" if category == NOT_SAID else known.get(category, category)


def csv_text(made: Statement, fund: str) -> str:
    """As CSV with CRLF, for a spreadsheet: whole pence, and no cell that a spreadsheet would take for a formula. Raises as `require_sums`."""
    require_sums(made)
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(COLUMNS)
    for row in (Row("fund", fund, made.month, made.lines), *rows(made)):
        write.writerow([_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def pdf_bytes(made: Statement, fund: str, made_ms: int) -> bytes:
    """On paper. Raises as `require_sums`."""
    from sync.device.paper.pdf import Document  # slow to load, and needed by nothing else a command does

    require_sums(made)
    page = Document(f"Statement of the fund, {made.month}", made_ms, running=f"Fund {fund}, {made.month}")
    page.words(f"Fund {fund}. Month {made.month}, by UTC. {made.lines} movements. Names of people are not part of a statement.")
    page.heading("Where the money comes from")
    sources = [[funder, period, pounds(now), pounds(total)] for (funder, period), (now, total) in made.funders.items()]
    page.table(["Funder", "Period", "This month", "So far"], sources, [4, 3, 2, 2], numbers=frozenset({2, 3}))
    page.heading("The month")
    page.table(["", "Pounds"], [[_MOVES[name], pounds(made.moves[name])] for name in _MOVES], [5, 2], numbers=frozenset({1}))
    page.heading("By category")
    page.table(["Category", "", "Pounds"], list(_categories(made)), [3, 4, 2], numbers=frozenset({2}))
    page.heading("Where it stands")
    stands = [[_STANDS[name], pounds(getattr(made.before, name)), pounds(getattr(made.after, name))] for name in Stand._fields]
    page.table(["", "Before", "At the end"], stands, [5, 2, 2], numbers=frozenset({1, 2}))
    page.words(f"Devices that still hold an allowance: {made.devices}.")
    page.heading("Sums")
    checks = [[check.what, pounds(check.one), pounds(check.other)] for check in made.checks]
    page.table(["Made twice", "One way", "The other way"], checks, [5, 2, 2], numbers=frozenset({1, 2}))
    page.words("All of them agree.")
    return page.finished()


def _categories(made: Statement) -> Iterator[list[str]]:
    for category, sums in made.categories.items():
        some = [name for name in BY_CATEGORY if sums[name]]
        for n, name in enumerate(some):
            yield ["" if n else label(category), _MOVES[name], pounds(sums[name])]
