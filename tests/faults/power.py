"""Power cuts, as a model: a real server's, or a real device's, file system calls are recorded, and what a cut at any point may leave is opened again.

The product's own code opens each state. What was acknowledged before the cut is there, databases are sound, and no side takes itself for an older copy.
"""

import base64
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import cbor2
from sqlalchemy import Engine

from server import engines
from server.data_folder import read_keys
from server.gone import Gone
from server.marks import Marks
from server.realm import Realm
from server.service import Service
from server.settings import Settings
from shared_schema import ids
from sync.device.session import Session
from sync.device.storage.database import SqlError
from sync.device.storage.store import Store
from tests.faults import trace
from tests.faults.disk import Disk
from tests.faults.ledger import consistent
from tests.faults.promises import Answers, Lines
from tests.faults.typist import TYPED
from tests.independent_verifier import take_apart

SIDE: Final = "perpetrator"
_EARLY: Final = 10  # one cut in so many comes before there is a service
_WHOLE: Final = 40  # one cut in so many is opened as a whole service; the others as the side that did the work


@dataclass
class Cuts:
    """What a run saw."""

    cuts: int = 0
    whole: int = 0
    steps: int = 0
    promises: int = 0
    checks: int = 0
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Promised:
    """What a server has said so far of the side on which people work. `gone` are the parts that an acknowledged statement has removed: (log, envelope id, part)."""

    items: dict[bytes, dict[int, tuple[bytes, int]]] = field(default_factory=dict)
    tree: tuple[int, bytes] = (0, b"")
    service: bool = False
    gone: set[tuple[bytes, bytes, int]] = field(default_factory=set)
    count: int = 0

    def take(self, said: dict[str, Any], statements: dict[bytes, set[tuple[bytes, bytes, int]]]) -> None:
        """One answer."""
        receipts = said.get("receipts", [])
        self.service = self.service or isinstance(receipts, dict)
        for cose in receipts[SIDE] if isinstance(receipts, dict) else receipts:
            receipt = cbor2.loads(take_apart(cose)[1])
            for entry, seq, received_ms in receipt["items"]:
                self.items.setdefault(receipt["log"], {})[seq] = (entry, received_ms)
                self.gone |= statements.get(entry, set())
                self.count += 1
        if (note := said.get("checkpoint", "")).partition("\n")[0].split("/")[3:4] == [SIDE]:
            _, size, root, *_ = note.split("\n")
            self.tree = max(self.tree, (int(size), base64.b64decode(root)))


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder in memory where there is one: ten thousand states are written there."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


def cut_server(recorded: Path, data: Path, cuts: int, seed: int, statements: dict[bytes, set[tuple[bytes, bytes, int]]]) -> Cuts:
    """Cut the power of the server whose calls were recorded. `statements` says which parts an entry removes."""
    found, promised, answers, began = Cuts(), Promised(), Answers(), time.monotonic()
    draw, disk, steps = random.Random(seed), Disk(data), list(trace.read(recorded))
    found.steps = len(steps)
    with _scratch() as scratch:
        _engine.cache_clear()
        for n, at in _points(steps, cuts, draw, _first_answer(steps)):
            for step in steps[n:at]:
                for said in answers.take(step):
                    promised.take(said, statements)
                disk.take(step)
            whole = found.cuts % _WHOLE == 0 or not promised.service
            files = disk.draw(draw)
            where = scratch / "data"
            _put(where, files, lambda name: whole or name.startswith(SIDE))  # noqa: B023
            found.cuts += 1
            found.whole += whole
            found.broken += [f"cut {found.cuts} at step {at}: {one}" for one in (_judge_whole if whole else _judge_side)(where, promised)]
    found.promises, found.seconds = promised.count, time.monotonic() - began
    return found


def _points(steps: list[trace.Step], cuts: int, draw: random.Random, begun: int = 0) -> Iterator[tuple[int, int]]:
    """(before, at) of each cut, in order: where a file was touched, for between other calls nothing changes. One in ten is before step `begun`."""
    touched = [n for n, step in enumerate(steps, 1) if (not step.socket and step.kind not in ("seek", "open")) or "O_CREAT" in step.flags]
    early = cuts // _EARLY if begun else 0
    chosen = draw.choices([n for n in touched if n < begun] or touched, k=early) + draw.choices([n for n in touched if n >= begun], k=cuts - early)
    before = 0
    for at in sorted(chosen):
        yield before, at
        before = at


def _first_answer(steps: list[trace.Step]) -> int:
    """The step at which the server first answered anything of weight: before it there was no service."""
    answers = Answers()
    return next(n for n, step in enumerate(steps) for said in answers.take(step) if isinstance(said.get("receipts"), dict))


def _put(where: Path, files: dict[str, bytes], wanted: Callable[[str], bool]) -> None:
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(mode=0o700)
    for name, content in files.items():
        if wanted(name):
            (where / name).write_bytes(content)


def _judge_whole(where: Path, promised: Promised) -> list[str]:
    """As `fieldkeep serve` opens it."""
    try:
        service = Service(Settings(data=where))
    except Exception as error:
        return [f"the service does not open: {type(error).__name__}: {error}"]
    try:
        restoring = [f"the side {side} takes itself for an older copy" for side in service.restoring]
        return restoring + _judge(service.sides["perpetrator"].realm, promised, where)
    finally:
        service.close()


def _judge_side(where: Path, promised: Promised) -> list[str]:
    """The side alone, by the same code, without the threads of a service."""
    path = where / f"{SIDE}.db"
    engine = _engine(path)
    try:
        keys = read_keys(where / f"{SIDE}.keys.json", fresh=not path.exists())
        realm = Realm(
            "perpetrator", engine, keys, lambda: int(time.time() * 1000), Gone(where / f"{SIDE}.gone.jsonl"), None, Marks(where / f"{SIDE}.marks")
        )
    except Exception as error:
        engine.dispose()
        return [f"the side does not open: {type(error).__name__}: {error}"]
    try:
        return ([f"{SIDE} takes itself for an older copy"] if realm.regressed else []) + _judge(realm, promised, where)
    finally:
        engine.dispose()


@cache
def _engine(path: Path) -> Engine:
    """One for all states, for it compiles each statement once; between two of them it has no connection."""
    return engines.open_engine(path, readers=1)


def _judge(realm: Realm, promised: Promised, where: Path) -> list[str]:
    database = sqlite3.connect(f"file:{where / f'{SIDE}.db'}?mode=ro", uri=True)
    try:
        found = [f"integrity_check: {row[0]}" for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
        if realm.registry is None:
            return found + ["the service is gone"] * promised.service
        found += _judge_logs(database, promised)
    except sqlite3.DatabaseError as error:
        return [f"the database cannot be read: {error}"]
    finally:
        database.close()
    found += [f"a part that was removed is not listed: {part[1].hex()[:8]}" for part in promised.gone if not realm.gone.names_part(*part)]
    return found + _judge_tree(realm, promised)


def _judge_logs(database: sqlite3.Connection, promised: Promised) -> list[str]:
    found = []
    logs: dict[bytes, dict[int, tuple[bytes, int]]] = {}
    for log, seq, entry, received_ms in database.execute("SELECT log_id, seq, entry_id, received_ms FROM entry ORDER BY log_id, seq"):
        logs.setdefault(bytes(log), {})[seq] = (bytes(entry), received_ms)
    heads = {bytes(log): (seq, bytes(chain)) for log, seq, chain in database.execute("SELECT log_id, seq, chain FROM log_head")}
    for log, items in promised.items.items():
        missing = [seq for seq, item in items.items() if logs.get(log, {}).get(seq) != item]
        found += [f"log {log.hex()[:8]}: what was acknowledged at {missing[:3]} is not there"] if missing else []
    for log, places in logs.items():
        chain = ids.chain_start(log)
        for seq in range(1, len(places) + 1):
            entry, received_ms = places.get(seq, (b"", 0))
            chain = ids.chain_next(chain, seq, received_ms, entry)
        found += [] if heads.get(log) == (len(places), chain) else [f"log {log.hex()[:8]}: its head is not the end of its chain"]
    return found


def _judge_tree(realm: Realm, promised: Promised) -> list[str]:
    (had, was), now = promised.tree, realm.audit.published
    if now.size < had:
        return [f"the audit tree has {now.size} leaves, and {had} were shown"]
    with realm.engine.connect() as tx, tx.begin():
        path = realm.audit.consistency(tx, had, now) if had else []
    return [] if not had or consistent(had, now.size, was, now.root, path) else [f"the audit tree does not go on from {had}"]


# --- a device ----------------------------------------------------------------------------------------------------------------


def cut_device(recorded: Path, folder: Path, start: dict[str, bytes], key: bytes, log: bytes, cuts: int, seed: int) -> Cuts:
    """Cut the power of the device whose calls were recorded, and which began with the files of `start`."""
    found, lines, began, saved = Cuts(), Lines(), time.monotonic(), dict[str, str]()
    draw, disk, steps = random.Random(seed), Disk(folder), list(trace.read(recorded))
    disk.begin_with(start)
    found.steps = len(steps)
    with _scratch() as scratch:
        for n, at in _points(steps, cuts, draw):
            for step in steps[n:at]:
                for line in lines.take(step):
                    what, *rest = line.split(" ")
                    if what == TYPED:
                        saved[rest[0]] = rest[1]
                disk.take(step)
            where = scratch / "device"
            _put(where, disk.draw(draw), lambda name: name.startswith("store.db"))
            found.cuts += 1
            found.broken += [f"cut {found.cuts} at step {at}: {one}" for one in _judge_device(where, key, log, saved)]
    found.promises, found.seconds = len(saved), time.monotonic() - began
    return found


def _judge_device(where: Path, key: bytes, log: bytes, saved: dict[str, str]) -> list[str]:
    try:
        store = Store(where / "store.db", key, create=False)
    except Exception as error:
        return [f"the store does not open: {type(error).__name__}: {error}"]
    try:
        return _look(store, log, saved)
    except SqlError as error:
        return [f"the store cannot be read: {error}"]
    finally:
        store.close()


def _look(store: Store, log: bytes, saved: dict[str, str]) -> list[str]:
    store._rows("PRAGMA wal_checkpoint(TRUNCATE)")  # the check of each page's MAC reads the file alone
    found = [str(row[0]) for row in store._rows("PRAGMA integrity_check") + store._rows("PRAGMA cipher_integrity_check") if row[0] != "ok"]
    session = Session(store, lambda: int(time.time() * 1000), bytes)
    shown = {record.hex(): [op.value for op in one.registers["body"].live.values()] for record, one in session.records(log).items()}
    found += [f"{words[:12]!r} was saved and is not shown" for record, words in saved.items() if shown.get(record) != [words]]
    sealed = store._rows("SELECT count(*) FROM change WHERE sealed IS NOT NULL AND seq IS NULL AND sealed NOT IN (SELECT n FROM outbox)")
    return found + ([f"{sealed[0][0]} changes are sealed and in no outbox"] if sealed[0][0] else [])
