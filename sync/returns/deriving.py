"""What somebody could work out from figures that were published (docs/returns.md): the least and the most that a cell can be, exactly.

Every cell is an unknown whole number within what was said of it, and what has to agree (a total and its rows, a quarter and its months, two tables of the
same records) is an equation or an inequality between them. The least and the most that any sum of unknowns can come to are two whole-number programmes,
solved by HiGHS (scipy). So nothing that follows from the published figures, by however many steps and differences, is overlooked.

Pure. Needs the extra `returns`.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST: Final = 10_000
"""What a cell of which nothing is said can be at most."""


class Unsolved(ArithmeticError):
    """The solver gave up: nothing is published that was not worked out."""


@dataclass(frozen=True, slots=True)
class Relation:
    """That a sum of unknowns, each times its factor, lies from `least` to `most`."""

    of: Mapping[Any, int]
    least: int
    most: int


@dataclass(slots=True)
class Knowledge:
    """What is known of unknowns, and ways in which it can all be true (`ways`; the first is the truth). It may only be loosened once it was asked."""

    bounds: dict[Hashable, tuple[int, int]]
    relations: list[Relation]
    truth: Mapping[Hashable, int]
    groups: dict[Hashable, "Group"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cells in _connected(self.bounds, self.relations):
            group = Group(tuple(cells), [one for one in self.relations if next(iter(one.of)) in cells], [{cell: self.truth[cell] for cell in cells}])
            self.groups |= dict.fromkeys(cells, group)

    def loosen(self, cell: Hashable, least: int, most: int) -> None:
        """Less is said of a cell than before."""
        self.bounds[cell] = least, most

    def leaves(self, of: Iterable[Hashable], enough: int) -> bool:
        """True when the sum of some cells can be one of at least `enough` values, or of as many between its least and its most."""
        parts: dict[int, list[Hashable]] = {}
        for cell in of:
            parts.setdefault(id(self.groups[cell]), []).append(cell)
        found = 0
        for cells in parts.values():  # what has nothing to do with each other is added up
            found += self._between(cells, enough - 1 - found)
            if found >= enough - 1:
                return True
        return False

    def _between(self, cells: list[Hashable], enough: int) -> int:
        """How far the least and the most of a sum are apart; no more is looked for once that is `enough`."""
        group = self.groups[cells[0]]
        for sign in (1, -1):
            if (apart := _apart(group, cells)) >= enough:
                return apart
            group.ways.append(_solve(group, self.bounds, dict.fromkeys(cells, sign)))
        return _apart(group, cells)


@dataclass(frozen=True, slots=True)
class Group:
    """Unknowns that have to do with each other."""

    cells: tuple[Hashable, ...]
    relations: list[Relation]
    ways: list[dict[Hashable, int]]


def _apart(group: Group, cells: list[Hashable]) -> int:
    seen = [sum(way[cell] for cell in cells) for way in group.ways]
    return max(seen) - min(seen)


def _connected(cells: Iterable[Hashable], relations: Iterable[Relation]) -> list[dict[Hashable, None]]:
    """The cells in groups between which no relation goes, each in the order of `cells`."""
    parent: dict[Hashable, Hashable] = {cell: cell for cell in cells}

    def root(cell: Hashable) -> Hashable:
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    for one in relations:
        first, *rest = one.of
        for other in rest:
            parent[root(other)] = root(first)
    found: dict[Hashable, dict[Hashable, None]] = {}
    for cell in parent:
        found.setdefault(root(cell), {})[cell] = None
    return list(found.values())


def _solve(group: Group, bounds: Mapping[Hashable, tuple[int, int]], weights: Mapping[Hashable, int]) -> dict[Hashable, int]:
    """A way in which everything can be true and the weighted sum is least. Raises Unsolved."""
    import numpy as np  # heavy, and only who publishes needs them
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_matrix

    place = {cell: n for n, cell in enumerate(group.cells)}
    goal = np.zeros(len(place))
    for cell, weight in weights.items():
        goal[place[cell]] = weight
    entries = [(n, place[cell], factor) for n, one in enumerate(group.relations) for cell, factor in one.of.items()]
    constraints: list[Any] = []
    if entries:
        rows, columns, factors = zip(*entries, strict=True)
        matrix = coo_matrix((factors, (rows, columns)), shape=(len(group.relations), len(place))).tocsr()
        constraints = [LinearConstraint(matrix, [one.least for one in group.relations], [one.most for one in group.relations])]
    low, high = zip(*(bounds[cell] for cell in group.cells), strict=True)
    solved = milp(goal, integrality=np.ones(len(place)), bounds=Bounds(low, high), constraints=constraints)
    if solved.x is None or solved.status != 0:
        raise Unsolved(f"what follows from {len(place)} published figures could not be worked out: {solved.message}")
    return {cell: round(solved.x[n]) for cell, n in place.items()}
