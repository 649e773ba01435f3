"""Disks that fail: from the Nth write or sync of a server's files on, or of a device's, the system answers that there is no room, or that the disk is broken.

`strace` puts the error in the place of the call, so the product meets what the kernel would say, and needs no right of an administrator. With it a real
full disk: a file system in memory, of a few MB, filled up.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared_schema.errors import Refused
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.session import Session
from tests.faults.quick import QuickServer, unsound
from tests.live import Live
from tests.shell import SECRET, new_service

KINDS: Final = (("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync,fsync", "EIO"), ("pwrite64", "EDQUOT"), ("write", "ENOSPC"))
_FILES: Final = ("perpetrator.db-wal", "perpetrator.db", "perpetrator.marks")
_PATIENCE_S: Final = 10.0


@dataclass
class Failures:
    """What a run saw."""

    tried: int = 0
    met: int = 0
    not_ready: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


@contextmanager
def failing(pid: int, paths: list[Path], calls: str, error: str, nth: int) -> Iterator[Path]:
    """From the nth of these calls on these files on, and until this ends, each of them fails in this process. What was injected is in the file."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "calls"
        words = ["strace", "-f", "-p", str(pid), "-o", str(out), "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={nth}+"]
        words += [word for path in paths for word in ("-P", str(path))]
        tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        assert "attached" in (said := tracer.stderr.readline()), said
        try:
            yield out
        finally:
            tracer.send_signal(signal.SIGTERM)
            tracer.stderr.read()
            tracer.stderr.close()
            tracer.wait(20)


class _Server:
    def __init__(self, live: Live, draw: random.Random) -> None:
        assert isinstance(live.server, QuickServer)
        self.live, self.server, self.draw, self.found = live, live.server, draw, Failures()
        self.sam, self.ruth = (live.enrol(name, ("coordinator",), name=name) for name in ("sam", "ruth"))
        self.log = live.case(self.sam, (self.ruth, "coordinator"))
        self.typed: dict[bytes, str] = {}
        self.receipts: set[bytes] = set()

    def type(self, words: str) -> None:
        self.typed[self.sam.write(self.log, None, "case_note", [Op("body", "set", words, ())])] = words

    def sync(self) -> bool:
        """False where it was refused, in words that a device knows."""
        try:
            self.receipts |= {one.id for one in syncing.sync(self.sam, self.live.transport).receipts}
        except Refused as error:
            self.found.refusals[error.code] = self.found.refusals.get(error.code, 0) + 1
            if error.code != "busy":
                self.found.broken.append(f"a failing disk was answered {error.code}")
            return False
        return True

    def once(self, n: int, calls: str, error: str, file: str, nth: int) -> None:
        """One failure, and what comes after it."""
        self.found.tried += 1
        with failing(self.server.process.pid, [self.server.data / file], calls, error, nth) as out:
            refused = False
            for k in range(4):
                self.type(f"{n}-{k}-" + "x" * self.draw.randint(1, 3000))
                refused |= not self.sync()
            if refused:
                self.must_become(503, f"{error} of {calls} on {file}")
            met = "INJECTED" in out.read_text()
        self.found.met += met
        self.must_become(200, f"after {error} of {calls} on {file}")
        if not self.sync() or self.sam.store.unsent():
            self.found.broken.append(f"after {error} of {calls} on {file} it does not take what waited")

    def must_become(self, wanted: int, when: str) -> None:
        """It says so by itself, and soon."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            status, said = self.server.readiness()
            if status == wanted:
                self.found.not_ready += wanted == 503
                return
            time.sleep(0.02)
        self.found.broken.append(f"{when}: /readyz says {status} {said}")

    def end(self) -> Failures:
        """Also after a restart: all that was acknowledged, and all that was typed, once, on another device."""
        self.server.kill()
        self.server.start()
        self.found.broken += unsound(self.server.data)
        again = self.live.enrol("Ruth", ("coordinator",), user=self.ruth.identity.user, name="again")
        for session in (self.sam, self.ruth, again, self.sam, again):
            syncing.sync(session, self.live.transport)
        self.found.broken += judge(again, self.log, self.typed, self.receipts)
        self.found.kept = len(self.typed)
        return self.found


def judge(session: Session, log: bytes, typed: dict[bytes, str], receipts: set[bytes]) -> list[str]:
    """What a device lacks of what was typed and acknowledged, or has more than once."""
    entries = [row.id for row in session.store.entries(log)]
    shown = {
        record: [op.value for op in one.registers["body"].live.values()] for record, one in session.records(log).items() if "body" in one.registers
    }
    rows = [row.record for row in session.store.all_changes(log)]
    found = [f"{words[:12]!r} is shown as {str(shown.get(record))[:40]}" for record, words in typed.items() if shown.get(record) != [words]]
    found += [f"{words[:12]!r} is there {rows.count(record)} times" for record, words in typed.items() if rows.count(record) != 1]
    found += [f"what has a receipt is not there: {one.hex()[:8]}" for one in receipts - set(entries)]
    return found + [f"alarm: {alarm[4]}" for alarm in session.store.alarms()]


def fail_server(count: int, seed: int, folder: Path | None = None) -> Failures:
    """So many failures of one server's disk."""
    began = time.monotonic()
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        live = Live(Path(name), server=QuickServer(Path(name) / "server"))
        try:
            run = _Server(live, draw)
            for n in range(count):
                calls, error = KINDS[n % len(KINDS)]
                file = _FILES[2] if calls == "write" else draw.choice(_FILES[:2])
                run.once(n, calls, error, file, draw.randint(1, 9))
            found = run.end()
        finally:
            live.close()
    found.seconds = time.monotonic() - began
    return found


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system of its own, in memory. Only an administrator of this machine may mount one."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def fill_server(rounds: int, seed: int) -> Failures:
    """A real full disk, so many times: the server's data lies on a file system with little room, which is filled up and emptied."""
    began = time.monotonic()
    with small_disk("16m") as disk, tempfile.TemporaryDirectory() as name:
        live = Live(Path(name), server=QuickServer(disk / "server"))
        try:
            found = _fill_and_empty(_Server(live, random.Random(seed)), disk / "filler", rounds)
        finally:
            live.close()
    found.seconds = time.monotonic() - began
    return found


def _fill_and_empty(run: _Server, filler: Path, rounds: int) -> Failures:
    for n in range(rounds):
        run.found.tried += 1
        _fill(filler)
        refused = False
        for k in range(40):
            run.type(f"full {n}-{k} " + "x" * 2000)
            refused = not run.sync()
            if refused:
                break
        if refused:
            run.found.met += 1
            run.must_become(503, "on a full disk")
        filler.unlink()
        run.must_become(200, "with room again")
        if not run.sync() or run.sam.store.unsent():
            run.found.broken.append("with room again it does not take what waited")
    return run.end()


def _fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


# --- a device ----------------------------------------------------------------------------------------------------------------


def fail_device(count: int, seed: int, folder: Path | None = None) -> Failures:
    """So many commands of a device whose disk fails from some write, or sync, of its store on."""
    found, draw, began = Failures(), random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder) as name, new_service(Path(name)) as made:
        shell: Any = made
        shell.enrol("Sam", "navigator")
        shell.sync("sam")
        case, saved, tried = shell.run("sam", "file", "create", "case")["file"], list[str](), set[str]()
        shell.sync("sam")
        for n in range(count):
            calls, error = KINDS[n % 3]
            words = ["sync"] if n % 4 == 3 else ["note", "add", "--file", case, f"word-{n}"]
            status, answer = _command(shell.folder / "sam", words, calls, error, draw.randint(1, 6))
            found.tried += 1
            tried.add(f"word-{n}")
            if status == 0:
                saved += [f"word-{n}"] if words[0] == "note" else []
            else:
                code = answer.get("error", {}).get("code", f"status {status}")
                found.met += 1
                found.refusals[code] = found.refusals.get(code, 0) + 1
                found.broken += [] if code == "storage" else [f"a failing disk was said to be {code}: {answer}"]
            found.broken += _compare(shell.run("sam", "note", "list", case)["notes"], saved, f"after command {n}")
        report = shell.run("sam", "sync")
        found.broken += [f"{report['unsent']} unsent at the end"] if report["unsent"] else []
        found.broken += _compare(shell.run("sam", "note", "list", case)["notes"], saved, "at the end")
        found.broken += [f"alarm: {one['code']}" for one in shell.run("sam", "status")["alarms"]]
        found.kept = len(saved)
    found.seconds = time.monotonic() - began
    return found


def _compare(notes: list[dict[str, Any]], saved: list[str], when: str) -> list[str]:
    """What was refused is not there at all: a person types it again."""
    shown = sorted(str(one["body"]) for one in notes)
    return [] if shown == sorted(saved) else [f"{when}: shown {shown[-3:]}, saved {saved[-3:]}"]


def _command(profile: Path, words: list[str], calls: str, error: str, nth: int) -> tuple[int, dict[str, Any]]:
    inject = ["strace", "-f", "-o", "/dev/null", "--seccomp-bpf", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={nth}+"]
    inject += ["-P", str(profile / "store.db-wal"), "-P", str(profile / "store.db")]
    command = [*inject, sys.executable, "-m", "fieldkeep", "--profile", str(profile), *words, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "FIELDKEEP_PASSPHRASE": SECRET})
    try:
        answer: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        answer = {"said": ran.stdout[-300:] + ran.stderr[-500:]}
    return ran.returncode, answer
