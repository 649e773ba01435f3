"""Whether something became worse: the ratios of two runs, never their seconds. Decides nothing in `make test`.

A ratio is what a figure is beside its floor, or how many times better than a peer Fieldkeep is. Worse by more than the tolerance, in the direction
in which it is worse, is said; what only one of the runs has is said too.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.figures import Figures
from bench.peers.table import Row, ratios
from bench.scale import Scale

TOLERANCE: Final = 0.25
_RATE: Final = "1/s"


@dataclass(frozen=True, slots=True)
class Ratio:
    """`better` is 1 where more is better, -1 where less is."""

    value: float
    better: int


class NotComparable(Exception):  # measure again at the scale of the other run
    """Two runs of different loads."""


def report(figures: Figures, rows: list[Row], scale: Scale, machine: dict[str, Any]) -> dict[str, Any]:
    """Everything that is kept of a run, as JSON."""
    beside = {key: Ratio(ratio, 1 if line.unit == _RATE else -1) for key, line in figures.lines.items() if (ratio := figures.ratio(line)) is not None}
    ahead = {f"peer {name}": Ratio(value, 1) for name, value in ratios(figures, rows, scale.team).items()}
    found = {key: {"value": one.value, "better": one.better} for key, one in (beside | ahead).items()}
    return {"machine": machine, "scale": scale.name, "repetitions": scale.repetitions, "ratios": found, **figures.as_json()}


def read(path: Path) -> dict[str, Any]:
    """A report that was written."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def compare(before: dict[str, Any], now: dict[str, Any], tolerance: float = TOLERANCE) -> Iterator[str]:
    """A line for each ratio that became worse by more than `tolerance`, or went. Raises NotComparable."""
    if before["scale"] != now["scale"]:
        raise NotComparable(f"one run is {before['scale']}, the other {now['scale']}: want the same load")
    old, new = _ratios(before), _ratios(now)
    for key, was in old.items():
        if key not in new:
            yield f"gone: {key}, was {was.value:.3g}"
            continue
        share = new[key].value / was.value if was.better > 0 else was.value / new[key].value
        if share < 1 - tolerance:
            yield f"worse: {key}: {new[key].value:.3g}, was {was.value:.3g} ({share:.0%} as good; at least {1 - tolerance:.0%} is tolerated)"


def _ratios(run: dict[str, Any]) -> dict[str, Ratio]:
    return {key: Ratio(one["value"], one["better"]) for key, one in run["ratios"].items()}
