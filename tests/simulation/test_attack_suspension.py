"""Attacks on suspension: each test says what should hold."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest

import server.pages
from server.append import file_rules
from server.append.refusing import Signed
from shared_schema.certificate import Suspend, encode_registry_statement
from shared_schema.errors import Refused
from sync.device.exchanging.outbox import put_statement
from sync.device.people import files, standing
from tests.simulation.test_attack_holding import codes, note, reinstate, suspend
from tests.world import LATE, NONE, REPLY_LOST, REQUEST_LOST, World, patched

SIDE: Final = "perpetrator"


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Mal", "navigator")):
            made.enrol(SIDE, name, (role,))
        for phone in made.phones:
            phone.sync()
        yield made


def test_a_suspension_that_came_late_accuses_nobody(world: World) -> None:
    """Dropped as moot, then lifted by somebody else, then delivered by a slow network: no server is at fault, and the registry goes on."""
    ann, bob, mal = world.phones
    bob.do(lambda session: standing.suspend(session, mal.device, "lost"))
    bob.sync(LATE)
    suspend(world, ann, mal)
    bob.sync()  # moot now: dropped
    assert not bob.store.outbox()
    reinstate(ann, mal)
    assert world.deliver_late() == 1
    for phone in (bob, ann, bob):
        phone.sync()
    assert "contradiction" not in codes(bob)
    assert not bob.session.stopped(bob.session.registry.log)


def test_a_small_page_accuses_nobody() -> None:
    """I13: where the registry's page ends does not make an own suspension that stands a contradiction."""
    with World(sides=(SIDE,)) as world:
        ann, bob, mal = (world.enrol(SIDE, name, (role,)) for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Mal", "navigator")))
        for phone in world.phones:
            phone.sync()
        suspend(world, ann, mal)
        reinstate(ann, mal)
        bob.do(lambda session: standing.suspend(session, mal.device, "lost"))
        bob.sync(REPLY_LOST)
        assert mal.out
        with patched(server.pages, "_RESPONSE_BYTES", 1), patched(server.pages, "_PAGE_ROWS", 1):
            for _ in range(3):
                bob.sync()
        assert "contradiction" not in codes(bob)


def test_the_same_reply_lost_twice_by_an_honest_network(world: World) -> None:
    ann, bob, mal = world.phones
    bob.do(lambda session: standing.suspend(session, mal.device, "lost"))
    bob.sync(REPLY_LOST)
    reinstate(ann, mal)
    suspend(world, ann, mal)
    for phone in (bob, ann, bob):
        phone.sync()
    assert "contradiction" not in codes(bob)


def test_an_old_suspension_does_not_go_out_by_itself(world: World) -> None:
    """Mal, kept out, had asked to suspend Bob; weeks later Mal is let in again: Bob is not kept out by that."""
    ann, bob, mal = world.phones
    mal.offline = True
    mal.do(lambda session: standing.suspend(session, bob.device, "unsure"))
    mal.sync()
    mal.offline = False
    suspend(world, bob, mal)
    assert mal.sync() == "suspended"
    reinstate(ann, mal)
    mal.sync()
    assert not bob.out


def test_one_navigator_keeps_a_whole_side_out(world: World) -> None:
    """One unlocked phone ends the side: nobody is left who may lift it but with the authority's key."""
    ann, bob, mal = world.phones
    office = world.admins[SIDE]
    for target in (ann, bob, office):
        order = encode_registry_statement(Suspend(target.device, "unsure"))  # as an app that checks nothing sends it
        mal.do(lambda session, order=order: put_statement(session, session.registry.log, order))  # type: ignore[misc]
        mal.sync()
    assert not all(phone.out for phone in (ann, bob, office))


def test_held_without_a_reason_is_noticed(world: World) -> None:
    """A server that answers `held` to a device in good standing withholds its work: its person is told."""
    ann, bob, _mal = world.phones
    log = ann.do(lambda session: files.create_file(session, "case", {bob.user: "navigator"}))
    for phone in (ann, bob):
        phone.sync()
    note(bob, log, "never seen by anybody")

    def lies(_commit: Any, opened: Any, entry: Any, author: Any, **_: Any) -> None:
        if entry.author == bob.device and entry.is_envelope:
            raise Signed(Refused("held"))

    with patched(file_rules, "check_standing", lies):
        bob.sync()
    for phone in (ann, bob, ann, bob):
        phone.sync()
    assert bob.store.held() == 0 or codes(bob), "withheld, and nobody is told"


def test_a_device_that_does_not_stand_yet_suspends_nobody(world: World) -> None:
    """Its registry came in part only, without its own enrolment: a suspension would take the enrolment's number, and freeze it for ever."""
    mal = world.phones[2]
    with patched(server.pages, "_RESPONSE_BYTES", 1), patched(server.pages, "_PAGE_ROWS", 1):
        new = world.enrol(SIDE, "Nan", ("navigator",))
        new.sync(*[NONE] * 4, REQUEST_LOST)  # five of the six entries that its registry has
        assert not new.session.certified
        with suppress(Refused):
            new.do(lambda session: standing.suspend(session, mal.device, "lost"))
    for _ in range(3):
        new.sync()
    assert new.session.certified
    assert not new.store.fact("frozen")
