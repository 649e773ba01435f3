"""Fieldkeep beside its peers: one line each, W1 to W5, and how many times better Fieldkeep is. Above 1 it is ahead, below 1 behind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bench.figures import Figures, show
from bench.peers.workload import DELTA, EACH, WORKLOADS, key

MEANS: Final = {
    "W1": "notes pushed by one device, /s",
    "W2": "first sync, notes/s",
    "W3": f"{DELTA} notes from one device to another, ms",
    "W4": f"the team pushes {EACH} each and pulls all, s",
    "W5": "server memory after it, MB",
}
_MORE_IS_BETTER: Final = ("W1", "W2")
_HEAD: Final = ("peer", "version", "acknowledged is on disk", "encrypted", *WORKLOADS)


@dataclass(frozen=True, slots=True)
class Row:
    """What is said of one peer. `why_not` where it was not measured."""

    name: str
    version: str = ""
    durable: str = ""
    encrypted: str = ""
    why_not: str = ""


OURS: Final = Row("Fieldkeep", "", "yes", "yes: contents, verified")


def own_keys(team: int) -> Mapping[str, str]:
    """Fieldkeep's own figure for each workload."""
    from bench.server_only import PER_ENTRY  # this module is also read where no server can be started

    return {
        "W1": f"W1 server only: notes in entries of {PER_ENTRY}",
        "W2": "W2 server only: first sync",
        "W3": f"W3 server only: {DELTA} notes from one device to another",
        "W4": f"W4 server only: {team} devices push {EACH} and pull all",
        "W5": "W5 server memory after the load",
    }


def ratios(figures: Figures, rows: Iterable[Row], team: int) -> dict[str, float]:
    """For each peer and workload, by `W1 name`: the median of how many times better Fieldkeep was, repetition by repetition."""
    found: dict[str, float] = {}
    for row in rows:
        for workload, ours in own_keys(team).items():
            theirs = figures.lines.get(key(row.name, workload))
            if theirs is None or ours not in figures.lines:
                continue
            beside = figures.beside(theirs, figures.lines[ours])
            found[f"{workload} {row.name}"] = 1 / beside if workload in _MORE_IS_BETTER else beside
    return found


def table(figures: Figures, rows: Iterable[Row], team: int) -> Iterator[str]:
    """For people; also good Markdown."""
    rows = list(rows)
    found, own = ratios(figures, rows, team), own_keys(team)
    yield "Above 1 x Fieldkeep is ahead. " + " · ".join(f"{name}: {means}" for name, means in MEANS.items())
    yield ""
    yield _line(*_HEAD)
    yield _line(*("---" for _ in _HEAD))
    yield _line(OURS.name, OURS.version, OURS.durable, OURS.encrypted, *(show(figures.lines[one].median) for one in own.values()))
    for row in rows:
        if row.why_not:
            yield _line(row.name, row.version, row.durable, row.encrypted, f"not measured: {row.why_not}", *[""] * (len(WORKLOADS) - 1))
            continue
        cells = [f"{show(figures.lines[key(row.name, one)].median)} ({show(found[f'{one} {row.name}'])} x)" for one in WORKLOADS]
        yield _line(row.name, row.version, row.durable, row.encrypted, *cells)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
