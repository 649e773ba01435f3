"""Nonces, creating the service, enrolment, and one's own registry (docs/spec.md §6, §9.1)."""

import hmac
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.append.commit import Commit, Pushed
from server.append.push import push
from server.realm import Realm
from server.service import Service
from shared_schema import cbor, ids, limits
from shared_schema.certificate import Certify, Enrol, Root, decode_registry_statement
from shared_schema.entry import Entry, decode_pair
from shared_schema.errors import Malformed, Refused
from shared_schema.request import CBOR_TYPE
from shared_schema.shape import as_bytes, as_list, as_map, as_text, keys


def _cbor(value: Any) -> Response:
    return Response(cbor.encode(value), media_type=CBOR_TYPE)


async def nonces(request: Request, service: Service, _body: bytes) -> Response:
    """Up to 16 nonces for one side."""
    running = service.side(request.query_params.get("side", ""))
    count = request.query_params.get("count", "1")
    if not count.isascii() or not count.isdecimal() or len(count) > 2 or not 1 <= int(count) <= limits.NONCES_PER_GET:
        raise Malformed(f"count is not a number from 1 to {limits.NONCES_PER_GET}")
    return _cbor({"nonces": [running.nonces.issue() for _ in range(int(count))], "time": service.clock()})


async def service_keys(_request: Request, service: Service, _body: bytes) -> Response:
    """The keys that the roots of a new service have to name. Refused once there is a service."""
    if service.created:
        raise Refused("service-exists")
    sides = {side: _side_keys(running.realm) for side, running in service.sides.items()}
    return _cbor({"v": 1, "sides": sides, "time": service.clock()})


def _side_keys(realm: Realm) -> dict[str, bytes]:
    return {"incarnation": realm.incarnation, "receipt": realm.receipt_key.public, "checkpoint": realm.checkpoint_key.public}


async def create_service(_request: Request, service: Service, body: bytes) -> Response:
    """Take the first entries of the three registries, signed by a new authority. The same again gives the same receipts."""
    map_ = as_map(cbor.decode(body), "service", keys("setup", "svc", "authority", "sides"))
    if not hmac.compare_digest(as_text(map_["setup"], "setup").encode(), service.setup_code.encode()):
        raise Refused("setup-refused")
    svc, authority = as_bytes(map_["svc"], 16, "svc"), as_bytes(map_["authority"], 32, "authority")
    sides = as_map(map_["sides"], "sides", frozenset(service.sides))
    entries = {side: tuple(as_list(sides[side], "entries", 8)) for side in service.sides}
    for side, running in service.sides.items():
        _check_beginning(running.realm, entries[side])
    receipts = {}
    for side, running in service.sides.items():
        running.realm.create(svc, ids.fingerprint(authority))
        pushed: Pushed = await running.writer.do(partial(_push_all, entries[side]))
        for answer in pushed.answers:
            if answer.code != "accepted":
                raise Refused("service-exists" if answer.code in ("clone-detected", "not-permitted") else answer.code, answer.message)
        receipts[side] = list(pushed.receipts)
    return _cbor({"v": 1, "receipts": receipts})


def _check_beginning(realm: Realm, pairs: tuple[Any, ...]) -> None:
    if len(pairs) != 2:
        raise Malformed("each registry begins with two entries: root and first administrator")
    root, first = (decode_registry_statement(decode_pair(pair).sign1.payload) for pair in pairs)
    if not isinstance(root, Root) or not isinstance(first, Certify):
        raise Malformed("each registry begins with a root and a certify statement")
    named = {"incarnation": root.incarnation, "receipt": root.receipt, "checkpoint": root.checkpoint}
    if named != _side_keys(realm):
        raise Malformed("the root names other server keys than this server's")


async def enrol(request: Request, service: Service, body: bytes) -> Response:
    """A new device's first registry entry. The answer is its receipt, and says nothing of the registry as it is now."""
    map_ = as_map(cbor.decode(body), "enrolment", keys("entry"))
    running = service.side(request.query_params.get("side", ""))
    realm = running.realm
    if realm.regressed:
        raise Refused("restoring")
    known = realm.known()
    entry = decode_pair(map_["entry"])
    if entry.log != known.log or not _enrols(entry):
        raise Refused("invitation-invalid")
    pushed: Pushed = await running.writer.do(partial(_push_all, (map_["entry"],)))
    code = pushed.answers[0].code
    if code != "accepted":  # the two that only whoever holds a good invitation is told
        raise Refused(code if code in ("invitation-spent", "invitation-ended") else "invitation-invalid")
    if realm.known().devices.get(entry.author) is None:
        raise Refused("invitation-spent")
    return _cbor({"v": 1, "receipts": list(pushed.receipts)})


def _enrols(entry: Entry) -> bool:
    try:
        return isinstance(decode_registry_statement(entry.sign1.payload), Enrol)
    except Malformed:
        return False


def _push_all(pairs: tuple[Any, ...], commit: Commit) -> Pushed:
    return push(commit, pairs, None)
