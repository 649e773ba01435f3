"""One member, or the server, tries to end a file for everybody, to make devices differ, or to go on watching. Each was possible once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from server.append.commit import Pushed
from shared_schema import cbor, ids
from shared_schema.entry import ENVELOPE, Entry, Head, decode_entry, entry_header, envelope_payload
from shared_schema.errors import Refused
from shared_schema.membership import NewEpoch, encode_file_statement
from shared_schema.receipt import RECEIPT, VERDICT, Item, decode_signed_head, receipt_payload, verdict_payload
from shared_schema.wire import Answer, Cursor, PageEntry, SyncRequest, SyncResponse, decode_request, decode_response, encode_request
from sync import audit, keys, sealing
from sync.change import Change, Op, encode_part
from sync.device.exchanging import outbox, syncing
from sync.device.exports import audit_files
from sync.device.people import files, standing
from sync.fold import state_hash
from sync.granting import Granter
from sync.signing import sign_object
from tests.simulation.lies import signed_page
from tests.world import DAY, Phone, World, patched

SIDE: Final = "perpetrator"


@pytest.fixture
def world() -> Iterator[World]:
    with World(sides=(SIDE,)) as made:
        for name, role in (("Ann", "coordinator"), ("Bob", "navigator"), ("Mal", "navigator")):
            made.enrol(SIDE, name, (role,))
        yield made


def a_case(world: World) -> tuple[Phone, Phone, Phone, bytes]:
    ann, bob, mal = world.phones
    for phone in (ann, bob, mal):
        phone.sync()
    log = ann.do(lambda session: files.create_file(session, "case", {bob.user: "navigator", mal.user: "navigator"}))
    for phone in (ann, bob, mal):
        phone.sync()
    return ann, bob, mal, log


def note(phone: Phone, log: bytes, words: str) -> bytes:
    return phone.do(lambda session: session.write(log, None, "task", [Op("what", "set", words, ())]))


def words_of(phone: Phone, log: bytes) -> set[str]:
    return {op.value for record in phone.session.records(log).values() for op in record.registers["what"].live.values()}


def change(world: World, phone: Phone, log: bytes, c: int, words: str) -> Change:
    ops = (Op("what", "set", words, ()),)
    return Change(ids.record_id(log, phone.device, c), "task", 1, c, 0, world.clock.now_ms, ops)


def envelope(phone: Phone, log: bytes, made: Change, *, epoch: int = 1, sn: Head | None = None, after: Entry | None = None) -> Entry:
    """An envelope made by hand, after `after` or the newest of this device."""
    session, who = phone.session, outbox.author(phone.session, log)
    svc, secret = session.identity.svc, session.store.secrets(log)[epoch]
    sq, pv = (after.sq + 1, after.id) if after else (who.sq + 1, who.pv)
    protected = entry_header(ENVELOPE, author=phone.device, svc=svc, log=log, sq=sq, pv=pv, sn=sn or who.sn, ck=who.ck, epoch=epoch)
    ctx = keys.context(svc, log, epoch)
    parts = sealing.seal_parts(secret, ctx, phone.device, sq, protected, [encode_part([made])], session.entropy)
    return decode_entry(sign_object(session.sign_key, protected, envelope_payload(parts)), parts)


def push(world: World, phone: Phone, *entries: Entry) -> list[str]:
    host = world.hosts[SIDE]
    pushed: Pushed = host.push(tuple([entry.cose, list(entry.parts)] for entry in entries), host.sender(phone.device))
    host.realm.sequence()
    return [answer.code for answer in pushed.answers]


def codes(phone: Phone) -> set[str]:
    return {code for _, _, _, _, code, _, _ in phone.store.alarms()}


class TestOneMember:
    """The server is honest; one member is not."""

    def test_claims_to_have_seen_what_never_was_far_back_in_the_same_push(self, world: World) -> None:
        """The server looked it up where it was not yet written, took it, and every reader stopped for good."""
        ann, bob, mal, log = a_case(world)
        entries: list[Entry] = []
        for n in range(300):
            sn = Head(mal.session.identity.incarnation, 5, bytes(32)) if n == 299 else None
            entries.append(envelope(mal, log, change(world, mal, log, n + 1, str(n)), sn=sn, after=entries[-1] if entries else None))
        assert push(world, mal, *entries)[-2:] == ["accepted", "contradiction"]
        for phone in (ann, bob):
            phone.sync()
            assert not phone.session.stopped(log)

    def test_signs_an_epoch_that_nobody_can_open(self, world: World) -> None:
        """Everybody asked for all secrets before they rotated: the file was closed for good, to its coordinator too."""
        ann, bob, mal, log = a_case(world)
        state = mal.session.reader(log).file
        assert state is not None
        granter = Granter(mal.session.identity.svc, log, mal.device, mal.session.registry)
        good = granter.new_epoch(state, mal.store.secrets(log), mal.session.entropy(32))
        bad = NewEpoch(good.epoch, bytes([1]) * 32, good.grants, good.rg, good.previous)
        mal.do(lambda session: outbox.put_statement(session, log, encode_file_statement(bad)))
        mal.sync()
        for _ in range(2):
            for phone in (ann, bob):
                phone.sync()
        assert "bad-grant" in codes(ann)
        for phone in (ann, bob):
            note(phone, log, f"by {phone.name}")
            phone.sync()
            assert phone.store.unsent() == 0
        ann.sync()
        ann.do(lambda session: files.remove_member(session, log, mal.user))
        olu = world.enrol(SIDE, "Olu", ("navigator",))
        for phone in (ann, olu, ann):
            phone.sync()
        ann.do(lambda session: files.add_member(session, log, olu.user, "navigator"))
        for phone in (ann, olu, bob, olu):
            phone.sync()
        assert words_of(olu, log) == {"by Ann's phone", "by Bob's phone"}, "a newcomer gets every epoch that there is a secret for"
        assert codes(olu) == set()

    def test_uses_a_number_twice_under_two_epochs(self, world: World) -> None:
        """I2: which of the two stood was decided by the order in which a device could open them."""
        ann, bob, mal, log = a_case(world)
        tablet = world.enrol(SIDE, "Bob", ("navigator",), "Bob's tablet")
        with patched(syncing, "_tend", lambda *_: False):
            mal.sync()
            state = mal.session.reader(log).file
            assert state is not None
            granter = Granter(mal.session.identity.svc, log, mal.device, mal.session.registry)
            garbage = granter.more_grants(state, {1: bytes([9]) * 32})
            assert garbage is not None
            mal.do(lambda session: outbox.put_statement(session, log, encode_file_statement(garbage)))
            mal.sync()
            assert push(world, mal, envelope(mal, log, change(world, mal, log, 1, "X"))) == ["accepted"]
            tablet.sync()
            ann.sync()
            rotate(ann, log)
            mal.sync()
            tablet.sync()
            assert push(world, mal, envelope(mal, log, change(world, mal, log, 1, "Y"), epoch=2)) == ["accepted"]
            tablet.sync()
            ann.sync()
        ann.do(lambda session: files.grant_again(session, log, bob.user))
        for phone in (ann, tablet, bob, ann, tablet):
            phone.sync()
        assert words_of(ann, log) == words_of(tablet, log) == {"X"}
        assert state_hash(ann.session.records(log)) == state_hash(tablet.session.records(log))

    def test_watches_a_file_after_being_removed(self, world: World) -> None:
        ann, bob, mal, log = a_case(world)
        ann.do(lambda session: files.remove_member(session, log, mal.user))
        for phone in (ann, mal, bob):
            phone.sync()
        host = world.hosts[SIDE]

        def asked() -> Any:
            body = encode_request(SyncRequest(cursors=(Cursor(log, 2**53 - 1, bytes(32)),)))
            pages = decode_response(host.sync(mal.device, body)).pages
            heads = [decode_signed_head(page.head) for page in pages if page.log == log]
            sn = Head(mal.session.identity.incarnation, 2**53 - 1, bytes(32))
            entry = envelope(mal, log, change(world, mal, log, 1, "still here?"), sn=sn)
            body = encode_request(SyncRequest(push=([entry.cose, list(entry.parts)],)))
            [answer] = decode_response(host.sync(mal.device, body)).answers
            return heads, answer.code, answer.message

        before = asked()
        assert before[:2] == ([], "held")
        for n in range(3):
            note(bob, log, str(n))
            bob.sync()
            assert asked() == before


def rotate(phone: Phone, log: bytes) -> None:
    state = phone.session.reader(log).file
    assert state is not None
    granter = Granter(phone.session.identity.svc, log, phone.device, phone.session.registry)
    statement = granter.new_epoch(state, phone.store.secrets(log), phone.session.entropy(32))
    phone.do(lambda session: outbox.put_statement(session, log, encode_file_statement(statement)))
    phone.sync()


def test_two_administrators_revoke_the_same_phone(world: World) -> None:
    """The second revocation could never be taken, and held up every later one."""
    _, bob, mal, _ = a_case(world)
    first, second = world.admins[SIDE], world.enrol(SIDE, "Office 2", ("administrator",))
    for admin in (first, second):
        admin.sync()
    for admin in (first, second):
        admin.do(lambda session: standing.revoke(session, mal.device, "lost"))
    for admin in (first, second, second):
        admin.sync()
    assert second.store.unsent() == 0
    second.do(lambda session: standing.revoke(session, bob.device, "stolen"))
    second.sync()
    assert bob.device in second.session.registry.devices
    assert second.session.registry.devices[bob.device].revoked
    with pytest.raises(Refused, match="revoked already"):
        first.do(lambda session: standing.revoke(session, mal.device, "lost"))


class TestALyingServer:
    """What it could do without being noticed."""

    def test_a_fork_within_one_page(self, world: World) -> None:
        """I13: an entry of another fork was compared with what the device had stored, not with the page that it came in."""
        ann, bob, mal, log = a_case(world)
        left = world.hosts[SIDE]
        right = world.fork(left)
        there, writer = mal.clone("Mal right"), bob.clone("Bob right")
        there.wire.host = writer.wire.host = right
        note(there, log, "right only")
        there.sync()
        writer.sync()
        note(writer, log, "having seen it")
        writer.sync()
        for n in range(3):
            note(ann, log, f"left {n}")
            ann.sync()
        rows = list(ann.store.entries(log))
        stolen = list(writer.store.entries(log))[-1]
        entries = [PageEntry([row.cose, cbor.decode(row.parts)], row.received_ms, (row.leaf, left.realm.audit.salt(row.leaf))) for row in rows]
        late = max(stolen.received_ms, rows[-1].received_ms)
        entries.append(PageEntry([stolen.cose, cbor.decode(stolen.parts)], late, (stolen.leaf + 1000, bytes(32))))
        victim = ann.blank("victim")
        victim.wire.lie = lambda response: replace(
            response, pages=(*(page for page in response.pages if page.log != log), signed_page(left, log, entries)), more=False
        )
        victim.sync()
        assert "contradiction" in codes(victim)
        assert "having seen it" not in words_of(victim, log)

    def test_a_withdrawn_entry_is_no_clone(self, world: World) -> None:
        """It followed one that the server refused for good: showing it as taken froze an honest phone."""
        ann, _, _, log = a_case(world)
        host = world.hosts[SIDE]
        for text in ("one", "two"):
            note(ann, log, text)
            ann.do(outbox.seal_pending)
        first, second = ann.store.outbox(log)
        rounds: list[int] = []

        def lie(response: SyncResponse) -> SyncResponse:
            if not response.answers:
                return response
            rounds.append(1)
            answers: tuple[Answer, ...]
            if len(rounds) == 1:
                payload = verdict_payload(log, host.realm.incarnation, first.id, ann.device, first.sq, "stale-epoch")
                answers = (Answer(first.id, "stale-epoch", "no", host.realm.sign(VERDICT, payload)), Answer(second.id, "after-predecessor", "wait"))
            else:
                shown = [second.cose, cbor.decode(second.parts)]
                answers = tuple(Answer(one.id, "clone-detected", "two of you", None, shown) for one in response.answers)
            return replace(response, answers=answers, receipts=(), openings=(), pages=tuple(page for page in response.pages if page.log != log))

        ann.wire.lie, ann.wire.host = lie, world.fork(host)
        ann.sync()
        note(ann, log, "three")
        ann.sync()
        assert not ann.store.fact("frozen")
        assert "contradiction" in codes(ann)
        assert ann.store.unsent() == 3, "all that was typed waits"

    def test_two_receipts_for_one_place(self, world: World) -> None:
        """The second was not kept, the note dropped, and nobody was told."""
        ann, bob, _, log = a_case(world)
        realm, head = world.hosts[SIDE].realm, ann.session.reader(log).log.head
        note(bob, log, "Bob's")
        bob.do(outbox.seal_pending)
        other = bob.store.outbox(log)[0].id
        note(ann, log, "Ann's")
        thrown: list[bytes] = []
        honest = ann.wire.sync

        def throws_away(session: Any, body: bytes) -> bytes:
            request = decode_request(body)
            thrown.extend(decode_entry(pair[0], pair[1]).id for pair in request.push)
            return honest(session, encode_request(replace(request, push=())))

        def receipt(entry: bytes) -> bytes:
            item = Item(entry, head.seq + 1, world.clock.now_ms)
            return realm.sign(RECEIPT, receipt_payload(log, realm.incarnation, [item], head.seq + 1, bytes(32)))

        ann.wire.sync = throws_away  # type: ignore[method-assign]
        ann.wire.lie = lambda response: replace(response, receipts=(receipt(other), receipt(thrown[0])) if thrown else ())
        ann.sync()
        assert "contradiction" in codes(ann)
        assert ann.store.unsent() == 1, "the note waits"
        ann.wire.sync = honest  # type: ignore[method-assign]
        ann.wire.lie = None
        for phone in (bob, ann, ann, bob):
            phone.sync()
        assert words_of(bob, log) == {"Ann's", "Bob's"}

    def test_a_receipt_for_another_entry_fails_the_audit(self, world: World) -> None:
        ann, _, _, log = a_case(world)
        note(ann, log, "n")
        ann.sync()
        realm, head = world.hosts[SIDE].realm, ann.session.reader(log).log.head
        payload = receipt_payload(log, realm.incarnation, [Item(bytes([7]) * 32, head.seq, world.clock.now_ms)], head.seq, head.chain)
        export = audit_files.from_store(ann.session)
        assert audit.verify_export(export, ann.session.identity.authority).findings == []
        export = replace(export, receipts=(*export.receipts, realm.sign(RECEIPT, payload)))
        [finding] = audit.verify_export(export, ann.session.identity.authority).findings
        assert (finding.code, finding.log, finding.seq) == ("contradiction", log, head.seq)

    def test_a_clock_that_stands_still_is_late_all_the_same(self, world: World) -> None:
        ann, _, _, log = a_case(world)
        note(ann, log, "n")
        stopped = world.clock.now_ms
        ann.wire.lie = lambda response: replace(response, inclusion=(), time_ms=stopped)
        for _ in range(3):
            ann.sync()
            world.clock.advance(DAY)
        assert "not-in-audit-log" in codes(ann)

    def test_a_log_that_stopped_before_its_first_page(self, world: World) -> None:
        ann, _, _, _ = a_case(world)
        log = ann.do(lambda session: files.create_file(session, "case", {}))
        ann.wire.lie = lambda response: replace(
            response, receipts=(), pages=tuple(replace(page, entries=()) if page.log == log else page for page in response.pages)
        )
        ann.sync()
        assert ann.session.stopped(log)
        ann.restart()
        assert ann.session.stopped(log)
