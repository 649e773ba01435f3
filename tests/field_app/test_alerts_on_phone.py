"""Danger on a phone, with a colleague at a laptop and the other side's desk: who has it, and who ends it (docs/spec.md §15.5)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import limits
from tests.field_app.conftest import Enrol
from tests.field_app.fleet import a_case, same, user_of
from tests.field_app.phone import Phone, PhoneError
from tests.shell import Shell
from tests.town import listed, new_town


def state(office: Shell, record: str) -> dict[str, Any]:
    """As Ruth's laptop shows it."""
    [found] = [one for one in office.run("ruth", "urgent", "list", "--all")["alerts"] if one["alert"] == record]
    return dict(found)


def test_another_person_ends_it(office: Shell, enrolled: Enrol) -> None:
    sam, nia = enrolled("Sam", "navigator"), enrolled("Nia", "navigator")
    log = a_case(office, Sam="navigator", Nia="navigator")
    for phone in (sam, nia):
        phone.do("sync")
    record = sam.do("alert", file=log, values={"what": "weapon", "at_risk": ["partner"]})["record"]
    with pytest.raises(PhoneError, match="a colleague does"):
        sam.do("standDown", record=record, why="it is over")
    sam.do("call", record=record, values={"call": "emergency_999", "spoke_to": "control room", "read_back": "yes"})
    assert not sam.do("alerts")[0]["unanswered"]
    sam.do("clock", offset_ms=limits.UNACKNOWLEDGED_MS + 60_000)
    assert sam.do("alerts")[0]["unanswered"]
    sam.do("clock", offset_ms=0)
    same(office, sam, log)
    nia.do("sync")
    nia.do("acknowledge", record=record, how="acting")
    nia.do("standDown", record=record, why="the police have him")
    with pytest.raises(PhoneError, match="stood down already"):
        nia.do("standDown", record=record, why="again")
    same(office, nia, log)
    sam.do("sync")
    [seen] = sam.do("alerts")
    assert (seen["open"], [row["how"] for row in seen["acknowledged"]], len(seen["calls"])) == (False, ["acting"], 1)
    assert (state(office, record)["state"], state(office, record)["calls"]) == ("stood down", ["emergency_999"])


def test_what_is_said_in_anothers_name_counts_for_nothing(office: Shell, phone: Phone, enrolled: Enrol) -> None:
    """Nia, with a client of her own, says that Ruth has it, and that Ruth has ended it."""
    nia = enrolled("Nia", "navigator")
    log = a_case(office, Sam="navigator", Nia="navigator")
    for one in (phone, nia):
        one.do("sync")
    record = phone.do("alert", file=log, values={"what": "weapon", "at_risk": ["partner"]})["record"]
    phone.do("sync")
    nia.do("sync")
    at = {"at": "2026-01-01T10:00", "precision": "minute"}
    ruth = user_of(nia, "Ruth")
    nia.do("edit", file=log, record=record, type="urgent_alert", values={
        "acknowledged": [{"by": ruth, "at": at, "how": "acting"}], "stood_down": [{"by": ruth, "at": at, "why": "over"}],
    })  # fmt: skip
    nia.do("sync")
    phone.do("sync")
    [seen] = phone.do("alerts")
    assert (seen["open"], seen["acknowledged"]) == (True, [])
    office.sync("ruth")
    assert state(office, record)["state"] == "nobody has it yet"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_the_desk_of_the_other_side_acknowledges_in_constant_words(town: Any) -> None:
    with Phone(town.address) as desk:
        code = town.run("office/victim-administrator", "invite", "--name", "Jay", "--role", "coordinator", "--role", "referral_desk")["code"]
        desk.do("enrol", code=code, label="Jay's phone")
        town.sync("jo")
        town.run("jo", "member", "add", town.desk, "Jay", "--role", "coordinator")
        town.sync("jo")
        desk.do("sync")
        town.run("sam", "urgent", "raise", "--file", town.case, "--what", "on_his_way_or_there", "--at-risk", "partner")
        for _ in range(2):
            town.sync("sam", "jo")
            desk.do("sync")
        [alert] = desk.do("alerts")
        desk.do("acknowledge", record=alert["record"], how="police_informed")
        desk.do("standDown", record=alert["record"], why="she is safe")
        desk.do("sync")
        assert desk.do("letters") == []
        assert desk.do("alerts")[0]["open"] is False
        town.sync("sam", "sam", "ruth")
        liaison = next(row["file"] for row in town.run("sam", "file", "list")["files"] if row["kind"] == "liaison")
        assert [one["word"] for one in listed(town, "sam", "instruction", liaison)] == ["acknowledgement"]
