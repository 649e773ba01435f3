"""Adding, editing, signing, deleting and showing records (docs/spec.md §5). Values are checked here, before anything is kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.records import Field, RecordType
from sync.change import DELETED, SIGNED, CellKey, FieldKey, Op, OpId
from sync.device.outbox import check_size
from sync.device.session import Session
from sync.device.values import check_cell, check_row, check_value, missing_for_signing
from sync.fold import CONTESTED, FREEZING, FREEZING_WEIGHTS, PENDING, Live, Record, Shown, conflicts, in_conflict, show, unweighed

T = TypeVar("T")
_SOME: Final = 8  # how many candidates are listed


def record_type(session: Session, log: bytes, name: str) -> RecordType:
    """The type, if it may stand in this file. Raises Refused."""
    found = session.types.get(name)
    if found is None:
        raise Refused("bad-value", f"no record type of that name; known: {', '.join(sorted(session.types))}")
    state = session.require_file(log)
    if state.side not in found.files.get(state.file, ()):
        raise Refused("bad-value", f"a {name} has no place in a {state.file} file of the {state.side} side")
    return found


def type_of(session: Session, log: bytes, record: Record) -> RecordType:
    """The type of a record that is to be changed. Raises Refused when it cannot be known here."""
    if record.type not in session.types:
        raise Refused(
            "not-found", "this record needs a newer app, or its first change has not come yet: it is kept as it is, and nothing was changed"
        )
    return record_type(session, log, record.type)


def write(session: Session, log: bytes, record: bytes | None, type_: str, ops: list[Op]) -> bytes:
    """Keep one change; returns the record's id. Raises TooLarge for one that could never be sent."""
    check_size(type_, ops)
    return session.write(log, record, type_, ops)


def _field(session: Session, log: bytes, type_: RecordType, name: str) -> Field:
    state = session.require_file(log)
    found = type_.fields.get(name)
    if found is None or not found.stands_in(state.file, state.side):
        known = sorted(field for field, spec in type_.fields.items() if spec.stands_in(state.file, state.side))
        raise Refused("bad-value", f"{type_.name} has no field {name!r} here; known: {', '.join(known)}")
    return found


def add(session: Session, log: bytes, type_name: str, values: Mapping[str, Any]) -> bytes:
    """Keep a new record; returns its id. A quick record is signed by saving. Saving is never refused for a missing field."""
    return write(session, log, None, type_name, new_ops(session, log, type_name, values))


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
    """What an edit became: the record that was changed, the note that another author's narrative became, if any, and the fields
    in which the words were kept as a proposal to their author.
    """

    record: bytes
    own_note: bytes | None = None
    proposed: tuple[str, ...] = ()


def edit(session: Session, log: bytes, record_id: bytes, values: Mapping[str, Any], cells: Mapping[CellKey, Any] | None = None) -> Edited:
    """Change fields and cells of a record: all of them, in one change, or none. Raises Refused: in-conflict, frozen, not-permitted, bad-value.

    A narrative that somebody else wrote is never touched: of a note, the words become a note of one's own on the same contact;
    elsewhere they are kept as a proposal.
    """
    record = session.record(log, record_id)
    type_ = type_of(session, log, record)
    own_note: bytes | None = None
    foreign = {name: value for name, value in values.items() if _is_foreign_text(session, record, type_, name)}
    noted = foreign if type_.name == "case_note" else {}
    ops: list[Op] = []
    for name, value in values.items():
        if name not in noted:
            ops += _change(session, record, type_, _field(session, log, type_, name), value)
    for key, value in (cells or {}).items():
        ops.append(_change_cell(session, log, record, type_, key, value))
    with session.store.transaction():
        if noted:
            own_note = _own_note(session, log, record, noted)
        if ops:
            write(session, log, record_id, record.type, ops)
    return Edited(record_id, own_note, tuple(name for name in foreign if name not in noted))


def _is_foreign_text(session: Session, record: Record, type_: RecordType, name: str) -> bool:
    spec = type_.fields.get(name)
    return spec is not None and spec.merge == "text" and record.creator_user != session.identity.user


def _own_note(session: Session, log: bytes, record: Record, foreign: Mapping[str, Any]) -> bytes:
    values = dict(foreign)
    contact = show(record, session.types).get("contact")
    if contact is not None and contact.value is not None:
        values["contact"] = contact.value
    return add(session, log, "case_note", values)


def _change(session: Session, record: Record, type_: RecordType, spec: Field, value: Any) -> list[Op]:
    name = spec.name
    register = record.registers.get(name)
    live = tuple(register.live) if register else ()
    if is_frozen(record, type_, spec):
        raise Refused("frozen", f"{name} was signed: add an addendum, or a new record that corrects this one")
    if spec.merge == "once" and record.creator != session.identity.device:
        raise Refused("not-permitted", f"{name} is written once, on the device that began this record: add an addendum, or a record of your own")
    if spec.merge == "append":
        return _begin(spec, record.type, name, value)
    check_value(record.type, name, value)
    if spec.merge == "set":
        return _change_set(register.live if register else {}, name, value)
    if register is not None and in_conflict(register) and spec.merge in CONTESTED:
        raise Refused("in-conflict", f"{name} is in conflict: settle it with `conflicts resolve`")
    return [Op(name, "set", value, live)]


def _change_set(live: Mapping[OpId, Live], name: str, wanted: list[Any]) -> list[Op]:
    """Adds what is new and removes what is gone; an unchanged member keeps the op that added it."""
    held = [op.value for op in live.values()]
    ops = [Op(name, "add", member, ()) for member in wanted if member not in held]
    gone = {repr(value): value for value in held if value not in wanted}.values()
    return ops + [Op(name, "remove", None, tuple(op_id for op_id, op in live.items() if op.value == value)) for value in gone]


def is_signed(record: Record) -> bool:
    """True when the person who made the record has signed it."""
    return any(signature.user == record.creator_user for signature in record.signatures)


def is_frozen(record: Record, type_: RecordType, spec: Field) -> bool:
    """True when the record's author signed it and this field froze with it."""
    return type_.weight in FREEZING_WEIGHTS and is_signed(record) and spec.merge in FREEZING and spec.name != "state"


def edit_cell(session: Session, log: bytes, record_id: bytes, key: CellKey, value: Any) -> None:
    """Change one cell of a row, where the schema lets it change. Raises Refused or BadValue."""
    edit(session, log, record_id, {}, {key: value})


def _change_cell(session: Session, log: bytes, record: Record, type_: RecordType, key: CellKey, value: Any) -> Op:
    cell = _field(session, log, type_, key.list).cells.get(key.cell)
    if cell is None or cell.merge == "once":
        raise Refused("bad-value", f"{key.list} has no cell {key.cell!r} that may change: add a row instead")
    check_cell(record.type, key.list, key.cell, value)
    register = record.registers.get(key)
    if register is not None and in_conflict(register) and cell.merge in CONTESTED:
        raise Refused("in-conflict", f"{key.list} is in conflict in that row: settle it with `conflicts resolve`")
    live: tuple[OpId, ...] = tuple(register.live) if register and register.live else (key.row,)
    return Op(key, "set", value, live)


def missing_to_sign(session: Session, log: bytes, record_id: bytes) -> list[str]:
    """Labels of the fields that are still needed to sign a record."""
    record = session.record(log, record_id)
    state = session.require_file(log)
    values = {name: shown.value for name, shown in show(record, session.types).items() if shown.value not in (None, [])}
    return missing_for_signing(record.type, values, file_kind=state.file) if record.type in session.types else []


def sign(session: Session, log: bytes, record_id: bytes) -> int:
    """Sign a record as it stands: freezes evidence, agrees to a living record. Raises Refused with what is still needed.

    The signature names what stands and what others proposed. A record that its author signed before stays as it was; the
    signature then says that the author has read what was proposed since. Returns how many proposals were read.
    """
    record = session.record(log, record_id)
    type_ = type_of(session, log, record)
    freezes = type_.weight in FREEZING_WEIGHTS
    if freezes and record.creator_user != session.identity.user:
        raise Refused("not-permitted", "only its author signs a record")
    unread = [op.id for ops in unweighed(record, session.types).values() for op in ops]
    if freezes and is_signed(record):
        if not unread:
            raise Refused("frozen", "this record is signed already, and nobody has proposed anything since")
        write(session, log, record_id, record.type, [Op(SIGNED, "sign", None, tuple(unread))])
        return len(unread)
    contested = [key for key in conflicts(record, session.types) if isinstance(key, str)]
    if contested:
        raise Refused("in-conflict", f"settle first: {', '.join(contested)}")
    missing = missing_to_sign(session, log, record_id)
    if missing:
        raise Refused("bad-value", f"still needed to sign: {'; '.join(missing)}")
    live = [op for register in record.registers.values() for op in register.live]
    proposed = [op.id for register in record.registers.values() for op in register.proposals]
    state = record.registers.get("state")
    signs = tuple(dict.fromkeys(live + proposed))
    ops = [Op("state", "set", "signed", tuple(state.live) if state else ()), Op(SIGNED, "sign", None, signs)]
    write(session, log, record_id, record.type, ops)
    return len(unread)


def addend(session: Session, log: bytes, record_id: bytes, text: str, reason: str) -> None:
    """Add to a signed record what came later. The signed words stay."""
    record = session.record(log, record_id)
    row = {"text": text, "reason": reason}
    check_row(type_of(session, log, record).name, "addenda", row)
    write(session, log, record_id, record.type, [Op("addenda", "add", row, ())])


def delete(session: Session, log: bytes, record_id: bytes) -> None:
    """Hide a record, where its type may be deleted. Any later edit brings it back."""
    record = session.record(log, record_id)
    if not type_of(session, log, record).deletable:
        raise Refused("not-permitted", f"a {record.type} cannot be deleted: correct it with a new record")
    write(session, log, record_id, record.type, [Op(DELETED, "delete", True, ())])


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
    """(log, record) of the one record whose id begins with `prefix`, unsent and incomplete ones too. Raises Refused `not-found`."""
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
        raise Refused("not-found", f"{len(found)} {noun}s begin like that, give more of the id: {some}{' …' if len(found) > _SOME else ''}")
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
    return next((_called(session, log, record) for record, _ in session.store.records(log, "person")), "")


def _kind(session: Session, log: bytes) -> str:
    state = session.file(log)
    return state.file if state else "unknown"


def _called(session: Session, log: bytes, record_id: bytes) -> str:
    values = show(session.record(log, record_id), session.types)
    known_as, names = (values[name].value if name in values else None for name in ("known_as", "names"))
    first = names[0].get("name") if isinstance(names, list) and names and isinstance(names[0], dict) else None
    return next((text for text in (known_as, first) if isinstance(text, str)), "")


def shown(session: Session, log: bytes, record_id: bytes) -> tuple[Record, dict[str, Shown]]:
    """A record and its effective values."""
    record = session.record(log, record_id)
    return record, show(record, session.types)


def show_id(value: bytes) -> str:
    """How an id is shown."""
    return ids.show(value)
