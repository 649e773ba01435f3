"""What was said to the outside, step by step of a trace: a server's receipts and checkpoints by its sockets, a device's words by its standard output.

Said is what a process has begun to send as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cbor2

from tests.faults.trace import Step

_END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Answers:
    """The bodies of HTTP answers, as they go out on each connection."""

    _streams: dict[int, bytearray] = field(default_factory=dict)

    def take(self, step: Step) -> Iterator[Any]:
        """The answers that are whole with this step: CBOR maps; others are passed over."""
        if step.kind != "write" or not step.begins or not step.socket:
            return
        stream = self._streams.setdefault(step.fd, bytearray())
        if step.data.startswith(b"HTTP/1.1 "):
            stream.clear()
        stream += step.data
        head, found, body = bytes(stream).partition(_END_OF_HEAD)
        if not found or not head.startswith(b"HTTP/1.1 200"):
            return
        sizes = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if not sizes or len(body) < sizes[0]:
            return
        stream.clear()
        if b"cbor" in head:
            said = cbor2.loads(body[: sizes[0]])
            if isinstance(said, dict):
                yield said


@dataclass
class Lines:
    """The lines that go out on standard output."""

    _rest: bytes = b""

    def take(self, step: Step) -> Iterator[str]:
        """The lines that are whole with this step."""
        if step.kind == "write" and step.begins and step.fd == 1:
            *lines, self._rest = (self._rest + step.data).split(b"\n")
            yield from (line.decode() for line in lines)
