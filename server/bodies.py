"""Where the bytes of sealed chunks lie (docs/spec.md §18.6): in a database file of the side's own, in a table of its PostgreSQL database, or in a store that
speaks S3.

Apart from the side's database, whose free pages are overwritten by writing it anew whenever something is removed: that must not take the longer the more
photographs there are. Each bringing has a place of its own, so that a removal and a bringing of the same chunk at the same time do not meet. What `put` has
returned is durable; what `remove` has returned is in no free page and no write-ahead log.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

import sqlcipher3.dbapi2 as sqlite
from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import DatabaseError
from sqlmodel import col

from server.cannot import CannotServe
from server.engines import check_opens, is_shared
from server.tables import BodyRow

PAD: Final = 4096
"""Zeros before each body in its row: SQLite may copy a row's first 4,061 bytes between pages, and never looks at the rest, which it overwrites when it goes."""

CHUNKS_TABLE: Final = "CREATE TABLE IF NOT EXISTS body (place TEXT PRIMARY KEY, ms INTEGER NOT NULL, pad BLOB NOT NULL, body BLOB NOT NULL)"
"""Of the file."""


class Bodies(Protocol):
    """The bytes of one side's chunks. Every function may raise OSError."""

    def put(self, data: bytes, now_ms: int) -> str:
        """Keep bytes, durably; where they lie."""
        ...

    def get(self, place: str) -> bytes | None:
        """The bytes at a place; None where there are none."""
        ...

    def remove(self, places: Iterable[str]) -> None:
        """Overwrite and forget these. What is not there is passed over."""
        ...

    def places(self) -> Iterator[tuple[str, int]]:
        """Every place, with when it was put."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class RowBodies:
    """A SQLite file; without a path, in memory. Places are drawn by lot, as in the other store: numbers would begin again in an older copy of the file that was
    put back, and a row of the database would name another chunk's bytes.
    """

    def __init__(self, path: Path | None, draw: Callable[[int], bytes]) -> None:
        self._draw = draw
        if path is not None:
            check_opens(path)
        self._database: Any = sqlite.connect(":memory:" if path is None else str(path), isolation_level=None, check_same_thread=False)
        self._one = threading.Lock()
        for pragma in ("journal_mode=WAL", "busy_timeout=10000", "synchronous=FULL", "secure_delete=ON", "cache_size=-8192"):
            self._database.execute(f"PRAGMA {pragma}").fetchall()
        self._database.execute(CHUNKS_TABLE)
        if path is not None:
            path.chmod(0o600)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._one:
            try:
                yield
            except sqlite.Error as error:
                raise OSError(f"the chunks' file failed: {type(error).__name__}") from error

    def put(self, data: bytes, now_ms: int) -> str:
        """One transaction of its own: on disk when this returns."""
        place = self._draw(16).hex()
        with self._alone():
            self._database.execute("INSERT INTO body VALUES (?, ?, zeroblob(?), ?)", (place, now_ms, PAD, data))
        return place

    def get(self, place: str) -> bytes | None:
        """The bytes at a place."""
        with self._alone():
            row = self._database.execute("SELECT body FROM body WHERE place = ?", (place,)).fetchone()
        return None if row is None else bytes(row[0])

    def remove(self, places: Iterable[str]) -> None:
        """secure_delete writes zeros over the pages; then the write-ahead log, which has them as they were, is cut to nothing."""
        with self._alone():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany("DELETE FROM body WHERE place = ?", [(place,) for place in places])
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            if self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise OSError("the write-ahead log of the chunks could not be truncated")

    def places(self) -> Iterator[tuple[str, int]]:
        """Every place."""
        with self._alone():
            rows = self._database.execute("SELECT place, ms FROM body").fetchall()
        return ((place, ms) for place, ms in rows)

    def close(self) -> None:
        """Close the file."""
        with self._alone():
            self._database.close()


def in_memory() -> RowBodies:
    """For a realm whose database is in memory too. Its places are numbers: nothing of it is ever put back."""
    numbers = count(1)
    return RowBodies(None, lambda size: next(numbers).to_bytes(size, "big"))


class TableBodies:
    """A table beside the others in PostgreSQL, for all processes on it. What was removed is out of the table when VACUUM has run, and out of PostgreSQL's own
    log when its operator's backups have rotated.
    """

    def __init__(self, engine: Engine, draw: Callable[[int], bytes]) -> None:
        self._engine, self._draw = engine, draw

    def put(self, data: bytes, now_ms: int) -> str:
        """One transaction of its own."""
        place = self._draw(16).hex()
        with _database_as_os_error(), self._engine.connect() as tx, tx.begin():
            tx.execute(insert(BodyRow).values(place=place, ms=now_ms, body=data))
        return place

    def get(self, place: str) -> bytes | None:
        """The bytes at a place."""
        with _database_as_os_error(), self._engine.connect() as tx, tx.begin():
            found = tx.execute(select(col(BodyRow.body)).where(col(BodyRow.place) == place)).scalar()
        return None if found is None else bytes(found)

    def remove(self, places: Iterable[str]) -> None:
        """Delete, and vacuum."""
        with _database_as_os_error(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(delete(BodyRow).where(col(BodyRow.place).in_(list(places))))
            connection.exec_driver_sql("VACUUM body")

    def places(self) -> Iterator[tuple[str, int]]:
        """Every place."""
        with _database_as_os_error(), self._engine.connect() as tx, tx.begin():
            rows = tx.execute(select(col(BodyRow.place), col(BodyRow.ms))).all()
        return ((row.place, row.ms) for row in rows)

    def close(self) -> None:
        """The engine is closed by whoever opened it."""


@contextmanager
def _database_as_os_error() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        raise OSError(f"the chunks' table failed: {type(error).__name__}") from None


class ObjectBodies:
    """A store that speaks S3, by obstore. Acknowledged as it acknowledges: with S3 a put that has returned is durable. Not obstore's local folder, which does
    not fsync, and not its memory: those are for tests of everything else.
    """

    def __init__(self, store: Any, draw: Callable[[int], bytes]) -> None:
        self._store, self._draw = store, draw

    def put(self, data: bytes, _now_ms: int) -> str:
        """One object under a name drawn by lot: it tells neither file nor chunk."""
        import obstore

        place = self._draw(16).hex()
        with _as_os_error():
            obstore.put(self._store, place, data)
        return place

    def get(self, place: str) -> bytes | None:
        """The object's bytes."""
        import obstore

        try:
            with _as_os_error():
                return bytes(obstore.get(self._store, place).bytes())
        except FileNotFoundError:
            return None

    def remove(self, places: Iterable[str]) -> None:
        """Delete; a bucket with versions, or one that is copied elsewhere, keeps what was deleted: docs/operations says to have none."""
        import obstore

        with _as_os_error():
            for place in places:
                try:
                    obstore.delete(self._store, place)
                except FileNotFoundError:
                    continue

    def places(self) -> Iterator[tuple[str, int]]:
        """Every object."""
        import obstore

        with _as_os_error():
            for group in obstore.list(self._store):
                for found in group:
                    yield found["path"], int(found["last_modified"].timestamp() * 1000)

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What a store could not do is an OSError here, as on a disk."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise OSError(f"the object store failed: {type(error).__name__}") from None


class NoStore(CannotServe):
    """FIELDKEEP_CHUNK_STORE names no store that acknowledges what is durable."""


def open_bodies(url: str, path: Path, engine: Engine, side: str, draw: Callable[[int], bytes]) -> Bodies:
    """The side's bodies: rows in the file at `path`, or of the side's own PostgreSQL database, or objects under `url`, each side's apart. Raises NoStore."""
    if not url:
        return TableBodies(engine, draw) if is_shared(engine) else RowBodies(path, draw)
    if not url.startswith("s3://"):
        raise NoStore("want FIELDKEEP_CHUNK_STORE as s3://BUCKET/PREFIX, or unset: other stores do not say when something is durable")
    try:
        from obstore.store import S3Store
    except ImportError:
        raise NoStore("FIELDKEEP_CHUNK_STORE needs the package obstore: install fieldkeep[s3]") from None
    return ObjectBodies(S3Store.from_url(f"{url.rstrip('/')}/{side}"), draw)
