"""Words of one's own that take two people, between a phone and a laptop of the victim side (docs/spec.md §15.6)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.wording import look
from tests.field_app.fleet import alarms, same
from tests.field_app.phone import Phone, PhoneError
from tests.spec.test_wording import MAY_TELL, SAYS_WHAT_TO_DO, TELLS
from tests.town import link, listed, new_town

OFFICE = "office/victim-administrator"
WORDS = "Ring the duty desk before you set out, and go in twos."


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


@pytest.fixture
def kit(town: Any) -> Iterator[Phone]:
    """A coordinator's phone, in Lee's file, which belongs to the case."""
    with Phone(town.address) as phone:
        code = town.run(OFFICE, "invite", "--name", "Kit", "--role", "coordinator")["code"]
        phone.do("enrol", code=code, label="Kit's phone")
        town.victim = link(town)
        town.sync("jo", "lee")
        town.run("jo", "member", "add", town.victim, "Kit", "--role", "coordinator")
        town.sync("jo", "lee")
        phone.do("sync")
        yield phone


def in_force(town: Any) -> list[str]:
    """The words that Sam's laptop shows."""
    town.sync("sam")
    [found] = town.run("sam", "instruction", "list", town.case)["instructions"]
    return list(found["words"])


def ask(town: Any, words: str, *more: str) -> str:
    """Lee asks, at a laptop."""
    command = ("instruction", "ask", words, "--file", town.victim, "--based-on", "police", "--weeks", "3", *more)
    made = str(town.run("lee", *command)["request"])
    town.sync("lee")
    return made


def test_a_phone_agrees_to_what_a_laptop_asks(town: Any, kit: Phone) -> None:
    request = ask(town, WORDS, "--why", "He was seen near her work.", "--say", "no_home_visits")
    kit.do("sync")
    [asked] = kit.do("wordsAsked")
    assert (asked["state"], asked["body"]["free_text"], asked["about"]["why"]) == ("open", WORDS, "He was seen near her work.")
    kit.do("agree", request=request)
    assert kit.do("wordsAsked")[0]["state"] == "agreed"
    with pytest.raises(PhoneError, match="that request is agreed"):
        kit.do("agree", request=request)
    for _ in range(2):
        kit.do("sync")
    assert kit.do("wordsAsked")[0]["state"] == "sent"
    assert kit.do("letters") == []
    assert in_force(town) == [WORDS]
    same(town, kit, town.victim, "lee")
    assert [one["state"] for one in town.run("lee", "instruction", "asked", "--all")["asked"]] == ["sent"]
    sent = next(one for one in listed(town, "lee", "parcel_sent", town.victim) if one.get("request") == request)
    assert sent["co_signer"] != sent["decided_by"]
    assert alarms(kit) == []


def test_a_laptop_agrees_to_what_a_phone_asks(town: Any, kit: Phone) -> None:
    [opened] = listed(town, "jo", "case_opened", town.desk)
    where = {"file": town.victim, "address": opened["case"], "weeks": 2}
    for words in ("Do not go on Friday.", "Ring 01642 000000 first.", "Not before 3pm."):
        with pytest.raises(PhoneError, match="say what to do, and no fact"):
            kit.do("askFor", **where, text=words, based_on=["police"])
    with pytest.raises(PhoneError, match="free words would tell who said so"):
        kit.do("askFor", **where, text=WORDS, based_on=["victim", "child"])
    request = kit.do("askFor", **where, text=WORDS, based_on=["police", "victim"], say=["no_home_visits"])["request"]
    with pytest.raises(PhoneError, match="this takes two people"):
        kit.do("agree", request=request)
    kit.do("sync")
    town.sync("lee")
    assert in_force(town) == []
    [shown] = town.run("lee", "instruction", "asked")["asked"]
    assert (shown["by"], shown["text"], shown["say"]) == ("Kit", WORDS, ["no_home_visits"])
    town.run("lee", "instruction", "agree", request[:8], "--yes")
    town.sync("lee")
    assert in_force(town) == [WORDS]
    kit.do("sync")
    assert kit.do("wordsAsked")[0]["state"] == "sent"
    with pytest.raises(PhoneError, match="sent already"):
        kit.do("withdraw", request=request, why="no longer needed")


def test_one_of_the_two_is_a_coordinator(town: Any) -> None:
    """Lee, a link worker, asks; another link worker's phone may not agree, and keeps no letter."""
    with Phone(town.address) as max_:
        code = town.run(OFFICE, "invite", "--name", "Max", "--role", "link_worker")["code"]
        max_.do("enrol", code=code, label="Max's phone")
        town.victim = link(town)
        town.sync("jo", "lee")
        town.run("jo", "member", "add", town.victim, "Max", "--role", "link_worker")
        town.sync("jo", "lee")
        request = ask(town, WORDS)
        max_.do("sync")
        with pytest.raises(PhoneError, match="none is a coordinator"):
            max_.do("agree", request=request)
        town.run("jo", "device", "suspend", "Lee", "--reason", "lost")
        town.sync("jo")
        max_.do("sync")
        with pytest.raises(PhoneError, match="suspended"):
            max_.do("agree", request=request)
        assert max_.do("letters") == []


def test_what_was_taken_back_goes_no_more(town: Any, kit: Phone) -> None:
    """Kit has agreed, without a signal, and Lee takes it back before Kit's phone is heard again."""
    request = ask(town, "Hold visits for now.")
    kit.do("sync")
    with pytest.raises(PhoneError, match="only who asked takes it back"):
        kit.do("withdraw", request=request, why="I do not like it")
    kit.do("agree", request=request)
    town.run("lee", "instruction", "withdraw", request[:8], "--reason", "it is over")
    town.sync("lee")
    for _ in range(2):
        kit.do("sync")
    assert (kit.do("letters"), alarms(kit)) == ([], ["letter-dropped"])
    assert in_force(town) == []
    [opened] = listed(town, "jo", "case_opened", town.desk)
    own = kit.do("askFor", file=town.victim, address=opened["case"], weeks=1, text=WORDS, based_on=["police"])["request"]
    kit.do("withdraw", request=own, why="not needed any more")
    kit.do("sync")
    town.sync("lee")
    assert town.refused("lee", "instruction", "agree", own[:8]) == "not-permitted"


@pytest.fixture(scope="module")
def looking() -> Iterator[Phone]:
    """It needs no service for that."""
    with Phone("http://127.0.0.1:1") as phone:
        yield phone


def check_same(phone: Phone, text: str) -> None:
    assert phone.do("lookAt", text=text)["seen"] == [[str(one), one.stops] for one in look(text)]


@pytest.mark.parametrize("text", [*TELLS, *MAY_TELL, *SAYS_WHAT_TO_DO])
def test_both_see_the_same(looking: Phone, text: str) -> None:
    check_same(looking, text)


# No control characters, and none of the letters that the two languages fold in different ways (long s, dotless i, the sign of the kelvin).
TYPED = st.characters(
    exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeffıİſK"
)  # Cn: what a newer Unicode than this Python's has made a letter
SAID = [
    "Acre", "Road", "close", "TS1", "4AB", "12", "3rd", "May", "march", "Fri", "o’clock", "10:30", "café", "Éva", "she", "Ex-partner", "x@y", "2026",
    "07700", "900123", "next", "week", "the", ".", "Ring", "www.a", "O'Neil", "Flats", "(0", "1)", "1/2",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SAID) | st.text(TYPED, max_size=6), max_size=9), st.sampled_from([" ", "  ", "\n", ""]))
def test_both_see_the_same_in_any_words(looking: Phone, words: list[str], between: str) -> None:
    check_same(looking, between.join(words))
