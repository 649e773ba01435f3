"""The SQL of a realm (that of removals is server/removal_rows.py), as synchronous functions on a Connection. They never commit: the caller owns the transaction.

Statements are built once. Rows of hot tables are written in bulk by `flush`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Dialect, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert  # compiles for SQLite too
from sqlmodel import col

from server import removal_rows
from server.tables import (
    AuditEventRow,
    AuditTileRow,
    AuthorHeadRow,
    CheckpointRow,
    DeviceStatusRow,
    EntryRow,
    GoneRow,
    HeldRow,
    LogHeadRow,
    MemberRow,
    Meta,
    PurgeRow,
    ReceiptRow,
    VerdictRow,
)

Row = dict[str, Any]
T = TypeVar("T")


class StoredEntry(NamedTuple):
    """An entry as it is served."""

    seq: int
    entry_id: bytes
    author: bytes
    received_ms: int
    chain: bytes
    leaf: int
    cose: bytes
    parts: bytes


_SERVED: Final = (
    col(EntryRow.seq),
    col(EntryRow.entry_id),
    col(EntryRow.author),
    col(EntryRow.received_ms),
    col(EntryRow.chain),
    col(EntryRow.leaf),
    col(EntryRow.cose),
    col(EntryRow.parts),
)
_OF_LOG: Final = col(EntryRow.log_id) == bindparam("log")
_AFTER: Final = (
    select(*_SERVED).where(_OF_LOG, col(EntryRow.seq) > bindparam("after"), col(EntryRow.seq) <= bindparam("upto")).order_by(col(EntryRow.seq))
)
_SIGNED_AFTER: Final = (
    select(col(EntryRow.seq), col(EntryRow.received_ms), col(EntryRow.cose), col(EntryRow.chain), col(EntryRow.leaf), col(EntryRow.entry_id))
    .where(_OF_LOG, col(EntryRow.seq) > bindparam("after"))
    .order_by(col(EntryRow.seq))
)
_STATEMENTS: Final = select(*_SERVED).where(_OF_LOG, col(EntryRow.statement) == 1).order_by(col(EntryRow.seq))
_CHAIN_AT: Final = select(col(EntryRow.chain)).where(_OF_LOG, col(EntryRow.seq) == bindparam("seq"))
_BY_AUTHOR: Final = select(*_SERVED).where(_OF_LOG, col(EntryRow.author) == bindparam("author"), col(EntryRow.sq) == bindparam("sq"))
_HEAD: Final = select(LogHeadRow.__table__).where(col(LogHeadRow.log_id) == bindparam("log"))  # type: ignore[attr-defined]
_AUTHORS: Final = select(col(AuthorHeadRow.device_id), col(AuthorHeadRow.sq), col(AuthorHeadRow.entry_id)).where(
    col(AuthorHeadRow.log_id) == bindparam("log")
)
_VERDICT: Final = select(col(VerdictRow.verdict)).where(col(VerdictRow.log_id) == bindparam("log"), col(VerdictRow.entry_id) == bindparam("id"))
_RECEIPT: Final = (
    select(col(ReceiptRow.receipt))
    .where(col(ReceiptRow.log_id) == bindparam("log"), col(ReceiptRow.last_seq) >= bindparam("seq"))
    .order_by(col(ReceiptRow.last_seq))
    .limit(1)
)


def read(engine: Engine, work: Callable[[Connection], T]) -> T:
    """What `work` reads, in a transaction of its own."""
    with engine.connect() as tx, tx.begin():
        return work(tx)


def entries_after(tx: Connection, log: bytes, after: int, upto: int, most: int) -> list[StoredEntry]:
    """Entries of a log in (after, upto], at most `most`."""
    return [StoredEntry(*row) for row in tx.execute(_AFTER.limit(most), {"log": log, "after": after, "upto": upto})]


def signed_after(tx: Connection, log: bytes, after: int, most: int) -> list[tuple[int, int, bytes, bytes, int]]:
    """(seq, received_ms, COSE, chain, leaf) of entries of a log after a place, at most `most`, without their parts; of erased ones the id for COSE."""
    return [
        (row.seq, row.received_ms, row.cose or row.entry_id, row.chain, row.leaf)
        for row in tx.execute(_SIGNED_AFTER.limit(most), {"log": log, "after": after})
    ]


def statements(tx: Connection, log: bytes) -> list[StoredEntry]:
    """All statements of a log."""
    return [StoredEntry(*row) for row in tx.execute(_STATEMENTS, {"log": log})]


def chain_at(tx: Connection, log: bytes, seq: int) -> bytes | None:
    """chain[seq] of a log, for seq > 0."""
    return tx.execute(_CHAIN_AT, {"log": log, "seq": seq}).scalar()


def entry_by_author(tx: Connection, log: bytes, author: bytes, sq: int) -> StoredEntry | None:
    """The entry that took `sq` of `author` in a log."""
    row = tx.execute(_BY_AUTHOR, {"log": log, "author": author, "sq": sq}).first()
    return None if row is None else StoredEntry(*row)


def entry_at(tx: Connection, log: bytes, seq: int) -> StoredEntry | None:
    """The entry at one place of a log."""
    found = entries_after(tx, log, seq - 1, seq, 1)
    return found[0] if found else None


def log_head(tx: Connection, log: bytes) -> tuple[str, int, bytes, int] | None:
    """(kind, seq, chain, received_ms) of a log."""
    row = tx.execute(_HEAD, {"log": log}).first()
    return None if row is None else (row.kind, row.seq, row.chain, row.received_ms)


def all_heads(tx: Connection) -> list[tuple[bytes, int, bytes, str]]:
    """(log, seq, chain, kind) of every log."""
    return [
        (row.log_id, row.seq, row.chain, row.kind)
        for row in tx.execute(select(col(LogHeadRow.log_id), col(LogHeadRow.seq), col(LogHeadRow.chain), col(LogHeadRow.kind)))
    ]


def authors(tx: Connection, log: bytes) -> list[tuple[bytes, int, bytes]]:
    """(device, sq, entry id) of every author of a log."""
    return [(row.device_id, row.sq, row.entry_id) for row in tx.execute(_AUTHORS, {"log": log})]


def verdict(tx: Connection, log: bytes, entry_id: bytes) -> bytes | None:
    """The signed refusal of an entry, if it has one."""
    return tx.execute(_VERDICT, {"log": log, "id": entry_id}).scalar()


def refused_logs(tx: Connection) -> set[bytes]:
    """The logs that have signed refusals."""
    return set(tx.execute(select(col(VerdictRow.log_id)).distinct()).scalars())


def receipt_for(tx: Connection, log: bytes, seq: int) -> bytes | None:
    """The receipt that covers place `seq` of a log."""
    return tx.execute(_RECEIPT, {"log": log, "seq": seq}).scalar()


def memberships(tx: Connection) -> list[tuple[bytes, bytes, int, int | None, str]]:
    """(log, user, from, to, role) of every membership."""
    query = select(col(MemberRow.log_id), col(MemberRow.user_id), col(MemberRow.from_seq), col(MemberRow.to_seq), col(MemberRow.role))
    return [(row.log_id, row.user_id, row.from_seq, row.to_seq, row.role) for row in tx.execute(query)]


def meta(tx: Connection) -> dict[str, bytes]:
    """The realm's facts."""
    return {row.key: row.value for row in tx.execute(select(col(Meta.key), col(Meta.value)))}


def set_meta(tx: Connection, key: str, value: bytes) -> None:
    """Set one fact of the realm for good; setting it twice fails."""
    tx.execute(insert(Meta).values(key=key, value=value))


def agree_meta(tx: Connection, key: str, value: bytes) -> bytes:
    """One fact of the realm, as whoever says it first does."""
    tx.execute(upsert(Meta).values(key=key, value=value).on_conflict_do_nothing())
    return bytes(tx.execute(select(col(Meta.value)).where(col(Meta.key) == key)).scalar() or b"")


class StoredHeld(NamedTuple):
    """Held work as it is shown to whoever decides on it."""

    n: int
    held_ms: int
    cose: bytes
    parts: bytes


_HELD_OF_AUTHOR: Final = select(func.count(), func.coalesce(func.sum(func.length(col(HeldRow.cose)) + func.length(col(HeldRow.parts))), 0)).where(
    col(HeldRow.log_id) == bindparam("log"), col(HeldRow.author) == bindparam("author")
)
_HELD_OUTCOME: Final = select(col(HeldRow.outcome)).where(col(HeldRow.log_id) == bindparam("log"), col(HeldRow.entry_id) == bindparam("id"))
_HELD_PARTS: Final = select(col(HeldRow.outcome), col(HeldRow.cose), col(HeldRow.parts)).where(
    col(HeldRow.log_id) == bindparam("log"), col(HeldRow.entry_id) == bindparam("id")
)
_HELD_AFTER: Final = (
    select(col(HeldRow.n), col(HeldRow.held_ms), col(HeldRow.cose), col(HeldRow.parts))
    .where(col(HeldRow.log_id) == bindparam("log"), col(HeldRow.n) > bindparam("after"), col(HeldRow.outcome) == "")
    .order_by(col(HeldRow.n))
)
_HELD_NEXT: Final = select(func.coalesce(func.max(col(HeldRow.n)), 0) + 1).where(col(HeldRow.log_id) == bindparam("log"))
_ROLE: Final = select(col(MemberRow.role)).where(
    col(MemberRow.log_id) == bindparam("log"), col(MemberRow.user_id) == bindparam("user"), col(MemberRow.to_seq).is_(None)
)


def held_of_author(tx: Connection, log: bytes, author: bytes) -> tuple[int, int]:
    """(entries, bytes) of a device's work in a file that was held, decided on or not: what was decided on is told to nobody by a number."""
    count, size = tx.execute(_HELD_OF_AUTHOR, {"log": log, "author": author}).one()
    return int(count), int(size)


def held_outcome(tx: Connection, log: bytes, entry_id: bytes) -> str | None:
    """What became of a held entry: "" while nobody has decided. None for what is not held."""
    return tx.execute(_HELD_OUTCOME, {"log": log, "id": entry_id}).scalar()


def held_after(tx: Connection, log: bytes, after: int, most: int) -> list[StoredHeld]:
    """Held work of a file after number `after` that nobody has decided on, at most `most`."""
    return [StoredHeld(*row) for row in tx.execute(_HELD_AFTER.limit(most), {"log": log, "after": after})]


def next_held(tx: Connection, log: bytes) -> int:
    """The number of the next held entry of a log, from 1."""
    return int(tx.execute(_HELD_NEXT, {"log": log}).scalar() or 1)


def held_counts(tx: Connection) -> dict[bytes, int]:
    """How many held entries of each log wait for a decision; logs that have none are left out."""
    query = select(col(HeldRow.log_id), func.count()).where(col(HeldRow.outcome) == "").group_by(col(HeldRow.log_id))
    return {log: int(count) for log, count in tx.execute(query)}


def held_parts(tx: Connection, log: bytes, entry_id: bytes) -> tuple[str, bytes, bytes] | None:
    """(outcome, COSE, parts) of what is or was held under this id."""
    row = tx.execute(_HELD_PARTS, {"log": log, "id": entry_id}).first()
    return None if row is None else (row.outcome, row.cose, row.parts)


def role_in(tx: Connection, log: bytes, user: bytes) -> str | None:
    """A person's role in a file now; None for who is no member."""
    return tx.execute(_ROLE, {"log": log, "user": user}).scalar()


@dataclass(slots=True)
class Batch:
    """Rows that one transaction will write."""

    entries: list[Row] = field(default_factory=list)
    heads: dict[bytes, Row] = field(default_factory=dict)
    new_heads: set[bytes] = field(default_factory=set)
    authors: dict[tuple[bytes, bytes], Row] = field(default_factory=dict)
    receipts: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    held: list[Row] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    moves: list[tuple[bool, Row]] = field(default_factory=list)  # (joins or leaves, row), in log order: a person may do both
    events: list[Row] = field(default_factory=list)
    gone: list[Row] = field(default_factory=list)
    asked: bool = False  # of what is in `gone`: that people asked for it, and wait; else it went by the calendar
    left: dict[tuple[bytes, int], bytes] = field(default_factory=dict)  # the parts of an entry, by log and place, of which one has gone
    held_left: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)  # the same of what is or was held, by log and entry id
    purges: list[Row] = field(default_factory=list)
    statuses: dict[bytes, Row] = field(default_factory=dict)


_INSERT: Final = {
    table: insert(table)
    for table in (EntryRow, LogHeadRow, ReceiptRow, VerdictRow, MemberRow, AuditEventRow, AuditTileRow, CheckpointRow, HeldRow, GoneRow, PurgeRow)
}
_MOVE_HEAD: Final = (
    update(LogHeadRow)
    .where(col(LogHeadRow.log_id) == bindparam("log"))
    .values(seq=bindparam("to_seq"), chain=bindparam("to_chain"), received_ms=bindparam("to_ms"))
)
_LEAVE: Final = (
    update(MemberRow)
    .where(col(MemberRow.log_id) == bindparam("log"), col(MemberRow.user_id) == bindparam("user"), col(MemberRow.to_seq).is_(None))
    .values(to_seq=bindparam("left"))
)
_SETTLE: Final = (
    update(HeldRow)
    .where(col(HeldRow.log_id) == bindparam("log"), col(HeldRow.entry_id) == bindparam("held_id"))
    .values(outcome=bindparam("to_outcome"))
)
_author = upsert(AuthorHeadRow)
_AUTHOR: Final = _author.on_conflict_do_update(
    index_elements=["log_id", "device_id"], set_={"sq": _author.excluded.sq, "entry_id": _author.excluded.entry_id}
)
_status = upsert(DeviceStatusRow)
_STATUS: Final = _status.on_conflict_do_update(
    index_elements=["device_id"],
    set_={"seen_ms": _status.excluded.seen_ms, "status": _status.excluded.status},
    where=_status.excluded.seen_ms >= col(DeviceStatusRow.seen_ms),  # another process may have heard more
)
_tile = upsert(AuditTileRow)
_TILE: Final = _tile.on_conflict_do_update(index_elements=["level", "n"], set_={"hashes": _tile.excluded.hashes})


def flush(tx: Connection, batch: Batch) -> None:
    """Write all rows of `batch`. They become true when the caller commits, not before."""
    write(tx, _INSERT[EntryRow], batch.entries)
    moved = [row for log, row in batch.heads.items() if log not in batch.new_heads]
    write(tx, _INSERT[LogHeadRow], [row for log, row in batch.heads.items() if log in batch.new_heads])
    write(tx, _MOVE_HEAD, [{"log": row["log_id"], "to_seq": row["seq"], "to_chain": row["chain"], "to_ms": row["received_ms"]} for row in moved])
    write(tx, _AUTHOR, list(batch.authors.values()))
    write(tx, _INSERT[ReceiptRow], batch.receipts)
    write(tx, _INSERT[VerdictRow], batch.verdicts)
    write(tx, _INSERT[HeldRow], batch.held)
    write(tx, _SETTLE, batch.settled)
    for joins, row in batch.moves:
        tx.execute(_INSERT[MemberRow] if joins else _LEAVE, row)
    write(tx, _INSERT[AuditEventRow], batch.events)
    write(tx, _INSERT[PurgeRow], batch.purges)
    _remove(tx, batch)
    write(tx, _STATUS, list(batch.statuses.values()))


def _remove(tx: Connection, batch: Batch) -> None:
    """What has to go goes with the statement that says so, in its transaction."""
    write(tx, _INSERT[GoneRow], batch.gone)
    for (log, seq), parts in batch.left.items():
        removal_rows.set_parts(tx, log, seq, parts)
    for (log, entry_id), parts in batch.held_left.items():
        removal_rows.set_held_parts(tx, log, entry_id, parts)
    for row in batch.gone:
        if not row["entry_id"]:
            removal_rows.erase_log(tx, row["log_id"], row["by_id"])


@lru_cache(maxsize=256)
def _for_driver(statement: Any, dialect: Dialect) -> tuple[str, Callable[[Row], Any]]:
    """A statement compiled once, and how its positional values are taken from a row: SQLAlchemy's own work per row doubles a write."""
    compiled: Any = statement.compile(dialect=dialect)
    return str(compiled), itemgetter(*compiled.positiontup)


def write(tx: Connection, statement: Any, rows: Sequence[Row]) -> None:
    """Run one prebuilt statement for each of `rows`."""
    if rows:
        sql, values = _for_driver(statement, tx.dialect)
        tx.exec_driver_sql(sql, [values(row) for row in rows])


def event_count(tx: Connection) -> int:
    """How many audit events there are."""
    newest = tx.execute(select(func.max(AuditEventRow.n))).scalar()
    return 0 if newest is None else newest + 1


def events_from(tx: Connection, start: int, most: int) -> list[tuple[int, bytes]]:
    """(n, event) from `start` on."""
    query = select(col(AuditEventRow.n), col(AuditEventRow.event)).where(col(AuditEventRow.n) >= start).order_by(col(AuditEventRow.n)).limit(most)
    return [(row.n, row.event) for row in tx.execute(query)]


def tile(tx: Connection, level: int, n: int) -> bytes | None:
    """The hashes of one tile."""
    return tx.execute(select(col(AuditTileRow.hashes)).where(col(AuditTileRow.level) == level, col(AuditTileRow.n) == n)).scalar()


def put_tiles(tx: Connection, tiles: dict[tuple[int, int], bytes]) -> None:
    """Write tiles, growing the ones that are there."""
    write(tx, _TILE, [{"level": level, "n": n, "hashes": hashes} for (level, n), hashes in tiles.items()])


def put_checkpoint(tx: Connection, size: int, note: str) -> None:
    """Remember the newest signed tree head; older roots follow from the tiles."""
    tx.execute(delete(CheckpointRow))
    tx.execute(_INSERT[CheckpointRow], {"size": size, "note": note})


def newest_checkpoint(tx: Connection) -> tuple[int, str] | None:
    """(size, note) of the largest tree that was signed."""
    row = tx.execute(select(col(CheckpointRow.size), col(CheckpointRow.note)).order_by(col(CheckpointRow.size).desc()).limit(1)).first()
    return None if row is None else (row.size, row.note)


def statuses(tx: Connection) -> list[tuple[bytes, int, bytes]]:
    """(device, seen_ms, status) of every device that has synced."""
    return [(row.device_id, row.seen_ms, row.status) for row in tx.execute(select(DeviceStatusRow.__table__))]  # type: ignore[attr-defined]
