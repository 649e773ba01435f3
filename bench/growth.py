"""Cost against size: one log that grows, and more and more files. What is flat stays flat.

At each size the same small work is done some times over; each time is one value.
"""

from collections.abc import Sequence
from typing import Final

from bench import floors
from bench.client import LoadDevice
from bench.figures import Figures, timed
from bench.opaque import Ahead
from bench.scale import Scale
from bench.team import Link, Team, write_notes
from sync.device.exchanging.syncing import sync
from sync.device.session import Session

_PART: Final = 32 + 256 + 16  # the smallest sealed note, so that 100,000 of them fill the log and not the disk
_FILL: Final = 500  # entries in one request while filling
_ROUNDS: Final = 20
_KB: Final = 1e-3


class LogOf:
    """A log of `size` one-note entries on a server of its own: a device that writes in it and one that reads."""

    def __init__(self, figures: Figures, team: Team, size: int) -> None:
        self._add, self._server, self._size = figures.add, team.server, size
        pair = team.enrol_many(2)
        log = team.file(pair)
        self._ahead = Ahead(pair[0], log, _PART)
        self._writer, self._reader = (LoadDevice(session, team.server.host, team.server.port) for session in pair)

    async def fill(self) -> None:
        """Bring the log to its length."""
        await self._writer.get_ready()
        await self._writer.push(self._ahead.sign(self._size - 1, 1), _FILL)
        await self._reader.get_ready()
        await self._reader.pull()

    async def append_and_pull(self) -> None:
        """One value of each figure: what an append and an incremental pull cost."""
        pairs, appended, pulled = self._ahead.sign(_ROUNDS, 1), 0.0, 0.0
        await self._writer.get_ready()
        await self._reader.get_ready()
        cpu = self._server.cpu_s()
        for pair in pairs:
            with timed() as append:
                await self._writer.sync(pair)
            with timed() as pull:
                await self._reader.sync()
            appended += append.ms
            pulled += pull.ms
        used = (self._server.cpu_s() - cpu) * 1e3 / _ROUNDS
        self._add("length", f"log of {self._size:,} entries: append one", "ms", appended / _ROUNDS)
        self._add("length", f"log of {self._size:,} entries: pull one", "ms", pulled / _ROUNDS)
        self._add("length", f"log of {self._size:,} entries: the server's processor time for both", "ms", used)


async def grow_log(figures: Figures, teams: Sequence[Team], scale: Scale) -> None:
    """Logs of each size, measured in turn: a machine that changes its pace does so for all of them."""
    logs = [LogOf(figures, team, size) for team, size in zip(teams, scale.logs, strict=True)]
    for log in logs:
        await log.fill()
    for _ in range(2 * scale.repetitions):
        for log in logs:
            await log.append_and_pull()


class Files:
    """A pair of devices shares the files; a third device has a single file of its own."""

    def __init__(self, figures: Figures, scale: Scale, team: Team) -> None:
        self._add, self._scale, self._team = figures.add, scale, team
        *self._pair, self._lone = team.enrol_many(3)

    async def run(self) -> None:
        """More and more files: one note by a device that has one file, and one note between devices that have all of them."""
        writer, reader = self._pair
        up, down = self._team.link(), self._team.link()
        log, own = self._team.begin_file(self._pair), self._team.file([self._lone])
        lone = LoadDevice(self._lone, self._team.server.host, self._team.server.port)
        ahead = Ahead(self._lone, own, _PART)
        have = 2
        for count in self._scale.files:
            for _ in range(count - have):
                self._team.begin_file(self._pair)
            have = count
            for session, link in ((writer, up), (reader, down)):
                sync(session, link)
                sync(session, link)
            await lone.get_ready()
            for _ in range(self._scale.repetitions):
                with timed() as timer:
                    await lone.push(ahead.sign(_ROUNDS, 1), 1)
                self._add("files", f"{count:,} files on the server, 1 on the device: append one", "ms", timer.ms / _ROUNDS)
            for _ in range(self._scale.repetitions):
                self._one_note(writer, reader, up, down, log, count)

    def _one_note(self, writer: Session, reader: Session, up: Link, down: Link, log: bytes, count: int) -> None:
        write_notes(writer, log, 1)
        down.reset()
        cpu = self._team.server.cpu_s()
        with timed() as push:
            sync(writer, up)
        with timed() as pull:
            sync(reader, down)
        used = (self._team.server.cpu_s() - cpu) * 1e3
        self._add("files", f"{count:,} files on the device: push a note", "ms", push.ms, floor=floors.PULL_MS)
        self._add("files", f"{count:,} files on the device: sync that brings it", "ms", pull.ms, floor=floors.PULL_MS)
        self._add("files", f"{count:,} files on the device: the server's processor time for both", "ms", used)
        self._add("files", f"{count:,} files on the device: request", "KB", down.sent * _KB / down.requests)
