"""Connections to PostgreSQL are cut at random under load: `python -m tests.postgresql.aborted` does the same with 64 writers and 100,000 pushes."""

from pathlib import Path

from tests.postgresql.aborted import Aborting
from tests.postgresql.workers import served


def test_what_was_acknowledged_is_there_once(tmp_path: Path) -> None:
    with served(tmp_path, 2) as workers:
        found = Aborting(workers, writers=8, pushes=400, seed=1).run()
    assert (found.acknowledged, found.lost, found.doubled, found.holes) == (400, 0, 0, 0)
    assert found.cuts > 0
