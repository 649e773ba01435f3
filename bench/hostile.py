"""`python -m bench.hostile [--seconds 6] [--only KIND]`: one hostile client of the perpetrator side against a real `fieldkeep serve` with its settings as they are
delivered, while two honest devices of the **victim side** push a note and pull it.

Each attack takes turns with quiet on the same server, so that a machine which changes its pace does so for both. Printed for each kind: the honest round in
quiet and under attack (median and 95th), how much slower it is, the server's memory at most, and how the attacker was answered. The aim is 20 %.
The attacker is a process of its own, with the lowest priority: what it takes of the processors is not the server's fault.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

import uvloop

from bench.attacks import ATTACKS, Hostile
from bench.client import LoadDevice
from bench.figures import percentile, timed
from bench.host import Process, serve
from bench.opaque import Ahead
from bench.team import Team
from shared_schema.ids import Side

AIM: Final = 0.2
_OTHER: Final[Side] = "victim"
_PAUSE_S: Final = 0.1  # an honest device keeps within its 1,200 requests a minute
_TURNS: Final = 3
_LARGE: Final = (6, 450)  # entries, notes in each: some 6 MB


@dataclass(slots=True)
class Outcome:
    """One kind of attack. Rounds are milliseconds."""

    kind: str
    quiet: list[float] = field(default_factory=list)
    attacked: list[float] = field(default_factory=list)
    failed: int = 0
    peak_mb: float = 0.0
    answered: Counter[str] = field(default_factory=Counter)

    @property
    def slower(self) -> float:
        """By what share the median round is slower."""
        return statistics.median(self.attacked) / statistics.median(self.quiet) - 1

    def line(self) -> str:
        """For people."""
        said = ", ".join(f"{what}: {count}" for what, count in self.answered.most_common())
        return (
            f"{self.kind:28} {statistics.median(self.quiet):6.1f} {percentile(self.quiet, 0.95):7.1f}   {statistics.median(self.attacked):6.1f} "
            f"{percentile(self.attacked, 0.95):7.1f}   {self.slower:+7.0%} {'' if self.slower <= AIM else '(over) '}{self.failed:4}   "
            f"{self.peak_mb:5.0f}   {said or 'not at all'}"
        )


class Honest:
    """Two devices of one file of the other side: one pushes, the other pulls."""

    def __init__(self, team: Team) -> None:
        sessions = team.enrol_many(2)
        log = team.file(sessions)
        self._ahead = Ahead(sessions[0], log)
        self._writer, self._reader = (LoadDevice(one, team.server.host, team.server.port) for one in sessions)

    async def rounds(self, seconds: float, into: list[float]) -> int:
        """As many as fit; how many failed."""
        failed, until = 0, monotonic() + seconds
        await self._writer.get_ready()
        await self._reader.get_ready()
        await self._reader.pull()
        while monotonic() < until:
            [pair] = self._ahead.sign(1, 1)
            try:
                with timed() as both:
                    await self._writer.sync(pair)
                    await self._reader.sync()
                into.append(both.ms)
            except (OSError, EOFError, RuntimeError):
                failed += 1
                for device in (self._writer, self._reader):
                    await device.connection.close()
                    await device.get_ready()
            await asyncio.sleep(_PAUSE_S)
        for device in (self._writer, self._reader):
            await device.connection.close()
        return failed


@contextmanager
def _attacking(hostile: Hostile, kind: str) -> Iterator[Counter[str]]:
    """Attack for as long as the context is open, in another process; what was answered is there afterwards."""
    answered: Counter[str] = Counter()
    context = multiprocessing.get_context("fork")
    end, told = context.Event(), context.Queue()
    process = context.Process(target=_attack, args=(hostile, kind, end, told))
    process.start()
    try:
        yield answered
    finally:
        end.set()
        answered.update(told.get(timeout=60))
        process.join(30)


def _attack(hostile: Hostile, kind: str, end: Any, told: Any) -> None:
    os.nice(19)

    async def attack() -> None:
        task = asyncio.ensure_future(hostile.run(kind))
        while not end.is_set() and not task.done():
            await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        uvloop.run(attack())
    finally:
        told.put(dict(hostile.answered))


@contextmanager
def _peak(server: Process, outcome: Outcome) -> Iterator[None]:
    """Look at the server's memory ten times a second."""
    end = threading.Event()

    def look() -> None:
        while not end.wait(0.1):
            outcome.peak_mb = max(outcome.peak_mb, server.rss_mb())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def measure(folder: Path, kind: str, seconds: float) -> Outcome:
    """One kind, on a server of its own."""
    outcome = Outcome(kind)
    with ExitStack() as stack:
        server = stack.enter_context(serve(folder, {}))
        team = stack.enter_context(Team(server, folder))
        honest = Honest(stack.enter_context(Team(server, folder, _OTHER, team)))
        [session] = team.enrol_many(1)
        log = team.file([session])
        ahead, device = Ahead(session, log), LoadDevice(session, server.host, server.port)
        uvloop.run(_fill(device, ahead))
        large = ahead.sign(*_LARGE)
        for _ in range(_TURNS):
            uvloop.run(honest.rounds(seconds, outcome.quiet))
            with _peak(server, outcome):
                with _attacking(Hostile(device, large, server.host, server.port), kind) as answered:
                    outcome.failed += uvloop.run(honest.rounds(seconds, outcome.attacked))
                outcome.answered.update(answered)
    return outcome


async def _fill(device: LoadDevice, ahead: Ahead) -> None:
    """Some megabytes that can be asked for."""
    await device.get_ready()
    await device.push(ahead.sign(*_LARGE), 6)
    await device.connection.close()


def main() -> None:
    """Each kind, then the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help=f"of each of {_TURNS} turns of quiet and of attack (default %(default)s)")
    parser.add_argument(
        "--only", action="append", default=[], choices=ATTACKS, metavar="KIND", help=f"one of: {', '.join(ATTACKS)}; may be said again"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    asked = parser.parse_args()
    outcomes = []
    print(f"load average {os.getloadavg()[0]:.1f}; honest rounds of the other side, ms; aim: at most {AIM:.0%} slower")
    print(f"{'attack':28}  quiet    95th  attack    95th    slower  failed  peak MB   answered")
    for kind in asked.only or ATTACKS:
        with tempfile.TemporaryDirectory() as name:
            outcomes.append(measure(Path(name), kind, asked.seconds))
        print(outcomes[-1].line(), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) | {"slower": one.slower} for one in outcomes], indent=1) + "\n", encoding="utf-8")
    sys.exit(any(one.slower > AIM for one in outcomes))


if __name__ == "__main__":
    main()
