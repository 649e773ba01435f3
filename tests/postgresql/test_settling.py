"""On several nodes the coordinator shows what was committed a moment before the others do (docs/decisions/0023-shared-out-by-log.md): what has to be read from
them is read when they do, and by less nobody is answered. Here the moment is made long, on one node.
"""

import threading
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest
from sqlalchemy import Connection

from server.realm import Realm
from server.realm.state import State
from server.sharding import Unsettled
from shared_schema.ids import Side
from sync.change import Op
from sync.device.people import files, standing
from sync.registry import Registry
from tests.postgresql.day import another, on_postgresql
from tests.wall.twins import Phone, Run
from tests.world import patched

SIDE: Final[Side] = "perpetrator"
HELD_S: Final = 2.0


class Two(NamedTuple):
    """A service, somebody of it, and the same side in another process, which lies on several nodes for all that it knows."""

    run: Run
    sam: Phone
    realm: Realm


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("settling")
    with on_postgresql(), Run(folder / "one") as run, another(run, folder / "two") as other:
        realm = other.sides[SIDE].realm
        realm.shared_out = True
        yield Two(run, run.enrol(SIDE, "Sam", "coordinator"), realm)


def put_out(two: Two, name: str) -> bytes:
    """Somebody is enrolled and revoked: the registry grows. Their device."""
    device = two.run.enrol(SIDE, name, "navigator").session.identity.device
    office = two.run.admins[SIDE]
    office.sync()
    two.realm.follow()
    standing.revoke(office.session, device, "lost")
    office.sync()
    return device


def follow_while_written(two: Two) -> float:
    """How long following takes while somebody still writes for `HELD_S`."""
    begun = threading.Event()

    def write() -> None:
        with two.realm.engine.connect().execution_options(writes=True) as tx, tx.begin():
            begun.set()
            time.sleep(HELD_S)

    writing = threading.Thread(target=write)
    writing.start()
    begun.wait()
    began = time.monotonic()
    two.realm.follow()
    took = time.monotonic() - began
    writing.join()
    return took


def test_the_registry_is_read_when_the_writer_has_ended(two: Two) -> None:
    device = put_out(two, "Lee")
    assert follow_while_written(two) > HELD_S / 2
    assert two.realm.known().devices[device].revoked is not None


def test_what_need_not_be_read_is_known_at_once(two: Two) -> None:
    log = files.create_file(two.sam.session, "case")
    two.sam.sync()
    two.sam.session.write(log, None, "task", [Op("what", "set", "come and look", ())])
    two.sam.sync()
    assert follow_while_written(two) < HELD_S / 2
    assert two.realm.readers.heads[log].seq == 2


def test_by_less_than_the_registry_nobody_is_answered(two: Two) -> None:
    """Another node ended between the two phases: its rows are not there yet, and the process says so until they are."""
    device = put_out(two, "Mo")

    def less(_tx: Connection, known: Registry) -> Registry:
        return known

    with patched(State, "_registry_from", staticmethod(less)), pytest.raises(Unsettled):
        two.realm.follow()
    assert two.realm.known().devices[device].revoked is None
    two.realm.follow()
    assert two.realm.known().devices[device].revoked is not None


def test_without_waiting_the_moment_is_seen(two: Two) -> None:
    """The defect is planted: nothing waits for the writer, and the first of these tests would fail."""
    put_out(two, "Kit")
    two.realm.shared_out = False
    try:
        assert follow_while_written(two) < HELD_S / 2
    finally:
        two.realm.shared_out = True
