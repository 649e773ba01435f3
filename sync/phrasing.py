"""Words about violence that hide who did it or put it on whoever was harmed, and what to say instead (docs/spec.md §5.9). Pure.

A hint, never a rewrite: what stands in quotation marks is somebody's words, and stays as it was said.
"""

import re
from typing import Final, NamedTuple

_HARM: Final = "hit|punched|slapped|kicked|pushed|strangled|choked|grabbed|bitten|beaten|assaulted|threatened|raped|hurt|injured|attacked|dragged|spat at|burned|stabbed"
_SAY_WHO: Final = "say who did what to whom"


class Hint(NamedTuple):
    """The words from `start` to `end` of a text, and what to say instead."""

    start: int
    end: int
    instead: str


_HINTS: Final = tuple(
    (re.compile(form, re.IGNORECASE), instead)
    for form, instead in (
        (r"\b(?:victim|she|her|partner|ex|wife|mum|mother)\b[^.!?\n]{0,30}?\b(?:failed|failing|failure|refused|refuses|refusing) to engage", "we did not reach her"),
        (r"\b(?:he|client|perpetrator)\b[^.!?\n]{0,30}?\b(?:failed|failing|failure) to engage|\bdisengaged\b|\bhard to reach\b", "we have not reached him, and what we tried"),
        (r"\bfail(?:ed|s|ing|ure)? to (?:protect|safeguard)", "say what he did, and what she did to keep the children safe"),
        (r"\b(?:toxic|volatile|stormy|tempestuous|fiery) (?:couple|relationship|marriage|household)", _SAY_WHO),
        (r"\bjoint (?:issue|problem)|\b(?:mutual|reciprocal) (?:abuse|violence)|\bboth as bad as each other|\bsix of one|\btakes two to tango", _SAY_WHO),
        (r"\b(?:domestic|verbal|physical) (?:dispute|altercation|disagreement|argument)s?\b|\bthey (?:fought|had a fight|came to blows)", _SAY_WHO),
        (rf"\b(?:was|were|been|being|got|is) (?:also |then |badly |verbally |physically )?(?:{_HARM})\b(?!\s+(?:\w+\s+){{0,3}}by\b)", "say who did it: he hit, he threatened"),
        (r"\b(?:violence|abuse|an? (?:assault|incident)|it) (?:occurred|took place|happened|broke out)", "say who did what: he …"),
        (r"\b(?:lost (?:his temper|control|it)|snapped|saw red|red mist)\b", "he chose to; say what he did"),
        (r"\b(?:she|victim|her|mum|partner|ex)\b[^.!?\n]{0,12}?\b(?:claims?|claimed|alleges?|alleged)\b", "she said"),
        (r"\b(?:chose to stay|keeps? going back|went back to him|allow(?:s|ed) him|lets? him|refus(?:es|ed) to leave|won['’]t leave)\b", "what he did, and what keeps her from leaving"),
        (r"\b(?:she|her|victim)\b[^.!?\n]{0,20}?\b(?:provok(?:es|ed|ing)|nags?|nagging|wound him up|winds him up|pushed his buttons|asked for it)", "put his words in quotation marks"),
        (r"\b(?:non-?compliant|manipulative|attention[- ]seeking|hysterical)\b", "say what was seen or heard"),
    )
)  # fmt: skip
_QUOTED: Final = re.compile(r"\"[^\"\n]{0,2000}\"|“[^”\n]{0,2000}”|‘[^’\n]{0,2000}’(?!\w)")


def hints(text: str) -> tuple[Hint, ...]:
    """What there is in a text, in order; of several that overlap the first of the list."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    found: list[Hint] = []
    for form, instead in _HINTS:
        for match in form.finditer(text):
            start, end = match.span()
            if all(end <= first or start >= last for first, last in [*quoted, *((one.start, one.end) for one in found)]):
                found.append(Hint(start, end, instead))
    return tuple(sorted(found))
