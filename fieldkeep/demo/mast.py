"""A phone mast that can go down: one TCP relay per device. Down, it listens to nobody and drops what is open."""

import contextlib
import select
import socket
import threading


class Mast:
    """Relays 127.0.0.1:`port` to the server while `up`."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self.port = 0
        self.up()

    @property
    def address(self) -> str:
        """What the device behind this mast calls the server."""
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """There is a signal."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """No signal: connections are refused and open ones are cut."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._server)
            except OSError:
                return
            self._open += [near, far]
            threading.Thread(target=_relay, args=(near, far), daemon=True).start()


def _relay(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    try:
        while True:
            for ready in select.select([near, far], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)
    except (OSError, ValueError):
        return
    finally:
        near.close()
        far.close()
