"""Sam has died, and nobody has his phone. Priya covers and takes over; the case that he alone was in comes back by two people and an administrator;
what the phone had not sent is declared lost, in words that stay."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.town import listed, new_town

OFFICE = "office/perpetrator-administrator"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def notes(town: Any, profile: str, file: str) -> list[str]:
    return [one["body"] for one in town.run(profile, "note", "list", file)["notes"]]


def members(town: Any, profile: str, file: str) -> set[str]:
    [row] = [row for row in town.run(profile, "file", "list")["files"] if row["file"] == file]
    return {one["name"] for one in row["members"]}


def test_a_dead_worker(town: Any) -> None:
    town.enrol("Priya", "navigator")
    desk = town.run("ruth", "file", "create", "desk")["file"]
    alone = town.run("sam", "file", "create", "case")["file"]
    town.run("sam", "note", "add", "--file", town.case, "Seen at home on Monday.")
    town.run("sam", "note", "add", "--file", alone, "First call, he will come in.")
    town.sync("sam", "ruth", "priya", "jo")
    town.run("sam", "note", "add", "--file", town.case, "Never sent.")

    until = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
    town.run("ruth", "cover", "start", town.case, "Priya", "--until", until)
    town.sync("priya")
    assert notes(town, "priya", town.case) == ["Seen at home on Monday."]
    assert alone not in {row["file"] for row in town.run("ruth", "file", "list")["files"]}

    town.run("ruth", "device", "suspend", "Sam", "--reason", "lost")
    lost = town.run("ruth", "breach", "open", "--kind", "lost_device", "--device", "Sam", "--what", "Not among what the hospital gave back")["breach"]
    words = "his phone is not found: a day of notes at most, declared lost on 23 November"
    town.run("ruth", "breach", "step", lost, f"Work on it that was not sent: {words}")
    ask = ("handover", "ask", town.case, "--from", "Sam", "--to", "Priya", "--why", "died", "--explain", f"unsent={words}")
    assert town.refused("priya", *ask) == "not-permitted", "for somebody else a coordinator asks"
    assert town.refused("ruth", *ask) == "bad-value", "his note of Monday was never signed"
    asked = town.run("ruth", *ask, "--explain", "drafts=Monday's, which nobody else can sign: it stays as he left it")
    assert [(row["kind"], row["count"]) for row in asked["left_open"]] == [("drafts", 1), ("unsent", 0)]
    assert asked["left_open"][1]["explained"] == words
    assert town.refused("ruth", "handover", "finish", asked["handover"]) == "not-permitted"
    town.run("ruth", "handover", "finish", asked["handover"], "--force", "--reason", "Priya agrees, by telephone")
    town.sync("priya", "ruth")
    assert members(town, "priya", town.case) == {"Priya", "Ruth"}
    assert [one["left_open"][1]["explained"] for one in listed(town, "priya", "handover", town.case)] == [words]
    assert notes(town, "priya", town.case) == ["Seen at home on Monday."]

    town.run(OFFICE, "device", "revoke", "Sam", "--reason", "lost", "--yes")
    town.sync("ruth", "priya")
    shares = [word for n in (1, 3) for word in ("--share", str(town.folder / "office" / f"recovery-perpetrator-{n}.txt"))]
    assert town.refused("ruth", "recovery", "use", *shares) == "not-permitted", "two with shares, and no administrator: nothing"
    town.run(OFFICE, "recovery", "split", "--out", str(town.folder / "sheets"))
    town.run(OFFICE, "recovery", "allow", "Ruth", "--reason", "died", "--file", alone)
    assert town.refused("ruth", "recovery", "use", *shares[:2]) == "too-few-shares"
    back = town.run("ruth", "recovery", "use", *shares)
    assert [row["file"] for row in back["recovered"]] == [alone]
    assert notes(town, "ruth", alone) == ["First call, he will come in."]
    town.run("ruth", "member", "add", alone, "Priya", "--role", "navigator")
    town.sync("priya", "ruth", "jo")
    assert notes(town, "priya", alone) == ["First call, he will come in."]
    assert any("died" in one["text"] for one in town.run("priya", "status")["alarms"]), "everybody of the side sees it"

    [record] = listed(town, "ruth", "breach", desk)
    assert [row["step"] for row in record["steps"]] == [f"Work on it that was not sent: {words}"]
    assert town.run("ruth", "audit", "verify")["ok"]
    rows = town.run("jo", "record", "list", town.desk)["records"]
    crossed = str([town.run("jo", "record", "show", row["record"])["fields"] for row in rows])
    assert "case_opened" in {row["type"] for row in rows}
    assert not any(word in crossed for word in ("Priya", "died", "hospital", "declared lost"))
