"""`python -m bench.unit_costs [--count 400] [--json FILE]`: what one thing costs a server, on SQLite and on PostgreSQL: bytes an entry by table, processor time
a push, a pull and an hour of an idle stream, memory a device, write-ahead log a commit; on PostgreSQL also what several processes cost each other.

From these docs/scale.md works out what a service needs. PostgreSQL is the one of the tests, with fsync on; its processor time is that of all its processes.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psutil

from bench.client import Connection, LoadDevice
from bench.host import PLENTY, Process, durable_postgresql, serve
from bench.meter import TABLES, Costs, Meter, Store
from bench.opaque import PART_BYTES, Ahead
from bench.team import SIDE, Team
from server import changes
from server.changes import Change, Move
from server.nonces import SharedNonces
from server.readers import Readers
from server.realm import Realm
from server.service import Service
from server.settings import Settings
from shared_schema import limits
from tests import database
from tests.world import patched

_STREAMS: Final = 4
_IDLE_S: Final = 45.0
_SHORT: Final = 272  # a note of a line or two: salt, padding to 256 bytes, tag


class Bench:
    """One server, its store, and what was found of them."""

    def __init__(self, server: Process, store: Store, team: Team, count: int) -> None:
        self._server, self._store, self._team, self._count = server, store, team, count
        self.costs: Costs = {}

    def device(self, session: Any, server: Process | None = None) -> LoadDevice:
        """A light client, at this server or another of the same service."""
        to = server or self._server
        return LoadDevice(session, to.host, to.port)

    async def run(self) -> None:
        """All that one process shows."""
        writer, reader = self._team.enrol_many(2)
        log = self._team.file([writer, reader])
        self._team.sync([writer, reader])
        devices = [self.device(one) for one in (writer, reader)]
        for one in devices:
            await one.get_ready()
        await self._pushes(devices[0], Ahead(writer, log), Ahead(writer, self._alone(writer), _SHORT), writer)
        await self._pulls(devices, Ahead(reader, log))
        await self._streams()
        for one in devices:
            await one.connection.close()

    def _alone(self, session: Any) -> bytes:
        return self._team.file([session])

    async def _pushes(self, device: LoadDevice, notes: Ahead, short: Ahead, session: Any) -> None:
        device.cursors |= self.device(session).cursors
        await self._kind("note of 1,024 characters", device, notes.sign(self._count, 1), 1)
        await self._kind("note of a line", device, short.sign(self._count, 1), 1)
        await self._kind(
            "note, 16 in an entry", device, Ahead(session, self._alone(session)).sign(max(1, self._count // 8), 16), 16, device_of=session
        )

    async def _kind(self, name: str, device: LoadDevice, pairs: list[bytes], notes: int, device_of: Any = None) -> None:
        if device_of is not None:
            device.cursors |= self.device(device_of).cursors
        before = self._store.sizes()
        with Meter(self._server, self._store, len(pairs)) as meter:
            await device.push(pairs, 1)
        await asyncio.sleep(1.5)  # the audit tree is extended
        after = self._store.sizes()
        of = len(pairs) * notes
        self.costs |= {f"{name}: bytes of {table}": (after[table] - before[table]) / of for table in TABLES}
        self.costs[f"{name}: bytes together"] = sum(after[table] - before[table] for table in TABLES) / of
        self._note(f"push, {name}", meter)

    def _note(self, name: str, meter: Meter) -> None:
        self.costs |= {
            f"{name}: server, ms of processor": meter.server_ms,
            f"{name}: database, ms of processor": meter.database_ms,
            f"{name}: wall, ms": meter.wall_ms,
            f"{name}: bytes of write-ahead log": meter.log_bytes,
            f"{name}: bytes that the server wrote": meter.written,
        }

    async def _pulls(self, devices: list[LoadDevice], ahead: Ahead) -> None:
        writer, reader = devices
        await writer.pull()
        await reader.pull()
        with Meter(self._server, self._store, self._count) as meter:
            for _ in range(self._count):
                await writer.sync()
        self._note("pull, nothing new", meter)
        pairs = ahead.sign(self._count // 2, 1)
        pushing = Meter(self._server, self._store, len(pairs))
        with Meter(self._server, self._store, len(pairs)) as both:
            for pair in pairs:
                await reader.sync(pair)
                await writer.sync()
        del pushing
        self._note("a note pushed, and pulled by another", both)

    async def _streams(self) -> None:
        """Devices that are only connected: what they add to memory, and what an hour of one costs."""
        sessions = self._team.enrol_many(max(2, self._count // 16))
        await asyncio.sleep(2)
        own, of_database = await self._idle()
        self.costs |= {"an idle server, an hour: server, ms of processor": own, "an idle server, an hour: database, ms of processor": of_database}
        before = self._server.rss_mb()
        open_ones = [await _stream(self.device(session)) for session in sessions for _ in range(_STREAMS)]
        await asyncio.sleep(2)
        self.costs["stream: MB of memory"] = (self._server.rss_mb() - before) / len(open_ones)
        with_them, database_with = await self._idle()
        self.costs["stream, an hour: server, ms of processor"] = (with_them - own) / len(open_ones)
        self.costs["stream, an hour: database, ms of processor"] = (database_with - of_database) / len(open_ones)
        for one in open_ones:
            await one.close()

    async def _idle(self) -> tuple[float, float]:
        """Processor time in an hour in which nobody asks for anything, of the server and of its database."""
        began, cpu, database_s = perf_counter(), self._server.cpu_s(), self._store.cpu_s()
        await asyncio.sleep(_IDLE_S)
        hours = (perf_counter() - began) / 3600
        return (self._server.cpu_s() - cpu) * 1e3 / hours, (self._store.cpu_s() - database_s) * 1e3 / hours

    async def two(self, other: Process) -> None:
        """The same pushes to one log, all at one process, and in turns at two: the second reads the log anew each time."""
        for long in (0, self._count * 4):
            session, colleague = self._team.enrol_many(2)
            log = self._team.file([session, colleague])
            one = self.device(session)
            await one.get_ready()
            if long:
                await one.push(Ahead(session, log).sign(1, 1), 1)
                self._team.sync([session])
            ahead = Ahead(session, log)
            name = f"a log of {long or 'few'} entries"
            if long:
                await one.push(ahead.sign(long, 1), 16)
            count = self._count // 2
            pairs, idle = ahead.sign(count, 1), other.cpu_s()
            with Meter(self._server, self._store, count) as alone:
                await one.push(pairs, 1)
            idle = (other.cpu_s() - idle) * 1e3 / count
            second = self.device(session, other)
            second.cursors = one.cursors
            await second.get_ready()
            pairs = ahead.sign(count, 1)
            await one.get_ready()
            cpu = other.cpu_s()
            with Meter(self._server, self._store, count) as turns:
                for n, pair in enumerate(pairs):
                    await (one, second)[n % 2].sync(pair)
            self.costs |= {
                f"{name}, one process: wall, ms": alone.wall_ms,
                f"{name}, in turns at two: wall, ms": turns.wall_ms,
                f"{name}, one process: servers, ms of processor": alone.server_ms + idle,
                f"{name}, in turns at two: servers, ms of processor": turns.server_ms + (other.cpu_s() - cpu) * 1e3 / count,
                f"{name}, one process: database, ms of processor": alone.database_ms,
                f"{name}, in turns at two: database, ms of processor": turns.database_ms,
            }
            await one.connection.close()
            await second.connection.close()


async def _stream(device: LoadDevice) -> Connection:
    """An event stream that stays open."""
    await device.get_ready()
    path = "/v1/events"
    head = f"GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: {device.authorization('GET', path, b'', device._nonce)}\r\n\r\n"
    assert device.connection._streams is not None
    reader, writer = device.connection._streams
    writer.write(head.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in answer.split(b"\r\n")[0]:
        raise RuntimeError(f"no stream: {answer[:100]!r}")
    return device.connection


def _by_themselves(folder: Path, url: str, count: int) -> Costs:
    """On PostgreSQL, in this process: the two queries of each request, and the row in each commit."""
    settings = Settings(data=folder / "data", database=url)
    service = Service(settings)
    try:
        realm = service.sides[SIDE].realm
        nonces = service.sides[SIDE].nonces
        assert isinstance(nonces, SharedNonces)
        issued = [nonces.issue() for _ in range(count)]
        found = {
            "query that follows the journal: wall, ms": _each(realm.follow, count),
            "query that uses up a nonce: wall, ms": _each(lambda: nonces.spend(issued.pop()), count),
        }
        return found | _journal(realm, Store(folder, url, 0), count)
    finally:
        service.close()


def _journal(realm: Realm, store: Store, count: int) -> Costs:
    """A commit with its row and the telling, beside the same commit without."""
    event = {"e": "shown", "device": bytes(16), "log": bytes(16), "from": 0, "to": 1, "ms": 0}

    def commit(change: Change) -> None:
        with patched(changes, "of", lambda _commit: change):
            realm.transact([lambda one: realm.audit.write(one.batch, event)])

    found: Costs = {}
    told = Change(heads={bytes(16): ("case", 1, bytes(32))})
    with patched(type(realm.readers), "committed", lambda *_: None):
        for name, change in (("without", Change()), ("with", told)):
            before = store.log_bytes()
            found[f"commit {name} its row of the journal: wall, ms"] = _each(lambda change=change: commit(change), count)
            found[f"commit {name} its row of the journal: bytes of write-ahead log"] = (store.log_bytes() - before) / count
    return found


def _of_files(count: int = 50_000) -> Costs:
    """What each file adds to a server's memory: its head, its kind, three members."""
    readers, people = Readers(SIDE), [os.urandom(16) for _ in range(500)]
    process = psutil.Process()
    before = process.memory_info().rss
    for n in range(count):
        log = os.urandom(16)
        moves = tuple(Move(log, people[(n + k) % len(people)], "coordinator", 0) for k in range(3))
        readers.committed(Change(heads={log: ("case", 2, os.urandom(32))}, moves=moves), bytes(16), readers.unborn)
    return {"a file: bytes of memory": (process.memory_info().rss - before) / count}


def _each(work: Any, count: int) -> float:
    began = perf_counter()
    for _ in range(count):
        work()
    return (perf_counter() - began) * 1e3 / count


@contextmanager
def _service(postgresql: bool) -> Iterator[tuple[Path, str, int]]:
    """A folder, and the URL and process of its database, where it has one that is not in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not postgresql:
            yield folder, "", 0
            return
        pid = stack.enter_context(durable_postgresql())
        yield folder, database.url_of(folder), pid


def measure(*, postgresql: bool, count: int) -> Costs:
    """All unit costs on one engine."""
    with _service(postgresql) as (folder, url, pid):
        settings = {**PLENTY, **({"FIELDKEEP_DATABASE": url} if url else {})}
        with serve(folder, settings) as server, Team(server, folder) as team:
            bench = Bench(server, Store(folder, url, pid), team, count)
            bench.costs["server at the start: MB of memory"] = server.rss_mb()
            asyncio.run(bench.run())
            if url:
                words = [sys.executable, "-m", "fieldkeep", "join", "--data", str(folder / "data"), "--to", str(folder / "second" / "data")]
                (folder / "second").mkdir()
                subprocess.run(words, check=True, capture_output=True, env={**os.environ, **settings})
                with serve(folder / "second", settings) as other:
                    asyncio.run(bench.two(other))
        return bench.costs | _of_files() | (_by_themselves(folder, url, count) if url else {})


def main() -> None:
    """Both engines, one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.unit_costs", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="how many of each (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    asked = parser.parse_args()
    loads = [os.getloadavg()[0]]
    found = {name: measure(postgresql=name == "PostgreSQL", count=asked.count) for name in ("SQLite", "PostgreSQL")}
    loads.append(os.getloadavg()[0])
    print(f"parts of {PART_BYTES} B sealed; chunks of {limits.CHUNK_BYTES:,} B; load average {loads[0]:.1f} before, {loads[1]:.1f} after\n")
    print(f"{'':70} {'SQLite':>12} {'PostgreSQL':>12}")
    for name in dict.fromkeys((*found["SQLite"], *found["PostgreSQL"])):
        print(f"{name:70} " + " ".join(f"{_shown(found[engine].get(name)):>12}" for engine in found))
    if asked.json:
        asked.json.write_text(json.dumps({"loads": loads, "costs": found}, indent=1) + "\n", encoding="utf-8")


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3f}"


if __name__ == "__main__":
    main()
