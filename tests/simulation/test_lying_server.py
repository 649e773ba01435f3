"""Every lie of tests/simulation/lies.py, told about a file with two workers: seen, without effect, the evidence kept."""

from collections.abc import Iterator
from random import Random

import pytest

from sync.change import Op
from sync.device import files
from tests.simulation.lies import LIES, Stage, make_stage
from tests.world import World


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
