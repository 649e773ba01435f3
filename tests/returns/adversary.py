"""Somebody who has every published return and a solver: what can each month of each row be?

Written from docs/returns.md alone, and shares nothing with the product's reasoning. Its unknowns are the counts themselves, rows by months; each published cell
is a sum of them between two numbers, and two tables of the same referrals come to the same each month. It asks for the least and the most of every row over
every stretch of months.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from sync.returns.publishing import Shown

FAR = 2000
MONTHS = [date(2026, month, 1) for month in range(1, 13)] + [date(2027, 1, 1)]


@dataclass(frozen=True)
class Fact:
    """That some (row, month) come to something from `least` to `most`."""

    of: tuple[tuple[str, int], ...]
    least: int
    most: int


def facts(shown: Iterable[Shown], rows: Mapping[str, list[str]], *, small: Mapping[Shown, bool] | None = None) -> list[Fact]:
    """`rows` names the tables that are understood, each with its rows; the row "total" is all of them. Of what is left out it is known that it is not 0; with
    `small`, also which was left out for its own sake.
    """
    found = []
    for one in shown:
        if one.table in rows and one.row in ("total", *rows[one.table]):
            months = [n for n in range(12) if MONTHS[n] >= one.from_ and MONTHS[n + 1].toordinal() - 1 <= one.until.toordinal()]
            of = tuple((row, n) for row in (rows[one.table] if one.row == "total" else [one.row]) for n in months)
            found.append(Fact(of, *_between(one, None if small is None else small[one])))
    return found


def _between(one: Shown, small: bool | None) -> tuple[int, int]:
    if one.says == "c":
        return (8 if small is False else 1), (7 if small else FAR)
    says = int(one.says)
    return (max(8, says - 2), says + 2) if says else (0, 0)


class Adversary:
    """Works out what each sum of unknowns can be. `same` are rows, and other rows, that come to the same in each month."""

    def __init__(self, given: list[Fact], same: tuple[list[str], list[str]]) -> None:
        self.unknown = {key: n for n, key in enumerate(dict.fromkeys(key for one in given for key in one.of))}
        both = [(month, *same) for month in range(12) if same[0] and all((row, month) in self.unknown for row in (*same[0], *same[1]))]
        self.matrix = np.zeros((len(given) + len(both), len(self.unknown)))
        for n, one in enumerate(given):
            for key in one.of:
                self.matrix[n, self.unknown[key]] += 1
        for n, (month, first, second) in enumerate(both, len(given)):
            for row in first:
                self.matrix[n, self.unknown[row, month]] += 1
            for row in second:
                self.matrix[n, self.unknown[row, month]] -= 1
        self.ways: list[Any] = []
        zeros = [0] * len(both)
        self.least, self.most = np.array([*(one.least for one in given), *zeros]), np.array([*(one.most for one in given), *zeros])

    def pins_down(self, of: Iterable[tuple[str, int]]) -> bool:
        """True when the least and the most that a sum can be leave fewer than three values."""
        goal = np.zeros(len(self.unknown))
        for key in of:
            goal[self.unknown[key]] = 1
        for sign in (1, -1):
            seen = [round(goal @ way) for way in self.ways]  # ways in which everything can be that were met before
            if seen and max(seen) - min(seen) >= 2:
                return False
            self.ways.append(self._extreme(sign * goal))
        seen = [round(goal @ way) for way in self.ways]
        return bool(max(seen) - min(seen) < 2)

    def _extreme(self, goal: Any) -> Any:
        solved = milp(goal, integrality=np.ones(len(goal)), bounds=Bounds(0, FAR), constraints=LinearConstraint(self.matrix, self.least, self.most))
        assert solved.status == 0, solved.message
        return np.rint(solved.x)


def derived(given: list[Fact], truth: Mapping[tuple[str, int], int], same: tuple[list[str], list[str]] = ([], [])) -> list[tuple[str, int, int]]:
    """(row, first month, last month) of every count of 1 to 7, of one row over months that follow each other, for which fewer than three values are left."""
    them = Adversary(given, same)
    rows = dict.fromkeys(row for row, _ in them.unknown)
    found = []
    for row in rows:
        for first in range(12):
            for last in range(first, 12):
                keys = [(row, n) for n in range(first, last + 1)]
                if not all(key in them.unknown for key in keys) or not 0 < sum(truth.get(key, 0) for key in keys) <= 7:
                    continue
                if them.pins_down(keys):
                    found.append((row, first, last))
    return found
