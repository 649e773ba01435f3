"""Small wrongs between a device and what it is told: a dropped revocation, a lost reply, a view that cannot be, one file too much."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.append import order
from shared_schema.certificate import Keys, Subject
from shared_schema.entry import ENVELOPE, Head, decode_entry, entry_header, envelope_payload
from shared_schema.errors import Malformed, Refused
from shared_schema.wire import Answer
from sync import keys, registry, sealing
from sync.change import DELETED, Change, Op, encode_part
from sync.device.entering import enrolment
from sync.device.exchanging import outbox, syncing
from sync.device.people import files, standing
from sync.keys import ReceivingKey
from sync.signing import sign_object
from tests.simulation.pair import SIDE, a_case, codes, two, type_in
from tests.world import DAY, REPLY_LOST, START_MS, YEAR, Phone, World, patched


@pytest.fixture
def world() -> Iterator[World]:
    with two() as made:
        yield made


def test_a_dropped_revocation_shown_later_freezes_nobody(world: World) -> None:
    """Two administrators revoke one device; the second's is dropped, and its number is used again (spec §3.1)."""
    _, sam, _ = a_case(world)
    first, second = world.admins[SIDE], world.enrol(SIDE, "Second office", ("administrator",))
    noor = world.enrol(SIDE, "Noor", ("navigator",))
    for office in (first, second):
        office.sync()
        office.do(lambda session: standing.revoke(session, sam.device, "lost"))
    first.sync()
    own = second.session.registry.log
    dropped = second.store.outbox(own)[0]
    second.sync()
    second.do(lambda session: standing.revoke(session, noor.device, "stolen"))
    assert second.store.outbox(own)[0].sq == dropped.sq
    second.wire.lie = lambda response: replace(
        response, answers=(Answer(response.answers[0].id, "clone-detected", "two", None, [dropped.cose, []]),), receipts=(), openings=(), pages=()
    )
    second.sync()
    assert not second.store.fact("frozen")
    assert "contradiction" in codes(second)


def test_enrolling_again_after_a_lost_reply_may_name_the_device_anew(world: World) -> None:
    admin = world.admins[SIDE]
    subject = Subject(world.user(SIDE, "Vera"), "Vera", "Pilot", ("navigator",), START_MS + YEAR)
    code = enrolment.decode_code(enrolment.invite(admin.session, subject, admin.now_ms() + DAY).text())
    vera = Phone(world, SIDE, "Vera")
    vera.wire.faults = [REPLY_LOST]
    with pytest.raises(Refused, match="could not be reached"):
        enrolment.enrol(vera.store, code, "phone", vera.wire, vera.now_ms, vera.entropy)
    session = enrolment.enrol(vera.store, code, "Vera's phone", vera.wire, vera.now_ms, vera.entropy)
    assert session.registry.devices[session.identity.device].keys.label == "phone", "what was sent first"


def test_a_change_cannot_have_seen_its_own_place(world: World) -> None:
    """A member and a server together: a deletion that claims to have seen everything to come is a hole."""
    priya, sam, log = a_case(world)
    record = type_in(priya, log, "Priya's task")
    for phone in (priya, sam):
        phone.sync()
    far = 2**53 - 1
    who, session = outbox.author(sam.session, log), sam.session
    protected = entry_header(
        ENVELOPE, author=sam.device, svc=who.svc, log=log, sq=who.sq + 1, pv=who.pv, sn=Head(bytes(16), far, bytes(32)), ck=who.ck, epoch=1
    )
    change = Change(record, "task", 1, 1, far, 0, (Op(DELETED, "delete", True, ()),))
    parts = sealing.seal_parts(
        session.store.secrets(log)[1], keys.context(who.svc, log, 1), sam.device, who.sq + 1, protected, [encode_part([change])], sam.entropy
    )
    entry = decode_entry(sign_object(session.sign_key, protected, envelope_payload(parts)), parts)
    host = world.hosts[SIDE]
    with patched(order, "check_seen", lambda *_: None):
        assert host.push(([entry.cose, list(entry.parts)],), host.sender(sam.device)).answers[0].code == "accepted"
    priya.sync()
    assert "contradiction" in codes(priya), "nobody can have seen what no incarnation of this side ever had"
    assert not priya.session.record(log, record).hidden


def test_a_file_whose_keys_cannot_be_granted_keeps_none_of_the_others_waiting(world: World) -> None:
    priya, sam, log = a_case(world)
    other = priya.do(lambda session: files.create_file(session, "case", {sam.user: "navigator"}))
    for phone in (priya, sam, priya):
        phone.sync()
    tablet = world.enrol(SIDE, "Sam", ("navigator",), "Sam's tablet")
    tablet.sync()
    before = syncing._tend_file

    def tend(session: object, one: bytes, *rest: object) -> bool:
        if one == log:
            raise Malformed("too many epochs for one entry")
        return before(session, one, *rest)  # type: ignore[arg-type]

    with patched(syncing, "_tend_file", tend):
        report = priya.sync()
    assert not isinstance(report, str)
    assert report.granted == 1
    tablet.sync()
    assert tablet.store.secrets(other)
    assert "malformed" in codes(priya)


def test_no_device_may_bear_the_recovery_keys_id(world: World) -> None:
    admin, sam = world.admins[SIDE], world.phones[1]
    admin.sync()
    known = admin.session.registry
    own = Keys(known.recovery_id, "phone", secrets.token_bytes(32), sam.session.receive_key.public)
    entry = decode_entry(next(iter(admin.store.entries(known.log))).cose)
    with patched(registry, "check_sign_key", lambda _key: None), pytest.raises(Refused, match="certified"):
        registry._certified(known, entry, known.devices[sam.device].subject, replace(own, receive=ReceivingKey(secrets.token_bytes(32)).public))
