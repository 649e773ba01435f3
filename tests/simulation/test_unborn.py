"""Files begun by who had lost their place (docs/spec.md §7.5): who sees them, who lets them begin, and what a restart of the server changes."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from shared_schema import cbor, limits
from shared_schema.deposit import Deposit, decode_deposited, encode_deposit
from shared_schema.entry import Entry, decode_entry
from sync import audit
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exports import audit_files
from sync.device.people import files, holding, standing
from tests.world import Phone, World, patched

SIDE: Final = "perpetrator"


@pytest.fixture
def world() -> Iterator[World]:
    """Ann coordinates; Bob, a navigator, is suspended and begins a case with her; Mal is another navigator, and Cat another coordinator."""
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Mal", "navigator"), ("Cat", "coordinator")):
            made.enrol(SIDE, name, (role,))
        for phone in made.phones:
            phone.sync()
        made.phones[0].do(lambda session: standing.suspend(session, made.phones[1].device, "lost"))
        made.phones[0].sync()
        yield made


def begun(world: World, **members: Phone) -> bytes:
    bob = world.phones[1]
    log = bob.do(lambda session: files.create_file(session, "case", {phone.user: role for role, phone in members.items()}))
    bob.do(lambda session: session.write(log, None, "task", [Op("what", "set", "ring him", ())]))
    assert bob.sync() == "suspended"
    return log


def genesis(bob: Phone, log: bytes) -> Entry:
    [item] = [item for item in bob.store.outbox(log) if item.statement]
    return decode_entry(item.cose, cbor.decode(item.parts))


def deliver(phone: Phone, entry: Entry) -> list[str]:
    return [refusal.code for refusal in phone.do(lambda session: syncing.deliver(session, phone.wire, entry)).refused]


def waiting(phone: Phone) -> dict[bytes, int]:
    phone.sync()
    return holding.waiting(phone.session)


def test_it_waits_through_a_restart_and_begins(world: World) -> None:
    ann, _bob, mal, cat = world.phones
    log = begun(world, coordinator=ann, navigator=mal)
    world.hosts[SIDE].restart()
    assert [waiting(phone) for phone in (ann, mal, cat)] == [{log: 2}, {}, {}]
    first, second = holding.fetch(ann.session, ann.wire, [log])
    assert (first.begins, second.begins) == ("case", "")
    ann.do(lambda session: holding.begin(session, ann.wire, first))
    for phone in (ann, mal, ann):
        phone.sync()
    ann.do(lambda session: holding.admit(session, second))
    for phone in (ann, mal):
        phone.sync()
    assert [len(phone.session.records(log)) for phone in (ann, mal)] == [1, 1]
    assert waiting(ann) == {}
    assert not any(finding for finding in audit.verify_export(audit_files.from_store(ann.session), ann.session.identity.authority).findings)


def test_who_may_not_let_it_begin(world: World) -> None:
    """A navigator whom it names, a coordinator whom it does not: nothing begins, and nobody is told anything new."""
    ann, bob, mal, cat = world.phones
    entry = genesis(bob, begun(world, coordinator=ann, navigator=mal))
    assert deliver(mal, entry) == ["held"]
    assert deliver(cat, entry) == ["held"]
    assert world.hosts[SIDE].realm.readers.heads.get(entry.log) is None


def test_nobody_else_could(world: World) -> None:
    """It names no coordinator: it stays on its device, and a colleague who sends it is told of no file."""
    _, bob, mal, _ = world.phones
    log = begun(world, navigator=mal)
    assert bob.store.unsent() == 2
    assert world.hosts[SIDE].realm.readers.unborn == {}
    assert deliver(mal, genesis(bob, log)) == ["no-such-file"]


def test_too_many(world: World) -> None:
    ann, bob, *_ = world.phones
    with patched(limits, "HELD_FILES", 2):
        logs = [begun(world, coordinator=ann) for _ in range(3)]
    assert len(world.hosts[SIDE].realm.readers.unborn) == 2
    assert bob.store.unsent() == 2
    bob.sync()
    assert set(waiting(ann)) == set(logs)


def test_another_device_writes_nothing_into_it(world: World) -> None:
    """Only the device that would begin a file has anything held for it."""
    ann, bob, mal, _ = world.phones
    log = begun(world, coordinator=ann, navigator=mal)
    ann.do(lambda session: standing.suspend(session, mal.device, "lost"))
    ann.sync()
    other: Any = next(item for item in bob.store.outbox(log) if not item.statement)
    body = encode_deposit(Deposit(([other.cose, cbor.decode(other.parts)],), 2**40))
    [answer] = decode_deposited(world.hosts[SIDE].deposit(mal.device, body)).answers
    assert answer.code == "no-such-file"
    assert waiting(ann) == {log: 2}
