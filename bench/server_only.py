"""What the server does, without devices' work: opaque entries signed beforehand, requests signed as they go, answers followed but not kept.

W1 push · W2 first sync · W3 delta · W4 a whole team at once · W5 memory. The server is a fresh one in each repetition.
"""

import asyncio
import statistics
from typing import Final

from bench import floors
from bench.client import LoadDevice
from bench.figures import Figures, Under, percentile, timed
from bench.opaque import Ahead
from bench.scale import Scale
from bench.team import Team

PER_ENTRY: Final = 64
_PER_REQUEST: Final = 40  # entries of 64 notes: some 5 MB, near what a device puts in one request
_DELTA: Final = 10
_EACH: Final = 20


class ServerOnly:
    """One repetition. `own` is a file for each worker, `notes` one of the first three, `shared` one of all."""

    def __init__(self, figures: Figures | Under, scale: Scale, team: Team) -> None:
        self._add, self._scale, self._server = figures.add, scale, team.server
        sessions = team.enrol_many(scale.team)
        own = [team.file([session]) for session in sessions]
        self._notes, self._shared = team.file(sessions[:3]), team.file(sessions)
        team.sync(sessions)
        self._devices = [LoadDevice(session, self._server.host, self._server.port) for session in sessions]
        self._own_ahead = [Ahead(session, log) for session, log in zip(sessions, own, strict=True)]
        self._notes_ahead = Ahead(sessions[0], self._notes)
        self._shared_ahead = [Ahead(session, self._shared) for session in sessions]

    async def run(self) -> None:
        """All of it, in order."""
        self._add("W5", "server memory before the load", "MB", self._server.rss_mb())
        await self._w1_alone()
        await self._w1_together()
        await self._w1_large()
        await self._w2()
        await self._w3()
        await self._w4()
        self._add("W5", "server memory after the load", "MB", self._server.rss_mb(), aim=-130)
        for device in self._devices:
            await device.connection.close()

    async def _w1_alone(self) -> None:
        count, device = self._scale.singles // 2, self._devices[0]
        pairs = self._own_ahead[0].sign(count, 1)
        await device.get_ready()
        link, cpu = device.connection, self._server.cpu_s()
        sent, received = link.sent, link.received
        with timed() as timer:
            await device.push(pairs, 1)
        self._add("W1", "server only: pushes of one note, 1 device", "1/s", count / timer.seconds, floor=floors.PARTS)
        self._add("W1", "server only: processor time of such a push", "ms", (self._server.cpu_s() - cpu) / count * 1e3)
        self._add("wire", "one note alone in a request: bytes up", "B", (link.sent - sent) / count)
        self._add("wire", "one note alone in a request: bytes down", "B", (link.received - received) / count)

    async def _w1_together(self) -> None:
        each = self._scale.singles // len(self._devices)
        count = each * len(self._devices)
        work = [ahead.sign(each, 1) for ahead in self._own_ahead]
        await self._all_ready()
        cpu = self._server.cpu_s()
        with timed() as timer:
            await asyncio.gather(*(device.push(pairs, 1) for device, pairs in zip(self._devices, work, strict=True)))
        name = f"server only: pushes of one note, {len(self._devices)} devices"
        self._add("W1", name, "1/s", count / timer.seconds, floor=floors.ECHO_MANY, aim=1500)
        self._add("W1", "server only: processor time of such a push, together", "ms", (self._server.cpu_s() - cpu) / count * 1e3)

    async def _w1_large(self) -> None:
        entries, device = -(-self._scale.notes // PER_ENTRY), self._devices[0]
        pairs = self._notes_ahead.sign(entries, PER_ENTRY)
        await device.get_ready()
        sent, cpu = device.connection.sent, self._server.cpu_s()
        with timed() as timer:
            await device.push(pairs, _PER_REQUEST)
        notes = entries * PER_ENTRY
        self._add("W1", f"server only: notes in entries of {PER_ENTRY}", "1/s", notes / timer.seconds, floor=floors.ROWS, aim=30_000)
        self._add("W1", "server only: processor time of such a note", "us", (self._server.cpu_s() - cpu) / notes * 1e6)
        self._add("wire", f"a note in an entry of {PER_ENTRY}: bytes up", "B", (device.connection.sent - sent) / notes)

    async def _w2(self) -> None:
        device = self._devices[2]
        await device.get_ready()
        received, cpu = device.connection.received, self._server.cpu_s()
        device.cursors.pop(self._notes)
        with timed() as timer:
            notes = await device.pull()
        self._add("W2", "server only: first sync", "1/s", notes / timer.seconds, floor=floors.READ, aim=65_000)
        self._add("W2", "server only: processor time of such a note", "us", (self._server.cpu_s() - cpu) / notes * 1e6)
        self._add("wire", f"a note in an entry of {PER_ENTRY}: bytes down", "B", (device.connection.received - received) / notes)

    async def _w3(self) -> None:
        writer, reader = self._devices[:2]
        await writer.get_ready()
        await reader.get_ready()
        await reader.pull()
        pairs = self._notes_ahead.sign(self._scale.rounds, _DELTA)
        pushes, pulls = [], []
        for pair in pairs:
            with timed() as push:
                await writer.sync(pair)
            with timed() as pull:
                await reader.sync()
            pushes.append(push.ms)
            pulls.append(pull.ms)
        self._add("W3", f"server only: push of {_DELTA} notes", "ms", statistics.median(pushes), floor=floors.PULL_MS)
        self._add("W3", f"server only: pull of {_DELTA} notes", "ms", statistics.median(pulls), floor=floors.PULL_MS, aim=-6)
        both = statistics.median(push + pull for push, pull in zip(pushes, pulls, strict=True))
        self._add("W3", f"server only: {_DELTA} notes from one device to another", "ms", both, floor=floors.PULL_MS)
        self._add("W3", f"server only: pull of {_DELTA} notes, 95th of 100", "ms", percentile(pulls, 0.95))

    async def _w4(self) -> None:
        work = [ahead.sign(1, _EACH)[0] for ahead in self._shared_ahead]
        await self._all_ready()
        for device in self._devices:
            await device.pull()
        cpu = self._server.cpu_s()
        with timed() as timer:
            await asyncio.gather(*(device.sync(pair) for device, pair in zip(self._devices, work, strict=True)))
            await asyncio.gather(*(device.pull() for device in self._devices))
        ends = {device.cursors[self._shared] for device in self._devices}
        if len(ends) != 1:
            raise RuntimeError("the team does not hold the same log")
        name = f"server only: {len(work)} devices push {_EACH} and pull all"
        self._add("W4", name, "s", timer.seconds, aim=-1.7)
        self._add("W4", f"{name}: the server's processor time", "s", self._server.cpu_s() - cpu, aim=-1.5)

    async def _all_ready(self) -> None:
        await asyncio.gather(*(device.get_ready() for device in self._devices))
