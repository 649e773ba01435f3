"""The codecs of parcels (docs/spec.md §15): see tests/vectors/codecs.py."""

from typing import Any, Final

from shared_schema import cbor, cose, parcel
from tests.vectors.coding import Codec, Value, sign, signed_value


def _read(sign1: cose.Sign1, **read: Any) -> Value:
    """A signed object whose payload has the names of the wire. `read` are the decoder's values: they are what it says."""
    assert cbor.decode(sign1.payload) == read
    return signed_value(sign1, read)


def _decode_gate(data: bytes) -> Value:
    one = parcel.decode_gate(data)
    return _read(one.sign1, **{"side": one.side, "address": one.address, "key": one.key, "from": one.first, "until": one.last})


def _encode_gate(value: Value, seed: bytes) -> bytes:
    map_ = value["payload"]
    return sign(value, parcel.gate_payload(map_["side"], map_["address"], map_["key"], map_["from"], map_["until"]), seed)


def _decode_intake_key(data: bytes) -> Value:
    one = parcel.decode_intake_key(data)
    assert one.address == one.sign1.kid
    return _read(one.sign1, side=one.side, week=one.week, key=one.key)


def _encode_intake_key(value: Value, seed: bytes) -> bytes:
    return sign(value, parcel.intake_key_payload(**value["payload"]), seed)


def _decode_letter(data: bytes) -> Value:
    one = parcel.decode_letter(data)
    return _read(one.sign1, **{"from": one.side, "to": one.to, "id": one.id, "kind": one.kind, "at": one.at, "body": dict(one.body)})


def _encode_letter(value: Value, seed: bytes) -> bytes:
    map_ = value["payload"]
    return sign(value, parcel.letter_payload(map_["from"], map_["to"], map_["id"], map_["kind"], map_["at"], map_["body"]), seed)


def _decode_pass(data: bytes) -> Value:
    one = parcel.decode_pass(data)
    return _read(one.sign1, address=one.address, week=one.week, id=one.id, hash=one.hash, ms=one.ms)


def _encode_pass(value: Value, seed: bytes) -> bytes:
    """The code makes a pass from the parcel that it is for: here from one whose hash is put in afterwards."""
    map_ = value["payload"]
    made = parcel.pass_payload(parcel.Parcel(map_["address"], map_["week"], map_["id"], False, bytes(32), b""), map_["ms"])
    return sign(value, cbor.encode(cbor.decode(made) | {"hash": map_["hash"]}), seed)


def to_parcel(value: Value) -> parcel.Parcel:
    """The typed parcel of a value."""
    return parcel.Parcel(**value)


def _decode_contents(data: bytes) -> Value:
    one = parcel.decode_contents(data)
    second = None if one.second is None else [one.second[0], list(one.second[1])]
    return {"letter": one.letter, "chain": list(one.chain), "second": second}


def _encode_contents(value: Value, _seed: bytes) -> bytes:
    second = None if value["second"] is None else (value["second"][0], tuple(value["second"][1]))
    return parcel.encode_contents(parcel.Contents(value["letter"], tuple(value["chain"]), second))


def publication_value(one: parcel.Publication) -> Value:
    """A publication as it travels, without `v`."""
    return {"ep": one.epoch, "key": one.key, "gate": one.gate, "keys": list(one.keys)}


def to_publication(value: Value) -> parcel.Publication:
    """The typed publication of a value."""
    return parcel.Publication(value["ep"], value["key"], value["gate"], tuple(value["keys"]))


def _decode_come(data: bytes) -> Value:
    found, more = parcel.decode_come(data)
    return {"parcels": [list(one) for one in found], "more": more}


def _encode_come(value: Value, _seed: bytes) -> bytes:
    return parcel.encode_come([parcel.Come(*one) for one in value["parcels"]], more=value["more"])


def _encode_parcels(value: list[Any], _seed: bytes) -> bytes:
    """What is no parcel travels as it is: each one is judged by itself."""
    if all(isinstance(one, dict) and one.keys() == set(parcel.Parcel._fields) for one in value):
        return parcel.encode_parcels([to_parcel(one) for one in value])
    return cbor.encode({"v": 1, "parcels": value})


PARCEL_CODECS: Final[dict[str, Codec]] = {
    "gate": Codec(_decode_gate, _encode_gate, is_signed=True),
    "intake_key": Codec(_decode_intake_key, _encode_intake_key, is_signed=True),
    "letter": Codec(_decode_letter, _encode_letter, is_signed=True),
    "pass": Codec(_decode_pass, _encode_pass, is_signed=True),
    "parcel": Codec(
        lambda data: parcel.parcel_map(parcel.decode_parcel(cbor.decode(data))), lambda value, _seed: cbor.encode(parcel.parcel_map(to_parcel(value)))
    ),
    "contents": Codec(_decode_contents, _encode_contents),
    "publication": Codec(
        lambda data: publication_value(parcel.decode_publication(data)), lambda value, _seed: parcel.encode_publication(to_publication(value))
    ),
    "parcels": Codec(lambda data: list(parcel.decode_parcels(data)), _encode_parcels),
    "come": Codec(_decode_come, _encode_come),
}
