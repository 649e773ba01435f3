"""Every planted defect is found, within a stated number of histories. `python -m tests.simulation --defects` prints the table."""

import time

import pytest

from tests.simulation.defects import DEFECTS, Defect, hunt, table

SHARES = 4
MOST_SECONDS = 240
SEED = 0


def test_there_are_enough() -> None:
    assert len(DEFECTS) >= 12
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_defect_is_found(share: int) -> None:
    begun = time.monotonic()
    mine: tuple[Defect, ...] = DEFECTS[share::SHARES]
    found = [hunt(defect, SEED) for defect in mine]
    missed = [one.name for one in found if one.histories is None]
    assert not missed, f"nobody noticed: {missed}\n{table(found)}"
    assert time.monotonic() - begun < MOST_SECONDS
