"""What a server and its database use, seen from outside: bytes of tables, processor time, write-ahead log."""

import sqlite3
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psutil
import psycopg

from bench.host import Process
from bench.team import SIDE

TABLES: Final = ("entry", "receipt", "audit_event", "audit_tile", "change", "author_head", "log_head")
Costs = dict[str, float]


class Store:
    """Where a server keeps its rows, seen from outside."""

    def __init__(self, folder: Path, url: str, postgres: int) -> None:
        self._file, self._url, self._postgres = folder / "data" / f"{SIDE}.db", url, postgres

    def sizes(self) -> Costs:
        """Bytes of each table with its indexes, on disk."""
        if self._url:
            with psycopg.connect(self._url, autocommit=True) as writing:
                writing.execute(f"VACUUM FULL {SIDE}.audit_tile".encode())  # its rows are written again and again, in room that is used again
            return {name: float(self._ask(f"SELECT pg_total_relation_size('{SIDE}.{name}')")) for name in TABLES}
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)  # Python's own: of the two it is the one built to count pages
        pages: dict[str, int] = dict(connection.execute("SELECT tbl_name, SUM(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name"))
        connection.close()
        return {name: float(pages.get(name, 0)) for name in TABLES}

    def log_bytes(self) -> float:
        """Of the write-ahead log so far."""
        return float(self._ask("SELECT pg_current_wal_insert_lsn() - '0/0'")) if self._url else 0.0

    def cpu_s(self) -> float:
        """Processor time of the database's own processes, those that have ended too."""
        if not self._url:
            return 0.0
        main = psutil.Process(self._postgres)
        own = main.cpu_times()
        running = [one.cpu_times() for one in main.children()]
        return own.children_user + own.children_system + sum(one.user + one.system for one in running)

    def _ask(self, words: str) -> Any:
        with psycopg.connect(self._url, autocommit=True) as connection:
            found = connection.execute(words.encode()).fetchone()
            return found[0] if found else 0


class Meter:
    """What a piece of work cost, for each of `count`."""

    def __init__(self, server: Process, store: Store, count: int) -> None:
        self._server, self._store, self._count = server, store, count
        self.server_ms = self.database_ms = self.wall_ms = self.log_bytes = self.written = 0.0

    def __enter__(self) -> "Meter":
        self._before, self._began = self._now(), perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_ms = (perf_counter() - self._began) * 1e3 / self._count
        cpu, database_s, log, written = (after - before for after, before in zip(self._now(), self._before, strict=True))
        self.server_ms, self.database_ms = cpu * 1e3 / self._count, database_s * 1e3 / self._count
        self.log_bytes, self.written = log / self._count, written / self._count

    def _now(self) -> tuple[float, float, float, float]:
        written = float(psutil.Process(self._server.pid).io_counters().write_bytes)
        return self._server.cpu_s(), self._store.cpu_s(), self._store.log_bytes(), written
