"""Lost requests, lost replies, repeats, and kill -9: an entry has effect once, and nothing typed is lost (I1, I6)."""

import os
import secrets
import signal
import subprocess
import sys
import time

import pytest

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import outbox, syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.session import Session
from tests.live import Live, OnlySyncs, pair, raw_sync

KILLS = 50


def note(session: Session, log: bytes, words: str) -> bytes:
    return session.write(log, None, "case_note", [Op("body", "set", words, ())])


class Lossy(OnlySyncs):
    """A transport that loses the request, or the reply, of its first `lose` syncs."""

    def __init__(self, inner: HttpTransport, what: str, lose: int = 1) -> None:
        self.inner, self.what, self.lose = inner, what, lose

    def sync(self, session: Session, body: bytes) -> bytes:
        if self.lose:
            self.lose -= 1
            if self.what == "reply":
                self.inner.sync(session, body)
            raise Refused("offline", "lost on the way")
        return self.inner.sync(session, body)


@pytest.mark.parametrize("what", ["request", "reply"])
def test_a_lost_request_or_reply(live: Live, what: str) -> None:
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    record = note(sam, log, "written once")
    lossy = Lossy(live.transport, what)
    with pytest.raises(Refused, match="lost on the way"):
        syncing.sync(sam, lossy)
    [kept] = sam.store.outbox()
    report = syncing.sync(sam, lossy)
    assert report.accepted == 1
    assert sam.store.outbox() == []
    entries = list(sam.store.entries(log))
    assert [row.id for row in entries].count(kept.id) == 1
    assert [op.value for op in sam.record(log, record).registers["body"].live.values()] == ["written once"]
    assert len(list(sam.store.all_changes(log))) == 1


def test_the_same_body_three_times_gets_the_original_receipt(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    note(sam, log, "thrice")
    outbox.seal_pending(sam)
    [item] = sam.store.outbox()
    from shared_schema import cbor

    body = [item.cose, cbor.Raw(item.parts)]
    answers = [raw_sync(live, sam, [body]) for _ in range(3)]
    assert [answer.answers[0].code for answer in answers] == ["accepted"] * 3
    assert len({answer.receipts for answer in answers}) == 1
    assert answers[0].openings == answers[2].openings
    syncing.sync(sam, live.transport)
    assert sum(row.id == item.id for row in sam.store.entries(log)) == 1


def test_a_bad_entry_blocks_nobody_else(live: Live) -> None:
    sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))
    for session in (sam, priya):
        note(session, log, f"by {session.identity.name}")
        outbox.seal_pending(session)
    from shared_schema import cbor
    from shared_schema.entry import decode_entry

    sealed = {session: decode_entry(item.cose, cbor.decode(item.parts)) for session in (sam, priya) for item in session.store.outbox()}
    cose = sealed[sam].cose
    broken = [cose[:-1] + bytes((cose[-1] ^ 1,)), list(sealed[sam].parts)]
    found = raw_sync(live, priya, [broken, b"nonsense", pair(sealed[priya])])
    assert [answer.code for answer in found.answers] == ["malformed", "malformed", "accepted"]
    assert all(answer.signed is None for answer in found.answers)
    assert syncing.sync(sam, live.transport).accepted == 1


def check_all_there(session: Session, log: bytes, typed: dict[bytes, str], receipts: set[bytes]) -> None:
    ids = [row.id for row in session.store.entries(log)]
    assert len(ids) == len(set(ids))
    assert receipts <= set(ids)
    records = session.records(log)
    shown = {record: [op.value for op in records[record].registers["body"].live.values()] for record in typed}
    assert shown == {record: [words] for record, words in typed.items()}


def test_fifty_kills_of_the_server_during_pushes(live: Live) -> None:
    """Every receipt's entry is there once, every typed note is there."""
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    typed: dict[bytes, str] = {}
    receipts: set[bytes] = set()
    for number in range(KILLS):
        for _ in range(3):
            words = secrets.token_hex(8)
            typed[note(sam, log, words)] = words
        killer = subprocess.Popen(
            [sys.executable, "-S", "-c", f"import os,time;time.sleep({secrets.randbelow(30) / 1000});os.kill({live.server.process.pid},9)"]
        )
        for _ in range(3):
            try:
                receipts |= {one.id for one in syncing.sync(sam, live.transport).receipts}
            except Refused as error:
                assert error.code in ("offline", "busy", "internal"), error
                break
        killer.wait()
        live.server.kill()
        live.server.start()
        assert number >= 0
    receipts |= {one.id for one in syncing.sync(sam, live.transport).receipts}
    assert sam.store.unsent() == 0
    check_all_there(sam, log, typed, receipts)
    reader = live.enrol("Sam", ("navigator",), user=sam.identity.user)
    syncing.sync(sam, live.transport)
    syncing.sync(reader, live.transport)
    check_all_there(reader, log, typed, receipts)


DEVICE = """
import json, sys
from pathlib import Path
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.storage.store import Store
from sync.device.session import Session
from sync.device.exchanging.transport import HttpTransport
import secrets, time
folder, address, log, start = Path(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3]), int(sys.argv[4])
session = Session(Store(folder / "store.db", (folder / "key").read_bytes()), lambda: int(time.time() * 1000), secrets.token_bytes)
with HttpTransport(address) as transport:
    for number in range(start, start + 1000):
        record = session.write(log, None, "case_note", [Op("body", "set", f"note {number}", ())])
        print("typed", record.hex(), number, flush=True)
        for one in syncing.sync(session, transport).receipts:
            print("receipt", one.id.hex(), 0, flush=True)
"""


def test_fifty_kills_of_the_device_during_pushes(live: Live) -> None:
    """Killed anywhere between typing, sealing, fsync, sending and taking the answer."""
    sam = live.enrol("Sam", ("navigator",), name="sam")
    log = live.case(sam)
    sam.store.close()
    live.opened.remove(sam)
    folder = live.folder / "devices" / "sam"
    typed: dict[bytes, str] = {}
    receipts: set[bytes] = set()
    for number in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", DEVICE, str(folder), live.server.address, log.hex(), str(number * 1000)], stdout=subprocess.PIPE, text=True
        ) as device:
            assert device.stdout is not None
            lines = [device.stdout.readline()]  # at least one note is typed before the kill
            time.sleep(secrets.randbelow(40) / 1000)
            os.kill(device.pid, signal.SIGKILL)
            lines += device.stdout.readlines()
        for line in lines:
            if not line.endswith("\n"):
                continue
            what, value, index = line.split()
            if what == "typed":
                typed[bytes.fromhex(value)] = f"note {index}"
            else:
                receipts.add(bytes.fromhex(value))
    again = live.reopen("sam")
    syncing.sync(again, live.transport)
    assert again.store.unsent() == 0
    records = again.records(log)
    assert typed.keys() <= records.keys()
    check_all_there(again, log, typed, receipts)
    assert again.store.fact("frozen") is None
    assert again.store.alarms() == []


def test_the_outbox_keeps_exact_bytes_until_a_receipt(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    note(sam, log, "exact")
    outbox.seal_pending(sam)
    before = sam.store.outbox()
    for what in ("request", "reply", "request"):
        with pytest.raises(Refused):
            syncing.sync(sam, Lossy(live.transport, what))
        assert [(item.cose, item.parts) for item in sam.store.outbox()] == [(item.cose, item.parts) for item in before]


def test_a_forged_receipt_empties_nothing(live: Live) -> None:
    from dataclasses import replace

    from shared_schema import cose
    from shared_schema.receipt import RECEIPT, Item, receipt_payload
    from shared_schema.wire import decode_response, encode_response
    from sync.signing import SigningKey, sign_object

    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    note(sam, log, "forged")

    class Forging(OnlySyncs):
        def sync(self, session: Session, body: bytes) -> bytes:
            [item] = session.store.outbox()
            header = cose.protected_header(RECEIPT, bytes(16), session.identity.svc)
            forged = sign_object(
                SigningKey(secrets.token_bytes(32)), header, receipt_payload(log, session.identity.incarnation, [Item(item.id, 9, 1)], 9, bytes(32))
            )
            honest = decode_response(live.transport.sync(session, body))
            return encode_response(replace(honest, receipts=(forged,), pages=(), answers=()))

    syncing.sync(sam, Forging())
    assert len(sam.store.outbox()) == 1
    assert any(alarm[4] == "bad-receipt" for alarm in sam.store.alarms())
    assert syncing.sync(sam, live.transport).accepted == 1
