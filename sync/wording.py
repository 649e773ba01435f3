"""What in a text would tell of a place, a number, a day or a person: looked for before words in one's own hand go to the other side (docs/spec.md §15.5).

Pure, and no proof: it finds what has a form. Two people read the words, and this helps them to look.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

MONTHS: Final = "january|february|march|april|may|june|july|august|september|october|november|december"
_SHORT: Final = "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
DAYS: Final = "(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_STREETS: Final = (
    "road|rd|street|st|lane|close|avenue|ave|drive|court|crescent|terrace|way|gardens|grove|place|square|hill|row|mews|walk|park|house|flats?"
)
_PLACES: Final = (
    "school|nursery|college|refuge|shelter|hostel|hospital|surgery|clinic|church|mosque|temple|workplace|playgroup|caf[eé]|shop|supermarket|gym"
)
PERSONS: Final = (
    "she|her|hers|herself|wife|girlfriend|fianc[eé]e|ex|ex-partner|partner|mum|mummy|mother|daughters?|sons?|child|children|kids?|baby|sisters?"
)


class Seen(NamedTuple):
    """Something of kind `what` in the words `first` to `last` of a text, counted from 1. What `stops` is not sent at all; the rest is for a person to judge."""

    what: str
    first: int
    last: int
    stops: bool

    def __str__(self) -> str:
        return f"{self.what} ({f'word {self.first}' if self.first == self.last else f'words {self.first} to {self.last}'})"


Rule = tuple[str, bool, re.Pattern[str]]
"""What it finds, whether that stops, and its form."""

RULES: Final[tuple[Rule, ...]] = tuple(
    (what, stops, re.compile(pattern, re.IGNORECASE if fold else 0))
    for what, stops, fold, pattern in (
        ("an address on the net", True, True, r"\S+@\S+|\bhttps?://\S+|\bwww\.\S+"),
        ("a postcode", True, True, r"\b[a-z]{1,2}[0-9][a-z0-9]?\s*[0-9][a-z]{2}\b"),
        (
            "a date",
            True,
            True,
            rf"\b[0-9]{{1,4}}[/.\-][0-9]{{1,2}}(?:[/.\-][0-9]{{1,4}})?\b|\b[0-9]{{1,2}}(?:st|nd|rd|th)\b|\b[0-9]{{1,2}}\s+(?:{MONTHS}|{_SHORT})\b"
            rf"|\b(?:{MONTHS.replace('may|', '').replace('march|', '')})\b|\b(?:may|march)\s+[0-9]{{1,2}}\b",
        ),
        ("a day", True, True, rf"\b(?:{DAYS}|mon|tues?|wed|thurs?|fri|weekend|today|tonight|tomorrow|yesterday|(?:this|next)\s+(?:week|month))\b"),
        (
            "a time of day",
            True,
            True,
            r"\b[0-9]{1,2}[:.][0-9]{2}\b|\b[0-9]{1,2}\s*(?:am|pm|o['’]?clock)\b|\b(?:noon|midnight|midday|this (?:morning|afternoon|evening))\b",
        ),
        ("a telephone number", True, False, r"(?<![0-9])\+?[0-9][0-9\s().\-]{4,}[0-9](?![0-9])"),
        ("a street", True, True, rf"\b(?:[0-9]+[a-z]?\s+)?(?-i:[A-Z])[a-z'’]+\s+(?:{_STREETS})\b\.?"),
        ("a number", True, False, r"[0-9]{3,}"),
        ("a number", False, False, r"[0-9]+"),
        ("a kind of place", False, True, rf"\b(?:{_PLACES})s?\b"),
        ("a person", False, True, rf"\b(?:{PERSONS})\b"),
        ("a name", False, False, r"(?<![.!?:]\s)(?<!^)\b[A-Z][a-z'’]{2,}\b"),
    )
)


def look(text: str, rules: Iterable[Rule] = RULES) -> tuple[Seen, ...]:
    """What there is in a text, in order; of several that overlap the first rule's."""
    return tuple(Seen(what, _word(text, start), _word(text, end - 1), stops) for start, end, what, stops in spans(text, rules))


def spans(text: str, rules: Iterable[Rule]) -> list[tuple[int, int, str, bool]]:
    """The same as places in the text, from and to."""
    found: list[tuple[int, int, str, bool]] = []
    for what, stops, pattern in rules:
        for match in pattern.finditer(text):
            if all(match.end() <= start or match.start() >= end for start, end, *_ in found):
                found.append((*match.span(), what, stops))
    return sorted(found)


def _word(text: str, at: int) -> int:
    """The number of the word that a character stands in."""
    return max(1, len(text[: at + 1].split()))
