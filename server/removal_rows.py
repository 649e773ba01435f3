"""The SQL of what is removed (docs/spec.md §7.8 to §7.10, §9.6): as in server/store.py, synchronous functions that never commit."""

from sqlalchemy import Connection, delete, func, select, update
from sqlmodel import col

from server.tables import AuthorHeadRow, EntryRow, GoneRow, HeldRow, MemberRow, PurgeRow, ReceiptRow, VerdictRow


def members_of(tx: Connection, log: bytes) -> dict[bytes, str]:
    """Everybody who ever was a member of a file, to a role that they had."""
    query = select(col(MemberRow.user_id), col(MemberRow.role)).where(col(MemberRow.log_id) == log).order_by(col(MemberRow.from_seq))
    return {row.user_id: row.role for row in tx.execute(query)}


def gone(tx: Connection) -> list[tuple[bytes, bytes, int, int, bytes, bytes]]:
    """(log, envelope, part, at, parcel, statement) of all that was removed."""
    query = select(col(GoneRow.log_id), col(GoneRow.entry_id), col(GoneRow.part), col(GoneRow.at), col(GoneRow.parcel_id), col(GoneRow.by_id))
    return [(row.log_id, row.entry_id, row.part, row.at, row.parcel_id, row.by_id) for row in tx.execute(query)]


def has_gone(tx: Connection, log: bytes, envelope: bytes, part: int) -> bool:
    """True when the database knows that this was removed."""
    one = (col(GoneRow.log_id) == log, col(GoneRow.entry_id) == envelope, col(GoneRow.part) == part)
    return bool(tx.execute(select(func.count()).select_from(GoneRow).where(*one)).scalar())


def removes(tx: Connection, log: bytes, statement: bytes) -> bool:
    """True when this statement removed something of a log."""
    query = select(func.count()).select_from(GoneRow).where(col(GoneRow.log_id) == log, col(GoneRow.by_id) == statement)
    return bool(tx.execute(query).scalar())


def purges_after(tx: Connection, log: bytes, after: int, most: int) -> list[tuple[int, int, bytes]]:
    """(n, ms, COSE) of what devices said that they have purged, after number `after`."""
    query = select(col(PurgeRow.n), col(PurgeRow.ms), col(PurgeRow.cose)).where(col(PurgeRow.log_id) == log, col(PurgeRow.n) > after)
    return [(row.n, row.ms, row.cose) for row in tx.execute(query.order_by(col(PurgeRow.n)).limit(most))]


def has_purged(tx: Connection, log: bytes, statement: bytes, device: bytes) -> bool:
    """True when a device has said so before."""
    query = select(col(PurgeRow.n)).where(col(PurgeRow.log_id) == log, col(PurgeRow.by_id) == statement, col(PurgeRow.device_id) == device)
    return tx.execute(query).first() is not None


def next_purge(tx: Connection, log: bytes) -> int:
    """The number of the next such word in a log, from 1."""
    return int(tx.execute(select(func.coalesce(func.max(col(PurgeRow.n)), 0) + 1).where(col(PurgeRow.log_id) == log)).scalar() or 1)


def set_parts(tx: Connection, log: bytes, seq: int, parts: bytes) -> None:
    """The parts of an entry, of which one has gone."""
    tx.execute(update(EntryRow).where(col(EntryRow.log_id) == log, col(EntryRow.seq) == seq).values(parts=parts))


def set_held_parts(tx: Connection, log: bytes, entry_id: bytes, parts: bytes) -> None:
    """The same of what is or was held."""
    tx.execute(update(HeldRow).where(col(HeldRow.log_id) == log, col(HeldRow.entry_id) == entry_id).values(parts=parts))


def erase_log(tx: Connection, log: bytes, statement: bytes) -> None:
    """Leave of a log but place, time, id, chain and leaf of each entry, and the statement that erases it; and who was a member."""
    of_log = col(EntryRow.log_id) == log
    at = tx.execute(select(col(EntryRow.seq)).where(of_log, col(EntryRow.entry_id) == statement)).scalar()
    blank = {"author": b"", "sq": EntryRow.__table__.c.seq, "statement": 0, "cose": b"", "parts": b""}  # type: ignore[attr-defined]
    tx.execute(update(EntryRow).where(of_log, col(EntryRow.entry_id) != statement).values(**blank))
    tx.execute(delete(AuthorHeadRow).where(col(AuthorHeadRow.log_id) == log, col(AuthorHeadRow.entry_id) != statement))
    tx.execute(delete(ReceiptRow).where(col(ReceiptRow.log_id) == log, col(ReceiptRow.last_seq) < (at or 2**53)))
    tx.execute(delete(VerdictRow).where(col(VerdictRow.log_id) == log))
    tx.execute(delete(HeldRow).where(col(HeldRow.log_id) == log))
