"""What a server keeps of attachments, how long, and that what went is nowhere: with chunks beside the database, and in a store that speaks S3 (docs/spec.md
§18.5, §18.6).
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import server.service
from server import chunk_rows, engines
from server.bodies import NoStore, RowBodies, open_bodies
from server.realm import Realm
from shared_schema import ids, limits
from shared_schema.chunk import Claim
from shared_schema.errors import Refused
from sync.device.attaching import attachments
from sync.device.exchanging import syncing
from sync.device.people import files, holding, standing
from sync.device.recording import records
from sync.device.removal import removing
from tests import database
from tests.live import Live
from tests.object_store import object_store
from tests.system.test_attachments import PHOTO, add, claim, cleaned, get, manifest, put, refused
from tests.wall.twins import AtOnce, Phone, Run
from tests.world import DAY, HOUR, Entropy, patched

WEEK = limits.CHUNK_GRACE_MS


class Office:
    """Sam and Priya visit, Ruth coordinates; all three are in a case."""

    def __init__(self, run: Run, folder: Path, store: Any) -> None:
        self.run, self.folder, self.store = run, folder, store
        self.transport = run.admins["perpetrator"].transport
        self.sam, self.priya, self.ruth = (
            run.enrol("perpetrator", name, role) for name, role in (("Sam", "navigator"), ("Priya", "navigator"), ("Ruth", "coordinator"))
        )
        self.sync()
        others = {self.priya.session.identity.user: "navigator", self.ruth.session.identity.user: "coordinator"}
        self.log = files.create_file(self.sam.session, "case", others)
        self.sync()

    def sync(self, *phones: Phone) -> None:
        for phone in phones or (self.sam, self.ruth, self.priya):
            phone.sync()

    @property
    def realm(self) -> Realm:
        return self.run.service.sides["perpetrator"].realm

    def add(self, phone: Phone, size: int = 1000) -> bytes:
        return add(phone.session, self.log, size)

    def sent(self, phone: Phone, size: int = 1000) -> bytes:
        record = self.add(phone, size)
        self.sync()
        return record

    def ids(self, record: bytes) -> tuple[bytes, ...]:
        return manifest(self.sam.session, self.log, record).ids

    def there(self, *chunks: bytes) -> list[bool]:
        """Asked for by a member."""
        found = []
        for chunk in chunks:
            try:
                get(self, self.sam.session, self.log, chunk)  # type: ignore[arg-type]
                found.append(True)
            except Refused as error:
                assert error.code == "no-such-file"
                found.append(False)
        return found

    def later(self, ms: int) -> None:
        """So much later, an hour's work done."""
        self.run.now_ms += ms
        self.realm.keeper.collect_at_ms = 0
        self.realm.sequence()

    def bodies(self) -> bytes:
        """Every byte that lies on the server's disk, and in its store."""
        lies = b"".join(data for _, data in database.everything(self.folder))
        return lies + (b"".join(self.store.objects().values()) if self.store else b"")

    def remove(self, record: bytes) -> None:
        """Priya asks, Ruth does it."""
        removing.ask_expunge(self.priya.session, self.log, removing.parts_of(self.priya.session, self.log, record), "spill")
        self.sync(self.priya, self.ruth)
        for request in removing.waiting_for(self.ruth.session):
            for one in request.asked:
                removing.carry_out(self.ruth.session, request, one)
                self.sync(self.ruth)


@pytest.fixture(params=["rows", "s3"])
def office(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """With each of the two stores."""
    with ExitStack() as stack:
        store = stack.enter_context(object_store()) if request.param == "s3" else None
        for name, value in (store.env if store else {}).items():
            monkeypatch.setenv(name, value)
        stack.enter_context(mock.patch.object(server.service, "Writer", AtOnce))
        yield Office(stack.enter_context(Run(tmp_path / "server")), tmp_path / "server", store)


def test_what_nothing_names_is_collected_when_its_grace_is_over(office: Office) -> None:
    """Brought by a phone that was lost before it sent the record: gone after a week, and from the disk too. What is named stays for years."""
    kept = office.sent(office.sam)
    lost = office.add(office.sam)
    body = office.sam.store.chunk(office.log, office.ids(lost)[0], 0) or b""
    attachments.send(office.sam.session, office.transport)
    assert body[5000:5064] in office.bodies()
    office.later(WEEK - HOUR)
    assert office.there(*office.ids(kept), *office.ids(lost)) == [True] * 4
    office.later(2 * HOUR)
    assert office.there(*office.ids(kept), *office.ids(lost)) == [True, True, False, False]
    assert body[5000:5064] not in office.bodies()
    office.later(300 * DAY)
    assert office.there(*office.ids(kept)) == [True, True]
    office.run.now_ms -= 300 * DAY
    # The phone is found: it claims, hears what is missing, brings it again, and only then sends the record.
    office.sync()
    assert office.sam.store.outgoing() == []
    assert office.there(*office.ids(lost)) == [True, True]
    assert records.values(office.priya.session, office.log, lost)["what"].value == PHOTO["what"]


def test_a_claim_keeps_until_its_entry_comes_or_a_week_is_over(office: Office) -> None:
    """And claiming again renews it."""
    record = office.add(office.sam)
    attachments.send(office.sam.session, office.transport)
    chunks = office.ids(record)
    line: Any = office
    for _ in range(3):
        office.later(WEEK - HOUR)
        assert claim(line, office.sam.session, office.log, Claim(bytes(32), chunks)) == ()
    office.later(WEEK - HOUR)
    assert office.there(*chunks) == [True, True]
    office.later(2 * HOUR)
    assert office.there(*chunks) == [False, False]
    with office.realm.engine.connect() as tx:
        assert chunk_rows.waiting(tx) == {}
    assert office.realm.keeper.waiting == {}


def test_collecting_and_claiming_do_not_meet(office: Office) -> None:
    """What is claimed in the transaction before is not collected in the one after; what was collected is said to be missing."""
    record = office.add(office.sam)
    attachments.send(office.sam.session, office.transport)
    chunks = office.ids(record)
    office.run.now_ms += WEEK + HOUR
    office.realm.keeper.collect_at_ms = 2**60
    missing: list[bytes] = []
    office.realm.transact(
        [
            lambda commit: missing.extend(commit.chunks.claim(office.log, [Claim(bytes(32), chunks)], frozenset())),
            lambda commit: commit.chunks.collect(),
        ]
    )
    assert missing == []
    assert office.there(*chunks) == [True, True]


def test_an_attachment_that_two_people_remove(office: Office) -> None:
    """Its chunks go from the server's disk or store, from every phone, and are never taken again; the rest of the file stays."""
    kept, spilled = office.sent(office.sam), office.sent(office.sam, 3_000_000)
    chunks = office.ids(spilled)
    phones = (office.sam, office.priya, office.ruth)
    for phone in phones:
        attachments.fetch(phone.session, line_of(phone), office.log, spilled)
        attachments.thumbnail(phone.session, line_of(phone), office.log, spilled)
        assert all(phone.store.chunk(office.log, one, 0) for one in chunks)
    bodies = [office.sam.store.chunk(office.log, one, 0) or b"" for one in chunks]
    needles = [body[5000:5064] for body in bodies]
    assert all(needle in office.bodies() for needle in needles), "the search finds what is there"
    office.remove(spilled)
    assert not any(needle in office.bodies() for needle in needles)
    office.sync()
    for phone in phones:
        assert [phone.store.chunk(office.log, one, 0) for one in chunks] == [None] * len(chunks)
        assert attachments.manifest_of(phone.session, office.log, spilled) is None
    assert office.there(*chunks, *office.ids(kept)) == [False] * len(chunks) + [True, True]
    line: Any = office
    assert refused(lambda: put(line, office.sam.session, office.log, bodies[0])) == "erased"
    assert office.realm.keeper.overwritten
    office.later(WEEK + DAY)
    assert refused(lambda: put(line, office.sam.session, office.log, bodies[0])) == "erased"


def test_another_claim_does_not_save_what_was_removed(office: Office) -> None:
    """A member who claims the same chunks for a part of their own keeps nothing of it, and takes nothing that is not theirs to remove."""
    spilled = office.sent(office.sam)
    line: Any = office
    claim(line, office.priya.session, office.log, Claim(b"p" * 32, office.ids(spilled)))
    office.remove(spilled)
    assert office.there(*office.ids(spilled)) == [False, False]


def test_the_same_chunk_in_another_file_stays(office: Office) -> None:
    """What is removed here is not looked for there."""
    spilled = office.sent(office.sam)
    other = files.create_file(office.sam.session, "case")
    office.sync(office.sam)
    chunk = office.ids(spilled)[0]
    body = office.sam.store.chunk(office.log, chunk, 0) or b""
    line: Any = office
    put(line, office.sam.session, other, body)
    office.remove(spilled)
    assert office.there(chunk) == [False]
    assert get(line, office.sam.session, other, chunk) == body


def test_an_erased_file_has_no_chunks(office: Office) -> None:
    record = office.sent(office.sam)
    waiting = office.add(office.sam)
    bodies = [office.sam.store.chunk(office.log, one, 0) or b"" for one in (*office.ids(record), *office.ids(waiting))]
    attachments.send(office.sam.session, office.transport)
    removing.ask_erase(office.sam.session, office.log, "court")
    office.sync()
    for request in removing.waiting_for(office.ruth.session):
        removing.carry_out(office.ruth.session, request, request.asked[0])
    office.sync(office.ruth, office.sam, office.priya)
    stored = office.bodies()
    assert not any(body[5000:5064] in stored for body in bodies)
    with office.realm.engine.connect() as tx:
        assert not chunk_rows.has_any(tx)
    for phone in (office.sam, office.priya, office.ruth):
        assert phone.store.outgoing(office.log) == []
        assert phone.store.chunk(office.log, ids.sha256(bodies[0]), 0) is None
    line: Any = office
    assert refused(lambda: put(line, office.sam.session, office.log, bodies[0])) == "no-such-file"


def test_what_is_held_keeps_its_chunks(office: Office) -> None:
    """Sealed before the phone was suspended, handed in by it, looked at and let in by Ruth: content and all."""
    record = office.add(office.sam)
    attachments.send(office.sam.session, office.transport)
    with pytest.raises(Refused, match="lost"):
        syncing._reconcile(office.sam.session, _ClaimsOnly(office.sam.transport), syncing.Report(), lambda _report: None)
    standing.suspend(office.priya.session, office.sam.session.identity.device, "lost")
    office.sync(office.priya)
    assert refused(office.sam.sync) == "suspended"
    office.later(WEEK + DAY)
    office.sync(office.ruth)
    [held] = holding.fetch(office.ruth.session, office.ruth.transport, [office.log])
    holding.admit(office.ruth.session, held)
    office.sync(office.ruth, office.priya)
    assert len(attachments.fetch(office.priya.session, lambda: office.priya.transport, office.log, record)) == 1000


def line_of(phone: Phone) -> Callable[[], Any]:
    """The phone's way to the server."""
    return lambda: phone.transport


class _ClaimsOnly:
    """Carries claims; the push that follows is lost."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def sync(self, _session: Any, _body: bytes) -> bytes:
        raise Refused("offline", "lost")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_store_that_fails_loses_nothing(office: Office) -> None:
    """It cannot be written to, then not deleted from: the photograph waits; what was removed is said not to be overwritten until it is."""
    spilled = office.sent(office.sam)
    bodies = office.realm.keeper.bodies

    def fails(*_: object) -> Any:
        raise OSError("no")

    record = office.add(office.sam)
    with patched(type(bodies), "put", fails):
        report = syncing.sync(office.sam.session, office.sam.transport)
    assert (report.attached.left, report.attached.code) == (1, "busy")
    office.sync()
    assert office.there(*office.ids(record)) == [True, True]
    body = office.sam.store.chunk(office.log, office.ids(spilled)[0], 0) or b""
    with patched(type(bodies), "remove", fails):
        office.remove(spilled)
        assert not office.realm.keeper.overwritten
        assert office.there(*office.ids(spilled)) == [False, False]
        assert body[5000:5064] in office.bodies()
    office.later(HOUR)
    assert office.realm.keeper.overwritten
    assert body[5000:5064] not in office.bodies()


def test_objects_tell_neither_file_nor_chunk(tmp_path: Path) -> None:
    """On a real server, killed: acknowledged is in the bucket; each side's objects are apart, under names drawn by lot."""
    with object_store() as store:
        live = Live(tmp_path, env=store.env)
        try:
            sam, lena = live.enrol("Sam", ("navigator",)), live.enrol("Lena", ("link_worker",), side="victim")
            logs = {sam: live.case(sam), lena: live.case(lena)}
            made = {session: add(session, log, 2_500_000) for session, log in logs.items()}
            for session in logs:
                assert syncing.sync(session, live.transport).attached.left == 0
            live.server.kill()
            live.server.start()
            for session, log in logs.items():
                for chunk in manifest(session, log, made[session]).ids:
                    assert ids.sha256(get(live, session, log, chunk)) == chunk
            objects = store.objects()
            assert sorted({name.rpartition("/")[0] for name in objects}) == ["attachments/perpetrator", "attachments/victim"]
            assert len(objects) == 8
            known = [one.hex() for session, log in logs.items() for one in (log, made[session], *manifest(session, log, made[session]).ids)]
            assert not any(one in name for name in objects for one in known)
            assert not (live.server.data / "perpetrator.chunks.db").exists()
            store.process.kill()
            store.process.wait(20)
            record = attachments.add(sam, logs[sam], cleaned(1000), PHOTO)
            report = syncing.sync(sam, live.transport)
            assert (report.attached.left, report.attached.code) == (1, "busy")
            assert sam.store.outgoing(logs[sam])[0].record == record
        finally:
            live.close()


def test_stores_that_do_not_say_what_is_durable(tmp_path: Path) -> None:
    for url in ("file:///tmp/x", "memory://", "/tmp/x", "https://bucket.example"):
        with pytest.raises(NoStore, match="s3://BUCKET/PREFIX"):
            open_bodies(url, tmp_path / "chunks.db", engines.open_engine(None), "victim", bytes)


def test_an_older_copy_of_the_bytes_never_gives_others(tmp_path: Path) -> None:
    """Places are never used twice: what was put since an older copy was made is not taken for what came after it."""
    path, draw = tmp_path / "chunks.db", Entropy(0, "places")
    bodies = RowBodies(path, draw)
    bodies.put(b"first", 0)
    bodies.close()
    shutil.copy(path, tmp_path / "older.db")
    bodies = RowBodies(path, draw)
    since = bodies.put(b"since", 0)
    bodies.close()
    older = RowBodies(tmp_path / "older.db", draw)
    assert older.put(b"after", 0) != since
    assert older.get(since) is None
    older.close()
