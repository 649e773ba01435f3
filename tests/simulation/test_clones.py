"""Two copies of one device write: the second to be heard of freezes, shows what the log has, and keeps what was typed into it (I1, I2)."""

from collections.abc import Iterator

import pytest

from shared_schema import limits
from sync.fold import state_hash
from tests.simulation.pair import a_case, two, type_in
from tests.world import Phone, World, patched


@pytest.fixture
def world() -> Iterator[World]:
    with two() as made:
        yield made


def a_copy_that_was_first(world: World) -> tuple[Phone, Phone, Phone, bytes]:
    """Priya, Sam and a copy of Sam's phone, which has synced what was typed into it; what was typed into Sam's waits."""
    priya, sam, log = a_case(world)
    copy = sam.clone("Sam's copy")
    type_in(copy, log, "by the copy")
    copy.sync()
    type_in(sam, log, "by the original")
    return priya, sam, copy, log


def test_the_second_copy_freezes_and_loses_nothing(world: World) -> None:
    priya, sam, copy, log = a_copy_that_was_first(world)
    typed = next(iter(sam.journal.values()))
    sam.sync()

    assert sam.store.fact("frozen") == b"clone-detected"
    assert not copy.store.fact("frozen")
    kept = {evidence for *_, code, _, evidence in sam.store.alarms() if code == "repeated"}
    assert typed.body in kept
    priya.sync()
    assert state_hash(sam.session.records(log, pending=False)) == state_hash(priya.session.records(log, pending=False))
    assert priya.store.alarms() == []


def test_an_answer_has_room_for_so_many_of_the_others_entries(world: World) -> None:
    """A request of a few bytes for each was answered with a megabyte for each. What has no room is shown when it is asked for again."""
    _, sam, _, _ = a_copy_that_was_first(world)
    with patched(limits, "PAGE_BYTES", 10):
        sam.sync()
    assert not sam.store.fact("frozen")
    sam.sync()
    assert sam.store.fact("frozen") == b"clone-detected"


def test_a_restored_copy_that_is_behind_freezes_too(world: World) -> None:
    priya, sam, log = a_case(world)
    backup = sam.clone("Sam's backup")
    for words in ("one", "two"):
        type_in(sam, log, words)
        sam.sync()
    for words in ("three", "four", "five"):
        type_in(backup, log, words)
    backup.sync()

    assert backup.store.fact("frozen") == b"clone-detected"
    journal = {typed.body for typed in backup.journal.values()}
    kept = {evidence for *_, code, _, evidence in backup.store.alarms() if code == "repeated"}
    pending = {row.body for row in backup.store.all_changes(log) if row.seq is None}
    assert journal == kept | pending
    for phone in (sam, priya):
        phone.sync()
    assert state_hash(backup.session.records(log, pending=False)) == state_hash(priya.session.records(log, pending=False))
    type_in(sam, log, "six")
    sam.sync()
    assert not sam.store.fact("frozen")
