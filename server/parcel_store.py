"""All SQL about parcels, in the manner of server/store.py: functions on a Connection that never commit (docs/spec.md §15)."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert  # compiles for SQLite too
from sqlmodel import col

from server.store import Row, write
from server.tables import AddressRow, GateRow, IntakeKeyRow, ParcelOutRow, ParcelRow


class Sent(NamedTuple):
    """What this side took from a device before: H(sealed), and the pass."""

    hash: bytes
    passed: bytes


class Waiting(NamedTuple):
    """A parcel that the other side does not have yet."""

    address: bytes
    parcel_id: bytes
    passed: bytes
    parcel: bytes


class CameRow(NamedTuple):
    """A parcel that came to a file, as it is shown."""

    n: int
    received_ms: int
    passed: bytes
    parcel: bytes


@dataclass(slots=True)
class ParcelBatch:
    """Rows about parcels that one transaction will write."""

    addresses: list[Row] = field(default_factory=list)
    gates: list[Row] = field(default_factory=list)
    keys: list[Row] = field(default_factory=list)
    sent: list[Row] = field(default_factory=list)
    carried: list[Row] = field(default_factory=list)
    came: list[Row] = field(default_factory=list)
    shown: list[Row] = field(default_factory=list)
    spent: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)  # what was made of them is expunged
    ended: list[Row] = field(default_factory=list)  # files that are erased, and in which week


_ADDRESS: Final = upsert(AddressRow).on_conflict_do_nothing()
_GATE: Final = insert(GateRow)
_key = upsert(IntakeKeyRow)
_KEY: Final = _key.on_conflict_do_update(index_elements=["log_id", "week"], set_={"object": _key.excluded.object})
_SENT: Final = insert(ParcelOutRow)
_CAME: Final = insert(ParcelRow)
_CARRIED: Final = (
    update(ParcelOutRow)
    .where(col(ParcelOutRow.address) == bindparam("to"), col(ParcelOutRow.parcel_id) == bindparam("id"))
    .values(waits=bindparam("off"), parcel=bindparam("nothing"))
)
_OF_FILE: Final = col(ParcelRow.log_id) == bindparam("log")
_SHOWN: Final = (
    update(ParcelRow)
    .where(_OF_FILE, col(ParcelRow.n) > bindparam("after"), col(ParcelRow.n) <= bindparam("upto"), col(ParcelRow.shown_ms).is_(None))
    .values(shown_ms=bindparam("ms"))
)
_SPENT: Final = (
    update(ParcelRow)
    .where(
        _OF_FILE,
        col(ParcelRow.received_ms) < bindparam("before"),
        col(ParcelRow.shown_ms).is_not(None),
        col(ParcelRow.parcel) != bindparam("nothing"),
    )
    .values(parcel=bindparam("nothing"), passed=bindparam("nothing"))
)
_EMPTY: Final = {"parcel": b"", "passed": b""}
_FIND_SENT: Final = select(col(ParcelOutRow.hash), col(ParcelOutRow.passed)).where(
    col(ParcelOutRow.address) == bindparam("to"), col(ParcelOutRow.parcel_id) == bindparam("id")
)
_FIND_CAME: Final = select(col(ParcelRow.n)).where(_OF_FILE, col(ParcelRow.parcel_id) == bindparam("id"))
_AFTER: Final = (
    select(col(ParcelRow.n), col(ParcelRow.received_ms), col(ParcelRow.passed), col(ParcelRow.parcel))
    .where(_OF_FILE, col(ParcelRow.n) > bindparam("after"), col(ParcelRow.parcel) != b"")
    .order_by(col(ParcelRow.n))
)
_WAITING: Final = (
    select(col(ParcelOutRow.address), col(ParcelOutRow.parcel_id), col(ParcelOutRow.passed), col(ParcelOutRow.parcel))
    .where(col(ParcelOutRow.waits) == 1)
    .order_by(col(ParcelOutRow.taken_ms))
)
_OBJECT: Final = select(col(IntakeKeyRow.object)).where(col(IntakeKeyRow.log_id) == bindparam("log"), col(IntakeKeyRow.week) == bindparam("week"))


def flush(tx: Connection, batch: ParcelBatch) -> None:
    """Write all rows of `batch`."""
    write(tx, _ADDRESS, batch.addresses)
    write(tx, _GATE, batch.gates)
    write(tx, _KEY, batch.keys)
    write(tx, _SENT, batch.sent)
    write(tx, _CARRIED, [{**row, "off": 0, "nothing": b""} for row in batch.carried])
    write(tx, _CAME, batch.came)
    write(tx, _SHOWN, batch.shown)
    write(tx, _SPENT, [{**row, "nothing": b""} for row in batch.spent])
    for row in batch.dropped:
        drop(tx, row["log"], row["id"])
    for row in batch.ended:
        end(tx, row["log"], row["week"])


def drop(tx: Connection, log: bytes, parcel_id: bytes) -> bool:
    """Let the bytes of one parcel go; its id stays. True when they were there."""
    this = (col(ParcelRow.log_id) == log, col(ParcelRow.parcel_id) == parcel_id, col(ParcelRow.parcel) != b"")
    return bool(tx.execute(update(ParcelRow).where(*this).values(**_EMPTY)).rowcount)


def end(tx: Connection, log: bytes, week: int) -> None:
    """The same of all parcels of a file, which is erased; its keys of weeks to come go too. This week's stays: senders see nothing before the next."""
    tx.execute(update(ParcelRow).where(col(ParcelRow.log_id) == log).values(**_EMPTY))
    tx.execute(delete(IntakeKeyRow).where(col(IntakeKeyRow.log_id) == log, col(IntakeKeyRow.week) > week))


def addresses(tx: Connection) -> dict[bytes, bytes]:
    """Address -> log of every file that can receive parcels."""
    return {row.address: row.log_id for row in tx.execute(select(col(AddressRow.address), col(AddressRow.log_id)))}


def gates(tx: Connection) -> list[bytes]:
    """Every gate of this side, as COSE bytes."""
    return list(tx.execute(select(col(GateRow.object)).order_by(col(GateRow.first))).scalars())


def newest(tx: Connection) -> dict[bytes, int]:
    """The number of the newest parcel of each file that has had one."""
    query = select(col(ParcelRow.log_id), func.max(col(ParcelRow.n))).group_by(col(ParcelRow.log_id))
    return {log: int(n) for log, n in tx.execute(query)}


def intake_key(tx: Connection, log: bytes, week: int) -> bytes | None:
    """The intake key object of a file for a week."""
    return tx.execute(_OBJECT, {"log": log, "week": week}).scalar()


def sent(tx: Connection, address: bytes, parcel_id: bytes) -> Sent | None:
    """What was taken under this id before."""
    row = tx.execute(_FIND_SENT, {"to": address, "id": parcel_id}).first()
    return None if row is None else Sent(*row)


def has_come(tx: Connection, log: bytes, parcel_id: bytes) -> bool:
    """True when a file has had a parcel of this id."""
    return tx.execute(_FIND_CAME, {"log": log, "id": parcel_id}).first() is not None


def came_after(tx: Connection, log: bytes, after: int, most: int) -> list[CameRow]:
    """Parcels of a file after number `after` that are still there, at most `most`."""
    return [CameRow(*row) for row in tx.execute(_AFTER.limit(most), {"log": log, "after": after})]


def waiting(tx: Connection, most: int) -> list[Waiting]:
    """Parcels that the other side does not have yet, oldest first."""
    return [Waiting(*row) for row in tx.execute(_WAITING.limit(most))]
