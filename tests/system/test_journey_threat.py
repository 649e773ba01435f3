"""He says tonight that he will go to her. The telephone first, then both desks; another person stands it down,
and what was said to the police stays on record as a disclosure."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import add, types_in
from tests.town import link, listed, new_town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_a_threat_tonight(town: Any) -> None:
    victim = link(town)
    town.run("sam", "urgent", "numbers", "--set", "duty_desk=01642 000000")
    raised = town.run(
        "sam", "urgent", "raise", "--file", town.case, "--what", "says_he_will_go_to_her", "--at-risk", "partner", "--words", "he has left with a bag",
        "--called", "emergency_999",
    )  # fmt: skip
    assert (raised["sent"], raised["calls"]) == (True, 1)
    alert = raised["alert"]
    town.run("sam", "urgent", "call", alert[:8], "--call", "duty_desk", "--number", "01642 000000", "--spoke-to", "Jo", "--read-back")
    town.run("sam", "record", "edit", alert, "--set", "police_log=CLE-2026-4471")
    town.sync("sam", "jo", "ruth")
    assert any("URGENT" in text for text in town.run("ruth", "status")["needs_you"])
    assert any("URGENT" in text for text in town.run("jo", "status")["needs_you"])
    [there] = listed(town, "jo", "urgent_alert", town.desk)
    assert (there["words"], [row["call"] for row in there["calls"]]) == ("he has left with a bag", ["emergency_999"])
    assert "police_log" not in there, "what is added later stays where it was typed: the telephone has said it"

    [at_desk] = town.run("jo", "urgent", "list")["alerts"]
    town.run("jo", "urgent", "acknowledge", at_desk["alert"][:8], "--how", "acting")
    town.sync("jo", "sam", "ruth")
    liaison = town.run("sam", "record", "list", town.case, "--type", "liaison_file")["records"][0]["record"]
    [word] = listed(town, "sam", "instruction", town.run("sam", "record", "show", liaison)["fields"]["file"]["value"])
    assert word["word"] == "acknowledgement"
    assert set(word) - {"state", "filling", "parcel", "sender", "code_version"} == {"word"}, "the same words whether or not anybody is supported"

    assert town.refused("sam", "urgent", "stand-down", alert[:8], "--why", "calm again") == "not-permitted"
    town.run("ruth", "urgent", "stand-down", alert[:8], "--why", "police have arrested him")
    town.run("jo", "urgent", "stand-down", at_desk["alert"][:8], "--why", "police have arrested him")
    town.sync("sam")
    assert town.run("sam", "urgent", "list")["alerts"] == []

    said = {
        "what": "current_and_previous_perpetration", "why": "To stop him on his way", "basis": "vital_interests", "limits_told": "third_party",
        "how": "telephone", "called_back_to_check": "yes", "about_someone_else": "no", "consent_overridden_because": "A life was at risk",
    }  # fmt: skip
    his = add(town, "sam", "disclosure", town.case, to="PC Blake, Cleveland Police", words="He left at six with a bag", **said)
    assert his["told"] is None
    assert town.refused("sam", "record", "edit", his["record"], "--set", "words=something else") == "frozen"
    add(town, "lee", "disclosure", victim, to="PC Blake, Cleveland Police", words="She is with her sister tonight", **said)
    town.sync("sam", "lee", "jo", "ruth")
    assert [one["words"] for one in listed(town, "ruth", "disclosure", town.case)] == ["He left at six with a bag"]
    assert [one["words"] for one in listed(town, "jo", "disclosure", victim)] == ["She is with her sister tonight"]
    assert "disclosure" not in types_in(town, "jo", town.desk)
