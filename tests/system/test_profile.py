"""A device's folder and store: made once, never made in place of a lost one, and clear words when the disk fails."""

import json
import os
import resource
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from shared_schema.errors import Refused
from sync.device.entering import enrolment, profile
from sync.device.entering.private_files import write_private
from sync.device.entering.profile import open_store
from sync.device.people import files
from sync.device.recording import records
from sync.device.session import Session
from sync.device.storage.database import SqlError, storage_error
from sync.device.storage.store import Store
from sync.device.storage.tables import SCHEMA_VERSION, ParcelOut
from tests.desk import SECRET, Desk
from tests.live import Live, now_ms
from tests.world import World

KEY = bytes(32)
WRONG: tuple[Any, ...] = (None, [], {}, "x", 0, -1, 1.5, True, 2**70, float("inf"), "00")


def code_of(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.code


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


class TestMaking:
    def test_a_wrong_passphrase_and_a_second_process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(profile, "_WAIT_S", 0.1)
        with open_store(tmp_path / "p", SECRET, new=True):
            with pytest.raises(Refused) as caught, open_store(tmp_path / "p", SECRET):
                pass
            assert code_of(caught) == "busy"
        with pytest.raises(Refused) as caught, open_store(tmp_path / "p", "another one"):
            pass
        assert code_of(caught) == "bad-passphrase"

    def test_opening_makes_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(Refused) as caught, open_store(tmp_path / "none", SECRET):
            pass
        assert code_of(caught) == "no-profile"
        assert not (tmp_path / "none").exists()

    def test_a_store_that_is_gone_is_not_replaced(self, tmp_path: Path) -> None:
        folder = tmp_path / "p"
        with open_store(folder, SECRET, new=True):
            pass
        (folder / "store.db").unlink()
        with pytest.raises(Refused) as caught, open_store(folder, SECRET):
            pass
        assert code_of(caught) == "storage"
        assert str(folder) in str(caught.value)
        assert not (folder / "store.db").exists()
        (folder / "store.db").touch()
        with pytest.raises(Refused) as caught, open_store(folder, SECRET):
            pass
        assert code_of(caught) == "storage"
        assert (folder / "store.db").stat().st_size == 0

    def test_a_damaged_profile(self, tmp_path: Path) -> None:
        with open_store(tmp_path / "p", SECRET, new=True):
            pass
        path = tmp_path / "p" / "profile.json"
        facts = json.loads(path.read_text())
        texts = ["", "7", "[]", "null", "[" * 100_000, '{"v":' * 100_000, "\u00e9", path.read_text()[:30]]
        for key in facts:
            texts += [json.dumps({**facts, key: value}) for value in WRONG]
            texts += [json.dumps({name: value for name, value in facts.items() if name != key})]
        for text in texts:
            path.write_text(text, encoding="utf-8")
            with pytest.raises(Refused) as caught, open_store(tmp_path / "p", SECRET):
                pass
            assert code_of(caught) == "no-profile", text[:80]

    def test_two_at_once(self, tmp_path: Path, live: Live) -> None:
        """Two enrolments in one folder: one of them gets it, the other is refused and its code stays good."""
        codes = [live.invite(name, ("navigator",)).text() for name in ("Sam", "Priya")]
        command = [sys.executable, "-m", "fieldkeep", "--profile", str(tmp_path / "p"), "device", "enrol", "-", "--json"]
        env = {**os.environ, "FIELDKEEP_PASSPHRASE": SECRET}
        running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) for _ in codes]
        answers = [json.loads(process.communicate(code)[0]) for process, code in zip(running, codes, strict=True)]
        assert sorted(process.returncode for process in running) == [0, 1]
        [lost] = [index for index, answer in enumerate(answers) if "error" in answer]
        assert answers[lost]["error"]["code"] == "not-permitted"
        with open_store(tmp_path / "p", SECRET) as store:
            assert Session(store, now_ms, secrets.token_bytes).identity.name == ("Priya", "Sam")[lost]
        with open_store(tmp_path / "q", SECRET, new=True) as store:
            enrolment.enrol(store, enrolment.decode_code(codes[lost]), "phone", live.transport, now_ms, secrets.token_bytes)

    def test_profile_json_is_never_overwritten(self, tmp_path: Path) -> None:
        """Whoever comes second waits for the lock, and finds what the first has made."""
        salts: list[Any] = []

        def make() -> None:
            with open_store(tmp_path / "p", SECRET, new=True):
                salts.append(json.loads((tmp_path / "p" / "profile.json").read_text())["salt"])

        threads = [threading.Thread(target=make) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(salts) == 3
        assert len(set(salts)) == 1
        with pytest.raises(FileExistsError):
            write_private(tmp_path / "p" / "profile.json", "{}", new=True)

    def test_only_the_owner_may_read(self, tmp_path: Path) -> None:
        before = os.umask(0o022)
        try:
            with open_store(tmp_path / "p", SECRET, new=True):
                pass
            (tmp_path / "share").touch(mode=0o644)
            write_private(tmp_path / "share", "words")
        finally:
            os.umask(before)
        assert mode(tmp_path / "p") == 0o700
        assert {mode(tmp_path / name) for name in ("p/profile.json", "p/lock", "share")} == {0o600}


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    """Sam's profile with one case; the file's id is `desk.case`."""
    with World(sides=("perpetrator",)) as world:
        sam = world.enrol("perpetrator", "Sam", ("navigator",))
        sam.sync()
        case = sam.do(lambda session: files.create_file(session, "case"))
        for i in range(40):
            sam.do(lambda session, i=i: records.add(session, case, "case_note", {"body": f"{i} " * 400}))  # type: ignore[misc]
        made: Any = Desk(sam, tmp_path / "sam")
        made.case = case.hex()
        yield made


class TestDisk:
    """A full disk, a failing one and a damaged store have names of their own, and leave everything as it was."""

    def test_a_full_disk_applies_nothing(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "store.db", KEY)
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 2}")

        def write() -> None:
            with store.transaction():
                store.set_fact("small", b"1")
                store.set_fact("big", bytes(200_000))

        with pytest.raises(SqlError) as caught:
            write()
        error = storage_error(caught.value)
        assert error.code == "storage"
        assert "disk is full" in str(error)
        assert store.fact("small") is None
        with store.transaction():
            store.set_fact("small", b"2")
        assert store.fact("small") == b"2"
        store.close()

    def test_a_disk_that_takes_no_more(self, desk: Any) -> None:
        """A real process that may write no file beyond its present size."""
        size = max(path.stat().st_size for path in desk.folder.iterdir())
        words = [sys.executable, "-m", "fieldkeep", "--profile", str(desk.folder), "note", "add", "--file", desk.case[:8], "x" * 19_000, "--json"]
        env = {**os.environ, "FIELDKEEP_PASSPHRASE": SECRET}

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, size + 1_000_000))

        ran = subprocess.run(words, capture_output=True, text=True, check=False, env=env, preexec_fn=limit)
        assert (ran.returncode, json.loads(ran.stdout)["error"]["code"]) == (1, "storage"), ran.stderr
        assert len(desk.run("note", "list", desk.case)["notes"]) == 40
        desk.run("note", "add", "--file", desk.case, "x" * 19_000)

    def test_a_disk_that_takes_nothing(self, desk: Any) -> None:
        """What is there can be read; what cannot be kept is not said to be."""
        env = {**os.environ, "FIELDKEEP_PASSPHRASE": SECRET, "PYTHONDONTWRITEBYTECODE": "1"}

        def ran(*words: str) -> tuple[int, Any]:
            full = subprocess.run(
                [sys.executable, "-m", "fieldkeep", "--profile", str(desk.folder), *words, "--json"],
                capture_output=True, text=True, check=False, env=env, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
            )  # fmt: skip
            return full.returncode, json.loads(full.stdout)

        status, found = ran("note", "list", desk.case[:8])
        assert (status, len(found["notes"])) == (0, 40)
        assert ran("status")[0] == 0
        status, found = ran("note", "add", "--file", desk.case[:8], "typed on a full disk")
        assert (status, found["error"]["code"]) == (1, "storage")
        assert "the disk is full or failing" in found["error"]["message"]
        assert len(desk.run("note", "list", desk.case)["notes"]) == 40

    def test_a_damaged_page(self, desk: Any) -> None:
        path = desk.folder / "store.db"
        data = bytearray(path.read_bytes())
        for page in range(2, len(data) // 16_384):
            data[page * 16_384 + 100] ^= 1
        path.write_bytes(data)
        error = desk.refused("note", "list", desk.case)
        assert error["code"] == "storage"
        assert "damaged" in error["message"]
        path.write_bytes(data[: 16_384 + 7])
        assert desk.refused("status")["code"] == "storage"

    def test_what_is_no_store(self, desk: Any) -> None:
        """The passphrase is right, by profile.json: it is the store that is none."""
        (desk.folder / "store.db").write_bytes(b"SQLite" * 16_384)
        error = desk.refused("status")
        assert error["code"] == "storage"
        assert "bring both back from one copy" in error["message"]
        (desk.folder / "store.db").unlink()
        assert desk.refused("status")["code"] == "storage"
        assert not (desk.folder / "store.db").exists()


class TestUpgrade:
    def test_an_older_store_becomes_this_one(self, tmp_path: Path) -> None:
        """Upgraded schema = fresh schema, and the alarms are still there."""
        Store(tmp_path / "fresh.db", KEY).close()
        old = Store(tmp_path / "old.db", KEY)
        old._db.executescript(
            "ALTER TABLE log DROP COLUMN whole; DROP TABLE attachment; DROP TABLE chunk; DROP TABLE parked; DROP TABLE parked_change; "
            "ALTER TABLE change DROP COLUMN expunged; DROP TABLE absent; DROP TABLE purge; DROP TABLE look; "
            "DROP TABLE parcel; DROP TABLE noticed; DROP TABLE filed; DROP TABLE alarm; CREATE TABLE alarm (n INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, "
            "code TEXT NOT NULL, text TEXT NOT NULL, evidence BLOB, UNIQUE (log, seq, code, text)); "
            "DROP TABLE due_proof; CREATE TABLE due_proof (leaf INTEGER PRIMARY KEY, hash BLOB NOT NULL, log BLOB NOT NULL, seq INTEGER NOT NULL, "
            "since_ms INTEGER NOT NULL); INSERT INTO due_proof VALUES (9, x'01', x'02', 3, 4); "
            "DROP TABLE outbox; CREATE TABLE outbox (n INTEGER PRIMARY KEY AUTOINCREMENT, log BLOB NOT NULL, sq INTEGER NOT NULL, id BLOB NOT NULL, "
            "statement INTEGER NOT NULL,\n    code TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', sealed_ms INTEGER NOT NULL, "
            "cose BLOB NOT NULL, parts BLOB NOT NULL); "
            "INSERT INTO outbox VALUES (5, x'02', 1, x'05', 0, 'accepted', '12 34567', 8, x'aa', x'bb'), (6, x'02', 2, x'06', 0, 'quota', 'x', 8, x'', x''); "
            "INSERT INTO alarm VALUES (7, 1, x'', 0, 'hole', 'part 0', x'00'); PRAGMA user_version = 1;"
        )
        old.close()
        stores = [Store(tmp_path / name, KEY, create=False) for name in ("fresh.db", "old.db")]
        shapes = [sorted(map(tuple, store._db.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))) for store in stores]
        assert shapes[0] == shapes[1]
        assert stores[1].alarms() == [(7, 1, b"", 0, "hole", "part 0", b"\0")]
        assert stores[1].due_proofs(9) == [(9, b"\1", b"\2", 3, 4, 4)]
        assert [(item.n, item.code, item.promised, item.receipted_ms) for item in stores[1].waiting()] == [
            (5, "", 12, 34567),
            (6, "quota", None, None),
        ]
        stores[1].raise_alarm(2, None, None, "hole", "part 1")
        assert [alarm[0] for alarm in stores[1].alarms()] == [7, 8]
        for store in stores:
            store.close()

    def test_a_newer_one_is_left_alone(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "store.db", KEY)
        store._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        store.close()
        with pytest.raises(Refused, match="newer fieldkeep"):
            Store(tmp_path / "store.db", KEY)


class TestServiceCreate:
    def test_the_sheets_are_the_owners_only_and_on_disk_before_it_is_finished(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from shared_schema.ids import SIDES
        from sync.device.cli import founding

        synced: list[int] = []
        real = os.fsync

        def fsync(fd: int) -> None:
            real(fd)
            synced.append(os.fstat(fd).st_ino)

        monkeypatch.setattr(os, "fsync", fsync)
        made = enrolment.NewService(secrets.token_bytes(16), bytes(32), {side: secrets.token_bytes(32) for side in SIDES}, {}, b"")
        (tmp_path / "recovery-victim-1.txt").touch()
        (tmp_path / "recovery-victim-1.txt").chmod(0o644)
        names = founding._write_shares(tmp_path, made, "Pilot", 2, 3)
        assert len(names) == 9
        assert {mode(tmp_path / name) for name in names} == {0o600}
        assert {(tmp_path / name).stat().st_ino for name in names} <= set(synced)
        assert tmp_path.stat().st_ino in synced


def test_letters_of_one_millisecond_leave_in_the_order_in_which_they_were_said(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db", KEY)
    said = [bytes([n]) * 16 for n in (9, 2, 7, 1)]
    for id_ in said:
        store.put_parcel(ParcelOut(id_, bytes(16), bytes(16), "notice", bytes(16), int(id_ == said[-1]), 1, b"letter", None, "", ""))
    assert [row.id for row in store.parcels()] == [said[-1], *said[:-1]]
    store.close()
