"""A service on a running server, its office, and devices that are really enrolled, each with an encrypted store on disk."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from bench.host import Process
from shared_schema import ids
from shared_schema.certificate import Subject
from shared_schema.ids import SIDES, Side
from sync.change import Op
from sync.device.entering import enrolment
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import files
from sync.device.session import Identity, Session
from sync.device.storage.store import Store

SIDE: Final[Side] = "perpetrator"
NOTE_BYTES: Final = 1024
_DAY_MS: Final = 86_400_000


def now_ms() -> int:
    """True time."""
    return int(time.time() * 1000)


class Link(HttpTransport):
    """A device's way to the server, as the product has it, that counts what passes."""

    def __init__(self, address: str) -> None:
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._asked], "response": [self._answered]}
        super().__init__(address, client=httpx.Client(base_url=address, timeout=120.0, trust_env=False, event_hooks=hooks))
        self.reset()

    def reset(self) -> None:
        """Count from nothing."""
        self.requests = self.sent = self.received = 0

    def _asked(self, request: httpx.Request) -> None:
        self.requests += 1
        self.sent += len(request.content)

    def _answered(self, response: httpx.Response) -> None:
        self.received += int(response.headers["content-length"])


class Team:
    """Workers of one side, on one server. `beside` are those of another side of the same service."""

    def __init__(self, server: Process, folder: Path, side: Side = SIDE, beside: "Team | None" = None) -> None:
        self.server, self._folder, self._side = server, folder, side
        self._sessions: list[Session] = []
        self._links: list[Link] = []
        self._way = self.link()
        self._administrators: dict[Side, Identity] = beside._administrators if beside else self._create(server)
        store = self._store()
        Session.establish(store, self._administrators[side])
        self.office = Session(store, now_ms, os.urandom)
        self._sessions.append(self.office)
        self.sync([self.office])

    def _create(self, server: Process) -> dict[Side, Identity]:
        people = {side: Subject(os.urandom(16), "Office", "Bench", ("administrator",), now_ms() + 365 * _DAY_MS) for side in SIDES}
        keys = self._way.service_keys()["sides"]
        made = enrolment.new_service("Bench", server.address, "", server.said["setup_code"], keys, people, os.urandom)
        self._way.create_service(made.body)
        return made.administrators

    def __enter__(self) -> "Team":
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions:
            session.store.close()
        for link in self._links:
            link.__exit__()

    def _store(self) -> Store:
        return Store(self._folder / f"{self._side}-{len(self._sessions)}.db", os.urandom(32))

    def link(self) -> Link:
        """A new way to the server."""
        self._links.append(Link(self.server.address))
        return self._links[-1]

    def enrol(self, name: str, user: bytes | None = None) -> Session:
        """A new device, of a new worker or of `user`."""
        subject = Subject(user or os.urandom(16), name, "Bench", ("coordinator",), now_ms() + 365 * _DAY_MS)
        code = enrolment.invite(self.office, subject, now_ms() + _DAY_MS)
        session = enrolment.enrol(self._store(), code, name, self._way, now_ms, os.urandom)
        self._sessions.append(session)
        return session

    def enrol_many(self, count: int) -> list[Session]:
        """That many workers with one device each, who all know each other."""
        sessions = [self.enrol(f"worker {n}") for n in range(count)]
        self.sync(sessions)
        return sessions

    def sync(self, sessions: list[Session]) -> None:
        """One sync each."""
        for session in sessions:
            sync(session, self._way)

    def bring(self, session: Session, log: bytes, data: bytes) -> None:
        """One chunk (docs/spec.md §18.4)."""
        self._way.signed(session, "PUT", f"/v1/chunk/{ids.show(log)}/{ids.sha256(data).hex()}", data)

    def begin_file(self, sessions: list[Session]) -> bytes:
        """A case file of these workers, begun by the first and not sent yet."""
        return files.create_file(sessions[0], "case", {session.identity.user: "coordinator" for session in sessions[1:]})

    def file(self, sessions: list[Session]) -> bytes:
        """A case file of these workers that all of them have."""
        log = self.begin_file(sessions)
        self.sync(sessions)
        return log


def note() -> list[Op]:
    """A case note of `NOTE_BYTES` characters."""
    return [Op("body", "set", os.urandom(NOTE_BYTES // 2).hex(), ())]


def write_notes(session: Session, log: bytes, count: int) -> None:
    """Keep that many notes on the device, a hundred a transaction."""
    for start in range(0, count, 100):
        session.write_many(log, [(None, "case_note", note()) for _ in range(min(100, count - start))])
