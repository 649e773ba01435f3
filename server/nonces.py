"""Server nonces: the only freshness of a request, for field clocks are wrong (docs/spec.md §9.1).

    nonce = base64url(random 12 ‖ u64be(issued ms) ‖ HMAC-SHA256(key, side ‖ random ‖ issued)[:16])

Only used nonces are remembered, and only while they live. Of one process the key is new at every start, so a nonce never survives a restart. Processes
that serve one database share key and memory through a table of it.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, delete, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import col

from server.tables import NonceRow
from shared_schema import limits
from shared_schema.errors import Refused

_BUCKET_MS: Final = 60_000
_SKEW_MS: Final = 5_000  # between the clocks of hosts


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Nonces(Protocol):
    """One side's nonces."""

    def issue(self) -> str:
        """A fresh nonce."""
        ...

    def spend(self, nonce: str) -> None:
        """Use a nonce up. Raises Refused `nonce-spent` for one that is forged, too old or used."""
        ...


class _Body(NamedTuple):
    random: bytes
    issued_ms: int


def _issue(key: bytes, side: bytes, random: bytes, now_ms: int) -> str:
    body = random + now_ms.to_bytes(8, "big")
    return base64.urlsafe_b64encode(body + _mac(key, side, body)).decode()


def _mac(key: bytes, side: bytes, body: bytes) -> bytes:
    return hmac.digest(key, side + body, "sha256")[:16]


def _open(key: bytes, side: bytes, nonce: str, now_ms: int, skew_ms: int) -> _Body:
    """What a nonce says. Raises Refused `nonce-spent` for one that is forged or too old."""
    try:
        raw = base64.b64decode(nonce, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    body, issued = raw[:20], int.from_bytes(raw[12:20], "big")
    if len(raw) != 36 or not hmac.compare_digest(raw[20:], _mac(key, side, body)) or not -skew_ms <= now_ms - issued <= limits.NONCE_MS:
        raise Refused("nonce-spent")
    return _Body(body[:12], issued)


class OwnNonces:
    """Those of one process, in memory. Their time is a clock's that never goes back: with another, what was forgotten could be used again."""

    def __init__(self, side: str, entropy: Callable[[int], bytes], clock: Callable[[], int] = _now_ms) -> None:
        self._side, self._entropy, self._key, self._clock = side.encode(), entropy, entropy(32), clock
        self._used: dict[int, set[bytes]] = {}

    def issue(self) -> str:
        """A fresh nonce."""
        return _issue(self._key, self._side, self._entropy(12), self._clock())

    def spend(self, nonce: str) -> None:
        """Use a nonce up. Raises Refused `nonce-spent`."""
        now_ms = self._clock()
        body = _open(self._key, self._side, nonce, now_ms, 0)
        bucket = self._used.setdefault(body.issued_ms // _BUCKET_MS, set())
        if body.random in bucket:
            raise Refused("nonce-spent")
        bucket.add(body.random)
        self._forget(now_ms)

    def _forget(self, now_ms: int) -> None:
        oldest = (now_ms - limits.NONCE_MS) // _BUCKET_MS - 1
        for minute in [minute for minute in self._used if minute < oldest]:
            del self._used[minute]


_FORGOTTEN: Final = b"forgotten"
_SPEND: Final = text(
    "INSERT INTO nonce (random, issued_ms) SELECT CAST(:random AS bytea), CAST(:issued_ms AS bigint) "
    "WHERE EXISTS (SELECT 1 FROM nonce WHERE random = :epoch) "
    "AND NOT EXISTS (SELECT 1 FROM nonce WHERE random = :forgotten AND issued_ms >= :issued_ms) ON CONFLICT DO NOTHING"
)


class SharedNonces:
    """Those of all processes on one PostgreSQL database. The table has the used ones, a row without a time whose name is the epoch, from which the key
    comes, and a row with the time up to which used ones were forgotten, so that no clock that goes back brings them to life. PostgreSQL empties the
    table after a crash: then there is another epoch.
    """

    def __init__(self, side: str, engine: Engine, secret: bytes, entropy: Callable[[int], bytes], clock: Callable[[], int] = _wall_ms) -> None:
        self._side, self._engine, self._secret, self._entropy, self._clock = side.encode(), engine, secret, entropy, clock
        self._forget_ms = 0
        self._begin()

    def _begin(self) -> None:
        with self._engine.connect().execution_options(writes=True) as tx, tx.begin():
            found = tx.execute(select(col(NonceRow.random)).where(col(NonceRow.issued_ms) == 0)).scalar()
            if found is None:
                found = b"epoch" + self._entropy(16)
                tx.execute(upsert(NonceRow).values(random=found, issued_ms=0))
        self._epoch = bytes(found)
        self._key = hmac.digest(self._secret, b"nonces" + self._epoch, "sha256")

    def issue(self) -> str:
        """A fresh nonce."""
        return _issue(self._key, self._side, self._entropy(12), self._clock())

    def spend(self, nonce: str) -> None:
        """Use a nonce up. Raises Refused `nonce-spent`."""
        now_ms = self._clock()
        body = _open(self._key, self._side, nonce, now_ms, _SKEW_MS)
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            said = {**body._asdict(), "epoch": self._epoch, "forgotten": _FORGOTTEN}
            fresh = connection.execute(_SPEND, said).rowcount == 1
            emptied = not fresh and connection.execute(select(col(NonceRow.issued_ms)).where(col(NonceRow.random) == self._epoch)).first() is None
            if fresh and now_ms > self._forget_ms:
                self._forget_ms = now_ms + _BUCKET_MS
                self._forget(connection, now_ms - limits.NONCE_MS - _BUCKET_MS)
        if emptied:
            self._begin()
        if not fresh:
            raise Refused("nonce-spent")

    @staticmethod
    def _forget(connection: Connection, before_ms: int) -> None:
        row = upsert(NonceRow).values(random=_FORGOTTEN, issued_ms=before_ms)
        kept = row.on_conflict_do_update(index_elements=["random"], set_={"issued_ms": before_ms}, where=col(NonceRow.issued_ms) < before_ms)
        connection.execute(kept)
        old = (col(NonceRow.issued_ms) > 0, col(NonceRow.issued_ms) < before_ms, col(NonceRow.random) != _FORGOTTEN)
        connection.execute(delete(NonceRow).where(*old))
