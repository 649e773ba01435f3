"""Servers of Yjs documents: Hocuspocus, y-websocket, pycrdt-websocket. One document, one map, a note an entry.

    message  [name string, Hocuspocus only] 0 ‖ step 0..2 ‖ length ‖ bytes      y-protocols sync: state, what it lacks, update

None of them says when an update is on disk: a push ends when the server answers a state that was sent after it, for by then it has applied it.
The clients are pycrdt and websockets, of pycrdt-websocket's own environment.
"""

import asyncio
import site
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bench.peers import installing
from bench.peers.running import HOST
from bench.peers.varint import varint
from bench.peers.workload import Alone, Note

_SERVERS: Final = Path(__file__).parent / "servers"
_ROOM: Final = "team"
_TRANSACTION: Final = 1000
_SYNC: Final = 0
_AUTHENTICATION: Final = 2
_SYNC_REPLY: Final = 4  # Hocuspocus: a step 2 that wants no answer
_STATE, _LACKING, _UPDATE = 0, 1, 2


def _client_packages() -> Path:
    """The environment that has pycrdt; from then on it can be imported here. Raises Unavailable."""
    folder = installing.install("pycrdt-websocket")
    site.addsitedir(str(folder / f"venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"))
    return folder


class Yjs(Alone):
    """What the three have in common."""

    encrypted = "no"
    named = False

    async def prepare(self, port: int) -> None:
        """Nothing: a room is made when it is first asked for."""

    def client(self, port: int) -> "YjsClient":
        """A new one."""
        return YjsClient(port, named=self.named)


class Hocuspocus(Yjs):
    """The server."""

    name = "Hocuspocus"
    durable = "later: 2 s after the last change"
    named = True

    def install(self) -> str:
        """Install it, and build its SQLite."""
        _client_packages()
        self._folder = installing.install("hocuspocus", ["better-sqlite3"])
        return installing.version(self._folder, "@hocuspocus/server")

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """With its SQLite extension."""
        command = [
            str(installing.node()),
            "-r",
            str(_SERVERS / "loopback.cjs"),
            str(_SERVERS / "hocuspocus.mjs"),
            str(port),
            str(folder / "rooms.db"),
        ]
        return command, {"PACKAGES": str(self._folder)}


class YWebsocket(Yjs):
    """The server."""

    name = "y-websocket"
    durable = "no: LevelDB without sync"

    def install(self) -> str:
        """Install it."""
        _client_packages()
        self._folder = installing.install("y-websocket")
        return installing.version(self._folder, "y-websocket")

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """With its LevelDB."""
        environment = {"HOST": HOST, "PORT": str(port), "YPERSISTENCE": str(folder / "rooms")}
        return [str(installing.node()), str(self._folder / "node_modules/y-websocket/bin/server.cjs")], environment


class PycrdtWebsocket(Yjs):
    """The server."""

    name = "pycrdt-websocket"
    durable = "later: in the background"

    def install(self) -> str:
        """Install it."""
        self._folder = _client_packages()
        return installing.version(self._folder, "pycrdt-websocket")

    def command(self, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
        """With its SQLite store."""
        return [str(self._folder / "venv/bin/python"), str(_SERVERS / "pycrdt_rooms.py"), str(port), str(folder / "rooms.db")], {"PYTHONPATH": ""}


class YjsClient:
    """A document, and a connection on which updates go both ways."""

    def __init__(self, port: int, *, named: bool) -> None:
        from pycrdt import Doc, Map  # only there once a server of these is installed

        self._port, self._before = port, _string(_ROOM) if named else b""
        self._named = named
        self._document: Any = Doc()
        self._map: Any = self._document.get("notes", type=Map)
        self._watching = self._map.observe(self._changed)
        self._ours = False
        self._got: list[bytes] = []
        self._came, self._answered = asyncio.Event(), asyncio.Event()
        self._socket: Any = None
        self._hearing: asyncio.Task[None] | None = None

    def _changed(self, event: Any) -> None:
        if not self._ours:
            self._got += [bytes(change["newValue"]) for change in event.keys.values()]
            self._came.set()

    async def get_ready(self) -> None:
        """Connect, say what is here, take what is not."""
        from websockets.asyncio.client import connect

        self._socket = await connect(f"ws://{HOST}:{self._port}/{_ROOM}", max_size=None, compression=None, proxy=None)
        self._hearing = asyncio.create_task(self._hear())
        if self._named:
            await self._socket.send(self._before + bytes([_AUTHENTICATION, 0]) + _string("token") + _string("bench"))
        await self._settle()

    async def _settle(self) -> None:
        """Return when the server has answered our state: all that was sent before is applied there."""
        self._answered.clear()
        await self._send(_STATE, self._document.get_state())
        await self._answered.wait()

    async def _send(self, step: int, data: bytes) -> None:
        await self._socket.send(self._before + bytes([_SYNC, step]) + varint(len(data)) + data)

    async def _hear(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            async for message in self._socket:
                await self._take(message[len(self._before) :])

    async def _take(self, message: bytes) -> None:
        kind, step = message[0], message[1]
        if kind not in (_SYNC, _SYNC_REPLY):
            return
        at = 2
        while message[at] > 127:
            at += 1
        data = message[at + 1 :]
        if step == _STATE:
            await self._send(_LACKING, self._document.get_update(data))
            return
        if len(data) > 2:  # two zeros are an update of nothing
            self._document.apply_update(data)
        if step == _LACKING:
            self._answered.set()

    async def push(self, notes: Sequence[Note]) -> None:
        """A thousand a transaction."""
        updates: list[bytes] = []
        watching = self._document.observe(lambda event: updates.append(event.update))
        self._ours = True
        for at in range(0, len(notes), _TRANSACTION):
            with self._document.transaction():
                for note in notes[at : at + _TRANSACTION]:
                    self._map[note.id] = note.body
        self._ours = False
        self._document.unobserve(watching)
        for update in updates:
            await self._send(_UPDATE, update)
        await self._settle()

    async def pull(self, expect: int) -> list[bytes]:
        """What came by itself, when all of it has."""
        while len(self._got) < expect:
            self._came.clear()
            await self._came.wait()
        got, self._got = self._got, []
        return got

    def begin_at(self, other: "YjsClient") -> None:
        """With its document."""
        self._document.apply_update(other._document.get_update())
        self._got = []

    async def close(self) -> None:
        """Hang up, and let go of the document: it holds who watches it, where Python's collector does not look."""
        self._map.unobserve(self._watching)
        if self._socket is not None:
            await self._socket.close()
        if self._hearing is not None:
            await self._hearing


def _string(text: str) -> bytes:
    return varint(len(text.encode())) + text.encode()
