"""A restore, rehearsed: a made-up service is lost and comes back, and a copy of a true one is opened (docs/operations/restore.md)."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from fieldkeep.demo.stage import Server
from server.backup import back_up, in_files, put_back
from server.sealed_file import read_key
from shared_schema import ids
from shared_schema.certificate import Subject
from shared_schema.ids import SIDES, Side
from shared_schema.restoring import decode_healed_to
from sync.change import Op
from sync.device.entering import enrolment
from sync.device.exchanging import restoring, syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import files
from sync.device.session import Session
from sync.device.storage.store import Store

_SIDE: Final[Side] = "perpetrator"
_NOTES: Final = 20
_DAY_MS: Final = 86_400_000
T = TypeVar("T")


def drill(data: Path | None) -> tuple[dict[str, Any], list[str]]:
    """What came back, and how long each step took, as figures and as lines. Changes nothing in `data`."""
    found: dict[str, Any] = {}
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="fieldkeep-drill-") as folder:
        if data is not None:
            found["own"] = _own(data, Path(folder))
            told = ", ".join(f"{one['side']} {one['entries']} entries" for one in found["own"]["sides"])
            lines.append(f"A copy of your data was made, opened and put back elsewhere in {found['own']['seconds']:.1f} s: {told}.")
        play = found["play"] = _play(Path(folder))
    found["good"] = play["back"] == play["lost"] and play["parked"] == 0
    lines.append(
        f"A made-up service lost {play['lost']} entries; {play['back']} came back, each to its place. Putting back {play['put_back_s']:.1f} s, "
        f"declaring {play['declare_s']:.1f} s, healing {play['heal_s']:.1f} s."
    )
    lines.append("All is well." if found["good"] else "NOT all came back: do not rely on your backups before you know why.")
    return found, lines


def _own(data: Path, folder: Path) -> dict[str, Any]:
    began = time.monotonic()
    back_up(data, folder / "own.fk", folder / "own.key")
    found = put_back(folder / "own.fk", folder / "own", read_key(folder / "own.key"), in_files(folder / "own"))
    return {"sides": [one._asdict() for one in found], "seconds": round(time.monotonic() - began, 3)}


class _Made:
    """A made-up service: an administrator, and two people with a case."""

    def __init__(self, folder: Path, server: Server, transport: HttpTransport) -> None:
        self.folder = folder
        until = _now_ms() + 30 * _DAY_MS
        people = {side: Subject(secrets.token_bytes(16), "Office", "Drill", ("administrator",), until) for side in SIDES}
        keys = transport.service_keys()["sides"]
        made = enrolment.new_service("Drill", server.address, "", server.found["setup_code"], keys, people, secrets.token_bytes)
        transport.create_service(made.body)
        store = self._store("office")
        Session.establish(store, made.administrators[_SIDE])
        self.office = Session(store, _now_ms, secrets.token_bytes)
        syncing.sync(self.office, transport)
        self.phones = [self._enrol(transport, "Sam", "navigator"), self._enrol(transport, "Ruth", "coordinator")]
        self.sync(transport)
        self.case = files.create_file(self.phones[0], "case", {self.phones[1].identity.user: "coordinator"})

    def _store(self, name: str) -> Store:
        return Store(self.folder / f"{name}.db", secrets.token_bytes(32))

    def _enrol(self, transport: HttpTransport, name: str, role: str) -> Session:
        subject = Subject(secrets.token_bytes(16), name, "Drill", (role,), _now_ms() + 30 * _DAY_MS)
        code = enrolment.invite(self.office, subject, _now_ms() + _DAY_MS)
        return enrolment.enrol(self._store(name), code, f"{name}'s phone", transport, _now_ms, secrets.token_bytes)

    def work(self, transport: HttpTransport) -> None:
        """Everybody writes, and everybody hears of it."""
        for n in range(_NOTES):
            for phone in self.phones:
                phone.write(self.case, None, "case_note", [Op("body", "set", f"drill {n}", ())])
                syncing.sync(phone, transport)
        self.sync(transport)

    def sync(self, transport: HttpTransport, *, times: int = 1) -> None:
        """Each hears what the others sent."""
        for phone in (self.office, *self.phones) * times:
            syncing.sync(phone, transport)

    def entries(self) -> int:
        """How many entries of the case the first phone has."""
        row = self.phones[0].store.log(self.case)
        return row[0] if row else 0


def _play(folder: Path) -> dict[str, Any]:
    data = folder / "server"
    with _serving(data) as (server, transport):
        made = _Made(folder, server, transport)
        made.sync(transport)
        made.work(transport)
        back_up(data, folder / "play.fk", folder / "play.key", in_files(data))
        before = made.entries()
        made.work(transport)
        lost = made.entries() - before
    for path in data.glob("*.db*"):
        shutil.move(path, folder / f"lost-{path.name}")
    put_back_s, _ = _timed(lambda: put_back(folder / "play.fk", data, read_key(folder / "play.key"), in_files(data)))
    with _serving(data, made.office.identity.server) as (_, transport):
        declare_s, _ = _timed(lambda: restoring.declare(made.office, transport))
        heal_s, _ = _timed(lambda: made.sync(transport, times=2))
        asked = transport.signed(made.phones[1], "GET", f"/v1/heal/{ids.show(made.case)}?below={before + lost}")
        back = decode_healed_to(asked).seq - before
        parked = sum(len(phone.store.parked()) for phone in made.phones)
        for phone in (made.office, *made.phones):
            phone.store.close()
    return {"lost": lost, "back": back, "parked": parked, "put_back_s": put_back_s, "declare_s": declare_s, "heal_s": heal_s}


@contextmanager
def _serving(data: Path, address: str = "") -> Iterator[tuple[Server, HttpTransport]]:
    """A server process on this data; a side of it may have to be declared before it is ready."""
    server = Server(data, int(address.rpartition(":")[2] or 0), wait=not address)
    try:
        with HttpTransport(server.address) as transport:
            yield server, transport
    finally:
        server.stop()


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    done = work()
    return round(time.monotonic() - began, 3), done


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
