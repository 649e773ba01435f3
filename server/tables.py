"""The tables of one side's realm (docs/spec.md §11). Each side has a database of its own; no row knows of another side.

Every hot table's key begins with `log_id`. Entries are never updated, but for what is expunged or erased. Changing a table means a migration in server/migrations.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary
from sqlmodel import Field, SQLModel


def _blob(*, key: bool = False) -> Any:
    return Field(sa_column=Column(LargeBinary, primary_key=key, nullable=False))


def _big(*, key: bool = False, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BigInteger, primary_key=key, nullable=null, autoincrement=False))


class Meta(SQLModel, table=True):
    """Facts of the realm: svc, pinned, and marked, where there ever were marks outside the database (server/marks.py)."""

    key: str = Field(primary_key=True)
    value: bytes = _blob()


class LogHeadRow(SQLModel, table=True):
    """Where a log stands. `kind` is `registry` or a file kind."""

    __tablename__ = "log_head"
    log_id: bytes = _blob(key=True)
    kind: str
    seq: int = _big()
    chain: bytes = _blob()
    received_ms: int = _big()


class EntryRow(SQLModel, table=True):
    """One entry at its place. `parts` is the CBOR list of its parts; `leaf` the index of its audit event."""

    __tablename__ = "entry"
    __table_args__ = (
        Index("entry_by_author", "log_id", "author", "sq", unique=True),
        Index("entry_statements", "log_id", "seq", sqlite_where=Column("statement") == 1, postgresql_where=Column("statement") == 1),
    )
    log_id: bytes = _blob(key=True)
    seq: int = _big(key=True)
    entry_id: bytes = _blob()
    author: bytes = _blob()
    sq: int = _big()
    statement: int = Field(sa_column=Column(Integer, nullable=False))
    received_ms: int = _big()
    chain: bytes = _blob()
    leaf: int = _big()
    cose: bytes = _blob()
    parts: bytes = _blob()


class AuthorHeadRow(SQLModel, table=True):
    """An author's last entry in a log."""

    __tablename__ = "author_head"
    log_id: bytes = _blob(key=True)
    device_id: bytes = _blob(key=True)
    sq: int = _big()
    entry_id: bytes = _blob()


class ReceiptRow(SQLModel, table=True):
    """The receipt that was sent for entries `first_seq` to `last_seq` of a log."""

    __tablename__ = "receipt"
    log_id: bytes = _blob(key=True)
    last_seq: int = _big(key=True)
    first_seq: int = _big()
    receipt: bytes = _blob()


class VerdictRow(SQLModel, table=True):
    """A signed final refusal, remembered by entry id."""

    __tablename__ = "verdict"
    log_id: bytes = _blob(key=True)
    entry_id: bytes = _blob(key=True)
    verdict: bytes = _blob()


class HeldRow(SQLModel, table=True):
    """Rightly signed work of a device that had lost its place, outside the log. `n` counts within the log; `outcome` is empty until
    somebody with the right admits or refuses it.
    """

    __tablename__ = "held"
    __table_args__ = (Index("held_by_id", "log_id", "entry_id", unique=True),)
    log_id: bytes = _blob(key=True)
    n: int = _big(key=True)
    entry_id: bytes = _blob()
    author: bytes = _blob()
    held_ms: int = _big()
    outcome: str
    cose: bytes = _blob()
    parts: bytes = _blob()


class GoneRow(SQLModel, table=True):
    """What two people removed: part `part` of envelope `entry_id`, whose place is `at` (0 for what was held), or with an empty `entry_id` and part -1
    the whole file. `parcel_id` is the parcel that went with a part, or empty; `by_id` is the statement. The same is listed outside the database
    (server/gone.py).
    """

    __tablename__ = "gone"
    log_id: bytes = _blob(key=True)
    entry_id: bytes = _blob(key=True)
    part: int = _big(key=True)
    at: int = _big()
    parcel_id: bytes = _blob()
    by_id: bytes = _blob()


class PurgeRow(SQLModel, table=True):
    """A device's signed word that it has purged what statement `by_id` removed. `n` counts within the log."""

    __tablename__ = "purge"
    __table_args__ = (Index("purge_of_statement", "log_id", "by_id", "device_id", unique=True),)
    log_id: bytes = _blob(key=True)
    n: int = _big(key=True)
    by_id: bytes = _blob()
    device_id: bytes = _blob()
    ms: int = _big()
    cose: bytes = _blob()


class ChunkRow(SQLModel, table=True):
    """A sealed chunk of an attachment. Its bytes are outside this database (server/bodies.py), at `place`; `kept_ms` is when it was last brought, or claimed."""

    __tablename__ = "chunk"
    log_id: bytes = _blob(key=True)
    chunk_id: bytes = _blob(key=True)
    size: int = _big()
    kept_ms: int = _big()
    place: str


class ClaimRow(SQLModel, table=True):
    """That the part with the hash `part` names a chunk. `state` is WAITS until such a part is in the log or held, then STANDS, and GONE when it was removed."""

    __tablename__ = "claim"
    __table_args__ = (Index("claim_of_chunk", "log_id", "chunk_id"),)
    log_id: bytes = _blob(key=True)
    part: bytes = _blob(key=True)
    chunk_id: bytes = _blob(key=True)
    state: int = Field(sa_column=Column(Integer, nullable=False))
    claimed_ms: int = _big()


class GoingRow(SQLModel, table=True):
    """Bytes of a chunk that nothing names any more: they are overwritten at `after_ms`, at 0 at once."""

    __tablename__ = "going"
    place: str = Field(primary_key=True)
    after_ms: int = _big()


class MemberRow(SQLModel, table=True):
    """Who may read a log: from the place where they were added to the place that removed them."""

    __tablename__ = "member"
    __table_args__ = (Index("member_by_user", "user_id"),)
    log_id: bytes = _blob(key=True)
    user_id: bytes = _blob(key=True)
    from_seq: int = _big(key=True)
    to_seq: int | None = _big(null=True)
    role: str


class AddressRow(SQLModel, table=True):
    """A file that can receive parcels."""

    __tablename__ = "address"
    address: bytes = _blob(key=True)
    log_id: bytes = _blob()


class GateRow(SQLModel, table=True):
    """The authority's word for the address key of a desk, from the week `first` on."""

    __tablename__ = "gate"
    address: bytes = _blob(key=True)
    first: int = _big(key=True)
    object: bytes = _blob()


class IntakeKeyRow(SQLModel, table=True):
    """The intake key object of a file for one week."""

    __tablename__ = "intake_key"
    log_id: bytes = _blob(key=True)
    week: int = _big(key=True)
    object: bytes = _blob()


class ParcelOutRow(SQLModel, table=True):
    """A parcel that this side took from one of its devices. `waits` is 1 and `parcel` not empty until the other side has it."""

    __tablename__ = "parcel_out"
    __table_args__ = (Index("parcel_waits", "waits", "taken_ms"),)
    address: bytes = _blob(key=True)
    parcel_id: bytes = _blob(key=True)
    hash: bytes = _blob()
    taken_ms: int = _big()
    waits: int = Field(sa_column=Column(Integer, nullable=False))
    passed: bytes = _blob()
    parcel: bytes = _blob()


class ParcelRow(SQLModel, table=True):
    """A parcel that came to a file, numbered within it; `parcel` is empty once it need not stay. Its id stays for ever."""

    __tablename__ = "parcel"
    __table_args__ = (Index("parcel_by_id", "log_id", "parcel_id", unique=True),)
    log_id: bytes = _blob(key=True)
    n: int = _big(key=True)
    parcel_id: bytes = _blob()
    received_ms: int = _big()
    shown_ms: int | None = _big(null=True)
    passed: bytes = _blob()
    parcel: bytes = _blob()


class DeviceStatusRow(SQLModel, table=True):
    """What a device last said of itself, and when it last synced."""

    __tablename__ = "device_status"
    device_id: bytes = _blob(key=True)
    seen_ms: int = _big()
    status: bytes = _blob()


class AuditEventRow(SQLModel, table=True):
    """One audit event; `n` is its leaf's index, dense from 0."""

    __tablename__ = "audit_event"
    n: int = _big(key=True)
    event: bytes = _blob()


class PastEventRow(SQLModel, table=True):
    """An event of the audit tree of an earlier incarnation; `n` is its leaf's index there."""

    __tablename__ = "past_event"
    incarnation: bytes = _blob(key=True)
    n: int = _big(key=True)
    event: bytes = _blob()


class AuditTileRow(SQLModel, table=True):
    """C2SP tlog tile: up to 256 hashes of one level."""

    __tablename__ = "audit_tile"
    level: int = _big(key=True)
    n: int = _big(key=True)
    hashes: bytes = _blob()


class CheckpointRow(SQLModel, table=True):
    """The signed tree heads that were handed out."""

    __tablename__ = "checkpoint"
    size: int = _big(key=True)
    note: str


class ChangeRow(SQLModel, table=True):
    """What a transaction changed, for the other processes on this database (server/changes.py); `n` is dense from 1. Not written where there are none."""

    __tablename__ = "change"
    n: int = _big(key=True)
    said: bytes = _blob()


class NonceRow(SQLModel, table=True):
    """A nonce that was used, where several processes serve a side (server/nonces.py). On PostgreSQL the table is not logged: after a crash it is empty."""

    __tablename__ = "nonce"
    random: bytes = _blob(key=True)
    issued_ms: int = _big()


class BodyRow(SQLModel, table=True):
    """The bytes of a chunk, where the side's tables are in PostgreSQL and no object store was named (server/bodies.py)."""

    __tablename__ = "body"
    place: str = Field(primary_key=True)
    ms: int = _big()
    body: bytes = _blob()
