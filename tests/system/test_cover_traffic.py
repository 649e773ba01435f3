"""Cover traffic on the command line: an administrator turns it on, what is written waits and says until when, and nobody else turns it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shell import new_service

OFFICE = "office/perpetrator-administrator"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Any]:
    with new_service(tmp_path) as made:
        made.enrol("Ruth", "coordinator")
        yield made


def test_on_waiting_now_and_off(office: Any) -> None:
    assert office.run(OFFICE, "registry", "cover-traffic") == {
        "hour": None,
        "waits": 0,
        "next_ms": office.run(OFFICE, "registry", "cover-traffic")["next_ms"],
    }
    assert office.run(OFFICE, "registry", "cover-traffic", "--hour", "18")["hour"] == 18
    assert office.run(OFFICE, "registry", "cover-traffic", "--hour", "18", status=1)["error"]["code"] == "not-permitted"
    log = office.run("ruth", "file", "create", "case")["file"]
    office.run("ruth", "sync")
    office.run("ruth", "record", "add", "task", "--file", log, "--set", "what=ring the school", "--set", "due=2027-01-01")
    waiting = office.run("ruth", "sync")
    assert (waiting["unsent"], waiting["waits"]) == (1, 1)
    assert waiting["waits_until_ms"] > 0
    assert office.run("ruth", "sync", "--now")["unsent"] == 0
    assert office.run("ruth", "registry", "cover-traffic", "--off", status=1)["error"]["code"] == "not-permitted"
    assert office.run(OFFICE, "registry", "cover-traffic", "--off")["hour"] is None
    assert [one["code"] for one in office.run("ruth", "status", "--all")["alarms"]].count("cover-traffic") >= 1
