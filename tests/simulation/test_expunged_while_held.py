"""What is expunged meets what is held, let in and sealed anew (docs/spec.md §7.5, §7.8)."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import outbox
from sync.device.people import files, holding, standing
from sync.device.removal import removing
from sync.device.removal.removing import Part
from tests.world import Phone, World

SIDE: Final = "perpetrator"
WORDS: Final = "she lives at 12 Elm Street"


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Nia", "coordinator"), ("Bob", "navigator")):
            made.enrol(SIDE, name, (role,))
        yield made


def a_case(world: World) -> tuple[Phone, Phone, Phone, bytes]:
    ann, nia, bob = world.phones
    for phone in (ann, nia, bob):
        phone.sync()
    log = ann.do(lambda session: files.create_file(session, "case", {nia.user: "coordinator", bob.user: "navigator"}))
    for phone in (ann, nia, bob):
        phone.sync()
    return ann, nia, bob, log


def note(phone: Phone, log: bytes, words: str) -> bytes:
    return phone.do(lambda session: session.write(log, None, "task", [Op("what", "set", words, ())]))


def said(phone: Phone, log: bytes) -> list[str]:
    tasks = [record for record in phone.session.records(log).values() if record.type == "task"]
    found = [op.value for record in tasks for op in record.registers["what"].live.values()]
    return sorted(one if isinstance(one, str) else "-" for one in found)


def the_part(phone: Phone, log: bytes) -> tuple[holding.Held, Part]:
    (held,) = holding.fetch(phone.session, phone.wire, [log])
    (part,) = removing.parts_in(phone.session, log, held.entry, 0)
    return held, part


def expunge(first: Phone, second: Phone, log: bytes, part: Part, held: holding.Held | None = None) -> None:
    first.do(lambda session: removing.ask_expunge(session, log, [part], "spill"))
    first.sync()
    second.sync()
    (request,) = removing.waiting_for(second.session)
    second.do(lambda session: removing.carry_out(session, request, request.left[0], held.entry if held else None))
    second.sync()


def offline(*_: Any) -> bytes:
    raise Refused("offline")


def deaf(phone: Phone) -> Any:
    """What the phone hands in arrives, and the answer does not."""
    hand_in = phone.wire.deposit

    def lost(*given: Any) -> bytes:
        hand_in(*given)
        raise Refused("offline")

    return lost


def test_what_was_typed_behind_it_comes_in(world: World) -> None:
    """Bob never heard that his first entry is held, and hears of its removal first; what he typed behind it is sealed anew and comes in."""
    ann, nia, bob, log = a_case(world)
    other = bob.do(lambda session: files.create_file(session, "case", {ann.user: "coordinator"}))
    for phone in (bob, ann, bob):
        phone.sync()
    note(bob, other, "x" * 300_000)  # fills the first push of a sync
    outbox.seal_pending(bob.session)
    note(bob, log, WORDS)
    ann.do(lambda session: standing.suspend(session, bob.device, "lost"))
    ann.sync()
    hand_in, bob.wire.deposit = bob.wire.deposit, deaf(bob)  # type: ignore[method-assign]
    bob.sync()
    note(bob, log, "she has rung")
    bob.wire.deposit = offline  # type: ignore[method-assign, assignment]
    bob.sync()  # this is sealed behind the first
    bob.wire.deposit = hand_in  # type: ignore[method-assign]
    assert len([item for item in bob.store.waiting(log) if not item.dead]) == 2
    nia.sync()
    held, part = the_part(ann, log)
    expunge(ann, nia, log, part, held)
    ann.do(lambda session: standing.reinstate(session, bob.device))
    ann.sync()
    for phone in (bob, bob, bob, ann, nia):
        phone.sync()
    for phone in (ann, nia, bob):
        assert said(phone, log) == ["she has rung"]
    assert not [item for item in bob.store.waiting(log) if not item.dead]
    assert log not in holding.waiting(ann.session)


def test_what_was_let_in_goes_at_its_new_place(world: World) -> None:
    """Of what was held and let in the part goes from the log and from what was held, and its author's number stays its own, as late."""
    ann, nia, bob, log = a_case(world)
    note(bob, log, WORDS)
    ann.do(lambda session: standing.suspend(session, bob.device, "lost"))
    ann.sync()
    bob.sync()
    nia.sync()
    ann.sync()
    held, _ = the_part(ann, log)
    ann.do(lambda session: holding.admit(session, held))
    ann.sync()
    nia.sync()
    record = next(record for record, found in ann.session.records(log).items() if found.type == "task")
    (part,) = removing.parts_of(ann.session, log, record)
    expunge(ann, nia, log, part)
    ann.do(lambda session: standing.reinstate(session, bob.device))
    for phone in (ann, nia, bob, bob):
        phone.sync()
    rows = world.hosts[SIDE].rows("SELECT parts FROM entry UNION ALL SELECT parts FROM held")
    assert not any(held.entry.parts[0] in row[0] for row in rows)
    for phone in (ann, nia, bob):
        assert said(phone, log) == ["-"]
        (change,) = phone.store.changes_of(log, record)
        assert (bool(change.late), change.role, change.expunged is not None) == (True, "navigator", True)
