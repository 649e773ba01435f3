"""Who read what: a look is remembered where a person reads, and becomes a record of the file with what else is sent (docs/spec.md §16.1).

Nothing here keeps anybody from reading: on a full disk a look is not remembered, and what was asked for is shown.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from shared_schema import ids, limits
from shared_schema.errors import Malformed, Refused
from shared_schema.roles import is_lead
from sync.change import decode_change
from sync.device.recording import records
from sync.device.session import Session
from sync.device.storage.database import SqlError
from sync.device.storage.tables import READ, Look

OPENED: Final = "opened"
EXPORTED: Final = "exported"
_ROWS: Final = 200  # of one record: it has to fit in an entry with room to spare


class Read(NamedTuple):
    """One row of a record of what was read. `seq` and `received_ms` are None while it is on this device only; `cells` is the row itself."""

    seq: int | None
    received_ms: int | None
    user: bytes
    device: bytes
    late: bool
    cells: dict[str, Any]


def looked(session: Session, log: bytes, record: bytes = b"", kind: str = "") -> None:
    """A person is about to be shown a record, or all records of a type."""
    looked_at(session, log, [(record, kind)])


def looked_at(session: Session, log: bytes, shown: Iterable[tuple[bytes, str]]) -> None:
    """The same of several: (record, "") or (b"", type) each."""
    if session.file(log) is None:
        return
    at, upto = session.now_ms() + session.clock_offset(), session.reader(log).log.head.seq
    with suppress(SqlError), session.store.transaction():
        for record, kind in shown:
            session.store.put_look(Look(log, OPENED, record, kind, at, at, 1, upto))


def put_due(session: Session, *, everything: bool = False) -> None:
    """Write what was read into its files where something else goes out too, or the first look is an hour old; `everything`: in all files.

    Each file by itself: what is read in one shows in no other. While one such record is on its way, more is remembered, and not written.
    """
    sending = set(session.store.logs_with_unsealed())
    now = session.now_ms() + session.clock_offset()
    waiting: dict[bytes, list[Look]] = {}
    for one in session.store.looks():
        waiting.setdefault(one.log, []).append(one)
    for log, looks in waiting.items():
        due = log in sending or not 0 <= now - min(one.at_ms for one in looks) < limits.LOOKS_MS
        if everything or (due and not session.stopped(log) and not session.store.read_waits(log)):
            _put(session, log, looks)


def _put(session: Session, log: bytes, looks: list[Look]) -> None:
    """What cannot be written, because this person is no member any more, say, stays as it is: it holds up nothing."""
    with suppress(Refused), session.store.transaction():
        for start in range(0, len(looks), _ROWS):
            records.add(session, log, READ, {"looks": [_row(one) for one in looks[start : start + _ROWS]]})
        session.store.drop_looks(log)


def _row(one: Look) -> dict[str, Any]:
    row: dict[str, Any] = {"how": one.how, "at": minute(one.at_ms), "until": minute(one.until_ms), "times": one.times}
    row |= {"record": ids.show(one.record)} if one.record else {}
    row |= {"kind": one.kind} if one.kind else {}
    return row | ({"upto": one.upto} if one.upto else {})


def minute(ms: int) -> dict[str, str]:
    """A time to the minute, as records have it; UTC."""
    return {"at": datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M"), "precision": "minute"}


def may_see(session: Session, log: bytes) -> bool:
    """True for whoever leads a file, and for records officers: to others our apps do not show who read what, though they have the key."""
    state = session.require_file(log)
    role = state.members.get(session.identity.user, "")
    return is_lead(state.file, state.side, role) or role == "records_officer"


def reads(session: Session, log: bytes) -> Iterator[Read]:
    """What people say they have read in a file, in log order, unsent last; and what waits here to be written."""
    for row in session.store.read_changes(log):
        for op in decode_change(row.body).ops:
            if op.field == "looks" and op.action == "add" and isinstance(op.value, dict) and row.expunged is None:
                yield Read(row.seq, row.received_ms, row.user, row.device, bool(row.late), op.value)
    for one in session.store.looks(log):
        yield Read(None, None, session.identity.user, session.identity.device, False, _row(one))


def about(session: Session, log: bytes, cells: dict[str, Any], record: bytes) -> bool:
    """True when a row says that this record was read, by itself or among all of its type that were there."""
    named = cells.get("record")
    if isinstance(named, str):
        try:
            return ids.parse(named) == record
        except Malformed:
            return False
    rows = session.store.changes_of(log, record)
    began = rows[0].seq if rows else None
    upto = cells.get("upto")
    there = began is not None and isinstance(upto, int) and began <= upto
    if cells.get("how") == EXPORTED:
        return there
    return there and cells.get("kind") == session.record(log, record).type
