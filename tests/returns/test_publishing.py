"""Published returns: 1 to 7 is never shown, nor does it follow from anything that is shown (docs/returns.md)."""

import calendar
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_schema.returns import Return, read_return, returns
from sync.returns import publishing
from sync.returns.cases import Case
from sync.returns.counting import Period, figures
from sync.returns.publishing import HIDDEN, CannotPublish, Form, Shown, publish
from sync.returns.relating import Cells, Related
from tests.returns.adversary import Fact, derived, facts
from tests.returns.caseload import Caseload, referrals

SOURCES = ["matac", "marac", "probation", "cafcass"]
AREAS = ["middlesbrough", "redcar", "stockton", "hartlepool"]
BY_MONTH, BY_AREA = "monthly/by_source", "monthly/by_area"


def monthly() -> Return:
    """Two tables of the same referrals, by source and by area, as a month's publication has them."""
    words = {"side": "perpetrator", "of": "referral", "day": "received_on", "source": "Test", "rule": "Every referral once."}
    tables = [
        {"table": "by_source", "title": "By source", "rows": {"field": "referral_source", "terms": SOURCES}, **words},
        {"table": "by_area", "title": "By area", "rows": {"field": "area", "terms": AREAS}, **words},
    ]
    return read_return({"return": "monthly", "version": 1, "title": "Monthly", "tables": tables})


def span(first: int, last: int) -> Period:
    """Months 0 to 11 of 2026."""
    return Period(date(2026, first + 1, 1), date(2026, last + 1, calendar.monthrange(2026, last + 1)[1]))


@pytest.fixture(autouse=True)
def _known_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up return is known beside those of the product."""
    known = {**returns(), "monthly": monthly()}
    monkeypatch.setattr("sync.returns.relating.returns", lambda: known)


def caseload(chance: Random, *, by: Iterable[int] = (0, 0, 1, 2, 3, 5, 8, 13)) -> tuple[list[Case], dict[tuple[str, int], int]]:
    """A year of referrals, and how many of each source and of each area each month had."""
    load, truth = Caseload(), {}
    for source, month in product(SOURCES, range(12)):
        many = chance.choice(tuple(by))
        truth[source, month] = many
        for _ in range(many):
            area = chance.choice(AREAS)
            truth[area, month] = truth.get((area, month), 0) + 1
            load.alone("referral", {"referral_source": source, "area": area, "received_on": f"2026-{month + 1:02}-{chance.randint(1, 28):02}"})
    return load.cases(), truth


def said(shown: Iterable[Shown], table: str = BY_MONTH) -> dict[str, str]:
    return {one.row: one.says for one in shown if one.table == table}


def naive(asked: Return, cases: list[Case], period: Period) -> list[Shown]:
    """What somebody would publish who leaves out 1 to 7 and rounds the rest, and looks no further."""
    form, found = Form(), []
    for table in asked.tables:
        for one in figures(table, cases, period):
            says = HIDDEN if form.is_small(one.numerator) else str(form.rounded(one.numerator))
            found.append(Shown(f"{asked.name}/{table.name}", one.row, period.from_, period.until, says))
    return found


class TestForm:
    def test_what_is_small_is_not_shown_and_the_rest_is_rounded(self) -> None:
        cases = referrals({("matac", "2026-01-05"): 3, ("probation", "2026-01-06"): 23, ("cafcass", "2026-01-09"): 31})
        shown = said(publish(monthly(), "perpetrator", cases, span(0, 0)))
        assert shown == {"matac": HIDDEN, "marac": "0", "probation": "25", "cafcass": "30", "total": "55", "missing": "0"}

    @pytest.mark.parametrize(("count", "says"), [(0, "0"), (8, "10"), (12, "10"), (13, "15"), (17, "15"), (18, "20")])
    def test_to_the_nearest_five(self, count: int, says: str) -> None:
        assert str(Form().rounded(count)) == says
        least, most = Form().bounds(says, count)
        assert least <= count <= most

    @given(st.integers(0, 300), st.integers(1, 30), st.integers(1, 12))
    def test_every_count_lies_within_what_is_said_of_it(self, count: int, smallest: int, base: int) -> None:
        form = Form(smallest, base)
        for guess in (None, count):
            least, most = form.bounds(HIDDEN if form.is_small(count) else str(form.rounded(count)), guess)
            assert least <= count <= most

    def test_a_stricter_rule_of_the_service_holds_and_a_laxer_one_does_not(self) -> None:
        assert Form().stricter(11, 10) == Form(11, 10)
        assert Form().stricter(0, 0) == Form(8, 5)
        cases = referrals({("matac", "2026-01-05"): 9, ("probation", "2026-01-06"): 40, ("cafcass", "2026-01-09"): 31})
        assert said(publish(monthly(), "perpetrator", cases, span(0, 0), form=Form(11, 10)))["matac"] == HIDDEN

    def test_of_the_other_side_there_is_nothing(self) -> None:
        assert publish(monthly(), "victim", referrals({("matac", "2026-01-05"): 9}), span(0, 0)) == []


class TestOneReturn:
    def test_a_total_does_not_give_it_away(self) -> None:
        """Twice 7: a total of 15 leaves 6 and 7 for each of them, and so it is not shown; in no table of the same referrals."""
        load = Caseload()
        for source, many in (("matac", 7), ("marac", 7)):
            for n in range(many):
                load.alone("referral", {"referral_source": source, "area": "redcar" if n else "stockton", "received_on": "2026-01-05"})
        truth = {("matac", 0): 7, ("marac", 0): 7, ("redcar", 0): 12, ("stockton", 0): 2}
        given_away = facts(naive(monthly(), load.cases(), span(0, 0)), {BY_MONTH: SOURCES})
        tight = [one if one.most < 2000 else type(one)(one.of, one.least, 7) for one in given_away]
        assert derived(tight, truth) == [("matac", 0, 0), ("marac", 0, 0)]
        shown = publish(monthly(), "perpetrator", load.cases(), span(0, 0))
        assert said(shown)["total"] == HIDDEN
        assert said(shown, BY_AREA)["total"] == HIDDEN

    @given(st.lists(st.integers(0, 14), min_size=2, max_size=4))
    @settings(max_examples=40, deadline=None)
    def test_whoever_tries_everything(self, counts: list[int]) -> None:
        """All tables that fit what was shown, tried one by one: a small cell has at least three values among them."""
        cases = referrals({(source, "2026-01-05"): many for source, many in zip(SOURCES, counts, strict=False)})
        shown = said(publish(monthly(), "perpetrator", cases, span(0, 0)))
        form = Form()
        seen = [form.bounds(shown[one], many) for one, many in zip(SOURCES, counts, strict=False)]
        ranges = [range(least, min(20, most) + 1) for least, most in seen]
        low, high = form.bounds(shown["total"], sum(counts))
        fitting = [values for values in product(*ranges) if low <= sum(values) <= high]
        for n, many in enumerate(counts):
            assert not form.is_small(many) or len({values[n] for values in fitting}) >= 3


class TestAYearOfThem:
    """Published each month, each quarter, and from January on, by source and by area: differenced every way."""

    SPANS = [(n, n) for n in range(12)] + [(0, n) for n in range(1, 12)] + [(n, n + 2) for n in range(3, 12, 3)]

    @pytest.mark.parametrize("shuffled", [False, True])
    def test_no_count_under_8_is_derived(self, *, shuffled: bool) -> None:
        chance = Random(int(shuffled))
        cases, truth = caseload(chance)
        spans = chance.sample(self.SPANS, 12) if shuffled else self.SPANS  # in whatever order they come out
        shown: list[Shown] = []
        for first, last in spans:
            shown += publish(monthly(), "perpetrator", cases, span(first, last), shown)
        assert any(one.says not in (HIDDEN, "0") for one in shown if one.row != "total")  # something is left to publish
        named = {BY_MONTH: SOURCES, BY_AREA: AREAS}
        assert not derived(facts(shown, named), truth, (SOURCES, AREAS))
        for first, last in spans[:6]:  # whoever guesses what was left out, and why, has at most what any form of that one publication gives away
            only = [one for one in shown if one.from_ == span(first, last).from_ and one.until == span(first, last).until]
            nothing = [replace(one, says=HIDDEN if one.says != "0" else "0") for one in only]
            least = set(derived(guessed(nothing, named, truth), truth, (SOURCES, AREAS)))
            assert set(derived(guessed(only, named, truth), truth, (SOURCES, AREAS))) <= least

    @pytest.mark.parametrize("planted", ["none left out for another's sake", "what came before is forgotten", "each table for itself"])
    def test_it_finds_what_is_planted(self, planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
        found = 0
        for seed in range(3):
            cases, truth = caseload(Random(seed), by=(0, 1, 6, 7, 7))
            shown: list[Shown] = []
            for first, last in [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)]:
                shown += self.published(planted, cases, span(first, last), shown, monkeypatch)
            totals = [one for one in shown if one.table == BY_MONTH or one.row == "total"]
            named = dict.fromkeys((BY_MONTH, BY_AREA), SOURCES)
            nothing = [replace(one, says=HIDDEN if one.says != "0" else "0") for one in totals]
            found += len(set(derived(guessed(totals, named, truth), truth)) - set(derived(guessed(nothing, named, truth), truth)))
        assert found

    def published(self, planted: str, cases: list[Case], period: Period, earlier: list[Shown], monkeypatch: pytest.MonkeyPatch) -> list[Shown]:
        asked = monthly()
        if planted.startswith("none"):
            return naive(asked, cases, period)
        if planted.startswith("what came before"):
            return publish(asked, "perpetrator", cases, period)
        monkeypatch.setattr(Related, "_same_records", lambda *_: None)
        return publish(asked, "perpetrator", cases, period, earlier)

    def test_what_was_said_is_said_again(self) -> None:
        cases, _ = caseload(Random(1))
        first = publish(monthly(), "perpetrator", cases, span(0, 2))
        assert publish(monthly(), "perpetrator", cases, span(0, 2), first) == first

    def test_the_same_figure_under_another_name_is_one_figure(self) -> None:
        """Referrals of the year by source stand in one return, by month in another: what one leaves out does not follow from the other."""
        cases, truth = caseload(Random(5), by=(0, 0, 0, 0, 1, 2))
        year = publish(returns()["cleveland"], "perpetrator", cases, span(0, 11))
        months = publish(returns()["one_eighty"], "perpetrator", cases, span(0, 11), year)
        known = [one for one in (*year, *months) if one.row in (*SOURCES, "total")]
        tables = {"cleveland/referrals_by_source": SOURCES, "one_eighty/referrals_by_month": SOURCES}
        assert not derived(facts(known, tables), truth)

    def test_records_that_come_later_stop_nothing(self) -> None:
        """Where an old figure is no longer true nothing exact follows from it."""
        early = referrals({("matac", "2026-01-05"): 9, ("marac", "2026-01-06"): 30})
        shown = publish(monthly(), "perpetrator", early, span(0, 0))
        later = referrals({("matac", "2026-01-05"): 21, ("marac", "2026-01-06"): 30, ("marac", "2026-02-02"): 11})
        assert said(publish(monthly(), "perpetrator", later, span(0, 1), shown))["matac"] == "20"

    def test_where_no_form_is_safe_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The total of January was published by a service that was content with less: nothing that is left out now makes good for it."""
        cases = referrals({("matac", "2026-01-05"): 7, ("marac", "2026-01-05"): 7})
        monkeypatch.setattr(publishing, "LEAST", 20)
        assert said(publish(monthly(), "perpetrator", cases, span(0, 0)))["total"] == HIDDEN
        with pytest.raises(CannotPublish, match="publish a longer time, or nothing"):
            publish(monthly(), "perpetrator", cases, span(0, 0), naive(monthly(), cases, span(0, 0)))

    def test_people_in_a_quarter_are_no_sum_of_months_and_yet_bound_by_them(self) -> None:
        load = Caseload()
        for n in range(9):
            case = load.case()
            for month in range(1, 4):
                if n < 7 or month == 1:
                    load.add(case, "need", {"need": "alcohol"}, date(2026, month, 3))
        words = {"side": "perpetrator", "of": "need", "day": "written", "count": "people", "source": "Test", "rule": "People."}
        asked = read_return(
            {"return": "people", "version": 1, "title": "P", "tables": [{"table": "t", "title": "T", "rows": {"field": "need"}, **words}]}
        )
        [table] = asked.tables
        cells = Cells(load.cases(), {"people": asked})
        keys = [cells.of(table, span(*months))["alcohol"] for months in ((0, 0), (1, 1), (0, 2))]
        assert [cells.count(key) for key in keys] == [9, 7, 9]
        related = Related(cells, keys)
        assert {tuple(one.of.values()) for one in related.relations} >= {(1, -1)}
        assert all(one.most == 0 and one.least < 0 for one in related.relations if len(one.of) == 2 and all(key in keys for key in one.of))


def guessed(shown: list[Shown], tables: dict[str, list[str]], truth: dict[tuple[str, int], int]) -> list[Fact]:
    """What they have who also guess which cells were left out for another's sake."""
    return facts(shown, tables, small={one: Form().is_small(count_of(one, truth)) for one in shown})


def count_of(one: Shown, truth: dict[tuple[str, int], int]) -> int:
    rows = (SOURCES if one.row == "total" else [one.row]) if one.row != "missing" else []
    return sum(truth.get((row, n), 0) for row in rows for n in range(one.from_.month - 1, one.until.month))
