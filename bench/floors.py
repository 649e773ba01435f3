"""What this machine can do at best: raw SQLite, raw PostgreSQL, raw signatures, raw AEAD, a bare echo. Nothing of ours but the sizes.

Everything that we do is made of these, so the ratio says what our own code costs, also when the machine is busy with other things.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlcipher3.dbapi2 as sqlite
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bench.client import Connection
from bench.figures import Figures, timed
from bench.host import Process
from bench.opaque import PART_BYTES

ROWS: Final = "floor SQLite rows, 1,000 a transaction"
COMMITS: Final = "floor SQLite rows, 1 a transaction"
READ: Final = "floor SQLite rows read in order"
CIPHER: Final = "floor SQLCipher rows, 1,000 a transaction"
VERIFY: Final = "floor Ed25519 verify"
SIGN: Final = "floor Ed25519 sign"
SEAL: Final = "floor HKDF + AES-256-GCM seal"
OPEN: Final = "floor HKDF + AES-256-GCM open"
ECHO: Final = "floor echo, 1 connection"
ECHO_MS: Final = "floor echo, 1 connection, latency"
ECHO_MANY: Final = "floor echo, many connections"
PARTS: Final = "floor the parts of one push"
PULL_MS: Final = "floor the parts of one pull"
_PG: Final = "floor PostgreSQL"
ON_POSTGRESQL: Final = {
    ROWS: f"{_PG} rows, 1,000 a transaction",
    COMMITS: f"{_PG} rows, 1 a transaction",
    READ: f"{_PG} rows read in order",
    PARTS: f"{_PG}: the parts of one push",
    PULL_MS: f"{_PG}: the parts of one pull",
}
"""The floors beside which a server on PostgreSQL is put, where another stands beside one on SQLite."""
_BODY: Final = 3000  # what a push of one note weighs


def measure(figures: Figures, folder: Path, echo: Process, *, rows: int, connections: int) -> None:
    """All floors, once."""
    _databases(figures, folder, rows)
    _cryptography(figures)
    asyncio.run(_http(figures, echo, connections))
    _parts(figures, PARTS, PULL_MS, COMMITS)


def measure_postgresql(figures: Figures, url: str, rows: int) -> None:
    """Raw PostgreSQL, once; after the others."""
    with psycopg.connect(url, autocommit=True) as database:
        for table in ("floor_a", "floor_b"):
            database.execute(f"DROP TABLE IF EXISTS {table}")
            database.execute(
                f"CREATE TABLE {table} (log bytea NOT NULL, seq bigint NOT NULL, id bytea NOT NULL, part bytea NOT NULL, PRIMARY KEY (log, seq))"
            )
        _add(figures, ON_POSTGRESQL[ROWS], "1/s", _insert_postgresql(database, "floor_a", rows, 1000))
        _add(figures, ON_POSTGRESQL[COMMITS], "1/s", _insert_postgresql(database, "floor_b", max(100, rows // 20), 1))
        with timed() as timer:
            database.execute("SELECT log, seq, id, part FROM floor_a WHERE log = %s ORDER BY seq", (bytes(16),), binary=True).fetchall()
        _add(figures, ON_POSTGRESQL[READ], "1/s", rows / timer.seconds)
        database.execute("DROP TABLE floor_a, floor_b")
    _parts(figures, ON_POSTGRESQL[PARTS], ON_POSTGRESQL[PULL_MS], ON_POSTGRESQL[COMMITS])


def _insert_postgresql(database: psycopg.Connection[Any], table: str, rows: int, each: int) -> float:
    values = _values(rows)
    with timed() as timer:
        for start in range(0, rows, each):
            with database.transaction(), database.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES (%b, %b, %b, %b)", values[start : start + each])
    return rows / timer.seconds


def _parts(figures: Figures, push_key: str, pull_key: str, commits: str) -> None:
    """A push: request and entry are verified, receipt and head signed, one commit. A pull: the delivery is written, and what came is kept."""
    push = 1 / figures.latest(ECHO) + 1 / figures.latest(commits) + 2 / figures.latest(VERIFY) + 2 / figures.latest(SIGN)
    _add(figures, push_key, "1/s", 1 / push)
    _add(figures, pull_key, "ms", figures.latest(ECHO_MS) + 2e3 / figures.latest(commits))


def _add(figures: Figures, key: str, unit: str, value: float) -> None:
    figures.add("floor", key.removeprefix("floor "), unit, value)


def _databases(figures: Figures, folder: Path, rows: int) -> None:
    plain = _open(folder / "floor.db", b"")
    _add(figures, ROWS, "1/s", _insert(plain, "a", rows, 1000))
    _add(figures, COMMITS, "1/s", _insert(plain, "b", max(100, rows // 20), 1))
    with timed() as timer:
        plain.execute("SELECT log, seq, id, part FROM a WHERE log = ? ORDER BY seq", (bytes(16),)).fetchall()
    _add(figures, READ, "1/s", rows / timer.seconds)
    plain.close()
    sealed = _open(folder / "floor-sealed.db", os.urandom(32))
    _add(figures, CIPHER, "1/s", _insert(sealed, "a", rows, 1000))
    sealed.close()


def _open(path: Path, key: bytes) -> Any:
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    database = sqlite.connect(str(path), isolation_level=None)
    if key:
        database.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        database.execute("PRAGMA cipher_page_size = 16384")
        database.execute("PRAGMA cache_size = -65536")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    for table in ("a", "b"):
        database.execute(
            f"CREATE TABLE {table} (log BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, part BLOB NOT NULL, PRIMARY KEY (log, seq))"
        )
    return database


def _insert(database: Any, table: str, rows: int, each: int) -> float:
    values = _values(rows)
    with timed() as timer:
        for start in range(0, rows, each):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", values[start : start + each])
            database.execute("COMMIT")
    return rows / timer.seconds


def _values(rows: int) -> list[tuple[bytes, int, bytes, bytes]]:
    return [(bytes(16), seq, os.urandom(32), os.urandom(PART_BYTES)) for seq in range(rows)]


def _cryptography(figures: Figures) -> None:
    key, message, secret, salt = Ed25519PrivateKey.generate(), os.urandom(400), os.urandom(32), os.urandom(32)
    public, signature = key.public_key(), key.sign(message)
    plain = os.urandom(PART_BYTES - 48)
    sealed = _seal(secret, salt, plain)
    _add(figures, VERIFY, "1/s", _rate(lambda: public.verify(signature, message)))
    _add(figures, SIGN, "1/s", _rate(lambda: key.sign(message)))
    _add(figures, SEAL, "1/s", _rate(lambda: _seal(secret, salt, plain)))
    _add(figures, OPEN, "1/s", _rate(lambda: _unseal(secret, salt, sealed)))


def _key(secret: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
    okm = HKDF(algorithm=SHA256(), length=44, salt=salt, info=b"floor").derive(secret)
    return AESGCM(okm[:32]), okm[32:]


def _seal(secret: bytes, salt: bytes, plain: bytes) -> bytes:
    key, iv = _key(secret, salt)
    return key.encrypt(iv, plain, b"")


def _unseal(secret: bytes, salt: bytes, sealed: bytes) -> bytes:
    key, iv = _key(secret, salt)
    return key.decrypt(iv, sealed, b"")


def _rate(once: Callable[[], object], times: int = 3000) -> float:
    with timed() as timer:
        for _ in range(times):
            once()
    return times / timer.seconds


async def _http(figures: Figures, echo: Process, connections: int) -> None:
    body = os.urandom(_BODY)
    opened = [Connection(echo.host, echo.port) for _ in range(connections)]

    async def ask(connection: Connection, times: int) -> None:
        for _ in range(times):
            await connection.ask("POST", "/echo", body)

    for connection in opened:
        await connection.open()
    with timed() as one:
        await ask(opened[0], 1000)
    with timed() as many:
        await asyncio.gather(*(ask(connection, 4000 // connections) for connection in opened))
    _add(figures, ECHO, "1/s", 1000 / one.seconds)
    _add(figures, ECHO_MS, "ms", one.ms / 1000)
    _add(figures, ECHO_MANY, "1/s", 4000 // connections * connections / many.seconds)
    for connection in opened:
        await connection.close()
