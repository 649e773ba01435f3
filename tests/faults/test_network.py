"""A few bad lines and wrong clocks; `make faults` has more of both."""

from pathlib import Path

from tests.faults.network import run_clocks, run_lines


def test_bad_lines(tmp_path: Path) -> None:
    found = run_lines(4, seed=5, folder=tmp_path)
    assert found.broken == []
    assert found.typed == 48
    assert found.offline


def test_clocks_that_jump(tmp_path: Path) -> None:
    found = run_clocks(6, seed=5, folder=tmp_path)
    assert found.broken == []
    assert found.typed == 18
