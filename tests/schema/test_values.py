"""`sync.device.recording.places`, `values` and `typed`: what fits each field, what does not, and what a typed text means."""

import json
import traceback
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_schema import records
from shared_schema.records import Field, UnknownRecordType
from sync.device.recording import places, values
from sync.device.recording.needs import Needed, needed_to_sign
from sync.device.recording.places import BadValue
from sync.device.recording.typed import parse_text
from sync.device.recording.values import check_cell, check_member, check_row, check_value

CANARY = "Xanthe Quill of 9 Mornington Mews"
ID = "0b5f9f0e-6f6e-4c56-8a34-8f3c1d1d7a10"
HASH = "ab" * 32
MAX_INT = 2**53 - 1
HEADER = records.schema("header")["properties"]
FIELDS = {  # the header's fields once, as a task's
    f"{kind.name}.{name}": (kind.name, found)
    for kind in records.record_types().values()
    for name, found in kind.fields.items()
    if name not in HEADER or kind.name == "task"
}
REASONS = records.code_list("missing_reason").codes

# What fits, by kind. Text is drawn without lone surrogates, and with something in it that is not blank.

_WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_NOT_BLANK = _WORDS.filter(lambda text: bool(text.strip(" \t\n\r")))
_UUIDS = st.uuids().map(str)
_DAYS = st.dates(min_value=date(1000, 1, 1), max_value=date(2999, 12, 31)).map(lambda day: day.isoformat())
_CUTS = {"year": 4, "month": 7, "day": 10, "hour": 13, "minute": 16}
_TIMES = st.builds(lambda day, h, m: f"{day}T{h:02}:{m:02}", _DAYS, st.integers(0, 23), st.integers(0, 59))
_WHENS = st.builds(
    lambda at, precision, about: {"at": at[: _CUTS[precision]], "precision": "about" if about else precision},
    _TIMES,
    st.sampled_from(sorted(_CUTS)),
    st.booleans(),
)
_CONTENT: Any = {"key": HASH, "hash": HASH, "size": 5, "form": "jpeg", "chunks": [HASH], "thumbnail": HASH[::-1]}
_OTHER_CONTENT: list[tuple[str, Any]] = [
    *(("form", "gif"), ("size", -1), ("size", 67_107_833), ("chunks", []), ("chunks", [HASH, HASH]), ("name", "x"), ("key", ID)),
]
_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "text": _NOT_BLANK.map(lambda text: text[-200:]).filter(lambda text: bool(text.strip(" \t\n\r"))),
    "long": _NOT_BLANK,
    "date": _DAYS,
    "when": _WHENS,
    "pence": st.integers(1, 10**9),
    "minutes": st.integers(0, MAX_INT),
    "yn": st.sampled_from(["yes", "no"]),
    "hash": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "att": st.integers(0, 65_512).map(lambda size: {**_CONTENT, "size": size}),
    **dict.fromkeys(("ref", "refs", "user", "users", "attachments", "random_id"), _UUIDS),
}
_NARROWER: dict[str, st.SearchStrategy[Any]] = {  # by the definition that a value is made of, where its kind takes several
    "date_or_year": st.one_of(_DAYS, st.integers(1000, 2999).map(str)),
    "score": st.integers(0, 10),
    "count": st.integers(0, 1_000_000),
    "uuid": _UUIDS,
    "uuid_or_null": st.one_of(_UUIDS, st.none()),
}
_COUNT = st.integers(1, MAX_INT)


def shape(where: str) -> str:
    kind, name, *cell = where.split(".")
    return places.shape_of(kind, name, *cell)


def fitting(where: str, field: Field) -> st.SearchStrategy[Any]:
    """Values that fit a field or a cell."""
    if field.kind == "list":
        always = {n: fitting(f"{where}.{n}", c) for n, c in field.cells.items() if (c.need, c.merge) == ("sign", "once")}
        others = {n: fitting(f"{where}.{n}", c) for n, c in field.cells.items() if n not in always}
        return st.lists(st.fixed_dictionaries(always, optional=others), min_size=1, max_size=3)
    if field.codes:
        one: st.SearchStrategy[Any] = st.sampled_from(records.code_list(field.codes).codes)
    else:
        one = _NARROWER.get(shape(where), _SIMPLE.get(field.kind, _COUNT))
    if field.merge == "set":
        return st.lists(one, min_size=1, max_size=4, unique=True)
    missing = st.sampled_from(REASONS).map(lambda reason: {"missing": reason})
    return one | missing if field.allows_missing else one


# What does not fit, by kind.

_NOWHERE: list[Any] = [
    "",
    " \n\t ",
    1.0,
    1.5,
    float("nan"),
    True,
    b"x",
    (),
    {},
    [],
    [[]],
    {"missing": "because"},
]
_NOWHERE += [
    {"missing": None},
    {"missing": "not_known", "why": "x"},
    {1: "x"},
    MAX_INT + 1,
    -MAX_INT - 1,
    "\ud800",
]
_NOWHERE += [object(), {"missing": "not_known\n"}, "x" * 20001, -1, [None], [{}], ["x", "x"]]
_A_DAY = "2026-03-04"
_NOT_OF_KIND: dict[str, list[Any]] = {
    "text": ["x" * 201, 1, {"at": _A_DAY, "precision": "day"}],
    "long": [1],
    "date": [
        "2026-02-30",
        "2026-13-01",
        "2026-3-4",
        "03/04/2026",
        "0999-01-01",
        f"{_A_DAY}\n",
        f"{_A_DAY}T10:00",
        20260304,
    ],
    "when": [
        _A_DAY,
        {"at": _A_DAY},
        {"precision": "day"},
        {"at": _A_DAY, "precision": "hour"},
        {"at": _A_DAY, "precision": "century"},
        {"at": "2026-02-30", "precision": "day"},
        {"at": "2026-02-30T10:00", "precision": "about"},
        {"at": "2026-13", "precision": "month"},
        {"at": f"{_A_DAY}T24", "precision": "hour"},
        {"at": f"{_A_DAY}T10:60", "precision": "minute"},
        {"at": f"{_A_DAY}T10:00:00", "precision": "minute"},
        {"at": _A_DAY, "precision": "day", "zone": "Europe/London"},
    ],
    "pence": [0, 10**9 + 1, "1250", "12.50"],
    "int": ["1", {"at": _A_DAY, "precision": "day"}],
    "minutes": ["30"],
    "yn": ["Yes", "maybe", 1, ["yes"]],
    "hash": [HASH.upper(), HASH[:-1], HASH + "\n", ID],
    "att": [
        HASH,
        {},
        *({name: value for name, value in _CONTENT.items() if name != left} for left in _CONTENT),
        *({**_CONTENT, name: value} for name, value in _OTHER_CONTENT),
    ],
    "code": ["no_such_code", "No Such Code", 1, ["no_such_code"]],
    "codes": [["no_such_code"], "no_such_code", [1], [{"missing": "not_known"}]],
    "list": ["x", [1], [["x"]], [{"no such cell": "x"}], {"text": "x"}],
    **{kind: [ID.upper(), ID[:-1], f"{ID}\n", ID.replace("-", ""), [ID]] for kind in ("ref", "user", "random_id")},
    **{kind: [ID, [ID.upper()], [ID, ID], [1], [None], "x"] for kind in ("refs", "users", "attachments")},
}

_TOO_WIDE: dict[str, list[Any]] = {
    "person.born": ["206", "3026", "206\n", "1984-13"],
    "own_safety_plan.likely_to_use": [11],
    "fund_line.against": [HASH],
}


def unfitting(where: str, field: Field) -> list[Any]:
    """Values that do not fit a field. Null fits one only; a missing reason those whose words say so."""
    found = [*_NOWHERE, *_NOT_OF_KIND[field.kind]]
    found += [] if where == "fund_line.against" else [None]
    found += [] if field.allows_missing else [{"missing": "not_known"}]
    found += _TOO_WIDE.get(where, [])
    found += ["x"] if field.kind == "text" and shape(where) == "uuid" else []
    return found


def refused(where: str, field: Field, value: object) -> BadValue:
    with pytest.raises(BadValue) as caught:
        check_value(where.partition(".")[0], field.name, value)
    return caught.value


_LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=2)
ANYTHING = st.recursive(_LEAF, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=5)


@cache
def fitting_at(where: str) -> st.SearchStrategy[Any]:
    """Made once: making a strategy costs more than drawing from it."""
    return fitting(where, FIELDS[where][1])


@pytest.mark.parametrize("where", FIELDS)
class TestEveryField:
    """For every field: what fits is taken, what does not is refused, and nothing else is raised."""

    @settings(max_examples=12, deadline=None)
    @given(data=st.data())
    def test_takes_what_fits(self, where: str, data: st.DataObject) -> None:
        kind, field = FIELDS[where]
        value = data.draw(fitting_at(where))
        check_value(kind, field.name, value)
        json.dumps(value, allow_nan=False)
        if field.kind == "list":
            for row in value:
                check_row(kind, field.name, row)
                for cell, inner in row.items():
                    check_cell(kind, field.name, cell, inner)
        if field.merge == "set":
            for member in value:
                check_member(kind, field.name, member)

    def test_takes_every_code_and_every_reason(self, where: str) -> None:
        kind, field = FIELDS[where]
        for code in records.code_list(field.codes).codes if field.codes else ():
            check_value(kind, field.name, [code] if field.merge == "set" else code)
        for reason in REASONS if field.allows_missing else ():
            check_value(kind, field.name, {"missing": reason})

    def test_refuses_what_does_not_fit(self, where: str) -> None:
        for value in unfitting(where, FIELDS[where][1]):
            error = refused(where, FIELDS[where][1], value)
            assert error.code == "bad-value"
            assert error.field.startswith(where)
            assert str(error) == f"{error.field}: saw {error.seen}; wanted {error.wanted}"

    @settings(max_examples=12, deadline=None)
    @given(data=st.data())
    def test_refuses_or_takes_anything_at_all(self, where: str, data: st.DataObject) -> None:
        kind, field = FIELDS[where]
        value = data.draw(ANYTHING)
        try:
            check_value(kind, field.name, value)
        except BadValue:
            return
        json.dumps(value, allow_nan=False)

    def test_never_repeats_what_was_given(self, where: str) -> None:
        kind, field = FIELDS[where]
        shapes: list[Any] = [
            CANARY,
            CANARY * 1000,
            [CANARY],
            [CANARY, CANARY],
            {CANARY: 1},
            {"missing": CANARY},
        ]
        shapes += [
            [{CANARY: CANARY}],
            [dict.fromkeys(field.cells, CANARY)],
            {"at": CANARY, "precision": CANARY},
        ]
        for value in shapes:
            try:
                check_value(kind, field.name, value)
            except BadValue as error:
                said = "".join(traceback.format_exception(error, chain=True))
                assert error.__context__ is None
                assert error.__cause__ is None
                assert not any(word in str(error) for word in CANARY.split() if len(word) > 2)
                assert "\n" not in str(error)
                assert said.rstrip().endswith(str(error))

    def test_says_which_codes_there_are(self, where: str) -> None:
        _, field = FIELDS[where]
        if field.codes:
            error = refused(where, field, ["no_such_code"] if field.merge == "set" else "no_such_code")
            assert "not on the list" in error.seen
            assert ", ".join(records.code_list(field.codes).codes) in error.wanted
        if field.allows_missing:
            error = refused(where, field, {"missing": "because"})
            assert ", ".join(REASONS) in error.wanted


@pytest.mark.parametrize("kind", sorted(records.record_types()))
def test_the_header_is_checked_alike_in_every_type(kind: str) -> None:
    check_value(kind, "event_at", {"at": "2026", "precision": "year"})
    check_member(kind, "handling", "medical")
    with pytest.raises(BadValue, match=rf"^{kind}\.state: saw a code that is not on the list \(locked\); wanted one of draft, signed"):
        check_value(kind, "state", "locked")


class TestNames:
    """A name that is not there, or that is worked out, is refused without being repeated."""

    def test_an_unknown_type(self) -> None:
        for look in (check_value, check_row, check_member, parse_text):
            with pytest.raises(UnknownRecordType):
                look(CANARY, "what", "x")
        with pytest.raises(UnknownRecordType):
            missing_for_signing(CANARY, {})

    def test_an_unknown_field(self) -> None:
        with pytest.raises(BadValue, match="task: saw a field it does not have; wanted one of what, owner, due") as caught:
            check_value("task", CANARY, "x")
        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize("where", ["spend.spend_state", "spend.author", "task.id", "task.received_at"])
    def test_what_is_worked_out(self, where: str) -> None:
        kind, name = where.split(".")
        with pytest.raises(BadValue, match="worked out, never written"):
            check_value(kind, name, "posted")
        with pytest.raises(BadValue, match="worked out, never written"):
            parse_text(kind, name, "posted")

    def test_a_fund_line_has_no_subject(self) -> None:
        with pytest.raises(BadValue, match="fund_line: saw a field it does not have"):
            check_value("fund_line", "subject", ID)

    def test_errors_are_value_errors_with_a_retry_rule(self) -> None:
        with pytest.raises(ValueError, match=r"^task\.what: saw a whole number; wanted 1 to 200 characters") as caught:
            check_value("task", "what", 7)
        assert isinstance(caught.value, BadValue)
        assert caught.value.retry == "never"


class TestParts:
    """A refusal points at the row, the cell or the member; rows, cells and members can be checked alone."""

    def test_points_at_the_cell(self) -> None:
        rows = [
            {"dva_type": "sexual", "used": "no"},
            {"dva_type": "sexual", "used": "no", "severity": "awful"},
        ]
        with pytest.raises(BadValue, match=r"not on the list \(awful\); wanted one of none, standard, moderate, high; or ") as caught:
            check_value("risk_assessment", "grid", rows)
        assert caught.value.field == "risk_assessment.grid row 2 severity"
        with pytest.raises(BadValue, match=r"^risk_assessment\.grid row 1 used: saw a whole number; wanted yes or no;"):
            check_row("risk_assessment", "grid", {"dva_type": "sexual", "used": 7})

    def test_points_at_the_row(self) -> None:
        wanted = "an object with who, words, and no keys but who, words"
        for row in ({"who": "him"}, {"who": "him", "words": "x", "tone": "x"}, "x"):
            with pytest.raises(BadValue, match=wanted) as caught:
                check_row("case_note", "quotes", row)
            assert caught.value.field == "case_note.quotes row 1"

    def test_a_cell_that_may_change(self) -> None:
        check_cell("own_safety_plan", "warning_signs", "order", 3)
        check_cell("risk_assessment", "grid", "severity", {"missing": "not_asked"})
        with pytest.raises(BadValue, match=r"^own_safety_plan\.warning_signs order: saw a whole number"):
            check_cell("own_safety_plan", "warning_signs", "order", 0)
        with pytest.raises(BadValue, match=r"^risk_assessment\.grid severity: saw a code that is not on the list"):
            check_cell("risk_assessment", "grid", "severity", "awful")
        with pytest.raises(BadValue, match="a cell it does not have; wanted one of words, order, withdrawn"):
            check_cell("own_safety_plan", "warning_signs", CANARY, 3)

    def test_parts_of_a_field_that_has_none(self) -> None:
        with pytest.raises(BadValue, match="the field holds no rows but long"):
            check_row("case_note", "body", {"who": "x"})
        with pytest.raises(BadValue, match="the field holds no rows but codes"):
            check_cell("case_note", "work_types", "who", "x")
        with pytest.raises(BadValue, match="the field is not a set but list"):
            check_member("case_note", "quotes", {})

    def test_a_member(self) -> None:
        check_member("case_note", "work_types", "direct_support")
        for member in ("no_such_code", ["direct_support"], {"missing": "not_known"}):
            with pytest.raises(BadValue):
                check_member("case_note", "work_types", member)
        with pytest.raises(BadValue, match="among its members a whole number; wanted a list, no member twice, each one of"):
            check_value("case_note", "work_types", ["direct_support", 7])

    def test_what_no_other_language_could_hold(self) -> None:
        check_value("contact", "minutes", MAX_INT)
        for beyond in (MAX_INT + 1, -MAX_INT - 1):
            with pytest.raises(BadValue, match=r"a whole number beyond 2\^53 - 1"):
                check_value("contact", "minutes", beyond)
        with pytest.raises(BadValue, match="a Python bytes, which JSON cannot hold"):
            check_value("task", "what", b"x")

    def test_what_is_nested_too_deeply(self) -> None:
        value: Any = "x"
        for _ in range(20):
            value = [value]
        with pytest.raises(BadValue, match="nested deeper than 16"):
            check_value("case_note", "quotes", value)
        value.append(value)
        with pytest.raises(BadValue):
            check_value("case_note", "quotes", value)


class TestNoFetching:
    """A schema that names one that is not here is an error, and never a request."""

    def test_a_reference_outside_the_folder_is_refused(self) -> None:
        with pytest.raises(ValueError, match="is not in shared_schema/records"):
            values.validator("elsewhere", "#")


TYPED: list[tuple[str, str, Any]] = [
    ("task.what", "ring the hostel", "ring the hostel"),
    ("task.what", "  spaces are kept ", "  spaces are kept "),
    ("case_note.body", "line one\nline two", "line one\nline two"),
    ("case_note.body", "missing: he left before I could ask", "missing: he left before I could ask"),
    ("case_note.body", "missing:teeth", "missing:teeth"),
    ("person.gp", "missing:not_safe_to_ask", {"missing": "not_safe_to_ask"}),
    ("person.gp", " missing:not_known ", {"missing": "not_known"}),
    ("person.gp", "Dr Quill, The Surgery", "Dr Quill, The Surgery"),
    ("person.born", "1984", "1984"),
    ("person.born", "1984-02-29", "1984-02-29"),
    ("person.parent", "Yes", "yes"),
    ("person.parent", "missing:declined_to_say", {"missing": "declined_to_say"}),
    ("person.gender", "men", "men"),
    ("person.cohort_flags", "serial, repeat ,mappa", ["serial", "repeat", "mappa"]),
    ("contact.minutes", "0", 0),
    ("contact.minutes", " 45 ", 45),
    ("contact.minutes", "missing:not_known", {"missing": "not_known"}),
    ("contact.workers", f"{ID.upper()}, {ID.replace('0', '1')}", [ID, ID.replace("0", "1")]),
    ("contact.event_at", "2026-03-04T14:30", {"at": "2026-03-04T14:30", "precision": "minute"}),
    ("contact.event_at", "2026-03-04 14:30", {"at": "2026-03-04T14:30", "precision": "minute"}),
    ("contact.event_at", "2026-03-04T14", {"at": "2026-03-04T14", "precision": "hour"}),
    ("contact.event_at", "2026-03-04", {"at": "2026-03-04", "precision": "day"}),
    ("contact.event_at", "2026-03", {"at": "2026-03", "precision": "month"}),
    ("contact.event_at", "2026", {"at": "2026", "precision": "year"}),
    ("contact.event_at", "about 2026-03", {"at": "2026-03", "precision": "about"}),
    ("contact.event_at", "about:2026-03-04 14", {"at": "2026-03-04T14", "precision": "about"}),
    ("contact.event_at", '{"at": "2026", "precision": "about"}', {"at": "2026", "precision": "about"}),
    ("spend.amount", "12.50", 1250),
    ("spend.amount", "£12.50", 1250),
    ("spend.amount", "12", 1200),
    ("spend.amount", "0.05", 5),
    ("spend.amount", "£1,234,567.89", 123456789),
    ("spend.spend_id", ID.upper(), ID),
    ("fund_line.receipt_hash", HASH.upper(), HASH),
    ("fund_line.receipt_hash", "missing:waiting_for_answer", {"missing": "waiting_for_answer"}),
    ("fund_line.device", ID, ID),
    ("own_safety_plan.likely_to_use", "10", 10),
    ("task.due", " 2026-03-04 ", "2026-03-04"),
    ("case_note.quotes", '{"who": "him", "words": "£5"}', [{"who": "him", "words": "£5"}]),
    ("case_note.quotes", ' [{"who": "him", "words": "no"}]', [{"who": "him", "words": "no"}]),
    ("risk_assessment.grid", '{"dva_type": "sexual", "used": {"missing": "not_asked"}}', None),
]

MISTYPED: list[tuple[str, str, str]] = [
    ("task.what", "", "text that is empty or blank; wanted 1 to 200 characters"),
    ("task.what", "missing:not_known", "saw a missing reason; wanted 1 to 200"),
    ("task.due", "missing:not_known", "saw a missing reason; wanted a day as YYYY-MM-DD"),
    (
        "person.gp",
        "missing:because",
        r"a missing reason that is not on the list \(because\); .*not_asked, declined_to_say",
    ),
    ("task.due", "03/04/2026", "a day written another way; wanted YYYY-MM-DD"),
    ("task.due", "3-4-26", "a day written another way; wanted YYYY-MM-DD"),
    ("task.due", "2026/03/04", "a day written another way; wanted YYYY-MM-DD"),
    ("task.due", "4 March 2026", "text of 12 characters; wanted a day as YYYY-MM-DD"),
    ("task.due", "2026-02-30", "there is no such day; wanted YYYY-MM-DD"),
    ("task.due", "0206-11-20", "a year that is not from 1000 to 2999; wanted YYYY-MM-DD"),
    ("task.due", "missing:dunno", "saw a missing reason; wanted a day as YYYY-MM-DD"),
    ("person.born", "03.04.1984", "a day written another way; wanted YYYY-MM-DD"),
    ("contact.event_at", "03/04/2026", "a day written another way; wanted YYYY-MM-DD"),
    ("contact.event_at", "about 03/04/2026", "a day written another way; wanted YYYY-MM-DD"),
    ("contact.event_at", "2026-03-04T25:00", "no such day or time; wanted .* for example 2026-11-20T14:30 or 2026-11-20"),
    ("contact.event_at", "missing:dunno", "saw a missing reason; wanted YYYY-MM-DDTHH:MM"),
    ("contact.event_at", "about then", "text of 10 characters; wanted YYYY-MM-DDTHH:MM"),
    ("contact.event_at", "yesterday", "text of 9 characters; wanted YYYY-MM-DDTHH:MM, or less of it"),
    ("contact.event_at", "2026-03-04T14:30:00", "wanted YYYY-MM-DDTHH:MM"),
    ("contact.event_at", "03/04/2026 14:30", "a day written another way; wanted YYYY-MM-DD"),
    ("contact.event_at", "2026-02-30", "there is no such day; wanted YYYY-MM-DD"),
    ("spend.amount", "12.505", "an amount with 3 decimals; wanted pounds as 12, 12.50 or £12.50"),
    ("spend.amount", "12.5", "an amount with 1 decimals; wanted pounds"),
    ("spend.amount", "£12.", "an amount with 0 decimals; wanted pounds"),
    ("spend.amount", "1,2.50", "an amount with 2 decimals; wanted pounds"),
    ("spend.amount", "-12.50", "an amount of 0 or less; wanted pounds above 0"),
    ("spend.amount", "twelve", "text of 6 characters; wanted pounds"),
    ("spend.amount", "١٢", "text of 2 characters; wanted pounds"),
    ("spend.amount", "0", "an amount of 0 or less; wanted pounds above 0, at most £10,000,000"),
    ("spend.amount", "99999999999999.99", "an amount that is too large; wanted pounds above 0"),
    ("spend.amount", "9" * 5000, "text of 5000 characters; wanted pounds"),
    ("contact.minutes", "1.5", "text of 3 characters; wanted whole minutes"),
    ("contact.minutes", "-1", "a whole number that is too small; wanted whole minutes, 0 or more"),
    ("contact.minutes", "missing:dunno", "or missing:REASON, the reason being one of not_asked, declined_to_say"),
    ("contact.minutes", "9" * 5000, "text of 5000 characters; wanted whole minutes"),
    ("own_safety_plan.likely_to_use", "11", "a whole number that is too large; wanted a whole number from 0 to 10"),
    ("person.parent", "y", "wanted yes or no"),
    ("person.gender", "Men", "wanted one of men, women"),
    ("person.gender", "man", r"a code that is not on the list \(man\); wanted one of men, women"),
    ("person.cohort_flags", "serial,", "among its members text that is empty or blank"),
    ("person.cohort_flags", "serial,serial", "a list of 2; wanted a list, no member twice"),
    ("contact.workers", "me", "among its members text of 2 characters; .*lower-case UUID"),
    ("case_note.quotes", "he said no", "text of 10 characters; wanted JSON: a list of rows"),
    ("case_note.quotes", '{"who": "him"', "text that is not JSON; wanted JSON"),
    ("case_note.quotes", '{"who": "him", "who": "her", "words": "x"}', "an object with the same key twice"),
    ("case_note.quotes", '{"who": "him", "words": 1.5}', "a number with a fraction"),
    ("case_note.quotes", '{"who": "him", "words": NaN}', "a number with a fraction"),
    ("case_note.quotes", '{"who": "him", "words": ' + "9" * 5000 + "}", "text that is not JSON"),
    ("case_note.quotes", '{"who": "\\ud800", "words": "x"}', "text that is not Unicode"),
    ("case_note.quotes", "[" * 100_000, "text that is not JSON"),
    ("case_note.quotes", "[]", "a list of 0; wanted a list of rows"),
    ("spend.spend_id", "1", "wanted an id: a lower-case UUID"),
]


class TestTypedText:
    """What a person types becomes the value that was meant, or is refused with what to type instead."""

    @pytest.mark.parametrize(("where", "text", "value"), TYPED)
    def test_is_understood(self, where: str, text: str, value: Any) -> None:
        kind, name = where.split(".")
        parsed = parse_text(kind, name, text)
        assert parsed == (value if value is not None else [json.loads(text)])
        assert type(parsed) is type(value) or value is None

    @pytest.mark.parametrize(("where", "text", "said"), MISTYPED, ids=range(len(MISTYPED)))
    def test_is_refused(self, where: str, text: str, said: str) -> None:
        kind, name = where.split(".")
        with pytest.raises(BadValue, match=said) as caught:
            parse_text(kind, name, text)
        assert caught.value.__context__ is None

    @settings(max_examples=300, deadline=None)
    @given(pence=st.integers(1, 10**9), sign=st.sampled_from(["", "£"]), grouped=st.booleans())
    def test_pounds_are_exact(self, pence: int, sign: str, grouped: bool) -> None:
        pounds = f"{pence // 100:,}" if grouped else str(pence // 100)
        assert parse_text("spend", "amount", f"{sign}{pounds}.{pence % 100:02}") == pence

    @settings(max_examples=200, deadline=None)
    @given(
        where=st.sampled_from(sorted(FIELDS)),
        text=st.text(max_size=30) | st.sampled_from([t for _, t, _ in TYPED]),
    )
    def test_any_text_gives_a_value_that_fits_or_a_refusal(self, where: str, text: str) -> None:
        kind, field = FIELDS[where]
        try:
            value = parse_text(kind, field.name, text)
        except BadValue as error:
            assert error.__context__ is None
        else:
            check_value(kind, field.name, value)

    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_rows_come_back_as_they_were_written(self, data: st.DataObject) -> None:
        where = data.draw(st.sampled_from([w for w, (_, field) in FIELDS.items() if field.kind == "list"]))
        kind, field = FIELDS[where]
        rows = data.draw(fitting(where, field))
        assert parse_text(kind, field.name, json.dumps(rows)) == rows
        assert parse_text(kind, field.name, json.dumps(rows[0])) == rows[:1]


NOTE = {
    "body": "x",
    "suicide_or_self_harm": "nothing_noted",
    "threat_to_someone": "concern",
    "child_concern": "act_now",
}


def missing_for_signing(kind: str, values: Mapping[str, object], *, file_kind: str | None = None) -> list[str]:
    """Labels of what is still needed."""
    return [one.label for one in needed_to_sign(kind, values, file_kind=file_kind)]


RISKS = ("to_partner", "to_children", "to_staff", "to_self")


class TestMissingForSigning:
    """Only what is needed to sign, and only where its condition holds, is asked for; by its label."""

    def test_a_note(self) -> None:
        assert missing_for_signing("case_note", {}) == [
            "Note",
            "Suicide or self-harm",
            "Threat to someone",
            "Concern for a child",
        ]
        assert missing_for_signing("case_note", NOTE) == []

    @pytest.mark.parametrize("empty", [None, "", [], (), {"missing": "not_known"}])
    def test_what_counts_as_empty(self, empty: object) -> None:
        """A note takes no missing reason, so one does not fill it."""
        assert missing_for_signing("case_note", {**NOTE, "body": empty}) == ["Note"]

    def test_a_missing_reason_fills_a_field_that_takes_one(self) -> None:
        asked = ("born", "gender", "ethnicity", "language", "interpreter")
        person: dict[str, object] = {name: {"missing": "not_asked"} for name in asked}
        person |= {"names": [{"name": "A"}], "parent": "no"}
        assert missing_for_signing("person", person) == []

    def test_zero_and_no_are_values(self) -> None:
        assert missing_for_signing("spend_reversal", {"of": ID, "amount": 0, "why": "x"}) == []
        task = {"what": "x", "owner": ID, "due": "2026-03-04", "task_state": "open"}
        assert missing_for_signing("task", task) == []
        assert "Used" not in missing_for_signing("risk_assessment", {"grid": [{"dva_type": "sexual", "used": "no"}]})

    def test_a_condition_on_a_code(self) -> None:
        base: dict[str, object] = {"point": "intake"}
        label = "Change since last time"
        assert label not in missing_for_signing("risk_assessment", base)
        for later in ("3_months", "6_months", "9_months", "case_closure", "after_incident"):
            assert label in missing_for_signing("risk_assessment", {"point": later})
            assert label not in missing_for_signing("risk_assessment", {"point": later, "change_since_last": "no_change"})
        for other in ("at_referral", "other"):
            assert label not in missing_for_signing("risk_assessment", {"point": other})

    def test_a_condition_on_yes(self) -> None:
        label = "Where the children live"
        assert label in missing_for_signing("person", {"parent": "yes"})
        for answer in ("no", {"missing": "not_known"}, None):
            assert label not in missing_for_signing("person", {"parent": answer})

    def test_a_receipt_or_why_there_is_none(self) -> None:
        both = {"Receipt", "Why there is no receipt"}
        assert both <= set(missing_for_signing("spend", {}))
        assert not both & set(missing_for_signing("spend", {"receipt": [ID]}))
        assert not both & set(missing_for_signing("spend", {"no_receipt_why": "lost"}))

    def test_a_condition_on_what_is_worked_out(self) -> None:
        assert "Decisions" not in missing_for_signing("spend", {"spend_state": "posted"})
        assert "Decisions" in missing_for_signing("spend", {"spend_state": "claimed"})

    def test_a_condition_outside_the_record_is_never_asked(self) -> None:
        assert "Why there is no contact" not in missing_for_signing("contact", {})

    @pytest.mark.parametrize(
        ("kind", "wanted"),
        [
            ("allotment", set()),
            ("spend", {"Category", "Spend id", "Hash of the receipt", "Device whose allowance it touches"}),
            ("reversal", {"Spend id it refers to"}),
            ("reclaim", {"Device whose allowance it touches"}),
            ("cover", {"Spend id it refers to"}),
        ],
    )
    def test_each_kind_of_fund_line(self, kind: str, wanted: set[str]) -> None:
        line = {"kind": kind, "amount": 1, "funder": "x", "period": "x", "against": None}
        assert set(missing_for_signing("fund_line", line)) == wanted

    def test_one_heading_at_least(self) -> None:
        first, *others = missing_for_signing("victim_safety_plan", {})
        assert first.startswith("At least one of: Where is safe, Ways out, ")
        assert first.endswith(", If separating")
        assert others == ["May she hold a copy", "Where it is kept", "Review on"]
        assert missing_for_signing("victim_safety_plan", {"transport": "x"}) == others

    def test_a_withdrawn_row_does_not_count(self) -> None:
        row = {"words": "x"}
        for rows, needed in (
            ([row], False),
            ([row | {"withdrawn": "yes"}], True),
            ([row | {"withdrawn": "no"}], False),
        ):
            labels = missing_for_signing("own_safety_plan", {"professionals": rows})
            assert any(label.startswith("At least one of: Warning signs") for label in labels) is needed

    def test_cells_that_can_be_filled_later(self) -> None:
        grid: dict[str, object] = {"dva_type": "sexual", "used": "yes"}
        assert "Types of abuse: Severity" in missing_for_signing("risk_assessment", {"grid": [grid]})
        for severity in ("none", {"missing": "not_known"}):
            whole = {"grid": [grid | {"severity": severity}]}
            assert not [label for label in missing_for_signing("risk_assessment", whole) if label.startswith("Types")]

    def test_only_what_stands_in_that_kind_of_file(self) -> None:
        assert missing_for_signing("person", {}, file_kind="shared_care") == [
            "Names",
            "Language",
            "Needs an interpreter",
        ]
        assert "Ethnicity" in missing_for_signing("person", {}, file_kind="case")

    def test_says_which_fields_and_what_they_take(self) -> None:
        _, risk, *_ = needed_to_sign("case_note", {})
        assert risk == Needed(("suicide_or_self_harm",), "Suicide or self-harm", "one of not_discussed, nothing_noted, concern, act_now")
        assert str(risk) == "suicide_or_self_harm (one of not_discussed, nothing_noted, concern, act_now)"
        assert str(needed_to_sign("own_safety_plan", {})[0]).startswith("at least one of warning_signs, things_i_can_do")
        grid = {"grid": [{"dva_type": "sexual", "used": "yes"}]}
        assert "grid.severity" in [name for one in needed_to_sign("risk_assessment", grid) for name in one.fields]

    def test_names_that_are_not_known_are_passed_over(self) -> None:
        assert missing_for_signing("case_note", {**NOTE, "a_field_of_a_later_version": "x"}) == []

    @pytest.mark.parametrize("name", sorted(records.record_types()))
    @settings(max_examples=20, deadline=None)
    @given(data=st.data())
    def test_a_record_with_every_field_filled_can_be_signed(self, name: str, data: st.DataObject) -> None:
        every = records.record_type(name).fields.values()
        whole = {field.name: data.draw(full(f"{name}.{field.name}", field)) for field in every}
        assert missing_for_signing(name, whole) == []

    @pytest.mark.parametrize("name", sorted(records.record_types()))
    def test_asks_for_each_field_that_is_marked_sign(self, name: str) -> None:
        marked = {field.label for field in records.record_type(name).fields.values() if field.need == "sign"}
        assert marked <= set(missing_for_signing(name, {}))


def full(where: str, field: Field) -> st.SearchStrategy[Any]:
    """Values that fit and, for rows, have every cell and are not withdrawn; null does not fill a field."""
    if field.merge == "set":
        return fitting(where, field).filter(lambda value: len(value) >= field.least)
    if field.kind != "list":
        return fitting(where, field).filter(lambda value: value is not None)
    cells = {name: fitting(f"{where}.{name}", cell) for name, cell in field.cells.items() if name != "withdrawn"}
    return st.lists(st.fixed_dictionaries(cells), min_size=field.least, max_size=field.least + 1)


CHECKS: list[Callable[..., object]] = [check_value, check_row, check_member, check_cell]


def test_every_check_says_nothing_when_all_is_well() -> None:
    """A check either raises or returns nothing: there is no result to forget to look at."""
    row = {"who": "him", "words": "x"}
    arguments: list[tuple[Any, ...]] = [
        ("case_note", "quotes", [row]),
        ("case_note", "quotes", row),
        ("case_note", "work_types", "direct_support"),
        ("case_note", "quotes", "who", "him"),
    ]
    for check, given_ in zip(CHECKS, arguments, strict=True):
        assert check(*given_) is None
