"""A photograph on its way: over a line that breaks, past servers and phones that die, to colleagues and to nobody else (docs/spec.md §18)."""

import io
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared_schema import cbor, ids
from shared_schema.chunk import Claim, decode_claimed, encode_claims
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.event import decode_event
from sync import attachment
from sync.device.attaching import attachments, cleaning
from sync.device.attaching.attachments import Cleaned
from sync.device.exchanging import outbox, syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.exports import audit_files
from sync.device.people import files
from sync.device.recording import records
from sync.device.session import Session
from tests import database
from tests.canaries import hits
from tests.cut_line import CutLine
from tests.live import Live
from tests.pictures import PLACE, grain, jpeg
from tests.system.test_delivery import note

MEGABYTE = 1_000_000
PHOTO = {"kind": "photo", "what": "the front door", "cleaned": "yes"}
CUTS = 10


def cleaned(size: int, seed: int = 1) -> Cleaned:
    """Content of so many bytes that nothing makes smaller. What is in it is nothing to whoever carries it."""
    return Cleaned("jpeg", secrets.token_bytes(size - 1) + bytes((seed,)), b"small", "")


def add(session: Session, log: bytes, size: int = 3 * MEGABYTE) -> bytes:
    return attachments.add(session, log, cleaned(size), PHOTO)


def manifest(session: Session, log: bytes, record: bytes) -> attachment.Manifest:
    found = attachments.manifest_of(session, log, record)
    assert found is not None
    return found


def get(live: Live, session: Session, log: bytes, chunk: bytes) -> bytes:
    return live.transport.signed(session, "GET", f"/v1/chunk/{ids.show(log)}/{chunk.hex()}")


def put(live: Live, session: Session, log: bytes, body: bytes, chunk: bytes | None = None) -> None:
    live.transport.signed(session, "PUT", f"/v1/chunk/{ids.show(log)}/{(chunk or ids.sha256(body)).hex()}", body)


def claim(live: Live, session: Session, log: bytes, *claims: Claim) -> tuple[bytes, ...]:
    return decode_claimed(live.transport.signed(session, "POST", f"/v1/chunks/{ids.show(log)}", encode_claims(claims)))


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ProtocolError) as error:
        call()
    return error.value.code


class Counting:
    """A transport that counts what it brought, and what of that was acknowledged."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.tried: list[str] = []
        self.acknowledged: list[str] = []

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        if method == "PUT":
            self.tried.append(path)
        answer: bytes = self.inner.signed(session, method, path, body)
        if method == "PUT":
            self.acknowledged.append(path)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_twenty_megabytes_over_a_line_cut_ten_times(live: Live) -> None:
    """It arrives once, equal to what was sent, and says nothing of where it was taken. Each cut costs one chunk."""
    sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))
    original = jpeg(grain(3840, 2560), 97)
    assert len(original) > 20 * MEGABYTE
    assert hits([("original", original)], [PLACE]), "the search finds what is there"
    clean = cleaning.clean(original)
    assert len(clean.content) > 18 * MEGABYTE
    record = attachments.add(sam, log, clean, PHOTO)
    whole = manifest(sam, log, record)
    with CutLine(live.server.port, [int((at + 0.4) * len(clean.content) / CUTS) for at in range(CUTS)]) as cut:
        with HttpTransport(f"http://127.0.0.1:{cut.port}") as inner:
            line = Counting(inner)
            for _ in range(3 * CUTS):
                try:
                    if syncing.sync(sam, line).attached.left == 0:
                        break
                except Refused as error:
                    assert error.code == "offline"
        assert cut.cut == CUTS
        assert cut.carried < (len(whole.ids) + CUTS) * 1_048_576 + 4 * MEGABYTE
    assert sorted(line.acknowledged) == sorted({f"/v1/chunk/{ids.show(log)}/{one.hex()}" for one in whole.ids}), "each was brought once"
    assert sam.store.unsent() == 0
    assert sam.store.outgoing() == []
    syncing.sync(priya, live.transport)
    [one] = attachments.list_shown(priya, log)
    content = attachments.fetch(priya, lambda: live.transport, log, record)
    assert (one.record, ids.sha256(content), content) == (record, whole.hash, clean.content)
    picture = Image.open(io.BytesIO(content))
    assert picture.size == (3840, 2560)
    assert dict(picture.getexif()) == {}
    assert hits([("arrived", content), ("small", attachments.thumbnail(priya, lambda: live.transport, log, record))], [PLACE]) == []
    assert Image.open(io.BytesIO(attachments.thumbnail(priya, lambda: live.transport, log, record))).format == "JPEG"


class Killing(Counting):
    """Kills the server in the moment in which it has acknowledged so many chunks; or, at `during`, while it takes that one."""

    def __init__(self, live: Live, at: int, *, during: bool) -> None:
        super().__init__(live.transport)
        self.pid, self.at, self.during = live.server.process.pid, at, during

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        if method == "PUT" and self.during and len(self.tried) == self.at - 1:
            threading.Timer(secrets.randbelow(15) / 1000, os.kill, (self.pid, signal.SIGKILL)).start()
        answer = super().signed(session, method, path, body)
        if len(self.acknowledged) == self.at and not self.during:
            os.kill(self.pid, signal.SIGKILL)
        return answer


def test_acknowledged_chunks_survive_kill_9_of_the_server(live: Live) -> None:
    """Asked for before anything is brought again: what was acknowledged is there, byte for byte."""
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    for number in range(12):
        record = add(sam, log, 6 * MEGABYTE)
        bodies = {one: sam.store.chunk(log, one, 0) for one in manifest(sam, log, record).ids}
        line = Killing(live, 1 + number % 6, during=number % 2 == 1)
        try:
            syncing.sync(sam, line)
        except Refused as error:
            assert error.code in ("offline", "busy", "internal"), error
        live.server.kill()
        live.server.start()
        for path in line.acknowledged:
            chunk = bytes.fromhex(path.rpartition("/")[2])
            if chunk in bodies:
                assert get(live, sam, log, chunk) == bodies[chunk], f"kill {number}"
    while syncing.sync(sam, live.transport).attached.left:
        pass
    again = live.enrol("Sam", ("navigator",), user=sam.identity.user)
    syncing.sync(sam, live.transport)
    syncing.sync(again, live.transport)
    found = attachments.list_shown(again, log)
    assert len(found) == 12
    for one in found:
        assert one.manifest is not None
        assert ids.sha256(attachments.fetch(again, lambda: live.transport, log, one.record)) == one.manifest.hash


DEVICE = """
import secrets, sys, time
from pathlib import Path
from sync.device.attaching import attachments; from sync.device.exchanging import syncing
from sync.device.attaching.attachments import Cleaned
from sync.device.session import Session
from sync.device.storage.store import Store
from sync.device.exchanging.transport import HttpTransport
folder, address, log = Path(sys.argv[1]), sys.argv[2], bytes.fromhex(sys.argv[3])
session = Session(Store(folder / "store.db", (folder / "key").read_bytes()), lambda: int(time.time() * 1000), secrets.token_bytes)
with HttpTransport(address) as transport:
    record = attachments.add(session, log, Cleaned("jpeg", secrets.token_bytes(4_000_000), b"small", ""), {"kind": "photo", "what": "door", "cleaned": "yes"})
    print("added", record.hex(), flush=True)
    syncing.sync(session, transport)
"""


def test_a_device_that_is_killed_goes_on_where_it_was(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",), name="sam")
    log = live.case(sam)
    sam.store.close()
    live.opened.remove(sam)
    folder, added = live.folder / "devices" / "sam", []
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", DEVICE, str(folder), live.server.address, log.hex()], stdout=subprocess.PIPE, text=True
        ) as device:
            assert device.stdout is not None
            added.append(bytes.fromhex(device.stdout.readline().split()[1]))
            time.sleep(secrets.randbelow(80) / 1000)
            os.kill(device.pid, signal.SIGKILL)
    again = live.reopen("sam")
    acknowledged = {chunk for record in added for chunk in set(manifest(again, log, record).ids) - set(again.store.unsent_chunks(log, record))}
    for chunk in acknowledged:
        assert ids.sha256(get(live, again, log, chunk)) == chunk, "what a device counts as sent is there"
    while syncing.sync(again, live.transport).attached.left:
        pass
    reader = live.enrol("Sam", ("navigator",), user=again.identity.user)
    syncing.sync(again, live.transport)
    syncing.sync(reader, live.transport)
    assert sorted(one.record for one in attachments.list_shown(reader, log)) == sorted(added)
    for record in added:
        whole = manifest(reader, log, record)
        assert ids.sha256(attachments.fetch(reader, lambda: live.transport, log, record)) == whole.hash
    assert again.store.unsent() == 0


def test_a_record_waits_for_its_chunks_and_nothing_waits_for_it(live: Live) -> None:
    """A line too slow for a photograph carries the notes; a spend goes before its receipt."""
    sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))

    class NoChunks(Counting):
        def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
            if method == "PUT":
                raise Refused("offline", "too slow")
            return super().signed(session, method, path, body)

    spoken = note(sam, log, "with a photograph")
    record = attachments.add(sam, log, cleaned(MEGABYTE), PHOTO, to=spoken)
    report = syncing.sync(sam, NoChunks(live.transport))
    assert (report.attached.left, report.attached.code) == (1, "offline")
    syncing.sync(priya, live.transport)
    assert priya.records(log)[spoken].registers["attachments"].live
    assert record not in priya.records(log), "nobody is shown a record without its content"
    syncing.sync(sam, live.transport)
    syncing.sync(priya, live.transport)
    assert records.values(priya, log, spoken)["attachments"].value == [ids.show(record)]
    assert len(attachments.fetch(priya, lambda: live.transport, log, record)) == MEGABYTE


def test_whoever_is_not_in_the_file_gets_one_answer(live: Live) -> None:
    """Of the other side, of another file, of what is nowhere, of no id at all; claimed, brought, fetched."""
    sam, una = live.enrol("Sam", ("navigator",)), live.enrol("Una", ("navigator",))
    lena = live.enrol("Lena", ("link_worker",), side="victim")
    own, hers = live.case(una), live.case(lena)
    log = live.case(sam)
    record, of_lena = add(sam, log, 1000), add(lena, hers, 1000)
    for one in (sam, lena):
        syncing.sync(one, live.transport)
    his, her = manifest(sam, log, record).ids[0], manifest(lena, hers, of_lena).ids[0]
    body = get(live, lena, hers, her)
    said = set()
    for file in (hers, log, bytes(16)):
        for chunk in (his, her, bytes(32)):
            for method, path, sent in (
                ("GET", f"/v1/chunk/{ids.show(file)}/{chunk.hex()}", b""),
                ("PUT", f"/v1/chunk/{ids.show(file)}/{chunk.hex()}", body),
                ("POST", f"/v1/chunks/{ids.show(file)}", encode_claims([Claim(bytes(32), (chunk,))])),
            ):
                with pytest.raises(Refused) as error:
                    live.transport.signed(una, method, path, sent)
                said.add((error.value.code, str(error.value)))
    for path in (
        f"/v1/chunk/{ids.show(own)}/{her.hex()}",
        f"/v1/chunk/{ids.show(own)}/{his.hex()}",
        f"/v1/chunk/{ids.show(own)}/{bytes(32).hex()}",
        "/v1/chunk/x/y",
    ):
        with pytest.raises(Refused) as error:
            live.transport.signed(una, "GET", path)
        said.add((error.value.code, str(error.value)))
    assert len(said) == 1
    assert {code for code, _ in said} == {"no-such-file"}
    # The same bytes in one's own file are another chunk: no claim and no bringing tells of hers, or touches it.
    assert claim(live, una, own, Claim(bytes(32), (her,))) == (her,)
    put(live, una, own, body)
    assert get(live, una, own, her) == body
    assert get(live, lena, hers, her) == body


def test_who_was_removed_fetches_nothing_any_more(live: Live) -> None:
    sam, priya = live.enrol("Sam", ("coordinator",)), live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))
    record = add(priya, log, 1000)
    syncing.sync(priya, live.transport)
    chunk = manifest(priya, log, record).ids[0]
    body = get(live, priya, log, chunk)
    syncing.sync(sam, live.transport)
    files.remove_member(sam, log, priya.identity.user)
    syncing.sync(sam, live.transport)
    assert refused(lambda: get(live, priya, log, chunk)) == "no-such-file"
    assert refused(lambda: put(live, priya, log, body)) == "no-such-file"
    assert refused(lambda: claim(live, priya, log, Claim(bytes(32), (chunk,)))) == "no-such-file"
    assert ids.sha256(attachments.fetch(sam, lambda: live.transport, log, record)) == manifest(sam, log, record).hash, "nothing of it went"


def test_what_is_no_chunk(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    for size in (0, 1, 32_767, 32_769, 65_535, 1_048_575):
        assert refused(partial(put, live, sam, log, bytes(size), ids.sha256(bytes(size)))) == "malformed"
    assert refused(lambda: put(live, sam, log, bytes(1_048_577))) == "too-large"
    assert refused(lambda: put(live, sam, log, bytes(32_768), bytes(32))) == "malformed"
    assert refused(lambda: put(live, sam, log, bytes(1), bytes(31))) == "no-such-file"
    for body in (b"", b"\xff", cbor.encode({"v": 1, "claims": []}), cbor.encode({"v": 2, "claims": [[bytes(32), [bytes(32)]]]})):
        assert refused(partial(live.transport.signed, sam, "POST", f"/v1/chunks/{ids.show(log)}", body)) == "malformed"
    many = [Claim(number.to_bytes(32, "big"), (bytes(32),)) for number in range(17)]
    assert refused(lambda: claim(live, sam, log, *many)) == "too-large"
    put(live, sam, log, bytes(32_768))
    put(live, sam, log, bytes(32_768))
    assert get(live, sam, log, ids.sha256(bytes(32_768))) == bytes(32_768)


def test_a_server_that_gives_other_bytes(live: Live) -> None:
    sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))
    record = add(sam, log, 2 * MEGABYTE)
    syncing.sync(sam, live.transport)
    syncing.sync(priya, live.transport)
    first, second = manifest(sam, log, record).chunks[:2]

    class Lying(Counting):
        def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
            return super().signed(session, method, path.replace(first.hex(), second.hex()), body)

    assert refused(lambda: attachments.fetch(priya, lambda: Lying(live.transport), log, record)) == "contradiction"
    assert [one[4] for one in priya.store.alarms()] == ["bad-chunk"]
    assert len(attachments.fetch(priya, lambda: live.transport, log, record)) == 2 * MEGABYTE


def test_under_another_key_nothing_opens(live: Live) -> None:
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    record = add(sam, log, 1000)
    whole = manifest(sam, log, record)
    chunks = [sam.store.chunk(log, one, 0) or b"" for one in whole.chunks]
    from dataclasses import replace

    svc = sam.identity.svc
    assert len(attachment.open_content(svc, log, whole, chunks)) == 1000
    for wrong in (replace(whole, key=bytes(32)), replace(whole, hash=bytes(32)), replace(whole, size=999)):
        with pytest.raises(Malformed, match="does not open"):
            attachment.open_content(svc, log, wrong, chunks)
    with pytest.raises(Malformed, match="does not open"):
        attachment.open_content(svc, bytes(16), whole, chunks)


def test_a_claim_is_answered_with_what_is_missing(live: Live) -> None:
    """A server that lost what it had acknowledged: it is brought again before the entry that names it is pushed."""
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    record = add(sam, log, 1000)

    class KeepsNothing(Counting):
        """Acknowledges the first two chunks, and has not got them."""

        def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
            if method == "PUT" and len(self.tried) < 2:
                self.tried.append(path)
                return cbor.encode({"v": 1})
            return super().signed(session, method, path, body)

    line = KeepsNothing(live.transport)
    syncing.sync(sam, line)
    assert sorted(line.tried[:2]) == sorted(line.tried[2:])
    assert sam.store.outgoing() == []
    assert ids.sha256(get(live, sam, log, manifest(sam, log, record).ids[0])) == manifest(sam, log, record).ids[0]


def test_quotas_hold_up_no_note(tmp_path: Path) -> None:
    """A day's share that is used up: notes go, the photograph waits and says why; with more room it goes on."""
    live = Live(tmp_path, env={"FIELDKEEP_CHUNK_BYTES_PER_DAY": "2500000"})
    try:
        sam = live.enrol("Sam", ("navigator",))
        log = live.case(sam)
        record = add(sam, log)
        spoken = note(sam, log, "beside it")
        report = syncing.sync(sam, live.transport)
        assert (report.attached.left, report.attached.code, report.attached.chunks) == (1, "quota", 2)
        assert next(words for _, words in attachments.waiting_lines(sam)).startswith("quota")
        note(sam, log, "after it")
        syncing.sync(sam, live.transport)
        assert {row.record for row in sam.store.unsealed(log)} == set()
        assert sam.records(log)[spoken].registers["body"].live
        live.server.kill()
        live.server._env["FIELDKEEP_CHUNK_BYTES_PER_DAY"] = "100000000"
        live.server._env["FIELDKEEP_CHUNK_BYTES_PER_FILE"] = "5000000"
        live.server.start()
        line = Counting(live.transport)
        assert syncing.sync(sam, line).attached.left == 0
        assert len(line.acknowledged) == len(manifest(sam, log, record).ids) - 2
        add(sam, log)
        report = syncing.sync(sam, live.transport)
        assert (report.attached.left, report.attached.code) == (1, "quota")
        live.server.kill()
        live.server._env["FIELDKEEP_CHUNKS_CLAIMED_PER_DAY"] = "3"
        live.server.start()
        named = tuple(bytes((number,)) * 32 for number in range(4))
        assert refused(lambda: claim(live, sam, log, Claim(bytes(32), named))) == "quota"
        assert claim(live, sam, log, Claim(bytes(32), named[:3])) == named[:3]
    finally:
        live.close()


def test_the_server_started_twice_serves_what_it_had(live: Live) -> None:
    """Bytes that were put when the process ended, before anything named them, are overwritten when their grace is over, and disturb nobody."""
    sam = live.enrol("Sam", ("navigator",))
    log = live.case(sam)
    add(sam, log, 1000)
    syncing.sync(sam, live.transport)
    chunk = manifest(sam, log, attachments.list_shown(sam, log)[0].record).ids[0]
    live.server.kill()
    database.lose_bodies(live.server.data, "perpetrator")
    live.server.start()
    assert refused(lambda: get(live, sam, log, chunk)) == "no-such-file", "bytes that are not there count as missing"
    assert claim(live, sam, log, Claim(bytes(32), (chunk,))) == (chunk,)
    body = sam.store.chunk(log, chunk, 0)
    assert body is not None
    put(live, sam, log, body)
    assert get(live, sam, log, chunk) == body
    assert claim(live, sam, log, Claim(bytes(32), (chunk,))) == ()


def test_sealed_again_it_is_claimed_again(live: Live) -> None:
    """Its key was closed between sealing and sending: other parts, and the same chunks."""
    sam, priya, ruth = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",)), live.enrol("Ruth", ("coordinator",))
    log = live.case(sam, (priya, "navigator"), (ruth, "coordinator"))
    record = add(sam, log, 1000)
    assert attachments.send(sam, live.transport).complete == 1
    outbox.seal_pending(sam)
    [before] = sam.store.outbox()
    una = live.enrol("Una", ("navigator",))
    syncing.sync(ruth, live.transport)
    files.add_member(ruth, log, una.identity.user, "navigator")
    syncing.sync(ruth, live.transport)
    files.remove_member(ruth, log, una.identity.user)
    syncing.sync(ruth, live.transport)
    syncing.sync(sam, live.transport)
    syncing.sync(priya, live.transport)
    assert sam.store.outgoing() == []
    assert before.id not in {row.id for row in priya.store.entries(log)}
    assert len(attachments.fetch(priya, lambda: live.transport, log, record)) == 1000


def test_who_fetched_what_is_in_the_audit_log(live: Live) -> None:
    """Before it goes; and nothing else of an attachment is told to an auditor."""
    sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    supervisor = live.enrol("Olu", ("supervisor_perpetrator",), side="oversight")
    log = live.case(sam, (priya, "navigator"))
    record = add(sam, log, 2 * MEGABYTE)
    for one in (sam, priya):
        syncing.sync(one, live.transport)
    attachments.fetch(priya, lambda: live.transport, log, record)
    export = audit_files.from_server(lambda path: live.transport.signed(supervisor, "GET", path), "perpetrator", live.made.svc)
    found = [decode_event(event) for _, event in export.events.values()]
    fetched = [(event["device"], event["log"], event["id"]) for event in found if event["e"] == "fetched"]
    assert sorted(fetched) == sorted((priya.identity.device, log, chunk) for chunk in manifest(sam, log, record).chunks)
