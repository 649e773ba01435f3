"""GET /v1/purged/{log} (docs/spec.md §9.6): which devices say that they have purged what was removed from a file."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server import removal_rows
from server.append.commit import Sender
from server.realm import Realm
from server.service import RunningSide
from server.store import read
from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from shared_schema.request import CBOR_TYPE
from shared_schema.wire import encode_purged

_MOST: Final = 1000


async def purged(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """The signed words of devices, for members, and for those who were when the file was erased; everybody else gets `no-such-file`."""
    try:
        log = ids.parse(request.path_params["log"])
    except Malformed:
        raise Refused("no-such-file") from None
    after = request.query_params.get("after", "0")
    if not running.realm.readers.reads(log, sender.user):
        raise Refused("no-such-file")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise Malformed("want ?after=N, a whole number")
    return Response(await running.read(answer, running.realm, log, int(after)), media_type=CBOR_TYPE)


def answer(realm: Realm, log: bytes, after: int) -> bytes:
    """The body of the answer."""
    rows = read(realm.engine, lambda tx: removal_rows.purges_after(tx, log, after, _MOST + 1))
    return encode_purged(rows[:_MOST], more=len(rows) > _MOST)
