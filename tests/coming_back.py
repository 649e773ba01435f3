"""A service of one process whose databases can be copied, and put back: the server's own application, and devices that speak HTTP to it."""

import shutil
from pathlib import Path
from typing import Any

from server.service import Service
from server.settings import Settings
from shared_schema.ids import Side
from shared_schema.restoring import decode_offer
from sync.change import Op, decode_change
from sync.device.exchanging import restoring, syncing
from sync.device.exchanging.syncing import Report
from tests import database
from tests.wall.twins import InProcess, Phone, Run
from tests.world import DAY as DAY
from tests.world import HOUR


class Restorable(Run):
    """`copy` keeps a side's database as it is; `put_back` starts the server with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(folder)

    def copy(self, side: Side = "perpetrator") -> Path:
        """As a backup takes it, while the server runs."""
        path = self.folder / f"{side}.copy-{len(list(self.folder.glob('*.copy-*')))}"
        database.keep(database.place_of(self.folder, side), path)
        return path

    def stop(self) -> None:
        _inner(self).close()

    def start(self) -> None:
        """A new process on what is in the folder."""
        settings = Settings(data=self.folder, database=database.url_of(self.folder), unsigned_per_minute=1_000_000, requests_per_minute=1_000_000)
        self.service = Service(settings, self.clock)
        self.client._transport = InProcess(self.service)
        for phone in [*self.phones, *self.admins.values()]:
            phone.transport._nonces = []

    def put_back(self, copy: Path, side: Side = "perpetrator", *, marks: bool = True, gone: bool = True) -> None:
        """The copy in the place of the database; with `marks` or `gone` False without what was kept beside it."""
        self.stop()
        database.put_back(copy, database.place_of(self.folder, side))
        if not marks:
            (self.folder / f"{side}.marks").unlink()
        if not gone:
            (self.folder / f"{side}.gone.jsonl").unlink()
        self.start()

    def lose_chunks(self, copy: Path | None = None, side: Side = "perpetrator") -> None:
        """What `copy` has of the bytes of attachments in the place of all there are; without one, none."""
        self.stop()
        for left in self.folder.glob(f"{side}.chunks.db*"):
            left.unlink()
        if copy is not None:
            shutil.copy(copy, self.folder / f"{side}.chunks.db")
        self.start()

    def restart(self) -> None:
        self.stop()
        self.start()

    def offer(self, side: Side = "perpetrator") -> Any:
        return decode_offer(self.admins[side].transport.unsigned("GET", f"/v1/restored?side={side}"))

    def declare(self, side: Side = "perpetrator", by: Phone | None = None) -> None:
        admin = by or self.admins[side]
        restoring.declare(admin.session, admin.transport)
        admin.sync()

    def heads(self, side: Side = "perpetrator") -> dict[bytes, tuple[int, bytes]]:
        return {log: (head.seq, head.chain) for log, head in self.service.sides[side].realm.readers.heads.items()}

    def pass_time(self, ms: int = HOUR) -> None:
        self.now_ms += ms


def _inner(run: Run) -> Any:
    return run.client._transport


def note(phone: Phone, log: bytes, text: str) -> bytes:
    return phone.session.write(log, None, "case_note", [Op("body", "set", text, ())])


def texts(phone: Phone, log: bytes) -> list[str]:
    """What a device has of a file's notes, sent or not."""
    changes = [decode_change(row.body) for row in phone.store.all_changes(log)]
    return sorted(str(op.value) for change in changes for op in change.ops if op.field == "body")


def twice(phones: list[Phone]) -> list[Report]:
    """Each syncs twice, in order."""
    return [syncing.sync(phone.session, phone.transport) for _ in range(2) for phone in phones]
