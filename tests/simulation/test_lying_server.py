"""Every lie of tests/simulation/lies.py, told about a file with two workers: seen, without effect, the evidence kept."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from shared_schema.wire import PageEntry
from sync.change import Op
from sync.device.people import files
from tests.simulation.lies import LIES, Stage, alarms, make_stage, must_recover, on_entries, on_page
from tests.world import Phone, World


@pytest.fixture(params=range(3))
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A case with two members, a rotation, and entries of both."""
    with World(request.param, sides=("perpetrator",)) as world:
        priya = world.enrol("perpetrator", "Priya", ("coordinator",))
        sam = world.enrol("perpetrator", "Sam", ("navigator",))
        noor = world.enrol("perpetrator", "Noor", ("navigator",))
        for phone in world.phones:
            phone.sync()
        log = priya.do(lambda session: files.create_file(session, "case", {sam.user: "navigator", noor.user: "navigator"}))
        for phone in (priya, sam, noor):
            phone.sync()
        task = sam.do(lambda session: session.write(log, None, "task", [Op("what", "set", "ring on Monday", ())]))
        sam.sync()
        priya.sync()
        priya.do(lambda session: session.write(log, task, "task", [Op("what", "set", "ring on Tuesday", ())]))
        priya.sync()
        priya.do(lambda session: files.remove_member(session, log, noor.user))
        for phone in (priya, sam, priya, sam):
            phone.sync()
        sam.do(lambda session: session.write(log, None, "task", [Op("what", "set", "after she left", ())]))
        for phone in (sam, priya, sam):
            phone.sync()
        made = make_stage(world, "perpetrator", Random(request.param))
        assert made is not None
        yield made


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_has_no_effect_and_leaves_its_evidence(stage: Stage, lie: str) -> None:
    LIES[lie](stage)


def flip_a_signature(stage: Stage) -> Phone:
    """A newcomer is served the last entry with one byte of its signature changed: the entry's id, chain and signed head stay as they are."""
    victim = stage.newcomer(stage.first)

    def flip(entries: list[PageEntry]) -> list[PageEntry]:
        data, parts = entries[-1].pair
        return [*entries[:-1], replace(entries[-1], pair=[data[:-1] + bytes([data[-1] ^ 1]), parts])]

    victim.wire.lie = on_page(stage.log, on_entries(flip))
    victim.sync()
    victim.wire.lie = None
    victim.sync()
    return victim


def test_an_entry_whose_signature_was_changed_is_not_lost(stage: Stage) -> None:
    """I2: an entry's id does not cover its signature, so a bad one is the server's fault, never the fold's verdict."""
    victim = flip_a_signature(stage)
    assert "contradiction" in alarms(victim)
    must_recover(stage, victim, stage.first)
