"""One side's tables as rows, between PostgreSQL and a SQLite file: so a backup is the same whatever the server keeps its data in, and a service can be moved
from one to the other (docs/operations/restore.md).
"""

from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as sqlite
from sqlalchemy import Connection, Table, insert, select
from sqlmodel import SQLModel

from server import engines
from server.bodies import CHUNKS_TABLE, PAD
from server.engines import Postgres
from server.service import migrate
from server.sharding import fix_moment
from server.tables import BodyRow, ChangeRow, NonceRow

_ROWS: Final = 1000
_BODIES: Final = 16
_OF_ITS_OWN: Final = {
    ChangeRow.__tablename__,
    NonceRow.__tablename__,
    BodyRow.__tablename__,
}  # what processes say to each other; and bodies, which go beside


def copy_out(place: Postgres, path: Path, chunks: Path) -> None:
    """The side as it is at one moment, while others write to it: rows into a new SQLite file, bytes of attachments into another, where there are some.

    Raises what the database raises.
    """
    migrate(path)
    source, target = engines.open_engine(place, readers=0), engines.open_engine(path, readers=0)
    with source.connect() as reading, reading.begin(), target.connect().execution_options(writes=True) as writing, writing.begin():
        fix_moment(reading)
        _copy_rows(reading, writing)
        _bodies_out(reading, chunks)
    target.dispose()
    source.dispose()
    _close_wal(path)


def copy_in(path: Path, chunks: Path, place: Postgres) -> None:
    """Such files into a schema that has no tables yet: in one transaction, and nothing of it is there before its end. Raises what the database raises."""
    migrate(path)  # it may be of an older release
    migrate(place)
    source, target = engines.open_engine(path, readers=0), engines.open_engine(place, readers=0)
    with source.connect() as reading, reading.begin(), target.connect().execution_options(writes=True) as writing, writing.begin():
        _copy_rows(reading, writing)
        _bodies_in(chunks, writing)
    target.dispose()
    source.dispose()
    _close_wal(path)


def _copy_rows(reading: Connection, writing: Connection) -> None:
    for table in SQLModel.metadata.sorted_tables:
        if table.name not in _OF_ITS_OWN:
            _copy_table(reading, writing, table)


def _copy_table(reading: Connection, writing: Connection, table: Table) -> None:
    rows = reading.execution_options(yield_per=_ROWS).execute(select(table)).mappings()
    for some in rows.partitions():
        writing.execute(insert(table), [dict(row) for row in some])


def _bodies_out(reading: Connection, chunks: Path) -> None:
    if reading.execute(select(BodyRow.__table__.c.place).limit(1)).first() is None:  # type: ignore[attr-defined]
        return
    file: Any = sqlite.connect(str(chunks))
    file.execute(CHUNKS_TABLE)
    for some in reading.execution_options(yield_per=_BODIES).execute(select(BodyRow.__table__)).partitions():  # type: ignore[attr-defined]
        file.executemany("INSERT INTO body VALUES (?, ?, zeroblob(?), ?)", [(row.place, row.ms, PAD, row.body) for row in some])
    file.commit()
    file.close()


def _bodies_in(chunks: Path, writing: Connection) -> None:
    if not chunks.exists():
        return
    file: Any = sqlite.connect(f"file:{chunks}?mode=ro&immutable=1", uri=True)
    found = file.execute("SELECT place, ms, body FROM body")
    while some := found.fetchmany(_BODIES):
        writing.execute(insert(BodyRow), [{"place": place, "ms": ms, "body": body} for place, ms, body in some])
    file.close()


def _close_wal(path: Path) -> None:
    """One file, that can be looked at without a log beside it."""
    file: Any = sqlite.connect(str(path))
    file.execute("PRAGMA journal_mode=DELETE").fetchall()
    file.close()
