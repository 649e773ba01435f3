"""Boards and parcels over HTTP (docs/spec.md §15.2-§15.4)."""

from starlette.requests import Request
from starlette.responses import Response

from server import parcels
from server.append.commit import Sender
from server.crossing import Crossing
from server.parcels import Taken
from server.realm import Realm
from server.service import RunningSide
from server.store import read
from shared_schema import cbor, ids
from shared_schema.errors import Malformed, Refused
from shared_schema.parcel import decode_parcels, decode_publication, encode_come
from shared_schema.request import CBOR_TYPE
from shared_schema.roles import has_content
from shared_schema.wire import answer_map


def _cbor(value: object) -> Response:
    return Response(cbor.encode(value), media_type=CBOR_TYPE)


def _id(request: Request, name: str) -> bytes:
    try:
        return ids.parse(request.path_params[name])
    except Malformed:
        raise Refused("no-such-file") from None


def _crossing(request: Request) -> Crossing:
    crossing: Crossing = request.app.state.service.crossing
    return crossing


def _require_receiving(realm: Realm, log: bytes, sender: Sender) -> None:
    """Of a file that can receive, and only to a member; said before anything is looked up, which would take its time."""
    if (log, sender.user) not in realm.readers.roles or realm.readers.kinds[log] not in parcels.RECEIVING:
        raise Refused("no-such-file")
    if realm.heals(log):  # who is in it is not known yet
        raise Refused("restoring")


async def publish(request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """POST /v1/intake/{log}."""
    log, publication, realm = _id(request, "log"), decode_publication(body), running.realm
    _require_receiving(realm, log, sender)
    await running.writer.do(lambda commit: parcels.publish(commit, realm.board, realm.side, log, sender, publication))
    return _cbor({"v": 1})


async def published(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """GET /v1/intake/{log}: the gates of one's own desk."""
    log, realm = _id(request, "log"), running.realm
    _require_receiving(realm, log, sender)
    return _cbor({"v": 1, "gates": [data for gate, data in realm.board.gates if realm.board.logs.get(gate.address) == log]})


def _require_content(running: RunningSide, sender: Sender) -> None:
    roles = running.realm.known().devices[sender.device].subject.roles
    if not any(has_content(role) for role in roles):
        raise Refused("no-such-file")


async def desk(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """GET /v1/desk: gate and present week's key of the other side's desk."""
    _require_content(running, sender)
    gate, key = await running.read(_crossing(request).desk, running.realm.side, running.realm.clock())
    return _cbor({"v": 1, "gate": gate, "key": key})


async def address(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """GET /v1/address/{address}: the present week's key of an address of the other side."""
    _require_content(running, sender)
    wanted = _id(request, "address")
    key = await running.read(_crossing(request).intake_key, running.realm.side, wanted, running.realm.clock())
    return _cbor({"v": 1, "key": key})


async def send(request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """POST /v1/parcels."""
    raw, crossing, side = decode_parcels(body), _crossing(request), running.realm.side

    def exists(wanted: bytes) -> bool:
        return crossing.has(side, wanted)

    def count(_size: int) -> None:
        running.quotas.parcels.take(sender.device, 1, running.realm.clock())

    running.quotas.push_bytes.take(sender.device, len(body), running.realm.clock())
    taken: Taken = await running.writer.do(lambda commit: parcels.take(commit, sender, raw, exists, count))
    if running.carrier is not None:
        running.carrier.wake()
    return _cbor({"v": 1, "answers": [answer_map(answer) for answer in taken.answers], "passes": list(taken.passes)})


async def come(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """GET /v1/parcels/{log}?after=n: what came to a file, for its members."""
    log, realm = _id(request, "log"), running.realm
    _require_receiving(realm, log, sender)
    after = request.query_params.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise Malformed("want ?after=N, a whole number")
    found, more = await running.read(read, realm.engine, lambda tx: parcels.page(tx, log, int(after)))
    if found:
        await running.writer.do(lambda commit: parcels.show(commit, sender, log, found[0].n, found[-1].n))
    return Response(encode_come(found, more=more), media_type=CBOR_TYPE)
