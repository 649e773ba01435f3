"""W1 to W5 for a peer, as `bench.server_only` does them with Fieldkeep: as many notes of as many bytes, in the same order, through the same thin client.

Every pull is compared with what was pushed. Times of one repetition are one value each.
"""

import asyncio
import os
import statistics
from collections.abc import Awaitable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import uvloop

from bench.figures import Figures, timed
from bench.opaque import PART_BYTES
from bench.peers.running import Running, free_port
from bench.scale import Scale

DELTA: Final = 10
EACH: Final = 20
GROUP: Final = "peers"
WORKLOADS: Final = ("W1", "W2", "W3", "W4", "W5")
_SECONDS: Final = 900


class Note(NamedTuple):
    """What is pushed: random bytes, as many as a sealed note has."""

    id: str
    body: bytes


class Client(Protocol):
    """A device of the peer, as thin as its protocol lets it be."""

    async def push(self, notes: Sequence[Note]) -> None:
        """Return when the server has said that it has them."""

    async def pull(self, expect: int) -> list[bytes]:
        """Bodies that are new to this client since its last pull; a live peer waits for `expect`."""

    def begin_at(self, other: Any) -> None:
        """Have what another client has, as a device that synced this morning."""

    async def get_ready(self) -> None:
        """Have a connection."""

    async def close(self) -> None:
        """Hang up."""


class Peer(Protocol):
    """One server that is compared, and what is fair to say beside its figures."""

    name: str
    durable: str
    """Whether what it acknowledges is on disk."""
    encrypted: str
    """Whether its own clients encrypt what they send."""

    def install(self) -> str:
        """Install it; its version. Raises Unavailable."""

    def beside(self) -> AbstractContextManager[Any]:
        """What runs while it does, and is not weighed with it."""

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """How it is started on an empty folder: command and environment."""

    async def prepare(self, port: int) -> None:
        """Make what clients need."""

    def client(self, port: int) -> Client:
        """A new device that has nothing."""


class Alone:
    """A peer that needs nothing beside itself."""

    def beside(self) -> AbstractContextManager[Any]:
        """Nothing."""
        return nullcontext()


def notes(count: int, what: str) -> list[Note]:
    """That many new ones."""
    return [Note(f"{what}-{n:08d}", os.urandom(PART_BYTES)) for n in range(count)]


def key(peer: str, workload: str) -> str:
    """What the figure of a peer is called."""
    return f"{GROUP} {workload} {peer}"


def measure(figures: Figures, peer: Peer, scale: Scale, folder: Path) -> None:
    """One repetition on a fresh server. Raises Unavailable when it does not run, RuntimeError when it loses something."""
    with peer.beside():
        port = free_port()
        command, environment = peer.command(folder, port)
        with Running(command, port, folder, environment) as server:
            uvloop.run(_Repetition(figures, peer, scale, server).run())


class _Repetition:
    def __init__(self, figures: Figures, peer: Peer, scale: Scale, server: Running) -> None:
        self._figures, self._peer, self._scale, self._server = figures, peer, scale, server
        self._opened: list[Client] = []

    async def run(self) -> None:
        async with asyncio.timeout(_SECONDS):
            await self._peer.prepare(self._server.port)
            first, second = self._client(), self._client()
            await first.get_ready()
            await self._w1_and_w2(first, second)
            await self._w3(first, second)
            await self._w4(second)
            self._add("W5", "MB", self._server.rss_mb())
            for client in self._opened:
                await client.close()

    def _client(self) -> Client:
        self._opened.append(self._peer.client(self._server.port))
        return self._opened[-1]

    def _add(self, workload: str, unit: str, value: float) -> None:
        self._figures.add(GROUP, f"{workload} {self._peer.name}", unit, value)

    async def _w1_and_w2(self, first: Client, second: Client) -> None:
        pushed = notes(self._scale.notes, "first")
        with timed() as push:
            await first.push(pushed)
        self._add("W1", "1/s", len(pushed) / push.seconds)
        with timed() as pull:
            await second.get_ready()  # where a peer is live, what is here comes with the connection
            got = await second.pull(len(pushed))
        self._compare("first sync", got, pushed)
        self._add("W2", "1/s", len(pushed) / pull.seconds)

    async def _w3(self, first: Client, second: Client) -> None:
        taken = []
        for number in range(self._scale.rounds):
            pushed = notes(DELTA, f"round{number}")
            with timed() as both:
                await first.push(pushed)
                got = await second.pull(DELTA)
            self._compare("delta", got, pushed)
            taken.append(both.ms)
        self._add("W3", "ms", statistics.median(taken))

    async def _w4(self, second: Client) -> None:
        team = [self._client() for _ in range(self._scale.team)]
        work = [notes(EACH, f"member{number}") for number in range(len(team))]
        for client in team:
            client.begin_at(second)
            await client.get_ready()
        others = EACH * (len(team) - 1)
        cpu = self._server.cpu_s()
        with timed() as timer:
            await _all(client.push(mine) for client, mine in zip(team, work, strict=True))
            await _all(client.pull(others) for client in team)
        self._add("W4", "s", timer.seconds)
        self._figures.add(GROUP, f"W4 {self._peer.name}: the server's processor time", "s", self._server.cpu_s() - cpu)
        pushed = [note for mine in work for note in mine]
        self._compare("team", await second.pull(len(pushed)), pushed)

    def _compare(self, what: str, got: Sequence[bytes], pushed: Sequence[Note]) -> None:
        missing = {note.body for note in pushed} - set(got)
        if missing:
            raise RuntimeError(f"{what}: {len(missing)} of {len(pushed)} notes did not come")


async def _all(work: Any) -> list[Any]:
    tasks: list[Awaitable[Any]] = list(work)
    return await asyncio.gather(*tasks)
