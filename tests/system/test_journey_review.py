"""A risk review: both sides sit in one room, and each goes away with a record of its own.
His says what partner support asks for; that she has a file, and which, stands on her side only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import exported, named, perpetrator_side, sign
from tests.town import link, listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_one_meeting_two_records(town: Any, tmp_path: Path) -> None:
    victim = link(town)
    [linked] = town.run("jo", "record", "list", town.desk, "--type", "link")["records"]
    meeting = {"kind": "risk_review_meetings", "next_on": "2026-12-07"}
    town.run("lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "2", "--why", "Cheryl hears him in the street")
    town.sync("lee", "jo", "sam", "ruth")
    [asked] = town.run("ruth", "instruction", "list", town.case)["instructions"]
    his = sign(
        town, "ruth", "case_review", town.case, **meeting, present="Ruth,Sam", looked_at="risk,worker_safety", signed_by_manager="Ruth",
        summary="Perpetrator-side-words: risk is up since the hearing", instructions_in_force=",".join(asked["say"]),
        decisions='{"decision": "Appointments at the office until the next review", "due": "2026-12-07"}',
    )  # fmt: skip
    assert his["told"] is None
    hers = sign(
        town, "jo", "case_review", victim, **meeting, present="Jo,Lee", looked_at="risk,safety_plans", signed_by_manager="Jo",
        summary="Victim-side-words: Cheryl hears him in the street", decisions='{"decision": "Lee goes through the plan with Cheryl again"}',
    )  # fmt: skip
    assert town.refused("jo", "record", "edit", hers["record"], "--set", "instructions_in_force=no_home_visits") == "bad-value"
    town.sync("ruth", "sam", "jo", "lee")

    assert [one["summary"] for one in listed(town, "sam", "case_review", town.case)] == ["Perpetrator-side-words: risk is up since the hearing"]
    assert [one["summary"] for one in listed(town, "lee", "case_review", victim)] == ["Victim-side-words: Cheryl hears him in the street"]
    assert listed(town, "sam", "case_review", town.case)[0]["instructions_in_force"] == ["no_home_visits"]
    assert town.refused("sam", "record", "show", hers["record"]) == town.refused("sam", "record", "show", "0" * 32) == "not-found"

    export = exported(town, tmp_path / "perpetrator.jsonl")
    town.server.stop()
    everything = [*perpetrator_side(town, "sam", "ruth"), export]
    theirs = (victim, town.desk, linked["record"], hers["record"], "Cheryl hears him", "Victim-side-words")
    assert named(everything, *theirs) == set()
    ours = (town.case, his["record"], "Perpetrator-side-words")
    assert named(everything, *ours) == set(ours), "the search finds what is there"
    assert town.case in named([export], town.case)
