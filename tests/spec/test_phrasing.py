"""Words that hide who did what: what is hinted at, and what is not."""

import pytest

from sync.phrasing import hints

HINTED = [
    ("The victim failed to engage with us.", "we did not reach her"),
    ("He failed to engage this month.", "we have not reached him"),
    ("She failed to protect the children.", "say what he did"),
    ("They are a toxic couple.", "say who did what to whom"),
    ("This is a joint issue.", "say who did what to whom"),
    ("Police attended a domestic dispute.", "say who did what to whom"),
    ("She was punched in the face.", "say who did it"),
    ("An incident occurred in the kitchen.", "say who did what"),
    ("He lost his temper.", "he chose to"),
    ("She alleges that he kicked the door.", "she said"),
    ("She keeps going back.", "what he did"),
    ("She winds him up.", "quotation marks"),
]
PASSED = [
    "He hit her in the kitchen.", "She was punched by him.", "He said “she winds me up, she provoked me”.", 'He said: "I just lost it."', "We did not reach her.",
    "She was assaulted by her brother.", "He chose to break the door.", "He talked about his temper.", "She said that he kicked the door.",
]  # fmt: skip


@pytest.mark.parametrize(("text", "instead"), HINTED)
def test_hinted(text: str, instead: str) -> None:
    [found] = hints(text)
    assert found.instead.startswith(instead) or instead in found.instead


@pytest.mark.parametrize("text", PASSED)
def test_passed(text: str) -> None:
    assert hints(text) == ()
