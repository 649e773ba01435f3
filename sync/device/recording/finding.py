"""Finding records and files by the beginning of their ids, what people call them, and what happened to them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from shared_schema import ids
from shared_schema.errors import Refused
from sync.change import FieldKey
from sync.device.session import Session
from sync.fold import PENDING, Record, Shown, show

T = TypeVar("T")
_SOME: Final = 8  # how many candidates are listed


@dataclass(frozen=True, slots=True)
class Line:
    """One op in a record's history."""

    seq: int | None
    received_ms: int | None
    claimed_ms: int
    unsure: bool
    user: bytes
    device: bytes
    c: int
    field: FieldKey
    action: str
    value: Any


def history(session: Session, log: bytes, record_id: bytes) -> list[Line]:
    """Every edit of a record, in log order, unsent ones last."""
    lines = []
    for row in session.store.changes_of(log, record_id):
        at = session.occurrence(row)
        change = at.change
        for op in change.ops:
            seq = None if at.seq == PENDING else at.seq
            lines.append(Line(seq, row.received_ms, change.at, change.unsure, at.user, at.device, row.c, op.field, op.action, op.value))
    return lines


def find_record(session: Session, prefix: str, log: bytes | None = None) -> tuple[bytes, bytes]:
    """(log, record) of the one record whose id begins with `prefix`, unsent and incomplete ones too. Raises Refused `not-found`.

    FILE:RECORD looks in one file only: others may write the id of a record there into changes of another file.
    """
    file, colon, rest = prefix.partition(":")
    if colon:
        return find_record(session, rest, find_file(session, file))
    logs = [log] if log else session.file_logs()
    begun = {record: one for one in logs for record, _ in session.store.records(one)}
    known = [(record, (one, record)) for one in logs for record in session.store.record_ids(one)]
    known = [pair for pair in known if begun.get(pair[0], pair[1][0]) == pair[1][0]]  # a change may name a record of another file
    return only(known, prefix, "record", lambda pair: f"{session.record(*pair).type or 'unknown'}, file {pair[0].hex()[:8]}")


def only(known: Iterable[tuple[bytes, T]], prefix: str, noun: str, describe: Callable[[T], str]) -> T:
    """What belongs to the one id that begins with `prefix`. Raises Refused `not-found` for none, or for several with their ids."""
    wanted = prefix.replace("-", "").lower()
    found = [(one, held) for one, held in known if wanted and one.hex().startswith(wanted)]
    if not found:
        raise Refused("not-found", f"no {noun} on this device has that id")
    if len(found) > 1:
        some = ", ".join(f"{ids.show(one)} ({describe(held)})" for one, held in found[:_SOME])
        more = "give more of the id" if len({one for one, _ in found}) > 1 else "name one as FILE:RECORD"
        raise Refused("not-found", f"{len(found)} {noun}s begin like that, {more}: {some}{' …' if len(found) > _SOME else ''}")
    return found[0][1]


def find_file(session: Session, prefix: str) -> bytes:
    """The one file whose id begins with `prefix`. Raises Refused `not-found`."""
    return only(((log, log) for log in session.file_logs()), prefix, "file", lambda log: _kind(session, log))


def label(session: Session, log: bytes) -> str:
    """What people call a file: its kind, the beginning of its id, and who it is about."""
    who = about(session, log)
    return f"{_kind(session, log)} file {log.hex()[:8]}" + (f" ({who})" if who else "")


def about(session: Session, log: bytes) -> str:
    """Who a file is about, as its first `person` record calls them; empty where none does."""
    return next((called(session, log, record) for record, _ in session.store.records(log, "person")), "")


def _kind(session: Session, log: bytes) -> str:
    state = session.file(log)
    return state.file if state else "unknown"


def called(session: Session, log: bytes, record_id: bytes) -> str:
    """What the files call a person; empty where nobody has said."""
    values = show(session.record(log, record_id), session.types)
    known_as, names = (values[name].value if name in values else None for name in ("known_as", "names"))
    first = names[0].get("name") if isinstance(names, list) and names and isinstance(names[0], dict) else None
    return next((text for text in (known_as, first) if isinstance(text, str)), "")


def shown(session: Session, log: bytes, record_id: bytes) -> tuple[Record, dict[str, Shown]]:
    """A record and its effective values."""
    record = session.record(log, record_id)
    return record, show(record, session.types)
