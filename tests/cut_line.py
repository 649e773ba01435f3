"""A line that breaks: TCP to a server, cut hard when so many bytes have gone up it, and dead for as long as it takes to ask once more."""

import contextlib
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Final

_AT_ONCE: Final = 16_384
_HARD: Final = struct.pack("ii", 1, 0)


class CutLine:
    """Listens on `port`, and carries to the server at `to`. `cuts` are counts of bytes, of all connections together, after which it is reset, and so
    is the next one: whoever asks again at once is not heard either.
    """

    def __init__(self, to: int, cuts: Sequence[int]) -> None:
        self._to, self._left = to, sorted(cuts)
        self.cut, self.carried, self._dead = 0, 0, 0
        self._one = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "CutLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with self._one:
                    dead, self._dead = self._dead > 0, max(0, self._dead - 1)
                if dead:
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD)
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_AT_ONCE):
                if up and self._is_cut(len(data)):
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD)
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _is_cut(self, more: int) -> bool:
        with self._one:
            self.carried += more
            if not self._left or self.carried < self._left[0]:
                return False
            del self._left[0]
            self.cut, self._dead = self.cut + 1, 1
            return True
