"""Every planted defect is found, within a stated number of histories. `python -m tests.simulation --defects` prints the table."""

import json
import time
from pathlib import Path

import pytest

from tests.simulation.defects import DEFECTS, Defect, hunt, table

SHARES = 4
MOST_SECONDS = 240
SEED = 0
FOUND_BY: dict[str, int] = json.loads((Path(__file__).parent / "found_by.json").read_text())  # written by --defects: where to look first


def test_there_are_enough() -> None:
    assert len(DEFECTS) >= 12
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_defect_is_found(share: int) -> None:
    begun = time.monotonic()
    mine: tuple[Defect, ...] = DEFECTS[share::SHARES]
    found = [hunt(defect, SEED, FOUND_BY.get(defect.name)) for defect in mine]
    missed = [one.name for one in found if one.histories is None]
    assert not missed, f"nobody noticed: {missed}\n{table(found)}"
    assert time.monotonic() - begun < MOST_SECONDS
