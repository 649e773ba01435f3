"""A few failing disks; `make faults` tries many."""

from pathlib import Path

from tests.faults.storage import fail_device, fail_server


def test_a_server_whose_disk_fails(tmp_path: Path) -> None:
    found = fail_server(5, seed=3, folder=tmp_path)
    assert found.broken == []
    assert found.met >= 3
    assert found.not_ready


def test_a_device_whose_disk_fails(tmp_path: Path) -> None:
    found = fail_device(4, seed=3, folder=tmp_path)
    assert found.broken == []
    assert found.met >= 2
