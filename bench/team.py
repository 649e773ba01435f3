"""A service on a running server, its office, and devices that are really enrolled, each with an encrypted store on disk."""

import os
import time
from pathlib import Path
from typing import Final

from bench.host import Process
from shared_schema.certificate import Subject
from shared_schema.ids import SIDES
from sync.change import Op
from sync.device import enrolment, files
from sync.device.session import Session
from sync.device.store import Store
from sync.device.syncing import sync
from sync.device.transport import HttpTransport

SIDE: Final = "perpetrator"
NOTE_BYTES: Final = 1024
_DAY_MS: Final = 86_400_000


def now_ms() -> int:
    """True time."""
    return int(time.time() * 1000)


class Team:
    """Workers of one side. `transport` is the office's way to the server, and good for any device."""

    def __init__(self, server: Process, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.transport = HttpTransport(server.address)
        self._sessions: list[Session] = []
        people = {side: Subject(os.urandom(16), "Office", "Bench", ("administrator",), now_ms() + 365 * _DAY_MS) for side in SIDES}
        keys = self.transport.service_keys()["sides"]
        made = enrolment.new_service("Bench", server.address, "", server.said["setup_code"], keys, people, os.urandom)
        self.transport.create_service(made.body)
        store = self._store("office")
        Session.establish(store, made.administrators[SIDE])
        self.office = Session(store, now_ms, os.urandom)
        sync(self.office, self.transport)

    def __enter__(self) -> "Team":
        return self

    def __exit__(self, *_: object) -> None:
        self.office.store.close()
        for session in self._sessions:
            session.store.close()
        self.transport.__exit__()

    def _store(self, name: str) -> Store:
        return Store(self.folder / f"{name}.db", os.urandom(32))

    def enrol(self, name: str, user: bytes | None = None, role: str = "coordinator") -> Session:
        """A new device, of a new worker or of `user`."""
        subject = Subject(user or os.urandom(16), name, "Bench", (role,), now_ms() + 365 * _DAY_MS)
        code = enrolment.invite(self.office, subject, now_ms() + _DAY_MS)
        session = enrolment.enrol(self._store(f"{len(self._sessions)}"), code, name, self.transport, now_ms, os.urandom)
        self._sessions.append(session)
        return session

    def enrol_many(self, count: int) -> list[Session]:
        """That many workers with one device each, who all know each other."""
        sessions = [self.enrol(f"worker {n}") for n in range(count)]
        for session in sessions:
            sync(session, self.transport)
        return sessions

    def file(self, sessions: list[Session]) -> bytes:
        """A case file of these workers, begun by the first, and synced by all."""
        log = files.create_file(sessions[0], "case", {session.identity.user: "coordinator" for session in sessions[1:]})
        for session in sessions:
            sync(session, self.transport)
        return log


def note(size: int = NOTE_BYTES) -> list[Op]:
    """A case note with `size` characters of text."""
    return [Op("body", "set", os.urandom(size // 2).hex(), ())]


def write_notes(session: Session, log: bytes, count: int) -> None:
    """Keep that many notes on the device, a hundred a transaction."""
    for start in range(0, count, 100):
        session.write_many(log, [(None, "case_note", note()) for _ in range(min(100, count - start))])
