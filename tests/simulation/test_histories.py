"""Three hundred histories, in chunks that pytest-xdist can share out. `python -m tests.simulation` plays any number more."""

from collections import Counter

import pytest

from sync.change import Op
from sync.device.people import files
from tests.simulation.checks import check_audit, check_quiet
from tests.simulation.history import History
from tests.world import World

CHUNKS, EACH = 20, 15
MET_IN_EVERY_CHUNK = ("changes", "statements", "conflicts", "sync", "attack", "lie", "clash", "die")


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_histories_hold(chunk: int) -> None:
    tally: Counter[str] = Counter()
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        history = History(seed)
        history.run()
        tally += history.tally
    missed = [name for name in MET_IN_EVERY_CHUNK if not tally[name]]
    assert not missed, f"{EACH} histories went by without any {missed}: they prove little"


def test_a_tree_of_several_tiles() -> None:
    """I9 over more leaves than a history makes: every checkpoint and proof on the way was verified by a device."""
    with World(sides=("perpetrator",)) as world:
        phones = [world.enrol("perpetrator", name, ("coordinator",)) for name in ("Priya", "Noor")]
        for phone in phones:
            phone.sync()
        log = phones[0].do(lambda session: files.create_file(session, "case", {phones[1].user: "coordinator"}))
        for phone in phones:
            phone.sync()
        for n in range(140):
            ops = [Op("what", "set", f"{n} times", ())]
            for phone in phones:
                phone.do(lambda session, ops=ops: session.write(log, None, "task", ops))  # type: ignore[misc]
                phone.sync()
        assert check_audit(world.hosts["perpetrator"], phones) > 2 * 256
        for phone in phones * 2:
            phone.sync()
        for phone in phones:
            check_quiet(phone)
            assert phone.store.due_proofs(10) == []


def test_the_same_seed_is_the_same_history() -> None:
    """Steps and logical outcome, in memory and, where the seed says so, in files."""
    on_disk = next(seed for seed in range(1000) if History(seed).on_disk)
    for seed in (3, on_disk):
        assert History(seed).run() == History(seed).run()
