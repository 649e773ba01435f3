"""One service, played twice with equal seeds and clocks: the perpetrator side does the same both times, the victim side nothing or much.

Everything is the product's own but what two runs could not share: randomness is drawn by side and purpose, HPKE ciphertexts of equal input
are equal, each job is committed at once, and clocks stand still between steps. `Run.seen` is all that the perpetrator side has in the end.
"""

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import httpx

import server.service
from server.app import make_app
from server.nonces import Nonces
from server.realm import Job, Realm
from server.service import Service
from server.settings import Settings
from shared_schema import cbor, ids
from shared_schema.certificate import Subject
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import SIDES, Side
from shared_schema.parcel import week_of
from sync import keys, letters
from sync.change import Op
from sync.device import agreeing, audit_files, board, cases, conflicts, enrolment, files, posting, records, referrals, standing, syncing
from sync.device.session import Session
from sync.device.store import Store
from sync.device.transport import HttpTransport
from sync.letters import sign_gate
from sync.parcel import OTHER
from sync.signing import SigningKey
from tests.world import DAY, START_MS, YEAR, Entropy

T = TypeVar("T")
_TIMES = re.compile(r'"(timestamp|ms)": ("[^"]*"|[0-9.]+)(, )?')


class AtOnce:
    """A writer that commits each job alone, and sequences at once: what is in one commit does not depend on timing."""

    def __init__(self, realm: Realm) -> None:
        self.failing = ""
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
        self.service = Service(Settings(data=folder, unsigned_per_minute=1_000_000, requests_per_minute=1_000_000), self.clock)
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
        with realm.engine.connect() as tx:
            found["database"] = _rows(lambda sql: tx.exec_driver_sql(sql).fetchall())
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

    def nonces(side: str, _entropy: Any) -> Nonces:
        return Nonces(side, Entropy(0, side, "nonces"), lambda: START_MS)

    with ExitStack() as stack:
        for owner, name, value in (
            (keys, "seal", seal),
            (letters, "seal", seal),
            (server.service, "Writer", AtOnce),
            (server.service, "secrets", Secrets),
            (server.service, "Nonces", nonces),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


Leak = Callable[["Run"], None]


def play(folder: Path, sealed: dict[bytes, bytes], *, busy: bool, rotate_desk: bool = False, leak: Leak | None = None) -> dict[str, Any]:
    """The story, with a victim side that does nothing after its desk is open, or much. What the perpetrator side has in the end."""
    with steady(sealed), Run(folder) as run:
        if leak is not None:
            leak(run)
        sam, ruth, jo = run.enrol("perpetrator", "Sam", "navigator"), run.enrol("perpetrator", "Ruth", "coordinator"), _desk(run)
        victim = _Victims(run, jo) if busy else None
        for step in _story(run, sam, ruth):
            step()
            run.settle()
            if victim is not None:
                victim.something()
                if rotate_desk:
                    victim.rotate()
            jo.sync()  # a desk is staffed: what it sends to every case by the calendar goes in both runs
            run.settle()
            run.now_ms += 3 * DAY
        return run.seen("perpetrator", folder)


def _desk(run: Run) -> Phone:
    jo = run.enrol("victim", "Jo", "coordinator", "referral_desk")
    desk = files.create_file(jo.session, "intake")
    jo.sync()
    run.open_desk(jo, desk)
    jo.desk = desk  # type: ignore[attr-defined]
    return jo


def _story(run: Run, sam: Phone, ruth: Phone) -> list[Callable[[], Any]]:
    """What the perpetrator side does: a case, notes, a conflict, notices, mistakes, a change of members, a look at what there is."""
    there: dict[str, Any] = {}

    def begin() -> None:
        for phone in (sam, ruth):
            phone.sync()
        there["case"] = cases.open_case(sam.session, {ruth.session.identity.user: "coordinator"})
        sam.sync()
        ruth.sync()

    def visit() -> None:
        values = {
            "mode": "home_visit",
            "direction": "to_them",
            "with": ["client"],
            "result": "spoke",
            "workers": [ids.show(sam.session.identity.user)],
        }
        records.add(sam.session, there["case"], "contact", values)

    def write() -> None:
        visit()
        there["task"] = records.add(sam.session, there["case"], "task", {"what": "ring", "due": "2026-12-01"})
        details = {"received_on": "2026-11-22", "people_harmed": [{"names": "Cheryl"}]}
        posting.post(sam.session, there["case"], "referral_intake", details, fixed=True)
        sam.sync()
        ruth.sync()

    def disagree() -> None:
        for phone, day in ((sam, "2026-12-02"), (ruth, "2026-12-03")):
            records.edit(phone.session, there["case"], there["task"], {"due": day})
        for phone in (sam, ruth, sam):
            phone.sync()
        conflicts.resolve(ruth.session, there["case"], there["task"], "due", "2026-12-02", "the earlier")
        ruth.sync()

    def try_wrong_things() -> None:
        for path in (
            f"/v1/parcels/{ids.show(bytes(16))}?after=0",
            f"/v1/address/{ids.show(bytes(16))}",
            f"/v1/held/{ids.show(bytes(16))}?after=0",
            "/v1/tile/0/000",
        ):
            try:
                sam.transport.signed(sam.session, "GET", path)
            except ProtocolError:
                continue
        run.client.get("/v1/nonces?side=perpetrator&count=3")

    def change() -> None:
        max_ = run.enrol("perpetrator", "Max", "navigator")
        ruth.sync()
        files.add_member(ruth.session, there["case"], max_.session.identity.user, "navigator")
        for phone in (ruth, max_, sam):
            phone.sync()
        files.remove_member(ruth.session, there["case"], max_.session.identity.user)
        for phone in (ruth, max_, sam):
            phone.sync()

    def look() -> None:
        visit()
        for phone in (sam, ruth):
            phone.sync()
            phone.transport.signed(phone.session, "GET", "/v1/checkpoint")

    return [begin, write, disagree, try_wrong_things, change, look]


class _Victims:
    """The victim side's people, who are busy."""

    def __init__(self, run: Run, jo: Phone) -> None:
        self.run, self.jo, self.count = run, jo, 0
        self.workers: list[Phone] = []
        self.files: list[bytes] = []

    def something(self) -> None:
        """Enrolment, a file, notes, a link, a letter from the other side, wrong turns, a suspension, a revocation."""
        run, jo = self.run, self.jo
        self.count += 1
        lee = run.enrol("victim", f"Lee {self.count}", "link_worker")
        self.workers.append(lee)
        for phone in (jo, lee):
            phone.sync()
        log = files.create_file(jo.session, "case", {lee.session.identity.user: "link_worker"})
        self.files.append(log)
        for number in range(3 * self.count):
            jo.session.write(log, None, "task", [Op("what", "set", f"word {number}", ())])
        for phone in (jo, lee):
            phone.sync()
        opened = jo.session.store.records(jo.desk, "case_opened")  # type: ignore[attr-defined]
        if opened:
            case = records.values(jo.session, jo.desk, opened[0][0])["case"].value  # type: ignore[attr-defined]
            records.add(jo.session, jo.desk, "link", {"case": case, "file": ids.show(log), "support": "accepted"})  # type: ignore[attr-defined]
            self.across(log, str(case))
        jo.sync()
        run.client.get("/v1/nonces?side=victim&count=5")
        if self.count == 2:
            standing.suspend(jo.session, self.workers[0].session.identity.device, "lost")
            jo.sync()
        if self.count == 3:
            office = run.admins["victim"]
            office.sync()
            standing.revoke(office.session, self.workers[0].session.identity.device, "stolen")
            office.sync()
            jo.sync()

    def across(self, log: bytes, case: str) -> None:
        """What is prepared here for the other side and never goes: words that nobody agreed to or that were taken back, packs, matches, a role check."""
        jo = self.jo
        session, desk = jo.session, jo.desk  # type: ignore[attr-defined]
        for words in ("Ring the duty desk before you set out.", "Hold visits for now."):
            agreeing.ask(session, log, case, words, weeks=self.count, based_on=["police"], about={"why": "she moves"})
        agreeing.withdraw(session, agreeing.list_asked(session, log)[-1], "it is over")
        people = {"person_using_abuse": [{"names": "Jack"}], "people_harmed": [{"names": f"Cheryl {self.count}", "address": "14 Hawthorn Close"}]}
        pack = records.add(session, desk, "referral_intake", {"received_on": "2026-11-22", **people})
        referrals.match(session, desk, pack)
        referrals.incomplete(session, desk, pack, ["risk_level"], "2026-12-04")
        records.add(session, desk, "role_check", {"who": "Jane", "conclusion": "is_harmed"})

    def rotate(self) -> None:
        """Somebody joins the desk: its keys change."""
        max_ = self.run.enrol("victim", f"Max {self.count}", "referral_desk")
        self.jo.sync()
        files.add_member(self.jo.session, self.jo.desk, max_.session.identity.user, "referral_desk")  # type: ignore[attr-defined]
        self.jo.sync()


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what is not equal."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def sizes(seen: dict[str, Any]) -> list[Any]:
    """How many messages each phone heard, in which order, of which size: what an exception for a parcel's bytes still leaves."""
    return [[(method, path, len(body), len(cbor.encode(said)) if isinstance(said, bytes | list) else 0) for method, path, body, _, said, _ in heard]
            for name, heard in sorted(seen.items()) if name.startswith("heard")]  # fmt: skip


def readable(value: Any) -> str:
    """For a failing test."""
    return json.dumps(repr(value))[:2000]
