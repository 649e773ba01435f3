"""Actual's sync server: messages in protocol buffers, their contents encrypted by its own clients.

The client believes the newest time that it was served, where Actual's own also compares Merkle tries; the server makes its trie for each request all the same.

    MessageEnvelope  timestamp string = 1, isEncrypted bool = 2, content bytes = 3
    SyncRequest      messages = 1, fileId string = 2, groupId string = 3, since string = 6
    SyncResponse     messages = 1, merkle string = 2
"""

import datetime as dt
import itertools
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench.client import Connection
from bench.peers import installing
from bench.peers.running import HOST
from bench.peers.varint import read_varint, varint
from bench.peers.workload import Alone, Note

_BEGINNING: Final = "1970-01-01T00:00:00.000Z-0000-0000000000000000"
_SPREAD_MS: Final = 10 * 86_400_000
_LIMITS: Final = (
    "ACTUAL_UPLOAD_FILE_SIZE_LIMIT_MB",
    "ACTUAL_UPLOAD_FILE_SYNC_SIZE_LIMIT_MB",
    "ACTUAL_UPLOAD_SYNC_ENCRYPTED_FILE_SYNC_SIZE_LIMIT_MB",
)  # 20 by default: less than the notes of W1
_JSON: Final = "application/json"


class Actual(Alone):
    """The server."""

    name = "Actual sync server"
    durable = "yes"
    encrypted = "yes: contents"

    def install(self) -> str:
        """Install it, and build its SQLite."""
        self._folder = installing.install("actual", ["better-sqlite3"])
        return installing.version(self._folder, "@actual-app/sync-server")

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """With its defaults but for the size of a request, on a folder."""
        script = self._folder / "node_modules/@actual-app/sync-server/build/bin/actual-server.js"
        environment = {"NODE_ENV": "production", "ACTUAL_HOSTNAME": HOST, "ACTUAL_PORT": str(port), "ACTUAL_DATA_DIR": str(folder)}
        environment |= dict.fromkeys(_LIMITS, "100")
        return [str(installing.node()), str(script)], environment

    async def prepare(self, port: int) -> None:
        """A password, a session, a file to sync."""
        connection, password = Connection(HOST, port), uuid.uuid4().hex
        await connection.ask("POST", "/account/bootstrap", json.dumps({"password": password}).encode(), kind=_JSON)
        login = json.dumps({"loginMethod": "password", "password": password}).encode()
        self._token: str = json.loads((await connection.ask("POST", "/account/login", login, kind=_JSON))[1])["data"]["token"]
        self._file = str(uuid.uuid4())
        head = {"x-actual-token": self._token, "x-actual-name": "notes", "x-actual-file-id": self._file, "x-actual-format": "2"}
        more = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        _, answer = await connection.ask("POST", "/sync/upload-user-file", os.urandom(16), kind="application/encrypted-file", more=more)
        self._group: str = json.loads(answer)["groupId"]
        self._numbers, self._clock = itertools.count(1), Clock()
        await connection.close()

    def client(self, port: int) -> "ActualClient":
        """A new one, with an address of its own: the server lets each ask 500 times a minute."""
        number = next(self._numbers)
        more = f"x-actual-token: {self._token}\r\nx-forwarded-for: 10.1.{number >> 8}.{number & 255}\r\n"
        return ActualClient(port, number, more, _field(2, self._file.encode()) + _field(3, self._group.encode()), self._clock)


class Clock:
    """Times that never repeat and never go back, for all clients, as hybrid logical clocks that have heard of each other."""

    def __init__(self) -> None:
        self._ms = self._counter = 0

    def now(self) -> tuple[int, int]:
        """Milliseconds and counter."""
        ms = max(self._ms, time.time_ns() // 1_000_000)
        self._counter = self._counter + 1 if ms == self._ms else 0
        if self._counter > 0xFFFF:
            ms, self._counter = ms + 1, 0
        self._ms = ms
        return ms, self._counter


class ActualClient:
    """Sends messages, and asks for those after the newest that it was served."""

    def __init__(self, port: int, number: int, more: str, which: bytes, clock: Clock) -> None:
        self._connection, self._node, self._more, self._which, self._clock = Connection(HOST, port), f"{number:016X}", more, which, clock
        self._since, self._sent = _BEGINNING, _BEGINNING

    async def _sync(self, messages: Sequence[tuple[str, bytes]], since: str) -> list[tuple[str, bytes]]:
        body = b"".join(_field(1, _field(1, when.encode()) + b"\x10\x01" + _field(3, content)) for when, content in messages)
        body += self._which + _field(6, since.encode())
        _, answer = await self._connection.ask("POST", "/sync/sync", body, kind="application/actual-sync", more=self._more)
        served = (dict(_fields(value)) for number, value in _fields(answer) if number == 1)
        return [(one[1].decode(), one.get(3, b"")) for one in served]

    async def push(self, notes: Sequence[Note]) -> None:
        """All in one request. What comes with the answer is asked for again by the next pull, as it would be by whoever got no answer."""
        if len(notes) >= 1000:  # a team's notes are of many days, and the server's trie has a leaf a minute
            start = time.time_ns() // 1_000_000 - _SPREAD_MS
            times = [(start + _SPREAD_MS * at // len(notes), 0) for at in range(len(notes))]
        else:
            times = [self._clock.now() for _ in notes]
        stamps = [self._show(*one) for one in times]
        await self._sync(list(zip(stamps, (note.body for note in notes), strict=True)), max(self._since, self._sent))
        self._sent = stamps[-1]

    async def pull(self, _expect: int) -> list[bytes]:
        """What is newer than what was served last."""
        served = await self._sync([], self._since)
        self._since = max([self._since, *(when for when, _ in served)])
        return [content for _, content in served]

    def begin_at(self, other: "ActualClient") -> None:
        """At its time."""
        self._since = other._since

    def _show(self, ms: int, counter: int) -> str:
        when = dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
        return f"{when:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z-{counter:04X}-{self._node}"

    async def get_ready(self) -> None:
        """Connect."""
        await self._connection.open()

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()


def _field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, at = read_varint(data, at)
        if tag & 7:  # so many bytes
            yield tag >> 3, data[at : at + number]
            at += number
        else:
            yield tag >> 3, number
