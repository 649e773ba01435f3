"""Many writers at several processes on one PostgreSQL database, whose connections are cut at random: what was acknowledged is there, once, without a hole.

    python -m tests.postgresql.aborted --pushes 100000 --writers 64 --processes 4

Each writer is a certified device of one file that pushes entries signed beforehand, one in a request, and sends the same bytes again until it has the
receipt. Meanwhile a backend of PostgreSQL is terminated every few milliseconds. The reckoning reads the tables themselves.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from bench.client import LoadDevice
from bench.opaque import Ahead
from server.engines import Place
from shared_schema import ids
from shared_schema.receipt import decode_receipt
from sync.device.exchanging import syncing
from tests import database
from tests.postgresql.workers import Workers, served

_CUT: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fieldkeep' AND datname = current_database()"


class Outcome(NamedTuple):
    """What was acknowledged and what there is: lost, doubled, and places that no entry has or whose chain does not follow."""

    acknowledged: int
    cuts: int
    failed: int
    lost: int
    doubled: int
    holes: int
    seconds: float


class Aborting:
    """One run."""

    def __init__(self, workers: Workers, writers: int, pushes: int, seed: int) -> None:
        self._workers, self._rng = workers, Random(seed)
        self._receipts: dict[bytes, tuple[int, int]] = {}
        self._failed = self._cuts = 0
        self._over = False
        first = workers.live.enrol("Writer 0", ("coordinator",))
        sessions = [first, *(workers.live.enrol(f"Writer {n}", ("coordinator",), user=first.identity.user) for n in range(1, writers))]
        self.log = workers.live.case(first)
        for session in sessions:
            syncing.sync(session, workers.live.transport)
        self._ahead = [(session, Ahead(session, self.log, part_bytes=64)) for session in sessions]
        self._each = -(-pushes // writers)

    def run(self) -> Outcome:
        """Push everything, then reckon."""
        begun = time.monotonic()
        asyncio.run(self._run())
        return self._reckon(time.monotonic() - begun)

    async def _run(self) -> None:
        cutting = asyncio.create_task(asyncio.to_thread(self._cut))
        try:
            await asyncio.gather(*(self._write(n) for n in range(len(self._ahead))))
        finally:
            self._over = True
            await cutting

    def _cut(self) -> None:
        place = self._workers.live.database("perpetrator")
        while not self._over:
            found = database.change(place, (f"{_CUT} AND pid <> pg_backend_pid() ORDER BY state = 'idle', random() LIMIT 1", ()))
            self._cuts += found[0]
            time.sleep(self._rng.uniform(0.05, 0.3))

    async def _write(self, n: int) -> None:
        session, ahead = self._ahead[n]
        server = self._workers.servers[n % len(self._workers.servers)]
        device = LoadDevice(session, "127.0.0.1", server.port)
        await self._ready(device)
        for _ in range(self._each):
            (pair,) = ahead.sign(1, 1)
            answer = None
            while answer is None:
                try:
                    answer = await device.sync(pair)
                except (RuntimeError, OSError, asyncio.IncompleteReadError):
                    self._failed += 1
                    await device.connection.close()
                    await asyncio.sleep(0.05)
                    await self._ready(device)
            for receipt in answer.receipts:
                for item in decode_receipt(receipt).items:
                    self._receipts[item.id] = (item.seq, item.received_ms)
        await device.connection.close()

    @staticmethod
    async def _ready(device: LoadDevice) -> None:
        while True:
            try:
                return await device.get_ready()
            except (RuntimeError, OSError, asyncio.IncompleteReadError):
                await device.connection.close()
                await asyncio.sleep(0.05)

    def _reckon(self, seconds: float) -> Outcome:
        place: Place = self._workers.live.database("perpetrator")
        rows = database.ask(place, "SELECT seq, entry_id, received_ms, chain FROM entry WHERE log_id = ? ORDER BY seq", self.log)
        chain, holes = ids.chain_start(self.log), 0
        for at, (seq, entry, received_ms, kept) in enumerate(rows, 1):
            chain = ids.chain_next(chain, at, received_ms, bytes(entry))
            holes += seq != at or bytes(kept) != chain
        there = {bytes(entry): (seq, received_ms) for seq, entry, received_ms, _ in rows}
        lost = sum(there.get(entry) != place for entry, place in self._receipts.items())
        doubled = sum(times - 1 for times in Counter(bytes(entry) for _, entry, _, _ in rows).values())
        return Outcome(len(self._receipts), self._cuts, self._failed, lost, doubled, holes, seconds)


def main() -> int:
    """The exit code: 0 when nothing was lost, doubled or left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgresql.aborted", description=__doc__)
    parser.add_argument("--pushes", type=int, default=100_000)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), asked.processes) as workers:
        found = Aborting(workers, asked.writers, asked.pushes, asked.seed).run()
    print(found)
    return int(bool(found.lost or found.doubled or found.holes))


if __name__ == "__main__":
    sys.exit(main())
