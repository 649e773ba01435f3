"""A backup is of one moment of a side while others write to it, also where its tables lie on several nodes (docs/decisions/0023-shared-out-by-log.md)."""

import os
import threading
from pathlib import Path

from sqlalchemy import insert

from server import copying, engines
from server.engines import Postgres
from server.service import migrate
from server.tables import AuditEventRow, LogHeadRow
from tests import database
from tests.postgresql.day import on_postgresql

LOGS = 4
COPIES = 6


def write(place: Postgres, over: threading.Event) -> None:
    """Transactions of one event and of several logs each, as fast as they go."""
    engine, n = engines.open_engine(place), 0
    while not over.is_set():
        with engine.connect().execution_options(writes=True) as tx, tx.begin():
            tx.execute(insert(AuditEventRow).values(n=n, event=b"e"))
            for _ in range(LOGS):
                tx.execute(insert(LogHeadRow).values(log_id=os.urandom(16), kind="case", seq=n, chain=bytes(32), received_ms=0))
        n += 1
    engine.dispose()


def test_rows_of_one_transaction_are_there_together(tmp_path: Path) -> None:
    with on_postgresql():
        place = Postgres(database.url_of(tmp_path), "perpetrator")
        migrate(place)
        over = threading.Event()
        writing = threading.Thread(target=write, args=(place, over))
        writing.start()
        try:
            found = []
            for n in range(COPIES):
                copy = tmp_path / f"{n}.db"
                copying.copy_out(place, copy, tmp_path / f"{n}.chunks")
                found.append([int(database.ask(copy, f"SELECT count(*) FROM {name}")[0][0]) for name in ("audit_event", "log_head")])
        finally:
            over.set()
            writing.join()
    assert [logs for _, logs in found] == [events * LOGS for events, _ in found]
    assert found[0][0] < found[-1][0]
