"""What histories found, each as small as it gets."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

import server.pages
from server.append.commit import Delivery, Sender
from server.audit_log import Published
from server.realm import Realm
from shared_schema import ids
from shared_schema.entry import Witness
from shared_schema.errors import Refused
from shared_schema.wire import SyncRequest, SyncResponse
from sync import exchange
from sync.change import Op
from sync.device.entering import enrolment
from sync.device.money import funds
from sync.device.people import files, standing
from sync.device.session import Session
from tests.simulation.pair import SIDE, a_case, codes, two, type_in
from tests.world import DAY, HOUR, Phone, World, patched


@pytest.fixture
def world() -> Iterator[World]:
    with two() as made:
        yield made


def test_a_device_enrols_when_the_registry_takes_several_pages(world: World) -> None:
    """It was told that its code had been used before."""
    with patched(server.pages, "_RESPONSE_BYTES", 1500):
        noor = world.enrol(SIDE, "Noor", ("navigator",))
        assert not noor.session.certified
        noor.sync()
    assert noor.session.certified
    assert codes(noor) == []


def test_a_registry_that_ends_before_the_invitation_is_refused(world: World) -> None:
    """A server that hides what was revoked before an invitation: the code names the head that the inviter saw."""
    admin, victim = world.admins[SIDE], Phone(world, SIDE, "victim")
    admin.sync()
    older = world.fork(world.hosts[SIDE])
    admin.do(lambda session: standing.revoke(session, world.phones[1].device, "lost"))
    admin.sync()
    subject = admin.session.registry.devices[world.phones[1].device].subject
    code = enrolment.invite(admin.session, replace(subject, user=world.user(SIDE, "Theo"), name="Theo"), admin.now_ms() + DAY)
    victim.wire.host = older
    with pytest.raises(Refused, match="not the one that the inviter saw"):
        enrolment.enrol(victim.store, code, "phone", victim.wire, victim.now_ms, victim.entropy)
    with pytest.raises(Refused, match="no enrolled device"):
        Session(victim.store, victim.now_ms, victim.entropy)


def test_a_file_page_before_its_registry_page_is_not_judged(world: World) -> None:
    """Its genesis was void for ever, for want of the author's certificate."""
    _, sam, log = a_case(world)
    blank = sam.blank("Sam again")
    own = sam.session.registry.log

    def file_first(response: SyncResponse) -> SyncResponse:
        return replace(response, pages=tuple(page for page in response.pages if page.log != own))

    with patched(server.pages, "_RESPONSE_BYTES", 1500):
        blank.sync()
    blank.wire.lie = file_first
    blank.sync()
    blank.wire.lie = None
    blank.sync()
    assert codes(blank) == []
    assert blank.store.secrets(log) == sam.store.secrets(log)


def test_a_weekend_without_signal_is_not_an_audit_alarm(world: World) -> None:
    """What was served before the weekend is proved after it."""
    _, sam, log = a_case(world)
    type_in(sam, log, "on Friday")
    sam.sync()
    world.clock.advance(3 * DAY + HOUR)
    sam.sync()
    assert codes(sam) == []
    assert sam.store.due_proofs(10) == []


def test_a_receipt_takes_a_number_before_its_page_comes(world: World) -> None:
    """The next entry used the same number, and the device froze as a clone of itself."""
    priya, sam, log = a_case(world)
    for words in ("one", "two", "three"):
        type_in(priya, log, words)
        priya.sync()
    type_in(sam, log, "with the first page only")
    sam.wire.lie = lambda response: replace(response, pages=(), more=False)
    sam.sync()
    type_in(sam, log, "before the rest")
    sam.wire.lie = None
    sam.sync()
    assert codes(sam) == []
    assert sam.store.unsent() == 0


def test_a_second_device_without_keys_changes_nobody(world: World) -> None:
    """It ended in a KeyError."""
    priya, sam, log = a_case(world)
    tablet = world.enrol(SIDE, "Priya", ("coordinator", "fund_holder"), "Priya's tablet")
    tablet.sync()
    with pytest.raises(Refused) as refusal:
        tablet.do(lambda session: files.remove_member(session, log, sam.user))
    assert refusal.value.code == "no-standing"
    priya.sync()
    tablet.sync()
    tablet.do(lambda session: files.remove_member(session, log, sam.user))


def test_money_that_is_given_back_counts(world: World) -> None:
    """The ledger looked for it under another name than the form."""
    priya, sam = world.phones
    priya.sync()
    log = priya.do(lambda session: files.create_file(session, "fund", {sam.user: "navigator"}))
    priya.do(lambda session: funds.allot(session, log, 1000, "ministry", "2026"))
    record = priya.do(lambda session: funds.allow(session, log, sam.device, 400, "2027-03-31"))
    priya.sync()
    sam.sync()
    row = {"amount": 150, "at": {"at": "2026-11-02", "precision": "day"}}
    sam.do(lambda session: session.write(log, record, "allowance", [Op("returned", "add", row, ())]))
    fund = funds.fund(sam.session, log)
    assert (fund.remaining[sam.device], fund.unallocated) == (250, 750)
    assert fund.conserved


def test_a_tree_that_never_was_is_refused(world: World) -> None:
    """One author's invented audit checkpoint stopped every reader who knew the true one."""
    priya, sam, log = a_case(world)
    type_in(sam, log, "with an invented tree")
    invented = Witness(sam.session.identity.incarnation, 3, ids.sha256(b"invented"))
    with patched(Session, "witness", lambda _self: invented):
        report = sam.sync()
    assert not isinstance(report, str)
    assert [refusal.code for refusal in report.refused] == ["contradiction"]
    priya.sync()
    assert codes(priya) == []


def test_proofs_and_checkpoint_are_of_one_tree(world: World) -> None:
    """The writer publishes while an answer is being made: the answer stays with the tree that it began with."""
    priya, sam, log = a_case(world)
    seen = sam.session.witness()
    type_in(priya, log, "more")
    priya.sync()
    realm = world.hosts[SIDE].realm
    prove = Realm._proofs

    def meanwhile(self: Realm, request: SyncRequest, published: Published) -> object:
        proofs = prove(self, request, published)
        self.transact([lambda commit: self.deliver(commit, sam.device, [Delivery(log, 0, 1)])])
        self.sequence()
        return proofs

    with patched(Realm, "_proofs", meanwhile):
        response = realm.answer(SyncRequest(checkpoint=seen, prove=(0,)), Sender(sam.device, sam.user), None, [], more=False)
    witness = exchange.take_checkpoint(seen, response.checkpoint, response.consistency, sam.session.registry)
    assert realm.audit.published.size > witness.size > seen.size
