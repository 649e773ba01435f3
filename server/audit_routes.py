"""What an auditor may fetch (docs/spec.md §10.3): checkpoints and tiles of one's own side; logs without parts, events, and what devices say of
themselves, for supervisors.

A supervisor is a device of the oversight side whose role names the side that it may audit. Everybody else gets `no-such-route`.
"""

import re
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from server import store
from server.append.commit import Commit, Sender
from server.audit_log import HASH, TILE
from server.realm import Realm
from server.service import RunningSide, Service
from shared_schema import cbor, ids, limits
from shared_schema.devices import encode_devices
from shared_schema.entry import Head
from shared_schema.errors import Malformed, Refused
from shared_schema.request import CBOR_TYPE

_MOST: Final = 1000
_ROWS: Final = 50
_LEVELS: Final = frozenset(map(str, range(8)))
_TILE_PATH: Final = re.compile(r"(?P<n>(?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/(?P<w>[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?")


def _cbor(value: Any) -> Response:
    return Response(cbor.encode(value), media_type=CBOR_TYPE)


async def checkpoint(_request: Request, running: RunningSide, _sender: Sender, _body: bytes) -> Response:
    """The newest checkpoint of the caller's side, as a signed note."""
    return Response(running.realm.audit.published.note, media_type="text/plain; charset=utf-8")


async def tile(request: Request, running: RunningSide, _sender: Sender, _body: bytes) -> Response:
    """One tile of hashes of the caller's side: `/v1/tile/<L>/<N>[.p/<W>]` (C2SP tlog-tiles)."""
    level = request.path_params["level"]
    n, width = _tile_path(request.path_params["n"])
    if level not in _LEVELS:
        raise Refused("no-such-route")
    return _bytes(await running.read(_tile, running.realm, int(level), n, width))


async def entries(request: Request, running: RunningSide, _sender: Sender, _body: bytes) -> Response:
    """One bundle of leaf data of the caller's side, each of 32 bytes after its length: `/v1/tile/entries/<N>[.p/<W>]` (C2SP tlog-tiles)."""
    n, width = _tile_path(request.path_params["n"])
    return _bytes(await running.read(_entries, running.realm, n, width))


def _bytes(found: bytes | None) -> Response:
    if found is None:
        raise Refused("no-such-route")
    return Response(found, media_type="application/octet-stream")


def _tile_path(text: str) -> tuple[int, int]:
    """(N, W) of the end of a tile's path. Raises Refused `no-such-route`."""
    match = _TILE_PATH.fullmatch(text)
    if match is None:
        raise Refused("no-such-route")
    digits = match["n"].replace("x", "").replace("/", "")
    if len(digits) > 3 and digits.startswith("000"):
        raise Refused("no-such-route")
    return int(digits), int(match["w"] or TILE)


def _tile(realm: Realm, level: int, n: int, width: int) -> bytes | None:
    with realm.engine.connect() as connection, connection.begin():
        hashes = realm.audit.tile(connection, level, n) or b""
    return hashes[: width * HASH] if len(hashes) >= width * HASH else None


def _entries(realm: Realm, n: int, width: int) -> bytes | None:
    with realm.engine.connect() as connection, connection.begin():
        found = realm.audit.leaf_data(connection, n * TILE, n * TILE + width)
    return None if found is None else b"".join(len(data).to_bytes(2, "big") + data for data in found)


async def _audited(request: Request, running: RunningSide, sender: Sender) -> RunningSide:
    """The side that the caller may audit and asks for. Raises Refused `no-such-route`."""
    side = request.path_params["side"]
    certificate = running.realm.known().devices[sender.device]
    service: Service = request.app.state.service
    if running.realm.side != "oversight" or f"supervisor_{side}" not in certificate.subject.roles:
        raise Refused("no-such-route")
    audited = service.side(side)
    await audited.follow()
    if audited.realm.regressed:
        raise Refused("restoring")
    return audited


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Malformed(f"{name} is not a number")
    return int(text)


async def logs(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """Every log of the audited side with its kind and signed head, how many events there are, and the newest checkpoint.

    Heads, event count and checkpoint are of one moment, and the fetching itself is among the events.
    """
    audited = await _audited(request, running, sender)
    realm = audited.realm
    heads, events, note = await audited.writer.do(partial(_record, sender.device), then=partial(_moment, realm))
    kinds = await audited.read(_kinds, realm)
    known = realm.known()
    return _cbor(
        {
            "v": 1,
            "svc": known.svc,
            "side": realm.side,
            "registry": known.log,
            "authority": known.require_root().authority,
            "logs": [[log, kinds[log], realm.pages.signed_head(log, head)] for log, head in heads.items()],
            "events": events,
            "checkpoint": note,
        }
    )


def _record(device: bytes, commit: Commit) -> None:
    commit.audit.write(commit.batch, {"e": "export", "by": device, "what": "logs", "ms": commit.now_ms})


def _moment(realm: Realm) -> tuple[dict[bytes, Head], int, str]:
    """In the writer, between two transactions: where every log stands, how many events there are, and the checkpoint over them."""
    return dict(realm.readers.heads), realm.audit.next, realm.audit.published.note


def _kinds(realm: Realm) -> dict[bytes, str]:
    with realm.engine.connect() as connection, connection.begin():
        return {log: kind for log, _, _, kind in store.all_heads(connection)}


async def log(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """A page of one log of the audited side: COSE bytes and times, no parts. Absent logs are `no-such-file`."""
    audited = await _audited(request, running, sender)
    log_id = ids.parse(request.path_params["log"])
    after = _number(request, "after")
    if log_id not in audited.realm.readers.heads:
        raise Refused("no-such-file")
    rows = await audited.read(_rows, audited.realm, log_id, after)
    salt = audited.realm.audit.salt
    return _cbor({"entries": [[seq, received_ms, cose, chain, leaf, salt(leaf)] for seq, received_ms, cose, chain, leaf in rows]})


def _rows(realm: Realm, log_id: bytes, after: int) -> list[tuple[int, int, bytes, bytes, int]]:
    """The entries after a place: as many as a page may hold, by number and by size, and one at least."""
    found: list[tuple[int, int, bytes, bytes, int]] = []
    size = 0
    with realm.engine.connect() as connection, connection.begin():
        while len(found) < _MOST:
            rows = store.signed_after(connection, log_id, found[-1][0] if found else after, _ROWS)
            for row in rows:
                size += len(row[2])
                if found and size > limits.PAGE_BYTES:
                    return found
                found.append(row)
            if len(rows) < _ROWS:
                break
    return found


async def devices(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """What each device of the audited side said of itself when it synced last, and when that was: no evidence, and no event."""
    realm = (await _audited(request, running, sender)).realm
    heard = await running.read(realm.all_heard)
    return Response(encode_devices(heard, realm.clock()), media_type=CBOR_TYPE)


async def events(request: Request, running: RunningSide, sender: Sender, _body: bytes) -> Response:
    """Audit events of the audited side from number `from` on, each with the salt that opens its leaf."""
    audited = await _audited(request, running, sender)
    rows = await audited.read(_events, audited.realm, _number(request, "from"))
    return _cbor({"events": [[n, audited.realm.audit.salt(n), event] for n, event in rows], "size": audited.realm.audit.published.size})


def _events(realm: Realm, first: int) -> list[tuple[int, bytes]]:
    with realm.engine.connect() as connection, connection.begin():
        return store.events_from(connection, first, _MOST)
