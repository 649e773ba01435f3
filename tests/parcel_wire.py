"""What the routes about parcels answer, in a world without HTTP: as server/parcel_routes.py does it."""

from collections.abc import Callable
from typing import Any

from server import parcels
from server.append.commit import Sender
from server.crossing import Crossing
from server.realm import Realm
from server.store import read
from shared_schema import cbor, ids
from shared_schema.errors import Refused
from shared_schema.parcel import decode_parcels, decode_publication, encode_come
from shared_schema.wire import answer_map
from sync.parcel import OTHER


def answer(realms: dict[Any, Realm], realm: Realm, sender: Sender, method: str, path: str, body: bytes) -> bytes:
    """The answer's body. Raises Refused."""
    side, now_ms = realm.side, realm.clock()
    if OTHER.get(side) not in realms:
        raise Refused("no-such-file")
    crossing = Crossing(realms)
    where, _, query = path.partition("?")
    match method, where.split("/")[2:]:
        case "GET", ["desk"]:
            gate, key = crossing.desk(side, now_ms)
            return cbor.encode({"v": 1, "gate": gate, "key": key})
        case "GET", ["address", address]:
            return cbor.encode({"v": 1, "key": crossing.intake_key(side, ids.parse(address), now_ms)})
        case "GET", ["intake", log]:
            return cbor.encode({"v": 1, "gates": [data for gate, data in realm.board.gates if realm.board.logs.get(gate.address) == ids.parse(log)]})
        case "POST", ["intake", log]:
            publication = decode_publication(body)
            _do(realm, lambda commit: parcels.publish(commit, realm.board, side, ids.parse(log), sender, publication))
            return cbor.encode({"v": 1})
        case "POST", ["parcels"]:
            raw = decode_parcels(body)
            taken = _do(realm, lambda commit: parcels.take(commit, sender, raw, lambda to: crossing.has(side, to), lambda _size: None))
            crossing.carry(side)
            return cbor.encode({"v": 1, "answers": [answer_map(one) for one in taken.answers], "passes": list(taken.passes)})
        case "GET", ["parcels", log]:
            file = ids.parse(log)
            if (file, sender.user) not in realm.readers.roles:
                raise Refused("no-such-file")
            found, more = read(realm.engine, lambda tx: parcels.page(tx, file, int(query.partition("=")[2])))
            if found:
                _do(realm, lambda commit: parcels.show(commit, sender, file, found[0].n, found[-1].n))
            return encode_come(found, more=more)
    raise Refused("no-such-route")


def _do(realm: Realm, job: Callable[[Any], Any]) -> Any:
    result = realm.transact([job])[0]
    if isinstance(result, Exception):
        raise result
    return result
