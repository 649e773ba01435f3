"""What the victim side is told by rule, the same for every case, whether or not anyone is supported (docs/spec.md §15.5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared_schema import ids
from shared_schema.errors import ProtocolError
from shared_schema.records import NoticeRule, RecordType
from sync.change import CellKey
from sync.device.across import cases, posting
from sync.device.recording import records
from sync.device.recording.places import BadValue
from sync.device.recording.values import check_shape
from sync.device.session import Session
from sync.fold import Record, is_void
from sync.membership import FileState


def told_of(session: Session, log: bytes, record: bytes) -> list[dict[str, Any]]:
    """The notices that this device's new changes of a record make, each the fields of a `notice`; none for what has been told already."""
    type_ = session.types.get(session.record(log, record).type)
    new = _new_changes(session, log, record)
    if type_ is None or not type_.notices or new is None or not _tells(session.file(log), type_):
        return []
    found, address = session.record(log, record), cases.case_address(session, log)
    if address is None or is_void(found):
        return []
    values = cases.plain(records.values(session, log, record))
    before = _corrected(session, log, type_, values.get("corrects"))
    due = (rule for rule in type_.notices if _due(session, found, rule, new))
    return [{"case": ids.show(address), **said} for rule in due if (said := _said(rule, values)) is not None and said != _said(rule, before)]


def _corrected(session: Session, log: bytes, type_: RecordType, corrects: Any) -> dict[str, Any]:
    """What the record that is corrected says; nothing where there is none. What it makes known is not told a second time."""
    known = {ids.show(record): record for record, _ in session.store.records(log, type_.name)}
    return cases.values_of(session, log, known[corrects]) if isinstance(corrects, str) and corrects in known else {}


def _tells(state: FileState | None, type_: RecordType) -> bool:
    """True in a case of the perpetrator side, and in shared care for what has no place in a case: nothing is told twice."""
    if state is None or state.side != "perpetrator":
        return False
    return state.file == "case" or (state.file == "shared_care" and "case" not in type_.files)


@dataclass(frozen=True, slots=True)
class _New:
    """This device's changes of a record that are in no entry and that nobody was told of: the last one's count, their counts, the fields they touch."""

    last: int
    counts: frozenset[int]
    fields: frozenset[str]


def _new_changes(session: Session, log: bytes, record: bytes) -> _New | None:
    told = session.store.noticed(log, record)
    rows = [row for row in session.store.changes_of(log, record) if row.seq is None and row.sealed is None and row.c > told]
    if not rows:
        return None
    touched = (op.field for row in rows for op in session.occurrence(row).change.ops)
    fields = frozenset(field.list if isinstance(field, CellKey) else field for field in touched)
    return _New(rows[-1].c, frozenset(row.c for row in rows), fields)


def _due(session: Session, record: Record, rule: NoticeRule, new: _New) -> bool:
    """True when the rule's moment has come with these changes, or when they alter what it tells of."""
    signed = [one.id for one in record.signatures if one.user == record.creator_user]
    if rule.when == "signed" and not signed:
        return False
    if rule.when == "signed" and all(one.device == session.identity.device and one.c in new.counts for one in signed):
        return True
    return not new.fields.isdisjoint({rule.by, *(path.partition(".")[0] for path in rule.facts.values())})


def _said(rule: NoticeRule, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the rule says of a record with these values; None where that is nothing."""
    kind = _kind(rule, values.get(rule.by))
    if kind is None:
        return None
    facts = {name: _at(values, path) for name, path in rule.facts.items()}
    return {"notice": kind, **{name: value for name, value in facts.items() if value not in (None, []) and _fits(name, value)}}


def _fits(name: str, value: Any) -> bool:
    """A reason why nothing is known, say, is a value of some fields and of others none: what the notice's own field does not take is left out."""
    try:
        check_shape("notice", name, value)
    except BadValue:
        return False
    return True


def _kind(rule: NoticeRule, value: Any) -> str | None:
    if value in (None, []) or (isinstance(value, Mapping) and "missing" in value):
        return None
    return rule.kinds.get(value, rule.kinds.get("*")) if isinstance(value, str) else rule.kinds.get("*")


def _at(values: Mapping[str, Any], path: str) -> Any:
    """A field's value, or with `rows.0.cell` a cell of its first row, with `rows.-1.cell` one of its last."""
    name, _, rest = path.partition(".")
    value = values.get(name)
    if not rest:
        return value
    row, _, cell = rest.partition(".")
    return value[int(row)].get(cell) if isinstance(value, list) and value and isinstance(value[int(row)], dict) else None


def make(session: Session) -> int:
    """Write the letters that this device's unsent changes make; returns how many."""
    return sum(_carefully(session, log, record) for log, record in list(_unsent(session)))


def _carefully(session: Session, log: bytes, record: bytes) -> int:
    """One record that makes no letter keeps no other from making its own."""
    try:
        return _write(session, log, record)
    except ProtocolError as error:
        session.alarm(log, None, error.code, f"the other side could not be told of a record: {error}")
        return 0


def _unsent(session: Session) -> Iterator[tuple[bytes, bytes]]:
    ruled = [name for name, type_ in session.types.items() if type_.notices]
    for log in session.store.logs_with_unsealed():
        state = session.file(log)
        if state is not None and state.side == "perpetrator" and state.file in ("case", "shared_care"):
            yield from ((log, record) for record in session.store.unsealed_records(log, ruled))


def _write(session: Session, log: bytes, record: bytes) -> int:
    bodies, new = told_of(session, log, record), _new_changes(session, log, record)
    if new is None or not bodies:
        return 0
    with session.store.transaction():
        for body in bodies:
            posting.post(session, log, "notice", body)
        session.store.put_noticed(log, record, new.last)
    return len(bodies)
