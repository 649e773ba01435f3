"""What in a copy for the person whom a file is about names somebody else, or may give them away: passages, and what becomes of each (docs/spec.md §16.4).

Pure, and no proof: it finds what has a form, what the file's own records name, and what a reader looks for. Everything else is found by reading.
A passage is a sentence in one field of one record, or the words that were searched for; wherever they stand in that field, also in what it said
before, one decision holds for them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from shared_schema import cbor, ids
from sync.spills import SENTENCE, SOMEBODY, spills
from sync.wording import DAYS, MONTHS

INCLUDED: Final = frozenset({"consented", "reasonable"})
REDACTED: Final = "redacted"
WITHHELD: Final = "withheld"
MARKS: Final = {REDACTED: "[redacted]", WITHHELD: "[withheld]"}
"""What stands in a copy in the place of what was taken out."""
SEARCHED: Final = "searched for"
_LABEL: Final = ids.label("passage")
_NOT_SAID: Final = "day or time"  # his notes are full of them; what matters of them stands in a sentence about somebody
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*")
_NO_NAME: Final = re.compile(rf"(?:I|I['’](?:m|d|ll|ve)|{DAYS}|{MONTHS})", re.IGNORECASE)
_SHORT_FORMS: Final = frozenset(
    [
        "A&E",
        "ADHD",
        "AA",
        "BBR",
        "CAFCASS",
        "CAMHS",
        "CBT",
        "CGL",
        "CIN",
        "CJS",
        "CMHT",
        "CPN",
        "CPS",
        "DASH",
        "DNA",
        "DV",
        "DVA",
        "DVPN",
        "DVPO",
        "DWP",
        "ESA",
        "FPP",
        "GP",
        "HMP",
        "IDVA",
        "IOM",
        "ISVA",
        "LA",
        "MAPPA",
        "MARAC",
        "MATAC",
        "MASH",
        "MH",
        "NA",
        "NFA",
        "NHS",
        "NMO",
        "NPS",
        "OK",
        "OM",
        "OPCC",
        "PCSO",
        "PIP",
        "PNC",
        "PO",
        "PTSD",
        "SIO",
        "SPOC",
        "TAF",
        "TV",
        "UC",
        "UK",
        "URN",
        "VLO",
        "YOT",
    ]
)
_KEPT: Final = 8192  # texts: what is looked at again before it is written out was looked at already
_LEAST: Final = 3  # letters of a name that is looked for


class Said(NamedTuple):
    """A text in a field of a record, both as an export names them. `short`: no narrative, so that one word alone may be a name."""

    record: str
    field: str
    text: str
    short: bool = False


class Passage(NamedTuple):
    """Words in a field of a record, and why somebody should look at them."""

    record: str
    field: str
    words: str
    why: tuple[str, ...]

    @property
    def id(self) -> bytes:
        """What a decision names: it follows from the place and the words alone."""
        return ids.sha256(_LABEL + cbor.encode([ids.parse(self.record), self.field, self.words]))


class _Known(NamedTuple):
    """Names of the person himself and of workers, all their parts, and those behind the first."""

    parts: frozenset[str]
    families: frozenset[str]


def find(texts: Iterable[Said], *, named: Collection[str] = (), known: Collection[str] = (), searched: Iterable[str] = ()) -> tuple[Passage, ...]:
    """The passages of these texts, in order, each once. `named` are people whom the file's records name, `known` the person himself and the workers,
    whose names are none of somebody else; `searched` are words that a reader looked for.
    """
    listed = _any_of(part for name in named for part in _WORD.findall(name) if len(part) >= _LEAST)
    wanted = [re.compile(re.escape(words), re.IGNORECASE) for words in searched]
    own = [[part.casefold() for part in _WORD.findall(name)] for name in known]
    passing = _Known(frozenset(part for name in own for part in name), frozenset(part for name in own for part in name[1:]))
    found: dict[tuple[str, str, str], dict[str, None]] = {}
    for said in texts:
        for words, why in _passages(said, listed, passing):
            found.setdefault((said.record, said.field, words), {}).update(dict.fromkeys(why))
        for form in wanted:
            for match in form.finditer(said.text):
                found.setdefault((said.record, said.field, match[0]), {})[SEARCHED] = None
    return tuple(Passage(*place, tuple(why)) for place, why in found.items())


def _passages(said: Said, listed: re.Pattern[str] | None, passing: _Known) -> Iterator[tuple[str, list[str]]]:
    """The sentences of a text in which there is something, each with what."""
    for words, seen, somebody in _sentences(said.text):
        why = list(seen)
        if listed is not None and listed.search(words):
            why.append("somebody whom the file names")
        elif any(_names(words, passing, short=said.short)):
            why.append("a name")
        if somebody:
            why.append("about somebody else")
        if why:
            yield words, why


@lru_cache(_KEPT)
def _sentences(text: str) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
    """Each sentence of a text, what has a form in it, and whether it speaks of somebody. What stands in a record stands in its history again."""
    seen = [one for one in spills(text) if one.what != _NOT_SAID]
    found = []
    for sentence in SENTENCE.finditer(text):
        words = sentence[0].strip()
        forms = dict.fromkeys(one.what for one in seen if sentence.start() <= one.start < sentence.end())
        if words:
            found.append((words, tuple(forms), SOMEBODY.search(words) is not None))
    return tuple(found)


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    parts = sorted({re.escape(word) for word in words}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE) if parts else None


def _names(sentence: str, known: _Known, *, short: bool) -> Iterator[str]:
    """Words that are written as names are. The first of a sentence is, anyhow: it counts where it stands alone, or before a family's name."""
    words = _WORD.findall(sentence)
    for at, word in enumerate(words):
        if not word[0].isupper() or _NO_NAME.fullmatch(word) or word in _SHORT_FORMS or _bare(word) in known.parts:
            continue
        if at or (short and len(words) == 1) or (len(words) > 1 and _bare(words[1]) in known.families):
            yield word


def _bare(word: str) -> str:
    return re.sub(r"['’]s$", "", word).casefold()


# --- taking out ----------------------------------------------------------------------------------------------------------------------------

Decided = Mapping[tuple[str, str], Mapping[str, str]]
"""By record and field: words, and what was decided of them."""


def by_field(rows: Iterable[tuple[str, str, str, str]]) -> Decided:
    """The same of rows of record, field, words and decision."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for record, field, words, decision in rows:
        found.setdefault((record, field), {})[words] = decision
    return found


def taken_out(value: Any, decisions: Mapping[str, str]) -> Any:
    """A value of a field, wherever in it a text stands, without what is not to be given out. Words that were redacted are replaced by a mark wherever
    they stand, a text with words that were withheld as a whole.
    """
    if isinstance(value, str):
        return _text(value, decisions)
    if isinstance(value, list):
        return [taken_out(item, decisions) for item in value]
    return {name: taken_out(item, decisions) for name, item in value.items()} if isinstance(value, dict) else value


def _text(text: str, decisions: Mapping[str, str]) -> str:
    if any(decision == WITHHELD and words in text for words, decision in decisions.items()):
        return MARKS[WITHHELD]
    gone = sorted((words for words, decision in decisions.items() if decision == REDACTED), key=lambda words: (-len(words), words))
    return re.sub("|".join(map(re.escape, gone)), MARKS[REDACTED], text) if gone else text
