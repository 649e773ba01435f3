"""A day on a real server, or on a real device, under strace: what power cuts are tried on, and what shows that nothing is said before it is on disk."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.removal import removing
from sync.device.session import Session
from tests.faults.quick import ENVIRONMENT
from tests.faults.trace import TracedServer, traced
from tests.live import Live, LiveServer

Part = tuple[bytes, bytes, int]
WHOLE_FILE = -1


@dataclass
class Day:
    """A recorded server: where its calls are, where its data was, and which parts its statements removed, by entry."""

    calls: Path
    data: Path
    statements: dict[bytes, set[Part]]


def note(session: Session, log: bytes, words: str) -> bytes:
    """One note, saved."""
    return session.write(log, None, "case_note", [Op("body", "set", words, ())])


def record_server(folder: Path, notes: int, *, server: type[TracedServer] = TracedServer) -> Day:
    """A service is created, people come, write, begin files, remove parts and a whole file, and somebody comes later."""
    calls, statements = folder / "calls", dict[bytes, set[Part]]()
    live = Live(folder, server=server(folder / "server", calls, env=ENVIRONMENT))
    try:
        _day(live, notes, statements)
    finally:
        live.close()
    return Day(calls, live.server.data, statements)


def _day(live: Live, notes: int, statements: dict[bytes, set[Part]]) -> None:
    people = [live.enrol(name, (role,)) for name, role in (("Ruth", "coordinator"), ("Sam", "navigator"), ("Priya", "coordinator"))]
    ruth, sam, priya = people
    case = live.case(ruth, (sam, "navigator"), (priya, "coordinator"))
    other = live.case(priya, (ruth, "coordinator"))
    for n in range(notes):
        writer = people[n % 3]
        note(writer, case, f"note {n} " + "n" * (n * 37 % 900))
        syncing.sync(writer, live.transport)
        if n % 10 == 9:
            note(priya, other, f"spill {n}")
            _remove_part(live, priya, ruth, other, statements)
        if n % 25 == 24:
            note(ruth, live.case(ruth, (priya, "coordinator")), "another file")
            syncing.sync(ruth, live.transport)
    live.enrol("Lee", ("navigator",))
    request = removing.ask_erase(priya, other, "error", "not ours")
    _agree(live, priya, ruth, request, statements)
    note(sam, case, "the last")
    syncing.sync(sam, live.transport)


def _remove_part(live: Live, first: Session, second: Session, log: bytes, statements: dict[bytes, set[Part]]) -> None:
    syncing.sync(first, live.transport)
    record = list(first.store.records(log, "case_note"))[-1][0]
    _agree(live, first, second, removing.ask_expunge(first, log, removing.parts_of(first, log, record), "spill", "where they live"), statements)


def _agree(live: Live, first: Session, second: Session, record: bytes, statements: dict[bytes, set[Part]]) -> None:
    """The second carries out what the first asked."""
    for session in (first, second):
        syncing.sync(session, live.transport)
    request = next(one for one in removing.waiting_for(second) if one.record == record)
    for one in request.left:
        done = removing.carry_out(second, request, one)
        statements[done.id] = {(request.log, one.part[1], one.part[2]) if one.part else (request.log, b"", WHOLE_FILE)}
        syncing.sync(second, live.transport)
    syncing.sync(first, live.transport)


@dataclass
class Typed:
    """A recorded device: its calls, its folder, what was in it, its store's key and the file that it wrote to."""

    calls: Path
    folder: Path
    start: dict[str, bytes]
    key: bytes
    log: bytes


def record_device(folder: Path, seconds: float) -> Typed:
    """A device types and syncs for so long."""
    live = Live(folder, server=LiveServer(folder / "server", env=ENVIRONMENT))
    try:
        sam = live.enrol("Sam", ("navigator",), name="sam")
        log = live.case(sam)
        sam.store.close()
        live.opened.remove(sam)
        home = live.folder / "devices" / "sam"
        start = {one.name: one.read_bytes() for one in home.iterdir() if one.name.startswith("store.db")}
        words = [sys.executable, "-m", "tests.faults.typist", str(home), live.server.address, log.hex(), "0"]
        device = traced(words, folder / "calls", stdout=subprocess.PIPE)
        assert device.stdout is not None
        began = time.monotonic()
        for _ in device.stdout:
            if time.monotonic() - began > seconds:
                break
        end_traced(device)
        return Typed(folder / "calls", home, start, (home / "key").read_bytes(), log)
    finally:
        live.close()


def end_traced(process: "subprocess.Popen[str]") -> None:
    """kill -9 of what strace runs."""
    import psutil

    for child in psutil.Process(process.pid).children():
        child.kill()
    if process.stdout is not None:
        process.stdout.read()
        process.stdout.close()
    process.wait(60)
