"""Connections that ask for too much, too slowly, or not at all."""

import asyncio
import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from server import connection as connection_module
from server import serve
from server.answering import Outgoing
from server.connection import HEAD_BYTES, HEAD_SECONDS
from server.dev_tls import make_dev_tls
from server.settings import Settings
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


@pytest.mark.parametrize("line", [b"x: " + b"a" * 1000 + b"\r\n", b"a" * 65_536], ids=["lines", "line"])
def test_lines_after_the_last_chunk_without_end(connection: socket.socket, line: bytes) -> None:
    """They were gathered as headers are, gigabytes of them, or as one of quadratic cost."""
    connection.sendall(b"POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + line[:4])
    assert send(connection, line, 64 << 20) < 16 << 20


def test_words_beside_a_chunks_size_without_end(connection: socket.socket) -> None:
    connection.sendall(b"POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;a=")
    assert send(connection, b"a" * 65_536, 64 << 20) < 16 << 20


def test_a_body_in_chunks(connection: socket.socket) -> None:
    """Many more bytes than a head may have, in chunks of every size, and the next request behind it."""
    chunks = b"".join(b"%x\r\n" % size + b"x" * size + b"\r\n" for size in (1, 9000, 30_000))
    connection.sendall(b"POST /v1/service HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    heard = b""
    while b"never" not in heard:  # the last word of a refusal
        heard += connection.recv(65_536)
    assert b"malformed" in heard
    connection.sendall(HELLO + b"\r\n")
    assert answer(connection).startswith(b"HTTP/1.1 200")


@contextmanager
def in_this_process(monkeypatch: pytest.MonkeyPatch, most: int, answer: bytes, tls: dict[str, Any] | None = None) -> Iterator[int]:
    """A server of one answer, with little patience; its port."""
    monkeypatch.setattr(connection_module, "UNREAD_SECONDS", 0.3)
    monkeypatch.setattr(serve, "_LEAST_SHARE", most)

    outgoing = Outgoing()

    async def app(scope: Any, receive: Any, send_: Any) -> None:
        await outgoing.send(b"", Response(answer), scope, receive, send_)

    bound = serve.listen("127.0.0.1", 0)
    server = serve.make_server(app, Settings(most_connections=4 * most), tls or {})
    server.config.lifespan = "off"

    def run() -> None:
        with asyncio.Runner(loop_factory=serve._bounded(server.config.get_loop_factory() or asyncio.new_event_loop)) as runner:
            runner.run(server._serve(sockets=[bound]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield int(bound.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def reader(port: int, tls: ssl.SSLContext | None = None, headers: bytes = b"") -> socket.socket:
    """A connection that takes little at once."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    opened.connect(("127.0.0.1", port))
    opened.settimeout(10)
    if tls is not None:
        opened = tls.wrap_socket(opened, server_hostname="127.0.0.1")
    opened.sendall(HELLO + headers + b"\r\n")
    return opened


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("kept", [True, False])
def test_answers_that_are_read_slowly_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, secured: bool, kept: bool) -> None:
    """Those of nobody were held for ever, until there was no connection for anybody else; and a slow phone lost its connection before it had read."""
    whole, tls, trust = bytes(8 << 20), {}, None
    if secured:
        files = make_dev_tls(tmp_path, ["127.0.0.1"], dt.datetime.now(dt.UTC))
        tls = {"ssl_certfile": str(files.certificate), "ssl_keyfile": str(files.key)}
        trust = ssl.create_default_context(cafile=str(files.authority))
    with in_this_process(monkeypatch, 100, whole, tls) as port:
        headers = b"" if kept else b"connection: close\r\n"
        silent = [reader(port, trust, headers) for _ in range(3)]
        slow, heard = reader(port, trust, headers), 0
        while heard < len(whole) and (piece := slow.recv(16_384)):
            heard += len(piece)
            time.sleep(0.004)
        assert heard >= len(whole)
        for one in silent:
            assert len(answers(one)) < len(whole)
            one.close()
        slow.close()


def test_one_address_does_not_hold_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    with in_this_process(monkeypatch, 2, b"{}") as port:
        held = [reader(port) for _ in range(2)]
        assert all(answer(one).startswith(b"HTTP/1.1 200") for one in held)
        third = reader(port)
        assert answers(third) == b""
        third.close()
        held[0].close()
        time.sleep(0.2)
        with reader(port) as again:
            assert answer(again).startswith(b"HTTP/1.1 200")
        held[1].close()


def test_a_handshake_that_never_comes(tmp_path: Path) -> None:
    """Silent connections stayed a minute under TLS."""
    running = LiveServer(tmp_path / "server", env={"FIELDKEEP_DEV_TLS": "true"})
    try:
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", running.port)) as silent:
            silent.settimeout(HEAD_SECONDS + 10)
            assert answers(silent) == b""
        assert time.monotonic() - begun < HEAD_SECONDS + 5
    finally:
        running.stop()
