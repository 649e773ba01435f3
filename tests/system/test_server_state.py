"""What a server says of itself, tells in what order, and counts when: on a full disk, between two updates, at a quota's end."""

import contextlib
import itertools
import secrets
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from server import audit_routes
from server.append.push import push
from server.nonces import OwnNonces
from shared_schema import cbor, limits
from shared_schema.entry import EMPTY_ROOT, ENVELOPE, Head, Witness, decode_entry_alone, envelope_payload
from shared_schema.errors import Refused
from shared_schema.wire import SyncRequest
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.people import files
from sync.device.session import Session
from sync.entry import Author
from sync.signing import sign_object
from tests import database
from tests.live import Live
from tests.system.test_refused_requests import token
from tests.world import World, patched


def note(session: Session, log: bytes, words: str) -> None:
    session.write(log, None, "case_note", [Op("body", "set", words, ())])


def ready(live: Live) -> bool:
    return httpx.get(f"{live.server.address}/readyz", trust_env=False).status_code == 200


def test_a_full_disk_is_not_ready(live: Live) -> None:
    """/readyz looked at the audit tree alone, which has nothing to write where no push gets through."""
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    time.sleep(0.5)  # nothing waits for the tree
    with database.full(live.server):
        note(sam, log, "x" * 3000)
        with pytest.raises(Refused) as caught:
            syncing.sync(sam, live.transport)
        assert caught.value.code == "busy"
        for _ in range(5):
            time.sleep(0.2)
            assert not ready(live)
    for _ in range(100):
        if ready(live):
            break
        time.sleep(0.05)
    assert ready(live), "and says by itself that it can write again"
    assert syncing.sync(sam, live.transport).accepted


def test_nobody_is_shown_what_came_after_their_removal() -> None:
    """Where a log ends was said before who has left it: a sync in between got entries that follow the removal."""
    with World(5, sides=("perpetrator",)) as world:
        sam, priya = (world.enrol("perpetrator", name, ("coordinator",)) for name in ("Sam", "Priya"))
        for one in (world.admins["perpetrator"], sam, priya):
            one.sync()
        log = files.create_file(sam.session, "case", {priya.session.identity.user: "coordinator"})
        for one in (sam, priya, sam):
            one.sync()
        realm, session = world.hosts["perpetrator"].realm, sam.session
        end = session.reader(log).log.head.seq
        files.remove_member(session, log, priya.session.identity.user)
        [removal] = session.store.outbox(log)
        last, me = decode_entry_alone(removal.cose), session.identity
        parts = [secrets.token_bytes(304)]
        author = Author(me.svc, log, me.device, last.sq, last.id, session.reader(log).log.head, Witness(me.incarnation, 0, EMPTY_ROOT))
        written = sign_object(session.sign_key, author.header(ENVELOPE, session.require_file(log).epoch + 1), envelope_payload(parts))
        seen: list[Any] = []

        class Watched(dict[bytes, Head]):
            """Where another thread would run."""

            def __setitem__(self, key: bytes, value: Head) -> None:
                super().__setitem__(key, value)
                seen.extend(news for news in realm.pages.news(SyncRequest(), world.hosts["perpetrator"].sender(priya.device)) if news[0] == log)

        realm.readers.heads = Watched(realm.readers.heads)
        sender = world.hosts["perpetrator"].sender(sam.device)
        pairs = ([removal.cose, cbor.decode(removal.parts)], [written, parts])
        pushed = realm.transact([partial(push, pairs=(pair,), sender=sender) for pair in pairs])
        assert [answer.code for one in pushed for answer in one.answers] == ["accepted", "accepted"]
        assert {upto for _, _, upto in seen} == {end + 1}


def test_receipts_are_given_when_no_page_is(tmp_path: Path) -> None:
    """The push was durable and the answer `quota`: a device went on believing that nothing had been taken. What has its receipt waits for its page."""
    live = Live(tmp_path, env={"FIELDKEEP_DELIVERIES_PER_DAY": "8"})
    try:
        sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
        log = live.case(sam, (priya, "navigator"))
        for k in itertools.count():
            note(priya, log, f"p{k}")
            syncing.sync(priya, live.transport)
            note(sam, log, f"s{k}")
            report = syncing.sync(sam, live.transport)
            assert all(item.receipted for item in sam.store.outbox(log))
            assert report.accepted + len(sam.store.outbox(log)) == 1
            if sam.reader(log).log.head.seq < priya.reader(log).log.head.seq:
                break
            assert k < 20
        assert sam.store.outbox(log)
        assert syncing.sync(sam, live.transport).accepted == 0, "no page, no end"
        with pytest.raises(Refused):
            [syncing.sync(priya, live.transport) for _ in range(2)]
    finally:
        live.close()


def test_a_device_has_few_bodies_under_way(live: Live) -> None:
    """Eighty that never ended held hundreds of MB."""
    sam = live.enrol("Sam", ("navigator",))
    body = bytes(1 << 20)
    asked = []
    for _ in range(limits.REQUESTS_PER_DEVICE + 3):
        opened = socket.create_connection(("127.0.0.1", live.server.port))
        signed = token(live, sam, body=body)
        opened.sendall(f"POST /v1/sync HTTP/1.1\r\nhost: a\r\nauthorization: {signed}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body[:-1])
        asked.append(opened)
    answered = 0
    for opened in asked:
        opened.settimeout(1)
        with contextlib.suppress(TimeoutError):
            assert opened.recv(4096).startswith(b"HTTP/1.1 429")
            answered += 1
    assert answered == 3
    for opened in asked:
        opened.close()
    time.sleep(0.5)
    syncing.sync(sam, live.transport)


def test_a_body_that_was_not_asked_for_is_not_the_next_request(live: Live) -> None:
    """Who waits for `100 Continue` and is refused sends no body: what follows was read as one."""
    with socket.create_connection(("127.0.0.1", live.server.port)) as opened:
        opened.settimeout(5)
        opened.sendall(b"POST /v1/sync HTTP/1.1\r\nhost: a\r\nauthorization: x\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n")
        heard = b""
        while more := opened.recv(4096):
            heard += more
    assert heard.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in heard.lower()


def test_a_page_of_a_log_for_an_auditor_is_bounded_by_size_too() -> None:
    """A thousand large statements were more than an auditor's client takes: nothing of the side could be exported."""
    with World(sides=("perpetrator",)) as world, patched(limits, "PAGE_BYTES", 2000):
        sam = world.enrol("perpetrator", "Sam", ("navigator",))
        for _ in range(2):
            sam.sync()
        realm = world.hosts["perpetrator"].realm
        end = realm.known().seq
        seqs: list[int] = []
        while len(seqs) < end:
            rows = audit_routes._rows(realm, realm.known().log, seqs[-1] if seqs else 0)
            assert len(rows) == 1 or sum(len(cose) for _, _, cose, _, _ in rows) <= 2000
            seqs += [seq for seq, *_ in rows]
        assert seqs == list(range(1, end + 1))
        assert audit_routes._rows(realm, realm.known().log, end) == []


def test_streams_are_counted_when_they_are_admitted(live: Live) -> None:
    """Sixty that asked at once were all let in."""
    sam = live.enrol("Sam", ("navigator",))
    asked = []
    for _ in range(12):
        signed = token(live, sam, body=b"", method="GET", path="/v1/events")
        asked.append((socket.create_connection(("127.0.0.1", live.server.port)), signed))
    for opened, signed in asked:
        opened.settimeout(5)
        opened.sendall(f"GET /v1/events HTTP/1.1\r\nhost: a\r\nauthorization: {signed}\r\n\r\n".encode())
    statuses = [opened.recv(4096)[9:12] for opened, _ in asked]
    assert statuses.count(b"200") == limits.STREAMS_PER_DEVICE
    for opened, _ in asked:
        opened.close()
    time.sleep(0.5)
    with live.transport.events(sam) as names:
        assert next(names) == "hello", "and their room is given back"


def test_a_used_nonce_and_a_clock_that_jumps() -> None:
    """A wall clock that went an hour ahead and back made used nonces good again."""
    nonces = OwnNonces("victim", secrets.token_bytes)
    used = nonces.issue()
    nonces.spend(used)
    for wall in (3_600.0, 0.0):
        with patched(time, "time", lambda wall=wall: wall):
            nonces.spend(nonces.issue())
            with pytest.raises(Refused):
                nonces.spend(used)


def test_nonces_are_forgotten_when_they_are_too_old() -> None:
    now = [0]
    nonces = OwnNonces("victim", secrets.token_bytes, lambda: now[0])
    old = nonces.issue()
    for minute in range(60):
        now[0] = minute * 60_000
        nonces.spend(nonces.issue())
    with pytest.raises(Refused):
        nonces.spend(old)
    assert sum(map(len, nonces._used.values())) < 10


def test_addresses_are_exact(live: Live) -> None:
    answer = httpx.get(f"{live.server.address}/healthz/", trust_env=False, follow_redirects=False)
    assert (answer.status_code, cbor.decode(answer.content)["code"]) == (404, "no-such-route")


def test_what_a_device_says_of_itself_is_kept_when_it_only_fetches(live: Live) -> None:
    olu = live.enrol("Olu", ("navigator",))
    asked = database.ask(live.database("perpetrator"), "SELECT count(*) FROM device_status WHERE device_id = ?", olu.identity.device)
    assert asked == [(1,)]
