"""The reports' own tables, to the digit, from caseloads that have those totals; and the slips that their authors made."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

import pytest

from shared_schema.returns import Table, returns
from sync.returns.assembling import Assembled, assemble, part, values
from sync.returns.cases import Case
from sync.returns.checking import slips, unchecked
from sync.returns.counting import Figure, Period, figures
from sync.returns.publishing import publish
from tests.returns.caseload import Caseload

CLEVELAND = Period(date(2022, 1, 1), date(2023, 6, 30))
QUARTER = Period(date(2023, 7, 1), date(2023, 9, 30))
TWO_YEARS = {"2022": 17, "2023": 24}
"""Table 2.0: referrals of each year, 41 in all."""
BY_SOURCE = {
    "2022": {"matac": 11, "harbour_msp": 4, "police_mappa": 0, "police_top_50": 2},
    "2023": {"matac": 12, "harbour_msp": 6, "police_mappa": 1, "police_top_50": 5},
}
"""Made up to come to that, with 7 cells that are not 0, of which 2 are 8 or more, as in the report."""
BY_HER = {"said_by": "victim"}


def table(name: str, of: str = "cleveland") -> Table:
    return next(one for one in returns()[of].tables if one.name == name)


def cells(found: list[Figure]) -> dict[tuple[str, str], int]:
    return {(one.row, one.column): one.numerator for one in found}


def cohort() -> list[Case]:
    """41 people referred, 37 men and 4 women; 11 of them engaged; 210 offences before and 30 since; therapy of some of them."""
    load = Caseload()
    people = [(year, source) for year, some in BY_SOURCE.items() for source, many in some.items() for _ in range(many)]
    for n, (year, source) in enumerate(people):
        case = load.case()
        load.add(case, "referral", {"referral_source": source, "area": "redcar", "received_on": f"{year}-0{1 + n % 6}-{10 + n % 18}"})
        load.add(case, "person", {"gender": "men" if n >= 4 else "women"})
        if n < 11:
            day = f"{year}-06-{10 + n}"
            load.add(case, "support_plan", {"agreed_on": day}, date.fromisoformat(day))
            load.add(case, "risk_assessment", {"tool": "perpetrator_dash"}, date.fromisoformat(day))
            before, since = (20, 3) if n < 10 else (10, 0)
            load.add(
                case,
                "offence_window",
                {"window": "twelve_months_before", "from": "2021-06-01", "to": "2022-05-31", "known_domestic_offences": before},
            )
            load.add(case, "offence_window", {"window": "while_engaged", "from": "2022-06-01", "to": "2023-05-31", "known_domestic_offences": since})
    for n in range(5):
        therapy = load.case("therapy")
        for type_, many in (("therapy_session", 16), ("therapy_assessment", 3 if n < 3 else 2), ("pre_therapy_call", 7 if n < 4 else 6)):
            for _ in range(many):
                load.add(therapy, type_, {"number": 1}, date(2023, 2, 3))
        load.add(therapy, "therapy_session", {"number": 99}, date(2023, 2, 3), signed=False)  # a draft counts nowhere
    return load.cases()


class TestCleveland:
    def test_table_2_0(self) -> None:
        found = cells(figures(table("referrals_by_source"), cohort(), CLEVELAND))
        for year, some in BY_SOURCE.items():
            assert {source: found[source, year] for source in some} == some
            assert found["total", year] == TWO_YEARS[year]
        assert sum(found["total", year] for year in TWO_YEARS) == 41

    def test_table_2_0_published(self) -> None:
        """Two of seven figures are left: such a form cannot be the only one."""
        shown = publish(returns()["cleveland"], "perpetrator", cohort(), CLEVELAND)
        printed = [
            one.says for one in shown if one.table == "cleveland/referrals_by_source" and one.row not in ("total", "missing") and one.says != "0"
        ]
        assert sorted(printed) == ["10", "10", "c", "c", "c", "c", "c"]

    def test_table_2_1(self) -> None:
        """The windows differ in length, so the days stand beside the offences."""
        found = cells(figures(table("offences"), cohort(), CLEVELAND))
        assert (found["twelve_months_before", ""], found["while_engaged", ""]) == (210, 30)
        days = cells(figures(table("offence_days"), cohort(), CLEVELAND))
        assert (days["twelve_months_before", ""], days["while_engaged", ""]) == (11 * 365, 11 * 365)

    def test_gender(self) -> None:
        found = cells(figures(table("gender"), cohort(), CLEVELAND))
        assert (found["men", ""], found["women", ""], found["total", ""]) == (37, 4, 41)

    def test_therapy(self) -> None:
        got = {
            name: cells(figures(table(name), cohort(), CLEVELAND))["total", ""]
            for name in ("therapy_sessions", "therapy_assessments", "engagement_calls")
        }
        assert got == {"therapy_sessions": 80, "therapy_assessments": 13, "engagement_calls": 34}

    def test_engaged_are_people_with_a_signed_plan(self) -> None:
        found = cells(figures(table("action_plans"), cohort(), CLEVELAND))
        assert found["total", "2022"] + found["total", "2023"] == 11


def victims() -> list[Case]:
    """33 victims supported, 17 of them on several days, and 15 children. 60 with outcomes as the form has them; of each item 14 say nothing of sexual health."""
    load = Caseload()
    for n in range(60):
        case = load.case()
        if n < 33:
            for day in (3, 4)[: 2 if n < 17 else 1]:
                load.add(case, "contact", {"result": "spoke", "event_at": {"at": f"2023-08-0{day}T10:00", "precision": "minute"}}, date(2023, 8, day))
        elif n < 40:
            load.add(case, "contact", {"result": "refused", "event_at": {"at": "2023-08-05T10:00", "precision": "minute"}}, date(2023, 8, 5))
        for _ in range(1 if n < 15 else 0):
            load.add(case, "child", {"plan": "none"}, date(2023, 7, 9))
        rows = [
            {"outcome": item, "change": "improved" if n < 46 else "no_change", **BY_HER}
            for item in (
                "better_able_to_cope_with_aspects_of_everyday_life",
                "increase_in_safety",
                "improved_mental_health",
                "increase_in_confidence",
            )
        ]
        rows += [{"outcome": "improved_sexual_health", "change": "improved" if n < 14 else "no_change", **BY_HER}]
        load.add(
            case, "outcome_v", {"opcc_and_service": [{"outcome": "increase_in_safety", "change": "deteriorated", **BY_HER}]}, date(2023, 7, 20)
        )  # not the last
        load.add(case, "outcome_v", {"opcc_and_service": rows}, date(2023, 9, 20))
    return load.cases()


def perpetrators() -> list[Case]:
    """4 invalid, 23 valid referrals; sessions 14 and 40, 4 completions, onward 11, 4 and 3."""
    load = Caseload()
    for _ in range(4):
        load.alone("referral", {"received_on": "2023-07-11", "validity": "invalid", "invalid_reason": "criteria_not_met"})
    for n in range(23):
        load.alone("referral", {"received_on": "2023-08-11", "validity": "valid", "referral_source": "probation" if n % 2 else "self_referral"})
    case = load.case()
    for kind, many in (("one_to_one", 14), ("group", 40)):
        for _ in range(many):
            load.add(case, "session", {"format": kind, "attended": "attended"}, date(2023, 9, 1))
    load.add(case, "session", {"format": "group", "attended": "did_not_attend"}, date(2023, 9, 1))
    for _ in range(4):
        load.add(case, "programme", {"ended": "2023-09-02", "end_reason": "completed"})
    for service, many in (("housing", 11), ("substance_misuse", 4), ("mental_health_services", 3)):
        for _ in range(many):
            load.add(case, "onward_referral", {"service": service, "made_on": "2023-09-03"})
    return load.cases()


@pytest.fixture(scope="module")
def elm() -> Assembled:
    asked = returns()["elm"]
    return assemble(asked, [part(asked, "perpetrator", perpetrators(), QUARTER), part(asked, "victim", victims(), QUARTER)])


def of(found: Assembled, name: str) -> Mapping[tuple[str, str], int]:
    return cells(list(found.tables[name]))


class TestElm:
    def test_referrals(self, elm: Assembled) -> None:
        got = [of(elm, name)["total", ""] for name in ("invalid_referrals", "valid_contact_issues", "valid_referrals", "referrals")]
        assert got == [4, 0, 23, 27]  # the report has 23 for all of them

    def test_services(self, elm: Assembled) -> None:
        assert (of(elm, "sessions")["one_to_one", ""], of(elm, "sessions")["group", ""]) == (14, 40)
        assert of(elm, "completions")["total", ""] == 4
        onward = of(elm, "onward_referrals")
        assert [onward[one, ""] for one in ("housing", "substance_misuse", "mental_health_services")] == [11, 4, 3]

    def test_victims(self, elm: Assembled) -> None:
        assert of(elm, "victims_supported")["yes", ""] == 33
        assert of(elm, "children")["total", ""] == 15
        support = of(elm, "support")
        assert [support[one, ""] for one in ("declined", "single", "multiple")] == [7, 16, 17]

    def test_outcomes_are_of_the_last_record_of_each_person(self, elm: Assembled) -> None:
        found = of(elm, "outcomes")
        items = ("increase_in_safety", "improved_mental_health", "improved_sexual_health", "increase_in_confidence")
        assert [found[f"{item} / improved", ""] for item in items] == [46, 46, 14, 46]
        assert found["increase_in_safety / deteriorated", ""] == 0
        assert {one.figure: one.numerator for one in elm.computed if one.denominator is None}["service_outcomes/improved/"] == 152

    def test_both_rates_with_what_they_are_of(self, elm: Assembled) -> None:
        rates = {one.figure: (one.numerator, one.denominator, one.per_cent) for one in elm.computed if one.denominator is not None}
        assert rates == {"engagement_rate/supported/": (33, 23, 143), "engagement_rate/answered/": (40, 23, 174)}

    def test_our_own_figures_agree(self, elm: Assembled) -> None:
        assert slips(elm.asked.checks, values(elm.tables)) == []


class TestSlips:
    """What the reports print, and what it comes to."""

    TYPED: ClassVar = {
        "invalid_referrals/total/": 4, "valid_contact_issues/total/": 0, "valid_referrals/total/": 23, "referrals/total/": 23,
        "outcomes/increase_in_safety / improved/": 46, "outcomes/improved_mental_health / improved/": 46,
        "outcomes/improved_sexual_health / improved/": 14, "outcomes/increase_in_confidence / improved/": 46, "service_outcomes/improved/": 153,
        "support/declined/": 0, "support/single/": 3, "support/multiple/": 20, "engagement_rate/supported/": 100, "engagement_rate/answered/": 100,
    }  # fmt: skip

    def test_the_form_of_october_2023(self) -> None:
        found = {one.figure: (one.says, one.comes_to) for one in slips(returns()["elm"].checks, self.TYPED)}
        assert found == {"referrals/total/": (23, 27), "service_outcomes/improved/": (153, 152)}

    def test_a_rate_that_is_wrong(self) -> None:
        found = {one.figure: (one.says, one.comes_to) for one in slips(returns()["elm"].checks, {**self.TYPED, "support/multiple/": 18})}
        assert found["engagement_rate/supported/"] == (100, 91)

    def test_what_cannot_be_checked_is_said(self) -> None:
        rest = {name: value for name, value in self.TYPED.items() if name != "referrals/total/"}
        assert "referral total" in unchecked(returns()["elm"].checks, rest)
        assert "referral total" not in unchecked(returns()["elm"].checks, self.TYPED)
