"""The SQL of chunks and of what claims them (docs/spec.md §18): as in server/store.py, synchronous functions that never commit."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert  # compiles for SQLite too
from sqlmodel import col

from server import engines
from server.tables import ChunkRow, ClaimRow, EntryRow, GoingRow, HeldRow

WAITS: Final = 0
STANDS: Final = 1
GONE: Final = 2
_AT_ONCE: Final = 500  # values in one statement


def place_of(tx: Connection, log: bytes, chunk: bytes) -> str | None:
    """Where the bytes of a chunk of a file lie."""
    return tx.execute(select(col(ChunkRow.place)).where(col(ChunkRow.log_id) == log, col(ChunkRow.chunk_id) == chunk)).scalar()


def put_chunk(tx: Connection, log: bytes, chunk: bytes, size: int, now_ms: int, place: str) -> None:
    """A chunk is kept, at this place; of one that was there before the place is another."""
    row = upsert(ChunkRow).values(log_id=log, chunk_id=chunk, size=size, kept_ms=now_ms, place=place)
    tx.execute(row.on_conflict_do_update(index_elements=["log_id", "chunk_id"], set_={"kept_ms": now_ms, "place": place}))
    tx.execute(delete(GoingRow).where(col(GoingRow.place) == place))  # another process began in between, and took it for one that nobody names


def renew(tx: Connection, log: bytes, chunks: Sequence[bytes], now_ms: int) -> None:
    """These chunks were brought or claimed now."""
    tx.execute(update(ChunkRow).where(col(ChunkRow.log_id) == log, col(ChunkRow.chunk_id).in_(chunks)).values(kept_ms=now_ms))


def bytes_of(tx: Connection, log: bytes) -> int:
    """How many bytes of chunks a file has."""
    return int(tx.execute(select(func.coalesce(func.sum(col(ChunkRow.size)), 0)).where(col(ChunkRow.log_id) == log)).scalar() or 0)


def places(tx: Connection, log: bytes, chunks: Sequence[bytes]) -> dict[bytes, str]:
    """Those of these chunks that a file has, with their places."""
    query = select(col(ChunkRow.chunk_id), col(ChunkRow.place)).where(col(ChunkRow.log_id) == log, col(ChunkRow.chunk_id).in_(chunks))
    return {row.chunk_id: row.place for row in tx.execute(query)}


def all_places(tx: Connection) -> set[str]:
    """Every place that a chunk lies at."""
    return set(tx.execute(select(col(ChunkRow.place))).scalars())


def was_removed(tx: Connection, log: bytes, chunk: bytes) -> bool:
    """True for a chunk that went with a part."""
    gone = (col(ClaimRow.log_id) == log, col(ClaimRow.chunk_id) == chunk, col(ClaimRow.state) == GONE)
    return tx.execute(select(col(ClaimRow.state)).where(*gone).limit(1)).first() is not None


def claim_state(tx: Connection, log: bytes, part: bytes) -> int | None:
    """How it stands with what was claimed for a part; None where nothing was."""
    return tx.execute(select(func.max(col(ClaimRow.state))).where(col(ClaimRow.log_id) == log, col(ClaimRow.part) == part)).scalar()


def has_part(tx: Connection, log: bytes, part: bytes) -> bool:
    """True when an entry of a log, or a held one, says this hash: that of a part of it, as good as always."""
    said = (
        select(col(EntryRow.seq)).where(col(EntryRow.log_id) == log, engines.Holds(col(EntryRow.cose), part)),
        select(col(HeldRow.n)).where(col(HeldRow.log_id) == log, engines.Holds(col(HeldRow.cose), part)),
    )
    return any(tx.execute(query.limit(1)).first() is not None for query in said)


def put_claim(tx: Connection, log: bytes, part: bytes, chunks: Iterable[bytes], state: int, now_ms: int) -> None:
    """A part names these chunks. What it named before stays."""
    for chunk in chunks:
        row = upsert(ClaimRow).values(log_id=log, part=part, chunk_id=chunk, state=state, claimed_ms=now_ms)
        tx.execute(row.on_conflict_do_update(index_elements=["log_id", "part", "chunk_id"], set_={"claimed_ms": now_ms}))


def waiting(tx: Connection) -> dict[bytes, frozenset[bytes]]:
    """The parts, by file, that were claimed for and have not come."""
    found: dict[bytes, set[bytes]] = {}
    for row in tx.execute(select(col(ClaimRow.log_id), col(ClaimRow.part)).where(col(ClaimRow.state) == WAITS).distinct()):
        found.setdefault(row.log_id, set()).add(row.part)
    return {log: frozenset(parts) for log, parts in found.items()}


def waiting_in(tx: Connection, log: bytes) -> frozenset[bytes]:
    """Those of one file."""
    return frozenset(tx.execute(select(col(ClaimRow.part)).where(col(ClaimRow.log_id) == log, col(ClaimRow.state) == WAITS).distinct()).scalars())


def set_state(tx: Connection, log: bytes, part: bytes, state: int) -> None:
    """A part came, or was removed."""
    tx.execute(update(ClaimRow).where(col(ClaimRow.log_id) == log, col(ClaimRow.part) == part).values(state=state))


def drop_claimed(tx: Connection, log: bytes, part: bytes) -> None:
    """What a part named goes, whoever else names it; that it went stays."""
    named = select(col(ClaimRow.chunk_id)).where(col(ClaimRow.log_id) == log, col(ClaimRow.part) == part)
    _drop(tx, log, tx.execute(named).scalars().all())
    set_state(tx, log, part, GONE)


def drop_log(tx: Connection, log: bytes) -> None:
    """Everything of a file goes."""
    _drop(tx, log, tx.execute(select(col(ChunkRow.chunk_id)).where(col(ChunkRow.log_id) == log)).scalars().all())
    tx.execute(delete(ClaimRow).where(col(ClaimRow.log_id) == log))


def _drop(tx: Connection, log: bytes, chunks: Sequence[bytes]) -> None:
    for at in range(0, len(chunks), _AT_ONCE):
        some = chunks[at : at + _AT_ONCE]
        put_going(tx, places(tx, log, some).values(), 0)
        tx.execute(delete(ChunkRow).where(col(ChunkRow.log_id) == log, col(ChunkRow.chunk_id).in_(some)))


def has_any(tx: Connection) -> bool:
    """False where there is nothing to collect."""
    return any(tx.execute(select(one).limit(1)).first() is not None for one in (col(ChunkRow.log_id), col(ClaimRow.log_id), col(GoingRow.place)))


def collect(tx: Connection, before_ms: int, most: int) -> list[tuple[bytes, bytes]]:
    """Claims whose part did not come go, then chunks that nothing claims; both when they were last brought or claimed before that time. Returns the
    (log, part) of the claims.
    """
    late = (col(ClaimRow.state) == WAITS, col(ClaimRow.claimed_ms) < before_ms)
    ended = [(row.log_id, row.part) for row in tx.execute(select(col(ClaimRow.log_id), col(ClaimRow.part)).where(*late).distinct())]
    tx.execute(delete(ClaimRow).where(*late))
    kept = exists().where(col(ClaimRow.log_id) == col(ChunkRow.log_id), col(ClaimRow.chunk_id) == col(ChunkRow.chunk_id))
    unclaimed = select(col(ChunkRow.log_id), col(ChunkRow.chunk_id)).where(col(ChunkRow.kept_ms) < before_ms, ~kept).limit(most)
    for row in tx.execute(unclaimed).all():
        _drop(tx, row.log_id, [row.chunk_id])
    return ended


def put_going(tx: Connection, gone: Iterable[str], after_ms: int) -> None:
    """Bytes at these places are to be overwritten."""
    for place in gone:
        tx.execute(upsert(GoingRow).values(place=place, after_ms=after_ms).on_conflict_do_nothing())


def going(tx: Connection, now_ms: int) -> list[str]:
    """The places whose time has come."""
    return list(tx.execute(select(col(GoingRow.place)).where(col(GoingRow.after_ms) <= now_ms)).scalars())


def all_going(tx: Connection) -> set[str]:
    """Every place that is to be overwritten, now or later."""
    return set(tx.execute(select(col(GoingRow.place))).scalars())


def went(tx: Connection, gone: Sequence[str]) -> None:
    """They are."""
    for at in range(0, len(gone), _AT_ONCE):
        tx.execute(delete(GoingRow).where(col(GoingRow.place).in_(gone[at : at + _AT_ONCE])))
