"""Answers on their way out: in pieces, each when the one before has mostly been taken, and only so many of each device's at once."""

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from shared_schema import limits

_PIECE: Final = 1 << 18  # bytes


class Outgoing:
    """The large answers of each device that it has not taken yet: the rest of each is in memory.

    A device that asks on has given up the oldest, as a phone does that lost its signal; that one ends, and its connection with it.
    """

    def __init__(self) -> None:
        self._held: dict[bytes, list[asyncio.Timeout]] = {}

    async def send(self, device: bytes, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; return when it is on its way as a whole, or has ended."""
        if len(getattr(response, "body", b"")) <= _PIECE:  # a stream has no body; what is small waits in the connection's own buffer
            await response(scope, receive, send)
            return

        async def in_pieces(message: Message) -> None:
            body = message.get("body", b"")
            for at in range(0, len(body), _PIECE):
                await send({**message, "body": body[at : at + _PIECE], "more_body": True})
            await send({**message, "body": b""} if body else message)

        held = self._held.setdefault(device, [])
        if len(held) >= limits.REQUESTS_PER_DEVICE:
            held.pop(0).reschedule(0)
        limit = asyncio.timeout(None)
        try:
            async with limit:
                held.append(limit)
                await response(scope, receive, in_pieces)
        except TimeoutError:
            pass  # what was sent is not the whole, so the connection closes
        finally:
            if limit in held:
                held.remove(limit)
            if not held and self._held.get(device) is held:
                del self._held[device]
