"""uvicorn's HTTP/1.1 with bounds: how large a request's head may be, how long it may take to come, how long an answer may lie unread,
how many requests may wait, how many connections one address may hold.
"""

import socket
import sys
from asyncio import BaseTransport, TimerHandle
from collections import Counter
from contextlib import suppress
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.quotas import address_key
from shared_schema import cbor
from shared_schema.errors import catalogue
from shared_schema.request import CBOR_TYPE

HEAD_BYTES: Final = 16_384
HEAD_SECONDS: Final = 10.0  # longer than clients keep a connection (httpx: 5): none hangs up while the other begins to ask
UNREAD_SECONDS: Final = 120.0  # longer than a tunnel
_LEAST_READ: Final = 16_384  # bytes of an answer that are taken in UNREAD_SECONDS, or nobody is reading it
_TCP_INFO_BYTES_ACKED: Final = slice(120, 128)  # of struct tcp_info, linux/tcp.h
_MOST_WAITING: Final = 64
_NO_REQUEST: Final = cbor.encode({"code": "malformed", "message": "this is no HTTP request", "retry": catalogue()["malformed"]["retry"]})
_MALFORMED: Final = (
    f"HTTP/1.1 400 Bad Request\r\ncontent-type: {CBOR_TYPE}\r\ncontent-length: {len(_NO_REQUEST)}\r\nconnection: close\r\n\r\n".encode() + _NO_REQUEST
)
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Shares:
    """How many connections each address holds, of at most `most`."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, Counter[bytes]()

    def take(self, address: bytes) -> bool:
        """False when the address holds all that it may."""
        if self._held[address] >= self._most:
            return False
        self._held[address] += 1
        return True

    def give_back(self, address: bytes) -> None:
        """One connection of the address is over."""
        self._held[address] -= 1
        if not self._held[address]:
            del self._held[address]


class BoundedConnection(HttpToolsProtocol):
    """One connection. Whoever says nothing, or goes on after the answer, is heard for HEAD_SECONDS.

    Bytes that complete no head and are of no body (a head, the lines after the last chunk, the words beside a chunk's size) are HEAD_BYTES at most.
    """

    _idle_bytes = 0
    _moved = False
    _timer: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _address: bytes | None = None

    def __init__(self, *arguments: Any, shares: Shares, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._shares = shares

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        address = address_key(self.client[0] if self.client else "")
        if self._shares.take(address):
            self._address = address
            self._wait()
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        self._stop_watching()
        if self._address is not None:
            self._shares.give_back(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, never more than a head's size before it moves on."""
        at = 0
        while at < len(data) and not self.transport.is_closing():
            piece = data[at : at + HEAD_BYTES - self._idle_bytes]
            at += len(piece)
            self._moved = False
            super().data_received(piece)
            self._idle_bytes = 0 if self._moved else self._idle_bytes + len(piece)
            if self._idle_bytes >= HEAD_BYTES or len(self.pipeline) > _MOST_WAITING:
                self._refuse()
        if self.transport.is_closing():
            self._close()
        elif self._timer is None and self._answered:
            self._wait()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._moved = True
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next head may come."""
        self._moved = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; perhaps it is not read."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._close()

    def pause_writing(self) -> None:
        """More of an answer waits than is taken: see whether it is taken at all."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It was."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_watching()

    def send_400_response(self, _msg: str) -> None:
        """What is no HTTP is refused as anything else is, and nothing of it is said again."""
        self.transport.write(_MALFORMED)
        self._close()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked for."""
        self._close()

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self) -> None:
        if self._answered:
            self.transport.write(_TOO_LARGE)
        self._close()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_watching(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _close(self) -> None:
        """End the connection when what is written has been read, or is not read."""
        self._stop_waiting()
        self.transport.close()
        if self._unread is None:
            self._watch()

    def _watch(self) -> None:
        self._stop_watching()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self._check_read, self._taken())

    def _check_read(self, before: int) -> None:
        self._unread = None
        if self._taken() - before < _LEAST_READ:
            self.transport.abort()
        else:
            self._watch()

    def _taken(self) -> int:
        """A number that grows by each byte that the other side takes: what it acknowledged, or what left our buffer where the system does not say.

        The buffers alone show little: a kernel's moves in steps of megabytes, and what TLS has encrypted is in nobody's.
        """
        with suppress(AttributeError, OSError):  # TCP_INFO is Linux's; the socket may be gone
            info = self.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES_ACKED.stop)
            if len(info) == _TCP_INFO_BYTES_ACKED.stop:
                return int.from_bytes(info[_TCP_INFO_BYTES_ACKED], sys.byteorder)
        return -self.transport.get_write_buffer_size()
