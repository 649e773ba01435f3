"""Priya and Sam share a case: the smallest scene in which something can go wrong between two devices."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sync.change import Op
from sync.device.people import files
from sync.fold import show
from tests.world import Phone, World

SIDE: Final = "perpetrator"


@contextmanager
def two() -> Iterator[World]:
    """A service with Priya, who coordinates and holds the fund, and Sam, who navigates."""
    with World(sides=(SIDE,)) as made:
        made.enrol(SIDE, "Priya", ("coordinator", "fund_holder"))
        made.enrol(SIDE, "Sam", ("navigator",))
        yield made


def a_case(world: World) -> tuple[Phone, Phone, bytes]:
    """Priya, Sam, and a case of Priya's that both hold."""
    priya, sam = world.phones
    for phone in (priya, sam):
        phone.sync()
    log = priya.do(lambda session: files.create_file(session, "case", {sam.user: "navigator"}))
    for phone in (priya, sam):
        phone.sync()
    return priya, sam, log


def type_in(phone: Phone, log: bytes, words: str) -> bytes:
    """A new task, not sent yet."""
    return phone.do(lambda session: session.write(log, None, "task", [Op("what", "set", words, ())]))


def codes(phone: Phone) -> list[str]:
    """Of its alarms, in order."""
    return [code for _, _, _, _, code, _, _ in phone.store.alarms()]


def words(phone: Phone, log: bytes) -> set[str]:
    """What stands in the tasks of a file."""
    found = (show(record, phone.session.types).get("what") for record in phone.session.records(log).values())
    return {one.value for one in found if one is not None}
