"""`kill -9` of a device, at any moment between typing, sealing, sending and taking: each word that was said to be saved is shown at the next start."""

import os
import random
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sync.device.exchanging import syncing
from sync.device.people import files
from sync.device.session import Session
from tests.faults.nursery import Child, nursery
from tests.faults.quick import QuickServer
from tests.faults.typist import READY, RECEIPT, SHOWN, TYPED, WRONG
from tests.live import Live

PER_FILE = 50
_LINES = 8
_DELAY_S = 0.05
_PER_LIFE = 1000


@dataclass
class Killed:
    """What a run saw."""

    kills: int = 0
    typed: int = 0
    receipts: int = 0
    unsent_when_killed: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(kills: int, seed: int, folder: Path | None = None, *, planted: str = "") -> Killed:
    """That many kills of one device, of one with a planted defect until it shows, and then a last sync and a colleague who reads it all."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        live = Live(Path(name), server=QuickServer(Path(name) / "server"))
        try:
            found = _Run(live, random.Random(seed), planted).all(kills)
        finally:
            live.close()
    found.seconds = time.monotonic() - began
    return found


class _Run:
    def __init__(self, live: Live, draw: random.Random, planted: str) -> None:
        self._live, self._draw, self._planted, self.found = live, draw, planted, Killed()
        self._saved: dict[str, str] = {}
        self._receipts: set[str] = set()

    def all(self, kills: int) -> Killed:
        sam, ruth = (self._live.enrol(name, ("navigator",), name=name) for name in ("sam", "ruth"))
        syncing.sync(sam, self._live.transport)
        logs = [files.create_file(sam, "case", {ruth.identity.user: "navigator"}) for _ in range(-(-kills // PER_FILE))]
        syncing.sync(sam, self._live.transport)
        sam.store.close()
        self._live.opened.remove(sam)
        errors = self._live.folder / "device.errors"
        by_log: dict[bytes, dict[str, str]] = {log: {} for log in logs}
        with errors.open("a") as stream:
            for n in range(kills):
                log = logs[n // PER_FILE]
                self._saved = by_log[log]
                self._life(log, n, stream)
                if self._planted and self.found.broken:
                    return self.found
        if errors.read_text():
            self.found.broken.append(f"a device ended by itself: {errors.read_text()[-500:]}")
        self._end(by_log, ruth)
        self.found.typed, self.found.receipts = sum(map(len, by_log.values())), len(self._receipts)
        return self.found

    def _life(self, log: bytes, n: int, errors: IO[str]) -> None:
        words = [str(self._live.folder / "devices" / "sam"), self._live.server.address, log.hex(), str(n * _PER_LIFE)]
        environment = {"FIELDKEEP_PLANTED": self._planted} if self._planted else {}
        device: Child = nursery("tests.faults.typist").start(words, errors, environment)
        shown: Counter[str] = Counter()
        saved = dict(self._saved)
        killer: threading.Timer | None = None
        typed, receipts, is_ready = 0, 0, False
        lines = self._draw.randrange(_LINES)  # on a slow machine as much is done between two kills as on a fast one
        for line in device.stdout:
            what, *rest = line.rstrip("\n").split(" ")
            if what == SHOWN:
                shown[rest[0]] += 1
                if saved.pop(rest[0], rest[1]) != rest[1] or not _whole(rest[1]):
                    self.found.broken.append(f"kill {n}: a record says {rest[1][:20]!r}, which is not what was saved")
            elif what == READY:
                self.found.broken += [f"kill {n}: {words[:12]!r} was saved and is not shown" for words in saved.values()]
                self.found.broken += [f"kill {n}: a record is shown {times} times" for times in shown.values() if times > 1]
                is_ready = True
            elif what == TYPED and line.endswith("\n"):
                self._saved[rest[0]] = rest[1]
                typed += 1
            elif what == RECEIPT and line.endswith("\n"):
                self._receipts.add(rest[0])
                receipts += 1
            elif what == WRONG:
                self.found.broken.append(f"kill {n}: {' '.join(rest)}")
            if is_ready and killer is None and typed + receipts >= lines:
                killer = threading.Timer(self._draw.uniform(0, _DELAY_S), os.kill, (device.pid, 9))
                killer.start()
        if killer is not None:
            killer.join()
        device.wait()
        device.stdout.close()
        self.found.kills += 1
        self.found.unsent_when_killed += max(0, typed - receipts)

    def _end(self, by_log: dict[bytes, dict[str, str]], ruth: Session) -> None:
        """The device comes back, sends what it has, and a colleague and a new device of hers show each word once."""
        sam = self._live.reopen("sam")
        syncing.sync(sam, self._live.transport)
        if sam.store.unsent():
            self.found.broken.append(f"{sam.store.unsent()} changes are still unsent at the end")
        again = self._live.enrol("Ruth", ("navigator",), user=ruth.identity.user, name="again")
        for session in (sam, again, ruth, sam, again):
            syncing.sync(session, self._live.transport)
        for log, saved in by_log.items():
            for who in (sam, ruth, again):
                self._judge(who, log, saved)
        held = {row.id.hex() for log in by_log for row in sam.store.entries(log)}
        self.found.broken += [f"an entry with a receipt is not in its log: {one[:8]}" for one in self._receipts - held]

    def _judge(self, session: Session, log: bytes, saved: dict[str, str]) -> None:
        at = f"at the end, on a device of {session.identity.name}"
        places = Counter(row.record.hex() for row in session.store.all_changes(log))
        shown = {record.hex(): [op.value for op in found.registers["body"].live.values()] for record, found in session.records(log).items()}
        for record, words in saved.items():
            if shown.get(record) != [words]:
                self.found.broken.append(f"{at}: {words[:12]!r} is shown as {shown.get(record)}")
            if places[record] != 1:
                self.found.broken.append(f"{at}: {words[:12]!r} is in the log {places[record]} times")
        self.found.broken += [f"{at}: torn: {one[:20]!r}" for words in shown.values() for one in words if not _whole(str(one))]


def _whole(words: str) -> bool:
    """Whether a word is as it was typed."""
    number, _, rest = words.partition("-")
    return number.isdigit() and rest == "w" * (int(number) % 700)
