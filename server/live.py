"""Hints to devices that something is new (docs/spec.md §9.4). A hint says nothing else; each is authorised again when it is sent."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

from server.realm import Realm
from shared_schema import limits
from shared_schema.errors import Refused

_KEEPALIVE_S: Final = 20.0


class Live:
    """One side's open event streams."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._waiting: dict[bytes, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False
        realm.on_commit = self._committed

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which loop the streams run in."""
        self._loop = loop

    def _committed(self, logs: Iterable[bytes]) -> None:
        """Called by the writer's thread after a commit."""
        if self._loop is not None and self._waiting:
            devices = self._realm.readers_of(logs)
            self._loop.call_soon_threadsafe(self._wake, devices)

    def _wake(self, devices: set[bytes]) -> None:
        for device in devices & self._waiting.keys():
            for event in self._waiting[device]:
                event.set()

    def close(self) -> None:
        """End all streams."""
        self._closing = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    def enter(self, device: bytes) -> asyncio.Event:
        """Make room for a stream, which `leave` gives back. Raises Refused `quota` for a device that has enough of them."""
        waiting = self._waiting.setdefault(device, set())
        if len(waiting) >= limits.STREAMS_PER_DEVICE:
            raise Refused("quota", f"want at most {limits.STREAMS_PER_DEVICE} open streams")
        event = asyncio.Event()
        waiting.add(event)
        return event

    def leave(self, device: bytes, event: asyncio.Event) -> None:
        """The stream of `event` is over."""
        self._waiting[device].discard(event)
        if not self._waiting[device]:
            del self._waiting[device]

    async def stream(self, device: bytes, event: asyncio.Event) -> AsyncIterator[bytes]:
        """Server-sent events for one device until it goes, is revoked or suspended, its certificate ends, or the server stops."""
        yield b"event: hello\ndata: {}\n\n"
        while self._stands(device):
            try:
                await asyncio.wait_for(event.wait(), _KEEPALIVE_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            event.clear()
            if self._stands(device):
                yield b"event: pull\ndata: {}\n\n"

    def _stands(self, device: bytes) -> bool:
        certificate = self._realm.known().devices.get(device)
        return not self._closing and certificate is not None and certificate.acts and self._realm.clock() <= certificate.subject.until
