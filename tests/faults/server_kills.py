"""`kill -9` of the server, at any moment, while eight writers send: what was acknowledged is there, at its place, once (invariant: durable before said).

After each restart a reader takes the whole file again from its beginning, and the ledger, which knows nothing of the server's code, judges it.
"""

import asyncio
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.crowd import Crowd
from tests.faults.ledger import Ledger
from tests.faults.quick import QuickServer, unsound
from tests.live import Live

PER_FILE = 25
_MOST = 60  # acknowledged between two kills, and 40 ms more; a slow machine has done as much by then as a fast one
_DELAY_S = 0.04
_EARLY = 0.1  # of the kills come while it starts


@dataclass
class Killed:
    """What a run saw."""

    kills: int = 0
    while_starting: int = 0
    acknowledged: int = 0
    sent_again: int = 0
    broken: list[str] = field(default_factory=list)
    starts_ms: list[float] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0


def run(kills: int, seed: int, folder: Path | None = None, *, server: type[QuickServer] = QuickServer, most: int = _MOST) -> Killed:
    """That many kills of one server on one data folder, of another one than ours until it shows, and a last look at all of it."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        live = Live(Path(name), server=server(Path(name) / "server"))
        try:
            return _Run(live, Path(name), random.Random(seed), most).all(kills)
        finally:
            live.close()


class _Run:
    def __init__(self, live: Live, folder: Path, draw: random.Random, most: int) -> None:
        assert isinstance(live.server, QuickServer)
        self._most = most
        self._live, self._server, self._folder, self._draw, self.found = live, live.server, folder, draw, Killed()
        root = live.admins["perpetrator"].registry.root
        assert root is not None
        self._ledger = Ledger(folder / "ledger.jsonl", root.receipt, root.checkpoint)

    def all(self, kills: int) -> Killed:
        began = time.monotonic()
        crowd = Crowd(self._live, self._ledger, many=-(-kills // PER_FILE))
        try:
            for n in range(kills):
                if n and n % PER_FILE == 0:
                    asyncio.run(crowd.settle())
                    asyncio.run(crowd.reread(crowd.log))
                    crowd.turn_to(crowd.logs[n // PER_FILE])
                asyncio.run(self._life(crowd))
                asyncio.run(crowd.reread(crowd.log))
                self.found.broken += [f"after kill {n + 1}: {one}" for one in (*self._ledger.broken, *self._look())]
                self._ledger.broken.clear()
                if self.found.broken and type(self._server) is not QuickServer:
                    return self.found
            asyncio.run(crowd.settle())
            asyncio.run(crowd.reread(*crowd.logs))
            self.found.broken += self._ledger.broken
        finally:
            self._ledger.close()
        self.found.acknowledged, self.found.seconds = crowd.acknowledged, time.monotonic() - began
        self.found.bytes = sum(one.stat().st_size for one in self._server.data.iterdir())
        return self.found

    async def _life(self, crowd: Crowd) -> None:
        """The crowd sends, the server is killed, and starts again; now and then it is killed once more while it does."""
        sending = [asyncio.create_task(writer.write()) for writer in crowd.writers]
        enough = crowd.acknowledged + self._draw.randrange(self._most)
        while crowd.acknowledged < enough and not all(one.done() for one in sending):
            await asyncio.sleep(0.002)
        await asyncio.sleep(self._draw.uniform(0, _DELAY_S))
        self._server.kill()
        await asyncio.gather(*sending)
        self.found.kills += 1
        self.found.sent_again += sum(writer.waiting is not None for writer in crowd.writers)
        if self._draw.random() < _EARLY:
            self._kill_while_starting()
        began = time.monotonic()
        self._server.start(ready=False)
        self.found.starts_ms.append((time.monotonic() - began) * 1e3)

    def _kill_while_starting(self) -> None:
        with (self._folder / "early.errors").open("a") as errors:
            child = self._server.spawn_on(errors)
            time.sleep(self._draw.uniform(0, 0.3))
            child.send_signal(9)
            child.wait()
            child.stdout.close()
        self.found.while_starting += 1

    def _look(self) -> list[str]:
        status, said = self._server.readiness()
        not_ready = [] if status == 200 else [f"/readyz says {said}"]
        return not_ready + unsound(self._server.data)
