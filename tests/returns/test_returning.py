"""Cases from a device's own files, and what the desk file remembers of returns."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.records import code_list
from shared_schema.returns import returns
from sync.device.people import files
from sync.device.recording import persons, records
from sync.device.recording.needs import needed_to_sign
from sync.device.returning import returning
from sync.device.session import Session
from sync.fold import show
from sync.returns.assembling import part
from sync.returns.counting import Period
from sync.returns.publishing import HIDDEN, Form, Shown, publish
from tests.canaries import canary
from tests.world import Phone, World

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
CLEVELAND = returns()["cleveland"]


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=("perpetrator",)) as made:
        made.enrol("perpetrator", "Ruth", ("coordinator",))
        made.enrol("perpetrator", "Rosa", ("coordinator",))
        yield made


def meet(*phones: Phone) -> None:
    for phone in phones * 3:
        phone.sync()


@pytest.fixture
def ruth(world: World) -> Phone:
    return world.phones[0]


@pytest.fixture
def log(world: World, ruth: Phone) -> bytes:
    rosa = world.phones[1]
    meet(*world.phones)
    made = ruth.do(lambda session: files.create_file(session, "case", {ruth.user: "coordinator", rosa.user: "coordinator"}))
    meet(*world.phones)
    return made


def add(phone: Phone, log: bytes, type_: str, values: dict[str, Any]) -> bytes:
    return phone.do(lambda session: records.add(session, log, type_, values))


def edit(phone: Phone, log: bytes, record: bytes, values: dict[str, Any]) -> None:
    phone.do(lambda session: records.edit(session, log, record, values))


def counts(phone: Phone, table: str, name: str = "cleveland", period: Period = YEAR) -> dict[str, int]:
    """What a part of this device says in one table."""

    def count(session: Session) -> dict[str, int]:
        asked = returns()[name]
        found = part(asked, session.identity.side, returning.cases(session, asked).cases, period)
        return {" | ".join(filter(None, (one.row, one.column))): one.numerator for one in found.tables[table] if one.numerator}

    return phone.do(count)


class TestCases:
    def test_effective_values_without_a_name(self, ruth: Phone, log: bytes) -> None:
        name = canary()
        made = add(ruth, log, "person", {"known_as": name, "gender": "men"})
        ruth.do(lambda session: records.edit(session, log, made, {"gender": "women"}))
        found = ruth.do(lambda session: returning.cases(session, CLEVELAND))
        assert counts(ruth, "gender") == {"women": 1, "total": 1}
        assert [case.name for case in found.cases] == ["file 1"]
        assert ids.show(log) not in str(part(CLEVELAND, "perpetrator", found.cases, YEAR))
        assert name not in str(part(CLEVELAND, "perpetrator", found.cases, YEAR))

    def test_what_is_void_counts_nowhere(self, ruth: Phone, log: bytes) -> None:
        made = add(ruth, log, "referral", {"referral_source": "matac", "received_on": "2026-05-05"})
        assert counts(ruth, "referrals_by_source") == {"matac | 2026": 1, "total | 2026": 1}
        ruth.do(lambda session: records.make_void(session, log, made, "typed twice"))
        assert counts(ruth, "referrals_by_source") == {}

    def test_persons_that_are_one_count_once(self, ruth: Phone, log: bytes) -> None:
        other = ruth.do(lambda session: files.create_file(session, "case", {ruth.user: "coordinator"}))
        first, second = (add(ruth, one, "person", {"gender": "men"}) for one in (log, other))
        assert counts(ruth, "gender") == {"men": 2, "total": 2}
        ruth.do(lambda session: persons.say(session, (log, first), (other, second), "merged", "the same birthday and name"))
        assert counts(ruth, "gender") == {"men": 1, "total": 1}

    def test_a_draft_is_no_assessment(self, ruth: Phone, log: bytes) -> None:
        made = add(ruth, log, "risk_assessment", {"tool": "perpetrator_dash"})
        assert counts(ruth, "risk_assessments", period=Period(date(2000, 1, 1), date(2100, 1, 1))) == {}
        ruth.do(lambda session: sign(session, log, made))
        [many] = set(counts(ruth, "risk_assessments", period=Period(date(2000, 1, 1), date(2100, 1, 1))).values())
        assert many == 1

    def test_what_is_in_conflict_is_missing(self, world: World, ruth: Phone, log: bytes) -> None:
        """Two people apart say two things that nobody may act on: neither is counted until it is settled."""
        rosa = world.phones[1]
        made = add(ruth, log, "referral", {"received_on": "2026-05-05", "validity": "valid"})
        meet(*world.phones)
        for phone, word in ((ruth, "invalid"), (rosa, "valid_contact_issues")):
            edit(phone, log, made, {"validity": word})
        meet(*world.phones)
        values = ruth.do(lambda session: show(session.record(log, made), session.types))
        assert values["validity"].conflict
        assert counts(ruth, "invalid_referrals", "elm") == counts(ruth, "valid_contact_issues", "elm") == {}

    def test_a_clock_beyond_the_calendar_counts_in_no_period(self) -> None:
        assert returning._day(2**53 - 1) == date.max
        assert returning._day(1_790_000_000_000) == date(2026, 9, 21)


def sign(session: Session, log: bytes, record: bytes) -> None:
    """With whatever is needed to sign it."""
    found = session.record(log, record)
    values = {name: one.value for name, one in show(found, session.types).items()}
    needed = [name for one in needed_to_sign(found.type, values, file_kind="case", side="perpetrator") for name in one.fields]
    more: dict[str, Any] = {
        name: value
        for name, value in {
            "event_at": {"at": "2026-05-05", "precision": "day"}, "point": "intake", "to_partner": "high", "to_children": "high", "to_staff": "high",
            "to_self": "high", "why": "As said.", "based_on": ["police"], "next_review": "2026-08-05", "change_since_last": "no_change", "source": "police",
            "tool_version": "1", "grid": [{"dva_type": "physical", "used": "yes", "severity": "high"}], "triggers": [], "basis_of_statement": ["fact"],
            "answers": [{"item": "1", "answer": "yes", "words": "yes"}],
        }.items()
        if name in needed
    }  # fmt: skip
    records.edit(session, log, record, more)
    records.sign(session, log, record)


class TestDesk:
    @pytest.fixture
    def desk(self, world: World, ruth: Phone) -> bytes:
        rosa = world.phones[1]
        meet(*world.phones)
        made = ruth.do(lambda session: files.create_file(session, "desk", {ruth.user: "coordinator", rosa.user: "coordinator"}))
        meet(*world.phones)
        return made

    def test_what_one_coordinator_published_the_other_knows(self, world: World, ruth: Phone, log: bytes, desk: bytes) -> None:
        """What Ruth puts on record Rosa's device reads back, cell by cell; made void it still was read by somebody."""
        rosa = world.phones[1]
        for n in range(9):
            add(ruth, log, "referral", {"referral_source": "matac" if n else "marac", "received_on": "2026-05-05"})

        def publish_it(session: Session) -> list[Shown]:
            shown = publish(CLEVELAND, "perpetrator", returning.cases(session, CLEVELAND).cases, YEAR, returning.published(session, desk))
            returning.keep_shown(session, desk, CLEVELAND, YEAR, shown)
            return shown

        shown = ruth.do(publish_it)
        assert {one.says for one in shown if one.row == "marac" and one.table.endswith("by_source")} == {HIDDEN}
        meet(*world.phones)
        known = rosa.do(lambda session: returning.published(session, desk))
        assert sorted(known, key=str) == sorted(shown, key=str)
        kept = ruth.do(lambda session: session.store.records(desk, "return_part"))
        ruth.do(lambda session: records.make_void(session, desk, kept[0][0], "wrong year"))
        meet(*world.phones)
        assert len(rosa.do(lambda session: returning.published(session, desk))) == len(shown)

    def test_a_row_that_another_app_wrote_otherwise_is_passed_over(self, ruth: Phone, desk: bytes) -> None:
        rows = [{"row": "a", "shown": "5"}, {"row": "a", "from": "2026-01-01", "until": "2026-02-01", "shown": "-5"}]
        rows.append({"row": "a", "from": "2026-01-01", "until": "2026-02-01", "shown": "10"})
        values = {"table": "x/y", "form": "publication", "from": "2026-01-01", "until": "2026-02-01", "rows": rows, "rule": "R", "lists": "none"}
        add(ruth, desk, "return_part", values)
        assert [one.says for one in ruth.do(lambda session: returning.published(session, desk))] == ["10"]

    @pytest.mark.parametrize(("said", "form"), [((11, 10), Form(11, 10)), ((0, 1), Form(8, 5)), ((12, 0), Form(12, 5))])
    def test_the_rules_of_the_service_only_make_it_stricter(self, world: World, ruth: Phone, desk: bytes, said: tuple[int, int], form: Form) -> None:
        rosa = world.phones[1]
        values = {
            "from": "2026-01-01", "most_at_once": 1, "most_in_a_month": 1, "retention": [{"kept": code_list("retention_class").codes[0], "years": 6}],
            "smallest_count": said[0], "rounded_to": said[1], "agreed_by": [ids.show(ruth.user), ids.show(rosa.user)],
        }  # fmt: skip
        made = add(ruth, desk, "policy", values)
        today = date(2026, 6, 1)
        assert ruth.do(lambda session: returning.form_of(session, desk, today)) == Form()  # nobody has signed it
        ruth.do(lambda session: records.sign(session, desk, made))
        assert ruth.do(lambda session: returning.form_of(session, desk, today)) == form
        assert ruth.do(lambda session: returning.form_of(session, desk, date(2025, 6, 1))) == Form()
