"""What was expunged leaves everything else as it was: a log folded with stubs is the log folded whole, but for the values (spec §5.7).

The machine of the fold types a record on three devices; at its end one part after another is expunged, in any order, and after each the two
folds are compared: what stands, what is in conflict, what was signed, what is hidden, what waits.
"""

from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from shared_schema.records import record_types
from sync.change import encode_part
from sync.fold import GONE, Occurrence, Record, conflicts, fold_record, is_marker, show, unweighed
from sync.stub import decode_stub, make_stub, same_as, stands_for
from tests.stateful.test_fold_machine import LOG, RECORD, SETTINGS, FoldMachine


def expunge(log: list[Occurrence], going: set[tuple[bytes, int]], *, file: str = "case", linked: bool = True) -> list[Occurrence]:
    """The log after the part that holds these changes was expunged."""
    same = same_as(log, going) if linked else {}
    after = []
    for at in log:
        if (at.device, at.change.c) in going:
            (stub,) = decode_stub(encode_part(make_stub([at.change], at.device, file, same)), file)
            assert stands_for([stub], [at.change], at.device, file)
            after.append(at._replace(change=stub, stub=True))
        else:
            after.append(at)
    return after


def outline(record: Record) -> Any:
    """All of a folded record but its values."""
    types = record_types()
    fields = {
        str(key): (sorted(map(str, register.live)), sorted(str(op.id) for op in register.proposals)) for key, register in record.registers.items()
    }
    shown = {key: (one.conflict, one.stop, len(one.siblings)) for key, one in show(record, types).items()}
    return {
        "type": (record.type, record.version, record.creator, record.created_seq, record.last_seq), "fields": fields, "shown": shown,
        "conflicts": sorted(map(str, conflicts(record, types))), "signed": record.signatures, "hidden": record.hidden, "flags": record.flags,
        "unweighed": {str(key): [op.id for op in ops] for key, ops in unweighed(record, types).items()},
    }  # fmt: skip


def check_same_but_values(whole: Record, stubbed: Record, gone: set[tuple[bytes, int]]) -> None:
    """The two folds differ in nothing but the values of what was expunged, and of those nothing is left."""
    assert outline(stubbed) == outline(whole)
    for key, register in whole.registers.items():
        for op in (*register.live.values(), *register.proposals):
            other = next(one for one in (*stubbed.registers[key].live.values(), *stubbed.registers[key].proposals) if one.id == op.id)
            if (op.id.device, op.id.c) not in gone or (key == "state" and isinstance(op.value, str)):
                assert other.value == op.value
            else:
                assert is_marker(other.value)
                assert all(value == {GONE: None} for cell, value in other.value.items() if cell != GONE)


class StubMachine(FoldMachine):
    """The machine of the fold, and which of its changes share a part."""

    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.order: list[tuple[int, int]] = []

    @rule(first=st.integers(0, 40), size=st.integers(1, 3))
    def choose(self, first: int, size: int) -> None:
        """These will go together, in the order in which they were chosen."""
        self.order.append((first, size))

    def teardown(self) -> None:
        log, gone = list(self.log), set[tuple[bytes, int]]()
        whole = fold_record(LOG, RECORD, log, record_types())
        for first, size in self.order:
            going = {(at.device, at.change.c) for at in self.log[first : first + size]} - gone
            if going:
                log, gone = expunge(log, going), gone | going
                check_same_but_values(whole, fold_record(LOG, RECORD, log, record_types()), gone)


def test_stubs() -> None:
    run_state_machine_as_test(StubMachine, settings=settings(SETTINGS, max_examples=400))


def find(most: int) -> None:
    """Run the machine until it finds something, and raise that as it was found."""
    StubMachine.runs = 0
    run_state_machine_as_test(StubMachine, settings=settings(SETTINGS, max_examples=most, database=None, derandomize=True, phases=[Phase.generate]))
