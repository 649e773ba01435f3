"""A few seconds of three devices, driven by the command line; `make faults` plays an hour of twenty."""

from pathlib import Path

from tests.faults.history import run


def test_a_short_history(tmp_path: Path) -> None:
    found = run(0.1, 3, seed=11, folder=tmp_path)
    assert found.broken == []
    assert found.commands["final"] == 3
    assert found.commands["sync"] >= 6
