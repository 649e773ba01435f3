"""Attacks on help with a forgotten passphrase: each test says what should hold."""

from pathlib import Path
from typing import Any, Final

from sync import unlock as rules
from sync.device.entering import helping, keyring
from sync.device.entering.keyring import Keyring, Lock
from sync.device.people import standing
from tests.stateful.test_help_machine import quick_key
from tests.world import Died, MortalStore, World, patched

SIDE: Final = "perpetrator"


def test_a_box_that_was_written_before_the_process_ended_counts(tmp_path: Path) -> None:
    """Nia's box is on disk, and the phone's note of it is not: once she is kept out, a copy of the folder from between opens nothing any more."""
    with patched(keyring, "passphrase_key", quick_key), World(sides=(SIDE,)) as world:
        sam, _ruth = world.enrol(SIDE, "Sam", ("navigator",)), world.enrol(SIDE, "Ruth", ("coordinator",))
        store, lock = MortalStore(tmp_path / "store.db", bytes(32)), Lock(bytes(16))
        sam.store.copy_to(store)
        sam.store, sam._session = store, None
        store.keyring = Keyring(tmp_path, lock, lock.key("a passphrase"), (store.key,))
        store.keyring.save(sam.entropy)
        sam.sync()
        nia = world.enrol(SIDE, "Nia", ("coordinator",))
        nia.sync()

        def ends(*_: Any) -> None:
            raise Died("the device")

        with patched(helping, "_remember", ends):
            assert str(sam.sync()).startswith("died")
        [copied] = [box for box in keyring.read(tmp_path).boxes if box.to == nia.device]
        admin = world.admins[SIDE]
        admin.sync()
        admin.do(lambda session: standing.suspend(session, nia.device, "misuse"))
        admin.sync()
        sam.sync()
        whose = rules.about(sam.session.registry, sam.device)
        assert store.key not in rules.open_box(nia.session.receive_key, whose, copied)
