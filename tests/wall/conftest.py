"""What several tests of the wall share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from server.live import Live
from tests.wall.cast import Cast, new_cast


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """Everybody, and everything; no test leaves anything changed in it but what it was told."""

    async def once(*_: object) -> AsyncIterator[bytes]:
        yield b"event: hello\ndata: {}\n\n"  # a stream that ends: whether there is one is the question

    with new_cast(tmp_path_factory.mktemp("cast")) as cast:
        cast.run.patch(Live, "stream", once)
        yield cast
