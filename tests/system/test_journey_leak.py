"""A leak: something that only the service knew is known outside. Who knew by when is answered from the records, on each side by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary
from tests.town import link, listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def disclose(town: Any, who: str, file: str, to: str, what: str) -> str:
    """Told somebody outside, and put on record at once."""
    said = {
        "to": to, "what": what, "words": "where he is to be found on Tuesdays", "why": "safety", "basis": "vital_interests", "how": "telephone",
        "consent_overridden_because": "danger", "limits_told": "third_party", "called_back_to_check": "yes", "about_someone_else": "no",
    }  # fmt: skip
    sets = [word for name, value in said.items() for word in ("--set", f"{name}={value}")]
    record: str = town.run(who, "record", "add", "disclosure", "--file", file, *sets)["record"]
    return record


def knew(town: Any, who: str, file: str, record: str) -> list[tuple[str, str]]:
    """Who had a record before them, and how."""
    return sorted({(row["by"], row["how"]) for row in town.run(who, "file", "reads", file, "--record", record)["reads"]})


def test_who_knew_by_when(town: Any, tmp_path: Path) -> None:
    his, hers = canary(), canary()
    victim = link(town)
    town.sync("jo", "lee")
    town.enrol("Rose", "records_officer")
    town.enrol("Priya", "navigator")
    town.sync("ruth")
    town.run("ruth", "member", "add", town.case, "Priya", "--role", "navigator")
    town.run("ruth", "member", "add", town.case, "Rose", "--role", "records_officer")

    # On his side: Sam writes where he works now; Ruth opens it, Priya's phone gets it and she does not look; the police are told.
    note = town.run("sam", "note", "add", "--file", town.case, f"he works at the garage in {his} on Tuesdays")["record"]
    town.sync("sam", "ruth", "priya")
    assert his in town.text("ruth", "note", "list", town.case)
    told = disclose(town, "ruth", town.case, "PC Hall, Redcar", "whereabouts")
    town.sync("ruth", "sam")

    # On her side, the same week: Lee writes where she is to move, Jo opens it, and asks something of his case, without a reason.
    move = town.run("lee", "note", "add", "--file", victim, f"she moves to {hers} on Friday")["record"]
    town.sync("lee", "jo")
    assert hers in town.text("jo", "record", "show", move)
    town.run("jo", "instruction", "send", "--file", victim, "--say", "ring_before_any_contact", "--weeks", "2", "--why", f"she moves to {hers}")
    town.sync("jo", "lee", "sam")

    # He is sacked: his employer knew. Ruth asks who had that note, who was told, and what went across.
    request = town.run("ruth", "export", "request", town.case, "--purpose", "regulator", "--to", "the commissioner's inquiry")["request"]
    town.sync("rose")
    made = town.run("rose", "export", "make", request, "--out", str(tmp_path / "inquiry"))
    town.sync("ruth")
    assert knew(town, "ruth", town.case, note) == [("Rose", "exported"), ("Ruth", "opened")]
    reads = town.run("ruth", "file", "reads", town.case, "--record", note)["reads"]
    assert all(row["first"] <= row["last"] and row["seq"] for row in reads)
    [out] = [row for row in town.run("ruth", "export", "list")["exports"] if row["number"] == made["number"]]
    assert (out["by"], out["approved_by"], out["to"]) == ("Rose", "Ruth", "the commissioner's inquiry")
    [disclosed] = listed(town, "ruth", "disclosure", town.case)
    assert (disclosed["to"], disclosed["what"], told in {row["record"] for row in town.run("ruth", "record", "list", town.case)["records"]}) == (
        "PC Hall, Redcar", ["whereabouts"], True,
    )  # fmt: skip
    across = {one["category"] for one in listed(town, "ruth", "parcel_sent", town.case)}
    assert across == {"case_opened", "liaison_key"}  # that there is a case, and whose letter box it has: nothing of where he works

    # Her side asks the same of its own, and hears nothing of his.
    town.sync("jo")
    assert knew(town, "jo", victim, move) == [("Jo", "opened")]
    [asked_of_him] = listed(town, "jo", "parcel_sent", victim)
    assert (asked_of_him["say"], hers in asked_of_him["why"]) == (["ring_before_any_contact"], True)
    assert listed(town, "jo", "disclosure", victim) == []

    # Neither answer has a word of the other's, nor has what was written out.
    written = "".join(path.read_text(errors="replace") for path in (tmp_path / "inquiry").rglob("*") if path.is_file())
    assert his in written
    assert hers not in written
    assert hers not in str(town.run("ruth", "file", "reads", town.case)) + str(town.run("ruth", "export", "list"))
    assert his not in str(town.run("jo", "file", "reads", victim)) + str(town.run("jo", "parcel", "list"))
