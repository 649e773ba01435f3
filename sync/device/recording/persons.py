"""Persons that are one: joined and parted again by rows that stay (docs/spec.md §5.8). Nothing else of either is changed."""

from collections.abc import Iterator
from typing import TypeAlias

from shared_schema import ids
from shared_schema.errors import Refused
from sync import counting
from sync.counting import Said
from sync.device.recording import records
from sync.device.recording.finding import only
from sync.device.returning.counted import id_of
from sync.device.session import Session
from sync.fold import is_void

Person: TypeAlias = tuple[bytes, bytes]  # (file, record)


def everybody(session: Session) -> list[list[Person]]:
    """The persons of all files on this device, those together that are one."""
    known = _known(session)
    return counting.persons(known, _said(session, known))


def joined(session: Session) -> set[frozenset[Person]]:
    """The pairs that somebody said to be one, and nobody parted since."""
    return counting.joined(_said(session, _known(session)))


def find(session: Session, prefix: str) -> Person:
    """The one person whose record id begins like that. Raises Refused."""
    return only(((record, (log, record)) for log, record in _known(session)), prefix, "person", lambda one: f"file {one[0].hex()[:8]}")


def say(session: Session, one: Person, other: Person, step: str, why: str) -> None:
    """Say that two persons are one (`merged`), or two after all (`unmerged`): a row in either record, so that whoever reads one of them knows. Raises Refused."""
    if one == other:
        raise Refused("bad-value", "that is the same record twice")
    together = next(group for group in everybody(session) if one in group)
    directly = frozenset((one, other)) in joined(session)
    if step == "merged" and other in together:
        raise Refused("not-permitted", "they are joined already")
    if step == "unmerged" and not directly:
        others = ", ".join(other_[1].hex()[:8] for other_ in together if other_ != one)
        raise Refused("not-permitted", f"they were not joined with each other{f'; it is one with {others}' if others else ''}")
    with session.store.transaction():
        for (log, record), (_, about) in ((one, other), (other, one)):
            records.edit(session, log, record, {"merged_with": [{"other": ids.show(about), "step": step, "why": why}]})


def _known(session: Session) -> list[Person]:
    found = ((log, record) for log in session.file_logs() for record, _ in session.store.records(log, "person"))
    return [one for one in found if not ((record := session.record(*one)).hidden or is_void(record))]


def _said(session: Session, known: list[Person]) -> Iterator[Said[Person]]:
    by_id = {record: (log, record) for log, record in known}
    for one in known:
        register = session.record(*one).registers.get("merged_with")
        for op in register.live.values() if register else ():
            other = by_id.get(id_of(op.value.get("other")) or b"") if isinstance(op.value, dict) else None
            if other is not None:
                yield Said(one, other, str(op.value.get("step")), one[0], (op.seq, op.id.c, op.id.i), op.at)
