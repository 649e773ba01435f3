"""A member gives wrong keys, or a server shows two registries: whoever reads agrees, and is told."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared_schema.membership import encode_file_statement
from shared_schema.wire import Page, SyncResponse
from sync import sealing
from sync.device.cli.status import _status
from sync.device.entering import enrolment
from sync.device.exchanging import outbox, syncing
from sync.device.people import files, standing
from sync.fold import state_hash
from sync.granting import Granter
from tests.simulation.pair import SIDE, a_case, codes, two, type_in, words
from tests.world import DAY, Phone, World, patched


@pytest.fixture
def world() -> Iterator[World]:
    with two() as made:
        yield made


def granter(phone: Phone, log: bytes) -> Granter:
    return Granter(phone.session.identity.svc, log, phone.device, phone.session.registry)


def says(phone: Phone, log: bytes, statement: Any) -> None:
    with patched(syncing, "_tend", lambda *_: False):
        phone.do(lambda session: outbox.put_statement(session, log, encode_file_statement(statement)))
        phone.sync()


def settle(*phones: Phone) -> None:
    for phone in phones * 3:
        phone.sync()


def an_epoch_that_repeats(world: World) -> tuple[Phone, Phone, Phone, bytes, bytes]:
    """Priya, Sam and Sam's tablet, and a case whose second epoch Sam began with the secret of the first, which is given too."""
    priya, sam, log = a_case(world)
    type_in(priya, log, "by Priya")
    settle(priya, sam)
    first = sam.store.secrets(log)[1]
    tablet = world.enrol(SIDE, "Sam", ("navigator",), "Sam's tablet")
    with patched(syncing, "_tend", lambda *_: False):
        tablet.sync()
        sam.sync()
    says(sam, log, granter(sam, log).new_epoch(sam.session.require_file(log), {}, first))
    return priya, sam, tablet, log, first


def both_read_all(priya: Phone, tablet: Phone, log: bytes) -> None:
    assert tablet.store.unsent() == 0
    assert words(priya, log) == words(tablet, log) == {"by Priya", "by the tablet"}
    assert state_hash(priya.session.records(log)) == state_hash(tablet.session.records(log))


def test_of_two_epochs_with_one_secret_the_later_is_wrong(world: World) -> None:
    """Whoever had the later one first closes it again when the earlier comes, and all agree (spec §7.3)."""
    priya, sam, log = a_case(world)
    type_in(priya, log, "written before")
    settle(priya, sam)
    first = sam.store.secrets(log)[1]
    says(sam, log, granter(sam, log).new_epoch(sam.session.require_file(log), sam.store.secrets(log), first))
    sam.store.put_secret(log, 2, first)
    settle(priya, sam)
    assert "bad-grant" in codes(priya)
    assert priya.session.require_file(log).epoch == 3, "who cannot open the current epoch signs a new one"
    tablet = world.enrol(SIDE, "Sam", ("navigator",), "Sam's tablet")
    tablet.sync()
    with patched(syncing, "_tend", lambda *_: False):
        sam.sync()
    known = {**sam.store.secrets(log), 2: first}
    del known[1]
    says(sam, log, granter(sam, log).more_grants(sam.session.require_file(log), known))
    tablet.sync()
    assert words(tablet, log) == set()
    assert any("member grant" in one for one in _status(tablet.session, everything=False)["needs_you"])
    priya.sync()
    priya.do(lambda session: files.grant_again(session, log, sam.user))
    settle(priya, tablet)
    assert sorted(tablet.store.secrets(log)) == [1, 3]
    assert words(tablet, log) == {"written before"}
    assert state_hash(priya.session.records(log)) == state_hash(tablet.session.records(log))
    assert not any("member grant" in one for one in _status(tablet.session, everything=False)["needs_you"])


def test_what_a_device_wrote_itself_under_such_an_epoch_is_sealed_anew(world: World) -> None:
    priya, sam, tablet, log, _ = an_epoch_that_repeats(world)
    with patched(syncing, "_tend", lambda *_: False):
        tablet.sync()
        type_in(tablet, log, "by the tablet")
        tablet.sync()
    assert sorted(tablet.store.secrets(log)) == [2]
    assert tablet.store.unsent() == 0
    settle(priya)
    priya.do(lambda session: files.grant_again(session, log, sam.user))
    settle(priya, tablet, sam)
    assert 2 not in tablet.store.secrets(log)
    both_read_all(priya, tablet, log)


def test_what_is_sent_in_the_very_sync_that_closes_its_epoch_is_sealed_anew(world: World) -> None:
    """It was taken for good on the device that wrote it, and nobody else ever read it."""
    priya, sam, tablet, log, first = an_epoch_that_repeats(world)
    sam.store.put_secret(log, 2, first)
    with patched(syncing, "_tend", lambda *_: False):
        tablet.sync()
        sam.sync()
        says(sam, log, granter(sam, log).more_grants(sam.session.require_file(log), {1: first, 2: first}, [tablet.device]))
        type_in(tablet, log, "by the tablet")
        tablet.sync()
    settle(priya, tablet, sam)
    both_read_all(priya, tablet, log)


def test_keys_that_are_held_already_open_nothing_again(world: World) -> None:
    """One member could keep a colleague's phone busy with the whole log, statement by statement."""
    priya, sam, log = a_case(world)
    type_in(sam, log, "one")
    settle(sam, priya)
    opened: list[int] = []
    real = sealing.open_part
    says(sam, log, granter(sam, log).more_grants(sam.session.require_file(log), sam.store.secrets(log), [priya.device]))

    def open_part(*given: Any) -> bytes:
        opened.append(1)
        return real(*given)

    with patched(sealing, "open_part", open_part):
        priya.sync()
    assert opened == []


def test_a_statement_on_another_registry_is_a_contradiction(world: World) -> None:
    """Priya is shown the revocation of Noor's stolen phone, Sam is shown somebody's enrolment in its place: Sam grants nobody a key."""
    priya, sam, log = a_case(world)
    noor = world.enrol(SIDE, "Noor", ("navigator",))
    settle(noor, priya, sam)
    priya.do(lambda session: files.add_member(session, log, noor.user, "navigator"))
    settle(priya, sam, noor)
    left = world.hosts[SIDE]
    right = world.fork(left)
    office = world.admins[SIDE]
    office.sync()
    other = office.clone("the office on the right")
    other.wire.host = right
    office.do(lambda session: standing.revoke(session, noor.device, "stolen"))
    office.sync()
    subject = replace(other.session.registry.devices[sam.device].subject, user=world.user(SIDE, "Vera"), name="Vera")
    code = enrolment.decode_code(enrolment.invite(other.session, subject, other.now_ms() + DAY).text())
    vera = Phone(world, SIDE, "Vera")
    vera.wire.host = right
    enrolment.enrol(vera.store, code, "phone", vera.wire, vera.now_ms, vera.entropy)
    priya.sync()
    type_in(priya, log, "written after the theft")
    priya.sync()
    shown: dict[bytes, Page] = {}

    def look(response: SyncResponse) -> SyncResponse:
        shown.update({page.log: page for page in response.pages})
        return response

    spy = sam.clone("a look at the left")
    spy.wire.host, spy.wire.lie = left, look
    spy.sync()
    sam.wire.host = right
    sam.wire.lie = lambda response: replace(response, pages=(*(page for page in response.pages if page.log != log), shown[log]))
    report = sam.sync()
    assert not isinstance(report, str)
    assert [one for one, _ in report.contradictions] == [log]
    assert sam.session.stopped(log) == "contradiction"
    assert sam.store.outbox(log) == []
