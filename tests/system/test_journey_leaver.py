"""Sam leaves, with two cases. Where nothing is open Lena takes it as it is; where something is, Sam explains it first.
The victim side hears of new keys, and of nobody who comes or goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.town import listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_a_leaver(town: Any) -> None:
    town.enrol("Lena", "navigator")
    town.sync("sam", "ruth")
    quiet = town.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
    town.run("sam", "record", "add", "task", "--file", town.case, "--set", "what=ring the food bank", "--set", "owner=Sam", "--set", "due=2026-12-24")
    draft = town.run("sam", "note", "add", "--file", town.case, "He asked about the course, and")["record"]
    town.sync("sam", "ruth", "jo")

    empty = town.run("sam", "handover", "ask", quiet, "--why", "leaver", "--to", "Lena", "--client-told")
    assert (empty["waits_for"], empty["left_open"]) == ("accept", [])
    code, _, err = town.ran("sam", "handover", "ask", town.case, "--why", "leaver", "--to", "Lena")
    assert (code, "1 tasks" in err, "1 drafts" in err) == (1, True, True), err
    assert [one["file"] for one in town.run("sam", "handover", "list")["handovers"]] == [quiet]
    asked = town.run(
        "sam", "handover", "ask", town.case, "--why", "leaver", "--to", "Lena", "--explain", "tasks=Lena rings them", "--explain",
        "drafts=unfinished: he asked about the course, Lena asks again", "--notes", "He is easier to reach in the morning.",
    )  # fmt: skip
    assert {row["kind"]: row["count"] for row in asked["left_open"]} == {"tasks": 1, "drafts": 1}
    assert all(row["explained"] for row in asked["left_open"])
    assert town.refused("sam", "handover", "ask", town.case, "--why", "leaver", "--explain", "tasks=twice") == "not-permitted"

    for it, file in ((empty["handover"], quiet), (asked["handover"], town.case)):
        town.sync("ruth")
        assert any("Sam asks to hand it over" in text for text in town.run("ruth", "status")["needs_you"])
        assert town.refused("lena", "handover", "accept", it) == "not-found", "nobody is let in by asking"
        assert town.refused("sam", "handover", "name", it) == "not-permitted"
        town.run("ruth", "handover", "name", it)
        town.sync("lena")
        assert any("hands it over to you" in text for text in town.run("lena", "status")["needs_you"])
        assert town.refused("ruth", "handover", "finish", it) == "not-permitted", "not before she has said yes"
        assert town.refused("sam", "handover", "accept", it) == "not-permitted"
        assert town.run("lena", "handover", "accept", it)["waits_for"] == "finish"
        town.sync("ruth")
        assert town.refused("lena", "handover", "finish", it) == "not-permitted"
        assert town.run("ruth", "handover", "finish", it)["waits_for"] == ""
        town.sync("lena")
        [row] = [row for row in town.run("lena", "file", "list")["files"] if row["file"] == file]
        assert {one["name"] for one in row["members"]} == {"Ruth", "Lena"}
        assert town.refused("ruth", "handover", "finish", it) == "not-permitted", "it is done"
        lead = listed(town, "lena", "allocation", file)[-1]["lead"]
        assert lead == next(one["user"] for one in town.run("lena", "device", "list")["devices"] if one["name"] == "Lena")
    assert [one["record"] for one in town.run("lena", "note", "list", town.case)["notes"]] == [draft], "a draft stays its author's, and is there"
    town.sync("sam")
    assert town.refused("sam", "note", "add", "--file", town.case, "one thing more") == "no-standing"
    town.sync("jo")
    rows = town.run("jo", "record", "list", town.desk)["records"]
    arrived = [town.run("jo", "record", "show", row["record"])["fields"] for row in rows]
    assert {row["type"] for row in rows} == {"case_opened", "liaison_key", "parcel_sent"} & {row["type"] for row in rows}
    assert "liaison_key" in {row["type"] for row in rows}
    assert not any(word in str(arrived) for word in ("Lena", "leaver", "food bank"))
    assert town.run("lena", "audit", "verify")["ok"]
