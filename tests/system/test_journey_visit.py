"""A visit where there is no signal: planned, made, bought for, written down, and everything that was typed there is in the log when the line is back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import add, sign, types_in
from tests.town import link, listed, new_town

CALM = {"threat_to_someone": "nothing_noted", "child_concern": "nothing_noted"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_a_visit_without_signal(town: Any) -> None:
    victim = link(town)
    for asks in (("--gate", "ring_first"), ("--say", "two_workers_only")):
        town.run("lee", "instruction", "send", "--file", victim, *asks, "--weeks", "2", "--why", "he was seen at her street")
    town.enrol("Flo", "fund_holder")
    town.sync("lee", "sam", "ruth", "flo")
    fund = town.run("flo", "file", "create", "fund", "--member", "Sam=navigator", "--member", "Ruth=coordinator")["file"]
    for words in (("500", "--funder", "OPCC", "--period", "2026-27"), ("20", "--to", "Sam", "--until", "2027-03-31")):
        town.run("flo", "fund", "allot", *words)
    shared = town.run("sam", "file", "create", "shared_care", "--case", town.case, "--member", "Ruth=coordinator")["file"]
    town.sync("flo", "sam", "ruth", "sam")

    # From here there is no signal. What is in force was there before, and is read before he sets out.
    town.server.stop()
    [asked] = town.run("sam", "instruction", "list", town.case)["instructions"]
    assert (asked["gate"], asked["say"]) == ("ring_first", ["two_workers_only"])
    plan = sign(
        town, "sam", "visit_plan", town.case, purpose="Boiler, arrears", place_kind="their_home", start="2026-11-23T10:00",
        due_back="2026-11-23T11:30", visitors="Sam,Ruth", buddy="Ruth", gate_seen=asked["gate"], hazards_read="yes", if_overdue="Ring Sam, then 999",
    )  # fmt: skip
    assert plan["told"] == "Next appointment"
    town.run("sam", "record", "edit", plan["record"], "--set", "checked_in=2026-11-23T10:05")
    came = add(town, "sam", "contact", town.case, mode="home_visit", direction="to_them", with_="client", result="spoke", workers="Sam,Ruth")
    assert came["told"] == "Contact made"

    buy = ("--payee", "corner shop", "--category", "food", "--barrier", "debt", "--no-receipt", "none_given")
    within = town.run("sam", "spend", "add", "14.20", "--file", town.case, "--item", "food parcel", *buy)
    beyond = town.run("sam", "spend", "add", "12.00", "--file", town.case, "--item", "gas card", *buy)
    assert (within["state"], beyond["state"]) == ("posted", "claimed"), "what was bought was bought: it is recorded, and waits for a decision"

    add(
        town,
        "sam",
        "time_out",
        town.case,
        discussed="yes",
        provided="yes",
        provided_on="2026-11-23",
        how_given="paper",
        agreed_way="Twice round the park",
    )
    note = town.run("sam", "note", "add", "--file", town.case, "He says he has not slept, and that it would be better without him.")["record"]
    for name, value in {**CALM, "suicide_or_self_harm": "act_now"}.items():
        town.run("sam", "record", "edit", note, "--set", f"{name}={value}")
    assert town.run("sam", "note", "sign", note)["told"] is None, "that is his, and no notice of the case"
    raised = town.run(
        "sam", "urgent", "raise", "--file", town.case, "--what", "suicide_now", "--at-risk", "client", "--called", "mental_health_crisis"
    )
    assert (raised["sent"], raised["calls"]) == (False, 1), "the call was made; the message waits"
    own = add(
        town, "sam", "own_safety_plan", shared, things_i_can_do='{"words": "Ring my brother", "order": 1}', means_discussed="yes", where_kept="His wallet",
        copy_given="yes", review_on="2026-11-24",
    )  # fmt: skip
    town.run("sam", "record", "edit", plan["record"], "--set", "checked_out=2026-11-23T11:20")
    status = town.run("sam", "status")
    assert status["unsent"] > 0
    assert not any("lost" in text for text in status["needs_you"])

    # The line is back.
    town.server.start()
    town.sync("sam", "ruth", "jo", "flo")
    assert town.run("sam", "status")["unsent"] == 0
    wanted = {"visit_plan", "contact", "spend", "time_out", "case_note", "urgent_alert"}
    assert wanted <= set(types_in(town, "ruth", town.case))
    [seen] = listed(town, "ruth", "visit_plan", town.case)
    assert (seen["gate_seen"], seen["checked_in"]["at"], seen["checked_out"]["at"]) == ("ring_first", "2026-11-23T10:05", "2026-11-23T11:20")
    assert [one["suicide_or_self_harm"] for one in listed(town, "ruth", "case_note", town.case)] == ["act_now"]
    assert town.run("ruth", "record", "show", own["record"])["fields"]["where_kept"]["value"] == "His wallet"
    assert any("URGENT" in text for text in town.run("ruth", "status")["needs_you"])
    assert [one["what"] for one in listed(town, "jo", "urgent_alert", town.desk)] == ["suicide_now"]
    assert "would be better without him" not in str(listed(town, "jo", "urgent_alert", town.desk))
    [claim] = town.run("ruth", "fund", "claims")["claims"]
    assert claim["spend_id"] == beyond["spend_id"]
    town.sync("flo")
    town.run("flo", "fund", "cover", claim["spend_id"][:8])
    town.sync("flo", "sam")
    assert {one["state"] for one in town.run("sam", "spend", "list")["spends"]} == {"posted", "approved"}
    assert town.run("sam", "audit", "verify")["ok"]
    assert fund != town.case
