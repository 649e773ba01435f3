"""`shared_schema.records`: what it hands out is whole, cannot be changed by who gets it, and ranks values."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_schema import records
from shared_schema.records import Field

MISSING = {"missing": "not_known"}


def field(kind: str, name: str) -> Field:
    return records.record_type(kind).fields[name]


class TestLookingUp:
    """A name that is not there raises a typed KeyError that does not repeat it."""

    def test_types_are_those_of_the_folder(self) -> None:
        folder = files("shared_schema").joinpath("records")
        assert {*records.record_types(), "header"} == {path.name.removesuffix(".schema.json") for path in folder.iterdir()}
        for name, kind in records.record_types().items():
            assert kind is records.record_type(name)
            assert (kind.name, kind.label) == (name, records.schema(name)["title"])

    def test_an_unknown_type(self) -> None:
        for look in (records.record_type, records.schema):
            with pytest.raises(records.UnknownRecordType) as caught:
                look("Jane Doe")
            assert isinstance(caught.value, KeyError)
            assert caught.value.code == "not-found"
            assert caught.value.name == "Jane Doe"
            assert str(caught.value).startswith("no record type has that name; there are ")
            assert "Jane" not in str(caught.value)

    def test_the_header_is_a_schema_but_no_type(self) -> None:
        assert records.schema("header")["properties"]
        with pytest.raises(records.UnknownRecordType):
            records.record_type("header")

    def test_an_unknown_list(self) -> None:
        with pytest.raises(records.UnknownCodeList, match="no code list has that name"):
            records.code_list("Jane Doe")
        assert records.code_lists()["flag3"] is records.code_list("flag3")


class TestNothingCanBeChanged:
    """What is loaded once is shared by all, so nobody can change it."""

    def test_maps_and_values_are_frozen(self) -> None:
        person = records.record_type("person")
        for mapping in (records.record_types(), records.code_lists(), person.fields, person.files):
            with pytest.raises(TypeError):
                mapping["x"] = None  # type: ignore[index]
        with pytest.raises(FrozenInstanceError):
            person.weight = "quick"  # type: ignore[misc]
        with pytest.raises(FrozenInstanceError):
            person.fields["born"].merge = "once"  # type: ignore[misc]

    def test_a_schema_is_the_callers_own(self) -> None:
        records.schema("task")["properties"].clear()
        assert records.schema("task")["properties"]


class TestFields:
    """A field says all that its words say."""

    def test_own_fields_come_first_then_the_header(self) -> None:
        names = list(records.record_type("case_note").fields)
        assert names[0] == "contact"
        assert names[-1] == "addenda"

    def test_a_field_with_a_code(self) -> None:
        found = field("risk_assessment", "to_partner")
        assert (found.kind, found.codes, found.merge) == ("code", "risk_level", "worst")
        assert (found.while_conflicted, found.order) == ("strictest", ("standard", "medium", "high"))
        assert (found.allows_missing, found.need, found.need_if) == (True, "sign", None)

    def test_a_field_with_rows(self) -> None:
        grid = field("risk_assessment", "grid")
        assert list(grid.cells) == ["dva_type", "used", "severity"]
        assert [cell.merge for cell in grid.cells.values()] == ["once", "once", "worst"]
        assert grid.cells["severity"].rank("high") == 8

    def test_conditions(self) -> None:
        parent = field("person", "children_live_with").need_if
        assert parent == records.NeedIf(field="parent", terms=("yes",))
        assert field("spend", "no_receipt_why").need_if == records.NeedIf(field="receipt", missing=True)
        assert field("own_safety_plan", "warning_signs").need_if == records.NeedIf(group="steps")

    def test_where_a_field_stands(self) -> None:
        assert field("person", "names").stands_in("shared_care", "perpetrator")
        assert not field("person", "ethnicity").stands_in("shared_care", "perpetrator")
        assert field("person", "identified_by").stands_in("case", "perpetrator")
        assert not field("person", "identified_by").stands_in("case", "victim")
        assert not field("case_note", "disruption_actions").stands_in("case", "victim")
        assert field("own_safety_plan", "do_not_raise").stands_in("case", "victim")
        assert not field("own_safety_plan", "do_not_raise").stands_in("case", "perpetrator")

    def test_who_writes_a_field(self) -> None:
        assert field("spend", "amount").write == ("navigator", "link_worker")
        assert field("spend", "decisions").write == ("coordinator", "fund_holder")
        assert field("spend", "decisions").cells["why"].write == ("coordinator", "fund_holder")

    def test_what_a_reference_names(self) -> None:
        assert field("case_note", "contact").targets == ("contact",)
        assert field("task", "from").targets == ()


class TestRank:
    """`worst` and `strictest` rank real values in order, a missing reason below them, unknown terms above."""

    def test_terms_rank_in_their_order(self) -> None:
        flag = field("case_note", "threat_to_someone")
        ladder = [MISSING, *records.code_list("flag3").codes, "a_term_of_a_later_version"]
        assert [flag.rank(value) for value in ladder] == [0, 2, 4, 6, 8, 10]

    def test_permission_refused_is_strictest_and_unasked_is_no_permission(self) -> None:
        voicemail = field("safe_contact", "voicemail")
        assert voicemail.rank("yes") < voicemail.rank(MISSING) < voicemail.rank("no") < voicemail.rank("perhaps")

    def test_yes_is_worst(self) -> None:
        watched = field("safe_contact", "device_watched")
        assert watched.rank(MISSING) < watched.rank("no") < watched.rank("yes")

    def test_yes_or_no_without_an_order_of_its_own(self) -> None:
        parent = field("person", "parent")
        assert parent.order == ()
        assert parent.rank(MISSING) < parent.rank("no") < parent.rank("yes") < parent.rank(7)

    @given(st.dates(), st.dates())
    def test_the_earlier_day_is_stricter(self, one: date, other: date) -> None:
        review = field("risk_assessment", "next_review")
        latest = replace(review, order=("earliest", "latest"))
        assert (review.rank(one.isoformat()) > review.rank(other.isoformat())) is (one < other)
        assert (latest.rank(one.isoformat()) > latest.rank(other.isoformat())) is (one > other)
        for ranked in (review, latest):
            assert ranked.rank(MISSING) == 0 < ranked.rank(one.isoformat()) < ranked.rank("expunged")

    @pytest.mark.parametrize("unknown", ["2026-02-30", "20260228", "2026-W10-3", "", None, 7, ["2026-02-28"], {"at": "2026"}])
    def test_what_is_no_day_ranks_above_all_days(self, unknown: object) -> None:
        review = field("task", "due")
        assert review.rank(unknown) > review.rank("0001-01-01") > review.rank("9999-12-31")

    @given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())))
    def test_no_value_breaks_it(self, value: object) -> None:
        for name in ("state", "do_not_raise"):
            found = field("task", name)
            assert 0 <= found.rank(value) <= 2 * (len(found.order) + 1)

    def test_a_field_that_nothing_ranks(self) -> None:
        with pytest.raises(ValueError, match="what have no order"):
            field("task", "what").rank("anything")


def test_the_standard_library_is_enough() -> None:
    """In a fresh interpreter, so that transitive imports count, less what it starts with."""
    probe = (
        "import sys; before = set(sys.modules)\n"
        "import shared_schema.records as r; r.record_types(); r.code_lists()\n"
        "print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "shared_schema" in loaded
    assert loaded <= {*sys.stdlib_module_names, "shared_schema"}
