"""POST /v1/sync and GET /v1/events (docs/spec.md §9.2, §9.4)."""

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from server.append.commit import Commit, Pushed, Sender
from server.live import Live
from server.pages import Pulled
from server.service import RunningSide
from shared_schema.errors import Refused
from shared_schema.request import CBOR_TYPE
from shared_schema.wire import SyncRequest, decode_request, encode_response

_SMALL: Final = 65_536  # bytes that are decoded at once; more is decoded beside the event loop


async def sync(_request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """A whole round trip: verdicts for what was pushed, pages of what is new."""
    realm, pace = running.realm, running.pace
    running.quotas.push_bytes.take(sender.device, len(body), realm.clock())
    wanted = await _decode(running, sender, body)

    def push(commit: Commit) -> Pushed:
        with pace.charging(sender.device):
            return realm.push(commit, wanted, sender)

    pushed: Pushed | None = None
    if wanted.push or wanted.purged:
        pushed = await running.writer.do(push)
        _count(running, pushed)
    with pace.charging(sender.device):
        pulled = realm.pages.pull_pushed(wanted, sender, pushed)
    if pulled is None:
        pulled = await running.read_for(sender.device, _pull, running, wanted, sender, pushed)
    untold = realm.untold(pulled.delivered, pushed)
    if untold:
        try:
            running.quotas.deliveries.take(sender.device, len(untold), realm.clock())
        except Refused:
            if pushed is None:
                raise
            pulled = _told(pulled, pushed)  # what was pushed is durable: its receipts go out, whatever else may
        else:
            await running.writer.do(lambda commit: realm.deliver(commit, sender.device, untold))
    return Response(encode_response(realm.answer(wanted, sender, pushed, pulled.pages, more=pulled.more)), media_type=CBOR_TYPE)


async def _decode(running: RunningSide, sender: Sender, body: bytes) -> SyncRequest:
    if len(body) > _SMALL:
        async with running.decoding:
            wanted = await running.read_for(sender.device, decode_request, body)
    with running.pace.charging(sender.device):
        if len(body) <= _SMALL:
            wanted = decode_request(body)
        running.realm.hear(wanted, sender)
    return wanted


def _told(pulled: Pulled, pushed: Pushed) -> Pulled:
    """Of the pages those whose delivery the audit log holds already."""
    delivered = [one for one in pulled.delivered if one in pushed.delivered]
    logs = {one.log for one in delivered}
    return Pulled([page for page in pulled.pages if page.log in logs], delivered, more=True)


def _count(running: RunningSide, pushed: Pushed) -> None:
    for answer in pushed.answers:
        if answer.code == "accepted":
            running.metrics.entries.inc()
        else:
            running.metrics.refused.labels(answer.code).inc()


def _pull(running: RunningSide, wanted: SyncRequest, sender: Sender, pushed: Pushed | None) -> Pulled:
    with running.realm.engine.connect() as connection, connection.begin():
        return running.realm.pages.pull(connection, wanted, sender, pushed)


class _Stream(StreamingResponse):
    """Hints to one device. Its room is counted from when it is admitted to when it is gone, begun or not."""

    def __init__(self, live: Live, device: bytes) -> None:
        self._leave = partial(live.leave, device, event := live.enter(device))
        super().__init__(live.stream(device, event), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


async def events(_request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """Hints, as server-sent events."""
    return _Stream(running.live, sender.device)
