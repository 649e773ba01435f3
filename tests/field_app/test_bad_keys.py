"""A colleague's device that hands out wrong keys: a phone notices, closes what it has to, and everybody comes to the same again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared_schema import ids
from shared_schema.membership import encode_file_statement
from sync.device.exchanging import outbox, syncing
from sync.device.people import files
from sync.device.recording import records
from sync.device.session import Session
from sync.fold import state_hash
from sync.granting import Granter
from tests.field_app.phone import Phone
from tests.live import Live
from tests.world import patched


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    made = Live(tmp_path)
    yield made
    made.close()


@pytest.fixture
def phone(live: Live) -> Iterator[Phone]:
    with Phone(live.server.address) as made:
        yield made


def enrol(live: Live, phone: Phone, user: bytes) -> bytes:
    """The phone becomes a second device of that person; its id."""
    code = live.invite("Sam", ("navigator",), user=user)
    return ids.parse(phone.do("enrol", code=code.text(), label="Sam's phone")["device"])


def says(live: Live, session: Session, log: bytes, statement: Any) -> None:
    """A statement that no honest app makes, sent; nobody tends the file meanwhile."""
    with patched(syncing, "_tend", lambda *_: False):
        syncing.sync(session, live.transport)
        outbox.put_statement(session, log, encode_file_statement(statement))
        assert not syncing.sync(session, live.transport).refused


def granter(session: Session, log: bytes) -> Granter:
    return Granter(session.identity.svc, log, session.identity.device, session.registry)


def agree(live: Live, phone: Phone, log: bytes, *sessions: Session) -> set[str]:
    """All settle, and show the same; what the tasks say."""
    for _ in range(4):
        phone.do("sync")
        for session in sessions:
            syncing.sync(session, live.transport)
    row = next(row for row in phone.do("files") if row["file"] == ids.show(log))
    assert {row["state_hash"]} == {state_hash(session.records(log, pending=False)).hex() for session in sessions}
    assert row["pending"] == 0
    assert phone.do("reopen") == {"differs": []}
    return {one["fields"]["what"] for one in phone.do("records", file=ids.show(log))}


def test_a_grant_that_does_not_open(live: Live, phone: Phone) -> None:
    """The phone holds the file by the log, and cannot open its key: it signs a new one itself."""
    priya, sam = live.enrol("Priya", ("coordinator",)), live.enrol("Sam", ("navigator",))
    device = enrol(live, phone, sam.identity.user)
    syncing.sync(live.admins["perpetrator"], live.transport)
    log = live.case(priya, (sam, "navigator"))
    phone.do("sync")
    records.add(priya, log, "task", {"what": "before"})
    honest = Granter._grant

    def lies(self: Granter, to: bytes, cert: bytes, public: bytes, epochs: tuple[int, ...], secrets: Any) -> Any:
        return honest(self, to, cert, public, epochs, {one: bytes(range(32)) for one in epochs} if to == device else secrets)

    with patched(Granter, "_grant", lies):
        statement = granter(priya, log).new_epoch(priya.require_file(log), priya.store.secrets(log), secret := bytes([7] * 32))
    priya.store.put_secret(log, 2, secret)
    syncing.sync(priya, live.transport)
    says(live, priya, log, statement)
    phone.do("add", file=ids.show(log), type="task", values={"what": "by the phone"})
    assert agree(live, phone, log, priya, sam) == {"before", "by the phone"}
    assert "bad-grant" in {one["code"] for one in phone.do("status")["alarms"]}
    assert next(row["epoch"] for row in phone.do("files")) >= 3


def test_an_epoch_with_the_secret_of_another(live: Live, phone: Phone) -> None:
    """The later one opened first: what it opened is closed again when the earlier comes, and the phone's own words are sealed anew."""
    priya, sam = live.enrol("Priya", ("coordinator",)), live.enrol("Sam", ("navigator",))
    log = live.case(priya, (sam, "navigator"))
    records.add(priya, log, "task", {"what": "before"})
    for session in (priya, sam, priya):
        syncing.sync(session, live.transport)
    first = sam.store.secrets(log)[1]
    with patched(syncing, "_tend", lambda *_: False):
        enrol(live, phone, sam.identity.user)
        syncing.sync(sam, live.transport)
        says(live, sam, log, granter(sam, log).new_epoch(sam.require_file(log), {}, first))
    phone.do("sync")
    phone.do("add", file=ids.show(log), type="task", values={"what": "by the phone"})
    phone.do("sync")
    assert phone.do("status")["unsent"] == 0
    syncing.sync(priya, live.transport)
    files.grant_again(priya, log, sam.identity.user)
    assert agree(live, phone, log, priya, sam) == {"before", "by the phone"}
    assert "bad-grant" in {one["code"] for one in phone.do("status")["alarms"]}


def test_what_is_sent_in_the_very_sync_that_closes_its_epoch(live: Live, phone: Phone) -> None:
    """It was taken for good, and nobody else ever read it: it is sealed anew."""
    priya, sam = live.enrol("Priya", ("coordinator",)), live.enrol("Sam", ("navigator",))
    log = live.case(priya, (sam, "navigator"))
    for session in (priya, sam, priya):
        syncing.sync(session, live.transport)
    first = sam.store.secrets(log)[1]
    with patched(syncing, "_tend", lambda *_: False):
        device = enrol(live, phone, sam.identity.user)
        syncing.sync(sam, live.transport)
        says(live, sam, log, granter(sam, log).new_epoch(sam.require_file(log), {}, first))
        sam.store.put_secret(log, 2, first)
        phone.do("sync")
        syncing.sync(sam, live.transport)
        says(live, sam, log, granter(sam, log).more_grants(sam.require_file(log), {1: first, 2: first}, [device]))
    phone.do("add", file=ids.show(log), type="task", values={"what": "by the phone"})
    phone.do("sync")
    assert agree(live, phone, log, priya, sam) == {"by the phone"}
