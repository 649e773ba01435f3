"""Chunks over HTTP (docs/spec.md §18.3, §18.4). Whoever is no member of the file is told so before anything is looked up, which would take its time."""

from typing import Final

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from server import chunk_rows, chunks
from server.append.commit import Commit, Sender
from server.realm import Realm
from server.service import RunningSide
from server.store import read
from shared_schema import ids
from shared_schema.chunk import check_chunk, decode_claims, encode_claimed, encode_kept
from shared_schema.errors import Malformed, Refused
from shared_schema.request import CBOR_TYPE

_BYTES: Final = "application/octet-stream"
_HEX: Final = frozenset("0123456789abcdef")


def _log(request: Request, running: RunningSide, sender: Sender) -> bytes:
    """The file, for a member of it now."""
    try:
        log = ids.parse(request.path_params["log"])
    except Malformed:
        raise Refused("no-such-file") from None
    if (log, sender.user) not in running.realm.readers.roles:
        raise Refused("no-such-file")
    return log


def _chunk(request: Request) -> bytes:
    text: str = request.path_params["id"]
    if len(text) != 64 or not _HEX.issuperset(text):
        raise Refused("no-such-file")
    return bytes.fromhex(text)


async def claim(request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """POST /v1/chunks/{log}: what parts to come name, and which of it is not there."""
    log, keeper = _log(request, running, sender), running.realm.keeper
    claims = decode_claims(body)
    running.quotas.claims.take(sender.device, sum(len(claim.chunks) for claim in claims), running.realm.clock())

    def job(commit: Commit) -> list[bytes]:
        _require_member(commit, log, sender)
        return commit.chunks.claim(log, claims, keeper.absent)

    return Response(encode_claimed(await running.writer.do(job)), media_type=CBOR_TYPE)


def _require_member(commit: Commit, log: bytes, sender: Sender) -> None:
    """Once more in the writer: they may have been removed, or the file erased, since the request came, in this very transaction too."""
    file = commit.file_of(log)
    if file is None or file.erased is not None or sender.user not in file.members:
        raise Refused("no-such-file")


async def keep(request: Request, running: RunningSide, sender: Sender, body: bytes) -> Response:
    """PUT /v1/chunk/{log}/{id}."""
    realm = running.realm
    log, chunk = _log(request, running, sender), _chunk(request)
    check_chunk(body)
    if ids.sha256(body) != chunk:
        raise Malformed("the chunk's id is not its hash")
    running.quotas.chunks.take(sender.device, len(body), realm.clock())
    most, keeper = running.quotas.chunk_bytes_per_file, realm.keeper
    known = await running.read(read, realm.engine, lambda tx: _known(tx, realm, log, chunk, len(body), most))
    if known and await running.writer.do(lambda commit: commit.chunks.renew(log, chunk)):
        return Response(encode_kept(), media_type=CBOR_TYPE)
    place = await running.read(keeper.bodies.put, body, realm.clock())  # the bytes are durable from here on; not yet that they are this chunk

    def job(commit: Commit) -> Refused | None:
        try:
            _require_member(commit, log, sender)
            commit.chunks.keep(log, chunk, len(body), place, most, keeper.absent)
        except Refused as error:
            commit.chunks.surplus(place)
            return error
        return None

    refused = await running.writer.do(job)  # committed with whatever else waits, and durable: only now is it acknowledged
    if refused is not None:
        raise refused
    return Response(encode_kept(), media_type=CBOR_TYPE)


def _known(tx: Connection, realm: Realm, log: bytes, chunk: bytes, size: int, most: int) -> bool:
    absent = realm.keeper.absent
    chunks.check_room(tx, log, chunk, size, most, absent)
    place = chunk_rows.place_of(tx, log, chunk)
    return place is not None and place not in absent


async def give(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """GET /v1/chunk/{log}/{id}: the sealed bytes. What goes to whom is in the audit log before it goes."""
    realm = running.realm
    log, chunk = _log(request, running, sender), _chunk(request)
    found = await running.read(_bytes, realm, log, chunk)
    if found is None:
        raise Refused("no-such-file")
    running.quotas.deliveries.take(sender.device, 1, realm.clock())
    await running.writer.do(lambda commit: realm.fetched(commit, sender, log, chunk))
    return Response(found, media_type=_BYTES)


def _bytes(realm: Realm, log: bytes, chunk: bytes) -> bytes | None:
    place = read(realm.engine, lambda tx: chunk_rows.place_of(tx, log, chunk))
    return None if place is None else realm.keeper.bodies.get(place)
