"""Connections that ask for too much, too slowly, or not at all."""

import socket
import time
from collections.abc import Iterator

import pytest

from server.connection import HEAD_BYTES, HEAD_SECONDS
from tests.live import LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    running = LiveServer(tmp_path_factory.mktemp("server") / "server")
    yield running
    running.stop()


@pytest.fixture
def connection(server: LiveServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port)) as opened:
        opened.settimeout(HEAD_SECONDS + 10)
        yield opened


def answers(connection: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    heard = b""
    try:
        while more := connection.recv(65_536):
            heard += more
    except ConnectionResetError:
        pass
    return heard


def answer(connection: socket.socket) -> bytes:
    """One answer that ends with an object: its head and its body may come apart."""
    heard = b""
    while not heard.endswith(b"}"):
        heard += connection.recv(65_536) or b"}"
    return heard


def send(connection: socket.socket, piece: bytes, most: int) -> int:
    """Send `piece` again and again; how much was sent before the server hung up."""
    sent = 0
    try:
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


HELLO = b"GET /healthz HTTP/1.1\r\nhost: a\r\n"


@pytest.mark.parametrize("begun", [b"GET /", HELLO + b"x: ", b"\r\n"], ids=["address", "header", "nothing"])
def test_a_head_without_end(connection: socket.socket, begun: bytes) -> None:
    """Hundreds of MB of it were kept in memory."""
    connection.sendall(begun)
    assert send(connection, (b"\r\n" if begun == b"\r\n" else b"a") * 65_536, 64 << 20) < 64 << 20


def test_headers_without_end(connection: socket.socket) -> None:
    connection.sendall(HELLO)
    assert send(connection, b"x: " + b"a" * 1000 + b"\r\n", 64 << 20) < 64 << 20


def test_the_largest_head(connection: socket.socket) -> None:
    end = b"\r\n\r\n"
    room = HEAD_BYTES - len(HELLO) - len(b"x: ") - len(end)
    connection.sendall(HELLO + b"x: " + b"a" * room + end)
    assert answer(connection).startswith(b"HTTP/1.1 200")
    connection.sendall(HELLO + b"x: " + b"a" * (room + 1) + end)
    assert answers(connection).startswith(b"HTTP/1.1 431")


def test_heads_in_pieces_and_together(connection: socket.socket) -> None:
    """What counts is one head, not what came with it."""
    body = b"x" * 60_000
    post = b"POST /v1/service HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(body)
    for k in range(3):
        connection.sendall(post + body + (HELLO + b"x: " + b"a" * 9000 + b"\r\n"))
        time.sleep(0.1)
        connection.sendall(b"y: %d\r\n\r\n" % k)
        heard = b""
        while heard.count(b"HTTP/1.1 ") < 2 or not heard.endswith(b"}"):
            heard += connection.recv(65_536)
        assert heard.startswith(b"HTTP/1.1 400")
        assert b"HTTP/1.1 200" in heard


def test_thousands_of_requests_at_once(connection: socket.socket) -> None:
    """Each would wait with its own head in memory."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * 9000)
    assert answers(connection).count(b"HTTP/1.1 200") < 2000


def test_who_says_nothing_is_not_waited_for(server: LiveServer) -> None:
    """Two thousand such connections kept everybody else out, for ever."""
    begun = time.monotonic()
    silent = []
    for said in (b"", b"GET", HELLO, HELLO + b"\r\nGET", b"POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n"):
        opened = socket.create_connection(("127.0.0.1", server.port))
        opened.settimeout(HEAD_SECONDS + 10)
        opened.sendall(said)
        silent.append(opened)
    while time.monotonic() - begun < HEAD_SECONDS + 5 and send(silent[-1], b"x", 1):  # which goes on after its answer
        time.sleep(0.2)
    heard = []
    for opened in silent:
        heard.append(answers(opened)[9:12])
        opened.close()
    assert time.monotonic() - begun < HEAD_SECONDS + 5
    assert heard == [b"", b"", b"", b"200", b"404"]


def test_a_kept_connection_outlives_a_clients_patience(connection: socket.socket) -> None:
    """Both sides counted to five: who asked again after five seconds met a server that was just hanging up."""
    for pause in (0.0, 6.5):
        time.sleep(pause)
        connection.sendall(HELLO + b"\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 200")
