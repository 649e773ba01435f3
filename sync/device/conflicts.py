"""Fields that two people changed while apart, and the decision that settles them (docs/spec.md §5.5)."""

from dataclasses import dataclass
from typing import Any

from shared_schema.errors import Refused
from sync.change import CellKey, FieldKey, Op, OpId
from sync.device.session import Session
from sync.fold import Live, Record, conflicts, distinct


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field in conflict: every live op, oldest place first."""

    log: bytes
    record: bytes
    type: str
    field: FieldKey
    siblings: tuple[Live, ...]

    @property
    def since_ms(self) -> int:
        """Claimed time of the newest of the values that clash."""
        return max(op.at for op in self.siblings)


def list_conflicts(session: Session, log: bytes | None = None) -> list[Conflict]:
    """All fields in conflict, of one file or of all."""
    found = []
    for one in [log] if log else session.file_logs():
        for record_id in session.store.shared_records(one):
            record = session.record(one, record_id)
            found += [_conflict(one, record, key) for key in conflicts(record, session.types)]
    return found


def _conflict(log: bytes, record: Record, key: FieldKey) -> Conflict:
    siblings = tuple(sorted(record.registers[key].live.values(), key=lambda op: (op.seq, op.id)))
    return Conflict(log, record.id, record.type, key, siblings)


def count_conflicts(session: Session) -> int:
    """How many fields are in conflict on this device."""
    return len(list_conflicts(session))


def resolve(session: Session, log: bytes, record_id: bytes, key: FieldKey, value: Any, reason: str) -> bytes:
    """Settle a conflict: a signed decision that names every value it settles. Raises Refused when there is none."""
    record = session.record(log, record_id)
    if key not in conflicts(record, session.types):
        raise Refused("not-found", "this field is not in conflict")
    if not reason.strip():
        raise Refused("bad-value", "a decision needs a reason")
    named: tuple[OpId, ...] = tuple(record.registers[key].live)
    return session.write(log, record_id, record.type, [Op(key, "resolve", [value, reason.strip()], named)])


def choices(conflict: Conflict) -> list[Any]:
    """The different values to choose from."""
    return distinct(conflict.siblings)


def field_name(key: FieldKey) -> str:
    """How a field is named on the command line; a cell as list.row.cell."""
    return f"{key.list}.{key.row.device.hex()[:8]}:{key.row.c}:{key.row.i}.{key.cell}" if isinstance(key, CellKey) else key
