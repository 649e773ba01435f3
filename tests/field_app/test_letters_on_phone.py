"""What a phone sends over the wall, and what comes back: cases, notices by rule, danger, instructions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.field_app.fleet import OFFICE, alarms, file_row, state_hash, user_of
from tests.field_app.phone import Phone
from tests.town import listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_from_a_phone_and_back(town: Any) -> None:
    with Phone(town.address) as phone:
        code = town.run(OFFICE, "invite", "--name", "Nia", "--role", "navigator")["code"]
        phone.do("enrol", code=code, label="Nia's phone")
        town.sync("ruth")
        phone.do("sync")
        phone.do("online", **{"is": False})
        me = user_of(phone, "Nia")
        log = phone.do("openCase", members={user_of(phone, "Ruth"): "coordinator"})["file"]
        phone.do("add", file=log, type="contact", values={
            "mode": "home_visit", "direction": "to_them", "with": ["client"], "result": "spoke", "workers": [me],
        })  # fmt: skip
        phone.do("alert", file=log, values={"what": "weapon", "at_risk": ["worker"]})
        assert phone.do("inForce", file=log)["gate"] == "hold"
        phone.do("online", **{"is": True})
        for _ in range(2):
            phone.do("sync")
            town.sync("jo", "ruth")
        assert phone.do("letters") == []
        opened = listed(town, "jo", "case_opened", town.desk)
        assert len(opened) == 2
        address = opened[-1]["case"]
        assert [one["notice"] for one in listed(town, "jo", "notice", town.desk)] == ["contact_made"]
        [alert] = listed(town, "jo", "urgent_alert", town.desk)
        assert (alert["what"], alert["case"]) == ("weapon", address)
        town.run("jo", "instruction", "send", "--file", town.desk, "--case", address, "--gate", "ring_first", "--weeks", "4")
        town.sync("jo")
        phone.do("sync")
        found = phone.do("inForce", file=log)
        assert found["gate"] == "ring_first"
        assert len(found["letters"]) == 1
        phone.do("sync")
        town.sync("ruth")
        phone.do("sync")
        for one in phone.do("files"):
            assert one["state_hash"] == state_hash(town, "ruth", one["file"]), one["kind"]
        assert file_row(phone, log)["pending"] == 0
        assert alarms(phone) == []


def test_a_phone_at_the_desk(town: Any) -> None:
    """It makes the same records of what comes as a Python device, asks something, and fills a quiet week."""
    with Phone(town.address) as phone:
        code = town.run("office/victim-administrator", "invite", "--name", "Kit", "--role", "coordinator")["code"]
        phone.do("enrol", code=code, label="Kit's phone")
        town.sync("jo")
        town.run("jo", "member", "add", town.desk, "Kit", "--role", "coordinator")
        town.sync("jo")
        phone.do("sync")
        town.run("sam", "record", "add", "person", "--file", town.case, "--set", 'names={"name": "Jack", "kind": "given"}', "--set", "known_as=Jack")
        town.sync("sam")
        phone.do("sync")
        town.sync("jo")
        phone.do("sync")
        assert [one["notice"] for one in listed(town, "jo", "notice", town.desk)] == ["who_it_is"]
        [opened] = listed(town, "jo", "case_opened", town.desk)
        phone.do("instruct", file=town.desk, address=opened["case"], weeks=2, say=["no_home_visits"])
        phone.do("sync")
        phone.do("sync")
        town.sync("jo", "sam")
        [found] = town.run("sam", "instruction", "list", town.case)["instructions"]
        assert found["say"] == ["no_home_visits"]
        assert file_row(phone, town.desk)["state_hash"] == state_hash(town, "jo", town.desk)
        assert alarms(phone) == []
