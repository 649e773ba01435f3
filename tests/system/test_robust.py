"""The server under bad weather: full disks, hanging streams, quotas, half-made files, settings that cannot be."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from server import serve
from server.audit_log import AuditLog
from server.data_folder import write_private
from server.logs import open_log
from server.realm import Realm
from server.realm.writing import Writing
from server.service import Service
from server.settings import Settings
from shared_schema import cbor
from shared_schema.entry import Head, encode_pair
from shared_schema.errors import Refused
from shared_schema.wire import SyncRequest, decode_response, encode_request
from sync.change import Op
from sync.device.entering import enrolment
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import files
from sync.entry import Author, sign_statement
from tests.live import Live
from tests.world import patched


def test_a_tree_that_cannot_be_extended_is_said_and_made_up_for(tmp_path: Path) -> None:
    """A full disk at that moment ended the writer's thread, and every push waited for ever."""

    def fails(_self: Realm) -> None:
        raise OSError("disk full")

    service = Service(Settings(data=tmp_path / "data"))
    try:
        running = service.sides["perpetrator"]
        running.realm.create(bytes(16), bytes(32))
        writer = running.writer
        with patched(Writing, "sequence", fails):
            _wait(lambda: writer.failing == "OSError")
            assert service.failing
            assert writer._thread.is_alive()
        _wait(lambda: not service.failing)
    finally:
        service.close()


def test_a_writer_goes_on_while_a_service_is_being_made(tmp_path: Path) -> None:
    """It looked at the audit log of a side whose registry was there and whose audit log was not yet."""
    service = Service(Settings(data=tmp_path / "data"))
    begun = AuditLog.__init__

    def slowly(audit: AuditLog, *arguments: Any) -> None:
        time.sleep(1.5)
        begun(audit, *arguments)

    try:
        running = service.sides["perpetrator"]
        with patched(AuditLog, "__init__", slowly):
            running.realm.create(bytes(16), bytes(32))
        assert running.writer._thread.is_alive()
    finally:
        service.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_that_has_ended_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushes are refused, and so whoever watches has to know: /readyz says it."""
    service = Service(Settings(data=tmp_path / "data"))
    try:
        assert not service.failing
        writer = service.sides["victim"].writer
        monkeypatch.setattr(writer, "_patience", lambda: 1 // 0)  # of this one alone: tests before it may have left others running
        _wait(lambda: writer.ended)
        assert service.failing
    finally:
        service.close()


def test_a_writer_that_nobody_asks_for_anything_is_idle(tmp_path: Path) -> None:
    """It woke twenty times a second, on each side, and on a full disk tried each time to write."""
    looked: list[str] = []
    service = Service(Settings(data=tmp_path / "data"))
    try:
        service.sides["perpetrator"].realm.create(bytes(16), bytes(32))
        with patched(Writing, "sequence", lambda realm: looked.append(realm.side)):
            time.sleep(2)
        assert 1 <= len(looked) <= 5
    finally:
        service.close()


def refused(call: Any) -> str:
    try:
        call()
    except Refused as error:
        return error.code
    return ""


def _wait(true: Any) -> None:
    for _ in range(15_000):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


def test_a_log_on_a_full_disk_fails_no_request() -> None:
    log, stream = open_log(Path("/dev/full"))
    log.info("request", route="sync", status=200)
    assert stream is not None
    stream.close()


def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    (tmp_path / "keys.json.new").write_text("half a fi")
    write_private(path, "whole")
    assert path.read_text() == "whole"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tls-cert", "a.pem"], "tls_key"),
        (["--tls-key", "a.pem"], "tls_cert"),
        (["--dev-tls", "--tls-cert", "a.pem", "--tls-key", "b.pem"], "either"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, words: list[str], said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "fieldkeep", "serve", "--data", str(tmp_path / "data"), "--port", "0", *words],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode != 0
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "data").exists()


def test_a_stopping_server_ends_its_streams(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    with HttpTransport(live.server.address) as transport, transport.events(sam) as names:
        assert next(names) == "hello"
        begun = time.monotonic()
        live.server.stop()
        assert time.monotonic() - begun < 8, "it waited for a stream that never ends"
        assert list(names) == []


def test_streams_of_one_device_are_few(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    open_ones: list[Any] = []
    kept: list[Any] = []
    try:
        for _ in range(4):
            transport = HttpTransport(live.server.address)
            stream = transport.events(sam)
            open_ones.append((transport, stream))
            names = stream.__enter__()
            assert next(names) == "hello"
            kept.append(names)
        with HttpTransport(live.server.address) as transport, pytest.raises(Refused) as caught, transport.events(sam):
            pass
        assert caught.value.code == "quota"
    finally:
        for transport, stream in open_ones:
            stream.__exit__(None, None, None)
            transport.__exit__()


def test_a_removed_member_hears_of_the_removal_and_of_nothing_after(live: Live) -> None:
    priya, sam = live.enrol("Priya", ("coordinator",)), live.enrol("Sam", ("navigator",))
    log = live.case(priya, (sam, "navigator"))
    with HttpTransport(live.server.address) as transport, transport.events(sam) as names:
        assert next(names) == "hello"
        files.remove_member(priya, log, sam.identity.user)
        syncing.sync(priya, live.transport)
        assert next(names) == "pull"
        syncing.sync(sam, live.transport)
        for words in ("one", "two"):
            priya.write(log, None, "task", [Op("what", "set", words, ())])
            syncing.sync(priya, live.transport)
        other = live.case(priya, (sam, "navigator"))
        assert next(names) == "pull", "which is of the new file"
        syncing.sync(sam, live.transport)
        assert sam.file(other)
        assert sam.reader(log).log.head.seq < priya.reader(log).log.head.seq


def test_fetching_for_ever_is_limited(tmp_path: Path) -> None:
    """Every page that goes out is an event of the audit log: one device cannot fill it."""
    with pytest.MonkeyPatch.context() as env:
        env.setenv("FIELDKEEP_DELIVERIES_PER_DAY", "8")
        live = Live(tmp_path)
    try:
        sam = live.enrol("Sam", ("navigator",))
        everything = encode_request(SyncRequest())
        answers = [refused(lambda: live.transport.sync(sam, everything)) for _ in range(10)]
        assert (answers[0], answers[-1]) == ("", "quota")
    finally:
        live.close()


class TestTheRegistryIsForItsSide:
    """Who is certified is learnt by a signed request of a device in standing, and in no other way."""

    def test_an_enrolment_tells_nothing(self, live: Live) -> None:
        """Sent again by anybody, by somebody revoked too, it gave the whole registry as it is now."""
        sam = live.enrol("Sam", ("navigator",))
        [entry] = [row for row in sam.store.entries(sam.registry.log) if row.author == sam.identity.device]
        answer = live.transport.enrol("perpetrator", cbor.encode({"entry": [entry.cose, []]}))
        assert cbor.decode(answer).keys() == {"v", "receipts"}
        again = live.transport.enrol("perpetrator", cbor.encode({"entry": [entry.cose, []]}))
        live.enrol("Olu", ("navigator",))
        assert again == answer == live.transport.enrol("perpetrator", cbor.encode({"entry": [entry.cose, []]})), "nor how the side grows"

    def test_what_an_author_of_the_registry_saw(self, live: Live) -> None:
        """One administrator's invented head would stop every reader of the registry."""
        admin = live.admins["perpetrator"]
        last, head = admin.author(admin.registry.log)
        from shared_schema.certificate import Revoke, encode_registry_statement

        sam = live.enrol("Sam", ("navigator",))
        invented = Head(head.incarnation, 1, bytes(32))
        author = Author(admin.identity.svc, admin.registry.log, admin.identity.device, last.sq, last.id or None, invented, admin.witness())
        entry = sign_statement(author, admin.sign_key, encode_registry_statement(Revoke(sam.identity.device, "lost")))
        body = encode_request(SyncRequest(push=(cbor.decode(encode_pair(entry.cose, ())),)))
        assert [one.code for one in decode_response(live.transport.sync(admin, body)).answers] == ["contradiction"]
        syncing.sync(sam, live.transport)
        assert sam.certified


def test_a_second_enrolment_of_the_same_phone(live: Live) -> None:
    """After a lost reply the same code is good again for the same phone, and for no other."""
    code = live.invite("Olu", ("navigator",))

    class Loses(HttpTransport):
        lost = False

        def sync(self, session: Any, body: bytes) -> bytes:
            if not self.lost:
                self.lost = True
                raise Refused("offline")
            return super().sync(session, body)

    store = live.store("olu")
    with Loses(live.server.address) as transport:
        with pytest.raises(Refused):
            enrolment.enrol(store, code, "phone", transport, live.admins["victim"].now_ms, live.admins["victim"].entropy)
        session = enrolment.enrol(store, code, "phone", transport, live.admins["victim"].now_ms, live.admins["victim"].entropy)
    assert session.certified
    with pytest.raises(Refused) as caught:
        enrolment.enrol(live.store("other"), code, "phone", live.transport, live.admins["victim"].now_ms, live.admins["victim"].entropy)
    assert caught.value.code == "invitation-spent"


def test_threads_take_turns_quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With Python's own 5 ms a large request of one side holds up each of another's, which changes threads some times."""

    class Begun(Exception):
        pass

    def begin(_settings: Settings) -> Service:
        raise Begun

    before = sys.getswitchinterval()
    monkeypatch.setattr(serve, "_share_memory", lambda: None)
    monkeypatch.setattr(serve, "Service", begin)
    try:
        with pytest.raises(Begun):
            serve.run(Settings(data=tmp_path), lambda _: None)
        assert sys.getswitchinterval() <= 0.001
    finally:
        sys.setswitchinterval(before)
