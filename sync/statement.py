"""A fund's month: what went in and out, by category, and where the money is at its end (docs/spec.md §8.1). Pure.

All amounts are pence. It names no person, no case, nobody who was paid and no device. The sums are made twice, from the movements and
from where the fund stands, and `checks` says whether they agree: a statement that does not is not given to anybody.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared_schema.errors import Refused
from sync.fold import PENDING, Occurrence
from sync.ledger import Fund, apply

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
NOT_SAID: Final = "not_said"  # the category of a spend whose line names none
MOVES: Final = (
    "allotted", "allowed", "handed_back", "spent", "claimed", "approved", "refused", "reversed", "claims_reversed", "to_repay", "repaid",
)  # fmt: skip
BY_CATEGORY: Final = ("spent", "claimed", "approved", "refused", "reversed", "claims_reversed", "to_repay", "repaid")


class Stand(NamedTuple):
    """Where the money is at one place of the log. `held`: what devices may still spend; `disputed`: claims that wait for a decision."""

    allotted: int = 0
    unallocated: int = 0
    held: int = 0
    spent: int = 0
    disputed: int = 0
    refused: int = 0
    owed: int = 0

    @classmethod
    def of(cls, fund: Fund) -> "Stand":
        """Of a fund as it is now."""
        refused = sum(spend.refused for spend in fund.spends.values())
        return cls(fund.allotted, fund.unallocated, sum(fund.remaining.values()), fund.spent, fund.disputed, refused, fund.owed)


class Check(NamedTuple):
    """One sum made in two ways."""

    what: str
    one: int
    other: int

    @property
    def agrees(self) -> bool:
        """True when both ways come to the same."""
        return self.one == self.other


@dataclass(frozen=True, slots=True)
class Statement:
    """One month of a fund. `moves` has every name of MOVES, `categories` for each category every name of BY_CATEGORY; `funders` maps
    (funder, period) to what they put in during the month and up to its end. `devices`: how many hold something at the end.
    """

    month: str
    before: Stand
    after: Stand
    moves: dict[str, int]
    categories: dict[str, dict[str, int]]
    funders: dict[tuple[str, str], tuple[int, int]]
    devices: int
    lines: int

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every sum of the statement, made twice."""
        a, b, m = self.before, self.after, self.moves
        sums = {name: sum(row[name] for row in self.categories.values()) for name in BY_CATEGORY}
        return (
            Check("put in, up to the end of the month = in the pot + held by devices + spent", b.allotted, b.unallocated + b.held + b.spent),
            Check("put in by the funders, up to the end of the month", sum(total for _, total in self.funders.values()), b.allotted),
            Check("put in by the funders, this month", sum(now for now, _ in self.funders.values()), m["allotted"]),
            Check("in the pot", a.unallocated + m["allotted"] - m["allowed"] + m["handed_back"] - m["approved"] + m["reversed"], b.unallocated),
            Check("held by devices", a.held + m["allowed"] - m["handed_back"] - m["spent"], b.held),
            Check("spent", a.spent + m["spent"] + m["approved"] - m["reversed"], b.spent),
            Check("disputed", a.disputed + m["claimed"] - m["approved"] - m["refused"] - m["claims_reversed"], b.disputed),
            Check("refused", a.refused + m["refused"], b.refused),
            Check("to be paid back", a.owed + m["to_repay"] - m["repaid"], b.owed),
            *(Check(f"{name.replace('_', ' ')}, over the categories", sums[name], m[name]) for name in BY_CATEGORY),
        )


def month_ms(month: str) -> tuple[int, int]:
    """The first millisecond of a month YYYY-MM and that of the next, UTC. Raises Refused `bad-value`."""
    found = _MONTH.fullmatch(month)
    if found is None or not 1 <= int(found[1]) < dt.MAXYEAR:
        raise Refused("bad-value", "that is no month: want YYYY-MM, for example 2026-10")
    year, number = int(found[1]), int(found[2])
    first, following = (dt.datetime(year + (number + n - 1) // 12, (number + n - 1) % 12 + 1, 1, tzinfo=dt.UTC) for n in (0, 1))
    return int(first.timestamp() * 1000), int(following.timestamp() * 1000)


def statement(log: bytes, occurrences: Iterable[Occurrence], month: str) -> Statement:
    """The statement of one month, from a fund's changes in log order. A line belongs to the month in which the server received it; what waits
    to be sent is in none. Raises Refused `bad-value` for what is no month.
    """
    begins, ends = month_ms(month)
    fund, before = Fund(), Stand()
    moves = dict.fromkeys(MOVES, 0)
    categories: dict[str, dict[str, int]] = {}
    funders: dict[tuple[str, str], tuple[int, int]] = {}
    category_of: dict[str, str] = {}
    seen: set[tuple[bytes, int]] = set()
    inside, lines = False, 0
    for at in occurrences:
        if at.seq == PENDING or at.received_ms >= ends:
            break  # the log's order is that in which it was received
        if not inside and at.received_ms >= begins:
            inside, before = True, Stand.of(fund)
        if (at.device, at.change.c) in seen:
            continue
        seen.add((at.device, at.change.c))
        was, ignored = Stand.of(fund), len(fund.ignored)
        apply(fund, log, at)
        values = {op.field: op.value for op in at.change.ops if op.action == "set" and isinstance(op.field, str)}
        if (put := fund.allotted - was.allotted) > 0:
            source = (_text(values.get("funder")), _text(values.get("period")))
            now, total = funders.get(source, (0, 0))
            funders[source] = (now + put * inside, total + put)
        spend_id = values.get("spend_id") if values.get("kind") == "spend" else values.get("against")
        if values.get("kind") == "spend" and isinstance(spend_id, str):
            category_of.setdefault(spend_id, _text(values.get("category")) or NOT_SAID)
        if not inside:
            continue
        moved = _moved(str(values.get("kind", "")), was, Stand.of(fund))
        lines += len(fund.ignored) == ignored and any(moved.values())
        category = category_of.get(spend_id, NOT_SAID) if isinstance(spend_id, str) else ""
        for name, amount in moved.items():
            moves[name] += amount
            if category and amount and name in BY_CATEGORY:
                categories.setdefault(category, dict.fromkeys(BY_CATEGORY, 0))[name] += amount
    after = Stand.of(fund)
    held = sum(amount > 0 for amount in fund.remaining.values())
    return Statement(month, before if inside else after, after, moves, dict(sorted(categories.items())), dict(sorted(funders.items())), held, lines)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moved(kind: str, was: Stand, now: Stand) -> dict[str, int]:
    """What one change moved, by the names of MOVES."""
    held, spent, disputed, owed = now.held - was.held, now.spent - was.spent, now.disputed - was.disputed, now.owed - was.owed
    spends, reverses = kind == "spend", kind == "reversal"
    return {
        "allotted": now.allotted - was.allotted,
        "allowed": max(0, held),
        "handed_back": 0 if spends else max(0, -held),
        "spent": spent if spends else 0,
        "claimed": disputed if spends else 0,
        "approved": spent if kind == "cover" else 0,
        "refused": now.refused - was.refused,
        "reversed": -spent if reverses else 0,
        "claims_reversed": -disputed if reverses else 0,
        "to_repay": max(0, owed),
        "repaid": max(0, -owed),
    }
