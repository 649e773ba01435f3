"""uvicorn's HTTP/1.1 with bounds: how large a request's head may be, how long it may take to come, how many requests may wait."""

from asyncio import BaseTransport, TimerHandle
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 16_384
HEAD_SECONDS: Final = 10.0  # longer than clients keep a connection (httpx: 5): none hangs up while the other begins to ask
_MOST_WAITING: Final = 64
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """One connection. Whoever says nothing, or goes on after the answer, is heard for HEAD_SECONDS."""

    _in_head = True  # or before it
    _turned = False
    _fed = 0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, of a head never more than its size."""
        at = 0
        while at < len(data):
            piece = data[at : at + HEAD_BYTES - self._fed]
            at += len(piece)
            self._turned = not self._in_head
            super().data_received(piece)
            if self.transport.is_closing():
                return
            if self._in_head and not self._turned:
                self._fed += len(piece)
            if self._fed >= HEAD_BYTES or len(self.pipeline) > _MOST_WAITING:
                self._refuse()
                return
        if self._timer is None and self._answered:
            self._wait()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._turned, self._fed = False, True, 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head may come."""
        self._in_head = True
        super().on_message_complete()

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self) -> None:
        if self._answered:
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        self.transport.close()
