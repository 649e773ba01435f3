"""SIGTERM while people work: what is under way is finished, who comes next is told to come back, streams end, nothing is lost, and the exit status is 0."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from shared_schema import cbor
from shared_schema.errors import Refused
from shared_schema.wire import decode_response
from sync.change import Op
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import files
from sync.device.session import Session
from tests.live import Live
from tests.system.test_refused_requests import EMPTY, token

DRAIN_S = 6


class Worker(threading.Thread):
    """Writes a note and syncs, until the server is gone."""

    def __init__(self, live: Live, session: Session, log: bytes) -> None:
        super().__init__()
        self._address, self._session, self._log = live.server.address, session, log
        self.written, self.said = 0, ""

    def run(self) -> None:
        with HttpTransport(self._address) as transport:
            while not self.said:
                self._session.write(self._log, None, "case_note", [Op("body", "set", f"note {self.written}", ())])
                self.written += 1
                try:
                    syncing.sync(self._session, transport)
                except Refused as refused:
                    self.said = refused.code


@pytest.fixture
def busy_live(tmp_path: Path) -> Live:
    return Live(tmp_path, env={"FIELDKEEP_DRAIN_SECONDS": str(DRAIN_S)})


def test_sigterm_during_load(busy_live: Live) -> None:
    live = busy_live
    try:
        people = [live.enrol(name, ("coordinator",)) for name in ("Sam", "Ada", "Priya")]
        logs = [files.create_file(one, "case") for one in people]
        workers = [Worker(live, one, log) for one, log in zip(people, logs, strict=True)]
        late, early = token(live, people[0]), token(live, people[1])
        with HttpTransport(live.server.address) as transport, transport.events(people[2]) as names, _connect(live) as under_way:
            assert next(names) == "hello"
            under_way.sendall(_head(early) + EMPTY[:10])
            for worker in workers:
                worker.start()
            time.sleep(0.5)
            began = time.monotonic()
            live.server.process.terminate()
            assert _told_to_come_back(live, late) == "busy"
            assert httpx.get(f"{live.server.address}/readyz", trust_env=False).json() == {"status": "stopping"}
            assert set(names) <= {"pull"}, "the stream ends"
            under_way.sendall(EMPTY[10:])
            heard = under_way.makefile("rb").read()
            assert heard.startswith(b"HTTP/1.1 200"), heard[:100]
            decode_response(heard.partition(b"\r\n\r\n")[2])
            assert live.server.process.wait(DRAIN_S + 3) == 0
            live.server.stop()
            assert time.monotonic() - began < DRAIN_S, "nothing was left to wait for"
        for worker in workers:
            worker.join(30)
            assert worker.said in ("busy", "offline")
        live.server.start()
        for worker, person, log in zip(workers, people, logs, strict=True):
            syncing.sync(person, live.transport)
            assert not person.store.unsent()
            assert len(person.records(log)) == worker.written
    finally:
        live.close()


def test_a_request_that_does_not_end_is_not_waited_for_longer_than_stated(tmp_path: Path) -> None:
    live = Live(tmp_path, env={"FIELDKEEP_DRAIN_SECONDS": "1"})
    try:
        with _connect(live) as under_way:
            under_way.sendall(_head(token(live, live.admins["perpetrator"])) + EMPTY[:10])
            time.sleep(0.3)
            began = time.monotonic()
            live.server.process.terminate()
            assert live.server.process.wait(10) == 0
            assert 0.9 < time.monotonic() - began < 5
    finally:
        live.close()


def _connect(live: Live) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", live.server.port))
    opened.settimeout(10)
    return opened


def _head(authorization: str) -> bytes:
    return f"POST /v1/sync HTTP/1.1\r\nhost: a\r\ncontent-length: {len(EMPTY)}\r\nauthorization: {authorization}\r\n\r\n".encode()


def _told_to_come_back(live: Live, authorization: str) -> str:
    """The code of the first answer that is not 200."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.post(f"{live.server.address}/v1/sync", content=EMPTY, headers={"authorization": authorization}, trust_env=False)
            if answer.status_code == 503:
                assert (answer.headers["retry-after"], answer.headers["connection"]) == ("5", "close")
                assert cbor.decode(answer.content)["retry"] == "after-time"
                return str(cbor.decode(answer.content)["code"])
    return "nothing"
