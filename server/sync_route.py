"""POST /v1/sync and GET /v1/events (docs/spec.md §9.2, §9.4)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.append import Pushed, Sender
from server.realm import Pulled
from server.service import RunningSide
from shared_schema.request import CBOR_TYPE
from shared_schema.wire import SyncRequest, decode_request, encode_response

_SMALL: Final = 65_536  # bytes that are decoded at once; more is decoded beside the event loop


async def sync(_request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """A whole round trip: verdicts for what was pushed, pages of what is new."""
    realm = running.realm
    running.quotas.push_bytes.take(sender.device, len(body), realm.clock())
    wanted = decode_request(body) if len(body) <= _SMALL else await running.read(decode_request, body)
    pushed: Pushed | None = None
    if wanted.push:
        pushed = await running.writer.do(lambda commit: realm.push(commit, wanted, sender))
        _count(running, pushed)
    pulled = realm.pull_pushed(wanted, sender, pushed)
    if pulled is None:
        pulled = await running.read(_pull, running, wanted, sender, pushed)
    untold = realm.untold(pulled.delivered, pushed)
    if untold:
        running.quotas.deliveries.take(sender.device, len(untold), realm.clock())
        await running.writer.do(lambda commit: realm.deliver(commit, sender.device, untold))
    return Response(encode_response(realm.answer(wanted, pushed, pulled.pages, more=pulled.more)), media_type=CBOR_TYPE)


def _count(running: RunningSide, pushed: Pushed) -> None:
    for answer in pushed.answers:
        if answer.code == "accepted":
            running.metrics.entries.inc()
        else:
            running.metrics.refused.labels(answer.code).inc()


def _pull(running: RunningSide, wanted: SyncRequest, sender: Sender, pushed: Pushed | None) -> Pulled:
    with running.realm.engine.connect() as connection, connection.begin():
        return running.realm.pull(connection, wanted, sender, pushed)


async def events(_request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """Hints, as server-sent events."""
    running.live.check_room(sender.device)
    return StreamingResponse(running.live.stream(sender.device), media_type="text/event-stream", headers={"cache-control": "no-store"})
