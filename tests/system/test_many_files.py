"""How many files may name somebody, and how many statements a device may send."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_schema import limits
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.people import files
from sync.device.storage.tables import DEAD
from tests.live import Live
from tests.world import Phone, World, patched


class TestNobodyIsNamedInMoreFilesThanTheirPhoneCanAskFor:
    """Whoever was named in ten thousand could sync no more: the request has no room for so many cursors."""

    @pytest.fixture
    def world(self) -> Iterator[World]:
        with patched(limits, "FILES_PER_DEVICE", 4), World(5, sides=("perpetrator",)) as made:
            yield made

    @pytest.fixture
    def people(self, world: World) -> tuple[Phone, Phone]:
        sam, priya = (world.enrol("perpetrator", name, ("coordinator",)) for name in ("Sam", "Priya"))
        for one in (world.admins["perpetrator"], sam, priya):
            one.sync()
        return sam, priya

    def test_by_a_genesis(self, people: tuple[Phone, Phone]) -> None:
        sam, priya = people
        for _ in range(3):
            files.create_file(sam.session, "case", {priya.user: "coordinator"})
        sam.sync()
        files.create_file(sam.session, "case", {priya.user: "coordinator"})
        sam.sync()
        assert [row.code for row in sam.session.store.waiting()] == [f"{DEAD}person-full"]
        priya.sync()
        assert len(priya.session.file_logs()) == 3

    def test_at_once(self, people: tuple[Phone, Phone]) -> None:
        """In one transaction, before any of it is counted."""
        sam, priya = people
        for _ in range(6):
            files.create_file(sam.session, "case", {priya.user: "coordinator"})
        sam.sync()
        assert [row.dead for row in sam.session.store.waiting()] == [True] * 3
        priya.sync()
        assert len(priya.session.file_logs()) == 3

    def test_by_members(self, people: tuple[Phone, Phone]) -> None:
        """Files that somebody has left count too: the phone has them still. Who comes back into one takes no more room."""
        sam, priya = people
        logs = [files.create_file(priya.session, "case", {sam.user: "coordinator"}) for _ in range(3)]
        priya.sync()
        sam.sync()
        files.remove_member(sam.session, logs[0], priya.user)
        sam.sync()
        files.add_member(sam.session, logs[0], priya.user, "coordinator")
        sam.sync()
        assert sam.session.store.waiting() == []
        ruth = sam.world.enrol("perpetrator", "Ruth", ("coordinator",))
        for one in (sam.world.admins["perpetrator"], ruth, sam):
            one.sync()
        other = files.create_file(ruth.session, "case", {})
        ruth.sync()
        files.add_member(ruth.session, other, priya.user, "coordinator")
        ruth.session.write(other, None, "task", [Op("what", "set", "typed behind it", ())])
        ruth.sync()
        assert ruth.session.store.unsent() == 0, "what was typed behind it was held up, and nobody was told"
        assert ["NOT done" in text for _, _, _, _, code, text, _ in ruth.session.store.alarms() if code == "overtaken"] == [True]


def test_statements_of_a_day(tmp_path: Path) -> None:
    """A file that is rotated without end could grant nobody all its epochs any more."""
    live = Live(tmp_path, env={"FIELDKEEP_STATEMENTS_PER_DAY": "5"})
    try:
        sam, priya = live.enrol("Sam", ("coordinator",)), live.enrol("Priya", ("coordinator",))
        log = live.case(sam, (priya, "coordinator"))
        for _ in range(2):
            files.remove_member(sam, log, priya.identity.user)
            syncing.sync(sam, live.transport)
            files.add_member(sam, log, priya.identity.user, "coordinator")
            syncing.sync(sam, live.transport)
        files.remove_member(sam, log, priya.identity.user)
        syncing.sync(sam, live.transport)
        assert [row.code for row in sam.store.waiting()] == ["quota"]
        syncing.sync(priya, live.transport)
        files.remove_member(priya, log, sam.identity.user)
        assert syncing.sync(priya, live.transport).accepted == 1, "of another device it is another count"
    finally:
        live.close()
