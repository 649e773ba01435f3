"""Two workers, three phones, one file, a network that loses things: nothing typed is lost, nothing counts twice (I1, I2, I6, I7, I10).

The model is a list of what was typed. Real devices and a real server; requests and replies get lost, bodies arrive twice, late and
from others, either end restarts or dies at a commit.
"""

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.people import files
from sync.device.recording import conflicts
from sync.fold import state_hash
from tests.simulation.checks import Views, check_accepted, check_audit, check_converged, check_equal, check_kept, check_once, check_quiet, open_side
from tests.world import FAULTS, NONE, Died, Fault, Phone, World

SIDE: Final = "perpetrator"
WHO = st.integers(0, 2)
WORDS = st.sampled_from(["ring on Monday", "ring on Tuesday", "do not ring"])
SETTINGS = settings(max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class SyncMachine(RuleBasedStateMachine):
    """`typed` is what each phone was told to keep, in the order of typing."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(sides=(SIDE,))
        self.views = Views()
        self.typed: list[str] = []

    @initialize(page_bytes=st.sampled_from([1500, 4000, 1 << 22]))
    def begin(self, page_bytes: int) -> None:
        self.world.close()
        self.world = World(sides=(SIDE,), page_bytes=page_bytes)
        priya = self.world.enrol(SIDE, "Priya", ("coordinator",))
        sam = self.world.enrol(SIDE, "Sam", ("navigator",))
        self.world.enrol(SIDE, "Sam", ("navigator",), "Sam's tablet")
        for phone in self.world.phones:
            phone.sync()
        self.log = priya.do(lambda session: files.create_file(session, "case", {sam.user: "navigator"}))
        self.task = priya.do(lambda session: session.write(self.log, None, "task", [Op("what", "set", "begin", ())]))
        for phone in self.world.phones:
            phone.sync()

    def phone(self, who: int) -> Phone:
        return self.world.phones[who]

    @rule(who=WHO, words=WORDS, name=st.sampled_from(["what", "due", "owner"]), dies=st.sampled_from([None, None, None, False, True]))
    def edit(self, who: int, words: str, name: str, dies: bool | None) -> None:
        phone = self.phone(who)
        register = phone.session.record(self.log, self.task).registers.get(name)
        preds = tuple(register.live) if register else ()
        if dies is not None:
            phone.store.arm(1, after=dies)
        try:
            phone.do(lambda session: session.write(self.log, self.task, "task", [Op(name, "set", words, preds)]))
            self.typed.append(phone.name)
        except Died:
            if dies:  # committed, and nobody was told: it counts from now on
                self.typed.append(phone.name)
        except Refused as refusal:
            assert refusal.code == "no-standing"

    @rule(who=WHO)
    def resolve(self, who: int) -> None:
        phone = self.phone(who)
        found = conflicts.list_conflicts(phone.session, self.log)
        if found and phone.user in phone.session.require_file(self.log).members:
            value = conflicts.choices(found[0])[0]
            phone.do(lambda session: conflicts.resolve(session, self.log, found[0].record, found[0].field, value, "we spoke"))
            self.typed.append(phone.name)

    @rule(who=WHO, faults=st.lists(st.sampled_from([NONE, *FAULTS]), max_size=3))
    def sync(self, who: int, faults: list[Fault]) -> None:
        self.phone(who).sync(*faults)

    @rule(who=WHO, n=st.integers(1, 4), after=st.booleans())
    def sync_and_die(self, who: int, n: int, after: bool) -> None:
        self.phone(who).store.arm(n, after=after)
        self.phone(who).sync()

    @rule(who=WHO)
    def restart_phone(self, who: int) -> None:
        self.phone(who).restart()

    @rule()
    def restart_server(self) -> None:
        self.world.hosts[SIDE].restart()

    @rule()
    def deliver_late(self) -> None:
        self.world.deliver_late()

    @rule(who=WHO, data=st.data())
    def deliver_again(self, who: int, data: st.DataObject) -> None:
        sent = list(self.world.overheard.values())
        if sent:
            host = self.world.hosts[SIDE]
            chosen = data.draw(st.lists(st.sampled_from(sent), min_size=1, max_size=4))
            host.push(tuple(one.pair for one in chosen), host.sender(self.phone(who).device))

    @rule()
    def rotate(self) -> None:
        """The coordinator lets a colleague's phone go and come back: two rotations, whatever else is under way."""
        priya, sam = self.phone(0), self.phone(1)
        state = priya.session.reader(self.log).file
        if state is not None and not priya.store.outbox(self.log):
            if sam.user in state.members:
                priya.do(lambda session: files.remove_member(session, self.log, sam.user))
            else:
                priya.do(lambda session: files.add_member(session, self.log, sam.user, "navigator"))

    @invariant()
    def nothing_goes_back_or_is_lost(self) -> None:
        self.views.look(self.world)

    @invariant()
    def nothing_counts_twice(self) -> None:
        host = self.world.hosts[SIDE]
        entries = host.rows("SELECT log_id, entry_id FROM entry")
        assert len(entries) == len(set(entries))

    def teardown(self) -> None:
        try:
            if len(self.world.phones) == 3:
                self._reckon()
        finally:
            self.world.close()

    def _reckon(self) -> None:
        world, host = self.world, self.world.hosts[SIDE]
        world.deliver_late()
        for _ in range(3):
            for phone in world.phones:
                phone.remember()
                phone.sync()
        opened = {one.log: one for one in open_side(world, host)}
        check_accepted(world, host, opened)
        check_once(opened[self.log])
        for phone in world.phones:
            check_kept(phone, opened, host)
            check_quiet(phone)
            check_converged(phone, host, opened)
        check_equal(world.phones, opened)
        check_audit(host, world.phones)
        placed = len(opened[self.log].occurrences)
        waiting = sum(1 for phone in world.phones for row in phone.store.all_changes(self.log) if row.seq is None)
        assert placed + waiting == len(self.typed) + 1
        members = [phone for phone in world.phones if phone.user in opened[self.log].state.members]
        assert len({state_hash(phone.session.records(self.log, pending=False)) for phone in members}) == 1


def test_syncs() -> None:
    run_state_machine_as_test(SyncMachine, settings=SETTINGS)
