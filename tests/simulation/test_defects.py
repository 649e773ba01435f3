"""Every planted defect is found, within a stated number of histories. Run with -s to see the table."""

import time

import pytest

from tests.simulation.defects import DEFECTS, Defect, Found, hunt

SHARES = 4
MOST_SECONDS = 240
SEED = 0


def table(found: list[Found]) -> str:
    """One line a defect: what it breaks, how many histories or runs of a machine it took, what was seen."""
    lines = [f"{'defect':<46} {'breaks':<8} {'found after':<24} seen as"]
    for one in found:
        after = "NOT FOUND" if one.histories is None else f"{one.histories} {'histories' if one.by == 'history' else f'runs of {one.by}'}"
        lines.append(f"{one.name:<46} {one.breaks:<8} {after:<24} {one.what[:90]}")
    return "\n".join(lines)


def test_there_are_enough() -> None:
    assert len(DEFECTS) >= 12
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_defect_is_found(share: int) -> None:
    begun = time.monotonic()
    mine: tuple[Defect, ...] = DEFECTS[share::SHARES]
    found = [hunt(defect, SEED) for defect in mine]
    print(f"\n{table(found)}")
    missed = [one.name for one in found if one.histories is None]
    assert not missed, f"nobody noticed: {missed}\n{table(found)}"
    assert time.monotonic() - begun < MOST_SECONDS
