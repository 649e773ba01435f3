"""What counts, where, and what is missing (docs/returns.md): not known, not asked and none are three things."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from shared_schema.records import code_list, code_lists
from shared_schema.returns import BadReturn, Table, read_return, returns
from sync.device.recording.values import check_value
from sync.returns.cases import Case, Rec, counted
from sync.returns.counting import MISSING, NOT_IN_LIST, TOTAL, Figure, Period, figures, undated
from sync.returns.derived import GROWING, RULES
from tests.returns.caseload import Caseload

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
JUNE = Period(date(2026, 6, 1), date(2026, 6, 30))


def table(**words: Any) -> Table:
    """A table of the perpetrator side, read as a definition is."""
    raw = {"table": "t", "title": "T", "source": "Test", "side": "perpetrator", "rule": "As the test says.", **words}
    return read_return({"return": "r", "version": 1, "title": "R", "tables": [raw]}).tables[0]


def found(asked: Table, cases: list[Case], period: Period = YEAR) -> dict[str, Figure]:
    return {" | ".join(filter(None, (one.row, one.column))): one for one in figures(asked, cases, period)}


def numbers(asked: Table, cases: list[Case], period: Period = YEAR) -> dict[str, int]:
    return {name: one.numerator for name, one in found(asked, cases, period).items() if one.numerator}


class TestMissing:
    GENDER = table(of="person", count="people", rows={"field": "gender"})

    def test_not_said_not_known_and_a_word_of_the_list_are_three_things(self) -> None:
        load = Caseload()
        for value in ("men", "men", "dont_know", {"missing": "declined_to_say"}, {"missing": "not_asked"}, None):
            load.alone("person", {"gender": value} if value else {"parent": "no"})
        got = found(self.GENDER, load.cases())
        assert {name: one.numerator for name, one in got.items()} == {"men": 2, "women": 0, "transgender": 0, "dont_know": 1, TOTAL: 3}
        assert {(one.denominator, one.missing) for one in got.values()} == {(6, 3)}

    def test_none_is_a_row_and_no_answer_is_not(self) -> None:
        """A grid that says `none` for a kind of abuse is not one that does not say."""
        load = Caseload()
        for severity in ("none", "high", {"missing": "not_known"}):
            case = load.case()
            for day, last in ((3, "high"), (9, severity)):
                grid = [{"dva_type": "physical", "used": "no" if last == "none" else "yes", "severity": last}]
                load.add(case, "risk_assessment", {"grid": grid, "event_at": {"at": f"2026-03-0{day}", "precision": "day"}}, date(2026, 3, day))
        severity_table = next(one for one in returns()["drive"].tables if one.name == "severity")
        got = found(severity_table, load.cases())
        assert {name: one.numerator for name, one in got.items() if one.numerator} == {
            "physical / high / none": 1,
            "physical / high / high": 1,
            TOTAL: 2,
        }
        assert got[TOTAL].missing == 1

    def test_how_many_needs_is_not_known_where_one_of_four_is_not(self) -> None:
        load = Caseload()
        four = [term.code for term in code_list("complex_need").terms]
        for answers in (["no"] * 4, ["yes", "no", "no", "no"], ["yes", "yes", "yes", {"missing": "not_asked"}]):
            load.alone(
                "support_plan", {"complex_needs": [{"need": one, "present": said} for one, said in zip(four, answers, strict=True)]}, date(2026, 2, 2)
            )
        load.case()
        asked = next(one for one in returns()["drive"].tables if one.name == "complex_needs")
        got = found(asked, load.cases())
        assert [got[str(n)].numerator for n in range(5)] == [1, 1, 0, 0, 0]
        assert (got[TOTAL].numerator, got[TOTAL].denominator, got[TOTAL].missing) == (2, 4, 2)

    def test_a_record_without_its_day_counts_in_no_time(self) -> None:
        load = Caseload()
        load.alone("referral", {"received_on": "2026-06-01", "area": "redcar"})
        load.alone("referral", {"area": "redcar"})
        asked = table(of="referral", day="received_on", rows={"field": "area"})
        assert numbers(asked, load.cases()) == {"redcar": 1, TOTAL: 1}
        assert undated(asked, load.cases()) == 1

    def test_the_sum_says_how_many_said_no_number(self) -> None:
        load = Caseload()
        for values in ({"known_domestic_offences": 0}, {"known_domestic_offences": 4}, {"known_domestic_offences": {"missing": "not_known"}}):
            load.alone("offence_window", {"window": "while_engaged", **values})
        got = found(table(of="offence_window", count="sum", sum="known_domestic_offences", rows={"field": "window"}), load.cases())["while_engaged"]
        assert (got.numerator, got.denominator, got.missing) == (4, 3, 1)

    def test_days_both_ends_counted_and_none_where_an_end_is_wanting(self) -> None:
        load = Caseload()
        for values in ({"from": "2026-01-01", "to": "2026-01-31"}, {"from": "2026-01-01"}, {"from": "2026-02-01", "to": "2026-01-01"}):
            load.alone("offence_window", {"window": "while_engaged", **values})
        got = found(table(of="offence_window", count="sum", sum="from..to", rows={"field": "window"}), load.cases())["while_engaged"]
        assert (got.numerator, got.missing) == (31, 2)


class TestWhatCounts:
    def test_people_once_records_each(self) -> None:
        load = Caseload()
        case = load.case()
        for need in ("alcohol", "alcohol", "drugs"):
            load.add(case, "need", {"need": need}, date(2026, 1, 5))
        load.alone("need", {"need": "drugs"}, date(2026, 1, 5))
        assert numbers(table(of="need", day="written", rows={"field": "need"}), load.cases()) == {"alcohol": 2, "drugs": 2, TOTAL: 4}
        assert numbers(table(of="need", day="written", count="people", rows={"field": "need"}), load.cases()) == {"alcohol": 1, "drugs": 2, TOTAL: 2}

    def test_a_table_in_which_one_stands_in_several_rows_has_no_total(self) -> None:
        load = Caseload()
        types = [term.code for term in code_list("abuse_type_act").terms][:2]
        load.alone("referral", {"received_on": "2026-06-01", "abuse_types": types})
        got = found(table(of="referral", day="received_on", count="people", rows={"field": "abuse_types"}), load.cases())
        assert [got[one].numerator for one in types] == [1, 1]
        assert TOTAL not in got

    def test_both_ends_of_a_period_are_in_it(self) -> None:
        load = Caseload()
        for day in ("2026-05-31", "2026-06-01", "2026-06-30", "2026-07-01"):
            load.alone("referral", {"received_on": day, "area": "redcar"})
        assert numbers(table(of="referral", day="received_on"), load.cases(), JUNE) == {TOTAL: 2}

    def test_columns_by_month_and_quarter(self) -> None:
        load = Caseload()
        for day in ("2026-03-31", "2026-04-01", "2026-12-31"):
            load.alone("referral", {"received_on": day})
        got = numbers(table(of="referral", day="received_on", columns="quarter"), load.cases())
        assert got == {"total | 2026 Q1": 1, "total | 2026 Q2": 1, "total | 2026 Q4": 1}
        assert numbers(table(of="referral", day="received_on", columns="month"), load.cases())["total | 2026-12"] == 1

    def test_a_correction_counts_and_not_what_it_corrects(self) -> None:
        old = Rec("a", "referral", {"received_on": "2026-06-02", "area": "redcar"}, True, date(2026, 6, 2))
        new = Rec("b", "referral", {"received_on": "2026-06-02", "area": "stockton", "corrects": "a"}, True, date(2026, 6, 3))
        assert numbers(table(of="referral", day="received_on", rows={"field": "area"}), [counted("1", "case", [old, new])]) == {
            "stockton": 1,
            TOTAL: 1,
        }

    def test_one_contact_that_two_people_wrote_counts_once(self) -> None:
        both = [Rec("a", "contact", {"same_as": ["b"]}, True, date(2026, 6, 2)), Rec("b", "contact", {}, True, date(2026, 6, 2))]
        chain = [Rec("c", "contact", {"same_as": ["a"]}, True, date(2026, 6, 2)), Rec("d", "contact", {}, True, date(2026, 6, 2))]
        assert numbers(table(of="contact", day="written"), [counted("1", "case", [*both, *chain])]) == {TOTAL: 2}

    def test_a_void_correction_takes_nothing_away(self) -> None:
        old = Rec("a", "referral", {"area": "redcar"}, True, date(2026, 6, 2))
        void = Rec("b", "referral", {"area": "stockton", "corrects": "a"}, True, date(2026, 6, 3), stands=False)
        assert numbers(table(of="referral", day="written", rows={"field": "area"}), [counted("1", "case", [old, void])]) == {"redcar": 1, TOTAL: 1}

    def test_one_person_with_two_files_is_one_of_people(self) -> None:
        rec = Rec("a", "person", {"gender": "men"}, True, date(2026, 6, 2))
        cases = [Case("1", "case", (rec,), "he"), Case("2", "case", (rec,), "he"), Case("3", "case", (rec,))]
        assert numbers(TestMissing.GENDER, cases) == {"men": 2, TOTAL: 2}

    def test_a_share_counts_those_that_have_it_of_all(self) -> None:
        """Court orders: in force on the day of the referral, in the same case."""
        load = Caseload()
        for made, ends in (("2026-01-01", "2026-12-31"), ("2026-07-01", None), ("2025-01-01", "2026-05-01")):
            case = load.case()
            load.add(case, "referral", {"received_on": "2026-06-02"})
            load.add(case, "legal_order", {"order_state": "in_force", "made_on": made, **({"ends": ends} if ends else {})})
        load.alone("referral", {"received_on": "2026-06-02"})
        got = found(next(one for one in returns()["cleveland"].tables if one.name == "orders_at_referral"), load.cases())["total | 2026"]
        assert (got.numerator, got.denominator) == (1, 4)

    @pytest.mark.parametrize("word", ["Debbie, of 4 Mill Lane", "debbie_of_mill_lane", "=cmd()"])
    def test_words_of_no_list_count_and_never_leave(self, word: str) -> None:
        """A newer app may write a word of a newer list where a code belongs, and a stranger's app anything, such as a name."""
        case = Case("1", "case", (Rec("a", "person", {"gender": word}, True, date(2026, 1, 1)),))
        assert word not in str(found(TestMissing.GENDER, [case]))
        assert numbers(TestMissing.GENDER, [case]) == {NOT_IN_LIST: 1, TOTAL: 1}
        grid = [{"dva_type": word, "used": "yes", "severity": word}]
        both = tuple(Rec(f"{n}", "risk_assessment", {"grid": grid}, True, date(2026, 1, n)) for n in (1, 2))
        asked = next(one for one in returns()["drive"].tables if one.name == "severity")
        assert word not in str(found(asked, [Case("1", "case", both)]))

    def test_an_older_word_counts_as_the_one_that_says_it_today(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The code that was chosen stays as it is; in a return it is the word of today, and has no row of its own."""
        lists = dict(code_lists())
        terms = tuple(replace(term, until=1, now="transgender") if term.code == "dont_know" else term for term in lists["gender"].terms)
        monkeypatch.setattr("sync.returns.counting.code_lists", lambda: {**lists, "gender": replace(lists["gender"], terms=terms, version=2)})
        cases = [Case(word, "case", (Rec("a", "person", {"gender": word}, True, date(2026, 1, 1)),)) for word in ("dont_know", "transgender", "men")]
        got = found(TestMissing.GENDER, cases)
        assert {name: one.numerator for name, one in got.items()} == {"men": 1, "women": 0, "transgender": 2, TOTAL: 3}


class TestDerived:
    def test_support_given(self) -> None:
        load = Caseload()
        for days, result in (((3, 3), "spoke"), ((3, 4), "spoke"), ((3,), "refused"), ((3,), "no_answer")):
            case = load.case()
            for day in days:
                load.add(case, "contact", {"result": result}, date(2026, 6, day))
        asked = next(one for one in returns()["elm"].tables if one.name == "support")
        assert numbers(asked, load.cases(), JUNE) == {"single": 1, "multiple": 1, "declined": 1, TOTAL: 3}
        assert found(asked, load.cases(), JUNE)[TOTAL].missing == 1  # asked for, and nothing came of it
        assert numbers(asked, load.cases(), Period(date(2026, 7, 1), date(2026, 7, 31))) == {}

    def test_caseload_at_the_end_is_by_the_newest_status_that_had_begun(self) -> None:
        load = Caseload()
        for statuses in (
            (("referred", "2026-05-01"), ("engaged", "2026-06-30")),
            (("engaged", "2026-05-01"), ("closed", "2026-07-01")),
            (("waiting", "2026-06-01"),),
        ):
            case = load.case()
            for status, day in statuses:
                load.add(case, "case_status", {"status": status, "from": {"at": day, "precision": "day"}})
        asked = next(one for one in returns()["elm"].tables if one.name == "caseload")
        assert numbers(asked, load.cases(), JUNE) == {"open": 2, "waiting": 1, TOTAL: 3}

    @pytest.mark.parametrize(
        ("born", "band"), [("2008-06-30", "18_25"), ("2008-07-01", "under_18"), ("2000-02-29", "26_34"), ("1961-06-30", "65_plus")]
    )
    def test_age_on_the_last_day(self, born: str, band: str) -> None:
        load = Caseload()
        load.alone("person", {"born": born})
        load.alone("person", {"parent": "no"})
        asked = next(one for one in returns()["drive"].tables if one.name == "age")
        assert numbers(asked, load.cases(), JUNE) == {band: 1, TOTAL: 1}
        assert found(asked, load.cases(), JUNE)[TOTAL].missing == 1

    def test_what_grows_with_time_does(self) -> None:
        """In a longer time nobody falls out of a row that is said to grow."""
        load = Caseload()
        for day in (3, 12, 25):
            load.alone("contact", {"result": "spoke"}, date(2026, 6, day))
        for rule, rows in GROWING.items():
            for case in load.cases():
                stands = [
                    set(RULES[rule](case, Rec("", "case", {}, True, date.min), date(2026, 6, 1), date(2026, 6, last))) & rows for last in range(1, 31)
                ]
                assert all(first <= after for first, after in pairwise(stands))
                assert stands[-1]


class TestDefinitions:
    def test_the_returns_are_there_and_say_what_they_count(self) -> None:
        assert list(returns()) == ["cleveland", "drive", "elm", "one_eighty", "tameside"]
        for one in returns().values():
            for each in one.tables:
                assert each.rule.endswith(".")
                assert each.rows.derived in ("", *RULES)
                for condition in (*each.where, *each.having):
                    _terms_exist(each.of, condition)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ({"of": "refferal"}, "of is 'refferal', want a record type or case"),
            ({"of": "referral", "day": "received"}, "referral has no field 'received'"),
            ({"of": "referral", "rows": {"field": "aria"}}, "referral has no field 'aria'"),
            ({"of": "need", "rows": {"field": "reviews", "cell": "chance"}}, "the rows of reviews have no cell 'chance'"),
            ({"of": "referral", "count": "files"}, "count is 'files', want one of records, people, sum"),
            ({"of": "referral", "pick": "best"}, "pick is 'best'"),
            ({"of": "referral", "columns": "week"}, "columns is 'week'"),
            ({"of": "referral", "side": "both"}, "side is 'both'"),
            ({"of": "referral", "where": [{"feeld": "area"}]}, "condition: feeld is not known"),
            ({"of": "referral", "rows": {"codes": "areas"}}, "there is no code list 'areas'"),
            ({"of": "referral", "colour": "red"}, "colour is not known"),
            ({"of": "case", "rows": {"derived": "supported"}}, "has neither terms nor codes"),
            ({"of": "case", "rows": {"derived": "magic"}}, "there is no rule 'magic'"),
        ],
    )
    def test_a_definition_that_says_something_else_is_refused(self, words: dict[str, Any], said: str) -> None:
        with pytest.raises(BadReturn, match=said):
            table(**words)

    def test_two_tables_of_one_name_are_refused(self) -> None:
        raw = {"table": "t", "title": "T", "source": "Test", "side": "victim", "rule": "R.", "of": "case"}
        with pytest.raises(BadReturn, match="two tables have one name"):
            read_return({"return": "r", "version": 1, "title": "R", "tables": [raw, raw]})

    def test_a_check_of_a_figure_that_no_table_has_is_refused(self) -> None:
        raw = {"table": "t", "title": "T", "source": "Test", "side": "victim", "rule": "R.", "of": "case"}
        with pytest.raises(BadReturn, match=r"there is no table .u."):
            read_return(
                {"return": "r", "version": 1, "title": "R", "tables": [raw], "checks": [{"name": "n", "sum": ["u/total/"], "equals": "t/total/"}]}
            )


def _terms_exist(of: str, condition: Any) -> None:
    for term in condition.terms:
        if not condition.cell:
            check_value(of, condition.field, term)
    for inner in condition.where:
        _terms_exist(condition.beside, inner)


def test_missing_is_no_row() -> None:
    """`missing` is the name of what is missing in a publication: no code list has it."""
    assert not any({MISSING, TOTAL} & set(one.codes) for one in code_lists().values())
