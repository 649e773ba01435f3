"""A service moves from files into PostgreSQL and back, and goes on when PostgreSQL was away."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.backup import back_up, in_files, put_back
from server.engines import Place, Postgres
from server.sealed_file import read_key
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from sync.change import Op
from sync.device.attaching import attachments
from sync.device.exchanging import syncing
from sync.device.session import Session
from tests import database
from tests.live import Live
from tests.system.test_attachments import add


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    if database.is_postgresql():
        yield database.url_of(tmp_path / "moved")
    else:
        with database.postgresql(database.new_folder()):
            yield database.url_of(tmp_path / "moved")


def note(session: Session, log: bytes, text: str) -> None:
    session.write(log, None, "case_note", [Op("body", "set", text, ())])


def test_into_postgresql_and_back(tmp_path: Path, url: str) -> None:
    """Nothing is lost on the way, and no device sees a difference; nothing has to be declared."""
    alone = {"FIELDKEEP_DATABASE": ""}
    live = Live(tmp_path, env=alone)
    key = tmp_path / "key"
    try:
        sam, noor = (live.enrol(name, ("coordinator",)) for name in ("Sam", "Noor"))
        log = live.case(sam, (noor, "coordinator"))
        data = live.server.data
        photos: list[bytes] = []
        tables: dict[Side, Place] = {side: Postgres(url, side) for side in SIDES}
        moves: list[tuple[dict[Side, Place], dict[str, str]]] = [(tables, {"FIELDKEEP_DATABASE": url}), (in_files(data), alone)]
        for n, (places, env) in enumerate(moves):
            note(sam, log, f"before {n}")
            photos.append(add(sam, log, 3000 + n))
            syncing.sync(sam, live.transport)
            live.server.stop()
            here = in_files(data) if n == 0 else tables
            back_up(data, tmp_path / f"{n}.fk", key, here)
            for left in data.glob("*.db*"):
                left.rename(tmp_path / f"{n}-{left.name}")
            put_back(tmp_path / f"{n}.fk", data, read_key(key), places)
            live.server._env.update(env)
            live.server.start()
            note(noor, log, f"after {n}")
            for session in (noor, sam, noor):
                report = syncing.sync(session, live.transport)
                assert not report.contradictions
        assert len(sam.records(log)) == len(noor.records(log)) == 6
        assert [len(attachments.fetch(noor, lambda: live.transport, log, photo)) for photo in photos] == [3000, 3001]
        assert not list(sam.store.alarms()) + list(noor.store.alarms())
    finally:
        live.close()


def test_one_side_to_a_database_of_its_own(tmp_path: Path, url: str) -> None:
    """The victim side's tables go to PostgreSQL; those of the others stay where they are, and nothing has to be declared."""
    live = Live(tmp_path, env={"FIELDKEEP_DATABASE": ""})
    try:
        sam, lena = live.enrol("Sam", ("coordinator",)), live.enrol("Lena", ("link_worker",), side="victim")
        logs = {sam: live.case(sam), lena: live.case(lena)}
        for session, log in logs.items():
            note(session, log, "before")
            syncing.sync(session, live.transport)
        live.server.stop()
        data = live.server.data
        back_up(data, tmp_path / "day.fk", tmp_path / "key", in_files(data))
        kept = (data / "perpetrator.db").read_bytes()
        for left in data.glob("victim.*db*"):
            left.rename(tmp_path / left.name)
        places: dict[Side, Place] = {**in_files(data), "victim": Postgres(url, "victim")}
        [back] = put_back(tmp_path / "day.fk", data, read_key(tmp_path / "key"), places, only="victim")
        assert back.side == "victim"
        assert (data / "perpetrator.db").read_bytes() == kept
        live.server._env["FIELDKEEP_DATABASE_VICTIM"] = url
        live.server.start()
        assert httpx.get(f"{live.server.address}/readyz", trust_env=False).json() == {"status": "ready"}
        for session, log in logs.items():
            note(session, log, "after")
            assert syncing.sync(session, live.transport).accepted == 1
            assert len(session.records(log)) >= 2
            assert not list(session.store.alarms())
        assert not (data / "victim.db").exists()
    finally:
        live.close()


def test_while_the_database_is_away(tmp_path: Path, url: str) -> None:
    """Nothing is acknowledged, /readyz says so, and all goes on by itself when it answers again."""
    live = Live(tmp_path, env={"FIELDKEEP_DATABASE": url})
    try:
        sam = live.enrol("Sam", ("coordinator",))
        log = live.case(sam)
        with database.away(url):
            note(sam, log, "typed while it was away")
            with pytest.raises(Refused) as refused:
                syncing.sync(sam, live.transport)
            assert refused.value.code == "busy"
            assert httpx.get(f"{live.server.address}/readyz", trust_env=False).status_code == 503
        for _ in range(100):
            if httpx.get(f"{live.server.address}/readyz", trust_env=False).status_code == 200:
                break
            time.sleep(0.1)
        assert syncing.sync(sam, live.transport).accepted == 1
        assert not list(sam.store.alarms())
    finally:
        live.close()
