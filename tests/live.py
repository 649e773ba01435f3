"""A real server process and real sockets, with device sessions in this process. Stores are real files; keys skip Argon2."""

import contextlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from server.engines import Place
from shared_schema import cbor, ids
from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from sync.device.entering import enrolment
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import files
from sync.device.session import Session
from sync.device.storage.store import Store
from tests import database

DAY_MS = 86_400_000


def now_ms() -> int:
    return int(time.time() * 1000)


class LiveServer:
    """`fieldkeep serve` in a process of its own; may be killed and started again on the same data and port."""

    def __init__(self, data: Path, *, env: dict[str, str] | None = None, metrics: bool = False) -> None:
        self.data, self.port, self.metrics = data, 0, metrics
        self._env = {
            **os.environ,
            **database.environment(data),
            "FIELDKEEP_REQUESTS_PER_MINUTE": "1000000",
            "FIELDKEEP_UNSIGNED_PER_MINUTE": "1000000",
            **(env or {}),
        }
        self.start()

    def start(self, *, ready: bool = True) -> None:
        """Without `ready` it listens when this returns: a side may have to be declared first."""
        words = [sys.executable, "-m", "fieldkeep", "serve", "--data", str(self.data), "--port", str(self.port), "--json"]
        if self.metrics:
            words += ["--metrics-port", str(free_port())]
        self.errors = (self.data.parent / f"{self.data.name}.errors").open("a")
        self.process = self.spawn(words)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError((self.data.parent / f"{self.data.name}.errors").read_text())
        self.found: dict[str, Any] = json.loads(line)
        self.address: str = self.found["address"]
        self.port = int(self.address.rpartition(":")[2])
        verify: Any = ssl.create_default_context(cafile=self.found["ca"]) if self.found["ca"] else True
        for _ in range(400 if ready else 0):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/readyz", trust_env=False, verify=verify).status_code == 200:
                    return
            time.sleep(0.02)
        if ready:
            self.stop()
            raise AssertionError("the server did not become ready")

    def spawn(self, words: list[str]) -> Any:
        """The process, with its standard output to read."""
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=self._env)

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self._gone()

    def _gone(self) -> None:
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.errors.close()


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class OnlySyncs:
    """The part of a transport that a test's own leaves out."""

    def deposit(self, _session: Session, _body: bytes) -> bytes:
        """Nothing is handed in."""
        raise Refused("offline")

    def unsigned(self, _method: str, _path: str, _body: bytes = b"") -> bytes:
        """Nor without a signature."""
        raise Refused("offline")

    def signed(self, _session: Session, _method: str, _path: str, _body: bytes = b"") -> bytes:
        """Nothing else is asked for."""
        raise Refused("offline")


class Live:
    """A service on a LiveServer: administrators per side, and whoever is enrolled."""

    def __init__(self, folder: Path, *, env: dict[str, str] | None = None, metrics: bool = False, server: LiveServer | None = None) -> None:
        self.folder = folder
        self.server = server or LiveServer(folder / "server", env=env, metrics=metrics)
        self.transport = HttpTransport(self.server.address)
        self.opened: list[Session] = []
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        keys = self.transport.service_keys()["sides"]
        people: dict[Side, Subject] = {
            side: Subject(secrets.token_bytes(16), "Office", "Pilot", ("administrator",), now_ms() + 900 * DAY_MS) for side in SIDES
        }
        made = enrolment.new_service("Pilot", self.server.address, "", self.server.found["setup_code"], keys, people, secrets.token_bytes)
        self.made = made
        self.transport.create_service(made.body)
        self.admins = {side: self._admin(made, side) for side in SIDES}

    def _admin(self, made: enrolment.NewService, side: Side) -> Session:
        store = self.store(f"admin-{side}")
        Session.establish(store, made.administrators[side])
        session = self.session(store)
        syncing.sync(session, self.transport)
        return session

    def store(self, name: str) -> Store:
        folder = self.folder / "devices" / name
        folder.mkdir(parents=True)
        key = secrets.token_bytes(32)
        (folder / "key").write_bytes(key)  # for reopening after a kill; a real profile never has this file
        return Store(folder / "store.db", key)

    def reopen(self, name: str) -> Session:
        folder = self.folder / "devices" / name
        return self.session(Store(folder / "store.db", (folder / "key").read_bytes()))

    def session(self, store: Store) -> Session:
        session = Session(store, now_ms, secrets.token_bytes)
        self.opened.append(session)
        return session

    def invite(self, person: str, roles: tuple[str, ...], side: Side = "perpetrator", user: bytes | None = None) -> enrolment.Code:
        subject = Subject(user or secrets.token_bytes(16), person, "Pilot", tuple(sorted(roles)), now_ms() + 300 * DAY_MS)
        return enrolment.invite(self.admins[side], subject, now_ms() + DAY_MS)

    def enrol(
        self, person: str, roles: tuple[str, ...], side: Side = "perpetrator", user: bytes | None = None, transport: Any = None, name: str = ""
    ) -> Session:
        code = self.invite(person, roles, side, user)
        store = self.store(name or f"{person}-{len(self.opened)}")
        session = enrolment.enrol(store, code, f"{person}'s phone", transport or self.transport, now_ms, secrets.token_bytes)
        self.opened.append(session)
        for one in (session, self.admins[side]):
            syncing.sync(one, self.transport)
        return session

    def case(self, author: Session, *others: tuple[Session, str]) -> bytes:
        """A case file with these members, on the server and on all their devices."""
        for session in (author, *(other for other, _ in others)):
            syncing.sync(session, self.transport)
        log = files.create_file(author, "case", {other.identity.user: role for other, role in others})
        for session in (author, *(other for other, _ in others)):
            syncing.sync(session, self.transport)
        return log

    def database(self, side: str) -> Place:
        """Where a side's tables are, to look into or to meddle with."""
        return database.place_of(self.server.data, side)

    def close(self) -> None:
        self.server.stop()
        self.transport.__exit__()
        for session in self.opened:
            session.store.close()


def raw_sync(live: Live, session: Session, push: list[Any]) -> Any:
    """One sync request with exactly these pairs, straight over HTTP; the decoded response."""
    from shared_schema.wire import SyncRequest, decode_response, encode_request

    return decode_response(live.transport.sync(session, encode_request(SyncRequest(push=tuple(push)))))


def pair(entry: Any) -> list[Any]:
    return [entry.cose, list(entry.parts)]


__all__ = ["Live", "LiveServer", "cbor", "ids", "pair", "raw_sync"]
