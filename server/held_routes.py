"""POST /v1/deposit and GET /v1/held/{log} (docs/spec.md §9.5): work of those who have lost their place, handed in and looked at."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server import store
from server.append.commit import Pushed, Sender
from server.append.push import push
from server.pages import Pulled
from server.realm import Realm
from server.service import RunningSide
from shared_schema import cbor, ids, limits
from shared_schema.deposit import Deposited, HeldEntry, decode_deposit, encode_deposited, encode_held
from shared_schema.errors import Malformed, Refused
from shared_schema.request import CBOR_TYPE

_MOST: Final = 1000


async def deposit(_request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """Take what a device could not send before it lost its place."""
    running.quotas.push_bytes.take(sender.device, len(body), running.realm.clock())
    handed = decode_deposit(body)
    pushed: Pushed = await running.writer.do(lambda commit: push(commit, handed.push, sender, deposit=True))
    for answer in pushed.answers:
        if answer.code != "accepted":
            running.metrics.refused.labels(answer.code).inc()
    pulled = await running.read(_last_page, running.realm, sender, handed.registry)
    if pulled.delivered:
        running.quotas.deliveries.take(sender.device, len(pulled.delivered), running.realm.clock())
        await running.writer.do(lambda commit: running.realm.deliver(commit, sender.device, pulled.delivered))
    return Response(encode_deposited(Deposited(pushed.answers, pushed.receipts, tuple(pulled.pages))), media_type=CBOR_TYPE)


def _last_page(realm: Realm, sender: Sender, after: int) -> Pulled:
    with realm.engine.connect() as tx, tx.begin():
        return realm.pages.last_page(tx, sender.device, after)


async def held(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """What is held in a file, for those who may decide on it; everybody else gets `no-such-file`."""
    try:
        log = ids.parse(request.path_params["log"])
    except Malformed:
        raise Refused("no-such-file") from None
    after = request.query_params.get("after", "0")
    if not running.realm.readers.may_decide(log, sender.user):
        raise Refused("no-such-file")
    if running.realm.heals(log):  # who decides in it is not known yet
        raise Refused("restoring")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise Malformed("want ?after=N, a whole number")
    found, more = await running.read(_held, running.realm, log, int(after))
    if found:
        await running.writer.do(lambda commit: running.realm.review(commit, sender, log, found[0].n, found[-1].n))
    return Response(encode_held(found, more=more), media_type=CBOR_TYPE)


def _held(realm: Realm, log: bytes, after: int) -> tuple[list[HeldEntry], bool]:
    """As many as one answer has room for, and whether there are more."""
    with realm.engine.connect() as tx, tx.begin():
        rows = store.held_after(tx, log, after, _MOST + 1)
    found: list[HeldEntry] = []
    size = 0
    for row in rows[:_MOST]:
        size += len(row.cose) + len(row.parts)
        if found and size > limits.PAGE_BYTES:
            break
        found.append(HeldEntry(row.n, row.held_ms, [row.cose, cbor.Raw(row.parts)]))
    return found, len(found) < len(rows)
