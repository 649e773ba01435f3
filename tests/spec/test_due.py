"""Days, what is due, order clocks, visits, chasing, caseloads (docs/spec.md §5.10): the rules alone."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import pytest

from shared_schema.records import record_type
from shared_schema.records import record_types as all_types
from sync.caseload import Case, caseload
from sync.chasing import chased
from sync.clocks import clock
from sync.days import NEVER, add_court_hours, add_months, add_working_days, bank_holidays, day_of, local, span_of
from sync.due import RULES, Said, due
from sync.visits import visit

TODAY = date(2026, 11, 23)  # a Monday
NOW = datetime(2026, 11, 23, 14, 0)
FILE, OTHER = b"f" * 16, b"g" * 16


class TestDays:
    def test_bank_holidays(self) -> None:
        """As the government lists them, those of one occasion left out."""
        assert sorted(bank_holidays(2024)) == [
            date(2024, 1, 1), date(2024, 3, 29), date(2024, 4, 1), date(2024, 5, 6), date(2024, 5, 27), date(2024, 8, 26), date(2024, 12, 25), date(2024, 12, 26),
        ]  # fmt: skip
        assert {date(2021, 12, 27), date(2021, 12, 28)} <= bank_holidays(2021)  # Christmas was a Saturday
        assert {date(2022, 12, 26), date(2022, 12, 27), date(2022, 1, 3)} <= bank_holidays(2022) and date(2022, 12, 28) not in bank_holidays(2022)
        assert date(2020, 12, 28) in bank_holidays(2020)
        assert {date(2025, 4, 18), date(2025, 4, 21)} <= bank_holidays(2025)

    def test_working_days(self) -> None:
        assert add_working_days(date(2026, 11, 20), 1) == TODAY
        assert add_working_days(date(2026, 12, 24), 1) == date(2026, 12, 29)  # Boxing Day is a Saturday: the Monday stands for it
        assert add_working_days(TODAY, 5) == date(2026, 11, 30)

    def test_court_hours(self) -> None:
        assert add_court_hours(NOW, 48) == datetime(2026, 11, 25, 14, 0)
        assert add_court_hours(datetime(2026, 11, 20, 14, 0), 48) == datetime(2026, 11, 23, 14, 0)  # over a Sunday
        assert add_court_hours(datetime(2026, 11, 22, 14, 0), 48) == datetime(2026, 11, 25, 0, 0)  # served on one
        assert add_court_hours(datetime(2025, 4, 17, 12, 0), 48) == datetime(
            2025, 4, 22, 12, 0
        )  # over Easter: Saturday counts, as does Tuesday's morning

    def test_months_and_summer_time(self) -> None:
        assert add_months(date(2026, 8, 31), 6) == date(2027, 2, 28)
        ms = 1_774_746_000_000  # 29 March 2026, one o'clock UTC
        assert (local(ms - 60_000), local(ms)) == (datetime(2026, 3, 29, 0, 59), datetime(2026, 3, 29, 2, 0))
        ms = 1_792_890_000_000  # 25 October 2026, one o'clock UTC
        assert (local(ms - 60_000), local(ms)) == (datetime(2026, 10, 25, 1, 59), datetime(2026, 10, 25, 1, 0))

    @pytest.mark.parametrize("value", [None, "", "2026", "2026-02-30", 7, {"missing": "not_known"}, "2026-W01-1"])
    def test_no_day(self, value: Any) -> None:
        assert (day_of(value) is None and span_of(value) is None and span_of({"at": value, "precision": "day"}) is None) or value == "2026"

    def test_spans(self) -> None:
        assert span_of({"at": "2026-02", "precision": "month"}) == (datetime(2026, 2, 1), datetime(2026, 3, 1), False)
        assert span_of({"at": "2026-11-23T14", "precision": "hour"}) == (NOW, NOW + timedelta(hours=1), False)
        assert span_of({"at": "2026-11-23T14:00", "precision": "minute"}) == (NOW, NOW, True)
        assert span_of({"at": "9999-12-31", "precision": "day"}) is not None and span_of({"at": "9999", "precision": "year"}) is not None


def said(type_: str, file: bytes = FILE, **values: Any) -> Said:
    return Said(file, bytes(16), type_, "author", values)


def names(found: list[Any]) -> list[tuple[str, int, str]]:
    return [(one.called, one.days, one.owner) for one in found]


class TestDue:
    def test_every_rule_names_what_there_is(self) -> None:
        """A renamed field would be due never."""
        for rule in RULES:
            fields = record_type(rule.type).fields
            cells = fields[rule.rows].cells if rule.rows else fields
            assert cells[rule.field].kind == "date", rule
            for name in filter(None, (rule.what, rule.owner, rule.over)):
                assert name in cells, rule
            assert not rule.newest or all(name in fields for name in rule.newest), rule

    def test_every_day_of_review_has_its_rule(self) -> None:
        """A new type with a day to look at it again is not forgotten."""
        ruled = {(rule.type, rule.field) for rule in RULES}
        names_ = ("review_on", "look_again_on", "next_on", "next_review", "due_on", "due")
        assert not [
            (type_.name, name) for type_ in all_types().values() for name in names_ if name in type_.fields and (type_.name, name) not in ruled
        ]

    def test_overdue_today_and_coming(self) -> None:
        days = {"2026-11-20": -3, "2026-11-23": 0, "2026-11-30": 7, "2026-12-01": 8}
        found = due([said("task", what="ring", due=day, owner="sam") for day in days], {}, TODAY, 7)
        assert [(one.days, one.state) for one in found] == [(-3, "overdue"), (0, "today"), (7, "coming")]

    @pytest.mark.parametrize("over", ["done", "dropped"])
    def test_what_is_over_is_not_due(self, over: str) -> None:
        assert due([said("task", due="2026-11-20", task_state=over)], {}, TODAY, 7) == []
        assert len(due([said("task", due="2026-11-20", task_state="open")], {}, TODAY, 7)) == 1

    def test_of_reviews_the_newest_counts(self) -> None:
        old, new = said("case_review", next_on="2026-11-01"), said("case_review", next_on="2026-11-25")
        assert names(due([old, new], {}, TODAY, 7)) == [("Next case review", 2, "author")]
        consents = [said("consent", about_p=about, look_again_on="2026-11-20") for about in ("therapy", "take_part", "therapy")]
        assert len(due(consents, {}, TODAY, 7)) == 2
        assert due([said("consent", about_p="therapy", look_again_on="2026-11-20", status="withdrawn")], {}, TODAY, 7) == []

    def test_whose_it_is(self) -> None:
        leads = {FILE: "lead"}
        assert names(due([said("case_review", next_on="2026-11-23"), said("task", due="2026-11-23", owner="sam")], leads, TODAY, 0)) == [
            ("Task", 0, "sam"), ("Next case review", 0, "lead"),
        ]  # fmt: skip

    def test_a_closed_case_has_no_reviews_and_still_its_tasks(self) -> None:
        records = [said("case_review", next_on="2026-11-20"), said("task", due="2026-11-20")]
        found = due([*records, said("case_status", status="closed")], {}, TODAY, 7)
        assert [one.type for one in found] == ["task"]

    def test_rows(self) -> None:
        rows = [{"decision": "a", "due": "2026-11-22"}, {"decision": "b", "due": "2026-11-22", "state": "done"}, {"decision": "c"}, "no row"]
        assert [one.what for one in due([said("case_review", decisions=rows)], {}, TODAY, 0)] == ["a"]

    def test_only_ones_own(self) -> None:
        records = [said("task", due="2026-11-23", owner=owner) for owner in ("sam", "nia")]
        assert [one.owner for one in due(records, {}, TODAY, 0, whose="nia")] == ["nia"]

    def test_what_is_no_day_is_not_due(self) -> None:
        for value in ("soon", {"missing": "not_known"}, 20261123, None):
            assert due([said("task", due=value)], {}, TODAY, 7) == []


def when(at: str) -> dict[str, str]:
    return {"at": at, "precision": {10: "day", 13: "hour", 16: "minute"}[len(at)]}


class TestClocks:
    def order(self, kind: str, **values: Any) -> dict[str, Any]:
        return {"kind": kind, "order_state": "in_force", **values}

    def test_a_notice_runs_for_48_hours_from_service(self) -> None:
        found = clock(self.order("domestic_violence_protection_notice", served_at=when("2026-11-22T14:00")), NOW)
        assert (found.state, found.earliest, found.unsure, found.hours_left(NOW)) == ("running", datetime(2026, 11, 25), False, 34)
        found = clock(self.order("dapn", served_at=when("2026-11-19T14:00")), NOW)
        assert (found.state, found.hours_left(NOW)) == ("over", -48)

    def test_a_day_that_means_never_ends_never(self) -> None:
        """People write the last day that there is; a list of orders with one in it is still a list."""
        assert clock(self.order("restraining_order", ends="9999-12-31"), NOW).latest == NEVER
        assert clock(self.order("dapn", served_at=when("9999-12-31T23:00")), NOW).latest == NEVER
        assert clock(self.order("domestic_violence_protection_order", made_on="9999-12-20"), NOW).latest == NEVER
        assert clock(self.order("occupation_order", made_on="9999-12-20"), NOW).latest == NEVER

    def test_a_day_alone_makes_it_unsure(self) -> None:
        found = clock(self.order("dapn", served_at=when("2026-11-20")), NOW)
        assert (found.state, found.earliest, found.latest, found.unsure) == ("maybe_over", datetime(2026, 11, 22), datetime(2026, 11, 24), True)

    def test_a_clock_that_is_off_makes_it_unsure(self) -> None:
        values = self.order("dapn", served_at=when("2026-11-23T09:00"))
        assert (clock(values, NOW).unsure, clock(values, NOW, clock_unsure=True).unsure) == (False, True)

    def test_fourteen_to_twenty_eight_days(self) -> None:
        found = clock(self.order("domestic_violence_protection_order", made_on="2026-11-05"), NOW)
        assert (found.state, found.earliest, found.latest, found.unsure) == ("maybe_over", datetime(2026, 11, 20), datetime(2026, 12, 4), True)
        found = clock(self.order("domestic_violence_protection_order", made_on="2026-11-05", ends="2026-11-30"), NOW)
        assert (found.state, found.latest, found.unsure) == ("running", datetime(2026, 12, 1), False)

    def test_six_months(self) -> None:
        assert clock(self.order("occupation_order", made_on="2026-05-23"), NOW).latest == datetime(2026, 11, 24)

    @pytest.mark.parametrize(
        ("values", "state"), [({"order_state": "ended"}, "ended"), ({"order_state": "made_not_served"}, "not_served"), ({}, "not_known")]
    )
    def test_no_clock(self, values: dict[str, str], state: str) -> None:
        assert clock({"kind": "restraining_order", **values}, NOW).state == state
        assert clock(self.order("dapn"), NOW).state == "not_served"


class TestVisits:
    READY: ClassVar[dict[str, Any]] = {
        "visitors": ["sam"],
        "buddy": "nia",
        "gate_seen": "clear",
        "hazards_read": "yes",
        "start": when("2026-11-23T13:00"),
    }

    @pytest.mark.parametrize(
        ("back", "state", "late"),
        [("2026-11-23T14:00", "out", 0), ("2026-11-23T13:59", "overdue", 1), ("2026-11-23", "out", 0), ("2026-11-22", "overdue", 840)],
    )
    def test_overdue(self, back: str, state: str, late: int) -> None:
        found = visit({**self.READY, "due_back": when(back)}, NOW)
        assert (found.state, found.late_minutes, found.wanting) == (state, late, ())

    def test_planned_out_and_back(self) -> None:
        values = {**self.READY, "due_back": when("2026-11-23T18:00")}
        assert visit({**values, "start": when("2026-11-23T15:00")}, NOW).state == "planned"
        assert visit({**values, "start": when("2026-11-23T15:00"), "checked_in": when("2026-11-23T13:50")}, NOW).state == "out"
        assert visit({**values, "due_back": when("2026-11-20T18:00"), "checked_out": when("2026-11-20T17:00")}, NOW).state == "back"

    def test_what_is_wanting(self) -> None:
        assert len(visit({}, NOW).wanting) == 4
        found = visit({**self.READY, "buddy": "sam", "gate_seen": "hold", "due_back": when("2026-11-23T18:00")}, NOW)
        assert found.wanting == ("the buddy is one of the visitors", "partner support has not said that contact is clear")


class TestChasing:
    ASKED: ClassVar[dict[str, Any]] = {"direction": "we_asked", "asked_on": "2026-11-02", "due_on": "2026-11-16"}

    def chases(self, *days: str) -> dict[str, Any]:
        return {**self.ASKED, "chases": [{"when": when(day), "how": "telephone", "who": "desk"} for day in days]}

    def test_from_waiting_to_taken_further(self) -> None:
        assert chased(self.ASKED, date(2026, 11, 16)) == ("waiting", 0, "chase", date(2026, 11, 16))
        assert chased(self.ASKED, date(2026, 11, 17))[:3] == ("late", 0, "chase")
        assert chased(self.chases("2026-11-17"), TODAY) == ("chased", 1, "chase", date(2026, 11, 24))
        assert chased(self.chases("2026-11-17", "2026-11-20T09:00"), TODAY) == ("chased", 2, "escalate", date(2026, 11, 27))
        assert chased({**self.chases("2026-11-17"), "escalated_on": "2026-11-23"}, TODAY) == ("escalated", 1, "chase", date(2026, 11, 30))
        assert chased({**self.chases("2026-11-17"), "answered_on": "2026-11-23"}, TODAY) == ("answered", 1, "nothing", None)

    def test_what_they_ask_us_is_ours_to_answer(self) -> None:
        assert chased({**self.ASKED, "direction": "they_asked"}, TODAY) == ("late", 0, "answer", date(2026, 11, 16))


class TestCaseload:
    def cases(self, number: int, worker: str = "sam", status: str = "engaged") -> list[Case]:
        return [Case(bytes([n]) * 16, worker, "", status, n) for n in range(number)]

    def test_a_warning_above_six(self) -> None:
        assert [(one.cases, one.over) for one in caseload(self.cases(6))] == [(6, 0)]
        assert [(one.cases, one.over) for one in caseload(self.cases(7))] == [(7, 1)]
        assert caseload(self.cases(7), most=20)[0].over == 0

    def test_what_counts(self) -> None:
        for status in ("closed", "waiting", "referred", "not_suitable", "awaiting_consent"):
            assert caseload(self.cases(3, status=status)) == []
        [one] = caseload(self.cases(3, status="on_hold"))
        assert (one.cases, one.quiet) == (3, 3)
        assert caseload(self.cases(1, status="a_new_one"))[0].cases == 1
        assert caseload(self.cases(2, worker="")) == []

    def test_a_person_in_two_files_is_one_case(self) -> None:
        two = [Case(FILE, "sam", "", "on_hold", 1), Case(OTHER, "sam", "", "engaged", 1)]
        [one] = caseload(two)
        assert (one.cases, one.quiet, one.files) == (1, 0, (OTHER,))

    def test_cover_is_shown_apart(self) -> None:
        found = caseload([Case(FILE, "sam", "nia", "engaged", 1), Case(OTHER, "nia", "nia", "engaged", 2)])
        assert [(one.worker, one.cases, one.covering) for one in found] == [("nia", 1, 1), ("sam", 1, 0)]
