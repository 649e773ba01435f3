"""Play many histories: python -m tests.simulation --histories 1000 --seed 0 --jobs 2

Prints progress and speed. The first history that breaks an invariant is printed whole, with its seed, and ends the run.
With --defects it plants deliberate defects in the product's code, one at a time, and prints how many histories it took to find each; the test then begins with those.
"""

import argparse
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from tests.simulation.checks import Broken
from tests.simulation.history import History

EVERY_S = 5.0


class Played(NamedTuple):
    """A history that was played: what was done in it how often, its story where that is wanted, and what it broke."""

    tally: Counter[str]
    story: str
    broken: str


def main() -> int:
    """The exit code: 0 when every history held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="the first seed; the others follow it")
    parser.add_argument("--steps", type=int, help="steps in each history; drawn from the seed if not given")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes play them")
    parser.add_argument("--trace", action="store_true", help="print every history's story")
    parser.add_argument("--defects", action="store_true", help="hunt the planted defects instead")
    wanted = parser.parse_args()
    if wanted.defects:
        return _defects(wanted.seed)
    begun = shown = time.monotonic()
    tally: Counter[str] = Counter()
    for n, played in enumerate(_all(wanted), 1):
        if played.broken:
            print(played.broken)
            return 1
        tally += played.tally
        if wanted.trace:
            print(played.story)
        if time.monotonic() - shown > EVERY_S:
            shown = time.monotonic()
            print(f"{n} of {wanted.histories} histories hold, {n / (shown - begun):.1f}/s", flush=True)
    took = time.monotonic() - begun
    print(f"{wanted.histories} histories hold, seeds {wanted.seed} to {wanted.seed + wanted.histories - 1}, {wanted.histories / took:.1f}/s")
    print("; ".join(f"{name} {count}" for name, count in sorted(tally.items())))
    return 0


def _all(wanted: argparse.Namespace) -> Iterator[Played]:
    play, seeds = partial(_play, steps=wanted.steps, trace=wanted.trace), range(wanted.seed, wanted.seed + wanted.histories)
    _seldom()
    if wanted.jobs == 1:
        yield from map(play, seeds)
        return
    with get_context("fork").Pool(wanted.jobs, _seldom) as pool:
        yield from pool.imap(play, seeds, chunksize=4)


def _seldom() -> None:
    """Collect garbage seldom: a seventh of the time went into it."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _play(seed: int, *, steps: int | None, trace: bool) -> Played:
    history = History(seed, steps)
    try:
        told = history.run()
    except Broken as broken:
        return Played(history.tally, "", str(broken))
    return Played(history.tally, "\n".join((*told.trace, "", told.digest, "")) if trace else "", "")


FOUND_BY = Path(__file__).parent / "found_by.json"


def _defects(seed: int) -> int:
    from tests.simulation.defects import DEFECTS, hunt, table

    found = [hunt(defect, seed) for defect in DEFECTS]
    print(table(found))
    by = {one.name: seed + one.histories - 1 for one in found if one.histories is not None and one.by == "history"}
    FOUND_BY.write_text(json.dumps(by, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return int(any(one.histories is None for one in found))


if __name__ == "__main__":
    sys.exit(main())
