"""What waits for a person: fields that two people changed while apart, and proposals that an author has not read (docs/spec.md §5.3, §5.5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared_schema import cbor
from shared_schema.errors import Refused
from shared_schema.roles import is_lead
from sync.change import CellKey, FieldKey, Op, OpId
from sync.device.recording import records
from sync.device.session import Session
from sync.fold import Live, Record, conflicts, distinct, is_marker, unweighed


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that waits: in conflict, with every live op, or with what others proposed to its author; oldest place first."""

    log: bytes
    record: bytes
    type: str
    author: bytes
    field: FieldKey
    siblings: tuple[Live, ...]
    proposal: bool = False

    @property
    def since_ms(self) -> int:
        """Claimed time of the newest of the values."""
        return max(op.at for op in self.siblings)


def list_open(session: Session, log: bytes | None = None) -> list[Conflict]:
    """All fields in conflict and all unread proposals, of one file or of all."""
    found = []
    for one, record in _shared(session, log):
        found += [_conflict(one, record, key) for key in conflicts(record, session.types)]
        found += [_waiting(one, record, key, ops, proposal=True) for key, ops in unweighed(record, session.types).items()]
    return found


def list_conflicts(session: Session, log: bytes | None = None) -> list[Conflict]:
    """All fields in conflict, of one file or of all."""
    return [_conflict(one, record, key) for one, record in _shared(session, log) for key in conflicts(record, session.types)]


def _shared(session: Session, log: bytes | None) -> Iterator[tuple[bytes, Record]]:
    for one in [log] if log else session.file_logs():
        for record_id in session.store.shared_records(one):
            yield one, session.record(one, record_id)


def _conflict(log: bytes, record: Record, key: FieldKey) -> Conflict:
    return _waiting(log, record, key, list(record.registers[key].live.values()))


def _waiting(log: bytes, record: Record, key: FieldKey, ops: list[Live], *, proposal: bool = False) -> Conflict:
    siblings = tuple(sorted(ops, key=lambda op: (op.seq, op.id)))
    return Conflict(log, record.id, record.type, record.creator_user, key, siblings, proposal)


def last_count(session: Session) -> int:
    """How many fields were in conflict when they were counted last: nothing is folded, so it may be asked for on the way to sending."""
    known = (session.store.fact(f"conflicts:{log.hex()}") for log, *_ in session.store.logs())
    return sum(int(cbor.decode(counted)[-1]) for counted in known if counted is not None)


def count_conflicts(session: Session) -> int:
    """How many fields are in conflict on this device. A file is folded for this only when something in it has changed since the last time."""
    return sum(_count(session, log, seq) for log, seq, *_ in session.store.logs() if log != session.registry.log)


def _count(session: Session, log: bytes, seq: int) -> int:
    store, name = session.store, f"conflicts:{log.hex()}"
    state = [seq, store.highest(log, session.identity.device)]
    known = store.fact(name)
    if known is not None:
        *counted, number = cbor.decode(known)
        if counted == state:
            return int(number)
    number = len(list_conflicts(session, log))
    store.set_fact(name, cbor.encode([*state, number]))
    return number


def resolve(session: Session, log: bytes, record_id: bytes, key: FieldKey, value: Any, reason: str) -> bytes:
    """Settle a conflict: a signed decision that names every value it settles. Raises Refused when there is none."""
    record = session.record(log, record_id)
    if key not in conflicts(record, session.types):
        raise Refused("not-found", "this field is not in conflict")
    if not reason.strip():
        raise Refused("bad-value", "a decision needs a reason")
    _may_settle(session, log, record, key)
    named: tuple[OpId, ...] = tuple(record.registers[key].live)
    return records.write(session, log, record_id, record.type, [Op(key, "resolve", [value, reason.strip()], named)])


def _may_settle(session: Session, log: bytes, record: Record, key: FieldKey) -> None:
    """Raises Refused unless this person's role settles conflicts in the field, or leads such files (docs/spec.md §5.4)."""
    state = session.require_file(log)
    if not is_lead(state.file, state.side, state.members.get(session.identity.user, "")):
        name = key if isinstance(key, str) else key.list
        spec = session.types[record.type].fields[name]
        records.may_write(session, log, f"a decision on {record.type}.{name}", spec.owner or spec.write)


def choices(conflict: Conflict) -> list[Any]:
    """The different values to choose from: what was expunged is none."""
    return [value for value in distinct(conflict.siblings) if not is_marker(value)]


def field_name(key: FieldKey) -> str:
    """How a field is named on the command line; a cell as list.row.cell."""
    return f"{key.list}.{key.row.device.hex()[:8]}:{key.row.c}:{key.row.i}.{key.cell}" if isinstance(key, CellKey) else key
