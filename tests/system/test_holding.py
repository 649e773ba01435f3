"""A phone that has lost its place hands in what it could not send; a coordinator reads it and decides."""

import base64
import json
from pathlib import Path
from typing import Any

from shared_schema import cbor


def bodies(office: Any, profile: str) -> set[str]:
    return {note["body"] for note in office.run(profile, "note", "list", office.case)["notes"]}


def test_one_of_two_is_let_in(office: Any) -> None:
    office.run("sam", "note", "add", "--file", office.case, "the first")
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    assert office.refused("sam", "sync") == "suspended"
    office.run("sam", "note", "add", "--file", office.case, "the second")
    assert office.refused("sam", "sync") == "suspended"
    first, second = office.run("ruth", "held", "list")["held"]
    office.run("ruth", "held", "admit", first["id"][:12])
    office.run("ruth", "held", "refuse", second["id"][:12], "--reason", "wrong_file")
    assert office.run("ruth", "held", "list")["held"] == []
    office.sync("priya")
    assert bodies(office, "priya") == bodies(office, "ruth") == {"the first"}
    assert office.refused("ruth", "held", "admit", second["id"][:12]) == "not-found"
    office.run("ruth", "device", "reinstate", "Sam")
    office.sync("sam")
    status = office.run("sam", "status")
    assert (status["unsent"], status["held"]) == (0, 0)
    assert any("did not let it in" in text for text in status["needs_you"])
    office.run("sam", "note", "add", "--file", office.case, "the third")
    assert office.run("sam", "sync")["unsent"] == 0
    office.sync("priya")
    assert bodies(office, "priya") == {"the first", "the third"}
    assert office.run("priya", "audit", "verify")["ok"]


def test_who_was_removed_from_a_file(office: Any) -> None:
    """The device is in good standing, and sends all the same: what concerns the file is held."""
    office.run("sam", "note", "add", "--file", office.case, "after I had been removed")
    office.run("ruth", "member", "remove", office.case, "Sam", "--yes")
    assert office.run("sam", "sync")["unsent"] == 0
    assert office.run("sam", "status")["held"] == 1
    office.run("ruth", "held", "admit", "--all")
    office.sync("priya")
    assert bodies(office, "priya") == {"after I had been removed"}


def test_who_may_not_decide(office: Any) -> None:
    office.run("sam", "note", "add", "--file", office.case, "waits")
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    office.refused("sam", "sync")
    held = office.run("ruth", "held", "list")["held"]
    assert office.refused("priya", "held", "admit", held[0]["id"]) == "not-found"
    assert office.ran("ruth", "held", "admit")[0] == 2
    assert office.ran("ruth", "held", "refuse", held[0]["id"], "--reason", "dislike")[0] == 2


def test_the_auditor_sees_it_without_reading(office: Any, tmp_path: Path) -> None:
    """What was held, who looked and what was decided are in the audit log, and verify with the server off."""
    office.run("sam", "note", "add", "--file", office.case, "seen by nobody else")
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    office.refused("sam", "sync")
    office.run("ruth", "held", "admit", "--all")
    office.enrol("Olu", "supervisor_perpetrator", side="oversight")
    path = str(tmp_path / "perpetrator.jsonl")
    office.run("olu", "audit", "export", "--side", "perpetrator", "--out", path)
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    events = [cbor.decode(base64.b64decode(line["event"])) for line in lines if "event" in line]
    kinds = [event["e"] if event["e"] != "refused" else event["code"] for event in events]
    assert kinds.count("held") == 1
    assert kinds.index("held") < kinds.index("reviewed")
    authority = office.run("olu", "registry", "show")["authority"]
    found = office.run("olu", "audit", "verify", path, "--authority", authority)
    assert found["ok"]
    assert not found["findings"]


def test_a_case_begun_without_a_place(office: Any) -> None:
    """Opened offline on a phone that was suspended meanwhile: whom it names lets it begin, then what was typed in it; its author has it again after that."""
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    begun = office.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
    office.run("sam", "note", "add", "--file", begun, "the first visit")
    assert office.refused("sam", "sync") == "suspended"
    office.sync("ruth", "priya")
    assert office.run("priya", "held", "list")["held"] == []
    rows = office.run("ruth", "held", "list")["held"]
    assert {row["file"] for row in rows} >= {begun}
    mine = [row for row in rows if row["file"] == begun]
    assert mine[0]["what"][0] == "begins a case file"
    note = next(row for row in mine if "case_note" in row["what"])
    assert office.run("ruth", "held", "show", note["id"])["records"][-1]["values"]["body"] == "the first visit"
    assert office.refused("ruth", "held", "admit", note["id"]) == "not-permitted"
    assert office.refused("ruth", "held", "refuse", mine[0]["id"], "--reason", "other") == "not-permitted"
    office.run("ruth", "held", "admit", "--all")
    assert [row["body"] for row in office.run("ruth", "note", "list", begun)["notes"]] == ["the first visit"]
    office.run("ruth", "device", "reinstate", "Sam")
    office.sync("sam")
    assert (office.run("sam", "status")["unsent"], office.run("sam", "status")["held"]) == (0, 0)
    office.run("sam", "note", "add", "--file", begun, "the second visit")
    office.sync("sam", "ruth")
    assert [row["body"] for row in office.run("ruth", "note", "list", begun)["notes"]] == ["the first visit", "the second visit"]
    assert office.run("ruth", "audit", "verify")["ok"]


def test_its_author_begins_it_after_all(office: Any) -> None:
    office.run("priya", "device", "suspend", "Sam", "--reason", "lost")
    begun = office.run("sam", "file", "create", "case", "--member", "Ruth=coordinator")["file"]
    office.run("sam", "note", "add", "--file", begun, "the first visit")
    assert office.refused("sam", "sync") == "suspended"
    office.run("ruth", "device", "reinstate", "Sam")
    office.sync("sam", "ruth")
    office.run("ruth", "held", "admit", "--all")
    assert [row["body"] for row in office.run("ruth", "note", "list", begun)["notes"]] == ["the first visit"]
    office.sync("sam")
    status = office.run("sam", "status")
    assert (status["unsent"], status["held"]) == (0, 0)
