"""Who can open Sam's phone: helpers come and go, somebody copies its folder again and again, and he forgets his passphrase (docs/spec.md §13).

The model is who may help as Sam's phone last heard it. Whatever anybody kept of older copies opens nothing of the present store once they may not.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from shared_schema.errors import ProtocolError, Refused
from shared_schema.unlock import Box, check_digits
from sync import unlock as rules
from sync.change import Op
from sync.device.entering import helping, keyring, unlocking
from sync.device.entering.keyring import Keyring, Lock
from sync.device.people import files, standing
from tests.simulation.checks import must
from tests.world import MortalStore, Phone, World, patched

SIDE: Final = "perpetrator"
HELPERS: Final = ("Ruth", "Rea", "Cora")
ANYBODY: Final = st.sampled_from((*HELPERS, "Tablet", "Noor", "Vera"))
SETTINGS = settings(max_examples=25, stateful_step_count=24, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


def quick_key(passphrase: str, salt: bytes, memory_kib: int, passes: int) -> bytes:
    """In the place of Argon2id, of which there would be a thousand."""
    return hashlib.sha256(f"{passphrase}/{salt.hex()}/{memory_kib}/{passes}".encode()).digest()


class HelpMachine(RuleBasedStateMachine):
    """Sam visits, and has a tablet; Ruth, Rea and Cora coordinate; Noor is a colleague; Vera coordinates the other side."""

    runs: ClassVar[int] = 0
    helped: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self._quick = patched(keyring, "passphrase_key", quick_key)
        self._quick.__enter__()
        self.folder = Path(tempfile.mkdtemp())
        self.world = World()
        self.copies: list[tuple[Box, ...]] = []
        self.passphrases = ["the first passphrase"]

    @initialize()
    def begin(self) -> None:
        enrol = self.world.enrol
        self.sam = enrol(SIDE, "Sam", ("navigator",))
        self.phones = {name: enrol(SIDE, name, ("coordinator",)) for name in HELPERS}
        self.phones |= {"Tablet": enrol(SIDE, "Sam", ("navigator",), "Sam's tablet"), "Noor": enrol(SIDE, "Noor", ("navigator",))}
        self.phones["Vera"] = enrol("victim", "Vera", ("coordinator",))
        store = MortalStore(self.folder / "store.db", bytes(32))
        self.sam.store.copy_to(store)
        self.take_up(store)
        lock = Lock(bytes(16))
        store.keyring = Keyring(self.folder, lock, lock.key(self.passphrases[0]), (store.key,))
        store.keyring.save(self.sam.entropy)
        self.sam_syncs()
        self.log = self.sam.do(lambda session: files.create_file(session, "case", {self.phones["Ruth"].user: "coordinator"}))

    def take_up(self, store: MortalStore) -> None:
        self.sam.store, self.sam._session = store, None

    @rule()
    def sam_syncs(self) -> None:
        """His phone learns who may help."""
        self.sam.sync()
        known = self.sam.session.registry
        self.may = {name for name, phone in self.phones.items() if phone.side == SIDE and known.devices[phone.device].acts and name != "Noor"}
        self.key_in_force = known.recovery_id

    @rule()
    def somebody_copies_the_folder(self) -> None:
        self.copies.append(keyring.read(self.folder).boxes)

    @rule(who=ANYBODY, how=st.sampled_from(("suspend", "reinstate", "revoke")))
    def a_place_changes(self, who: str, how: str) -> None:
        """As far as the rules let it."""
        phone, admin = self.phones[who], self.world.admins[SIDE]
        if phone.side != SIDE:
            return
        by = next((self.phones[name] for name in HELPERS if not self.phones[name].out and name != who), admin) if how == "reinstate" else admin
        by.sync()
        try:
            if how == "reinstate":
                by.do(lambda session: standing.reinstate(session, phone.device))
            else:
                by.do(lambda session: getattr(standing, how)(session, phone.device, "lost"))
        except Refused:
            return
        by.sync()

    @rule()
    def fresh_recovery_key(self) -> None:
        self.world.renew(SIDE)

    @rule()
    def another_passphrase(self) -> None:
        self.passphrases.append(f"passphrase number {len(self.passphrases)}")
        assert self.sam.store.keyring is not None
        self.sam.store.keyring.change_passphrase(self.passphrases[-1], self.sam.entropy)

    @rule(who=ANYBODY, online=st.booleans())
    def sam_forgets(self, who: str, online: bool) -> None:
        """Whoever may help does; nobody else's answer is made, or taken."""
        self.sam.do(lambda session: session.write(self.log, None, "task", [Op("what", "set", "ring", ())]))
        before, kept = self.sam.store.key, self.sam.store.unsent()
        self.sam.store.close()
        new = f"passphrase number {len(self.passphrases)}"
        request = unlocking.read_request(unlocking.request_text(unlocking.begin(self.folder, new, self.sam.now_ms(), self.sam.entropy)))
        helper = self.phones[who]
        if online:
            helper.sync()
        may = who in self.may and (not helper.out or not online)
        try:
            asked = helping.judge(helper.session, request)
            digits = check_digits(request.id, helping.challenge(helper.session, request))
            made = helping.answer(helper.session, helping.confirm(helper.session, asked, digits))
            opened = unlocking.finish(self.folder, unlocking.read_answer(unlocking.answer_text(made)), new, self.sam.now_ms, self.sam.entropy)
        except ProtocolError as error:
            must(not may or helper.out or (online and not asked_may(helper, self.sam)), f"{who} was refused: {error}")
        else:
            must(who in self.may, f"{who} helped")
            must(opened.session.store.unsent() == kept, "unsent work is as it was")
            opened.session.store.close()
            self.passphrases.append(new)
            type(self).helped += 1
        ring = keyring.unlock(self.folder, self.passphrases[-1])
        store = MortalStore(self.folder / "store.db", ring.keys[-1])
        store.keyring = ring
        self.take_up(store)
        must((store.key == before) == (self.passphrases[-1] != new), "the key changes with help, and not without")

    @invariant()
    def the_newest_passphrase_alone_opens(self) -> None:
        if not hasattr(self, "log"):
            return
        for passphrase in self.passphrases:
            try:
                found = keyring.unlock(self.folder, passphrase).keys
            except Refused:
                must(passphrase != self.passphrases[-1], "the passphrase does not open")
            else:
                must(passphrase == self.passphrases[-1], "an older passphrase opens")
                must(found == (self.sam.store.key,), "profile.json has another key than the store")

    @invariant()
    def whoever_may_help_can_and_nobody_else(self) -> None:
        """Also with every older copy."""
        if not hasattr(self, "log"):
            return
        session = self.sam.session
        whose = rules.about(session.registry, session.identity.device)
        now = keyring.read(self.folder).boxes
        must({box.to for box in now} == {self.phones[name].device for name in self.may} | {self.key_in_force}, "boxes are for others")
        keys = {name: phone.session.receive_key for name, phone in self.phones.items()}
        keys |= {f"recovery {n}": secret.receive_key for n, secret in enumerate(self.world.recovery[SIDE])}
        in_force = next(f"recovery {n}" for n, secret in enumerate(self.world.recovery[SIDE]) if secret.id == self.key_in_force)
        for name, key in keys.items():
            opened = set()
            for box in {box for boxes in (*self.copies, now) for box in boxes}:
                try:
                    opened |= set(rules.open_box(key, whose, box))
                except ProtocolError:
                    continue
            must((self.sam.store.key in opened) == (name in self.may or name == in_force), f"{name} and the present store")

    def teardown(self) -> None:
        self.world.close()
        self.sam.store.close() if hasattr(self, "sam") else None
        self._quick.__exit__(None, None, None)
        shutil.rmtree(self.folder)


def asked_may(helper: Phone, sam: Phone) -> bool:
    """Whether the helper's own registry lets them help the phone."""
    known = helper.session.registry
    return (
        sam.device in known.devices
        and known.devices[sam.device].acts
        and rules.may_open(known, known.devices[sam.device], known.devices[helper.device])
    )


def test_help_machine() -> None:
    run_state_machine_as_test(HelpMachine, settings=SETTINGS)
    assert HelpMachine.helped > 10, "too few were helped"
