"""Small strict checks that decoders share: each takes a decoded value and returns it typed, or raises Malformed."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from shared_schema.cbor import MAX_INT
from shared_schema.errors import Malformed


def as_bytes(value: object, size: int, name: str) -> bytes:
    """A byte string of exactly `size` bytes."""
    if type(value) is not bytes or len(value) != size:
        raise Malformed(f"{name} is not {size} bytes")
    return value


def as_blob(value: object, name: str) -> bytes:
    """A byte string of any length."""
    if type(value) is not bytes:
        raise Malformed(f"{name} is not a byte string")
    return value


def as_id(value: object, name: str) -> bytes:
    """A 16-byte id."""
    return as_bytes(value, 16, name)


def as_hash(value: object, name: str) -> bytes:
    """A 32-byte hash."""
    return as_bytes(value, 32, name)


def as_uint(value: object, name: str, low: int = 0, high: int = MAX_INT) -> int:
    """An integer from `low` to `high`."""
    if type(value) is not int or not low <= value <= high:
        raise Malformed(f"{name} is not an integer from {low} to {high}")
    return value


def as_text(value: object, name: str, longest: int = 200) -> str:
    """A text of 1 to `longest` characters."""
    if type(value) is not str or not 1 <= len(value) <= longest:
        raise Malformed(f"{name} is not a text of 1 to {longest} characters")
    return value


def as_list(value: object, name: str, longest: int = 1 << 20) -> list[Any]:
    """A list of at most `longest` items."""
    if type(value) is not list or len(value) > longest:
        raise Malformed(f"{name} is not a list of at most {longest} items")
    return value


def as_tuple(value: object, name: str, size: int) -> list[Any]:
    """A list of exactly `size` items."""
    if type(value) is not list or len(value) != size:
        raise Malformed(f"{name} is not a list of {size} items")
    return value


def as_map(value: object, name: str, required: frozenset[Any], optional: frozenset[Any] = frozenset()) -> dict[Any, Any]:
    """A map with exactly the `required` keys and none beyond the `optional` ones."""
    if type(value) is not dict:
        raise Malformed(f"{name} is not a map")
    keys = value.keys()
    if not required <= keys or not keys <= required | optional:
        raise Malformed(f"{name} has missing or unknown keys")
    return value


def check_json_safe(value: Any) -> None:
    """Raises Malformed when a record's value holds what JSON cannot: bytes, or a map key that is not text."""
    kind = type(value)
    if kind is list:
        for item in value:
            check_json_safe(item)
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise Malformed("a value's map key is not text")
            check_json_safe(item)
    elif kind is bytes:
        raise Malformed("a value holds bytes")


@cache  # called where it is used, with literals
def keys(*names: Any) -> frozenset[Any]:
    """The key set of a map."""
    return frozenset(names)


def versioned(value: object, name: str, *more: str) -> dict[str, Any]:
    """A map with exactly the keys `more` and `v`, which is 1."""
    map_ = as_map(value, name, keys("v", *more))
    if map_["v"] != 1 or map_["v"] is True:
        raise Malformed(f"{name} version is not 1")
    return map_


def frozen(value: Any) -> Any:
    """`value` with every list made a tuple, for use as part of a frozen value."""
    if type(value) is list:
        return tuple(frozen(item) for item in value)
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    return value
