"""Answers that a device does not take are in memory: only so many of each device's."""

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from server.answering import Outgoing
from shared_schema import limits

WHOLE = bytes(range(256)) * 4096
MOST = limits.REQUESTS_PER_DEVICE


class Connection:
    """Takes the answer's first piece at once and the others when it is told to."""

    def __init__(self) -> None:
        self.taken, self.ended, self.taking = b"", False, asyncio.Event()

    async def send(self, message: Any) -> None:
        if self.taken:
            await self.taking.wait()
        if message["type"] == "http.response.body":
            self.taken += message["body"]
            self.ended = not message.get("more_body")


async def ask(outgoing: Outgoing, device: bytes, connection: Connection, body: bytes = WHOLE) -> "asyncio.Task[None]":
    task = asyncio.create_task(outgoing.send(device, Response(body), {"type": "http"}, None, connection.send))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    return task


@pytest.mark.asyncio
async def test_a_device_that_asks_on_has_given_up_its_oldest_answer() -> None:
    """An enrolled device could leave unread as many answers of 4 MiB as it had connections."""
    outgoing = Outgoing()
    other = Connection()
    of_another = await ask(outgoing, b"b", other)
    connections = [Connection() for _ in range(MOST + 3)]
    asked = [await ask(outgoing, b"a", connection) for connection in connections]
    await asyncio.wait(asked[:3], timeout=5)
    assert [task.done() for task in (*asked, of_another)] == [True] * 3 + [False] * (MOST + 1)
    assert not any(connection.ended for connection in connections)
    for connection in (*connections, other):
        connection.taking.set()
    await asyncio.gather(*asked, of_another)
    assert [connection.taken == WHOLE and connection.ended for connection in connections] == [False] * 3 + [True] * MOST
    assert other.taken == WHOLE
    assert not outgoing._held


@pytest.mark.asyncio
async def test_small_answers_and_those_who_hang_up() -> None:
    outgoing, connection = Outgoing(), Connection()
    await (await ask(outgoing, b"a", connection, b"{}"))
    assert (connection.taken, connection.ended) == (b"{}", True)
    gone = await ask(outgoing, b"a", Connection())
    gone.cancel()
    await asyncio.wait([gone], timeout=5)
    assert gone.cancelled()
    assert not outgoing._held
