"""One service, played twice with equal seeds and clocks: the perpetrator side does the same both times, the victim side nothing or much.

Everything is the product's own but what two runs could not share: randomness is drawn by side and purpose, HPKE ciphertexts of equal input
are equal, each job is committed at once, and clocks stand still between steps. `Run.seen` is all that the perpetrator side has in the end.
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import httpx

import server.data_folder
import server.service
from server.app import make_app
from server.nonces import OwnNonces, SharedNonces
from server.realm import Job, Realm
from server.service import Service
from server.settings import Settings
from shared_schema import ids
from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from shared_schema.parcel import week_of
from sync import keys, letters
from sync.device.across import board
from sync.device.entering import enrolment
from sync.device.exchanging import syncing
from sync.device.exchanging.transport import HttpTransport
from sync.device.exports import audit_files
from sync.device.session import Session
from sync.device.storage.store import Store
from sync.letters import sign_gate
from sync.parcel import OTHER
from sync.signing import SigningKey
from tests import database
from tests.world import DAY, START_MS, YEAR, Entropy

T = TypeVar("T")
_TIMES = re.compile(r'"(timestamp|ms)": ("[^"]*"|[0-9.]+)(, )?')


class AtOnce:
    """A writer that commits each job alone, and sequences at once: what is in one commit does not depend on timing."""

    def __init__(self, realm: Realm) -> None:
        self.failing, self.ended = "", False
        self._realm = realm

    async def do(self, job: Job, then: Callable[[], Any] | None = None) -> Any:
        result = self._realm.transact([job])[0]
        self._realm.sequence()
        if isinstance(result, Exception):
            raise result
        return then() if then else result

    def stop(self) -> None:
        """Nothing waits."""


class InProcess(httpx.BaseTransport):
    """HTTP to an application in this process, on an event loop of its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._inner = httpx.ASGITransport(make_app(service))
        self._do(self._attach())

    async def _attach(self) -> None:
        self.service.attach()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._inner.handle_async_request(sent)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._do(self._answer(request))

    def close(self) -> None:
        async def end() -> None:
            self.service.end_streams()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait([task], timeout=10)

        self._do(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.service.close()


class Listening(HttpTransport):
    """A line on which everything is written down: what was asked, what was answered, in which order."""

    heard: list[Any]

    def _send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        said: Any
        try:
            answer = super()._send(method, path, body, headers)
        except Refused as error:
            said = [error.code, str(error)]
            raise
        else:
            said = answer
            return answer
        finally:
            self.heard.append([method, path, body, (headers or {}).get("authorization", ""), said, list(self._nonces)])


class Phone:
    """A device, and its line."""

    def __init__(self, run: "Run", side: Side, name: str) -> None:
        self.run, self.side, self.name = run, side, name
        self.entropy = Entropy(0, side, name)
        self.store = Store(":memory:", self.entropy(32))
        self.transport = Listening("http://127.0.0.1", client=run.client)
        self.transport.heard = []
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = Session(self.store, self.run.clock, self.entropy)
        return self._session

    def sync(self) -> None:
        syncing.sync(self.session, self.transport)


class Run:
    """A service in which one story is played."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = START_MS
        self.service = Service(
            Settings(data=folder, database=database.url_of(folder), unsigned_per_minute=1_000_000, requests_per_minute=1_000_000), self.clock
        )
        self.client = httpx.Client(base_url="http://127.0.0.1", transport=InProcess(self.service))
        self._patches = ExitStack()
        self.phones: list[Phone] = []
        self.admins: dict[Side, Phone] = {}
        people = {side: Subject(Entropy(0, side, "office")(16), "Office", "Pilot", ("administrator",), START_MS + YEAR) for side in SIDES}
        server_keys = HttpTransport("http://127.0.0.1", client=self.client).service_keys()["sides"]
        self.made = enrolment.new_service("Pilot", "http://127.0.0.1", "", self.service.setup_code, server_keys, people, Entropy(0, "authority"))
        HttpTransport("http://127.0.0.1", client=self.client).create_service(self.made.body)
        for side in SIDES:
            phone = self.admins[side] = Phone(self, side, f"{side} office")
            Session.establish(phone.store, self.made.administrators[side])
            phone.sync()

    def __enter__(self) -> "Run":
        return self

    def settle(self) -> None:
        """Every parcel that was taken has come."""
        until = time.monotonic() + 30
        while any(self.service.crossing.waiting(side) for side in OTHER.values()) and time.monotonic() < until:
            time.sleep(0.002)

    def patch(self, owner: Any, name: str, value: Any) -> None:
        """`owner.name` is `value` until this run is over."""
        self._patches.enter_context(mock.patch.object(owner, name, value))

    def __exit__(self, *_: object) -> None:
        self._patches.close()
        for phone in [*self.phones, *self.admins.values()]:
            phone.store.close()
        self.client.close()

    def clock(self) -> int:
        return self.now_ms

    def enrol(self, side: Side, name: str, *roles: str, until_ms: int = START_MS + YEAR) -> Phone:
        """Invite and enrol."""
        admin = self.admins[side]
        subject = Subject(Entropy(0, side, "user", name)(16), name, "Pilot", tuple(sorted(roles)), until_ms)
        code = enrolment.decode_code(enrolment.invite(admin.session, subject, self.now_ms + DAY).text())
        phone = Phone(self, side, name)
        enrolment.enrol(phone.store, code, f"{name}'s phone", phone.transport, self.clock, phone.entropy)
        self.phones.append(phone)
        phone.sync()
        return phone

    def open_desk(self, phone: Phone, desk: bytes) -> None:
        """The authority signs a gate for it."""
        address, key = board.desk_request(phone.session, desk)
        week = week_of(self.now_ms)
        gate = sign_gate(SigningKey(self.made.authority_seed), self.made.svc, phone.side, address, key, week, week + 40)
        board.publish(phone.session, phone.transport, gate, only=desk)

    def seen(self, side: Side, folder: Path) -> dict[str, Any]:
        """All that `side` received, stores, logged and exports, by what it is."""
        found: dict[str, Any] = {}
        supervisor = self.enrol("oversight", f"Supervisor of {side}", f"supervisor_{side}")

        def get(path: str) -> bytes:
            return supervisor.transport.signed(supervisor.session, "GET", path)

        export = audit_files.from_server(get, side, self.made.svc)
        found["export"] = [export.logs, export.heads, export.checkpoint, sorted(export.events.items())]
        for phone in [self.admins[side], *(phone for phone in self.phones if phone.side == side)]:
            found[f"heard by {phone.name}"] = phone.transport.heard
            found[f"store of {phone.name}"] = _rows(phone.store._rows)
        realm = self.service.side(side).realm
        found["database"] = {name: sorted(map(repr, database.ask(realm.engine, f'SELECT * FROM "{name}"'))) for name in database.tables(realm.engine)}
        found["log"] = [_TIMES.sub("", line) for line in (folder / f"{side}.log").read_text().splitlines()]
        found["metrics"] = [
            line for line in self.service.side(side).metrics.render().decode().splitlines() if "_seconds" not in line and "_created" not in line
        ]
        return found


def _rows(ask: Callable[[str], Any]) -> dict[str, Any]:
    names = [row[0] for row in ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")]
    return {name: sorted(map(repr, ask(f'SELECT * FROM "{name}"'))) for name in names}


@contextmanager
def steady(sealed: dict[bytes, bytes]) -> Iterator[None]:
    """Randomness that two runs share: `sealed` are the HPKE ciphertexts of the first one, by what went into them."""
    honest = keys.seal

    def seal(public: bytes, info: bytes, plain: bytes) -> bytes:
        name = ids.sha256(public + info + plain)
        if name not in sealed:
            sealed[name] = honest(public, info, plain)
        return sealed[name]

    tokens = Entropy(0, "server")

    class Secrets:
        token_bytes = staticmethod(lambda size: tokens(size))
        token_hex = staticmethod(lambda size: tokens(size).hex())

    def nonces(side: str, _entropy: Any) -> OwnNonces:
        return OwnNonces(side, Entropy(0, side, "nonces"), lambda: START_MS)

    def shared_nonces(side: str, engine: Any, secret: bytes, _entropy: Any) -> SharedNonces:
        return SharedNonces(side, engine, secret, Entropy(0, side, "nonces"), lambda: START_MS)

    with ExitStack() as stack:
        for owner, name, value in (
            (keys, "seal", seal),
            (letters, "seal", seal),
            (server.service, "Writer", AtOnce),
            (server.service, "secrets", Secrets),
            (server.data_folder, "secrets", Secrets),
            (server.service, "OwnNonces", nonces),
            (server.service, "SharedNonces", shared_nonces),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield
