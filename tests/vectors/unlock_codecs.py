"""The codecs of help with a forgotten passphrase (docs/spec.md §13): see tests/vectors/codecs.py."""

from typing import Any, Final

from shared_schema import unlock
from tests.vectors.coding import Codec, Value, sign, signed_value


def _decode_request(data: bytes) -> Value:
    one = unlock.decode_request(data)
    assert one.id == unlock.request_id(data)
    return {"device": one.device, "key": one.key, "made": one.made, "boxes": [list(box) for box in one.boxes]}


def _encode_request(value: Value, _seed: bytes) -> bytes:
    return unlock.encode_request(value["device"], value["key"], value["made"], tuple(unlock.Box(*box) for box in value["boxes"]))


def _decode_answer(data: bytes) -> Value:
    one = unlock.decode_answer(data)
    return {"request": one.request, "sealed": one.sealed}


def _decode_contents(data: bytes) -> Value:
    one = unlock.decode_contents(data)
    return {"keys": list(one.keys), "help": one.help}


def _decode_help(data: bytes) -> Value:
    one = unlock.decode_help(data)
    payload: dict[str, Any] = {"request": one.request, "device": one.device, "to": one.to, "at": one.at, "by": one.by}
    return signed_value(one.sign1, payload)


UNLOCK_CODECS: Final[dict[str, Codec]] = {
    "help": Codec(_decode_help, lambda value, seed: sign(value, unlock.help_payload(**value["payload"]), seed), is_signed=True),
    "help_request": Codec(_decode_request, _encode_request),
    "help_answer": Codec(_decode_answer, lambda value, _seed: unlock.encode_answer(value["request"], value["sealed"])),
    "help_contents": Codec(_decode_contents, lambda value, _seed: unlock.encode_contents(tuple(value["keys"]), value["help"])),
}
