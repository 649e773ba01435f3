"""A whole service on PostgreSQL, with everything that its server runs: as it comes about, and in a day's work of its devices."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from server import joining
from server.live import Live
from server.service import Service
from server.settings import Settings
from shared_schema import cbor, ids
from shared_schema.chunk import Claim, encode_claims
from shared_schema.errors import Refused
from shared_schema.wire import SyncRequest, encode_request
from sync.change import Op
from sync.device.people import files
from tests import database
from tests.postgresql.shards import Ran, recorded
from tests.wall import matrix
from tests.wall.cast import Cast, new_cast
from tests.wall.twins import Run
from tests.world import patched


class World(NamedTuple):
    """The service, and what ran while it came about, and while everybody asked about everything; then in a day's work."""

    cast: Cast
    ran: list[Ran]
    of_the_day: list[Ran]
    routes: set[str]


@contextmanager
def on_postgresql() -> Iterator[None]:
    """Also where the run is on SQLite: what is shared out is PostgreSQL's."""
    with ExitStack() as stack:
        if not database.is_postgresql():
            stack.enter_context(database.postgresql(database.new_folder()))
        yield


@contextmanager
def brought_about(folder: Path) -> Iterator[World]:
    """The service, in a folder."""
    with on_postgresql(), recorded() as ran, new_cast(folder / "one") as cast, patched(Live, "stream", _hello):
        for who in ("nav", "coo", "jo", "col", "adp", "per"):
            list(matrix.served(cast, who))
            list(matrix.ask_about(cast, who))
        with another(cast.run, folder / "two") as other:
            before = len(ran)
            routes = _day(cast, other)
        yield World(cast, ran[:before], ran[before:], routes)


async def _hello(*_: object) -> AsyncIterator[bytes]:
    """A stream that ends: what it tells of are statements of the requests that cause it."""
    yield b"event: hello\ndata: {}\n\n"


@contextmanager
def another(run: Run, folder: Path) -> Iterator[Service]:
    """A second process on the same tables."""
    joining.join(run.service.settings, folder)
    service = Service(Settings(data=folder, database=run.service.settings.database), run.clock)
    try:
        yield service
    finally:
        service.close()


def _day(cast: Cast, other: Service) -> set[str]:
    """What devices do all day, each thing twice, for the first time may read what stays in memory; another process follows. Returns the routes."""
    routes: set[str] = set()

    def ask(who: str, route: str, path: str, body: bytes = b"") -> bytes:
        answer = cast.ask(who, route.split(" ")[0], path, body)
        assert answer.status_code == 200, f"{route}: {answer.content!r}"
        routes.add(route)
        for running in other.sides.values():
            running.realm.follow()
        return answer.content

    case, desk = ids.show(cast.logs["liaison"]), ids.show(cast.logs["her intake"])
    for n in (1, 2):
        for side in cast.run.service.sides.values():
            side.realm._logs.clear()  # none is in memory
        nav, coo = cast.people["nav"], cast.people["coo"]
        nav.session.write(cast.logs["liaison"], None, "task", [Op("what", "set", f"of the day, {n}", ())])
        begun = files.create_file(nav.session, "case", {cast.user("coo"): "coordinator"})
        lost = cast.people["sus"]
        lost.session.write(cast.logs["case"], None, "task", [Op("what", "set", f"handed in, {n}", ())])
        with suppress(Refused):
            lost.sync()
        cast.sync("nav", "coo", "jo", "nav")
        files.remove_member(coo.session, begun, cast.user("nav"))
        cast.sync("coo", "nav")
        assert any(f"of the day, {n}" in str(one.registers) for one in coo.session.records(cast.logs["liaison"]).values())
        ask("coo", "POST /v1/sync", "/v1/sync", encode_request(SyncRequest()))
        ask("nav", "GET /v1/events", "/v1/events")
        data = bytes([n]) * 32768
        chunk = ids.sha256(data)
        ask("nav", "POST /v1/chunks/{log}", f"/v1/chunks/{case}", encode_claims([Claim(ids.sha256(chunk), (chunk,))]))
        for _ in range(2):
            ask("nav", "PUT /v1/chunk/{log}/{id}", f"/v1/chunk/{case}/{chunk.hex()}", data)
        ask("coo", "GET /v1/chunk/{log}/{id}", f"/v1/chunk/{case}/{chunk.hex()}")
        gate = cbor.decode(ask("nav", "GET /v1/desk", "/v1/desk"))
        assert gate["gate"]
        for who, route in (
            ("jo", "GET /v1/parcels/{log}"),
            ("jo", "GET /v1/intake/{log}"),
            ("jo", "GET /v1/held/{log}"),
            ("jo", "GET /v1/purged/{log}"),
        ):
            asked = route.split(" ")[1].replace("{log}", desk)
            ask(who, route, f"{asked}?after=0")
        ask("nav", "GET /v1/address/{address}", f"/v1/address/{ids.show(_address(cast))}")
        ask("nav", "GET /v1/checkpoint", "/v1/checkpoint")
    return routes


def _address(cast: Cast) -> bytes:
    """Where a parcel to her side's desk goes."""
    realm = cast.realm("victim")
    return next(address for address, log in realm.board.logs.items() if log == cast.logs["her intake"])
