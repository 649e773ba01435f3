"""What a server says of itself and cannot show: receipts, refusals and logs that are none. Nothing typed is lost to it, and nothing is believed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import server.pages
from server.append import file_rules
from shared_schema import ids, limits
from shared_schema.entry import Entry, Head, decode_entry
from shared_schema.membership import encode_file_statement
from shared_schema.receipt import HEAD, RECEIPT, VERDICT, Item, head_payload, receipt_payload, verdict_payload
from shared_schema.wire import Answer, Page, SyncResponse, decode_request, encode_request
from sync import membership
from sync.device.exchanging import outbox
from sync.device.people import files, standing
from sync.device.recording import finding
from sync.granting import Granter
from tests.simulation.pair import SIDE, a_case, codes, two, type_in, words
from tests.world import DAY, NONE, REQUEST_LOST, Phone, World, patched


@pytest.fixture
def world() -> Iterator[World]:
    with two() as made:
        yield made


class Swallowing:
    """From now on the server sees nothing of what `phone` pushes, and answers by `lie`, which gets what was pushed. `end` makes it honest."""

    def __init__(self, phone: Phone, lie: Any) -> None:
        self.phone, self.honest, self.thrown = phone, phone.wire.sync, list[Entry]()

        def swallow(session: Any, body: bytes) -> bytes:
            asked = decode_request(body)
            self.thrown = [decode_entry(cose, parts) for cose, parts in asked.push]
            return self.honest(session, encode_request(replace(asked, push=())))

        phone.wire.sync = swallow  # type: ignore[method-assign]
        phone.wire.lie = lambda response: lie(response, self.thrown) if self.thrown else response

    def end(self) -> None:
        self.phone.wire.sync, self.phone.wire.lie = self.honest, None  # type: ignore[method-assign]


def receipt(world: World, entries: list[Entry], first: int) -> bytes:
    realm, now = world.hosts[SIDE].realm, world.clock.now_ms
    items = [Item(entry.id, seq, now) for seq, entry in enumerate(entries, first)]
    return realm.sign(RECEIPT, receipt_payload(entries[0].log, realm.incarnation, items, items[-1].seq, bytes(32)))


class TestReceipts:
    """Spec §9.3: an entry leaves the outbox when a receipt names it and the log shows it."""

    def test_a_revocation_that_never_comes_is_told_and_sent_again(self, world: World) -> None:
        _, sam, _ = a_case(world)
        admin = world.admins[SIDE]
        admin.sync()
        admin.do(lambda session: standing.revoke(session, sam.device, "stolen"))
        place, given = admin.session.registry.seq + 1, list[bytes]()

        def lie(response: SyncResponse, thrown: list[Entry]) -> SyncResponse:
            given.append(given[0] if given else receipt(world, thrown, place))
            return replace(response, answers=tuple(Answer(one.id, "accepted") for one in thrown), receipts=(given[0],))

        lying = Swallowing(admin, lie)
        admin.sync()
        assert admin.store.unsent() == 1
        assert codes(admin) == []
        world.clock.advance(limits.INCLUSION_MS + 1)
        admin.sync()
        assert codes(admin) == ["withheld"]
        lying.end()
        admin.sync()
        assert admin.store.unsent() == 0
        assert world.hosts[SIDE].realm.known().devices[sam.device].revoked is not None

    def test_a_head_behind_a_receipt_is_a_contradiction(self, world: World) -> None:
        priya, sam, log = a_case(world)
        type_in(priya, log, "one")
        end = priya.session.reader(log).log.head.seq
        lying = Swallowing(priya, lambda response, thrown: replace(response, receipts=(receipt(world, thrown, end + 5),)))
        priya.sync()
        lying.end()
        type_in(sam, log, "two")
        sam.sync()
        priya.wire.faults.clear()
        report = priya.sync()
        assert not isinstance(report, str)
        assert [one for one, _ in report.contradictions] == [log]
        assert priya.store.unsent() == 1, "the note stays on the phone"

    def test_two_for_one_place(self, world: World) -> None:
        priya, _, log = a_case(world)
        for text in ("one", "two"):
            type_in(priya, log, text)
            priya.do(outbox.seal_pending)
        place = priya.session.reader(log).log.head.seq + 1

        def lie(response: SyncResponse, thrown: list[Entry]) -> SyncResponse:
            later = receipt(world, [thrown[1], replace(thrown[1], id=bytes(32))], place)
            return replace(response, receipts=(receipt(world, thrown[:1], place), later))

        lying = Swallowing(priya, lie)
        priya.sync()
        lying.end()
        assert "contradiction" in codes(priya)
        assert len(priya.store.outbox(log)) == 2
        assert priya.store.unsent() == 2

    def test_one_that_comes_long_before_its_page(self, world: World) -> None:
        """The server is only slow: what has a receipt is not pushed twice in one sync, and goes when its page comes."""
        priya, sam, log = a_case(world)
        type_in(priya, log, "one")
        priya.wire.lie = lambda response: replace(response, pages=tuple(page for page in response.pages if page.log != log))
        report = priya.sync()
        assert not isinstance(report, str)
        assert (report.sent, report.accepted, priya.store.unsent()) == (1, 0, 1)
        priya.wire.lie = None
        type_in(priya, log, "two")
        report = priya.sync()
        assert not isinstance(report, str)
        assert (report.accepted, priya.store.unsent(), priya.store.outbox()) == (2, 0, [])
        sam.sync()
        assert words(sam, log) == {"one", "two"}
        assert codes(priya) == []


class TestVoid:
    def test_what_the_server_put_where_it_counts_for_nothing_is_sealed_again(self, world: World) -> None:
        priya, sam, log = a_case(world)
        type_in(sam, log, "a risk")
        sam.do(outbox.seal_pending)
        noor = world.enrol(SIDE, "Noor", ("navigator",))
        noor.sync()
        priya.sync()
        priya.do(lambda session: files.add_member(session, log, noor.user, "navigator"))
        priya.sync()

        class Lax:
            check_envelope = staticmethod(lambda *_: None)

            def __getattr__(self, name: str) -> Any:
                return getattr(membership, name)

        with patched(file_rules, "membership", Lax()):
            sam.sync()
        for phone in (sam, priya, noor, sam):
            phone.sync()
        assert "void:stale-epoch" in codes(sam)
        assert sam.store.unsent() == 0
        assert words(priya, log) == words(noor, log) == {"a risk"}


class TestRefusals:
    def test_a_genesis_refused_for_good_keeps_the_file_and_its_notes(self, world: World) -> None:
        priya, sam, _ = a_case(world)
        log = priya.do(lambda session: files.create_file(session, "case", {sam.user: "navigator"}))
        record = type_in(priya, log, "typed offline")
        realm = world.hosts[SIDE].realm

        def lie(response: SyncResponse, thrown: list[Entry]) -> SyncResponse:
            first = thrown[0]
            signed = realm.sign(VERDICT, verdict_payload(log, realm.incarnation, first.id, first.author, first.sq, "stale-registry"))
            others = [Answer(one.id, "after-predecessor", "wait") for one in thrown[1:]]
            return replace(response, answers=(Answer(first.id, "stale-registry", "no", signed), *others))

        lying = Swallowing(priya, lie)
        priya.sync()
        lying.end()
        priya.sync()
        priya.restart()
        assert log in priya.session.file_logs()
        assert words(priya, log) == {"typed offline"}
        assert finding.find_record(priya.session, record.hex()) == (log, record)
        assert [item.code for item in priya.store.outbox(log)] == ["final:stale-registry"]

    @pytest.mark.parametrize("code", ["stale-statement", "stale-epoch", "malformed"])
    def test_of_a_registry_none_is_final(self, world: World, code: str) -> None:
        _, sam, _ = a_case(world)
        admin, realm = world.admins[SIDE], world.hosts[SIDE].realm
        admin.sync()
        admin.do(lambda session: standing.revoke(session, sam.device, "stolen"))

        def lie(response: SyncResponse, thrown: list[Entry]) -> SyncResponse:
            one = thrown[0]
            signed = realm.sign(VERDICT, verdict_payload(one.log, realm.incarnation, one.id, one.author, one.sq, code))
            return replace(response, answers=(Answer(one.id, code, "no", signed),))

        lying = Swallowing(admin, lie)
        admin.sync()
        lying.end()
        assert codes(admin) == ["bad-verdict"]
        admin.sync()
        assert realm.known().devices[sam.device].revoked is not None

    def test_a_removal_that_came_too_late_is_said(self, world: World) -> None:
        """By an honest server: anybody's statement in between makes it stale."""
        priya, sam, log = a_case(world)
        noor = world.enrol(SIDE, "Noor", ("navigator",))
        for phone in (noor, priya, sam):
            phone.sync()
        priya.offline = True
        priya.do(lambda session: files.remove_member(session, log, sam.user))
        priya.sync()
        state = sam.session.require_file(log)
        granter = Granter(sam.session.identity.svc, log, sam.device, sam.session.registry)
        made = granter.new_epoch(state, sam.store.secrets(log), sam.entropy(32))
        sam.do(lambda session: outbox.put_statement(session, log, encode_file_statement(made)))
        sam.sync()
        priya.offline = False
        report = priya.sync()
        assert not isinstance(report, str)
        assert [(one.code, one.final, one.statement) for one in report.refused] == [("stale-statement", True, True)]
        [told] = [text for _, _, _, _, code, text, _ in priya.store.alarms() if code == "overtaken"]
        assert "remove Sam" in told
        assert "NOT done" in told


class TestLogs:
    def test_phantom_logs_do_not_fill_the_phone(self, world: World) -> None:
        priya, sam, log = a_case(world)
        realm = world.hosts[SIDE].realm

        def phantom(n: int) -> Page:
            made = ids.sha256(n.to_bytes(4, "big"))[:16]
            return Page(made, (), realm.sign(HEAD, head_payload(made, Head(realm.incarnation, 0, ids.chain_start(made)))), more=False)

        pages = tuple(map(phantom, range(50)))
        sam.wire.lie = lambda response: replace(response, pages=response.pages + pages)
        before = len(sam.store.logs())
        sam.sync()
        assert len(sam.store.logs()) == before
        sam.wire.lie = None
        type_in(sam, log, "work of a day")
        sam.sync()
        priya.sync()
        assert words(priya, log) == {"work of a day"}


@pytest.mark.parametrize("cut", [True, False], ids=["line", "clock"])
def test_pages_that_still_come_are_not_withheld(cut: bool) -> None:
    """A line that breaks after the first page, or a clock that is put right between two: nobody withholds anything."""
    with two() as world:
        priya, sam, log = a_case(world)
        for k in range(30):
            type_in(sam, log, f"{k} " + "x" * 3000)
            sam.sync()
        type_in(priya, log, "mine")
        answered: list[int] = []

        def lie(response: SyncResponse) -> SyncResponse:
            answered.append(1)
            if not cut and len(answered) == 2:
                priya.skew_ms = 0
            return response

        with patched(server.pages, "_RESPONSE_BYTES", 20_000):
            if cut:
                priya.sync(NONE, REQUEST_LOST)
                world.clock.advance(DAY + 3_600_000)
            else:
                priya.skew_ms = -3 * DAY
                priya.wire.lie = lie
            priya.sync()
        assert codes(priya) == []
        assert priya.store.unsent() == 0
