"""docs/spec.md §5: a class for each rule, the sentence as its docstring."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_schema import cbor, ids
from shared_schema.records import record_types
from sync import fold
from sync.change import DELETED, SIGNED, CellKey, Change, Op, OpId, decode_part, encode_part
from sync.fold import Live, Occurrence, Record, conflicts, fold_log, show, state_hash, unweighed

TYPES = record_types()
LOG = bytes(16)
A, B, C = (bytes((n,)) * 16 for n in (1, 2, 3))
USER = {A: b"a" * 16, B: b"b" * 16, C: b"c" * 16}


class Story:
    """A log being written: each call appends one change and says its op ids."""

    def __init__(self, type_: str = "own_safety_plan") -> None:
        self.type, self.log, self.counters = type_, list[Occurrence](), dict[bytes, int]()
        self.record: bytes | None = None

    def write(self, device: bytes, ops: Sequence[Op], *, saw: int | None = None, late: bool = False, user: bytes | None = None) -> list[OpId]:
        c = self.counters[device] = self.counters.get(device, 0) + 1
        self.record = self.record or ids.record_id(LOG, device, c)
        seen = len(self.log) if saw is None else saw
        change = Change(self.record, self.type, 1, c, seen, 0, tuple(ops))
        self.log.append(Occurrence(len(self.log) + 1, 0, device, user or USER[device], "navigator", change, late))
        return [OpId(device, c, i) for i in range(len(ops))]

    def fold(self, upto: int | None = None) -> Record:
        assert self.record is not None
        return fold_log(LOG, self.log[:upto], TYPES)[self.record]

    def value(self, field: str) -> Any:
        return show(self.fold(), TYPES)[field].value

    def conflicts(self) -> list[Any]:
        return conflicts(self.fold(), TYPES)


def put(field: Any, value: Any, *preds: OpId) -> Op:
    return Op(field, "set", value, preds)


def decide(field: Any, value: Any, *preds: OpId) -> Op:
    return Op(field, "resolve", [value, "asked together"], preds)


class TestAsk:
    """Only a `resolve` op, naming the siblings that it settles and a reason, ends a conflict of an `ask` field."""

    def conflict(self) -> tuple[Story, OpId, OpId]:
        story = Story()
        [first] = story.write(A, [put("likely_to_use", 5)])
        [by_a] = story.write(A, [put("likely_to_use", 7, first)], saw=1)
        [by_b] = story.write(B, [put("likely_to_use", 3, first)], saw=1)
        assert story.conflicts() == ["likely_to_use"]
        return story, by_a, by_b

    def test_both_values_are_kept(self) -> None:
        story, by_a, by_b = self.conflict()
        assert set(story.fold().registers["likely_to_use"].live) == {by_a, by_b}
        assert story.value("likely_to_use") is None

    def test_a_plain_edit_cannot_settle_it(self) -> None:
        story, by_a, by_b = self.conflict()
        [by_c] = story.write(C, [put("likely_to_use", 5, by_a, by_b)])
        assert set(story.fold().registers["likely_to_use"].live) == {by_a, by_b, by_c}
        story.write(A, [put("likely_to_use", 3, by_a, by_b, by_c)])
        assert story.conflicts() == ["likely_to_use"], "own ops are replaced, others' stay"

    def test_a_decision_settles_it(self) -> None:
        story, by_a, by_b = self.conflict()
        story.write(C, [decide("likely_to_use", 7, by_a, by_b)])
        assert story.conflicts() == []
        assert story.value("likely_to_use") == 7

    def test_a_decision_settles_only_what_it_names(self) -> None:
        story, by_a, by_b = self.conflict()
        story.write(C, [decide("likely_to_use", 9, by_a)])
        assert story.conflicts() == ["likely_to_use"]
        assert by_b in story.fold().registers["likely_to_use"].live

    def test_two_who_decide_alike_leave_none(self) -> None:
        story, by_a, by_b = self.conflict()
        story.write(A, [decide("likely_to_use", 7, by_a, by_b)], saw=3)
        story.write(B, [Op("likely_to_use", "resolve", [7, "for another reason"], (by_a, by_b))], saw=3)
        assert story.conflicts() == []
        assert story.value("likely_to_use") == 7

    def test_two_who_decide_differently_leave_one(self) -> None:
        story, by_a, by_b = self.conflict()
        story.write(A, [decide("likely_to_use", 7, by_a, by_b)], saw=3)
        story.write(B, [decide("likely_to_use", 3, by_a, by_b)], saw=3)
        assert story.conflicts() == ["likely_to_use"]

    def test_after_a_decision_a_plain_edit_works_again(self) -> None:
        story, by_a, by_b = self.conflict()
        [decided] = story.write(C, [decide("likely_to_use", 7, by_a, by_b)])
        story.write(B, [put("likely_to_use", 2, decided)])
        assert story.conflicts() == []
        assert story.value("likely_to_use") == 2


class TestWorst:
    """In a `worst` field the highest in the schema's order is effective; it never falls by merging."""

    RISKS = ("standard", "medium", "high")

    def test_the_highest_is_effective(self) -> None:
        story = Story("risk_assessment")
        [first] = story.write(A, [put("to_partner", "medium")])
        story.write(A, [put("to_partner", "standard", first)], saw=1)
        story.write(B, [put("to_partner", "high", first)], saw=1)
        assert story.value("to_partner") == "high"
        assert story.conflicts() == ["to_partner"]

    def test_a_missing_reason_never_lowers_a_real_value(self) -> None:
        story = Story("risk_assessment")
        [first] = story.write(A, [put("to_partner", "medium")])
        story.write(A, [put("to_partner", {"missing": "not_known"}, first)], saw=1)
        story.write(B, [put("to_partner", "medium", first)], saw=1)
        assert story.value("to_partner") == "medium"

    def test_an_unknown_term_ranks_highest(self) -> None:
        story = Story("risk_assessment")
        story.write(A, [put("to_partner", "high")])
        story.write(B, [put("to_partner", "extreme")], saw=0)
        assert story.value("to_partner") == "extreme"

    @given(st.lists(st.tuples(st.sampled_from((A, B, C)), st.sampled_from(RISKS)), min_size=2, max_size=8))
    def test_merging_never_lowers_it(self, said: list[tuple[bytes, str]]) -> None:
        """Each says so having seen nothing of the others: the result is the highest of what each said last."""
        story = Story("risk_assessment")
        for device, level in said:
            story.write(device, [put("to_partner", level)], saw=0)
        last = dict(said)
        assert story.value("to_partner") == max(last.values(), key=self.RISKS.index)

    def test_only_a_decision_lowers_a_conflict(self) -> None:
        story = Story("risk_assessment")
        [a] = story.write(A, [put("to_partner", "high")])
        [b] = story.write(B, [put("to_partner", "medium")], saw=0)
        story.write(C, [put("to_partner", "standard", a, b)])
        assert story.value("to_partner") == "high"
        live = tuple(story.fold().registers["to_partner"].live)
        story.write(C, [decide("to_partner", "standard", *live)])
        assert story.value("to_partner") == "standard"


class TestUnknown:
    """Unknown types, fields and versions are kept and never dropped; an old device's edit leaves them byte for byte."""

    @given(
        st.recursive(
            st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=20), st.booleans(), st.none()),
            lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
            max_leaves=6,
        )
    )
    def test_fields_of_a_newer_schema(self, value: Any) -> None:
        story = Story("task")
        [what, newer] = story.write(A, [put("what", "ring"), put("mood_of_the_moon", value)])
        before = cbor.encode(show(story.fold(), TYPES)["mood_of_the_moon"].value)
        story.write(B, [put("what", "ring the food bank", what)])
        record = story.fold()
        assert list(record.registers["mood_of_the_moon"].live) == [newer]
        assert cbor.encode(show(record, TYPES)["mood_of_the_moon"].value) == before == cbor.encode(value)

    def test_a_type_nobody_knows(self) -> None:
        story = Story("hologram")
        [one] = story.write(A, [put("angle", 3), Op("tags", "add", "x", ())])[:1]
        story.write(B, [put("angle", 4, one)])
        assert story.value("angle") == 4
        assert story.fold().type == "hologram"

    def test_a_change_survives_being_decoded_and_encoded(self) -> None:
        change = Change(bytes(16), "t", 9, 1, 0, 5, (put("x", {"deep": [1, None, True]}), Op("y", "add", "z", (OpId(A, 1, 0),))), unsure=True)
        assert encode_part(decode_part(encode_part([change]))) == encode_part([change])


class TestSigning:
    """Signing freezes `once`, `text`, `ask`, `worst` and `set` fields of evidence; whatever arrives later is a proposal."""

    def signed(self) -> tuple[Story, list[OpId]]:
        story = Story("case_note")
        made = story.write(A, [put("body", "as it was"), put("suicide_or_self_harm", "concern")])
        story.write(A, [put("state", "signed"), Op(SIGNED, "sign", None, tuple(made))])
        return story, made

    def test_the_signed_words_stay(self) -> None:
        story, made = self.signed()
        story.write(A, [put("body", "rewritten", made[0])])
        shown = show(story.fold(), TYPES)["body"]
        assert shown.value == "as it was"
        assert [op.value for op in shown.proposals] == ["rewritten"]

    def test_a_risk_raised_while_the_author_signs_does_not_vanish(self) -> None:
        """I8: the frozen value is what was signed; what the signer had not seen waits as a proposal until the author signs that it was read."""
        for first in ("sign", "risk"):
            story = Story("case_note")
            made = story.write(A, [put("suicide_or_self_harm", "nothing_noted"), put("body", "calm")])
            signing = (A, [Op(SIGNED, "sign", None, tuple(made))])
            raising = (B, [put("suicide_or_self_harm", "act_now", made[0])])
            for device, ops in (signing, raising) if first == "sign" else (raising, signing):
                story.write(device, ops, saw=1)
            record = story.fold()
            assert (story.value("suicide_or_self_harm"), story.conflicts()) == ("nothing_noted", [])
            [waiting] = unweighed(record, TYPES)["suicide_or_self_harm"]
            assert (waiting.value, waiting.user) == ("act_now", USER[B])
            story.write(B, [Op(SIGNED, "sign", None, (waiting.id,))])
            assert unweighed(story.fold(), TYPES), "only the author can say that the author has read it"
            story.write(A, [Op(SIGNED, "sign", None, (waiting.id,))])
            assert not unweighed(story.fold(), TYPES)
            assert story.value("suicide_or_self_harm") == "nothing_noted"

    def test_somebody_elses_signature_freezes_nothing(self) -> None:
        story = Story("case_note")
        [body] = story.write(A, [put("body", "as it was")])
        story.write(B, [Op(SIGNED, "sign", None, ())])
        story.write(A, [put("body", "corrected", body)])
        assert story.value("body") == "corrected"
        assert [one.user for one in story.fold().signatures] == [USER[B]]

    def test_a_proposal_never_becomes_live_by_being_signed(self) -> None:
        story = Story("case_note")
        [body] = story.write(A, [put("body", "mine")])
        [words] = story.write(B, [put("body", "he threatened me", body)])
        story.write(A, [Op(SIGNED, "sign", None, (body, words))])
        assert story.value("body") == "mine"

    def test_addenda_and_state_go_on(self) -> None:
        story, _ = self.signed()
        story.write(B, [Op("addenda", "add", {"text": "later", "reason": "he rang"}, ()), put("state", "void")])
        assert [row["text"] for row in story.value("addenda")] == ["later"]
        assert story.value("state") == "signed", "nobody makes another's evidence void"
        assert [op.value for op in unweighed(story.fold(), TYPES)["state"]] == ["void"]
        story.write(A, [put("state", "void")])
        assert story.value("state") == "void"

    def test_by_deciding_a_conflict_neither(self) -> None:
        story, _ = self.signed()
        [mine] = story.write(A, [put("state", "draft")])
        [other] = story.write(B, [put("state", "signed")], saw=0)
        story.write(B, [decide("state", "void", mine, other)])
        assert story.value("state") == "signed"

    def test_nobody_signs_by_saying_so(self) -> None:
        """`record edit --set state=signed` made a colleague's draft look signed, on his own phone too."""
        story = Story("case_note")
        story.write(A, [put("body", "a draft")])
        story.write(B, [put("state", "signed"), Op(SIGNED, "sign", None, ())])
        story.write(A, [put("state", "signed")])
        assert story.value("state") is None
        story.write(A, [put("state", "signed"), Op(SIGNED, "sign", None, ())])
        assert story.value("state") == "signed"

    def test_what_is_signed_does_not_become_a_draft(self) -> None:
        story, _ = self.signed()
        for who in (A, B):
            story.write(who, [put("state", "draft", *story.fold().registers["state"].live)])
            assert story.value("state") == "signed"

    def test_void_is_the_last_word(self) -> None:
        story, _ = self.signed()
        [void] = story.write(A, [put("state", "void")])
        story.write(A, [put("state", "signed", void), Op(SIGNED, "sign", None, ())])
        story.write(A, [decide("state", "draft", void)])
        assert (story.value("state"), conflicts(story.fold(), TYPES)) == ("void", [])

    def test_void_stands_under_an_older_counter(self) -> None:
        """An author's void that was taken after a later word of the same device was dropped, and the note stood."""
        story = Story("case_note")
        story.write(A, [put("body", "a draft")])
        story.counters[A] = 9
        story.write(A, [put("state", "draft")])
        story.counters[A] = 5
        story.write(A, [put("state", "void")], late=True)
        assert story.value("state") == "void"

    def test_a_void_record_waits_for_nobody(self) -> None:
        """What a colleague proposed in it stayed unread for ever: nobody signs a void record."""
        story, _ = self.signed()
        story.write(B, [put("suicide_or_self_harm", "act_now")])
        assert unweighed(story.fold(), TYPES)
        story.write(A, [put("state", "void")])
        story.write(B, [put("state", "signed")])
        assert not unweighed(story.fold(), TYPES)

    def test_a_state_is_one_value_in_a_type_that_is_not_known(self) -> None:
        """Any member made a newer app's record void by adding the word."""
        story = Story("from_the_future")
        story.write(A, [put("state", "open")])
        story.write(B, [Op("state", "add", "void", ())])
        assert story.value("state") == "open"

    def test_a_plan_is_signed_by_anybody_who_signs_it(self) -> None:
        story = Story("own_safety_plan")
        story.write(A, [put("state", "draft")])
        story.write(B, [put("state", "signed")])
        assert story.value("state") == "draft"
        story.write(B, [put("state", "signed"), Op(SIGNED, "sign", None, ())])
        assert story.value("state") == "signed"

    def test_the_sign_ops_of_one_change_are_one_signature(self) -> None:
        story = Story("case_note")
        made = story.write(A, [put("body", "mine"), put("suicide_or_self_harm", "concern")])
        story.write(A, [Op(SIGNED, "sign", None, (one,)) for one in made])
        record = story.fold()
        assert (story.value("body"), story.value("suicide_or_self_harm")) == ("mine", "concern")
        [signature] = record.signatures
        assert signature.signs == tuple(made)

    def test_living_records_do_not_freeze(self) -> None:
        story = Story("task")
        [what] = story.write(A, [put("what", "one")])
        story.write(A, [Op(SIGNED, "sign", None, (what,))])
        story.write(A, [put("what", "two", what)])
        assert story.value("what") == "two"


class TestOnceAndText:
    """`once`: the creating device's; `text`: the author's own devices only."""

    def test_once_is_the_creators(self) -> None:
        story = Story("contact")
        [mode] = story.write(A, [put("mode", "telephone")])
        story.write(B, [put("mode", "email", mode)])
        assert story.value("mode") == "telephone"

    def test_another_persons_narrative_never_joins(self) -> None:
        story = Story("case_note")
        [body] = story.write(A, [put("body", "mine")])
        story.write(B, [put("body", "yours", body)])
        shown = show(story.fold(), TYPES)["body"]
        assert (shown.value, [op.value for op in shown.proposals]) == ("mine", ["yours"])

    def test_the_authors_second_device_does(self) -> None:
        story = Story("case_note")
        [body] = story.write(A, [put("body", "on the phone")])
        story.write(B, [put("body", "on the tablet", body)], user=USER[A])
        assert story.value("body") == "on the tablet"


class TestLatest:
    """`latest`: the sibling latest in log order; a late-admitted one never wins."""

    def test_log_order_decides(self) -> None:
        story = Story("task")
        [first] = story.write(A, [put("what", "1")])
        story.write(B, [put("what", "2", first)], saw=1)
        story.write(A, [put("what", "3", first)], saw=1)
        assert story.value("what") == "3"
        assert story.conflicts() == []

    def test_a_late_one_never_wins(self) -> None:
        story = Story("task")
        [first] = story.write(A, [put("what", "1")])
        story.write(B, [put("what", "2", first)], saw=1)
        story.write(C, [put("what", "late", first)], saw=1, late=True)
        assert story.value("what") == "2"


class TestSetsAndRows:
    """`set`: a removal removes only the additions that it names. `append`: rows are never changed or removed."""

    def test_add_wins(self) -> None:
        story = Story("person")
        [first] = story.write(A, [Op("cohort_flags", "add", "serial", ())])
        story.write(A, [Op("cohort_flags", "remove", None, (first,))], saw=1)
        story.write(B, [Op("cohort_flags", "add", "serial", ())], saw=1)
        assert story.value("cohort_flags") == ["serial"]

    def test_rows_stay(self) -> None:
        story = Story("case_note")
        [row] = story.write(A, [Op("quotes", "add", {"who": "him", "words": "no"}, ())])
        story.write(B, [Op("quotes", "remove", None, (row,))])
        assert story.value("quotes") == [{"who": "him", "words": "no"}]
        assert [why for _, why in story.fold().flags] == ["rows-are-never-removed"]

    def test_a_cell_that_may_change(self) -> None:
        story = Story()
        [row] = story.write(A, [Op("warning_signs", "add", {"words": "stops sleeping", "order": 1}, ())])
        key = CellKey("warning_signs", row, "order")
        story.write(B, [put(key, 2, row)])
        assert story.value("warning_signs") == [{"words": "stops sleeping", "order": 2}]

    def test_a_cell_that_may_not(self) -> None:
        story = Story()
        [row] = story.write(A, [Op("warning_signs", "add", {"words": "stops sleeping"}, ())])
        story.write(B, [put(CellKey("warning_signs", row, "words"), "other words", row)])
        assert story.value("warning_signs")[0]["words"] == "stops sleeping"


class TestDeleting:
    """A record is hidden iff every other op on it was seen by the deletion, or is its author's own earlier one."""

    def test_hidden(self) -> None:
        story = Story("task")
        story.write(A, [put("what", "x")])
        story.write(B, [Op(DELETED, "delete", True, ())])
        assert story.fold().hidden

    def test_an_unseen_edit_keeps_it(self) -> None:
        story = Story("task")
        [what] = story.write(A, [put("what", "x")])
        story.write(A, [put("what", "y", what)], saw=1)
        story.write(B, [Op(DELETED, "delete", True, ())], saw=1)
        assert not story.fold().hidden
        assert story.value("what") == "y"

    def test_a_later_edit_brings_it_back(self) -> None:
        story = Story("task")
        story.write(A, [put("what", "x")])
        story.write(A, [Op(DELETED, "delete", True, ())])
        story.write(A, [put("what", "back")])
        assert not story.fold().hidden

    def test_evidence_is_not_deletable(self) -> None:
        story = Story("case_note")
        story.write(A, [put("body", "x")])
        story.write(A, [Op(DELETED, "delete", True, ())])
        assert not story.fold().hidden


class TestPreds:
    """A pred counts only if it names an earlier op on the same record and field, seen by the change or by the same device."""

    def test_an_op_it_cannot_have_seen(self) -> None:
        story = Story("task")
        [what] = story.write(A, [put("what", "x")])
        story.write(B, [put("what", "y", what)], saw=0)
        record = story.fold()
        assert len(record.registers["what"].live) == 2
        assert [why for _, why in record.flags] == ["names-an-op-it-cannot-have-seen"]

    def test_an_op_of_another_field(self) -> None:
        story = Story("task")
        [what, _] = story.write(A, [put("what", "x"), put("task_state", "open")])
        story.write(B, [put("task_state", "done", what)])
        assert what in story.fold().registers["what"].live

    def test_removals_are_not_remembered(self) -> None:
        story = Story("task")
        story.write(A, [put("what", "x")])
        story.write(B, [put("what", "y", OpId(C, 1, 0))])
        story.write(C, [put("what", "z")], saw=0)
        assert {op.value for op in story.fold().registers["what"].live.values()} == {"x", "y", "z"}

    def test_a_repeated_change_number(self) -> None:
        story = Story("task")
        story.write(A, [put("what", "first")])
        story.counters[A] = 0
        story.write(A, [put("what", "second")])
        record = story.fold()
        assert story.value("what") == "first"
        assert [why for _, why in record.flags] == ["repeated-with-other-content"]


FIELDS = st.sampled_from(["what", "task_state", "owner", "due", "handling", "future"])
STEPS = st.lists(st.tuples(st.sampled_from((A, B, C)), FIELDS, st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=14)


class TestFold:
    """A fold is independent of batching and of what was folded before (I13)."""

    @given(STEPS)
    def test_every_prefix_is_a_fold_of_its_own(self, steps: list[tuple[bytes, str, int, int]]) -> None:
        story = Story("task")
        for device, field, value, back in steps:
            record = story.fold() if story.log else None
            register = record.registers.get(field) if record else None
            preds = tuple(register.live) if register else ()
            op = Op(field, "add", value, ()) if field == "handling" else put(field, value, *preds)
            story.write(device, [op], saw=max(0, len(story.log) - back))
        whole = fold_log(LOG, iter(story.log), TYPES)
        again = fold_log(LOG, [*story.log[: len(story.log) // 2], *story.log[len(story.log) // 2 :]], TYPES)
        repeated = fold_log(LOG, [*story.log, *story.log], TYPES)
        assert state_hash(whole) == state_hash(again) == state_hash(repeated)
        for upto in range(1, len(story.log) + 1):
            live = story.fold(upto).registers
            for name, register in live.items():
                if name != "handling":
                    assert len({op.device for op in register.live}) == len(register.live), "siblings ≤ devices"


@pytest.mark.parametrize("field", ["voicemail", "may_we_contact"])
def test_while_conflicted(field: str) -> None:
    """`strictest`: no over yes for permission. `stop`: nobody may act on it."""
    story = Story("safe_contact")
    story.write(A, [put(field, "yes")])
    story.write(B, [put(field, "no")], saw=0)
    shown = show(story.fold(), TYPES)[field]
    assert shown.conflict
    assert (shown.value, shown.stop) == (("no", False) if field == "voicemail" else (None, True))
    assert secrets.compare_digest(state_hash({bytes(16): story.fold()}), state_hash({bytes(16): story.fold()}))


class TestEffort:
    """What one member writes costs a colleague's fold no more than its length: counted, for a clock decides no test."""

    @staticmethod
    def looks(monkeypatch: pytest.MonkeyPatch, ops: int) -> int:
        """How many live values a fold looks at that has `ops` additions and as many decisions in a field that nobody knows."""
        looked = 0

        def distinct(live: Iterable[Live]) -> list[Any]:
            nonlocal looked
            held = list(live)
            looked += len(held)
            return before(held)

        before = fold.distinct
        monkeypatch.setattr(fold, "distinct", distinct)
        story = Story("task")
        story.write(A, [put("what", "ring")])
        story.counters[B] = 10_000
        story.write(B, [put("x", 0)])
        story.counters[B] = 0
        story.write(B, [Op("x", "add", n, ()) for n in range(ops)])
        story.write(B, [decide("x", n) for n in range(ops)])
        story.fold()
        monkeypatch.undo()
        return looked

    def test_grows_with_the_log_and_not_with_its_square(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.looks(monkeypatch, 400) <= 2 * self.looks(monkeypatch, 200) + 10

    def test_own_older_ops_are_found_without_a_search(self) -> None:
        """Many live additions of one device, many settings by another: each setting touches its own ops alone."""
        story = Story("task")
        story.write(A, [put("what", "ring"), *[Op("x", "add", n, ()) for n in range(300)]])
        story.write(B, [put("x", n) for n in range(300)])
        register = story.fold().registers["x"]
        assert len(register.live) == 301
        assert register.by_device is not None
        assert {device: len(held) for device, held in register.by_device.items()} == {A: 300, B: 1}
        assert set(register.live) == {op_id for held in register.by_device.values() for op_id in held}
