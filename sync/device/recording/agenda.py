"""What follows from the records of this device and its clock: what is due, visits, order clocks, requests, caseloads (docs/spec.md §5.10).

Reading, and no rule: those are in sync/due, visits, clocks, chasing and caseload. Only files that this person belongs to are looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from shared_schema import ids
from sync import caseload as load_rules
from sync import chasing, clocks, visits
from sync import due as due_rules
from sync.caseload import Load
from sync.chasing import Chased
from sync.clocks import Clock
from sync.counting import Linked, newest
from sync.days import NEVER, day_of, local
from sync.device.across.cases import values_of
from sync.device.people import allocations
from sync.device.recording import persons
from sync.device.returning.counted import id_of
from sync.device.session import Session
from sync.due import Due, Said
from sync.fold import is_void
from sync.visits import Visit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """A record, its effective values, and what a rule says of it."""

    said: Said
    rule: T


def now(session: Session) -> datetime:
    """The time of day here, by the server's clock as this device last heard it."""
    return local(session.now_ms() + session.clock_offset())


def said(session: Session, types: Iterable[str]) -> Iterator[Said]:
    """The records of these types that stand, in log order of each file: none that is void, hidden, or corrected by a later one."""
    wanted = sorted(set(types) & session.types.keys())
    for log in _own_files(session):
        for type_ in wanted:
            yield from _standing(session, log, type_)


def _own_files(session: Session) -> Iterator[bytes]:
    for log in session.file_logs():
        state = session.file(log)
        if state is not None and session.identity.user in state.members:
            yield log


def _standing(session: Session, log: bytes, type_: str) -> Iterator[Said]:
    found, linked = [], {}
    for record, _ in session.store.records(log, type_):
        folded, values = session.record(log, record), values_of(session, log, record)
        linked[record] = Linked(record, id_of(values.get("corrects")), stands=not (folded.hidden or is_void(folded)))
        found.append(Said(log, record, type_, ids.show(folded.creator_user), values))
    stands = newest(linked)
    yield from (one for one in found if stands.get(one.record) == one.record)


def due(session: Session, ahead: int, *, everybodys: bool = False) -> list[Due]:
    """What is overdue, due today or due soon: this person's own, or everybody's in their files."""
    whose = "" if everybodys else ids.show(session.identity.user)
    return due_rules.due(said(session, due_rules.TYPES), _leads(session), now(session).date(), ahead, whose=whose)


def _leads(session: Session) -> dict[bytes, str]:
    found = {log: allocations.allocation(session, log) for log in _own_files(session)}
    return {log: one[1]["lead"] for log, one in found.items() if one is not None and isinstance(one[1].get("lead"), str)}


def planned(session: Session) -> list[Seen[Visit]]:
    """The visits from which nobody is back, those that are overdue first."""
    at = now(session)
    found = [Seen(one, visits.visit(one.values, at)) for one in said(session, ("visit_plan",))]
    waiting = [one for one in found if one.rule.state != "back"]
    return sorted(waiting, key=lambda one: (-one.rule.late_minutes, str(one.said.values.get("start"))))


def orders(session: Session) -> list[Seen[Clock]]:
    """The orders that have not ended, the one that ends next first."""
    at = now(session)
    found = [Seen(one, clocks.clock(one.values, at, clock_unsure=session.clock_unsure)) for one in said(session, ("legal_order",))]
    running = [one for one in found if one.rule.state != "ended"]
    return sorted(running, key=lambda one: one.rule.earliest or NEVER)


def requests(session: Session) -> list[Seen[Chased]]:
    """The requests for information that were not answered, the one to see to next first."""
    today = now(session).date()
    found = [Seen(one, chasing.chased(one.values, today)) for one in said(session, ("information_request",))]
    open_ = [one for one in found if one.rule.state != "answered"]
    return sorted(open_, key=lambda one: one.rule.on or date.max)


def caseload(session: Session, most: int = load_rules.MOST) -> list[Load]:
    """The load of each worker, of the cases on this device."""
    return load_rules.caseload(_cases(session), most)


def _cases(session: Session) -> Iterator[load_rules.Case]:
    today = now(session).date()
    status = {one.file: str(one.values.get("status", "")) for one in said(session, ("case_status",))}
    group_of = {person: n for n, group in enumerate(persons.everybody(session)) for person in group}
    for n, log in enumerate(_own_files(session)):
        found = allocations.allocation(session, log) if session.require_file(log).file == "case" else None
        if found is None:
            continue
        first = next((group_of[log, record] for record, _ in session.store.records(log, "person") if (log, record) in group_of), -1 - n)
        yield load_rules.Case(log, _text(found[1].get("lead")), _covering(found[1], today), status.get(log, ""), first)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _covering(values: dict[str, Any], today: date) -> str:
    begun, ends = day_of(values.get("cover_from")), day_of(values.get("cover_until"))
    return _text(values.get("cover")) if begun is not None and begun <= today and (ends is None or today <= ends) else ""
