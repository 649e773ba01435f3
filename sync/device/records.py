"""Adding, editing, signing, deleting and showing records (docs/spec.md §5). Values are checked here, before anything is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import Field, RecordType
from sync.change import DELETED, SIGNED, CellKey, FieldKey, Op, OpId
from sync.device.session import Session
from sync.device.values import check_cell, check_row, check_value, missing_for_signing
from sync.fold import FREEZING, FREEZING_WEIGHTS, PENDING, Live, Record, Shown, conflicts, in_conflict, show


def record_type(session: Session, log: bytes, name: str) -> RecordType:
    """The type, if it may stand in this file. Raises Refused."""
    found = session.types.get(name)
    if found is None:
        raise Refused("bad-value", f"no record type of that name; known: {', '.join(sorted(session.types))}")
    state = session.require_file(log)
    if state.side not in found.files.get(state.file, ()):
        raise Refused("bad-value", f"a {name} has no place in a {state.file} file of the {state.side} side")
    return found


def _field(session: Session, log: bytes, type_: RecordType, name: str) -> Field:
    state = session.require_file(log)
    found = type_.fields.get(name)
    if found is None or not found.stands_in(state.file, state.side):
        known = sorted(field for field, spec in type_.fields.items() if spec.stands_in(state.file, state.side))
        raise Refused("bad-value", f"{type_.name} has no field {name!r} here; known: {', '.join(known)}")
    return found


def add(session: Session, log: bytes, type_name: str, values: Mapping[str, Any]) -> bytes:
    """Keep a new record; returns its id. A quick record is signed by saving. Saving is never refused for a missing field."""
    return session.write(log, None, type_name, new_ops(session, log, type_name, values))


def new_ops(session: Session, log: bytes, type_name: str, values: Mapping[str, Any]) -> list[Op]:
    """The ops that begin a record with `values`. Raises BadValue or Refused before anything is kept."""
    type_ = record_type(session, log, type_name)
    ops: list[Op] = []
    for name, value in values.items():
        ops += _begin(_field(session, log, type_, name), type_name, name, value)
    if not ops:
        raise Refused("bad-value", f"a new {type_name} needs at least one field")
    if type_.weight == "quick":
        ops += _signing(session, log, ops)
    return ops


def _begin(spec: Field, type_name: str, name: str, value: Any) -> list[Op]:
    check_value(type_name, name, value)
    if spec.merge in ("set", "append"):
        return [Op(name, "add", member, ()) for member in value]
    return [Op(name, "set", value, ())]


def _signing(session: Session, log: bytes, ops: list[Op]) -> list[Op]:
    """The two ops with which a change signs itself."""
    c = session.store.next_counter(log, session.identity.device)
    made = tuple(OpId(session.identity.device, c, i) for i in range(len(ops)))
    return [Op("state", "set", "signed", ()), Op(SIGNED, "sign", None, made)]


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit became: the record that was changed, and the note that another author's narrative became, if any."""

    record: bytes
    own_note: bytes | None = None


def edit(session: Session, log: bytes, record_id: bytes, values: Mapping[str, Any]) -> Edited:
    """Change fields of a record. Raises Refused: in-conflict, frozen, bad-value.

    A narrative that somebody else wrote is never touched: the words become a note of one's own on the same contact.
    """
    record = session.record(log, record_id)
    type_ = record_type(session, log, record.type)
    ops: list[Op] = []
    own_note: bytes | None = None
    foreign = {name: value for name, value in values.items() if _is_foreign_text(session, record, type_, name)}
    for name, value in values.items():
        if name not in foreign:
            ops += _change(record, _field(session, log, type_, name), name, value)
    if foreign:
        own_note = _own_note(session, log, record, type_, foreign)
    if ops:
        session.write(log, record_id, record.type, ops)
    return Edited(record_id, own_note)


def _is_foreign_text(session: Session, record: Record, type_: RecordType, name: str) -> bool:
    spec = type_.fields.get(name)
    return spec is not None and spec.merge == "text" and record.creator_user != session.identity.user


def _own_note(session: Session, log: bytes, record: Record, type_: RecordType, foreign: Mapping[str, Any]) -> bytes:
    if type_.name != "case_note" or set(foreign) != {"body"}:
        raise Refused("not-permitted", "somebody else wrote this narrative: add an addendum, or a record of your own")
    values = {"body": foreign["body"]}
    contact = show(record, session.types).get("contact")
    if contact is not None and contact.value is not None:
        values["contact"] = contact.value
    return add(session, log, "case_note", values)


def _change(record: Record, spec: Field, name: str, value: Any) -> list[Op]:
    register = record.registers.get(name)
    live = tuple(register.live) if register else ()
    if is_frozen(record, spec, name):
        raise Refused("frozen", f"{name} was signed: add an addendum, or a new record that corrects this one")
    if spec.merge == "append":
        return _begin(spec, record.type, name, value)
    check_value(record.type, name, value)
    if spec.merge == "set":
        return _change_set(register.live if register else {}, name, value)
    if register is not None and in_conflict(register) and spec.merge in ("ask", "text", "worst"):
        raise Refused("in-conflict", f"{name} is in conflict: settle it with `conflicts resolve`")
    return [Op(name, "set", value, live)]


def _change_set(live: Mapping[OpId, Live], name: str, wanted: list[Any]) -> list[Op]:
    """Adds what is new and removes what is gone; an unchanged member keeps the op that added it."""
    held = [op.value for op in live.values()]
    ops = [Op(name, "add", member, ()) for member in wanted if member not in held]
    gone = {repr(value): value for value in held if value not in wanted}.values()
    return ops + [Op(name, "remove", None, tuple(op_id for op_id, op in live.items() if op.value == value)) for value in gone]


def is_frozen(record: Record, spec: Field, name: str) -> bool:
    """True when the record was signed and this field froze with it."""
    return bool(record.signatures) and spec.merge in FREEZING and name != "state"


def edit_cell(session: Session, log: bytes, record_id: bytes, key: CellKey, value: Any) -> None:
    """Change one cell of a row, where the schema lets it change. Raises Refused or BadValue."""
    record = session.record(log, record_id)
    type_ = record_type(session, log, record.type)
    cell = _field(session, log, type_, key.list).cells.get(key.cell)
    if cell is None or cell.merge == "once":
        raise Refused("bad-value", f"{key.list} has no cell {key.cell!r} that may change: add a row instead")
    check_cell(record.type, key.list, key.cell, value)
    register = record.registers.get(key)
    if register is not None and in_conflict(register) and cell.merge in ("ask", "worst"):
        raise Refused("in-conflict", f"{key.list} is in conflict in that row: settle it with `conflicts resolve`")
    live: tuple[OpId, ...] = tuple(register.live) if register and register.live else (key.row,)
    session.write(log, record_id, record.type, [Op(key, "set", value, live)])


def missing_to_sign(session: Session, log: bytes, record_id: bytes) -> list[str]:
    """Labels of the fields that are still needed to sign a record."""
    record = session.record(log, record_id)
    state = session.require_file(log)
    values = {name: shown.value for name, shown in show(record, session.types).items() if shown.value not in (None, [])}
    return missing_for_signing(record.type, values, file_kind=state.file) if record.type in session.types else []


def sign(session: Session, log: bytes, record_id: bytes) -> None:
    """Sign a record as it stands: freezes evidence, agrees to a living record. Raises Refused with what is still needed."""
    record = session.record(log, record_id)
    type_ = record_type(session, log, record.type)
    if type_.weight in FREEZING_WEIGHTS and record.signatures:
        raise Refused("frozen", "this record is signed already")
    if type_.weight in FREEZING_WEIGHTS and record.creator_user != session.identity.user:
        raise Refused("not-permitted", "only its author signs a record")
    contested = [key for key in conflicts(record, session.types) if isinstance(key, str)]
    if contested:
        raise Refused("in-conflict", f"settle first: {', '.join(contested)}")
    missing = missing_to_sign(session, log, record_id)
    if missing:
        raise Refused("bad-value", f"still needed to sign: {'; '.join(missing)}")
    signed = tuple(op for register in record.registers.values() for op in register.live)
    state = record.registers.get("state")
    ops = [Op("state", "set", "signed", tuple(state.live) if state else ()), Op(SIGNED, "sign", None, signed)]
    session.write(log, record_id, record.type, ops)


def addend(session: Session, log: bytes, record_id: bytes, text: str, reason: str) -> None:
    """Add to a signed record what came later. The signed words stay."""
    record = session.record(log, record_id)
    row = {"text": text, "reason": reason}
    check_row(record.type, "addenda", row)
    session.write(log, record_id, record.type, [Op("addenda", "add", row, ())])


def delete(session: Session, log: bytes, record_id: bytes) -> None:
    """Hide a record, where its type may be deleted. Any later edit brings it back."""
    record = session.record(log, record_id)
    if not record_type(session, log, record.type).deletable:
        raise Refused("not-permitted", f"a {record.type} cannot be deleted: correct it with a new record")
    session.write(log, record_id, record.type, [Op(DELETED, "delete", True, ())])


@dataclass(frozen=True, slots=True)
class Line:
    """One op in a record's history."""

    seq: int | None
    received_ms: int | None
    claimed_ms: int
    unsure: bool
    user: bytes
    device: bytes
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
            lines.append(Line(seq, row.received_ms, change.at, change.unsure, at.user, at.device, op.field, op.action, op.value))
    return lines


def find_record(session: Session, prefix: str, log: bytes | None = None) -> tuple[bytes, bytes]:
    """(log, record) of the one record whose id begins with `prefix`. Raises Refused `not-found` for none or several."""
    return _only([(one, record) for one in ([log] if log else session.file_logs()) for record, _ in session.store.records(one)], prefix)


def _only(pairs: list[tuple[bytes, bytes]], prefix: str) -> tuple[bytes, bytes]:
    wanted = prefix.replace("-", "").lower()
    found = [pair for pair in pairs if wanted and pair[1].hex().startswith(wanted)]
    if len(found) != 1:
        raise Refused("not-found", "no record has that id" if not found else f"{len(found)} records begin like that: give more of the id")
    return found[0]


def find_file(session: Session, prefix: str) -> bytes:
    """The one file whose id begins with `prefix`. Raises Refused `not-found`."""
    return _only([(log, log) for log in session.file_logs()], prefix)[0]


def shown(session: Session, log: bytes, record_id: bytes) -> tuple[Record, dict[str, Shown]]:
    """A record and its effective values."""
    record = session.record(log, record_id)
    return record, show(record, session.types)


def show_id(value: bytes) -> str:
    """How an id is shown."""
    return ids.show(value)
