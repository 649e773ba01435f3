"""`python -m bench.load [--devices 500] [--minutes 30]`: that many devices against a real `fieldkeep serve`, as on a working day, only more often.

The devices are light clients in this process, in crews that share a file: each is really enrolled, signs each request, and pauses in between for a time
that is drawn by lot. One sync in five brings a note. What a sync was (a note sent, something fetched, nothing new) is known when it is over.

Printed: errors and their share, the median and the 99th of each kind, the server's processor time, its memory and how that grows (a line through all
samples of the second half, in MB an hour). Nothing is held against a limit.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any, Final

import uvloop

from bench.client import LoadDevice, Unwanted
from bench.figures import percentile, timed
from bench.host import PLENTY, Process, serve
from bench.opaque import Ahead
from bench.team import Team

_NOTE: Final = "note"
_PULL: Final = "pull"
_NOTHING: Final = "nothing new"
KINDS: Final = (_NOTE, _PULL, _NOTHING)
_NOTES: Final = 0.2  # of all syncs
_KEPT_S: Final = 5.0  # a client hangs up after this long, as httpx does
_SAMPLE_S: Final = 1.0
_TIMEOUT_S: Final = 60.0
_ENROLLED: Final = 50  # then a line on standard error


class Load:
    """Devices in crews, and what was seen of their syncs."""

    def __init__(self, team: Team, devices: int, crew: int, every_s: float) -> None:
        self._server, self._every_s = team.server, every_s
        self.times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.errors: Counter[str] = Counter()
        self.memory: list[tuple[float, float]] = []
        self._lot = random.Random(0)
        sessions = []
        for number in range(devices):
            sessions.append(team.enrol(f"worker {number}"))
            if number % _ENROLLED == _ENROLLED - 1:
                print(f"{number + 1} devices enrolled", file=sys.stderr, flush=True)
        self._pairs: list[tuple[LoadDevice, Ahead]] = []
        for start in range(0, devices, crew):
            members = sessions[start : start + crew]
            team.sync(members)
            log = team.file(members)
            team.sync(members)
            self._pairs += [(LoadDevice(one, team.server.host, team.server.port), Ahead(one, log)) for one in members]

    async def run(self, seconds: float) -> None:
        """All of them, for that long."""
        until = monotonic() + seconds
        watching = asyncio.create_task(self._watch(until))
        await asyncio.gather(*(self._work(device, ahead, until) for device, ahead in self._pairs))
        await watching

    async def _watch(self, until: float) -> None:
        while (now := monotonic()) < until:
            self.memory.append((now, self._server.rss_mb()))
            await asyncio.sleep(_SAMPLE_S)

    async def _work(self, device: LoadDevice, ahead: Ahead, until: float) -> None:
        await asyncio.sleep(self._lot.random() * self._every_s)
        unsent: list[bytes] = []
        asked = 0.0
        while monotonic() < until:
            if monotonic() - asked > 240:  # a nonce lives five minutes, and each answer brings one
                await self._counted("nonce", device.get_ready())
            if not unsent and self._lot.random() < _NOTES:
                unsent = ahead.sign(1, 1)
            asked = monotonic()
            await self._sync(device, unsent)
            pause = self._lot.expovariate(1 / self._every_s)
            if pause > _KEPT_S:
                await device.connection.close()
            await asyncio.sleep(min(pause, max(0.0, until - monotonic())))
        await device.connection.close()

    async def _sync(self, device: LoadDevice, unsent: list[bytes]) -> None:
        with timed() as timer:
            answer = await self._counted(_NOTE if unsent else _PULL, device.sync(*unsent))
        if answer is None:
            await device.connection.close()
            await self._counted("nonce", device.get_ready())
            return
        kind = _NOTE if unsent else _PULL if any(page.entries for page in answer.pages) else _NOTHING
        unsent.clear()  # it has its receipt
        self.times[kind].append(timer.ms)

    async def _counted(self, what: str, work: Any) -> Any:
        """What came of it; None where it failed, which is counted."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await work
        except Unwanted as error:
            self.errors[f"{what}: HTTP {error.status}"] += 1
        except (OSError, EOFError, TimeoutError, RuntimeError) as error:
            self.errors[f"{what}: {type(error).__name__}"] += 1
        return None


def slope(samples: list[tuple[float, float]]) -> float:
    """How much more in an hour: the straight line that fits best, of (seconds, value)."""
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean = sum(value for _, value in samples) / len(samples)
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return 3600 * sum((at - mean_at) * (value - mean) for at, value in samples) / spread if spread else 0.0


def _report(load: Load, server: Process, seconds: float, cpu: float) -> dict[str, Any]:
    syncs, failed = sum(map(len, load.times.values())), sum(load.errors.values())
    half = load.memory[len(load.memory) // 2 :]
    kinds = {
        kind: {"syncs": len(values), "p50_ms": percentile(values, 0.5), "p99_ms": percentile(values, 0.99)}
        for kind, values in load.times.items()
        if values
    }
    return {
        "syncs": syncs, "errors": failed, "error_rate": failed / max(1, syncs + failed), "errors_by_kind": dict(load.errors), "kinds": kinds,
        "syncs_per_second": syncs / seconds, "server_cpu_share": cpu / seconds, "memory_mb": server.rss_mb(),
        "memory_peak_mb": max(value for _, value in load.memory), "memory_slope_mb_per_hour": slope(half),
    }  # fmt: skip


def _print(found: dict[str, Any]) -> None:
    print(f"{found['syncs']:,} syncs, {found['syncs_per_second']:.1f} a second; {found['errors']} errors ({found['error_rate']:.3%})")
    for what, count in found["errors_by_kind"].items():
        print(f"  {what}: {count}")
    for kind, one in found["kinds"].items():
        print(f"  {kind:12} {one['syncs']:8,}   median {one['p50_ms']:7.1f} ms   99th {one['p99_ms']:7.1f} ms")
    print(
        f"server: {found['server_cpu_share']:.1%} of a processor, {found['memory_mb']:.0f} MB at the end, {found['memory_peak_mb']:.0f} MB at most, "
        f"{found['memory_slope_mb_per_hour']:+.1f} MB an hour over the second half"
    )


def main() -> None:
    """Enrol, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--crew", type=int, default=5, help="devices that share a file (default %(default)s)")
    parser.add_argument("--every", type=float, default=15.0, metavar="SECONDS", help="mean pause of a device between two syncs (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it there too")
    asked = parser.parse_args()
    # All devices have one address here: it may hold a connection for each of them.
    settings = {**PLENTY, "FIELDKEEP_MOST_CONNECTIONS": str(max(2000, 8 * asked.devices))}
    with tempfile.TemporaryDirectory() as name, serve(Path(name), settings) as server, Team(server, Path(name)) as team:
        load = Load(team, asked.devices, asked.crew, asked.every)
        cpu, began = server.cpu_s(), time.monotonic()
        uvloop.run(load.run(asked.minutes * 60))
        found = _report(load, server, time.monotonic() - began, server.cpu_s() - cpu)
    _print(found)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
