"""What a text would tell: recall and silence on a list of sentences as people might type them."""

import pytest

from sync.wording import look

TELLS = [
    "Do not go on Friday.", "Not this weekend please.", "Leave it until tomorrow.", "Hold visits until 12/11.", "Wait until the 3rd.", "Nothing before 1 May.",
    "She goes in September.", "Not before 3pm.", "Be gone by 14:30.", "Keep away from 22 Larchfield Crescent.", "Do not park in Hawthorn Close.",
    "Avoid TS1 4AB.", "Ring 01642 000000 first.", "Ring 07700 900123.", "Write to desk@example.org.", "Look at www.example.org first.", "Use case 48213.",
    "Stay away at midday.", "Not on a Wednesday.", "Start again next week.",
]  # fmt: skip
MAY_TELL = [
    "Keep away from the school.",
    "Do not mention the refuge.",
    "She is afraid.",
    "Do not speak of the children.",
    "Do not ask where Cheryl is.",
]
SAYS_WHAT_TO_DO = [
    "Ring the duty desk before you set out, and go in twos.", "Hold visits for now.", "Use the office or the telephone only.", "You may ring again.",
    "Do not leave anything at the door.", "Be extra alert. Ring first.", "March through the list of questions as you planned.",
]  # fmt: skip


@pytest.mark.parametrize("text", TELLS)
def test_what_tells_stops(text: str) -> None:
    assert any(one.stops for one in look(text))


@pytest.mark.parametrize("text", MAY_TELL)
def test_what_may_tell_is_shown(text: str) -> None:
    found = look(text)
    assert found
    assert not any(one.stops for one in found)


@pytest.mark.parametrize("text", SAYS_WHAT_TO_DO)
def test_what_says_what_to_do_passes(text: str) -> None:
    assert look(text) == ()


def test_where_it_was_seen() -> None:
    assert [str(one) for one in look("Do not go to Hawthorn Close, TS1 4AB")] == ["a street (words 5 to 6)", "a postcode (words 7 to 8)"]
