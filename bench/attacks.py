"""What one hostile client can think of. It is an enrolled device of one side, with an address of its own, in a process of its own (`bench.hostile`).

Each attack goes on until it is ended, and counts how it was answered. What the server hangs up on begins again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from bench.client import LoadDevice
from shared_schema import cbor, limits
from shared_schema.request import CBOR_TYPE, NONCE_HEADER
from shared_schema.wire import Cursor, Status, SyncRequest, encode_request

ADDRESS: Final = "127.0.0.2"
"""Where it calls from: loopback, and not where honest clients call from."""
_SYNC: Final = "/v1/sync"
_AT_ONCE: Final = limits.REQUESTS_PER_DEVICE
_MANY: Final = 600  # more connections than one address may hold
_FLOOD: Final = 50
_MILLION: Final = 1_000_000


class Hostile:
    """One client. `answered` counts statuses, `cut off` for a connection that the server ended."""

    def __init__(self, device: LoadDevice, large: Sequence[bytes], host: str, port: int) -> None:
        """`large` are entries that it signed rightly, of some megabytes together."""
        self._device, self._large, self._host, self._port = device, large, host, port
        self.answered: Counter[str] = Counter()
        self._nonces: list[str] = []

    async def run(self, kind: str) -> None:
        """Attack until ended."""
        await ATTACKS[kind](self)

    async def giant_bodies(self) -> None:
        """Megabytes of entries that are right, again and again, and bodies that are larger than any may be."""
        body = encode_request(SyncRequest(push=tuple(map(cbor.Raw, self._large))))
        await self._together([self._ask(body)] * (_AT_ONCE - 1) + [self._ask(bytes(limits.REQUEST_BYTES + 1))])

    async def deep_nesting(self) -> None:
        """Arrays in arrays, and as many empty ones as fit."""
        deep, wide = b"\x81" * limits.REQUEST_BYTES, b"\x9a" + (limits.REQUEST_BYTES - 8).to_bytes(4, "big") + b"\x80" * (limits.REQUEST_BYTES - 8)
        await self._together([self._ask(deep), self._ask(wide)] * (_AT_ONCE // 2))

    async def million_cursors(self) -> None:
        """Cursors of as many files as a device may have, none of which is its own; and of a million."""
        body = encode_request(
            SyncRequest(cursors=tuple(sorted(Cursor(os.urandom(16), 1, os.urandom(32)) for _ in range(limits.FILES_PER_DEVICE - 1))))
        )
        cursor = cbor.encode([os.urandom(16), 1, os.urandom(32)])
        most = (limits.REQUEST_BYTES - 1000) // len(cursor)
        none = cbor.encode("cursors") + cbor.encode([])
        many = encode_request(SyncRequest()).replace(none, cbor.encode("cursors") + b"\x9a" + most.to_bytes(4, "big") + cursor * most)
        await self._together([self._ask(body)] * (_AT_ONCE - 2) + [self._ask(many), self._announce(_MILLION * len(cursor))])

    async def slow_reads(self) -> None:
        """Everything in its file, asked for at once on many connections and never read."""
        body = encode_request(SyncRequest(status=Status(app="hostile")))
        await self._together([self._ask(body, read=False)] * (2 * _AT_ONCE))

    async def slow_headers(self) -> None:
        """Heads that come a byte a second."""

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"POST {_SYNC} HTTP/1.1\r\nx-slow: ".encode())
            while not reader.at_eof() and not writer.is_closing():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(1)
            self.answered["cut off"] += 1

        await self._together([self._connected(drip)] * _MANY)

    async def slow_bodies(self) -> None:
        """Bodies that were signed, and then do not come."""
        await self._together([self._announce(limits.REQUEST_BYTES)] * (4 * _AT_ONCE))

    async def nonce_flood(self) -> None:
        """Unsigned requests, as fast as they are answered."""
        path = f"/v1/nonces?side={self._device.identity.side}"

        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                await self._one(reader, writer, _head("GET", path, "", 0))

        await self._together([self._connected(flood)] * _FLOOD)

    async def forged_flood(self) -> None:
        """Requests whose signature is wrong, as fast as they are refused."""
        authorization = self._device.authorization("GET", "/v1/events", b"", "none")[:-4] + "AAAA"

        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                await self._one(reader, writer, _head("GET", "/v1/events", authorization, 0))

        await self._together([self._connected(flood)] * _FLOOD)

    async def idle_connections(self) -> None:
        """More connections than one address may hold, that say nothing, opened again whenever they are closed."""

        async def idle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            await reader.read()
            self.answered["cut off"] += 1

        await self._together([self._connected(idle)] * _MANY)

    async def unread_streams(self) -> None:
        """Event streams that nobody reads: as many as are let in, and others on top."""

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._signed(reader, writer, "GET", "/v1/events", b"", read=True, stream=True)
            await asyncio.sleep(3600)

        await self._together([self._connected(listen)] * (4 * limits.STREAMS_PER_DEVICE))

    def _ask(self, body: bytes, *, read: bool = True) -> Callable[[], Awaitable[None]]:
        async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                await self._signed(reader, writer, "POST", _SYNC, body, read=read)
                if not read:
                    await asyncio.sleep(3600)

        return self._connected(ask)

    def _announce(self, size: int) -> Callable[[], Awaitable[None]]:
        """A signed head that announces so many bytes, of which one comes."""

        async def announce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            authorization = self._device.authorization("POST", _SYNC, b"", await self._nonce())
            writer.write(_head("POST", _SYNC, authorization, size) + b"\x80")
            await self._count(reader)

        return self._connected(announce)

    def _connected(self, do: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            reader, writer = await asyncio.open_connection(self._host, self._port, local_addr=(ADDRESS, 0), limit=1 << 16)
            try:
                await do(reader, writer)
            finally:
                writer.transport.abort()

        return once

    async def _together(self, attacks: Sequence[Callable[[], Awaitable[None]]]) -> None:
        async def again(attack: Callable[[], Awaitable[None]]) -> None:
            while True:
                try:
                    await attack()
                except (OSError, EOFError, ValueError):
                    self.answered["cut off"] += 1
                await asyncio.sleep(0.05)

        await asyncio.gather(*map(again, attacks))

    async def _nonce(self) -> str:
        """A fresh one; answers bring one each, so that few are asked for."""
        if not self._nonces:
            reader, writer = await asyncio.open_connection(self._host, self._port, local_addr=(ADDRESS, 0))
            writer.write(_head("GET", f"/v1/nonces?side={self._device.identity.side}", "", 0))
            _, body, _ = await _answer(reader)
            writer.close()
            with suppress(Exception):
                self._nonces += cbor.decode(body)["nonces"]
        return self._nonces.pop() if self._nonces else "none"

    async def _signed(self, reader: Any, writer: Any, method: str, path: str, body: bytes, *, read: bool, stream: bool = False) -> None:
        authorization = self._device.authorization(method, path, body, await self._nonce())
        writer.write(_head(method, path, authorization, len(body)) + body)
        if read:
            await self._count(reader, stream=stream)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        writer.write(head)
        await self._count(reader)

    async def _count(self, reader: asyncio.StreamReader, *, stream: bool = False) -> None:
        status, _, nonce = await _answer(reader, stream=stream)
        self.answered[status] += 1
        if nonce:
            self._nonces.append(nonce)


def _head(method: str, path: str, authorization: str, size: int) -> bytes:
    more = f"authorization: {authorization}\r\n" if authorization else ""
    return f"{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {CBOR_TYPE}\r\ncontent-length: {size}\r\n{more}\r\n".encode()


async def _answer(reader: asyncio.StreamReader, *, stream: bool = False) -> tuple[str, bytes, str]:
    """(status, body, nonce)."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
    body = b"" if stream else await reader.readexactly(int(fields.get("content-length", "0")))
    return lines[0].split(" ")[1], body, fields.get(NONCE_HEADER, "")


ATTACKS: Final[dict[str, Callable[[Hostile], Awaitable[None]]]] = {
    "giant bodies": Hostile.giant_bodies,
    "deep nesting": Hostile.deep_nesting,
    "a million cursors": Hostile.million_cursors,
    "slow reads": Hostile.slow_reads,
    "slow headers": Hostile.slow_headers,
    "slow bodies": Hostile.slow_bodies,
    "a nonce flood": Hostile.nonce_flood,
    "a flood of forged requests": Hostile.forged_flood,
    "idle connections": Hostile.idle_connections,
    "streams never read": Hostile.unread_streams,
}
