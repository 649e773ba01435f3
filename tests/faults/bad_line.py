"""A line between devices and a server that misbehaves as mobile lines do. TCP in this process; what is wrong with it may be changed while it runs.

Late, slow, cut at any byte in either direction, one way only, or away for a while: whoever is at either end sees what a real network shows.
"""

import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Final

_AT_ONCE: Final = 16_384
_HARD: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Weather:
    """What is wrong. `cut` is the chance that a connection is reset after some bytes, up to `cut_within` of them; `deaf` lets requests through and no
    answers; `down` accepts nobody; `drip` is bytes at a time, with `late_s` before each.
    """

    late_s: float = 0.0
    drip: int = 0
    cut: float = 0.0
    cut_within: int = 20_000
    deaf: bool = False
    down: bool = False


FINE: Final = Weather()


class BadLine:
    """Listens on `port`, and carries to the server at `to`. Use as a context manager."""

    def __init__(self, to: int, seed: int) -> None:
        self._to, self._draw, self.weather = to, random.Random(seed), FINE
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self.connections = self.cuts = self.lost_answers = 0
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._one = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "BadLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.set(FINE)

    def set(self, weather: Weather) -> None:
        """From now on; a line that goes down, or comes back, takes its connections with it."""
        self.weather = weather
        with self._one:
            pairs = list(self._pairs)
        for near, far in pairs:
            _reset(near, far)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                if self.weather.down:
                    _reset(near)
                    near.close()
                    continue
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._to), timeout=10)
            far.settimeout(None)
        except OSError:
            _reset(near)
            near.close()
            return
        pair = (near, far)
        with self._one:
            self._pairs.add(pair)
            weather = self.weather
            left = [self._draw.randint(1, weather.cut_within) if self._draw.random() < weather.cut else -1]
        other = threading.Thread(target=self._carry, args=(far, near, left, False), daemon=True)
        other.start()
        self._carry(near, far, left, True)
        other.join()
        with self._one:
            self._pairs.discard(pair)
        near.close()
        far.close()

    def _carry(self, source: socket.socket, sink: socket.socket, left: list[int], up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(self.weather.drip or _AT_ONCE):
                if self.weather.late_s:
                    time.sleep(self.weather.late_s)
                if self.weather.deaf and not up:
                    self.lost_answers += 1
                    continue
                if left[0] >= 0:
                    left[0] -= len(data)
                    if left[0] < 0:
                        self.cuts += 1
                        sink.sendall(data[: max(0, len(data) + left[0])])
                        break
                sink.sendall(data)
        _reset(source, sink)


def _reset(*ends: socket.socket) -> None:
    for one in ends:
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD)
            one.shutdown(socket.SHUT_RDWR)
