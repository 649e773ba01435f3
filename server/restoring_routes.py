"""GET and POST /v1/restored, GET /v1/restored/registry, GET and POST /v1/heal/{log} (docs/spec.md §19): what a side that came back gets back."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from server import restoring
from server.append import healing
from server.append.commit import Sender
from server.marks import Marks
from server.realm import Realm
from server.service import RunningSide, Service
from server.store import read
from shared_schema import cbor, ids
from shared_schema.deposit import Deposited, encode_deposited
from shared_schema.errors import Malformed, Refused
from shared_schema.request import CBOR_TYPE
from shared_schema.restoring import HealedTo, decode_declaration, decode_healing, encode_healed_to, encode_offer


def _regressed(running: RunningSide) -> tuple[Realm, Marks]:
    """A side that is not served, and its marks. Raises Refused `no-such-route` for one that is."""
    realm = running.realm
    if not realm.regressed or realm.marks is None or realm.registry is None or realm.registry.root is None:
        raise Refused("no-such-route")
    return realm, realm.marks


async def offered(request: Request, service: Service, _body: bytes) -> Response:
    """GET /v1/restored: what a `restore` has to say, while the side is not served."""
    realm, marks = _regressed(service.side(request.query_params.get("side", "")))
    return Response(encode_offer(restoring.offer(realm.known(), realm.next_incarnation, marks)), media_type=CBOR_TYPE)


async def declare(request: Request, service: Service, body: bytes) -> Response:
    """POST /v1/restored: what is missing of the registry, from whoever has it, and an administrator's `restore`."""
    running = service.side(request.query_params.get("side", ""))
    realm, marks = _regressed(running)
    declaration = decode_declaration(body)
    receipts = await running.writer.do(lambda commit: restoring.declare(commit, declaration, realm.next_incarnation, marks))
    return Response(cbor.encode({"v": 1, "receipts": list(receipts)}), media_type=CBOR_TYPE)


async def registry(request: Request, running: RunningSide, _sender: Sender, _body: bytes) -> Response:
    """GET /v1/restored/registry?after=n: the registry of a side that is not served, for its own devices."""
    realm, _ = _regressed(running)
    page = await running.read(read, realm.engine, partial(_page, realm, _number(request, "after")))
    return Response(encode_deposited(Deposited((), (), (page,))), media_type=CBOR_TYPE)


def _page(realm: Realm, after: int, tx: object) -> object:
    return realm.pages.registry_after(tx, min(after, realm.known().seq))  # type: ignore[arg-type]


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise Malformed(f"want ?{name}=N, a whole number")
    return int(text)


def _log(request: Request) -> bytes:
    try:
        return ids.parse(request.path_params["log"])
    except Malformed:
        raise Refused("no-such-file") from None


async def heal(request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """POST /v1/heal/{log}: entries of a file that this side had lost."""
    log = _log(request)
    running.quotas.push_bytes.take(sender.device, len(body), running.realm.clock())
    brought = decode_healing(body)
    found: HealedTo = await running.writer.do(lambda commit: healing.heal(commit, log, sender, brought))
    return Response(encode_healed_to(found), media_type=CBOR_TYPE)


async def healed_to(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """GET /v1/heal/{log}?below=n: where what one incarnation wrote ends."""
    log, realm = _log(request), running.realm
    if log not in realm.readers.logs_of(sender.user):
        raise Refused("no-such-file")
    below = _number(request, "below")
    found: HealedTo = await running.writer.do(lambda commit: healing.healed_to(commit, log, sender, below))
    return Response(encode_healed_to(found), media_type=CBOR_TYPE)
