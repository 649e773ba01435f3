"""Database engines: one side's SQLite file, or its schema of a PostgreSQL database (docs/decisions/0022-several-workers.md).

Both give the same two kinds of transaction, by the execution option `writes`: one without it sees one state of the database from its first statement on;
writing ones of a side come one after another, each with all that those before it wrote.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as sqlite
from sqlalchemy import Boolean, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import NullPool, QueuePool, StaticPool
from sqlalchemy.sql.functions import FunctionElement

from server.cannot import CannotServe
from shared_schema import limits

_WRITER: Final = 0x6669656C64  # the class of the advisory lock that the writing transactions of a schema take, one after another


@dataclass(frozen=True, slots=True)
class Postgres:
    """A side's tables in PostgreSQL: `url` is a libpq or SQLAlchemy URL of the database, `schema` the side's schema in it."""

    url: str
    schema: str


Place = Path | Postgres
"""Where a side's tables are."""


class BadDatabase(CannotServe):
    """A setting names no database that can be used."""


def open_engine(place: Place | None, *, readers: int = 4) -> Engine:
    """An engine on one side's tables; for None in memory. With `readers` 0 connections are not kept."""
    return _open_postgres(place, readers) if isinstance(place, Postgres) else _open_sqlite(place, readers)


def is_shared(engine: Engine) -> bool:
    """Whether other processes may write these tables too."""
    return engine.dialect.name == "postgresql"


def is_new(place: Place) -> bool:
    """Whether nothing has been made there yet."""
    if isinstance(place, Path):
        return not place.exists()
    engine = open_engine(place, readers=0)
    with engine.connect() as connection, connection.begin():
        return connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None


def is_empty(place: Place) -> bool:
    """Whether there is nothing that could be lost: no file, no tables, or tables of a service that was never made."""
    if isinstance(place, Path) or is_new(place):
        return is_new(place)
    engine = open_engine(place, readers=0)
    with engine.connect() as connection, connection.begin():
        return connection.execute(text("SELECT 1 FROM meta LIMIT 1")).first() is None


def prepare(place: Place) -> None:
    """Make the schema that the tables go into, where there is none. Raises BadDatabase for a file that is no database."""
    if isinstance(place, Path):
        check_opens(place)
    if isinstance(place, Postgres):
        with open_engine(place, readers=0).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{place.schema}"')


def check_opens(path: Path) -> None:
    """Raises BadDatabase for a file that SQLite does not open; one that is not there is none."""
    if not path.exists():
        return
    database = sqlite.connect(f"file:{path}?mode=rw", uri=True)
    try:
        database.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite.DatabaseError as error:
        raise BadDatabase(f"{path.name} does not open as a database ({error}): keep it, and put back the newest backup") from None
    finally:
        database.close()


# --- SQLite ----------------------------------------------------------------------------------------------------------------------------------


def _open_sqlite(path: Path | None, readers: int) -> Engine:
    """Durable: WAL with synchronous=FULL. sqlcipher3 is used without a key, for its bundled SQLite, which has the WAL-reset fix."""
    if path is None:
        engine = create_engine("sqlite://", module=sqlite, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        pool: Any = QueuePool if readers else NullPool
        sizes = {"pool_size": readers + 1, "max_overflow": 4, "pool_use_lifo": True} if readers else {}
        engine = create_engine(f"sqlite:///{path}", module=sqlite, poolclass=pool, connect_args={"check_same_thread": False}, **sizes)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver's guesswork
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", "cache_size=-4096", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")


# --- PostgreSQL ------------------------------------------------------------------------------------------------------------------------------


def _open_postgres(place: Postgres, readers: int) -> Engine:
    """Durable: synchronous_commit is on, whatever the server's default. Reads see one snapshot."""
    try:
        url = make_url(place.url).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise BadDatabase("want a database as postgresql://user@host/name") from None
    pool: Any = QueuePool if readers else NullPool
    sizes = {"pool_size": readers + 1, "max_overflow": 4, "pool_use_lifo": True} if readers else {}
    settings = {"options": f"-csearch_path={place.schema} -csynchronous_commit=on -clock_timeout=30s -cidle_in_transaction_session_timeout=60s"}
    engine = create_engine(
        url, paramstyle="format", poolclass=pool, connect_args={"application_name": "fieldkeep", **settings}, pool_pre_ping=True, **sizes
    )
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(connection: Connection) -> None:
    """A writing transaction takes the schema's lock before its first snapshot, so that it sees all that was written before."""
    from psycopg import IsolationLevel  # a server on SQLite need not have it in memory

    driver: Any = connection.connection.driver_connection
    if driver.autocommit:
        return
    driver.isolation_level = IsolationLevel.READ_COMMITTED if _writes(connection) else IsolationLevel.REPEATABLE_READ
    if _writes(connection):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(current_schema()::text, %s))", (_WRITER,))


def wait_for_writer(connection: Connection) -> None:
    """Until nobody writes this schema; nobody begins to while the transaction lasts."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema()::text, %s))", (_WRITER,))


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("writes"))


# --- what each says in its own way ---------------------------------------------------------------------------------------------------------------


class Holds(FunctionElement[bool]):
    """Holds(bytes, some): whether the bytes have these among them."""

    type = Boolean()
    inherit_cache = True


@compiles(Holds, "sqlite")
def _holds_in_sqlite(element: Any, compiler: Any, **how: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **how)}) > 0)"


@compiles(Holds, "postgresql")
def _holds_in_postgres(element: Any, compiler: Any, **how: Any) -> str:
    among, some = (compiler.process(clause, **how) for clause in element.clauses)
    return f"(position({some} in {among}) > 0)"


_FILLER: Final = {
    "sqlite": f"CREATE TABLE probe AS SELECT zeroblob({limits.ENTRY_BYTES}) AS filler",
    "postgresql": f"CREATE TABLE probe AS SELECT decode(repeat('00', {limits.ENTRY_BYTES}), 'hex') AS filler",
}


def probe(engine: Engine) -> None:
    """Write as much as an entry may have, and drop it. Raises what the database raises where it cannot."""
    for words in ("DROP TABLE IF EXISTS probe", _FILLER[engine.dialect.name], "DROP TABLE probe"):
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.exec_driver_sql(words)


def scrub(engine: Engine) -> None:
    """Overwrite on disk what was deleted: the tables anew without what was removed from them, and of SQLite no write-ahead log. Raises what the database
    raises, and OSError while somebody still reads an older state. What PostgreSQL keeps of its own log, and its backups, go as its operator rotates them.
    """
    if is_shared(engine):
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            for table in ("entry", "held", "parcel", "parcel_out", "receipt", "verdict", "author_head"):
                connection.exec_driver_sql(f"VACUUM FULL {table}")
            connection.exec_driver_sql("RESET lock_timeout")
        return
    if engine.url.database is None:
        return
    borrowed = engine.raw_connection()
    try:
        database: Any = borrowed.driver_connection
        database.execute("PRAGMA temp_store = FILE")
        database.execute("VACUUM")
        busy = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        borrowed.close()
    if busy:
        raise OSError("the write-ahead log could not be truncated: somebody still reads")
