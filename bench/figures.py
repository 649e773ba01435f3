"""What was measured: for each figure one value per repetition, beside a floor of the same unit that was measured in the same repetition."""

import json
import os
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

GROUPS: Final = ("floor", "W1", "W2", "W3", "W4", "W5", "wire", "fold", "grant", "rotation", "length", "files", "apart", "peers")
_WIDTHS: Final = (8, 70, 10, 20, 3)


@dataclass(slots=True)
class Figure:
    """One line. `floor` names the figure that `values` are divided by, repetition by repetition; `aim` is a bound, or 0 for none.

    An aim of a figure that should be small is negative: -10 means at most 10.
    """

    group: str
    name: str
    unit: str
    floor: str = ""
    aim: float = 0.0
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the median meets the aim; None without one."""
        if not self.aim:
            return None
        return self.median >= self.aim if self.aim > 0 else self.median <= -self.aim


@dataclass(slots=True)
class Figures:
    """All lines of a run: by group, and within it in the order in which they were first measured."""

    lines: dict[str, Figure] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)

    def add(self, group: str, name: str, unit: str, value: float, *, floor: str = "", aim: float = 0.0) -> None:
        """One more repetition of a figure."""
        line = self.lines.setdefault(f"{group} {name}", Figure(group, name, unit, floor, aim))
        line.values.append(value)

    def among(self, floors: Mapping[str, str], prefix: str) -> "Under":
        """The same figures under other names, and beside other floors: of a server on another database."""
        return Under(self, floors, prefix)

    def latest(self, key: str) -> float:
        """The newest value of a figure, by group and name."""
        return self.lines[key].values[-1]

    def ratio(self, line: Figure) -> float | None:
        """The median of value by floor; None without a floor."""
        floor = self.lines.get(line.floor)
        return None if floor is None else self.beside(line, floor)

    def beside(self, line: Figure, base: Figure) -> float:
        """The median of one by the other, repetition by repetition where both have as many."""
        if len(base.values) == len(line.values):
            return statistics.median(value / one for value, one in zip(line.values, base.values, strict=True))
        return line.median / base.median

    def note_load(self) -> None:
        """Remember how busy the machine is."""
        self.loads.append(os.getloadavg()[0])

    def table(self) -> Iterator[str]:
        """The lines for people."""
        yield _row("", "figure", "median", "min - max", "unit", "beside the floor")
        group = ""
        for line in sorted(self.lines.values(), key=lambda line: GROUPS.index(line.group)):
            if line.group != group:
                group = line.group
                yield ""
            ratio = self.ratio(line)
            beside = "" if ratio is None else f"{ratio:.2f} x {line.floor.removeprefix('floor ')}"
            aim = "" if line.reached is None else f"  [aim {'>=' if line.aim > 0 else '<='} {show(abs(line.aim))}: {'yes' if line.reached else 'NO'}]"
            yield _row(line.group, line.name, show(line.median), f"{show(min(line.values))} - {show(max(line.values))}", line.unit, beside + aim)
        yield ""
        yield f"load average before each repetition: {', '.join(f'{load:.1f}' for load in self.loads)}"

    def as_json(self) -> dict[str, Any]:
        """Every value."""
        lines = [{**asdict(line), "median": line.median, "ratio": self.ratio(line), "reached": line.reached} for line in self.lines.values()]
        return {"load": self.loads, "figures": lines}

    def write(self, path: Path, machine: dict[str, Any]) -> None:
        """Everything, as JSON."""
        path.write_text(json.dumps({"machine": machine, **self.as_json()}, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Under:
    """Figures whose names begin with `prefix`, and whose floors are those that `floors` has in their place."""

    figures: Figures
    floors: Mapping[str, str]
    prefix: str

    def add(self, group: str, name: str, unit: str, value: float, *, floor: str = "", aim: float = 0.0) -> None:
        """One more repetition of a figure."""
        self.figures.add(group, f"{self.prefix}{name}", unit, value, floor=self.floors.get(floor, floor), aim=aim)


def _row(*cells: str) -> str:
    left = "  ".join(
        cell.ljust(width) if at < 2 or at == 4 else cell.rjust(width) for at, (cell, width) in enumerate(zip(cells[:5], _WIDTHS, strict=True))
    )
    return f"{left}  {cells[5]}".rstrip()


def show(value: float) -> str:
    """A figure, as exactly as it is worth."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


class Timer:
    """How long the block took."""

    seconds: float = 0.0

    @property
    def ms(self) -> float:
        """In milliseconds."""
        return self.seconds * 1e3


@contextmanager
def timed() -> Iterator[Timer]:
    """Time a block by the wall clock."""
    timer = Timer()
    start = perf_counter()
    yield timer
    timer.seconds = perf_counter() - start


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of `values` lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
