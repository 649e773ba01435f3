"""Stopping. Who asks from now on is told `busy`; who asked before is answered; streams end; then the sockets close. An asked-for stop is no failure.

uvicorn by itself closes the listening socket first, so that whoever asks in the meantime meets a refused connection, and ends by the signal that it got.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

import uvicorn

_LOOK_SECONDS: Final = 0.05
_REST_SECONDS: Final = 1  # for what did not end in time, before it is cut off


class DrainingServer(uvicorn.Server):
    """`drain` is called once, when the stop begins; requests under way then have `seconds`."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None], seconds: float) -> None:
        super().__init__(config)
        self._drain, self._seconds = drain, seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and end with status 0 when that is done."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, then close."""
        self._drain()
        until = monotonic() + self._seconds
        while self.server_state.tasks and monotonic() < until and not self.force_exit:
            await asyncio.sleep(_LOOK_SECONDS)
        self.config.timeout_graceful_shutdown = _REST_SECONDS
        await super().shutdown(sockets)
