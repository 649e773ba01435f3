"""Three devices edit one record while apart: the fold holds what the model holds, at every prefix and in every batching (I2, I8, I13).

No server and no keys: changes go straight into a log, in order, out of order, and twice. Honest apps name what they see; crooked ones
name anything. One person has two of the devices, so that narratives clash too.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from shared_schema import ids
from shared_schema.records import record_types
from sync.change import DELETED, SIGNED, Change, Op, OpId
from sync.fold import PENDING, Occurrence, Record, conflicts, fold_log, fold_record, state_hash
from tests.simulation.checks import check_against_model, check_hidden, check_step, must

LOG = ids.sha256(b"log")[:16]
PEOPLE = (b"a" * 16, b"a" * 16, b"b" * 16)
DEVICES = tuple(bytes([i]) * 16 for i in range(1, 4))
RECORD = ids.record_id(LOG, DEVICES[0], 1)
Fields = dict[str, list[Any]]
NOTE: tuple[str, Fields, Fields] = (
    "case_note",
    {
        "body": ["one", "two", "three"],
        "risk_now": ["lower", "same", "much_higher", {"missing": "not_asked"}, "a term of next year"],
        "handwritten_original": ["kept", "destroyed"],
        "contact": [ids.show(device) for device in DEVICES],
        "zz_unknown": [1, "two", None],
    },
    {"work_types": ["direct_support"], "quotes": [{"who": "he", "words": "fine"}], "zz_list": [1]},
)
TASK: tuple[str, Fields, Fields] = (
    "task",
    {"what": ["ring", "write"], "owner": [ids.show(user) for user in PEOPLE], "due": ["2026-11-02", "2026-12-01"], "state": ["draft", "void"]},
    {"handling": ["medical", "do_not_raise"], "addenda": [{"text": "more", "reason": "later"}]},
)
WHO = st.integers(0, 2)
SETTINGS = settings(max_examples=800, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@dataclass
class Device:
    """What one device has applied, and what it has typed and not sent."""

    view: int = 0
    counter: int = 0
    pending: list[Change] = field(default_factory=list)


class FoldMachine(RuleBasedStateMachine):
    """The log, the devices, and the record as folded before the newest change."""

    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.type, self.single, self.many = NOTE
        self.online = self.signing = False
        self.log: list[Occurrence] = []
        self.devices = [Device() for _ in DEVICES]
        self.before = fold_record(LOG, RECORD, [], record_types())

    # --- what a device sees and types -----------------------------------------------------------------------------------

    def seen(self, who: int) -> Record:
        device = self.devices[who]
        mine = [Occurrence(PENDING, 0, DEVICES[who], PEOPLE[who], "navigator", change) for change in device.pending]
        shown = [at for at in self.log if at.seq <= device.view]
        return fold_record(LOG, RECORD, shown + mine, record_types())

    def type_in(self, who: int, *ops: Op) -> None:
        device = self.devices[who]
        device.counter += 1
        device.pending.append(Change(RECORD, self.type, 1, device.counter, device.view, device.counter, ops))
        if self.online:
            self.push(who, 0)

    @rule()
    def go_on_or_off_line(self) -> None:
        """While on line, what is typed is sent at once; who hears of it is another matter."""
        self.online = not self.online

    @initialize(kind=st.sampled_from([NOTE, TASK]), signing=st.sampled_from([False, False, True]))
    def begin(self, kind: tuple[str, Fields, Fields], signing: bool) -> None:
        self.type, self.single, self.many = kind
        self.signing = signing
        self.type_in(0, *(Op(name, "set", values[0], ()) for name, values in sorted(self.single.items())[:2]))
        self.push(0, 0)

    @rule(who=WHO, data=st.data())
    def edit(self, who: int, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.single)))
        register = self.seen(who).registers.get(name)
        self.type_in(who, Op(name, "set", data.draw(st.sampled_from(self.single[name])), tuple(register.live) if register else ()))

    @rule(who=WHO, data=st.data())
    def edit_many(self, who: int, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.many)))
        register = self.seen(who).registers.get(name)
        live = list(register.live) if register else []
        if data.draw(st.booleans()) and live:
            self.type_in(who, Op(name, "remove", None, (data.draw(st.sampled_from(live)),)))
        else:
            self.type_in(who, Op(name, "add", data.draw(st.sampled_from(self.many[name])), ()))

    @rule(who=WHO, data=st.data())
    def resolve(self, who: int, data: st.DataObject) -> None:
        found = [key for key in conflicts(self.seen(who), record_types()) if isinstance(key, str)]
        if found:
            key = data.draw(st.sampled_from(sorted(found)))
            live = self.seen(who).registers[key].live
            chosen = data.draw(st.sampled_from([op.value for op in live.values()]))
            self.type_in(who, Op(key, "resolve", [chosen, "we spoke"], tuple(live)))

    @rule(who=WHO)
    def delete(self, who: int) -> None:
        self.type_in(who, Op(DELETED, "delete", True, ()))

    @precondition(lambda self: self.signing)
    @rule(who=WHO)
    def sign(self, who: int) -> None:
        """What this device sees is what it signs."""
        live = tuple(op for register in self.seen(who).registers.values() for op in register.live)
        self.type_in(who, Op(SIGNED, "sign", None, live))

    @rule(who=WHO, data=st.data())
    def crooked(self, who: int, data: st.DataObject) -> None:
        """Names ops that it cannot have seen, of other fields, or of nobody."""
        everything = [OpId(at.device, at.change.c, i) for at in self.log for i in range(len(at.change.ops))]
        preds = data.draw(st.lists(st.sampled_from([*everything, OpId(b"x" * 16, 1, 0)]), max_size=4, unique=True))
        name = data.draw(st.sampled_from([*self.single, *self.many]))
        action = data.draw(st.sampled_from(["set", "add", "remove", "resolve"]))
        value = ["one", "why not"] if action == "resolve" else data.draw(st.sampled_from(["one", "lower", 1]))
        self.type_in(who, Op(name, action, value, tuple(preds)))

    # --- what reaches the log -------------------------------------------------------------------------------------------

    @precondition(lambda self: any(device.pending for device in self.devices))
    @rule(who=WHO, at=st.sampled_from([0, 0, 0, -1]))
    def push(self, who: int, at: int) -> None:
        """The oldest change first; now and then a later one comes before it, as held work does when it is admitted."""
        device = self.devices[who]
        if device.pending:
            late = at == -1 and len(device.pending) > 1
            change = device.pending.pop(at)
            self.log.append(Occurrence(len(self.log) + 1, 0, DEVICES[who], PEOPLE[who], "navigator", change, late))
            after = fold_record(LOG, RECORD, self.log, record_types())
            check_step(LOG, self.before, after, self.log[-1])
            self.before = after

    @rule(who=WHO)
    def admit_backwards(self, who: int) -> None:
        """All that this device typed is let in, the newest first."""
        for _ in range(len(self.devices[who].pending)):
            self.push(who, -1)

    @rule(who=WHO, data=st.data())
    def pull(self, who: int, data: st.DataObject) -> None:
        device = self.devices[who]
        device.view = data.draw(st.integers(device.view, len(self.log)))

    # --- what has to hold ------------------------------------------------------------------------------------------------

    @invariant()
    def as_the_model(self) -> None:
        if self.log:
            check_against_model(LOG, RECORD, self.before, self.log)
            check_hidden(self.before, self.log)

    @invariant()
    def siblings_are_no_more_than_devices(self) -> None:
        for name in self.single:
            if name not in record_types()[self.type].fields:
                continue  # a field that is not known holds any number of additions
            register = self.before.registers.get(name)
            must(register is None or len(register.live) <= len(DEVICES), f"{name} holds more values than there are devices")

    def teardown(self) -> None:
        """I13: told twice, in any batches, with every prefix folded before, the log folds to the same."""
        twice = [at for at in self.log for _ in range(2)]
        whole = state_hash(fold_log(LOG, self.log, record_types()))
        assert state_hash(fold_log(LOG, twice, record_types())) == whole
        assert state_hash(fold_log(LOG, [*self.log, *self.log], record_types())) == whole
        if self.log:
            assert state_hash({RECORD: self.before}) == whole


def find(most: int) -> None:
    """Run the machine until it finds something, and raise that as it was found. `FoldMachine.runs` says how many runs it took."""
    FoldMachine.runs = 0
    run_state_machine_as_test(FoldMachine, settings=settings(SETTINGS, max_examples=most, database=None, derandomize=True, phases=[Phase.generate]))


def test_folds() -> None:
    run_state_machine_as_test(FoldMachine, settings=SETTINGS)


@pytest.mark.parametrize("kind", [NOTE, TASK])
def test_the_fields_of_the_machine_are_what_it_says(kind: tuple[str, Fields, Fields]) -> None:
    """Each field merges as the machine takes it to."""
    type_, single, many = kind
    for name in [*single, *many]:
        spec = record_types()[type_].fields.get(name)
        assert (spec is None) == name.startswith("zz_")
        assert spec is None or (spec.merge in ("set", "append")) == (name in many)
