"""She moves on Friday. The plan for it is on the victim side; on the other side at most a word from a closed list, or words that two people have read."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync.device.entering import keyring
from tests.canaries import hits
from tests.rawstore import decrypted
from tests.shell import SECRET
from tests.town import link, listed, new_town

ADDRESS = "22 Larchfield Crescent"
WORDS = "Ring the duty desk before you set out, and go in twos."


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def in_force(town: Any, profile: str) -> dict[str, Any]:
    [found] = town.run(profile, "instruction", "list", town.case)["instructions"]
    return dict(found)


def ask(town: Any, victim: str, words: str, *more: str) -> tuple[str, ...]:
    return ("instruction", "ask", words, "--file", victim, "--based-on", "police", "--based-on", "victim", "--weeks", "3", *more)


def test_a_move_on_friday(town: Any) -> None:
    victim = link(town)
    today = date.today()
    friday = (today + timedelta(days=6)).isoformat()  # the last day of one week from today: an end that would tell of it
    town.run("lee", "record", "add", "task", "--file", victim, "--set", f"what=She moves to {ADDRESS}", "--set", f"due={friday}")

    # One week would end on the very day; two do not. Nothing but the word crosses.
    assert town.refused("lee", "instruction", "send", "--file", victim, "--say", "ring_before_any_contact", "--weeks", "1") == "bad-value"
    town.run("lee", "instruction", "send", "--file", victim, "--say", "ring_before_any_contact", "--weeks", "2", "--why", f"She moves to {ADDRESS}")
    town.sync("lee", "jo", "sam", "ruth")
    found = in_force(town, "sam")
    assert (found["say"], found["words"], found["until"]) == (["ring_before_any_contact"], [], (today + timedelta(days=13)).isoformat())

    # In one's own words: no day, no place, no number; not what only she knows; and not alone.
    for words in ("Do not go on Friday.", f"Keep away from {ADDRESS}.", "Ring 01642 000000 first.", "Not before 3pm."):
        assert town.refused("lee", *ask(town, victim, words)) == "bad-value"
    assert town.refused("lee", "instruction", "ask", WORDS, "--file", victim, "--based-on", "victim") == "not-permitted"
    assert town.refused("lee", *ask(town, victim, WORDS, "--weeks", "1")) == "bad-value"
    asked = town.run("lee", *ask(town, victim, WORDS, "--why", f"She moves to {ADDRESS}"))
    assert town.refused("lee", "instruction", "agree", asked["request"][:8]) == "not-permitted"
    town.sync("jo", "sam")
    assert in_force(town, "sam")["words"] == []
    assert any("words for the other side" in line for line in town.run("jo", "status")["needs_you"])
    shown = town.text("jo", "instruction", "agree", asked["request"][:8], "--yes")
    assert WORDS in shown
    town.sync("sam", "ruth")
    assert in_force(town, "ruth")["words"] == [WORDS]
    assert town.refused("lee", "instruction", "withdraw", asked["request"][:8]) == "not-permitted"
    sent = next(one for one in listed(town, "jo", "parcel_sent", victim) if one.get("request") == asked["request"])
    assert sent["co_signer"] != sent["decided_by"]
    assert [one["state"] for one in town.run("lee", "instruction", "asked", "--all")["asked"]] == ["sent"]

    # What was taken back goes no more.
    again = town.run("lee", *ask(town, victim, "Hold visits for now."))
    town.run("lee", "instruction", "withdraw", again["request"][:8], "--reason", "it is over")
    town.sync("jo")
    assert town.refused("jo", "instruction", "agree", again["request"][:8]) == "not-permitted"

    # Nothing of the plan is on any phone of the other side, nor that there was anything to tell.
    things = [(name, decrypted(town.folder / name / "store.db", keyring.unlock(town.folder / name, SECRET).keys[0])) for name in ("sam", "ruth")]
    assert hits(things, [ADDRESS, friday]) == []
    assert hits([("jo", decrypted(town.folder / "jo" / "store.db", keyring.unlock(town.folder / "jo", SECRET).keys[0]))], [ADDRESS])
