"""The service on one machine: three realms, their keys and folders, and the lock that keeps a second process off the data."""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import DatabaseError

from server import engines, sharding
from server.answering import Outgoing
from server.bodies import open_bodies
from server.crossing import Carrier, Crossing
from server.data_folder import Regressed, lock_data, read_keys, setup_code
from server.engines import Place, Postgres
from server.gone import Gone
from server.live import Live
from server.logs import Patient, open_log
from server.marks import Marks
from server.metrics import Metrics
from server.nonces import Nonces, OwnNonces, SharedNonces
from server.pace import Pace
from server.quotas import MINUTE_MS, Quotas, UnderWay, Window, make_quotas
from server.realm import Job, Realm
from server.settings import Settings
from server.sharding import Unsettled
from server.writer import Writer
from shared_schema.errors import Malformed
from shared_schema.ids import SIDES, Side
from sync.parcel import OTHER

if TYPE_CHECKING:
    from server.listening import Listener

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_READERS: Final = 2  # reading is mostly Python: more threads only wait for each other, and each holds a page cache
T = TypeVar("T")


@dataclass(slots=True)
class RunningSide:
    """One side, running."""

    realm: Realm
    writer: Writer
    nonces: Nonces
    quotas: Quotas
    live: Live
    metrics: Metrics
    log: structlog.BoundLogger
    pace: Pace
    under_way: UnderWay = field(default_factory=UnderWay)
    outgoing: Outgoing = field(default_factory=Outgoing)
    decoding: asyncio.Lock = field(default_factory=asyncio.Lock)  # of large bodies, one at a time
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_READERS))
    carrier: Carrier | None = None
    listener: "Listener | None" = None

    async def follow(self) -> None:
        """Know what other processes have written to this side's database."""
        if self.realm.shared:
            await self._ask(self.realm.follow)

    async def spend(self, nonce: str) -> None:
        """Use a nonce up. Raises Refused `nonce-spent`."""
        if self.realm.shared:
            await self._ask(self.nonces.spend, nonce)
        else:
            self.nonces.spend(nonce)

    async def _ask(self, work: Callable[..., None], *arguments: Any) -> None:
        try:
            await self.read(work, *arguments)
        except (DatabaseError, Unsettled) as error:
            self.writer.failing = type(error).__name__
            raise

    async def read_for(self, device: bytes, work: Callable[..., T], *arguments: Any) -> T:
        """As `read`; the device owes what it takes."""
        return await self.read(self._charged, device, work, *arguments)

    def _charged(self, device: bytes, work: Callable[..., T], *arguments: Any) -> T:
        with self.pace.charging(device):
            return work(*arguments)

    async def read(self, work: Callable[..., T], *arguments: Any) -> T:
        """What `work`, which reads the database, returns: in a thread of this side, so that nobody waits for another side's reading."""
        return await asyncio.get_running_loop().run_in_executor(self.readers, work, *arguments)


class Service:
    """Everything that `serve` holds open. `sides` maps each side to its running realm."""

    def __init__(self, settings: Settings, clock: Callable[[], int] | None = None) -> None:
        self.settings = settings
        self.clock = clock or (lambda: int(time.time() * 1000))
        data = settings.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = lock_data(data)
        self._log_files: list[Patient] = []
        self.setup_code = setup_code(data)
        self.sides: dict[Side, RunningSide] = {side: self._open(side, data) for side in SIDES}
        self.crossing = Crossing({side: running.realm for side, running in self.sides.items()})
        self._carrying: list[asyncio.Task[None]] = []
        for side in OTHER.values():
            self.sides[side].carrier = Carrier(self.crossing, side, self._do)
        self.closing = self.stopping = False
        self.unsigned = Window(MINUTE_MS, settings.unsigned_per_minute)  # of requests that concern no side yet
        self.process_log = self._open_log(data / "process.log")

    @property
    def created(self) -> bool:
        """True once a service exists on this data."""
        return any(running.realm.registry is not None and running.realm.registry.root is not None for running in self.sides.values())

    def attach(self) -> None:
        """Bind event streams to the running loop, and begin to carry parcels."""
        for running in self.sides.values():
            running.live.attach(asyncio.get_running_loop())
            running.listener = _listen(running.realm)
            if running.carrier is not None:
                self._carrying.append(asyncio.create_task(running.carrier.run()))

    async def _do(self, side: Side, job: Job) -> object:
        return await self.sides[side].writer.do(job)

    def _open(self, side: Side, data: Path) -> RunningSide:
        place = self.settings.place(side)
        keys = read_keys(data / f"{side}.keys.json", fresh=engines.is_empty(place))
        migrate(place)
        engine = engines.open_engine(place)
        bodies = open_bodies(self.settings.chunk_store, data / f"{side}.chunks.db", engine, side, secrets.token_bytes)
        marks = Marks(data / f"{side}.marks")
        realm = Realm(side, engine, keys, self.clock, Gone(data / f"{side}.gone.jsonl"), bodies, marks)
        log = self._open_log(data / f"{side}.log")

        def regressed() -> None:
            realm.draw_next(secrets.token_bytes(16))
            log.error("regressed")

        realm.on_regress = lambda: threading.Thread(target=regressed, daemon=True).start()  # it writes, and whoever finds this out holds the lock
        if realm.regressed:
            regressed()
        quotas = make_quotas(self.settings)
        realm.may_begin = lambda device: quotas.files.take(device, 1, self.clock())
        realm.may_state = lambda device: quotas.statements.take(device, 1, self.clock())
        nonces: Nonces = OwnNonces(side, secrets.token_bytes)
        if realm.shared:
            nonces = SharedNonces(side, realm.engine, keys.salt, secrets.token_bytes)
        pace = Pace(self.settings.work_burst_seconds, self.settings.work_share)
        return RunningSide(realm, Writer(realm), nonces, quotas, Live(realm), Metrics(), log, pace)

    def _open_log(self, path: Path) -> structlog.BoundLogger:
        log, stream = open_log(path)
        self._log_files += [stream] if stream else []
        return log

    def side(self, name: str) -> RunningSide:
        """A running side by name. Raises Malformed for any other name."""
        for side, running in self.sides.items():
            if side == name:
                return running
        raise Malformed(f"side is none of {', '.join(SIDES)}")

    @property
    def restoring(self) -> list[Side]:
        """The sides that are not served, for their databases are not all that they were."""
        return [side for side, running in self.sides.items() if running.realm.regressed]

    @property
    def failing(self) -> bool:
        """True when a side cannot write, or carry, what it has to."""
        return any(
            running.writer.failing or running.writer.ended or (running.carrier is not None and running.carrier.failing)
            for running in self.sides.values()
        )

    def drain(self) -> None:
        """Take no more requests; those under way go on."""
        self.stopping = True
        self.end_streams()

    def end_streams(self) -> None:
        """End all event streams, so that a stopping server need not wait for them, and the carrying of parcels."""
        for running in self.sides.values():
            running.live.close()
        for task in self._carrying:
            task.cancel()

    def close(self) -> None:
        """Finish all writing and let go of the data."""
        if not self.closing:
            self.closing = True
            for running in self.sides.values():
                if running.listener is not None:
                    running.listener.stop()
                running.writer.stop()
                running.readers.shutdown()
                running.realm.engine.dispose()
                running.realm.keeper.bodies.close()
            for stream in self._log_files:
                stream.close()
            os.close(self._lock)


def _listen(realm: Realm) -> "Listener | None":
    if not realm.shared:
        return None
    from server.listening import Listener  # psycopg with it: a server on SQLite need not have that in memory

    return Listener(realm)


def migrate(place: Place) -> None:
    """Bring one side's database to the newest schema. Raises Regressed for one that a newer release has written."""
    engines.prepare(place)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engines.open_engine(place, readers=0)
    try:
        command.upgrade(config, "head")
    except CommandError:
        name = place.name if isinstance(place, Path) else f"the schema {place.schema}"
        raise Regressed(f"{name} was written by a newer release: install that again, or put back the backup from before it") from None
    if isinstance(place, Postgres):
        sharding.share_out_again(place)
