"""What passes between a locked device and who helps to open it: request, answer, and the signed word of who helped (docs/spec.md §13).

Vectors: shared_schema/vectors/unlock/.  Shape only; who may help is judged in sync/unlock.py.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from shared_schema import cbor, cose, ids, limits
from shared_schema.errors import Malformed
from shared_schema.recovery import RECEIVE_BYTES
from shared_schema.shape import as_blob, as_bytes, as_hash, as_id, as_list, as_map, as_tuple, as_uint, keys, versioned

HELP: Final = "fieldkeep-help"
KEM_BYTES: Final = 1120  # X-Wing encapsulation
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
MOST_KEYS: Final = 2  # while a store key is being changed, the old one and the new
DIGITS: Final = 6


class Box(NamedTuple):
    """The store keys of one device, sealed to `to`: a device's id, or that of a recovery key."""

    to: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A locked device asks for help. `key` is its fresh receiving key (1,216 bytes), `made` its claimed time in ms, `boxes` rise by `to`. `id` is the
    hash of its bytes.
    """

    device: bytes
    key: bytes
    made: int
    boxes: tuple[Box, ...]
    id: bytes

    def box_for(self, to: bytes) -> Box | None:
        """The box of this recipient, if there is one."""
        return next((box for box in self.boxes if box.to == to), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to request `request` (its id), sealed to its key."""

    request: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Help:
    """Who opened the box of `to` for `device`: signed by a device; `by` is the signature of a recovery key where that opened it."""

    request: bytes
    device: bytes
    to: bytes
    at: int
    by: bytes | None
    sign1: cose.Sign1


class Contents(NamedTuple):
    """What an answer opens to: the store keys that the box held, and the COSE bytes of a `Help`."""

    keys: tuple[bytes, ...]
    help: bytes


def request_id(data: bytes) -> bytes:
    """What names a request, 32 bytes, from its bytes."""
    return ids.sha256(ids.label("help-request") + data)


def check_digits(request: bytes, challenge: str) -> str:
    """The six digits that are read back: of request `request` (its id), for the `challenge` that the helper read out. Raises Malformed."""
    if len(challenge) != DIGITS or not (challenge.isascii() and challenge.isdigit()):
        raise Malformed(f"a challenge has {DIGITS} digits")
    number = int.from_bytes(ids.sha256(ids.label("help-check") + request + challenge.encode())[:8], "big")
    return f"{number % 10**DIGITS:0{DIGITS}}"


def unlock_bound(svc: bytes, device: bytes, request: bytes) -> bytes:
    """What a recovery key signs when its shares open the box of `device`."""
    return ids.label("unlock") + svc + device + request


def encode_request(device: bytes, key: bytes, made: int, boxes: tuple[Box, ...]) -> bytes:
    """The bytes of a request."""
    return cbor.encode({"v": 1, "device": device, "key": key, "made": made, "boxes": [list(box) for box in boxes]})


def decode_request(data: bytes) -> Request:
    """Raises Malformed."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_OBJECT), "request", "device", "key", "made", "boxes")
    boxes = tuple(_box(one) for one in as_list(map_["boxes"], "boxes", limits.BOXES_PER_DEVICE))
    if not boxes or any(one.to >= other.to for one, other in pairwise(boxes)):
        raise Malformed("boxes are not a rising list of at least one")
    key = as_bytes(map_["key"], RECEIVE_BYTES, "key")
    return Request(as_id(map_["device"], "device"), key, as_uint(map_["made"], "made"), boxes, request_id(data))


def _box(value: object) -> Box:
    to, sealed = as_tuple(value, "box", 2)
    return Box(as_id(to, "to"), check_sealed(as_blob(sealed, "sealed")))


def check_sealed(sealed: bytes) -> bytes:
    """The sealed bytes of a box. Raises Malformed unless they have room for one or two store keys."""
    if len(sealed) not in {KEM_BYTES + KEY_BYTES * count + TAG_BYTES for count in range(1, MOST_KEYS + 1)}:
        raise Malformed("a box holds one or two store keys")
    return sealed


def encode_answer(request: bytes, sealed: bytes) -> bytes:
    """The bytes of an answer."""
    return cbor.encode({"v": 1, "request": request, "sealed": sealed})


def decode_answer(data: bytes) -> Answer:
    """Raises Malformed."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_OBJECT), "answer", "request", "sealed")
    return Answer(as_hash(map_["request"], "request"), as_blob(map_["sealed"], "sealed"))


def encode_contents(store_keys: tuple[bytes, ...], signed: bytes) -> bytes:
    """What is sealed in an answer."""
    return cbor.encode({"v": 1, "keys": list(store_keys), "help": signed})


def decode_contents(data: bytes) -> Contents:
    """Raises Malformed."""
    map_ = versioned(cbor.decode(data, limits.ITEMS_PER_OBJECT), "contents", "keys", "help")
    found = tuple(as_bytes(key, KEY_BYTES, "key") for key in as_list(map_["keys"], "keys", MOST_KEYS))
    if not found:
        raise Malformed("an answer holds one or two store keys")
    return Contents(found, as_blob(map_["help"], "help"))


def help_payload(request: bytes, device: bytes, to: bytes, at: int, by: bytes | None) -> bytes:
    """The payload of a `fieldkeep-help`."""
    payload: dict[str, Any] = {"request": request, "device": device, "to": to, "at": at, "by": by}
    return cbor.encode(payload)


def decode_help(data: bytes) -> Help:
    """From its COSE bytes; its signature is not checked here. Raises Malformed."""
    sign1 = cose.decode(data, HELP)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "help", keys("request", "device", "to", "at", "by"))
    by = None if map_["by"] is None else as_bytes(map_["by"], 64, "by")
    return Help(as_hash(map_["request"], "request"), as_id(map_["device"], "device"), as_id(map_["to"], "to"), as_uint(map_["at"], "at"), by, sign1)
