"""The words of the schema language, in one table: where each may stand, where it must, what form it has, and what it says.

The checks and docs/records/language.md both follow from it.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

TYPE, FIELD, CELL, DERIVED = "type", "field", "cell", "derived"
SIDES: Final = ("perpetrator", "victim")
WEIGHTS: Final = ("quick", "evidence", "living", "ledger")
MERGES: Final = ("once", "latest", "ask", "worst", "text", "set", "append")
CONTESTED: Final = ("ask", "worst", "text")
WHILE: Final = ("show_all", "strictest", "stop")
SHAPES: Final[Mapping[str, frozenset[str]]] = {  # kind: the definitions of the header that a value of it may be made of
    "text": frozenset({"text", "uuid"}),
    "long": frozenset({"long"}),
    "date": frozenset({"date", "date_or_year"}),
    "when": frozenset({"when"}),
    "pence": frozenset({"pence_above_zero"}),
    "int": frozenset({"score", "count", "list_version"}),
    "minutes": frozenset({"minutes"}),
    "yn": frozenset({"yn"}),
    "code": frozenset({"code"}),
    "codes": frozenset({"code"}),
    "ref": frozenset({"uuid"}),
    "refs": frozenset({"uuid"}),
    "user": frozenset({"uuid"}),
    "users": frozenset({"uuid"}),
    "attachments": frozenset({"uuid"}),
    "random_id": frozenset({"uuid", "uuid_or_null"}),
    "att": frozenset({"content"}),
    "hash": frozenset({"hash"}),
    "list": frozenset(),
}
MANY: Final = frozenset({"codes", "refs", "users", "attachments"})
REFERENCES: Final = frozenset({"ref", "refs", "attachments"})
SOURCES: Final[Mapping[str, str]] = {
    "Cleveland": "Cleveland Complex Needs Project Evaluation 2022/23",
    "Changes": "Changes Impact Report 2023",
    "180": "Glow 180 Q3 narrative",
    "Elm": "Elm Foundation quarterly form",
    "Respect": "Commissioning guidance: responding to perpetrators of domestic abuse, May 2022",
    "Drive": "Drive Project, Year 1 feasibility study, 2017",
    "Tameside": "Tameside perpetrators needs assessment, June 2022",
    "Practice": "general practice in the United Kingdom, to be confirmed by a practitioner",
    "Design": "our own, where the sources are silent",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a word's value: what is wanted, in words, and whether a value has it."""

    wanted: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Word:
    """One word: on which things it may stand, on which it must, its form, and what it says."""

    name: str
    may: tuple[str, ...]
    must: tuple[str, ...]
    form: Form
    means: str


def is_name(value: object) -> bool:
    """True for a name as types, fields and code lists have it: lower case, with single underscores."""
    return isinstance(value, str) and len(value) <= 64 and _NAME.fullmatch(value) is not None


def is_words(value: object) -> bool:
    """True for a text that says something and has no blank at its ends."""
    return isinstance(value, str) and value.strip() == value != ""


def _all_of(value: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and value != [] and all(map(fits, value)) and len(set(map(json.dumps, value))) == len(value)


def _places(value: object) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    return all(is_name(kind) and _sides(sides) for kind, sides in value.items())


def _sides(value: object) -> bool:
    return isinstance(value, list) and value != [] and value == [side for side in SIDES if side in value]


def _count(value: object) -> bool:
    return type(value) is int and value >= 1


def one_of(*names: str) -> Form:
    """One of some words."""
    return Form(f"one of {', '.join(names)}", lambda value: isinstance(value, str) and value in names)


TEXT: Final = Form("words, with no blank at their ends", is_words)
NAME: Final = Form("a name: lower case, digits and single underscores, at most 64 characters", is_name)
NAMES: Final = Form("a list of names, no name twice, at least one", lambda value: _all_of(value, is_name))
CODES: Final = Form("a list of codes, no code twice, at least one", lambda value: _all_of(value, lambda one: isinstance(one, str) and one != ""))
MORE_THAN_ONE: Final = Form("a whole number from 2", lambda value: type(value) is int and value >= 2)
VERSION: Final = Form("a whole number from 1", _count)
SIDES_FORM: Final = Form("a list of perpetrator, victim, in this order", _sides)
PLACES: Final = Form('an object of kinds of file, each with its sides: {"case": ["perpetrator", "victim"]}', _places)
TRUE: Final = Form("true, or nothing", lambda value: value is True)
FALSE: Final = Form("false, or nothing", lambda value: value is False)
EITHER: Final = Form("true or false", lambda value: isinstance(value, bool))
OBJECT: Final = Form("an object", lambda value: isinstance(value, dict) and bool(value))
OBJECTS: Final = Form("an object, or a list of them", lambda value: isinstance(value, dict) or _all_of(value, lambda one: isinstance(one, dict)))
NEED: Final = Form("sign, optional, or if …", lambda value: is_words(value) and (value in ("sign", "optional") or value.startswith("if ")))

_EVERY: Final = (FIELD, CELL, DERIVED)
_WRITTEN: Final = (FIELD, CELL)

WORDS: Final[Mapping[str, Word]] = {
    word.name: word
    for word in (
        Word("x-record", (TYPE,), (TYPE,), NAME, "The type's name, as in the name of its file."),
        Word("x-version", (TYPE,), (TYPE,), VERSION, "The type's version. After a release each change of the type, or of a list that it names, raises it."),
        Word("x-weight", (TYPE,), (TYPE,), one_of(*WEIGHTS), "What signing does (spec §5.3)."),
        Word("x-files", (TYPE, FIELD), (TYPE,), PLACES, "In which files, on which sides, the type stands; of a field, where only there."),
        Word("x-side", (TYPE,), (TYPE,), SIDES_FORM, "The sides of `x-files`."),
        Word("x-write", (TYPE, FIELD), (TYPE,), NAMES, "The roles that write the type; of a field, where others do (spec §5.4)."),
        Word("x-read", (TYPE,), (TYPE,), NAMES, "The roles to whom apps show the type. What anybody can read is decided by keys alone."),
        Word("x-deletable", (TYPE,), (TYPE,), EITHER, "Whether such a record may be hidden (spec §5.3)."),
        Word("x-header-omit", (TYPE,), (), NAMES, "Fields of the header that this type does not have."),
        Word("x-notice", (TYPE,), (), OBJECTS, "What the victim side is told by rule, a rule or a list of them (spec §15.5)."),
        Word("x-gates", (TYPE,), (), Form("a list of gates", lambda value: _all_of(value, lambda one: isinstance(one, dict))),
             "What a person is told before they go on (spec §5.8)."),
        Word("x-command", (TYPE,), (), TEXT, "The command that adds such records: they are not added by hand."),
        Word("x-money", (TYPE,), (), TRUE, "The fund is told of such a record at the same moment: it is signed at once, never made void, never taken back by itself."),
        Word("x-own-record", (TYPE,), (), NAMES,
             "What somebody else writes in a narrative becomes a record of their own, with these fields as they are here. Without the word it is a proposal."),
        Word("x-source", (TYPE, *_EVERY), (TYPE, *_EVERY), one_of(*SOURCES), "Where it comes from."),
        Word("x-label", _EVERY, _EVERY, TEXT, "What people read."),
        Word("x-kind", _EVERY, _EVERY, one_of(*SHAPES), "What kind of value it takes: how it is typed, shown and compared."),
        Word("x-derived", (DERIVED,), (DERIVED,), TRUE, "Worked out by each reader, never written."),
        Word("x-codes", _EVERY, (), NAME, "The code list of a `code` or `codes`."),
        Word("x-merge", _WRITTEN, _WRITTEN, one_of(*MERGES), "How values from two devices meet (spec §5.3)."),
        Word("x-while-conflicted", _WRITTEN, (), one_of(*WHILE), "What holds while a contested field is in conflict (spec §5.4)."),
        Word("x-order", _WRITTEN, (), CODES, "Low to high, where something ranks the values."),
        Word("x-need", _WRITTEN, _WRITTEN, NEED, "Whether it is needed to sign."),
        Word("x-need-if", (FIELD,), (), OBJECT, "When it is needed, of one whose `x-need` is `if …`."),
        Word("x-at-least", (FIELD,), (), MORE_THAN_ONE, "How many members, or rows that are not withdrawn, make a set or rows filled; without the word, one."),
        Word("x-missing", _WRITTEN, (), TRUE, "A reason why it is not known may stand in place of a value."),
        Word("x-ref", _WRITTEN, (), NAMES, "The types that a reference may name; without the word, any."),
        Word("x-cells", (FIELD,), (), OBJECT, "The cells of a list's rows."),
        Word("x-owner", (FIELD,), (), NAMES, "The roles that settle a conflict in this field, where not everybody who writes it does."),
        Word("x-subject-access", (TYPE, FIELD, CELL), (), FALSE, "It is in no subject access export (spec §16.3)."),
    )
}  # fmt: skip
