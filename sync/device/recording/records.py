"""Adding, editing, signing, deleting and showing records (docs/spec.md §5). Values are checked here, before anything is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from shared_schema import cbor
from shared_schema.errors import Refused
from shared_schema.records import Field, RecordType
from sync.change import DELETED, PREDS, SIGNED, CellKey, FieldKey, Op, OpId, in_pieces
from sync.device.exchanging.outbox import check_size
from sync.device.recording.finding import Line, history
from sync.device.recording.fitting import what_fits
from sync.device.recording.needs import Needed, needed_to_sign
from sync.device.recording.values import check_cell, check_row, check_shape, check_value
from sync.device.session import Session
from sync.fold import CONTESTED, FREEZING, FREEZING_WEIGHTS, Live, Record, Shown, conflicts, in_conflict, is_marker, is_void, show, unweighed

_MONEY_BACK: Final = "take money back with `spend undo` or `fund undo` while it is on this device only, and with `spend reverse` later"
VOIDED: Final = "Made void."
_MOST_SIGNED: Final = 2 * PREDS


def record_type(session: Session, log: bytes, name: str) -> RecordType:
    """The type, if it may stand in this file. Raises Refused."""
    found = session.types.get(name)
    if found is None:
        raise Refused("bad-value", f"no record type of that name; known: {', '.join(sorted(session.types))}")
    state = session.require_file(log)
    if state.side not in found.files.get(state.file, ()):
        kinds = sorted(kind for kind, sides in found.files.items() if state.side in sides)
        where = f"on this side it stands in: {', '.join(kinds)}" if kinds else f"it is for the {' and '.join(found.sides)} side"
        raise Refused("bad-value", f"{name} has no place in a {state.file} file of the {state.side} side; {where}")
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


def may_write(session: Session, log: bytes, named: str, write: Sequence[str]) -> None:
    """Raises Refused unless this person's role in the file is one of `write` (docs/spec.md §5.4)."""
    role = session.require_file(log).members.get(session.identity.user, "")
    if role and role not in write:
        who = ", ".join(write).replace("_", " ")
        raise Refused("not-permitted", f"{named} is written by: {who}; you are {role.replace('_', ' ')} in this file. Nothing was kept")


def _field(session: Session, log: bytes, type_: RecordType, name: str) -> Field:
    state = session.require_file(log)
    found = type_.fields.get(name)
    if found is None or not found.stands_in(state.file, state.side):
        known = sorted(field for field, spec in type_.fields.items() if spec.stands_in(state.file, state.side))
        raise Refused("bad-value", f"{type_.name} has no field {name!r} here; known: {', '.join(known)}")
    if found.codes == "record_state":
        raise Refused("bad-value", "a record's state is not set by hand: sign it with `note sign`, make it void with `note void`")
    return found


def add(session: Session, log: bytes, type_name: str, values: Mapping[str, Any], *, by_hand: bool = True) -> bytes:
    """Keep a new record; returns its id. A quick record that is complete is signed by saving. Saving is never refused for a missing field.

    What is not typed `by_hand` may have codes that this app does not know.
    """
    return write(session, log, None, type_name, new_ops(session, log, type_name, values, check_value if by_hand else check_shape))


def add_by_hand(session: Session, log: bytes, type_name: str, values: Mapping[str, Any]) -> bytes:
    """The same, of a type that has no command of its own, as money has, which is told to the fund at the same moment. Raises Refused for one that has."""
    if command := record_type(session, log, type_name).command:
        raise Refused("bad-value", f"a {type_name} is not added by hand: use `{command}`")
    return add(session, log, type_name, values)


def new_ops(
    session: Session, log: bytes, type_name: str, values: Mapping[str, Any], check: Callable[[str, str, Any], None] = check_value
) -> list[Op]:
    """The ops that begin a record with `values`. Raises BadValue or Refused before anything is kept."""
    type_, state = record_type(session, log, type_name), session.require_file(log)
    ops: list[Op] = []
    by_hand = check is check_value
    if by_hand:
        may_write(session, log, f"a {type_name}", type_.write)
    for name, value in values.items():
        spec = _field(session, log, type_, name)
        if by_hand and spec.write != type_.write:
            may_write(session, log, f"{type_name}.{name}", spec.write)
        ops += _begin(spec, type_name, name, value, check)
    if not ops:
        raise Refused("bad-value", f"a new {type_name} needs at least one field")
    if type_.weight == "quick" and (type_.money or not needed_to_sign(type_name, values, file_kind=state.file, side=state.side)):
        ops += _signing(session, log, ops)
    return ops


def _begin(spec: Field, type_name: str, name: str, value: Any, check: Callable[[str, str, Any], None] = check_value) -> list[Op]:
    check(type_name, name, value)
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

    A narrative that somebody else wrote is never touched: where the type says so (`x-own-record`) the words become a record of one's own, as
    with a note on the same contact; elsewhere they are kept as a proposal.
    """
    record = session.record(log, record_id)
    type_ = type_of(session, log, record)
    _require_not_void(record)
    own_note: bytes | None = None
    foreign = {name: value for name, value in values.items() if _is_foreign_text(session, record, type_, name)}
    noted = foreign if type_.own_record is not None else {}
    ops: list[Op] = []
    for name, value in values.items():
        if name not in noted:
            ops += _change(session, log, record, type_, _field(session, log, type_, name), value)
    for key, value in (cells or {}).items():
        ops.append(_change_cell(session, log, record, type_, key, value))
    with session.store.transaction():
        if noted:
            own_note = _own_note(session, log, record, type_, noted)
        if ops:
            write(session, log, record_id, record.type, ops)
            _sign_quick(session, log, record_id, type_)
    return Edited(record_id, own_note, tuple(name for name in foreign if name not in noted))


def _sign_quick(session: Session, log: bytes, record_id: bytes, type_: RecordType) -> None:
    """A quick record is signed by saving, as soon as nothing is missing."""
    record = session.record(log, record_id)
    mine = record.creator_user == session.identity.user and not is_signed(record)
    if type_.weight == "quick" and mine and not conflicts(record, session.types) and not missing_to_sign(session, log, record_id):
        sign(session, log, record_id)


def _is_foreign_text(session: Session, record: Record, type_: RecordType, name: str) -> bool:
    spec = type_.fields.get(name)
    return spec is not None and spec.merge == "text" and record.creator_user != session.identity.user


def _own_note(session: Session, log: bytes, record: Record, type_: RecordType, foreign: Mapping[str, Any]) -> bytes:
    values = dict(foreign)
    shown = show(record, session.types)
    for name in type_.own_record or ():
        if name in shown and said_of(shown[name].value) is not None:
            values[name] = shown[name].value
    return add(session, log, type_.name, values)


def _change(session: Session, log: bytes, record: Record, type_: RecordType, spec: Field, value: Any) -> list[Op]:
    name = spec.name
    register = record.registers.get(name)
    live = tuple(register.live) if register else ()
    if is_frozen(record, type_, spec):
        raise Refused("frozen", f"{name} was signed: add an addendum, or a new record that corrects this one")
    may_write(session, log, f"{type_.name}.{name}", spec.write)
    if spec.merge == "once" and record.creator != session.identity.device:
        raise Refused("not-permitted", f"{name} is written once, on the device that began this record: add an addendum, or a record of your own")
    if spec.merge == "append":
        return _begin(spec, record.type, name, value)
    if spec.merge == "set":
        held = register.live if register else {}
        check_shape(record.type, name, value)
        if new := [member for member in value if member not in [op.value for op in held.values()]]:
            check_value(record.type, name, new)  # what stands may be a code that is chosen no more
        return _change_set(held, name, value)
    check_value(record.type, name, value)
    if register is not None and in_conflict(register) and spec.merge in CONTESTED:
        raise Refused("in-conflict", f"{name} is in conflict: settle it with `conflicts resolve`")
    return [Op(name, "set", value, live)]


def _change_set(live: Mapping[OpId, Live], name: str, wanted: list[Any]) -> list[Op]:
    """Adds what is new and removes what is gone; an unchanged member keeps the op that added it."""
    held = [op.value for op in live.values()]
    ops = [Op(name, "add", member, ()) for member in wanted if member not in held]
    return ops + in_pieces("remove", name, [op_id for op_id, op in live.items() if op.value not in wanted])


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
    spec = _field(session, log, type_, key.list)
    may_write(session, log, f"{type_.name}.{key.list}", spec.write)
    cell = spec.cells.get(key.cell)
    if cell is None or cell.merge == "once":
        raise Refused("bad-value", f"{key.list} has no cell {key.cell!r} that may change: add a row instead")
    check_cell(record.type, key.list, key.cell, value)
    register = record.registers.get(key)
    if register is not None and in_conflict(register) and cell.merge in CONTESTED:
        raise Refused("in-conflict", f"{key.list} is in conflict in that row: settle it with `conflicts resolve`")
    live: tuple[OpId, ...] = tuple(register.live) if register and register.live else (key.row,)
    return Op(key, "set", value, live)


def values(session: Session, log: bytes, record_id: bytes) -> dict[str, Shown]:
    """A record's effective values, for whoever goes by them: what was expunged, and what does not fit its field, says nothing."""
    record = session.record(log, record_id)
    type_ = session.types.get(record.type)
    found = {name: (one, said_of(one.value)) for name, one in show(record, session.types).items()}
    return {name: replace(one, value=value if type_ is None else what_fits(type_, name, value)) for name, (one, value) in found.items()}


def said_of(value: Any) -> Any:
    """A value without what was expunged of it, None where nothing is left; of a list's row it is still seen that there was one."""
    if is_marker(value):
        return None
    if isinstance(value, list):
        return [item for item in map(said_of, value) if item is not None]
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if not is_marker(item)}
    return value


def missing_to_sign(session: Session, log: bytes, record_id: bytes) -> list[Needed]:
    """What is still needed to sign a record."""
    record = session.record(log, record_id)
    state = session.require_file(log)
    values = {name: shown.value for name, shown in show(record, session.types).items() if shown.value not in (None, [])}
    return needed_to_sign(record.type, values, file_kind=state.file, side=state.side) if record.type in session.types else []


def sign(session: Session, log: bytes, record_id: bytes) -> int:
    """Sign a record as it stands: freezes evidence, agrees to a living record. Raises Refused with what is still needed.

    The signature names what stands and what others proposed. A record that its author signed before stays as it was; the
    signature then says that the author has read what was proposed since. Returns how many proposals were read.
    """
    record = session.record(log, record_id)
    type_ = type_of(session, log, record)
    _require_not_void(record)
    freezes = type_.weight in FREEZING_WEIGHTS
    if freezes and record.creator_user != session.identity.user:
        raise Refused("not-permitted", "only its author signs a record")
    unread = [op.id for ops in unweighed(record, session.types).values() for op in ops][:_MOST_SIGNED]
    if freezes and is_signed(record):
        if not unread:
            raise Refused("frozen", "this record is signed already, and nobody has proposed anything since")
        write(session, log, record_id, record.type, in_pieces("sign", SIGNED, unread))
        return len(unread)
    contested = [key for key in conflicts(record, session.types) if isinstance(key, str)]
    if contested:
        raise Refused("in-conflict", f"settle first: {', '.join(contested)}")
    missing = missing_to_sign(session, log, record_id)
    if missing:
        raise Refused("bad-value", f"still needed to sign: {'; '.join(map(str, missing))}")
    state = record.registers.get("state")
    ops = [Op("state", "set", "signed", tuple(state.live) if state else ()), *in_pieces("sign", SIGNED, _signed_ops(session, record))]
    write(session, log, record_id, record.type, ops)
    return len(unread)


def _signed_ops(session: Session, record: Record) -> list[OpId]:
    """What a first signature names: what stands, of each value in a set its first addition, one's own first; then what was proposed.

    No more than one entry holds: whoever fills a colleague's record with thousands of ops does not keep it from being signed.
    """
    own = session.identity.user
    live: dict[tuple[FieldKey, bytes], Live] = {}
    for key, register in record.registers.items():
        merge = session.types[record.type].fields[key].merge if isinstance(key, str) and key in session.types[record.type].fields else ""
        for op in sorted(register.live.values(), key=lambda op: op.user != own):
            live.setdefault((key, cbor.encode(op.value if merge == "set" else [op.id.device, op.id.c, op.id.i])), op)
    stands = [op.id for op in sorted(live.values(), key=lambda op: op.user != own)]
    proposed = [op.id for register in record.registers.values() for op in register.proposals]
    return list(dict.fromkeys(stands + proposed))[:_MOST_SIGNED]


def addend(session: Session, log: bytes, record_id: bytes, text: str, reason: str) -> None:
    """Add to a signed record what came later. The signed words stay."""
    record = session.record(log, record_id)
    row = {"text": text, "reason": reason}
    if record.creator_user == session.identity.user and is_draft(record, session):
        raise Refused("not-permitted", "this is a draft of your own: change its words with `record edit`; addenda are for what was signed")
    type_ = type_of(session, log, record)
    may_write(session, log, f"a {type_.name}", type_.write)
    check_row(type_.name, "addenda", row)
    write(session, log, record_id, record.type, [Op("addenda", "add", row, ())])


def is_draft(record: Record, session: Session) -> bool:
    """True for a record that freezes when it is signed, and that its author has neither signed nor made void."""
    type_ = session.types.get(record.type)
    return type_ is not None and type_.weight in FREEZING_WEIGHTS and not is_signed(record) and not is_void(record)


class Draft(NamedTuple):
    """A note, an assessment or an unfinished contact of this device's user that waits to be signed, since the newest thing written in it."""

    log: bytes
    record: bytes
    since_ms: int


def drafts(session: Session) -> list[Draft]:
    """All of them, in all files."""
    kinds = {name for name, type_ in session.types.items() if type_.weight in ("evidence", "quick")}
    found = []
    for log in session.file_logs():
        if not any(session.store.records(log, name) for name in kinds):
            continue
        for record in session.records(log).values():
            if record.type in kinds and record.creator_user == session.identity.user and not record.hidden and is_draft(record, session):
                written = [op.at for register in record.registers.values() for op in register.live.values()]
                found.append(Draft(log, record.id, max(written, default=0)))
    return found


def _require_not_void(record: Record) -> None:
    if is_void(record):
        raise Refused("frozen", "this record is void, and stays as it is: begin a new one")


def make_void(session: Session, log: bytes, record_id: bytes, reason: str) -> None:
    """Make a record void for good: everything in it stays, and why stands among its addenda. Raises Refused for another's record."""
    record = session.record(log, record_id)
    type_ = type_of(session, log, record)
    if record.creator_user != session.identity.user:
        raise Refused("not-permitted", "only its author makes a record void")
    if type_.money:
        raise Refused("not-permitted", f"a {type_.name} is not made void: {_MONEY_BACK}")
    if is_void(record):
        raise Refused("not-permitted", "this record is void already")
    row = {"text": VOIDED, "reason": reason}
    check_row(type_.name, "addenda", row)
    state = record.registers.get("state")
    write(
        session,
        log,
        record_id,
        record.type,
        [Op("state", "set", "void", tuple(state.live) if state else ()), Op("addenda", "add", row, ())],
    )


def undo(session: Session, log: bytes, record_id: bytes) -> list[Line]:
    """Take back this device's newest change of a record, which must not have been sealed yet; returns what it said.

    Its number is not used again. Raises Refused for money (two logs hold one spend) and where nothing can be taken back.
    """
    record = session.record(log, record_id)
    type_ = session.types.get(record.type)
    if type_ is None or type_.money:
        raise Refused("not-permitted", f"this cannot be taken back here: {_MONEY_BACK}")
    own = [row for row in session.store.changes_of(log, record_id) if row.device == session.identity.device]
    if not own or own[-1].seq is not None or own[-1].sealed is not None:
        raise Refused("not-permitted", "nothing of it is on this device only: what was sent stays; correct it with `record edit`")
    undone = own[-1]
    lines = [line for line in history(session, log, record_id) if line.c == undone.c and line.device == undone.device]
    with session.store.transaction():
        session.store.take_back(log, undone.device, undone.c)
    return lines


def delete(session: Session, log: bytes, record_id: bytes) -> None:
    """Hide a record, where its type may be deleted. Any later edit brings it back."""
    record = session.record(log, record_id)
    type_ = type_of(session, log, record)
    may_write(session, log, f"a {type_.name}", type_.write)
    if not type_.deletable:
        raise Refused("not-permitted", f"a {record.type} cannot be deleted: correct it with a new record")
    write(session, log, record_id, record.type, [Op(DELETED, "delete", True, ())])
