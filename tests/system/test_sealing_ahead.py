"""A backlog is sealed while the server is at work on what went before, and no more of it than the next push takes."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared_schema import limits
from shared_schema.errors import Refused
from shared_schema.wire import SyncRequest, encode_request
from sync.change import Op
from sync.device.attaching import attachments
from sync.device.exchanging import outbox, syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.session import Session
from tests.live import Live, OnlySyncs

NOTES = 2_300  # more than two pages of changes, and pushes of four sizes
WORDS = "x" * 600


class Watched(OnlySyncs):
    """A transport that leaves the device time, and says how much of it was used; it loses the answer of its `lose`th sync."""

    def __init__(self, inner: HttpTransport, session: Session, lose: int = 0) -> None:
        self.inner, self.session, self.lose = inner, session, lose
        self.syncs: list[int] = []
        self.sealed_meanwhile: list[int] = []

    def sync(self, session: Session, body: bytes) -> bytes:
        self.syncs.append(len(body))
        answer = self.inner.sync(session, body)
        if len(self.syncs) == self.lose:
            raise Refused("offline", "lost on the way")
        return answer

    def sync_while(self, session: Session, body: bytes, work: Callable[[], None]) -> bytes:
        before = unsealed(session)
        answer = self.sync(session, body)
        work()
        self.sealed_meanwhile.append(before - unsealed(session))
        return answer


def unsealed(session: Session) -> int:
    return sum(len(session.store.unsealed(log)) for log in session.store.logs_with_unsealed())


def backlog(session: Session, log: bytes, notes: int = NOTES, each: str = WORDS) -> dict[bytes, str]:
    typed = {}
    with session.store.transaction():
        for number in range(notes):
            words = f"{number} {each}"
            typed[session.write(log, None, "case_note", [Op("body", "set", words, ())])] = words
    return typed


def must_have_all(session: Session, log: bytes, typed: dict[bytes, str]) -> None:
    records = session.records(log)
    assert {record: [op.value for op in records[record].registers["body"].live.values()] for record in typed} == {
        one: [words] for one, words in typed.items()
    }
    changes = [(row.device, row.c) for row in session.store.all_changes(log)]
    assert len(changes) == len(set(changes)) == len(typed)


@pytest.fixture
def sam(live: Live) -> Session:
    return live.enrol("Sam", ("navigator",))


def test_a_backlog(live: Live, sam: Session) -> None:
    """It arrives whole and once, in the order in which it was typed; most of it was sealed while the server worked, and none in two goes."""
    priya = live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))
    typed = backlog(sam, log)
    way = Watched(live.transport, sam)
    syncing.sync(sam, way)
    assert sam.store.unsent() == 0
    assert sum(way.sealed_meanwhile) > NOTES // 2
    syncing.sync(priya, live.transport)
    must_have_all(priya, log, typed)
    counters = [row.c for row in priya.store.all_changes(log) if row.device == sam.identity.device]
    assert counters == sorted(counters)


def test_an_answer_that_is_lost_meanwhile(live: Live, sam: Session) -> None:
    """What was sealed stays as it is, and goes with the next sync; the server's receipts are the first ones."""
    log = live.case(sam)
    typed = backlog(sam, log)
    with pytest.raises(Refused, match="lost on the way"):
        syncing.sync(sam, Watched(live.transport, sam, lose=2))
    kept = {item.id for item in sam.store.outbox()}
    assert kept
    syncing.sync(sam, live.transport)
    assert sam.store.unsent() == 0
    assert kept <= {row.id for row in sam.store.entries(log)}
    must_have_all(sam, log, typed)


def test_no_more_than_goes_next(live: Live, sam: Session) -> None:
    """What waits longer may yet be sealed by a newer key: after the first push most is not sealed."""
    log = live.case(sam)
    backlog(sam, log)
    with pytest.raises(Refused, match="lost on the way"):
        syncing.sync(sam, Watched(live.transport, sam, lose=1))
    assert unsealed(sam) > NOTES // 2


def test_what_holds_one_file_up_holds_up_no_other(live: Live, sam: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose entries the server does not take now, with a larger backlog than a push: the other file's note is sent all the same."""
    stuck, other = sorted([live.case(sam), live.case(sam)])  # the one that holds up is sealed first
    backlog(sam, stuck, 300, WORDS * 70)
    real = attachments.claim
    monkeypatch.setattr(attachments, "claim", lambda *given: real(*given) | {stuck})
    [record] = backlog(sam, other, 1)
    syncing.sync(sam, live.transport)
    assert unsealed(sam) + sum(item.log == stuck for item in sam.store.waiting()) > 0, "it is still here"
    assert record in sam.records(other)
    assert all(row.seq for row in sam.store.all_changes(other))


def test_who_was_not_heard_for_long_seals_nothing_first(live: Live, sam: Session) -> None:
    log = live.case(sam)
    backlog(sam, log, 3)
    outbox.seal_pending(sam)
    backlog(sam, log, 3)
    sam.store.set_fact("synced_ms", b"1")
    sealed_at_first: list[int] = []

    class First(Watched):
        def sync(self, session: Session, body: bytes) -> bytes:
            sealed_at_first.append(unsealed(session))
            return super().sync(session, body)

    way = First(live.transport, sam)
    syncing.sync(sam, way)
    assert sealed_at_first[0] == 3
    assert way.sealed_meanwhile == [], "and not while it asks"
    assert sam.store.unsent() == 0


def test_the_answer_comes_in_a_thread_of_its_own(live: Live, sam: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP the device does its own work meanwhile; what goes wrong there is raised there, and refusals where they were asked for."""
    done: list[float] = []
    asked: list[float] = []
    real = live.transport.signed

    def slow(*given: Any) -> bytes:
        answer = real(*given)
        while not done:
            time.sleep(0.001)
        asked.append(time.monotonic())
        return answer

    monkeypatch.setattr(live.transport, "signed", slow)
    body = encode_request(SyncRequest(cursors=()))
    live.transport.sync_while(sam, body, lambda: done.append(time.monotonic()))
    assert done[0] <= asked[0]

    def fails() -> None:
        done.append(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        live.transport.sync_while(sam, body, fails)
    with pytest.raises(Refused):
        live.transport.sync_while(sam, b"no request", lambda: done.append(0))


def test_room(live: Live, sam: Session) -> None:
    """Sealing stops behind the entry that fills the room; without any, all is sealed."""
    log = live.case(sam)
    backlog(sam, log)
    first = outbox.seal_pending(sam, room=1)
    [item] = sam.store.waiting(log)
    assert 0 < first < NOTES
    assert item.size <= limits.ENTRY_BYTES
    assert outbox.seal_pending(sam, room=1, but={log}) == 0
    assert outbox.seal_pending(sam) == NOTES - first
    assert unsealed(sam) == 0
    assert len(sam.store.waiting(log)) == -(-NOTES // first), "as few entries as hold it: the end of a page is not one by itself"
