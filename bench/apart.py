"""Can who asks tell by the time whether there is such a file? `python -m bench.apart [--requests N] [--only KIND] [--json FILE]` measures that alone.

Signed requests to the application in this process, about files (addresses, parts) that are not the asker's and about ones that are not, in random order.
Of each kind there are dozens, each asked about in bodies of its own: what is peculiar to one body (where its numbers fall in a tree, how long its
signature takes to verify) is no difference between what is and what is not, and with one of each it would look like one.
The test, stated before: the two-sample Kolmogorov-Smirnov test of the two sets of times, `p` at least 0.001 for each kind of request, which for a dozen
kinds is one false alarm in about a hundred runs. Of its statistic D, (1 + D) / 2 is how often the best single threshold guesses right.
Two controls are made of the same requests: the same times under labels drawn by lot, and requests that were held up by 20 µs, which have to be found.
"""

import argparse
import asyncio
import gc
import math
import os
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import jwt

from bench.figures import Figures
from bench.host import serve
from bench.team import SIDE, Team, now_ms, write_notes
from server.app import make_app
from server.realm import Job, Realm
from server.service import Service
from server.settings import Settings
from shared_schema import ids, limits
from shared_schema.chunk import Claim, encode_claims
from shared_schema.deposit import Deposit, encode_deposit
from shared_schema.entry import EMPTY_ROOT, ENVELOPE, EXPUNCTION, STATEMENT, Head, Witness, decode_entry_alone, envelope_payload
from shared_schema.membership import encode_file_statement
from shared_schema.parcel import Publication, encode_publication
from shared_schema.removal import Expunge, Hold, expunge_act
from shared_schema.request import ALGORITHM, NONCE_HEADER, SCHEME, TYP, claims
from shared_schema.wire import Cursor, SyncRequest, encode_request
from sync.approval import sign_approval
from sync.device.exchanging import outbox
from sync.device.session import Session
from sync.entry import Author
from sync.signing import sign_object

HELD_UP_S: Final = 20e-6
WANTED_P: Final = 0.001
_NOTES: Final = 200  # in the largest of the files that are not the asker's
_OTHERS: Final = 32  # of them, and as many that are none
_BODIES: Final = 4  # about each
_STUB: Final = 32 + 256 + 16
_WARM: Final = 50
_BETWEEN_COLLECTIONS: Final = 1_000  # requests: what refused requests leave for the collector is let go between two that are timed
_QUOTAS: Final = (
    "requests_per_minute",
    "push_bytes_per_day",
    "unsigned_per_minute",
    "deliveries_per_day",
    "statements_per_day",
    "chunks_claimed_per_day",
    "work_burst_seconds",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: about things that are somebody else's, and about ones that are none. Each is a path and a body."""

    name: str
    method: str
    foreign: Sequence[tuple[str, bytes]]
    absent: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sets of times: D and p of Kolmogorov-Smirnov,."""

    d: float
    p: float

    @property
    def right(self) -> float:
        """How often the best single threshold guesses right."""
        return (1 + self.d) / 2


def compare(one: list[float], other: list[float]) -> Compared:
    """The test. p by the asymptotic distribution, which for hundreds of values and more is near enough."""
    ordered = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    below, d = [0, 0], 0.0
    for at, (value, label) in enumerate(ordered):
        below[label] += 1
        if at + 1 == len(ordered) or ordered[at + 1][0] != value:
            d = max(d, abs(below[0] / len(one) - below[1] / len(other)))
    size = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    scaled = (size + 0.12 + 0.11 / size) * d
    p = 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return Compared(d, min(1.0, max(0.0, p if scaled > 0.2 else 1.0)))


class Asker:
    """A device that asks the application directly. What is timed is the application, from the first byte that it gets to the last that it gives."""

    def __init__(self, service: Service, session: Session) -> None:
        self._app, self._session = make_app(service), session
        self._nonce = service.sides[SIDE].nonces.issue()

    async def ask(self, method: str, path: str, body: bytes, held_up_s: float = 0.0) -> float:
        """Seconds."""
        me, where = self._session.identity, path.partition("?")
        said = claims(device=me.device, svc=me.svc, side=SIDE, method=method, path=path, body=body, nonce=self._nonce)
        token = jwt.encode(said, self._session.sign_key.private(), algorithm=ALGORITHM, headers={"typ": TYP})
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": where[0],
            "raw_path": where[0].encode(), "query_string": where[2].encode(), "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1),
            "headers": [(b"authorization", f"{SCHEME} {token}".encode()), (b"content-length", str(len(body)).encode())],
        }  # fmt: skip
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]  # which never ends

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._nonce = dict(message["headers"])[NONCE_HEADER.lower().encode()].decode()

        began = time.perf_counter()
        while time.perf_counter() - began < held_up_s:
            pass
        await self._app(scope, receive, send)
        return time.perf_counter() - began


class AtOnce:
    """A side's writer in the asker's own thread, that leaves the audit tree for later: threads taking turns would hide much."""

    failing = ""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm

    async def do(self, job: Job, then: Callable[[], Any] | None = None) -> Any:
        """One transaction."""
        [result] = self._realm.transact([job])
        if isinstance(result, Exception):
            raise result
        return then() if then else result

    def stop(self) -> None:
        """Nothing waits."""


class Inline(ThreadPoolExecutor):
    """Reading in the asker's own thread too."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Done when it returns."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Things:
    """One's own file, a colleague's, one with much in it, and none; and what is asked about them."""

    def __init__(self, team: Team) -> None:
        self.asker, second, other = team.enrol_many(3)
        self.own, self.foreign = team.file([self.asker, second]), [team.begin_file([other]) for _ in range(_OTHERS)]
        self.absent = [secrets.token_bytes(16) for _ in range(_OTHERS)]
        for session, log, notes in ((self.asker, self.own, 1), *((other, log, _NOTES if at == 0 else 2) for at, log in enumerate(self.foreign))):
            write_notes(session, log, notes)
        team.sync([self.asker, second, other])
        for log in self.foreign:
            team.bring(other, log, self.chunk(log))
        self._second, self._other = second, other

    @staticmethod
    def chunk(log: bytes) -> bytes:
        """What was brought to a file that there is; of one that is none, bytes of the same size that nobody brought."""
        return log * 2048

    def entry(self, typ: str, log: bytes, payload: bytes, parts: list[bytes]) -> Any:
        """Of the asker's device, as its first in that log."""
        me = self.asker.identity
        head = Head(me.incarnation, 0, ids.chain_start(log))
        author = Author(me.svc, log, me.device, 0, None, head, Witness(me.incarnation, 0, EMPTY_ROOT))
        return [sign_object(self.asker.sign_key, author.header(typ, 1 if parts else None), payload), parts]

    def envelope(self, log: bytes) -> Any:
        """A sealed part, as far as a server sees."""
        part = os.urandom(_STUB)
        return self.entry(ENVELOPE, log, envelope_payload([part]), [part])

    def hold(self, log: bytes) -> Any:
        """A statement."""
        return self.entry(STATEMENT, log, encode_file_statement(Hold(None, None, self.asker.registry.head, bytes(32))), [])

    def naming(self, part: tuple[bytes, bytes]) -> bytes:
        """A push of an expunction in one's own file that names a part by envelope id and hash."""
        session, second, log = self.asker, self._second, self.own
        state = session.require_file(log)
        act = expunge_act(2, part[0], 0, part[1], "spill", None, bytes(32))
        approval = sign_approval(
            second.sign_key, second.identity.device, second.identity.svc, SIDE, log, "expunge", act, now_ms() + limits.APPROVAL_MS // 2
        )
        stub = bytes(_STUB)
        statement = Expunge(2, part[0], 0, part[1], "spill", None, ids.sha256(stub), bytes(32), approval, session.registry.head, state.previous)
        author = replace(outbox.author(session, log), ck=Witness(session.identity.incarnation, 0, EMPTY_ROOT))  # no tree is computed for it
        protected = author.header(EXPUNCTION, state.epoch)
        return self._pushing([sign_object(session.sign_key, protected, encode_file_statement(statement)), [stub]])

    def requests(self, addresses: Sequence[bytes]) -> list[Request]:
        """Each kind. `addresses` are of the other side and have no key this week."""

        def bodies(ask: Callable[[bytes], tuple[str, bytes]], things: Sequence[bytes]) -> list[tuple[str, bytes]]:
            return [ask(thing) for thing in things for _ in range(_BODIES)]

        def about(name: str, method: str, ask: Callable[[bytes], tuple[str, bytes]]) -> Request:
            return Request(name, method, bodies(ask, self.foreign), bodies(ask, self.absent))

        def address(which: bytes) -> tuple[str, bytes]:
            return f"/v1/address/{ids.show(which)}", b""

        def part(log: bytes) -> tuple[bytes, bytes]:
            row = next(row for row in self._other.store.entries(log) if not row.statement)
            entry = decode_entry_alone(row.cose)
            return entry.id, entry.hashes[0]

        named = list(map(part, self.foreign)), [(secrets.token_bytes(32), secrets.token_bytes(32)) for _ in self.absent]

        def reading(name: str) -> Request:
            return about(name, "GET", lambda log: (f"/v1/{name}/{ids.show(log)}?after=0", b""))

        def chunk_at(file: bytes | None = None) -> Callable[[bytes], str]:
            return lambda log: f"/v1/chunk/{ids.show(file or log)}/{ids.sha256(self.chunk(log)).hex()}"

        def claiming(log: bytes) -> bytes:
            return encode_claims([Claim(ids.sha256(log), (ids.sha256(self.chunk(log)),))])

        return [
            *map(reading, ("held", "purged", "parcels")),
            about("intake", "GET", lambda log: (f"/v1/intake/{ids.show(log)}", b"")),
            about("publishing", "POST", lambda log: (f"/v1/intake/{ids.show(log)}", encode_publication(Publication(1, bytes(32), None, ())))),
            about("claiming chunks", "POST", lambda log: (f"/v1/chunks/{ids.show(log)}", claiming(log))),
            about("bringing a chunk", "PUT", lambda log: (chunk_at()(log), self.chunk(log))),
            about("fetching a chunk", "GET", lambda log: (chunk_at()(log), b"")),
            about("asking for a chunk in one's own file", "GET", lambda log: (chunk_at(self.own)(log), b"")),
            Request("address", "GET", bodies(address, addresses), bodies(address, self.absent)),
            about("cursor", "POST", lambda log: ("/v1/sync", encode_request(SyncRequest(cursors=self._mine(Cursor(log, 1, bytes(32))))))),
            about("pushed envelope", "POST", lambda log: ("/v1/sync", self._pushing(self.envelope(log)))),
            about("pushed statement", "POST", lambda log: ("/v1/sync", self._pushing(self.hold(log)))),
            about("handed in", "POST", lambda log: ("/v1/deposit", encode_deposit(Deposit((self.envelope(log),), 10**9)))),
            Request("named part", "POST", *([("/v1/sync", self.naming(one)) for one in parts] for parts in named)),
        ]

    def _pushing(self, pair: Any) -> bytes:
        return encode_request(SyncRequest(cursors=self._mine(), push=(pair,)))

    def _mine(self, *more: Cursor) -> tuple[Cursor, ...]:
        """All that the asker has, so that nothing of it is served, and a cursor more."""
        head, known = self.asker.reader(self.own).log.head, self.asker.registry
        return tuple(sorted((Cursor(self.own, head.seq, head.chain), Cursor(known.log, known.seq, known.chains[-1]), *more)))


def measure(figures: Figures, parent: Path | None, requests: int, say: Callable[[str], None], only: Sequence[str] = ()) -> None:
    """All kinds of requests, or `only` some, that many of each thing."""
    parent = parent or (Path("/dev/shm") if Path("/dev/shm").is_dir() else None)  # without a disk's noise, differences show sooner
    with tempfile.TemporaryDirectory(dir=parent) as name, ExitStack() as stack:
        with serve(Path(name)) as server:
            team = stack.enter_context(Team(server, Path(name)))
            things = Things(team)
        plenty = dict.fromkeys(_QUOTAS, 10**12)
        service = Service(Settings(data=Path(name) / "data", **plenty))  # type: ignore[arg-type]  # all are whole numbers
        stack.callback(service.close)
        for running in service.sides.values():
            running.writer.stop()
            running.writer = AtOnce(running.realm)  # type: ignore[assignment]  # does what a Writer does
            running.readers = Inline(1)
        addresses = [secrets.token_bytes(16) for _ in range(_OTHERS)]
        service.sides["victim"].realm.board.logs |= {address: secrets.token_bytes(16) for address in addresses}
        kinds = [one for one in things.requests(addresses) if not only or one.name in only]
        asyncio.run(_measure(figures, service, things.asker, kinds, requests, say))


async def _measure(figures: Figures, service: Service, session: Session, kinds: Sequence[Request], requests: int, say: Callable[[str], None]) -> None:
    asker, lot = Asker(service, session), random.Random(0)
    for request in kinds:
        say(f"told apart by time: {request.name}")
        times: dict[str, list[float]] = {"foreign": [], "absent": [], "held up": []}
        for _ in range(_WARM):
            await asker.ask(request.method, *lot.choice(request.foreign))
            await asker.ask(request.method, *lot.choice(request.absent))
        gc.disable()
        order = [*times] * requests
        lot.shuffle(order)
        for at, label in enumerate(order):
            if at % _BETWEEN_COLLECTIONS == 0:
                gc.collect()
            path, body = lot.choice(request.foreign if label == "foreign" else request.absent)
            times[label].append(await asker.ask(request.method, path, body, HELD_UP_S if label == "held up" else 0.0))
        gc.enable()
        service.sides[SIDE].realm.sequence()
        _add(figures, request.name, times, lot)


def _add(figures: Figures, name: str, times: dict[str, list[float]], lot: random.Random) -> None:
    found = compare(times["foreign"], times["absent"])
    drawn = times["foreign"] + times["absent"]
    lot.shuffle(drawn)
    by_lot = compare(drawn[: len(times["foreign"])], drawn[len(times["foreign"]) :])
    planted = compare(times["held up"], times["absent"])
    figures.add("apart", f"{name}: p, foreign against absent", "", found.p, aim=WANTED_P)
    figures.add("apart", f"{name}: best threshold is right", "%", 100 * found.right)
    figures.add("apart", f"{name}: p, labels by lot", "", by_lot.p)
    figures.add("apart", f"{name}: p, absent against absent + 20 us", "", planted.p, aim=-WANTED_P)
    figures.add("apart", f"{name}: best threshold is right, + 20 us", "%", 100 * planted.right)
    figures.add("apart", f"{name}: median", "us", sorted(drawn)[len(drawn) // 2] * 1e6)


def main() -> None:
    """Measure this alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.apart", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, metavar="N", help="of each thing, for each kind of request (default 10,000)")
    parser.add_argument("--only", action="append", default=[], metavar="KIND", help="a kind of request, as the table names it; may be said again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where databases are made; default: in memory where there is such a place")
    asked = parser.parse_args()
    figures = Figures()
    figures.note_load()
    measure(figures, asked.folder, asked.requests, lambda what: print(what, flush=True), asked.only)
    print("\n".join(figures.table()))
    if asked.json:
        figures.write(asked.json, {"requests": asked.requests})


if __name__ == "__main__":
    main()
