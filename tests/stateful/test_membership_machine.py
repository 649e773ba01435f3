"""People come and go while others write: what is sealed after an applied removal stays closed to who left, forgeries stay out (I4, I5).

Real devices and a real server. The model is who is in the file now and which phones were revoked. Whoever has left gets everything the
server has, and everything that was ever sent, and may try every key it was ever given.
"""

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shared_schema import cbor
from shared_schema.entry import encode_pair
from shared_schema.errors import Refused
from sync.change import Op
from sync.device.people import files, standing
from tests.simulation.checks import check_quiet, check_sealed_against_removed, check_wall, open_side
from tests.world import FAULTS, NONE, Fault, Phone, World

SIDE: Final = "perpetrator"
PEOPLE = ("Priya", "Sam", "Noor")
WHO = st.integers(0, 3)
SETTINGS = settings(max_examples=70, stateful_step_count=22, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class MembershipMachine(RuleBasedStateMachine):
    """Priya coordinates; Sam has two phones; Noor comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(sides=(SIDE,))
        self.revoked: set[str] = set()

    @initialize(with_noor=st.booleans())
    def begin(self, with_noor: bool) -> None:
        priya = self.world.enrol(SIDE, "Priya", ("coordinator",))
        sam = self.world.enrol(SIDE, "Sam", ("navigator",))
        noor = self.world.enrol(SIDE, "Noor", ("navigator",))
        self.world.enrol(SIDE, "Sam", ("navigator",), "Sam's tablet")
        self.world.admins[SIDE].sync()
        members = {sam.user: "navigator"} | ({noor.user: "navigator"} if with_noor else {})
        for phone in self.world.phones:
            phone.sync()
        self.log = priya.do(lambda session: files.create_file(session, "case", members))
        for phone in self.world.phones:
            phone.sync()

    def phone(self, who: int) -> Phone:
        return self.world.phones[who]

    @rule(who=WHO)
    def write(self, who: int) -> None:
        phone = self.phone(who)
        try:
            phone.do(lambda session: session.write(self.log, None, "task", [Op("what", "set", f"by {phone.name}", ())]))
        except Refused as refusal:
            assert refusal.code in ("no-standing", "no-such-file")

    @rule(who=WHO, faults=st.lists(st.sampled_from([NONE, NONE, *FAULTS]), max_size=2))
    def sync(self, who: int, faults: list[Fault]) -> None:
        self.phone(who).sync(*faults)

    @rule(person=st.sampled_from([1, 2]))
    def change_people(self, person: int) -> None:
        priya, user = self.phone(0), self.phone(person).user
        try:
            if user in priya.session.require_file(self.log).members:
                priya.do(lambda session: files.remove_member(session, self.log, user))
            else:
                priya.do(lambda session: files.add_member(session, self.log, user, "navigator"))
        except Refused as refusal:
            assert refusal.code in ("after-predecessor", "wall", "no-standing", "no-such-file")
        priya.sync()

    @rule(who=st.sampled_from([1, 3]))
    def revoke(self, who: int) -> None:
        phone, admin = self.phone(who), self.world.admins[SIDE]
        if phone.name not in self.revoked:
            admin.do(lambda session: standing.revoke(session, phone.device, "lost"))
            admin.sync()
            self.revoked.add(phone.name)

    @rule()
    def late(self) -> None:
        self.world.deliver_late()

    @rule(who=WHO, data=st.data())
    def forge(self, who: int, data: st.DataObject) -> None:
        """Somebody sends what was sent before with one byte changed, anywhere."""
        sent = [one.pair for one in self.world.overheard.values()]
        host, phone = self.world.hosts[SIDE], self.phone(who)
        if not sent or phone.name in self.revoked:
            return
        pair = data.draw(st.sampled_from(sent))
        raw = bytearray(encode_pair(pair[0], pair[1]))
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
        before = host.rows("SELECT log_id, seq FROM log_head")
        try:
            changed = cbor.decode(bytes(raw))
        except Exception:
            return
        answers = host.push((changed,), host.sender(phone.device)).answers
        if answers[0].code == "accepted":  # a flipped signature byte of an entry that stands: its id, and its place, are the old ones
            assert answers[0].id in {row[0] for row in host.rows("SELECT entry_id FROM entry")}
        assert host.rows("SELECT log_id, seq FROM log_head") == before

    @invariant()
    def who_left_reads_nothing_more(self) -> None:
        if len(self.world.phones) < 4:
            return
        for opened in open_side(self.world, self.world.hosts[SIDE]):
            check_sealed_against_removed(self.world, opened, self.world.phones)
            check_wall(opened)

    def teardown(self) -> None:
        try:
            if len(self.world.phones) == 4:
                self._reckon()
        finally:
            self.world.close()

    def _reckon(self) -> None:
        for _ in range(3):
            for phone in self.world.phones:
                phone.sync()
        self.who_left_reads_nothing_more()
        for opened in open_side(self.world, self.world.hosts[SIDE]):
            for phone in self.world.phones:
                if phone.device not in opened.state.holders or phone.name in self.revoked:
                    continue
                assert phone.store.secrets(self.log).keys() == opened.state.commits.keys()
                check_quiet(phone)


def test_memberships() -> None:
    run_state_machine_as_test(MembershipMachine, settings=SETTINGS)
