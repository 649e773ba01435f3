"""Counting a file's records, and the links by which something counts once: corrections, joint visits (docs/spec.md §5.8)."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final, NamedTuple

from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from sync.counting import Counted, Linked, count, newest
from sync.device.across.cases import values_of
from sync.device.recording import records
from sync.device.session import Session
from sync.fold import is_void

_NOT_COPIED: Final = ("state", "addenda", "corrects")
_SAME_HOURS_MS: Final = 2 * 3_600_000


def linked(session: Session, log: bytes, type_: str) -> dict[bytes, Linked]:
    """The records of one type in log order, with what each names."""
    found = {}
    for record_id, _ in session.store.records(log, type_):
        record, values = session.record(log, record_id), values_of(session, log, record_id)
        same = frozenset(one for one in map(id_of, values.get("same_as") or ()) if one is not None)
        found[record_id] = Linked(record_id, id_of(values.get("corrects")), same, not (record.hidden or is_void(record)))
    return found


def counted(session: Session, log: bytes, type_: str) -> list[Counted]:
    """What counts, each once."""
    return count(linked(session, log, type_))


def id_of(value: Any) -> bytes | None:
    """The id that a value of a reference says, if it is one."""
    try:
        return ids.parse(value) if isinstance(value, str) else None
    except Malformed:
        return None


def correct(session: Session, log: bytes, record_id: bytes, changed: Mapping[str, Any]) -> bytes:
    """Write a new record that corrects one: what that says, and what is `changed`. Returns its id. Raises Refused where there is nothing to correct.

    A colleague's narrative is not put into anybody's mouth: of a record by somebody else those fields are empty until they are written anew.
    """
    record = session.record(log, record_id)
    type_ = records.type_of(session, log, record)
    own = record.creator_user == session.identity.user
    if type_.weight == "living":
        raise Refused("not-permitted", f"a {type_.name} stays open: change it with `record edit`")
    if type_.weight == "ledger" or type_.money:
        raise Refused("not-permitted", "money is corrected with `spend reverse`, and a new spend")
    if not changed:
        raise Refused("bad-value", "nothing to correct: give at least one --set")
    if own and records.is_draft(record, session):
        raise Refused("not-permitted", "this is a draft of your own: change it with `record edit`")
    newer = newest(linked(session, log, type_.name)).get(record_id, record_id)
    if newer != record_id:
        raise Refused("not-permitted", f"this was corrected already: correct what stands now, {newer.hex()[:8]}")
    left_out = {*_NOT_COPIED, *(() if own else (name for name, spec in type_.fields.items() if spec.merge == "text"))}
    kept = {name: value for name, value in values_of(session, log, record_id).items() if name not in left_out and value != []}
    return records.add(session, log, type_.name, {**kept, **changed, "corrects": ids.show(record_id)})


# --- joint visits ----------------------------------------------------------------------------------------------------------


class Alike(NamedTuple):
    """Two contacts that may be one, the earlier in the log first."""

    earlier: bytes
    later: bytes


def alike(session: Session, log: bytes) -> list[Alike]:
    """Contacts by different people that agree in when, where and with whom, and that nobody has said to be the same."""
    known = linked(session, log, "contact")
    group_of = {one: n for n, group in enumerate(count(known)) for one in group.all}
    said: dict[Any, list[_Facts]] = {}
    for one in dict.fromkeys(newest(known).values()):
        facts = _facts(session, log, one)
        said.setdefault(facts.alike, []).append(facts)
    return [
        Alike(one.record, other.record)
        for facts in said.values()
        for one, other in combinations(facts, 2)
        if one.by != other.by and group_of[one.record] != group_of[other.record] and _is_same_time(one, other)
    ]


class _Facts(NamedTuple):
    record: bytes
    by: bytes
    at_ms: int
    day: str
    alike: tuple[Any, ...]


def _facts(session: Session, log: bytes, record_id: bytes) -> _Facts:
    record, values = session.record(log, record_id), values_of(session, log, record_id)
    written = min((op.at for register in record.registers.values() for op in register.live.values()), default=0)
    at, day = values.get("event_at"), ""
    if isinstance(at, dict) and isinstance(at.get("at"), str):
        day = at["at"][:10]
    who_and_where = (repr(values.get("place")), values.get("mode"), frozenset(map(str, values.get("with") or ())))
    return _Facts(record_id, record.creator_user, written, day, who_and_where)


def _is_same_time(one: _Facts, other: _Facts) -> bool:
    """The same day where both say one; else written within two hours."""
    return one.day == other.day if one.day and other.day else abs(one.at_ms - other.at_ms) <= _SAME_HOURS_MS


def say_same(session: Session, log: bytes, record_id: bytes, other: bytes) -> bytes:
    """Say that a contact of one's own is the same as another: counted once. What was signed stays, and a correction says it. Returns the record that does."""
    record = session.record(log, record_id)
    if any(one.type != "contact" for one in (record, session.record(log, other))) or record_id == other:
        raise Refused("bad-value", "want two contacts of one file")
    if record.creator_user != session.identity.user:
        raise Refused("not-permitted", "whoever wrote a contact says that it is the same: name yours first")
    if any(record_id in group.all and other in group.all for group in counted(session, log, "contact")):
        raise Refused("not-permitted", "these two are one already")
    known = [str(one) for one in values_of(session, log, record_id).get("same_as") or ()]
    same = {"same_as": [*known, ids.show(other)]}
    if records.is_signed(record):
        return correct(session, log, record_id, same)
    records.edit(session, log, record_id, same)
    return record_id


def corrected(session: Session, log: bytes, type_: str) -> Iterator[tuple[bytes, bytes]]:
    """(record, what stands in its place) of each record that was corrected."""
    return ((one, instead) for one, instead in newest(linked(session, log, type_)).items() if one != instead)
