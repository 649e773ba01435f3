"""Old and new together: stores and databases of every earlier version, and what an app and a server of two versions make of each other.

`stores/` has the tables of a device's store as each released version of them made it, from this project's history: `v1.sql` whole, each later file what then
became different. Of the wire there has been one version so far, so its other one is made here: a field, a version and a statement that this one does not know
(docs/spec.md §14).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3.dbapi2 as sqlite
from alembic import command

from server.service import MIGRATIONS
from shared_schema import cbor
from shared_schema.errors import Malformed, ProtocolError, Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.session import Session
from sync.device.storage.store import Store
from sync.device.storage.tables import SCHEMA_VERSION
from tests.faults.quick import QuickServer
from tests.faults.storage import judge
from tests.live import Live, OnlySyncs
from tests.system.test_migrations import config

STORES = Path(__file__).parent / "stores"


def note(session: Session, log: bytes, words: str) -> bytes:
    return session.write(log, None, "case_note", [Op("body", "set", words, ())])


def columns(database: Any, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def age(path: Path, key: bytes, version: int) -> None:
    """Make a store what an app of that version would have: its tables, with what they have room for."""
    old, new = sqlite.connect(str(path.with_suffix(".old"))), path
    old.executescript(f"PRAGMA cipher_default_page_size = 16384; PRAGMA key = \"x'{key.hex()}'\"; ATTACH '{new}' AS new KEY \"x'{key.hex()}'\";")
    old.execute("PRAGMA cipher_default_page_size = 4096")
    for number in range(1, version + 1):
        old.executescript((STORES / f"v{number}.sql").read_text())
    for (table,) in old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
        here = columns(old, f"{table}")
        there = [row[1] for row in old.execute(f"PRAGMA new.table_info({table})")]
        both = ", ".join(one for one in here if one in there)
        old.execute(f"INSERT INTO main.{table} ({both}) SELECT {both} FROM new.{table}")
    old.execute(f"PRAGMA user_version = {version}")
    old.commit()
    old.close()
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    path.with_suffix(".old").rename(path)


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Live]:
    """A real server that starts at once, and nobody enrolled but the administrators."""
    live = Live(tmp_path, server=QuickServer(tmp_path / "server"))
    try:
        yield live
    finally:
        live.close()


def test_every_earlier_store_is_here() -> None:
    assert sorted(int(one.stem[1:]) for one in STORES.glob("v*.sql")) == list(range(1, SCHEMA_VERSION))


def test_a_store_of_every_earlier_version_goes_on(quick: Live, tmp_path: Path) -> None:
    """With words in it that were never sent: it becomes this version's, and they arrive once."""
    sam, ruth = (quick.enrol(name, ("navigator",), name=name) for name in ("sam", "ruth"))
    log = quick.case(sam, (ruth, "navigator"))
    typed = {note(sam, log, "sent before"): "sent before"}
    syncing.sync(sam, quick.transport)
    folder, receipts = quick.folder / "devices" / "sam", set[bytes]()
    key = (folder / "key").read_bytes()
    fresh = Store(tmp_path / "fresh.db", key)
    shape = sorted(map(tuple, fresh._rows("SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")))
    fresh.close()
    session = sam
    for version in range(1, SCHEMA_VERSION):
        typed[note(session, log, f"unsent in {version}")] = f"unsent in {version}"
        session.store.close()
        quick.opened.remove(session)
        age(folder / "store.db", key, version)
        session = quick.reopen("sam")
        assert session.store._one("PRAGMA user_version") == SCHEMA_VERSION
        assert sorted(map(tuple, session.store._rows("SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))) == shape
        receipts |= {one.id for one in syncing.sync(session, quick.transport).receipts}
        assert session.store.unsent() == 0
        assert len(receipts) == version
    syncing.sync(ruth, quick.transport)
    for one in (session, ruth):
        assert judge(one, log, typed, receipts) == []


def test_a_database_of_every_earlier_version_goes_on(quick: Live) -> None:
    """`serve` brings it to this version; devices find all that was acknowledged, and go on."""
    sam, ruth = (quick.enrol(name, ("navigator",), name=name) for name in ("sam", "ruth"))
    log = quick.case(sam, (ruth, "navigator"))
    typed, receipts = dict[bytes, str](), set[bytes]()
    revisions = sorted(one.name.partition("_")[0] for one in (MIGRATIONS / "versions").glob("0*.py"))[:-1]
    assert revisions[0] == "0001"
    for revision in reversed(revisions):
        quick.server.stop()
        for side in ("perpetrator", "victim", "oversight"):
            command.downgrade(config(quick.database(side)), revision)
        quick.server.start()
        typed[note(sam, log, f"after {revision}")] = f"after {revision}"
        receipts |= {one.id for one in syncing.sync(sam, quick.transport).receipts}
    assert len(receipts) == len(revisions)
    syncing.sync(ruth, quick.transport)
    assert judge(ruth, log, typed, receipts) == []


class Translated(OnlySyncs):
    """A line on which a request, or an answer, is of another version."""

    def __init__(self, live: Live, asked: Callable[[dict[str, Any]], Any], answered: Callable[[dict[str, Any]], Any]) -> None:
        self._live, self._asked, self._answered = live, asked, answered

    def sync(self, session: Session, body: bytes) -> bytes:
        return _changed(self._live.transport.sync(session, _changed(body, self._asked)), self._answered)


def _changed(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    value = cbor.decode(data)
    change(value)
    return cbor.encode(value)


def same(_value: dict[str, Any]) -> None:
    """As it is."""


OTHER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a later version": lambda value: value.update(v=2),
    "a field that came later": lambda value: value.update(weather="rain"),
    "a field that came later, within another": lambda value: (value.get("status") or value["pages"][0]).update(weather="rain"),
}


def test_two_versions_of_the_wire(quick: Live) -> None:
    """Each says at once that it cannot read the other; nothing is half done, nobody is accused, and what was typed goes out when they agree again."""
    sam, ruth = (quick.enrol(who, ("navigator",), name=who) for who in ("sam", "ruth"))
    log = quick.case(sam, (ruth, "navigator"))
    typed, receipts = dict[bytes, str](), set[bytes]()
    for name, change in OTHER.items():
        for newer, line, kind in (("app", Translated(quick, change, same), Refused), ("server", Translated(quick, same, change), Malformed)):
            typed[note(sam, log, f"{name}, {newer}")] = f"{name}, {newer}"
            for _ in range(2):
                with pytest.raises(ProtocolError) as caught:
                    syncing.sync(sam, line)
                assert (type(caught.value), caught.value.code) == (kind, "malformed")
                assert sam.store.alarms() == []
                assert [item.code for item in sam.store.outbox()] == [""]
            receipts |= {one.id for one in syncing.sync(sam, quick.transport).receipts}
            assert sam.store.unsent() == 0
    assert len(receipts) == 2 * len(OTHER)
    syncing.sync(ruth, quick.transport)
    for one in (sam, ruth):
        assert judge(one, log, typed, receipts) == []


def test_records_of_a_later_app(quick: Live) -> None:
    """A type and a field that an older app does not know go through it unharmed, and it writes beside them; both hold the same."""
    new, old = (quick.enrol(name, ("navigator",), name=name) for name in ("new", "old"))
    log = quick.case(new, (old, "navigator"))
    later = new.write(log, None, "weather_report", [Op("sky", "set", "grey", ()), Op("rain_mm", "set", 12, ())])
    mixed = new.write(log, None, "case_note", [Op("body", "set", "as before", ()), Op("mood", "set", "calm", ())])
    for session in (new, old):
        syncing.sync(session, quick.transport)
    old.write(log, mixed, "case_note", [Op("weather", "set", "wet", ())])
    old.write(log, later, "weather_report", [Op("sky", "set", "blue", ())])
    for session in (old, new, old):
        syncing.sync(session, quick.transport)
    for session in (new, old):
        shown = {name: [op.value for op in one.live.values()] for name, one in session.record(log, later).registers.items()}
        assert shown["rain_mm"] == [12]
        assert "blue" in shown["sky"]
        assert {"as before", "calm", "wet"} <= {
            op.value for one in session.record(log, mixed).registers.values() for op in one.live.values() if isinstance(op.value, str)
        }
        assert session.store.alarms() == []
    bodies = [sorted(row.body for row in session.store.all_changes(log)) for session in (new, old)]
    assert bodies[0] == bodies[1]
