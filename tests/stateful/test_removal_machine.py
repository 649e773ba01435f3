"""Two people remove parts and the file, hold it and release it, while phones come back from old copies and servers from old databases.

Real devices and a real server. The model reads the server's statements as they come, and knows three things: what is held, what is gone, and who
agreed with whom. Nothing that is gone is anywhere afterwards, whoever offers it again.
"""

from functools import partial
from typing import ClassVar, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from shared_schema import cbor
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import ProtocolError
from shared_schema.membership import decode_file_statement
from shared_schema.removal import Erase, Expunge, Hold
from sync.change import encode_part
from sync.device.people import files
from sync.device.recording import records
from sync.device.removal import removing
from sync.fold import state_hash
from tests.simulation.checks import check_removed, is_erased, must, open_side
from tests.world import FAULTS, NONE, Doomed, Fault, Phone, World

SIDE: Final = "perpetrator"
WHO = st.integers(0, 2)
SETTINGS = settings(max_examples=60, stateful_step_count=24, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class RemovalMachine(RuleBasedStateMachine):
    """Ruth coordinates, Sam and Priya visit; one case."""

    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.world = World(sides=(SIDE,))
        self.read = 0
        self.holds: set[bytes] = set()
        self.gone: set[tuple[bytes, int]] = set()
        self.erased = False
        self.copies: dict[int, Phone] = {}
        self.broken = False

    @initialize()
    def begin(self) -> None:
        ruth = self.world.enrol(SIDE, "Ruth", ("coordinator",))
        others = [self.world.enrol(SIDE, name, ("navigator",)) for name in ("Sam", "Priya")]
        self.sync_all()
        self.log = ruth.do(lambda session: files.create_file(session, "case", {other.user: "navigator" for other in others}))
        self.sync_all()
        self.write(1, "as it was at first")
        self.sync_all()

    def phone(self, who: int) -> Phone:
        return self.world.phones[who]

    def sync_all(self) -> None:
        for phone in self.world.phones:
            phone.sync()

    # --- what people do ---------------------------------------------------------------------------------------------------

    @rule(who=WHO, words=st.sampled_from(["she lives at 12 Elm Street", "rang twice", "no answer"]))
    def write(self, who: int, words: str) -> None:
        self.quietly(who, lambda session: records.add(session, self.log, "case_note", {"body": words}))

    @rule(who=WHO)
    def edit(self, who: int) -> None:
        phone = self.phone(who)
        mine = [
            record for record, _ in phone.store.records(self.log, "case_note") if phone.session.record(self.log, record).creator_user == phone.user
        ]
        if mine:
            self.quietly(who, lambda session: records.edit(session, self.log, mine[-1], {"body": "otherwise"}))

    def quietly(self, who: int, deed: object) -> None:
        try:
            self.phone(who).do(deed)  # type: ignore[arg-type]
        except ProtocolError as error:
            assert error.code in {
                "no-standing",
                "not-permitted",
                "not-found",
                "erased",
                "after-predecessor",
                "no-such-file",
                "frozen",
                "in-conflict",
                "not-approved",
            }

    @rule(who=WHO, faults=st.lists(st.sampled_from([NONE, NONE, *FAULTS]), max_size=2))
    def sync(self, who: int, faults: list[Fault]) -> None:
        self.phone(who).sync(*faults)

    @rule(who=WHO, at=st.integers(2, 12), reason=st.sampled_from(["spill", "retention"]))
    def ask_expunge(self, who: int, at: int, reason: str) -> None:
        phone = self.phone(who)
        parts = removing.parts_at(phone.session, self.log, at)
        for part in parts[:1]:
            stored = phone.store.entry(self.log, at)
            assert stored is not None
            doomed = tuple((part.author, change.c, encode_part([change])[1:]) for change in part.changes)
            self.world.doomed.setdefault((self.log, part.id, part.index), Doomed(cbor.decode(stored.parts)[part.index], doomed))
            self.quietly(who, partial(removing.ask_expunge, log=self.log, parts=[part], reason=reason))

    @rule(who=WHO)
    def ask_erase(self, who: int) -> None:
        self.quietly(who, lambda session: removing.ask_erase(session, self.log, "retention"))

    @rule(who=WHO)
    def hold(self, who: int) -> None:
        self.quietly(who, lambda session: removing.set_hold(session, self.log))

    @rule(who=WHO)
    def ask_release(self, who: int) -> None:
        state = self.phone(who).session.file(self.log)
        for one in sorted(state.holds)[:1] if state is not None else ():
            self.quietly(who, partial(removing.ask_release, log=self.log, hold=one))

    @rule(who=WHO, which=st.integers(0, 5), again=st.booleans())
    def carry_out(self, who: int, which: int, again: bool) -> None:
        """What a colleague asked for, now and then a second time, or one's own."""
        phone = self.phone(who)
        phone.sync()
        found = removing.list_requests(phone.session) if again else removing.waiting_for(phone.session)
        if found:
            request = found[min(which, len(found) - 1)]
            if request.act == "erase":
                self.note_all(phone)
            for one in request.asked[:1]:
                self.quietly(who, partial(removing.carry_out, request=request, one=one))
            phone.sync()

    @rule(who=WHO, other=WHO, at=st.integers(2, 12), whole=st.sampled_from([False, False, False, True]), held=st.booleans())
    def remove(self, who: int, other: int, at: int, whole: bool, held: bool) -> None:
        """Asked for and carried out in one go, when both are at their desks; now and then a hold comes between."""
        self.phone(who).sync()
        if whole:
            self.ask_erase(who)
        else:
            self.ask_expunge(who, at, "spill")
        self.phone(who).sync()
        if held and whole:
            self.phone(other).sync()
            self.hold(other)
            self.phone(other).sync()
            self.the_model_agrees()
        self.carry_out(other, 5, who == other)

    def note_all(self, phone: Phone) -> None:
        for row in phone.store.entries(self.log):
            for part in removing.parts_at(phone.session, self.log, row.seq):
                doomed = tuple((part.author, change.c, encode_part([change])[1:]) for change in part.changes)
                self.world.doomed.setdefault((self.log, part.id, part.index), Doomed(cbor.decode(row.parts)[part.index], doomed))

    # --- what comes back ------------------------------------------------------------------------------------------------------

    @rule(who=WHO)
    def copy(self, who: int) -> None:
        """A phone's backup."""
        phone = self.phone(who)
        if not phone.store.logs_with_unsealed():  # what is sealed twice under one number is a clone, and freezes
            self.copies[who] = phone.clone(f"{phone.name} as it was")

    @precondition(lambda self: self.copies)
    @rule(who=WHO)
    def an_old_copy_comes_back(self, who: int) -> None:
        """It offers what it had to send, and hears what happened since; then it is put away again."""
        copy = self.copies.pop(who, None)
        if copy is not None:
            copy.sync()
            copy.sync()
            self.must_have_purged(copy)
            copy.store.close()

    @rule()
    def everything_is_sent_again(self) -> None:
        """By somebody who may write: each entry that any device ever sent."""
        host, sender = self.world.hosts[SIDE], self.world.hosts[SIDE].sender(self.phone(0).device)
        for one in list(self.world.overheard.values()):
            host.push((one.pair,), sender)

    @rule()
    def the_server_starts_again(self) -> None:
        self.world.hosts[SIDE].restart()

    # --- what has to hold --------------------------------------------------------------------------------------------------------

    @invariant()
    def the_model_agrees(self) -> None:
        if len(self.world.phones) < 3:
            return
        rows = self.world.hosts[SIDE].rows("SELECT seq, cose FROM entry WHERE log_id = ? AND seq > ? ORDER BY seq", self.log, self.read)
        for seq, cose in rows:
            self.read = seq
            if cose:
                self.broken = True  # until the statement has been judged: what was found first is what is told
                self.take(cose)
                self.broken = False
        if not self.erased:
            state = self.world.hosts[SIDE].realm._logs.get(self.log)
            if state is not None and state.file is not None:
                must(state.file.holds == self.holds, "the server knows of other holds")
                must(state.file.expunged.keys() == self.gone, "the server knows of other removals")

    def take(self, cose: bytes) -> None:
        entry = decode_entry_alone(cose)
        statement = decode_file_statement(entry.sign1.payload) if not entry.is_envelope else None
        if not isinstance(statement, Expunge | Hold | Erase):
            return
        users = {phone.device: phone.user for phone in self.world.phones}
        alone = isinstance(statement, Hold) and statement.release is None
        if not alone:
            must(statement.approval is not None, "somebody removed something alone")
            must(statement.approval is not None and users[statement.approval.by] != users[entry.author], "one person approved their own act")
            must(self.phone(0).user in {users[entry.author], users[statement.approval.by] if statement.approval else b""}, "no lead was asked")
        match statement:
            case Hold():
                self.holds = self.holds | {entry.id} if statement.release is None else self.holds - {statement.release}
            case Expunge():
                must(not (self.holds and statement.reason == "retention"), "something went by age under a hold")
                must((statement.id, statement.part) not in self.gone, "something went twice")
                self.gone.add((statement.id, statement.part))
            case Erase():
                must(not self.holds, "a file was erased under a hold")
                self.erased = True

    @invariant()
    def the_server_has_nothing_of_it(self) -> None:
        if len(self.world.phones) == 3:
            dump = b"".join(row[0] for row in self.world.hosts[SIDE].rows("SELECT parts FROM entry"))
            for (_, envelope, part), doomed in self.world.doomed.items():
                must(not (self.erased or (envelope, part) in self.gone) or doomed.part not in dump, "the server has what was removed")

    def must_have_purged(self, phone: Phone) -> None:
        """A device that has synced has nothing of what is gone."""
        if self.erased:
            must(is_erased(phone, self.log), f"{phone.name} has not heard that the file was erased")
        rows = b"\0".join(
            cell for table in ("entry", "change", "outbox", "alarm") for row in phone.store._db.execute(f"SELECT * FROM {table}").fetchall() for cell in row
            if isinstance(cell, bytes)
        )  # fmt: skip
        for (_, envelope, part), doomed in self.world.doomed.items():
            if self.erased or (envelope, part) in self.gone:
                must(doomed.part not in rows, f"{phone.name} has what was removed")

    def teardown(self) -> None:
        try:
            if len(self.world.phones) == 3 and not self.broken:
                self._reckon()
        finally:
            for copy in self.copies.values():
                copy.store.close()
            self.world.close()

    def _reckon(self) -> None:
        self.everything_is_sent_again()
        for _ in range(3):
            self.sync_all()
        self.the_model_agrees()
        self.the_server_has_nothing_of_it()
        host = self.world.hosts[SIDE]
        opened = {one.log: one for one in open_side(self.world, host)}
        check_removed(self.world, host, self.world.phones, opened)
        fresh = self.phone(2).blank("a new phone")
        for _ in range(2):
            fresh.sync()
        if not any(phone.store.fact("frozen") for phone in self.world.phones):
            hashes = {state_hash(phone.session.records(self.log, pending=False)) for phone in (*self.world.phones, fresh)}
            must(len(hashes) == 1, "phones show different things")
        for phone in (*self.world.phones, fresh):
            loud = {alarm[4] for alarm in phone.store.alarms()} - {"erased", "overtaken", "clone-detected"}
            must(not loud, f"{phone.name} raised {loud}")
        fresh.store.close()


def find(most: int) -> None:
    """Run the machine until it finds something, and raise that as it was found."""
    RemovalMachine.runs = 0
    run_state_machine_as_test(
        RemovalMachine, settings=settings(SETTINGS, max_examples=most, database=None, derandomize=True, phases=[Phase.generate])
    )


def test_removals() -> None:
    run_state_machine_as_test(RemovalMachine, settings=SETTINGS)
