"""People change: a cover for a fortnight, a stolen phone and what is owed for it. Who leaves and who has died: test_journey_leaver, test_journey_died."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.device.entering import profile

DAY_MS = 86_400_000


@pytest.fixture
def pass_days(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Days pass for whoever opens a device next."""
    real = profile.now_ms
    return lambda days: monkeypatch.setattr(profile, "now_ms", lambda: real() + days * DAY_MS)


def members(office: Any, of: str) -> set[str]:
    office.sync(of)
    [row] = [row for row in office.run(of, "file", "list")["files"] if row["file"] == office.case]
    return {one["name"] for one in row["members"]}


def test_a_request_to_leave_is_taken_back(office: Any) -> None:
    it = office.run("sam", "handover", "ask", office.case, "--why", "conflict_of_interest")["handover"]
    assert [one["waits_for"] for one in office.run("sam", "handover", "list")["handovers"]] == ["name"]
    office.run("sam", "handover", "withdraw", it, "--reason", "it was another family")
    assert office.run("sam", "handover", "list", "--all")["handovers"] == []


def test_cover_ends_by_itself(office: Any) -> None:
    """Lena covers until a day; Ruth's device takes her out when it next syncs after that, of case and liaison file."""
    office.enrol("Lena", "navigator")
    office.sync("ruth")
    assert office.refused("ruth", "cover", "start", office.case, "Priya", "--until", "2099-01-01") == "not-permitted"
    assert office.refused("ruth", "cover", "start", office.case, "Lena", "--until", "2020-01-01") == "bad-value"
    assert office.refused("priya", "cover", "start", office.case, "Lena", "--until", "2099-01-01") == "not-permitted"
    until = office.run("ruth", "cover", "start", office.case, "Lena", "--until", _day(10))["until"]
    assert until == _day(10)
    assert members(office, "lena") == {"Sam", "Priya", "Ruth", "Lena"}
    assert members(office, "ruth") == {"Sam", "Priya", "Ruth", "Lena"}
    [allocation] = office.run("ruth", "record", "list", office.case, "--type", "allocation")["records"]
    office.run("ruth", "record", "edit", allocation["record"], "--set", f"cover_until={_day(-1)}")  # the days have passed
    office.sync("ruth")
    assert members(office, "ruth") == {"Sam", "Priya", "Ruth"}
    files = {row["kind"]: {one["name"] for one in row["members"]} for row in office.run("ruth", "file", "list")["files"]}
    assert files["liaison"] == {"Sam", "Priya", "Ruth"}


def test_cover_is_ended(office: Any) -> None:
    office.enrol("Lena", "navigator")
    office.sync("ruth")
    office.run("ruth", "cover", "start", office.case, "Lena", "--until", _day(10))
    office.run("ruth", "cover", "end", office.case)
    assert members(office, "ruth") == {"Sam", "Priya", "Ruth"}
    assert office.refused("ruth", "cover", "end", office.case) == "not-found"


def test_a_stolen_phone_is_a_breach(office: Any, pass_days: Any) -> None:
    """A colleague suspends it; the coordinator's desk has the cases that were on it, the regulator's clock, and tells the other side."""
    desk = office.run("ruth", "file", "create", "desk")["file"]
    office.run("priya", "device", "suspend", "Sam", "--reason", "stolen")
    office.sync("ruth")
    assert any("breach open --kind stolen_device" in text for text in office.run("ruth", "status")["needs_you"])
    assert office.refused("priya", "breach", "open", "--kind", "stolen_device", "--what", "taken") == "not-found"
    made = office.run("ruth", "breach", "open", "--kind", "stolen_device", "--device", "Sam", "--what", "Taken from the car in Redcar")
    assert office.case in {row["file"] for row in made["files"]}
    assert made["hours_left"] == 72
    it = made["breach"]
    office.run("ruth", "breach", "step", it, "Rang Sam: it was locked")
    office.run("ruth", "breach", "tell", it, "--file", office.case)
    pass_days(2)
    [row] = office.run("ruth", "breach", "list")["breaches"]
    assert (row["hours_left"], row["other_side_told"], row["steps"]) == (24, True, ["Rang Sam: it was locked"])
    assert any("24 hours are left" in text for text in office.run("ruth", "status")["needs_you"])
    assert office.refused("ruth", "breach", "regulator", it, "--not-reported") == "bad-value"
    office.run("ruth", "breach", "regulator", it, "--not-reported", "--why", "locked, and suspended within the hour")
    assert not any("breach" in text for text in office.run("ruth", "status")["needs_you"])
    assert office.run("ruth", "record", "list", desk, "--type", "breach")["records"]


def test_rotation_pending(office: Any, tmp_path: Any) -> None:
    """After a revocation the supervisor sees how many files wait for a new key, and how many there are."""
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    authority = office.run("olu", "registry", "show")["authority"]

    def pending(name: str) -> tuple[int, int]:
        path = str(tmp_path / name)
        office.run("olu", "audit", "export", "--side", "perpetrator", "--out", path)
        found = office.run("olu", "audit", "verify", path, "--authority", authority)
        assert found["ok"]
        return len(found["rotation"]["pending"]), found["rotation"]["files"]

    assert pending("before.jsonl") == (0, 2)
    office.run("office/perpetrator-administrator", "device", "revoke", "Sam", "--reason", "lost", "--yes")
    assert pending("pending.jsonl") == (2, 2)
    office.sync("priya")
    assert pending("after.jsonl") == (0, 2)


def _day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
