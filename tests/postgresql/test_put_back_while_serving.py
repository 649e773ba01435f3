"""An older copy of the tables is put in place behind the back of processes that go on running."""

import time
from pathlib import Path

import pytest

from shared_schema.errors import Refused
from shared_schema.ids import Side
from shared_schema.restoring import decode_offer
from sync.change import Op
from sync.device.exchanging import restoring, syncing
from sync.device.session import Session
from tests import database
from tests.postgresql.workers import served

SIDE: Side = "perpetrator"
ASK = f"/v1/restored?side={SIDE}"


def note(session: Session, log: bytes, text: str) -> None:
    session.write(log, None, "case_note", [Op("body", "set", text, ())])


def test_no_process_serves_it(tmp_path: Path) -> None:
    """Both find out by the journal, without being started again; both offer the same incarnation; declared at one, it is served by both, and comes back."""
    with served(tmp_path, 2) as workers:
        live, (first, second) = workers.live, workers.ways
        office = live.admins[SIDE]
        sam, noor = (live.enrol(name, ("coordinator",)) for name in ("Sam", "Noor"))
        log = live.case(sam, (noor, "coordinator"))
        place = live.database(SIDE)
        database.keep(place, tmp_path / "older")
        for n in range(3):
            note(sam, log, f"lost {n}")
            syncing.sync(sam, second if n % 2 else first)
            syncing.sync(noor, first)
        database.put_back(tmp_path / "older", place)
        for way in (first, second):
            with pytest.raises(Refused) as refused:
                syncing.sync(noor, way)
            assert refused.value.code == "restoring"
        time.sleep(1)  # the next incarnation is named beside
        offers = [decode_offer(way.unsigned("GET", ASK)) for way in (first, second)]
        assert offers[0].next == offers[1].next != bytes(16)
        restoring.declare(office, second)
        for way in (first, second, first):
            for session in (office, sam, noor):
                assert not syncing.sync(session, way).contradictions
        restoring.end_healing(office)
        for way in (second, first):
            for session in (office, sam, noor):
                syncing.sync(session, way)
        bodies = sorted(str(next(iter(one.registers["body"].live.values())).value) for one in noor.records(log).values() if "body" in one.registers)
        assert bodies == ["lost 0", "lost 1", "lost 2"]
        rows = database.ask(place, "SELECT count(*) FROM entry WHERE log_id = ?", log)
        assert rows == [(noor.reader(log).log.head.seq,)]
