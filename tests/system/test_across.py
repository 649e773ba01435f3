"""What goes over the wall and what comes back, as people do it: the desk, notices by rule, details that nobody reads back, instructions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.town import link, listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_every_case_is_told_of_and_nothing_comes_back(town: Any) -> None:
    assert len(listed(town, "jo", "case_opened", town.desk)) == 1
    town.run("sam", "record", "add", "person", "--file", town.case, "--set", 'names={"name": "Jack", "kind": "given"}', "--set", "known_as=Jack")
    sam = town.run("sam", "device", "list")["devices"]
    me = next(row["user"] for row in sam if row["this"])
    added = town.run(
        "sam", "record", "add", "contact", "--file", town.case,
        *(word for one in ("mode=home_visit", "direction=to_them", "with=client", "result=spoke", f"workers={me}") for word in ("--set", one)),
    )  # fmt: skip
    assert added["told"] == "Contact made"
    town.sync("sam", "jo")
    told = listed(town, "jo", "notice", town.desk)
    assert [one["notice"] for one in told] == ["who_it_is", "contact_made"]
    assert told[0]["names"] == "Jack"
    sent = town.run("sam", "parcel", "list")
    assert sent["waiting"] == []
    assert [one["category"] for one in sent["sent"]] == ["case_opened", "notice", "notice"]


def test_what_is_not_known_keeps_nothing_from_being_told(town: Any) -> None:
    """A reason in the place of a day is no day: the notice goes without it, and so do all others of that sync."""
    for values in (('names={"name": "Jack"}', "born=missing:not_known"), ('names={"name": "Jo"}',)):
        town.run("sam", "record", "add", "person", "--file", town.case, *(word for one in values for word in ("--set", one)))
    town.sync("sam", "jo")
    told = listed(town, "jo", "notice", town.desk)
    assert [(one["names"], one.get("born")) for one in told] == [("Jack", None), ("Jo", None)]
    assert town.run("sam", "status")["alarms"] == []


def test_details_taken_in_the_field(town: Any) -> None:
    secret = "14 Hawthorn Close"
    town.run("sam", "parcel", "details", "--file", town.case, "--set", f'people_harmed={{"names": "Cheryl", "address": "{secret}"}}')
    assert secret not in town.text("sam", "parcel", "list")
    town.sync("sam", "jo")
    [found] = listed(town, "jo", "referral_intake", town.desk)
    assert found["people_harmed"][0]["address"] == secret


def test_an_instruction(town: Any) -> None:
    victim = link(town)
    assert town.run("sam", "instruction", "list", town.case)["instructions"][0]["gate"] == "hold"
    town.run("jo", "instruction", "send", "--file", town.desk, "--gate", "clear", "--weeks", "4")
    sent = town.run(
        "lee", "instruction", "send", "--file", victim, "--say", "no_home_visits", "--weeks", "2", "--why", "she is moving", "--her-view", "agreed"
    )
    town.sync("lee", "jo", "sam", "ruth")
    [found] = town.run("sam", "instruction", "list", town.case)["instructions"]
    assert (found["gate"], found["say"]) == ("clear", ["no_home_visits"])
    assert found["until"] > sent["until"]
    assert "No home visits" in town.text("ruth", "instruction", "list")
    kept = next(one for one in listed(town, "lee", "parcel_sent", victim))
    assert kept["why"] == "she is moving"


def test_an_end_that_would_tell_of_a_day_is_refused(town: Any) -> None:
    victim = link(town)
    sent = town.run("lee", "instruction", "send", "--file", victim, "--say", "two_workers_only", "--weeks", "1")
    town.run("lee", "record", "add", "task", "--file", victim, "--set", "what=She moves", "--set", f"due={sent['until']}")
    assert town.refused("lee", "instruction", "send", "--file", victim, "--say", "two_workers_only", "--weeks", "1") == "bad-value"
    assert town.run("lee", "instruction", "send", "--file", victim, "--say", "two_workers_only", "--weeks", "2")


def test_urgent_without_a_signal(town: Any) -> None:
    """It goes before everything else when there is one."""
    town.run("sam", "urgent", "raise", "--file", town.case, "--what", "weapon", "--at-risk", "worker")
    text = town.text("sam", "urgent", "raise", "--file", town.case, "--what", "weapon", "--at-risk", "worker")
    assert "RING FIRST" in text
    assert "999" in text
    assert town.refused("sam", "urgent", "numbers", "--set", "aunt=1") == "bad-value"
