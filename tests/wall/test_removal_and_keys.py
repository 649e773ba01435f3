"""Removal, swapped keys, stolen invitations: who can read what, and who is told."""

import secrets
from dataclasses import replace
from typing import Any

import pytest

from shared_schema import cbor, ids
from shared_schema.certificate import Subject, decode_registry_statement
from shared_schema.entry import decode_entry
from shared_schema.errors import BadGrant, Contradiction, Malformed, Refused
from shared_schema.wire import Page, PageEntry, SyncResponse, decode_response, encode_response
from sync import keys, sealing
from sync.change import Op
from sync.device.entering import enrolment
from sync.device.exchanging import outbox, syncing
from sync.device.people import files, standing
from sync.device.session import Session, entry_of
from sync.keys import ReceivingKey
from sync.signing import SigningKey
from tests.live import Live, OnlySyncs, now_ms


def note(session: Session, log: bytes, words: str) -> bytes:
    return session.write(log, None, "case_note", [Op("body", "set", words, ())])


def opens_with(secrets_: dict[int, bytes], session: Session, log: bytes, seq: int) -> bool:
    """Whether any of these secrets opens any part of the entry at `seq`."""
    [row] = [row for row in session.store.entries(log) if row.seq == seq]
    entry = entry_of(row)
    for epoch in range(1, 20):
        for secret in secrets_.values():
            for i, part in enumerate(entry.parts):
                assert part is not None
                try:
                    ctx = keys.context(entry.svc, log, epoch)
                    sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part, i, len(entry.parts))
                except Malformed:
                    continue
                return True
    return False


def test_a_member_removed_while_writing_offline(live: Live) -> None:
    """One statement; later work is answered by a verdict and lost nowhere; with all its secrets 0 later envelopes open."""
    ruth, sam, priya = live.enrol("Ruth", ("coordinator",)), live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    log = live.case(ruth, (sam, "navigator"), (priya, "navigator"))
    note(ruth, log, "before")
    for session in (ruth, sam, priya):
        syncing.sync(session, live.transport)
    before = len(list(ruth.store.statements(log)))
    offline = [note(sam, log, f"offline {number}") for number in range(3)]
    files.remove_member(ruth, log, sam.identity.user)
    syncing.sync(ruth, live.transport)
    assert len(list(ruth.store.statements(log))) == before + 1, "removal and rotation are one statement"
    removed_at = ruth.reader(log).log.head.seq
    report = syncing.sync(sam, live.transport)
    assert [(one.code, one.final) for one in report.refused] == [("held", True)]
    assert (sam.store.unsent(), sam.store.held()) == (0, 3)
    assert {sam.record(log, record).registers["body"].live.popitem()[1].value for record in offline} == {"offline 0", "offline 1", "offline 2"}
    assert any(alarm[4] == "removed" for alarm in sam.store.alarms())
    for session, words in ((ruth, "after 1"), (priya, "after 2"), (ruth, "after 3")):
        note(session, log, words)
        syncing.sync(session, live.transport)
    syncing.sync(ruth, live.transport)
    later = [row.seq for row in ruth.store.entries(log) if row.seq > removed_at and not row.statement]
    assert len(later) == 3
    assert [seq for seq in later if opens_with(sam.store.secrets(log), ruth, log, seq)] == []
    assert opens_with(ruth.store.secrets(log), ruth, log, later[0]), "the check itself can open what may be opened"
    for _ in range(2):
        syncing.sync(sam, live.transport)
    assert sam.reader(log).log.head.seq == removed_at, "a removed member is served up to its removal and no further"
    assert (sam.store.unsent(), sam.store.held()) == (0, 3)
    with pytest.raises(Refused) as caught:
        note(sam, log, "after being told")
    assert caught.value.code == "no-standing"


class Swapping(OnlySyncs):
    """A proxy that puts a key of its own into every registry entry that certifies `victim`'s device, or all devices."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.swapped = 0
        self.key = ReceivingKey(secrets.token_bytes(32))

    def _tamper(self, body: bytes) -> bytes:
        response = decode_response(body)
        return encode_response(replace(response, pages=tuple(self._page(page) for page in response.pages)))

    def _page(self, page: Page) -> Page:
        return replace(page, entries=tuple(self._entry(entry) for entry in page.entries))

    def _entry(self, served: PageEntry) -> PageEntry:
        if type(served.pair) is bytes:
            return served
        entry = decode_entry(served.pair[0], served.pair[1])
        if entry.is_envelope:
            return served
        try:
            statement = decode_registry_statement(entry.sign1.payload)
        except Malformed:
            return served
        own = getattr(statement, "keys", None)
        if own is None:
            return served
        self.swapped += 1
        return replace(served, pair=[served.pair[0].replace(own.receive, self.key.public), []])

    def sync(self, session: Any, body: bytes) -> bytes:
        return self._tamper(self.inner.sync(session, body))

    def enrol(self, side: str, body: bytes) -> bytes:
        answer: bytes = self.inner.enrol(side, body)
        return answer


def test_a_key_swapped_during_enrolment(live: Live) -> None:
    """The new phone refuses the registry; nothing is ever sealed to the swapped key."""
    live.enrol("Sam", ("navigator",))
    proxy = Swapping(live.transport)
    code = live.invite("Priya", ("navigator",))
    store = live.store("priya")
    with pytest.raises((Contradiction, Malformed, Refused)):
        enrolment.enrol(store, code, "phone", proxy, now_ms, secrets.token_bytes)
    assert proxy.swapped
    assert store.fact("identity") is None
    assert store.logs() == []
    priya = enrolment.enrol(store, code, "phone", live.transport, now_ms, secrets.token_bytes)
    live.opened.append(priya)
    assert priya.certified, "the same enrolment, asked for again without the proxy, stands"


def test_a_key_swapped_during_sync(live: Live) -> None:
    """Ruth learns of Priya's device through the proxy: she grants it nothing, says contradiction, and recovers without it."""
    ruth = live.enrol("Ruth", ("coordinator",))
    log = live.case(ruth)
    priya = live.enrol("Priya", ("navigator",))
    proxy = Swapping(live.transport)
    report = syncing.sync(ruth, proxy)
    assert proxy.swapped
    assert [found for found, _ in report.contradictions] == [ruth.registry.log]
    assert priya.identity.device not in ruth.registry.devices
    with pytest.raises(Refused):
        files.add_member(ruth, log, priya.identity.user, "navigator")
    syncing.sync(ruth, live.transport)
    entry = files.add_member(ruth, log, priya.identity.user, "navigator")
    from shared_schema.membership import decode_file_statement

    for grant in decode_file_statement(entry.sign1.payload).grants:
        info = keys.grant_info(ruth.identity.svc, log, grant.epochs[-1], ruth.identity.device, grant.to)
        with pytest.raises(BadGrant):
            proxy.key.open(grant.sealed, info)
    syncing.sync(ruth, live.transport)
    syncing.sync(priya, live.transport)
    assert sorted(priya.store.secrets(log)) == [1, 2]


def second_use(code: enrolment.Code, live: Live, body_of: list[bytes]) -> Session | None:
    class Recording:
        def enrol(self, side: str, body: bytes) -> bytes:
            body_of.append(body)
            return live.transport.enrol(side, body)

        def sync(self, session: Any, body: bytes) -> bytes:
            return live.transport.sync(session, body)

    store = live.store(secrets.token_hex(4))
    return enrolment.enrol(store, code, "thief's phone", Recording(), now_ms, secrets.token_bytes)


def test_an_invitation_used_twice(live: Live) -> None:
    """The second is void and every device raises the alarm; a third is refused."""
    ruth = live.enrol("Ruth", ("coordinator",))
    code = live.invite("Sam", ("navigator",))
    sam = enrolment.enrol(live.store("sam"), code, "phone", live.transport, now_ms, secrets.token_bytes)
    live.opened.append(sam)
    bodies: list[bytes] = []
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            second_use(code, live, bodies)
        assert caught.value.code == "invitation-spent"
    for session in (ruth, sam, live.admins["perpetrator"]):
        syncing.sync(session, live.transport)
        [alarm] = [alarm for alarm in session.store.alarms() if alarm[4] == "void:invitation-spent"]
        assert "Sam was used a second time" in alarm[5]
        thieves = {decode_entry(cbor.decode(body)["entry"][0]).author for body in bodies}
        assert not thieves & session.registry.devices.keys()
    assert sam.certified


def test_an_invitation_of_another_side_or_by_nobody(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    code = live.invite("Dana", ("link_worker",), "victim")
    for wrong in (
        replace(code, seed=secrets.token_bytes(32)),
        replace(code, authority=secrets.token_bytes(32)),
        replace(code, head=code.head._replace(chain=bytes(32))),
    ):
        with pytest.raises((Refused, Malformed, Contradiction)):
            enrolment.enrol(live.store(secrets.token_hex(4)), wrong, "phone", live.transport, now_ms, secrets.token_bytes)
    with pytest.raises(Refused) as caught:
        enrolment.invite(sam, Subject(secrets.token_bytes(16), "X", "Y", ("navigator",), now_ms() + 10**9), now_ms() + 10**6)
    assert caught.value.code == "not-permitted"


def test_a_revoked_device_is_cut_off_and_its_files_rotate(live: Live) -> None:
    ruth, sam = live.enrol("Ruth", ("coordinator",)), live.enrol("Sam", ("navigator",))
    log = live.case(ruth, (sam, "navigator"))
    admin = live.admins["perpetrator"]
    standing.revoke(admin, sam.identity.device, "stolen")
    syncing.sync(admin, live.transport)
    with pytest.raises(Refused) as caught:
        syncing.sync(sam, live.transport)
    assert caught.value.code == "revoked"
    note(ruth, log, "sealed after the revocation")
    report = syncing.sync(ruth, live.transport)
    assert report.rotated == 1
    assert ruth.store.unsent() == 0
    last = ruth.reader(log).log.head.seq
    assert not opens_with(sam.store.secrets(log), ruth, log, last)
    assert sam.file_logs() == []  # it has wiped itself


def test_rotate_first_for_a_device_that_did_not_know(live: Live) -> None:
    """The server refuses what was sealed before the rotation; the device rotates, seals again, and nothing is lost or doubled."""
    ruth, sam = live.enrol("Ruth", ("coordinator",)), live.enrol("Sam", ("navigator",))
    log = live.case(ruth, (sam, "navigator"))
    record = note(ruth, log, "sealed too early")
    outbox.seal_pending(ruth)
    admin = live.admins["perpetrator"]
    standing.revoke(admin, sam.identity.device, "lost")
    syncing.sync(admin, live.transport)
    report = syncing.sync(ruth, live.transport)
    assert [(one.code, one.final) for one in report.refused] == [("rotate-first", True)]
    assert ruth.store.unsent() == 0
    assert len(ruth.store.changes_of(log, record)) == 1
    envelopes = [entry_of(row) for row in ruth.store.entries(log) if not row.statement]
    assert [entry.epoch for entry in envelopes] == [2]


def test_a_response_type_is_what_the_proxy_sees(live: Live) -> None:
    """The proxy of these tests really re-encodes what it passes on unchanged."""
    ruth = live.enrol("Ruth", ("coordinator",))
    seen: list[SyncResponse] = []

    class Plain(OnlySyncs):
        def sync(self, session: Session, body: bytes) -> bytes:
            answer = live.transport.sync(session, body)
            seen.append(decode_response(answer))
            assert encode_response(decode_response(answer)) == answer
            return answer

    syncing.sync(ruth, Plain())
    assert seen
    assert ids.show(ruth.identity.svc)
    assert SigningKey(ruth.identity.sign_seed).public == ruth.sign_key.public


def test_added_and_removed_in_one_request(live: Live) -> None:
    """Both statements land in one transaction: who was removed last is out, also after a restart."""
    from shared_schema.membership import encode_file_statement
    from sync import membership
    from sync.entry import Author, sign_statement
    from sync.granting import Granter
    from tests.live import pair, raw_sync

    ruth, olu = live.enrol("Ruth", ("coordinator",)), live.enrol("Olu", ("navigator",))
    log = live.case(ruth)
    syncing.sync(ruth, live.transport)
    granter = Granter(ruth.identity.svc, log, ruth.identity.device, ruth.registry)
    state, who = ruth.require_file(log), outbox.author(ruth, log)
    held = ruth.store.secrets(log)
    pairs = []
    for number, (add, remove) in enumerate((({olu.identity.user: "navigator"}, ()), ({}, (olu.identity.user,)))):
        secret = secrets.token_bytes(32)
        statement = granter.new_epoch(state, held, secret, add, remove)
        held = {**held, statement.epoch: secret}
        made = sign_statement(
            Author(who.svc, log, who.device, who.sq + number, who.pv, who.sn, who.ck), ruth.sign_key, encode_file_statement(statement)
        )
        who = replace(who, pv=made.id)
        state = membership.take(state, made, ruth.registry, ruth.now_ms())
        pairs.append(pair(made))
    assert [answer.code for answer in raw_sync(live, ruth, pairs).answers] == ["accepted", "accepted"]
    for _ in range(2):
        syncing.sync(ruth, live.transport)
        note(ruth, log, "after")
        syncing.sync(ruth, live.transport)
        syncing.sync(olu, live.transport)
        assert olu.reader(log).log.head.seq == 3, "served up to the removal"
        live.server.stop()
        live.server.start()
