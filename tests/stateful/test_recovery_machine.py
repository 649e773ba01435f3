"""Who may bring a file back: anybody tries, at any time, with any shares; the server and a reader agree, and take it only where it is due (spec §7.6).

Statements are made by hand and pushed straight into a realm. The model is a dozen lines: who is permitted, who is revoked, who holds the file, which
key does.
"""

from typing import ClassVar, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from server.append.commit import Pushed, Sender
from shared_schema import cbor
from shared_schema.certificate import encode_registry_statement
from shared_schema.entry import Entry, encode_pair
from shared_schema.errors import ProtocolError, Refused
from shared_schema.membership import encode_file_statement
from shared_schema.recovery import Close, Permit, recover_bound
from sync import membership
from sync.device.exchanging.outbox import put_statement
from sync.device.people import files, standing
from sync.entry import Author, sign_statement
from sync.granting import Granter
from sync.membership import FileState
from sync.registry import Registry
from tests.simulation.checks import must
from tests.world import DAY, Phone, World

SIDE: Final = "perpetrator"
HOLDERS: Final = ("Priya", "Sam")
MACHINES: Final = ("Rea", "Bo")
OTHER_FILE: Final = bytes(16)
ANYBODY: Final = st.sampled_from((*HOLDERS, *MACHINES, "Vera"))
SETTINGS = settings(max_examples=60, stateful_step_count=24, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class RecoveryMachine(RuleBasedStateMachine):
    """Priya and Sam hold a case; Rea and Bo have machines that could bring it back; Vera coordinates the other side."""

    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.world = World()
        self.host = self.world.hosts[SIDE]
        self.permits: dict[str, bool] = {}  # whose machine has one; whether it is for the case
        self.ended_at = 0
        self.revoked: set[str] = set()
        self.snapshots: list[Registry] = []

    @initialize(lost=st.sampled_from(range(4)), fresh=st.sampled_from(range(4)), permitted=st.sampled_from((*MACHINES, "")))
    def begin(self, lost: int, fresh: int, permitted: str) -> None:
        """Most often the holders are lost, a fresh key is in force, and somebody is permitted."""
        self.phones = {name: self.world.enrol(SIDE, name, ("coordinator",)) for name in (*HOLDERS, *MACHINES)}
        self.phones["Vera"] = self.world.enrol("victim", "Vera", ("coordinator",))
        for phone in self.world.phones:
            phone.sync()
        priya, sam = (self.phones[name] for name in HOLDERS)
        self.log = priya.do(lambda session: files.create_file(session, "case", {sam.user: "coordinator"}))
        priya.sync()
        self.snapshots.append(self.host.realm.known())
        if lost:
            self.everybody_is_lost()
        if fresh:
            self.renew()
        if permitted:
            self.permit(permitted, ours=True)

    def state(self) -> FileState:
        with self.host.engine.connect() as tx, tx.begin():
            opened = self.host.realm.load(tx, self.log)
        assert opened is not None
        assert opened.file is not None
        return opened.file

    def by_administrator(self, statement: Permit | Close) -> bool:
        """True when the side's registry took it."""
        admin = self.world.admins[SIDE]
        admin.sync()
        before = admin.session.registry.seq
        admin.do(lambda session: put_statement(session, session.registry.log, encode_registry_statement(statement)))
        admin.sync()
        taken = admin.session.registry.seq > before
        for item in admin.store.outbox():
            admin.store.drop_outbox(item.n)  # it was refused for good: nobody waits for it here
        self.snapshots.append(self.host.realm.known())
        return taken

    @rule(who=ANYBODY, ours=st.booleans())
    def permit(self, who: str, ours: bool) -> None:
        until = self.world.clock.now_ms + DAY
        taken = self.by_administrator(Permit(self.phones[who].device, (self.log,) if ours else (OTHER_FILE,), "died", until))
        must(taken == (who != "Vera" and who not in self.revoked), f"a permit for {who} was {'taken' if taken else 'refused'}")
        if taken:
            self.permits[who] = ours

    @rule(who=ANYBODY)
    def close(self, who: str) -> None:
        taken = self.by_administrator(Close(self.phones[who].device))
        must(taken == (who in self.permits), f"the end of a permit of {who} was {'taken' if taken else 'refused'}")
        self.permits.pop(who, None)

    @rule(who=st.sampled_from((*HOLDERS, *MACHINES)))
    def revoke(self, who: str) -> None:
        admin = self.world.admins[SIDE]
        if who not in self.revoked:
            admin.sync()
            admin.do(lambda session: standing.revoke(session, self.phones[who].device, "lost"))
            admin.sync()
            self.revoked.add(who)
            self.snapshots.append(self.host.realm.known())

    @rule()
    def everybody_is_lost(self) -> None:
        for who in HOLDERS:
            self.revoke(who)

    @rule()
    def renew(self) -> None:
        self.world.renew(SIDE)
        self.snapshots.append(self.host.realm.known())

    @rule(who=st.sampled_from(HOLDERS))
    def sync(self, who: str) -> None:
        """A member's phone rotates where it has to."""
        self.phones[who].sync()

    @rule(who=ANYBODY, shares=st.integers(1, 4), of_other_side=st.sampled_from((False, False, True)), older=st.sampled_from((0, 0, 1, 2)))
    def recover(self, who: str, shares: int, of_other_side: bool, older: int) -> None:
        self._try(who, shares, older, of_other_side=of_other_side)

    @rule(who=st.sampled_from(MACHINES), shares=st.sampled_from((1, 1, 2)))
    def recover_in_good_faith(self, who: str, shares: int) -> None:
        self._try(who, shares, 0, of_other_side=False)

    def _try(self, who: str, shares: int, older: int, *, of_other_side: bool) -> None:
        phone, state, known = self.phones[who], self.state(), self.host.realm.known()
        kept = self.world.recovery["victim" if of_other_side and who == "Vera" else SIDE]
        secret = self.world.recovery["victim"][0] if of_other_side else kept[-1 - shares % len(kept)]
        due = (
            who != "Vera"
            and who not in self.revoked
            and self.permits.get(who) is True
            and all(self._name(device) in self.revoked for device in state.holders)
            and state.recovery == secret.id != known.recovery_id
        )
        relied_on = self.snapshots[-1 - older % len(self.snapshots)]
        entry = self.made(phone, state, relied_on, secret.sign_key.sign(recover_bound(known.svc, self.log, phone.device, state.previous)))
        if relied_on.seq == known.seq:
            must(self._reader_takes(state, entry, known) == due, f"a reader {'refuses' if due else 'takes'} a recovery by {who}")
        code = self.push(phone, entry)
        if relied_on.seq == known.seq:
            must((code == "accepted") == due, f"the server says {code} to a recovery by {who} that is {'' if due else 'not '}due")
        must(due or code != "accepted", f"the server took an old recovery by {who}")
        permitted = self.permits.get(who) is True and who not in self.revoked
        must(code != "not-permitted" or permitted or self._is_member(phone, state), "a stranger is told more than that there is no such file")

    @invariant()
    def what_is_served_is_what_is_abandoned(self) -> None:
        """As the server follows it commit by commit, and as it finds it when it starts."""
        if self.snapshots:
            due = self.permits and all(self._name(device) in self.revoked for device in self.state().holders)
            must(self.host.realm.recoverable.logs == ({self.log} if due else set()), "the server lost track of what is abandoned")

    @rule()
    def restart_server(self) -> None:
        self.host.restart()

    def _name(self, device: bytes) -> str:
        return next(name for name, phone in self.phones.items() if phone.device == device)

    @staticmethod
    def _is_member(phone: Phone, state: FileState) -> bool:
        return phone.user in state.ever

    @staticmethod
    def _reader_takes(state: FileState, entry: Entry, known: Registry) -> bool:
        try:
            membership.take(state, entry, known, 0)
        except ProtocolError:
            return False
        return True

    def made(self, phone: Phone, state: FileState, relied_on: Registry, by: bytes) -> Entry:
        """A recovery by this phone, in good order but for whether it is due."""
        with self.host.engine.connect() as tx, tx.begin():
            opened = self.host.realm.load(tx, self.log)
        assert opened is not None
        last = opened.head.authors.get(phone.device)
        granter = Granter(relied_on.svc, self.log, phone.device, relied_on)
        statement = granter.recover(state, {}, phone.entropy(32), (phone.user, "coordinator"), by)
        witness = self.phones["Priya"].session.witness() if phone.side != SIDE else phone.session.witness()
        author = Author(relied_on.svc, self.log, phone.device, last.sq if last else 0, last.id if last else None, opened.head.head, witness)
        return sign_statement(author, phone.session.sign_key, encode_file_statement(statement))

    def push(self, phone: Phone, entry: Entry) -> str:
        try:
            sender = self.host.sender(phone.device)
        except Refused:
            sender = Sender(self.phones["Bo"].device, self.phones["Bo"].user)  # somebody else delivers it
        pushed: Pushed = self.host.push((cbor.decode(encode_pair(entry.cose, ())),), sender)
        return pushed.answers[0].code

    def teardown(self) -> None:
        self.world.close()


def find(most: int) -> None:
    """Run the machine until it finds something, and raise that as it was found. `RecoveryMachine.runs` says how many runs it took."""
    RecoveryMachine.runs = 0
    run_state_machine_as_test(
        RecoveryMachine, settings=settings(SETTINGS, max_examples=most, database=None, derandomize=True, phases=[Phase.generate])
    )


def test_recoveries() -> None:
    run_state_machine_as_test(RecoveryMachine, settings=SETTINGS)
