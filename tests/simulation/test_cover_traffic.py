"""Cover traffic: what a server sees of a file does not follow what is written in it (docs/spec.md §9.7)."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from shared_schema import cbor
from shared_schema.entry import decode_entry
from shared_schema.errors import Refused
from sync.cover_traffic import DAY_MS, HOUR_MS, SIZES
from sync.device.exchanging import covering, outbox, syncing, traffic
from sync.device.people import files
from tests.simulation.test_expunged_while_held import note, said
from tests.world import Phone, World

SIDE: Final = "perpetrator"
SEALED: Final = [size + 48 for size in SIZES]  # salt and tag


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Cid", "navigator")):
            made.enrol(SIDE, name, (role,))
        yield made


def covered(world: World) -> tuple[Phone, Phone, bytes, bytes]:
    """Two people in two files, one of them busy, and cover traffic on, from 18:00; it is after that on the first day."""
    ann, bob, cid = world.phones
    for phone in (ann, bob):
        phone.sync()
    people = {bob.user: "navigator", cid.user: "navigator"}
    busy, quiet = (ann.do(lambda session: files.create_file(session, "case", people)) for _ in range(2))
    world.clock.advance((18 * HOUR_MS - world.clock() % DAY_MS) % DAY_MS + HOUR_MS)
    turn(world, 18)
    for phone in (ann, bob, ann):
        phone.sync()
    return ann, bob, busy, quiet


def turn(world: World, hour: int | None) -> None:
    admin = world.admins[SIDE]
    admin.sync()
    admin.do(lambda session: traffic.turn(session, hour))
    admin.sync()


def seen(world: World, log: bytes, device: bytes) -> list[list[int]]:
    """What the server has of a device's envelopes in a file: the sizes of their parts."""
    rows = world.hosts[SIDE].rows("SELECT cose, parts FROM entry WHERE log_id = ? ORDER BY seq", log)
    entries = [decode_entry(cose, cbor.decode(parts)) for cose, parts in rows]
    return [[len(part or b"") for part in one.parts] for one in entries if one.author == device and one.is_envelope]


def alarms(phone: Phone) -> set[str]:
    return {row[4] for row in phone.session.store.alarms()}


def shapes(world: World, phone: Phone, *logs: bytes) -> list[Any]:
    return [seen(world, log, phone.device) for log in logs]


def test_a_day_is_one_envelope_of_one_shape(world: World) -> None:
    """A busy file and a quiet one look alike for a week; all that was written is there a day later at the most."""
    ann, bob, busy, quiet = covered(world)
    for day in range(7):
        for hour in range(6):
            if (day + hour) % 3 == 0:
                note(bob, busy, "w" * (37 * day + 100 * hour))
            bob.sync()
            world.clock.advance(4 * HOUR_MS)
    bob.sync()
    ann.sync()
    first, second = shapes(world, bob, busy, quiet)
    assert first == second == [SEALED] * 8
    assert len(said(ann, busy)) == 14
    assert said(ann, quiet) == []
    assert alarms(ann) == {"cover-traffic"}


def test_what_is_written_waits_for_its_hour(world: World) -> None:
    ann, bob, busy, _ = covered(world)
    bob.sync()
    note(bob, busy, "later")
    bob.sync()
    ann.sync()
    assert said(ann, busy) == []
    assert covering.waits(bob.session) == 1
    world.clock.advance(DAY_MS)
    bob.sync()
    ann.sync()
    assert said(ann, busy) == ["later"]
    assert covering.waits(bob.session) == 0


def test_a_person_may_not_wait(world: World) -> None:
    """`sync --now`: in the same shape, and the day's own envelope still comes."""
    ann, bob, busy, _ = covered(world)
    note(bob, busy, "now")
    bob.do(lambda session: syncing.sync(session, bob.wire, at_once=True))
    ann.sync()
    assert said(ann, busy) == ["now"]
    assert shapes(world, bob, busy) == [[SEALED, SEALED]]


def test_more_than_a_day_holds_takes_another_envelope(world: World) -> None:
    ann, bob, busy, _ = covered(world)
    words = [f"{n:03}" + "x" * 150 for n in range(7)]
    for one in words:
        note(bob, busy, one)
    note(bob, busy, "y" * 6_000)
    world.clock.advance(DAY_MS)
    bob.sync()
    ann.sync()
    assert said(ann, busy) == sorted([*words, "y" * 6_000])
    sizes = shapes(world, bob, busy)[0]
    assert all(one[:10] == SEALED for one in sizes)
    assert [len(one) for one in sizes].count(11) == 1


def test_a_refused_day_is_sealed_again(world: World) -> None:
    """Its epoch was closed while it was on its way: nothing of it is lost, and the day has its envelope."""
    ann, bob, busy, quiet = covered(world)
    world.clock.advance(DAY_MS)
    note(bob, busy, "in between")
    bob.do(outbox.seal_pending)
    ann.do(lambda session: files.remove_member(session, busy, world.phones[2].user))
    ann.sync()
    bob.sync()
    ann.sync()
    assert said(ann, busy) == ["in between"]
    first, second = shapes(world, bob, busy, quiet)
    assert first == second == [SEALED] * 2


def test_everybody_is_told_and_it_ends(world: World) -> None:
    ann, bob, busy, quiet = covered(world)
    assert alarms(bob) == {"cover-traffic"}
    turn(world, None)
    note(bob, busy, "as before")
    bob.sync()
    bob.sync()
    ann.sync()
    assert said(ann, busy) == ["as before"]
    assert len(shapes(world, bob, quiet)[0]) == 1


def test_who_is_no_administrator_turns_nothing(world: World) -> None:
    ann, _, _, _ = covered(world)
    with pytest.raises(Refused, match="administrator"):
        traffic.turn(ann.session, None)
    with pytest.raises(Refused, match="already"):
        traffic.turn(world.admins[SIDE].session, 18)


def test_a_day_of_long_notes_is_taken(world: World) -> None:
    """What has no part of the day's sizes goes behind them, in as many envelopes as an entry's size asks for."""
    ann, bob, busy, _ = covered(world)
    words = [f"{n:03}" + "z" * 7_900 for n in range(140)]
    for one in words:
        note(bob, busy, one)
    world.clock.advance(DAY_MS)
    bob.sync()
    ann.sync()
    assert said(ann, busy) == words
    assert len(shapes(world, bob, busy)[0]) > 2
