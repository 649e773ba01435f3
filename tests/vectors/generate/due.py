"""Vectors of what follows from records and the clock (docs/spec.md §5.10). Every outcome is said by hand, and checked against the rules."""

from datetime import UTC, datetime
from typing import Any, Final

from tests.vectors.due_operations import DUE_OPERATIONS
from tests.vectors.generate.world import fill
from tests.vectors.notation import Book

_NOON: Final = "2026-11-23T14:00"  # a Monday, in winter: the same in UTC
_CASE, _OTHER = fill("case", 16), fill("other case", 16)
_ME, _NIA, _LEAD = (f"0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))


def _ms(at: str) -> int:
    return int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 1000


def _tell(book: Book, op: str, name: str, why: str, out: Any, **given: Any) -> None:
    made = DUE_OPERATIONS[op](given)
    assert made == out, (name, made)
    book.add(name, why, op=op, given=given, out=out)


# --- what is due ------------------------------------------------------------------------------------------------------------


class _Case:
    """The records of one case of the vectors; each is named by its place."""

    def __init__(self) -> None:
        self.said: list[list[Any]] = []

    def put(self, type_: str, file: bytes = _CASE, author: str = _ME, **values: Any) -> bytes:
        record = bytes([len(self.said) + 1]) * 16
        self.said.append([file, record, type_, author, values])
        return record


def _due(book: Book, name: str, why: str, case: _Case, wanted: list[Any], at: str = _NOON, **more: Any) -> None:
    given = {"said": case.said, "leads": [], "ms": _ms(at), "ahead": 7, "whose": ""} | more
    _tell(book, "due_items", name, why, wanted, **given)


def _one(book: Book, name: str, why: str, type_: str, values: dict[str, Any], *wanted: tuple[str, str, str, int], **more: Any) -> None:
    """One record; each item wanted is (day, field, what, days)."""
    case = _Case()
    record = case.put(type_, **values)
    owner = values.get("owner", _ME)
    _due(book, name, why, case, [[day, _CASE, record, f"{type_}.{field}", owner, what, days] for day, field, what, days in wanted], **more)


_REVIEWS: Final = (
    ("case_status", "look_again_on"), ("risk_assessment", "next_review"), ("risk_management_plan", "review_on"), ("support_plan", "review_on"),
    ("own_safety_plan", "review_on"), ("victim_safety_plan", "review_on"), ("staff_safety_plan", "review_on"), ("contact_strategy", "review_on"),
    ("case_review", "next_on"), ("dash_assessment", "again_on"), ("safe_contact", "check_again_on"), ("role_check", "review_on"),
    ("consent", "look_again_on"), ("consent", "expires_on"),
)  # fmt: skip
_ROWS: Final = (
    ("risk_management_plan", "actions", "action"), ("need", "steps", "step"), ("case_review", "decisions", "decision"),
    ("supervision", "decisions", "decision"),
)  # fmt: skip


def _kinds(book: Book) -> None:
    task = {"what": "ring the food bank", "due": "2026-11-24", "owner": _ME, "task_state": "open"}
    _one(book, "task", "A task.", "task", task, ("2026-11-24", "due", "ring the food bank", 1))
    _one(book, "task_done", "A task that is done.", "task", task | {"task_state": "done"})
    _one(book, "task_dropped", "A task that is not needed any more.", "task", task | {"task_state": "dropped"})
    _one(
        book,
        "task_state_unknown",
        "A state that nobody knows is not over.",
        "task",
        task | {"task_state": "later"},
        ("2026-11-24", "due", task["what"], 1),
    )
    _one(book, "task_state_unsaid", "Nor is one of which nothing is said.", "task", {"due": "2026-11-24"}, ("2026-11-24", "due", "", 1))
    _one(book, "words_no_text", "Words that are no text are none.", "task", {"due": "2026-11-24", "what": 7}, ("2026-11-24", "due", "", 1))
    action = {"action": "ask housing", "due": "2026-11-20", "owner": _ME}
    _one(book, "forum_action", "An action of a forum, overdue.", "forum_action", action, ("2026-11-20", "due", "ask housing", -3))
    _one(book, "forum_action_done", "It was done.", "forum_action", action | {"done_on": "2026-11-19"})
    unsaid = {"done_on": {"missing": "not_known"}}
    _one(
        book,
        "forum_action_missing",
        "A reason why nothing is said is no answer.",
        "forum_action",
        action | unsaid,
        ("2026-11-20", "due", "ask housing", -3),
    )
    request = {"agency": "Police", "due_on": "2026-11-23"}
    _one(book, "request", "An answer that is due today.", "information_request", request, ("2026-11-23", "due_on", "Police", 0))
    _one(book, "request_answered", "It was answered.", "information_request", request | {"answered_on": "2026-11-20"})
    _one(book, "data_request", "A request for records.", "data_request", {"due": "2026-11-30"}, ("2026-11-30", "due", "", 7))
    _one(
        book,
        "data_request_none",
        "A list of nothing is not filled.",
        "data_request",
        {"due": "2026-11-30", "released": []},
        ("2026-11-30", "due", "", 7),
    )
    _one(book, "data_request_released", "Something was released.", "data_request", {"due": "2026-11-30", "released": [{"what": "all"}]})
    _one(
        book,
        "agreement",
        "An agreement ends.",
        "sharing_agreement",
        {"name": "MAPPA", "expires": "2026-11-29"},
        ("2026-11-29", "expires", "MAPPA", 6),
    )
    _one(book, "order", "An order ends.", "legal_order", {"ends": "2026-11-23", "order_state": "in_force"}, ("2026-11-23", "ends", "", 0))
    _one(book, "order_ended", "It ended before.", "legal_order", {"ends": "2026-11-23", "order_state": "ended"})
    for type_, field in _REVIEWS:
        _one(book, f"{type_}_{field}", "A day on which to look again.", type_, {field: "2026-11-25"}, ("2026-11-25", field, "", 2))
    for status in ("refused", "withdrawn", "expired"):
        _one(
            book,
            f"consent_{status}",
            "A consent that ended.",
            "consent",
            {"look_again_on": "2026-11-20", "expires_on": "2026-11-20", "status": status},
        )
    _one(book, "two_of_one_record", "Two days of one record, in the order of the table.", "consent", {"expires_on": "2026-11-20", "look_again_on": "2026-11-20"},
         ("2026-11-20", "look_again_on", "", -3), ("2026-11-20", "expires_on", "", -3))  # fmt: skip


def _rows(book: Book) -> None:
    for type_, rows, words in _ROWS:
        row = {words: "first", "due": "2026-11-24"}
        given = [
            row,
            row | {words: "second", "state": "done"},
            row | {words: "third", "state": "dropped"},
            row | {words: "fourth", "withdrawn": "yes"},
        ]
        more = [row | {words: "fifth", "withdrawn": "no", "state": "open"}, {words: "without a day"}, "no row"]
        wanted = [("2026-11-24", "due", said, 1) for said in ("first", "fifth")]
        _one(book, f"{type_}_{rows}", "Rows that are open, in their order.", type_, {rows: [*given, *more]}, *wanted)
    _one(book, "rows_no_list", "What is no list has no rows.", "need", {"steps": {"step": "a", "due": "2026-11-24"}})
    case = _Case()
    record = case.put("case_review", decisions=[{"decision": "a", "due": "2026-11-24", "owner": _NIA}, {"decision": "b", "due": "2026-11-24"}])
    items = [["2026-11-24", _CASE, record, "case_review.due", owner, what, 1] for owner, what in ((_NIA, "a"), (_LEAD, "b"))]
    _due(book, "rows_owner", "A row's owner, else the lead.", case, items, leads=[[_CASE, _LEAD]])
    case = _Case()
    case.put("need", steps=[{"step": "a", "due": "2026-11-24"}])
    _due(book, "rows_owner_not_asked", "A step names nobody.", case, [["2026-11-24", _CASE, b"\1" * 16, "need.due", _ME, "a", 1]])


def _days(book: Book) -> None:
    due = {"due": "2026-11-24"}
    for name, why, value in (
        ("day_impossible", "No calendar has that day.", "2026-02-30"),
        ("day_short", "A day has four, two and two digits.", "2026-2-03"),
        ("day_week", "A week is no day.", "2026-W47-2"),
        ("day_time", "A day with an hour is none.", "2026-11-24T10:00"),
        ("day_year_zero", "There is no year 0.", "0000-01-01"),
        ("day_words", "A word is no day.", "tomorrow"),
        ("day_missing", "A missing reason is no day.", {"missing": "not_known"}),
        ("day_number", "A number is no day.", 20261124),
        ("day_blank", "A blank before it.", " 2026-11-24"),
        ("day_other_digits", "Digits of another script.", "２０２６-11-24"),
    ):
        _one(book, name, why, "task", {"due": value})
    _one(book, "ahead", "The last day that was asked for.", "task", {"due": "2026-11-30"}, ("2026-11-30", "due", "", 7))
    _one(book, "beyond", "The day after it.", "task", {"due": "2026-12-01"})
    _one(book, "long_ago", "However long ago.", "task", {"due": "0001-01-01"}, ("0001-01-01", "due", "", -739942))
    _one(book, "never", "However far ahead.", "task", {"due": "9999-12-31"}, ("9999-12-31", "due", "", 2912116), ahead=3_000_000)
    _one(book, "last_minute", "Today until midnight.", "task", due, ("2026-11-24", "due", "", 0), at="2026-11-24T23:59")
    _one(book, "midnight", "Overdue from midnight on.", "task", due, ("2026-11-24", "due", "", -1), at="2026-11-25T00:00")
    summer = {"due": "2026-07-01"}
    _one(book, "summer_before", "In summer the day ends an hour before UTC's.", "task", summer, ("2026-07-01", "due", "", 0), at="2026-07-01T22:59")
    _one(book, "summer_midnight", "Midnight of summer time.", "task", summer, ("2026-07-01", "due", "", -1), at="2026-07-01T23:00")
    spring, autumn = {"due": "2026-03-29"}, {"due": "2026-10-25"}
    _one(
        book,
        "spring_forward",
        "The day on which summer time begins is one of 23 hours.",
        "task",
        spring,
        ("2026-03-29", "due", "", 0),
        at="2026-03-29T22:59",
    )
    _one(book, "spring_forward_over", "An hour sooner than the day before.", "task", spring, ("2026-03-29", "due", "", -1), at="2026-03-29T23:00")
    _one(book, "fall_back", "The day on which it ends begins in summer time.", "task", autumn, ("2026-10-25", "due", "", 0), at="2026-10-24T23:00")
    _one(book, "fall_back_over", "And lasts 25 hours.", "task", autumn, ("2026-10-25", "due", "", 0), at="2026-10-25T23:59")


def _whose(book: Book) -> None:
    case = _Case()
    mine = case.put("task", due="2026-11-23", owner=_ME)
    theirs = case.put("task", due="2026-11-23", owner=_NIA)
    wanted = [["2026-11-23", _CASE, record, "task.due", owner, "", 0] for record, owner in ((mine, _ME), (theirs, _NIA))]
    _due(book, "everybodys", "Without a name everybody's.", case, wanted)
    _due(book, "mine", "One's own alone.", case, wanted[:1], whose=_ME)
    _due(book, "theirs", "Somebody else's alone.", case, wanted[1:], whose=_NIA)
    _due(book, "nobodys", "Of somebody who has nothing to do.", case, [], whose=_LEAD)
    case = _Case()
    review = case.put("case_review", next_on="2026-11-23")
    unclear = case.put("task", due="2026-11-23", owner={"missing": "not_known"})
    away = case.put("task", file=_OTHER, author=_NIA, due="2026-11-23")
    leads = [(_CASE, review, "case_review.next_on", _LEAD), (_CASE, unclear, "task.due", _LEAD), (_OTHER, away, "task.due", _NIA)]
    wanted = [["2026-11-23", file, record, rule, owner, "", 0] for file, record, rule, owner in sorted(leads)]
    _due(book, "leads", "What names nobody is the lead's, and in a file without one the author's.", case, wanted, leads=[[_CASE, _LEAD]])


def _newest(book: Book) -> None:
    case = _Case()
    case.put("case_review", next_on="2026-11-01")
    last = case.put("case_review", next_on="2026-11-25")
    _due(book, "last", "The last review of a file counts.", case, [["2026-11-25", _CASE, last, "case_review.next_on", _ME, "", 2]])
    case = _Case()
    case.put("risk_assessment", next_review="2026-11-01")
    case.put("risk_assessment", level="low")
    _due(book, "last_without_day", "Also where it names no day.", case, [])
    case = _Case()
    first = case.put("case_review", next_on="2026-11-25")
    second = case.put("case_review", file=_OTHER, next_on="2026-11-25")
    wanted = [["2026-11-25", file, record, "case_review.next_on", _ME, "", 2] for file, record in sorted(((_CASE, first), (_OTHER, second)))]
    _due(book, "last_of_each_file", "Each file has its own.", case, wanted)
    case = _Case()
    case.put("consent", about_p="therapy", look_again_on="2026-11-20")
    part = case.put("consent", about_p="take_part", look_again_on="2026-11-21")
    again = case.put("consent", about_p="therapy", look_again_on="2026-11-22")
    bare = case.put("consent", look_again_on="2026-11-23")
    wanted = [[f"2026-11-2{n}", _CASE, record, "consent.look_again_on", _ME, "", n - 3] for n, record in ((1, part), (2, again), (3, bare))]
    _due(book, "last_of_each", "The last of each consent; that without a name is one of its own.", case, wanted)
    case = _Case()
    records = [case.put("role_check", who=who, review_on="2026-11-23") for who in ("None", "Jack")]
    records.append(case.put("role_check", review_on="2026-11-23"))
    wanted = [["2026-11-23", _CASE, record, "role_check.review_on", _ME, "", 0] for record in records]
    _due(book, "last_of_nobody", "Somebody who is called None is not nobody.", case, wanted)
    case = _Case()
    case.put("consent", about_p="therapy", look_again_on="2026-11-20")
    case.put("consent", about_p="therapy", status="withdrawn")
    _due(book, "last_over", "A later one that is over ends the earlier.", case, [])
    case = _Case()
    tasks = [case.put("task", due="2026-11-25") for _ in range(2)]
    _due(book, "each", "Of tasks each counts.", case, [["2026-11-25", _CASE, record, "task.due", _ME, "", 2] for record in tasks])


def _closed(book: Book) -> None:
    def case(*status: str) -> _Case:
        made = _Case()
        for kind, field in (("task", "due"), ("case_review", "next_on"), ("legal_order", "ends"), ("consent", "expires_on")):
            day: dict[str, Any] = {field: "2026-11-23"}
            made.put(kind, **day)
        made.put("case_review", file=_OTHER, next_on="2026-11-23")
        for one in status:
            made.put("case_status", status=one, look_again_on="2026-11-23")
        return made

    def item(n: int, rule: str, file: bytes = _CASE) -> list[Any]:
        return ["2026-11-23", file, bytes([n]) * 16, rule, _ME, "", 0]

    def wanted(*mine: list[Any]) -> list[list[Any]]:
        return sorted([*mine, item(5, "case_review.next_on", _OTHER)], key=lambda one: (one[1], one[2]))

    task, order = item(1, "task.due"), item(3, "legal_order.ends")
    _due(
        book, "closed", "A closed case has tasks, actions and orders, and no reviews; another case has its own.", case("closed"), wanted(task, order)
    )
    reviews = [item(2, "case_review.next_on"), item(4, "consent.expires_on")]
    again = item(7, "case_status.look_again_on")
    _due(book, "opened_again", "A case that was opened again has them.", case("closed", "engaged"), wanted(task, order, *reviews, again))
    _due(book, "closed_again", "The last status counts.", case("engaged", "closed"), wanted(task, order))


def _order(book: Book) -> None:
    case = _Case()
    late = case.put("task", file=_OTHER, due="2026-11-24", what="b")
    first = case.put("task", due="2026-11-24", what="z")
    early = case.put("task", file=_OTHER, due="2026-11-23", what="c")
    review = case.put(
        "risk_management_plan", review_on="2026-11-24", actions=[{"action": "y", "due": "2026-11-24"}, {"action": "x", "due": "2026-11-24"}]
    )
    wanted = [["2026-11-24", _OTHER, late, "task.due", _ME, "b", 1], ["2026-11-24", _CASE, first, "task.due", _ME, "z", 1]]
    wanted.append(["2026-11-24", _CASE, review, "risk_management_plan.review_on", _ME, "", 1])
    wanted += [["2026-11-24", _CASE, review, "risk_management_plan.due", _ME, what, 1] for what in ("y", "x")]
    wanted.sort(key=lambda one: (one[1], one[2]))
    _due(
        book,
        "sorted",
        "By day, file, record, then rules and rows, whatever they say.",
        case,
        [["2026-11-23", _OTHER, early, "task.due", _ME, "c", 0], *wanted],
    )
    _due(book, "nothing", "Without records nothing.", _Case(), [])


# --- clocks, requests, visits -------------------------------------------------------------------------------------------------


def _when(at: str, precision: str = "") -> dict[str, str]:
    return {"at": at, "precision": precision or {4: "year", 7: "month", 10: "day", 13: "hour", 16: "minute"}[len(at)]}


def _clocks(book: Book) -> None:
    def add(
        name: str, why: str, out: tuple[str, str | None, str | None, bool, int | None], at: str = _NOON, off: bool = False, **values: Any
    ) -> None:
        told = dict(zip(("state", "earliest", "latest", "unsure", "hours_left"), out, strict=True))
        _tell(book, "order_clock", name, why, told, values=values, ms=_ms(at), clock_unsure=off)

    notice, dvpo = "domestic_violence_protection_notice", "domestic_violence_protection_order"
    sunday = ("2026-11-25T00:00",) * 2
    add("notice", "Served on a Sunday, which does not count.", ("running", *sunday, False, 34), kind=notice, served_at=_when("2026-11-22T14:00"))
    add(
        "dapn",
        "The other notice; a Saturday counts.",
        ("over", "2026-11-21T14:00", "2026-11-21T14:00", False, -48),
        kind="dapn",
        served_at=_when("2026-11-19T14:00"),
    )
    easter = ("2025-04-22T12:00",) * 2
    add(
        "notice_easter",
        "Good Friday, Sunday and Easter Monday do not count.",
        ("over", *easter, False, -13922),
        kind="dapn",
        served_at=_when("2025-04-17T12:00"),
    )
    days = ("2026-11-22T00:00", "2026-11-24T00:00")
    add("notice_day", "Served on a day of which the hour is not known.", ("maybe_over", *days, True, -38), kind="dapn", served_at=_when("2026-11-20"))
    about = ("2026-11-25T09:00",) * 2
    add("notice_about", "About that minute.", ("running", *about, True, 43), kind="dapn", served_at=_when("2026-11-23T09:00", "about"))
    add("notice_clock_off", "A device whose clock is off.", ("running", *about, True, 43), off=True, kind="dapn", served_at=_when("2026-11-23T09:00"))
    nothing = (None, None, False, None)
    add("notice_unserved", "No clock runs before it is served.", ("not_served", *nothing), kind="dapn", order_state="in_force")
    add(
        "notice_unreadable",
        "Nor from a time that cannot be read.",
        ("not_served", *nothing),
        kind="dapn",
        served_at={"at": "2026-11-31", "precision": "day"},
    )
    add("notice_ended", "What has ended has no clock.", ("ended", *nothing), kind="dapn", order_state="ended", served_at=_when("2026-11-23T09:00"))
    add("applied_for", "It was not made.", ("not_served", *nothing), kind=dvpo, order_state="applied_for", ends="2026-11-30")
    add("made_not_served", "It was not served.", ("not_served", *nothing), kind=dvpo, order_state="made_not_served", ends="2026-11-30")
    day = ("2026-12-01T00:00",) * 2
    add(
        "ends",
        "It says its last day, which belongs to it.",
        ("running", *day, False, 178),
        kind="restraining_order",
        order_state="in_force",
        ends="2026-11-30",
    )
    add("ends_clock_off", "By a clock that is off.", ("running", *day, True, 178), off=True, kind="restraining_order", ends="2026-11-30")
    add(
        "ends_last_minute",
        "The last minute of that day.",
        ("running", *day, False, 0),
        at="2026-11-30T23:59",
        kind="restraining_order",
        ends="2026-11-30",
    )
    add(
        "ends_midnight",
        "Over with the midnight that ends it.",
        ("over", *day, False, 0),
        at="2026-12-01T00:00",
        kind="restraining_order",
        ends="2026-11-30",
    )
    summer = ("2026-07-02T00:00",) * 2
    add("ends_summer", "Midnight of summer time.", ("over", *summer, False, 0), at="2026-07-01T23:00", kind="restraining_order", ends="2026-07-01")
    never = ("9999-12-31T00:00",) * 2
    add("ends_never", "The last day that there is.", ("running", *never, False, 69890770), kind="restraining_order", ends="9999-12-31")
    add("notice_never", "Nothing lies beyond it.", ("running", *never, False, 69890770), kind="dapn", served_at=_when("9999-12-31T23:00"))
    law = ("2026-11-20T00:00", "2026-12-04T00:00")
    add("dvpo", "Fourteen to twenty-eight days by law.", ("maybe_over", *law, True, -86), kind=dvpo, order_state="in_force", made_on="2026-11-05")
    add("dvpo_says", "What it says goes before the law.", ("running", *day, False, 178), kind=dvpo, made_on="2026-11-05", ends="2026-11-30")
    months = ("2026-11-24T00:00",) * 2
    add("occupation", "Six months by law.", ("running", *months, True, 10), kind="occupation_order", made_on="2026-05-23")
    february = ("2027-03-01T00:00",) * 2
    add(
        "occupation_february",
        "Six months from 31 August end with February.",
        ("running", *february, True, 2338),
        kind="occupation_order",
        made_on="2026-08-31",
    )
    unknown = (None, None, True, None)
    add("not_known", "Nothing is said, and no law says.", ("not_known", *unknown), kind="restraining_order", order_state="in_force")
    add("not_known_dvpo", "A day that is none.", ("not_known", *unknown), kind=dvpo, made_on="2026-11-31")
    add("not_known_kind", "An order of which nothing is said.", ("not_known", *unknown))


def _requests(book: Book) -> None:
    asked = {"direction": "we_asked", "asked_on": "2026-11-02", "due_on": "2026-11-16"}

    def add(name: str, why: str, out: tuple[str, int, str, str | None], at: str = _NOON, **values: Any) -> None:
        told = dict(zip(("state", "chases", "next", "on"), out, strict=True))
        _tell(book, "request_stands", name, why, told, values=asked | values, ms=_ms(at))

    def chases(*days: str) -> list[dict[str, Any]]:
        return [{"when": _when(day), "how": "telephone"} for day in days]

    add("waiting", "Until its day it waits.", ("waiting", 0, "chase", "2026-11-16"), at="2026-11-16T12:00")
    add("late", "From the next day on it is late.", ("late", 0, "chase", "2026-11-16"), at="2026-11-17T12:00")
    add("chased", "Five working days after it was chased.", ("chased", 1, "chase", "2026-11-24"), chases=chases("2026-11-17"))
    add(
        "chased_twice",
        "After the second chase it may be taken further.",
        ("chased", 2, "escalate", "2026-11-27"),
        chases=chases("2026-11-17", "2026-11-20T09:00"),
    )
    add(
        "chased_out_of_order",
        "The last chase by its day, not by its row.",
        ("chased", 2, "escalate", "2026-11-27"),
        chases=chases("2026-11-20", "2026-11-17"),
    )
    add(
        "chased_christmas", "Bank holidays do not count: Boxing Day is a Saturday.", ("chased", 1, "chase", "2027-01-05"), chases=chases("2026-12-24")
    )
    add(
        "chase_unreadable",
        "A chase without a time is none.",
        ("late", 0, "chase", "2026-11-16"),
        chases=[{"how": "telephone"}, {"when": _when("2026-11-31")}, "no row"],
    )
    add("escalated", "Taken further, and chased on.", ("escalated", 1, "chase", "2026-11-30"), chases=chases("2026-11-17"), escalated_on="2026-11-23")
    add(
        "escalated_after_two",
        "Offered once: taken further, it is chased on.",
        ("escalated", 2, "chase", "2026-11-27"),
        chases=chases("2026-11-17", "2026-11-20"),
        escalated_on="2026-11-18",
    )
    add("answered", "Nothing is left to do.", ("answered", 1, "nothing", None), chases=chases("2026-11-17"), answered_on="2026-11-23")
    add("they_asked", "What they asked is ours to answer.", ("late", 0, "answer", "2026-11-16"), direction="they_asked", chases=chases("2026-11-17"))
    add("they_asked_waiting", "Until its day it waits for us.", ("waiting", 0, "answer", "2026-11-30"), direction="they_asked", due_on="2026-11-30")
    add("no_day", "Without a day nobody says when.", ("waiting", 0, "chase", None), due_on={"missing": "not_known"})
    add("chased_never", "There is no day after the last.", ("chased", 1, "chase", "9999-12-31"), chases=chases("9999-12-30"))


def _visits(book: Book) -> None:
    planned = {"start": _when("2026-11-23T15:00"), "due_back": _when("2026-11-23T18:00")}

    def add(name: str, why: str, state: str, late: int, at: str = _NOON, **values: Any) -> None:
        given = {key: value for key, value in (planned | values).items() if value is not None}
        _tell(book, "visit_stands", name, why, {"state": state, "late_minutes": late}, values=given, ms=_ms(at))

    add("visit_planned", "Before it begins.", "planned", 0)
    add("visit_begun", "From the minute on in which it begins.", "out", 0, at="2026-11-23T15:00")
    add("visit_checked_in", "Checked in before.", "out", 0, checked_in=_when("2026-11-23T13:50"))
    add("visit_due", "The minute in which somebody should be back.", "out", 0, at="2026-11-23T18:00")
    add("visit_overdue", "A minute after it.", "overdue", 1, at="2026-11-23T18:01")
    add("visit_back", "Whoever checked out is back, however late it is.", "back", 0, at="2026-11-24T18:00", checked_out=_when("2026-11-23T17:00"))
    add("visit_back_unsaid", "Also without a time.", "back", 0, at="2026-11-24T18:00", checked_out={"missing": "not_known"})
    add("visit_day", "Back by a day: until its midnight.", "out", 0, at="2026-11-23T23:59", due_back=_when("2026-11-23"))
    add("visit_day_over", "A minute after that midnight.", "overdue", 1, at="2026-11-24T00:01", due_back=_when("2026-11-23"))
    add("visit_hour", "Back in an hour that is not over.", "out", 0, at="2026-11-23T18:59", due_back=_when("2026-11-23T18"))
    add(
        "visit_summer",
        "Times are as clocks show them.",
        "overdue",
        30,
        at="2026-07-01T17:30",
        start=_when("2026-07-01T15:00"),
        due_back=_when("2026-07-01T18:00"),
    )
    add("visit_no_time", "Nobody said when: never overdue.", "out", 0, at="2026-12-23T15:00", due_back=None)
    add("visit_nothing", "A plan that says nothing.", "planned", 0, start=None, due_back=None)


def _calendar(book: Book) -> None:
    for name, why, at, out in (
        ("winter", "In winter clocks show UTC.", "2026-01-15T12:00", "2026-01-15T12:00"),
        ("before_spring", "The last minute of winter.", "2026-03-29T00:59", "2026-03-29T00:59"),
        ("spring", "The first minute of summer time.", "2026-03-29T01:00", "2026-03-29T02:00"),
        ("summer_night", "The next day begins an hour sooner.", "2026-06-30T23:00", "2026-07-01T00:00"),
        ("before_autumn", "The last minute of summer time.", "2026-10-25T00:59", "2026-10-25T01:59"),
        ("autumn", "An hour comes twice.", "2026-10-25T01:00", "2026-10-25T01:00"),
        ("spring_2027", "The last Sunday of March 2027 is the 28th.", "2027-03-28T01:00", "2027-03-28T02:00"),
        ("autumn_on_31st", "The last Sunday of October 2027 is the 31st.", "2027-10-31T00:59", "2027-10-31T01:59"),
        ("new_year", "The year ends.", "2026-12-31T23:59", "2026-12-31T23:59"),
    ):
        _tell(book, "local_time", name, why, out, ms=_ms(at))
    _tell(book, "local_time", "half_a_minute", "What is left of a minute is not told.", "2026-01-15T12:00", ms=_ms("2026-01-15T12:00") + 59_999)
    _tell(book, "local_time", "begin_of_time", "A clock at 0.", "1970-01-01T00:00", ms=0)
    for year, why, days in (
        (2024, "No day is at a weekend.", "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
        (2021, "Christmas is a Saturday.", "01-01 04-02 04-05 05-03 05-31 08-30 12-25 12-26 12-27 12-28"),
        (2022, "Christmas and New Year are at a weekend.", "01-01 01-03 04-15 04-18 05-02 05-30 08-29 12-25 12-26 12-27"),
        (2026, "Boxing Day is a Saturday.", "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26 12-28"),
        (2038, "Easter as late as it can be.", "01-01 04-23 04-26 05-03 05-31 08-30 12-25 12-26 12-27 12-28"),
    ):
        _tell(book, "bank_holidays", f"bank_holidays_{year}", why, [f"{year}-{day}" for day in days.split()], year=year)


def books() -> list[Book]:
    """Five files: what is due, order clocks, requests, visits, the calendar."""
    due = Book("due", "due", "What is due and whose it is: [day, file, record, rule, owner, what, days left].", "5.10")
    for name, value in (("case", _CASE), ("other", _OTHER), ("me", _ME), ("nia", _NIA), ("lead", _LEAD)):
        if isinstance(value, bytes):
            due.share(name, value)
    for chapter in (_kinds, _rows, _days, _whose, _newest, _closed, _order):
        chapter(due)
    made = [due]
    for name, about, chapter in (
        ("clocks", "Orders and how long they run.", _clocks),
        ("requests", "Where requests for information stand, and what to do next.", _requests),
        ("visits", "Where planned visits stand.", _visits),
        ("calendar", "The time in the United Kingdom; bank holidays of England and Wales.", _calendar),
    ):
        made.append(book := Book("due", name, about, "5.10"))
        chapter(book)
    return made
