"""Auditing from outside: exports, an independent verifier, tampered databases."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from shared_schema import cbor, ids
from sync import audit
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.exports import audit_files
from sync.device.session import Session
from tests import database
from tests.live import Live, now_ms

VERIFIER = Path(__file__).parent.parent / "independent_verifier.py"


def note(session: Session, log: bytes, words: str) -> bytes:
    return session.write(log, None, "case_note", [Op("body", "set", words, ())])


@pytest.fixture
def story(live: Live) -> tuple[Live, Session, Session, bytes]:
    """Two navigators with one case and a few notes, synced."""
    sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
    log = live.case(sam, (priya, "navigator"))
    for number in range(5):
        note(sam if number % 2 else priya, log, f"note {number}")
        for session in (sam, priya):
            syncing.sync(session, live.transport)
    syncing.sync(sam, live.transport)
    return live, sam, priya, log


def export(session: Session, path: Path) -> Path:
    audit_files.write_export(audit_files.from_store(session), path, session.identity.authority, now_ms())
    return path


def supervisor_export(live: Live, path: Path, side: str = "perpetrator") -> Path:
    sue = live.enrol("Sue", (f"supervisor_{side}",), "oversight")
    made = audit_files.from_server(lambda route: live.transport.signed(sue, "GET", route), side, sue.identity.svc)
    audit_files.write_export(made, path, sue.identity.authority, now_ms())
    return path


class TestIndependentVerifier:
    """With cwt, hashlib and public keys only, anybody computes the same chain as the receipts."""

    def test_it_is_short_and_imports_nothing_of_ours(self) -> None:
        text = VERIFIER.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 100
        assert not any(f"import {name}" in text or f"from {name}" in text for name in ("shared_schema", "sync", "server"))

    def test_it_finds_the_same_chain(self, story: tuple[Live, Session, Session, bytes], tmp_path: Path) -> None:
        live, sam, _, log = story
        for path in (export(sam, tmp_path / "sam.jsonl"), supervisor_export(live, tmp_path / "all.jsonl")):
            ran = subprocess.run(
                [sys.executable, str(VERIFIER), str(path), sam.identity.authority.hex()], capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, ran.stderr
            found = json.loads(ran.stdout)
            assert found["heads"][log.hex()] == sam.reader(log).log.head.chain.hex()
            assert found["vouched"] > 0

    def test_it_fails_on_a_changed_export(self, story: tuple[Live, Session, Session, bytes], tmp_path: Path) -> None:
        _, sam, _, log = story
        path = export(sam, tmp_path / "sam.jsonl")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        changed = next(line for line in lines if line.get("log") == ids.show(log) and line.get("seq") == 3)
        changed["received_ms"] += 1
        path.write_text("\n".join(json.dumps(line) for line in lines))
        ran = subprocess.run([sys.executable, str(VERIFIER), str(path), sam.identity.authority.hex()], capture_output=True, text=True, check=False)
        assert ran.returncode != 0
        assert "another chain" in ran.stderr


def tamper(live: Live, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """Change the stopped server's database, and start it again. Whoever does that does away with its marks, too."""
    live.server.stop()
    (live.server.data / "perpetrator.marks").unlink()
    touched = database.change(live.database("perpetrator"), ("DELETE FROM meta WHERE key = 'marked'", ()), *statements)
    assert all(touched[1:])
    live.server.start()


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


class TestAFlippedByte:
    """One flipped byte in a stored entry: audit verify names log and seq."""

    @pytest.mark.parametrize("where", [30, 200, -1])
    def test_in_the_servers_database(self, story: tuple[Live, Session, Session, bytes], tmp_path: Path, where: int) -> None:
        live, sam, _, log = story
        [(cose,)] = database.ask(live.database("perpetrator"), "SELECT cose FROM entry WHERE log_id = ? AND seq = 4", log)
        tamper(live, ("UPDATE entry SET cose = ? WHERE log_id = ? AND seq = 4", (flip(cose, where % len(cose)), log)))
        read, _ = audit_files.read_export(supervisor_export(live, tmp_path / "all.jsonl"))
        found = audit.verify_export(read, sam.identity.authority).findings
        assert found
        assert (found[0].log, found[0].seq) == (log, 4)

    def test_on_the_command_line_of_a_device(self, tmp_path: Path, story: tuple[Live, Session, Session, bytes]) -> None:
        _, sam, _, log = story
        path = export(sam, tmp_path / "sam.jsonl")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        one = next(line for line in lines if line.get("log") == ids.show(log) and line.get("seq") == 2)
        import base64

        one["cose"] = base64.b64encode(flip(base64.b64decode(one["cose"]), 60)).decode()
        path.write_text("\n".join(json.dumps(line) for line in lines))
        ran = subprocess.run([sys.executable, "-m", "fieldkeep", "audit", "verify", str(path), "--json"], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        finding = json.loads(ran.stdout)["findings"][0]
        assert (finding["log"], finding["seq"]) == (ids.show(log), 2)

    def test_an_untouched_export_verifies(self, story: tuple[Live, Session, Session, bytes], tmp_path: Path) -> None:
        live, sam, _, _ = story
        read, _ = audit_files.read_export(supervisor_export(live, tmp_path / "all.jsonl"))
        audited = audit.verify_export(read, sam.identity.authority)
        assert audited.findings == []
        assert audited.leaves > 0


class TestWhileOthersWrite:
    def test_every_export_is_of_one_moment(self, story: tuple[Live, Session, Session, bytes]) -> None:
        """Its checkpoint covers all its events, and what comes meanwhile is in none of it."""
        live, sam, priya, log = story
        sue = live.enrol("Sue", ("supervisor_perpetrator",), "oversight")
        done = threading.Event()

        def write(session: Session) -> None:
            with HttpTransport(live.server.address) as transport:
                while not done.is_set():
                    note(session, log, "meanwhile")
                    syncing.sync(session, transport)

        with ThreadPoolExecutor(2) as pool:
            busy = [pool.submit(write, session) for session in (sam, priya)]
            try:
                made = [
                    audit_files.from_server(lambda route: live.transport.signed(sue, "GET", route), "perpetrator", sue.identity.svc) for _ in range(8)
                ]
            finally:
                done.set()
            for one in busy:
                one.result()
        for number, export in enumerate(made, 1):
            audited = audit.verify_export(export, sam.identity.authority)
            assert audited.findings == []
            assert (audited.beyond, audited.leaves, audited.complete) == (0, len(export.events), True)
            assert sum(cbor.decode(event)["e"] == "export" for _, event in export.events.values()) == number, "the fetching itself too"
        assert len(made[-1].events) > len(made[0].events) + 8


def delete_newest(log: bytes) -> list[tuple[str, tuple[object, ...]]]:
    return [("DELETE FROM entry WHERE log_id = ? AND seq = 4", (log,))]


def swap(log: bytes) -> list[tuple[str, tuple[object, ...]]]:
    return [
        ("UPDATE entry SET seq = 1000 WHERE log_id = ? AND seq = 4", (log,)),
        ("UPDATE entry SET seq = 4 WHERE log_id = ? AND seq = 5", (log,)),
        ("UPDATE entry SET seq = 5 WHERE log_id = ? AND seq = 1000", (log,)),
    ]


def flip_part(log: bytes) -> list[tuple[str, tuple[object, ...]]]:
    flipped = "substr(parts, 1, 100) || x'00' || substr(parts, 102)"
    if database.is_postgresql():
        flipped = "overlay(parts placing '\\000'::bytea from 101)"
    return [(f"UPDATE entry SET parts = CAST({flipped} AS {'bytea' if database.is_postgresql() else 'BLOB'}) WHERE log_id = ? AND seq = 4", (log,))]


class TestALyingDatabase:
    """A deleted row, a swapped order, an older head: the device says contradiction, keeps its data, keeps the evidence."""

    @pytest.mark.parametrize("lie", [delete_newest, swap, flip_part])
    def test_to_a_device_that_has_not_seen_it(self, live: Live, lie: Callable[[bytes], list[tuple[str, tuple[object, ...]]]]) -> None:
        sam, priya = live.enrol("Sam", ("navigator",)), live.enrol("Priya", ("navigator",))
        log = live.case(sam, (priya, "navigator"))
        note(priya, log, "seen before the lie")
        for session in (priya, sam, priya):
            syncing.sync(session, live.transport)
        before = priya.reader(log).log.head
        for number in range(4):
            note(sam, log, f"{number}")
            syncing.sync(sam, live.transport)
        tamper(live, *lie(log))
        report = syncing.sync(priya, live.transport)
        assert [found for found, _ in report.contradictions] == [log]
        assert priya.reader(log).log.head == before
        assert len(priya.records(log)) == 1
        [alarm] = [alarm for alarm in priya.store.alarms() if alarm[4] == "contradiction"]
        assert alarm[2] == log
        assert alarm[6]
        assert priya.stopped(log) == "contradiction"
        note(priya, log, "still possible to write")
        assert priya.store.unsent() == 1

    def test_an_older_head(self, story: tuple[Live, Session, Session, bytes]) -> None:
        live, _, priya, log = story
        before, records = priya.reader(log).log.head, priya.records(log)
        [(chain,)] = database.ask(live.database("perpetrator"), "SELECT chain FROM entry WHERE log_id = ? AND seq = 3", log)
        tamper(
            live,
            ("DELETE FROM entry WHERE log_id = ? AND seq > 3", (log,)),
            ("UPDATE log_head SET seq = 3, chain = ? WHERE log_id = ?", (chain, log)),
        )
        report = syncing.sync(priya, live.transport)
        assert [found for found, _ in report.contradictions] == [log]
        assert priya.reader(log).log.head == before
        assert priya.records(log) == records
        assert any(alarm[4] == "contradiction" and alarm[6] for alarm in priya.store.alarms())
