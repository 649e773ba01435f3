"""Strict deterministic CBOR (RFC 8949 §4.2.1), narrowed as docs/spec.md §1 says.

Vectors: shared_schema/vectors/cbor/.  Refuses, with Malformed and nothing else: floats, tags, simple values, indefinite lengths,
longer-than-needed heads, integers beyond 2**53-1, text that is not UTF-8, map keys that are not text or 0..23, duplicate or
unordered keys, nesting beyond 16, and any byte after the one item.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from shared_schema.errors import Malformed

MAX_INT: Final = 2**53 - 1
MAX_DEPTH: Final = 16

Value = Any  # int, bytes, str, bool, None, and sequences and mappings of these


class Raw(bytes):
    """Bytes that already are one encoded item and are spliced in as they stand, on encoding only."""

    __slots__ = ()


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    if 255 < value < 65_536:  # the size of most parts
        return bytes((major << 5 | 25, value >> 8, value & 255))
    for code, size in ((24, 1), (25, 2), (26, 4)):
        if value < 1 << 8 * size:
            return bytes((major << 5 | code,)) + value.to_bytes(size, "big")
    return bytes((major << 5 | 27,)) + value.to_bytes(8, "big")


_HEADS: Final = tuple(tuple(_head(major, value) for value in range(256)) for major in range(8))


def head(major: int, value: int) -> bytes:
    """One CBOR head: major type 0..7 and its argument in shortest form."""
    return _HEADS[major][value] if value < 256 else _head(major, value)


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Raises Malformed for a value this profile cannot carry."""
    out: list[bytes] = []
    _write(value, out.append, 0)
    return b"".join(out)


def _write(value: Any, put: Callable[[bytes], None], depth: int) -> None:
    kind = type(value)
    if kind is bytes:
        put(head(2, len(value)))
        put(value)
    elif kind is str:
        put(_text_item(value))
    elif kind is int:
        if not -MAX_INT <= value <= MAX_INT:
            raise Malformed(f"integer of {value.bit_length()} bits, want at most 53")
        put(head(0, value) if value >= 0 else head(1, -1 - value))
    elif kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH}")
        put(head(4, len(value)))
        for item in value:
            _write(item, put, depth + 1)
    elif value is None:
        put(b"\xf6")
    elif kind is bool:
        put(b"\xf5" if value else b"\xf4")
    elif kind is Raw:
        put(value)
    elif isinstance(value, Mapping):
        _write_map(value, put, depth)
    else:
        raise Malformed(f"a {kind.__name__} has no place in this encoding")


def _text_item(value: str) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError as error:
        raise Malformed("text holds a lone surrogate, want valid Unicode") from error
    return head(3, len(data)) + data


def _write_map(value: Mapping[Any, Any], put: Callable[[bytes], None], depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH}")
    pairs = sorted((_key(key), key) for key in value)
    put(head(5, len(pairs)))
    for encoded, key in pairs:
        put(encoded)
        _write(value[key], put, depth + 1)


@lru_cache(maxsize=4096, typed=True)
def _key(key: Any) -> bytes:
    if type(key) is str:
        return _text_item(key)
    if type(key) is int and 0 <= key < 24:
        return bytes((key,))
    raise Malformed("map key is neither text nor an integer 0..23")


def decode(data: bytes, most: int | None = None) -> Any:
    """Parse exactly one item, which holds at most `most`. Raises Malformed, and nothing else, on any other bytes."""
    if most is not None and len(data) > most:  # an item has a byte at least
        _check_items(data, most)
    try:
        value, end = _read(data, 0, 0)
    except IndexError:
        raise Malformed(f"cut short at {len(data)} B") from None
    if end != len(data):
        raise Malformed(f"{len(data) - end} B after the item")
    return value


_STEPS: Final = tuple(0 if 24 <= first & 31 <= 27 else 1 + (first & 31) * (first >> 5 in (2, 3)) for first in range(256))  # 0: see the argument


def _check_items(data: bytes, most: int) -> None:
    """Raises Malformed for more than `most` heads, before anything is made of them. What else is wrong is for `decode` to say."""
    at, end = 0, len(data)
    for _ in range(most):
        if at >= end:
            return
        first = data[at]
        step = _STEPS[first]
        if not step:
            step = 1 + (1 << (first & 31) - 24)
            if first >> 5 in (2, 3):
                step += int.from_bytes(data[at + 1 : at + step], "big")
        at += step
    if at < end:
        raise Malformed(f"more than {most} items")


def decode_prefix(data: bytes, start: int) -> tuple[Any, int]:
    """Parse the item that begins at `start`; return it and where it ends. Raises Malformed."""
    try:
        return _read(data, start, 0)
    except IndexError:
        raise Malformed(f"cut short at {len(data)} B") from None


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    first = data[at]
    major, value = first >> 5, first & 31
    at += 1
    if value >= 24 and major != 7:
        value, at = _argument(data, at, value)
    if major == 2:
        end = at + value
        if end > len(data):
            raise _cut_short(data, at, value)
        return data[at:end], end
    if major == 0:
        if value > MAX_INT:
            raise Malformed("integer beyond 2**53-1")
        return value, at
    if major == 3:
        return _text(data, at, value), at + value
    if major == 4 or major == 5:
        if depth >= MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH}")
        if value > len(data) - at:
            raise Malformed("more items announced than bytes left")
        return _read_list(data, at, value, depth) if major == 4 else _read_map(data, at, value, depth)
    return _read_rare(major, value), at


def _read_list(data: bytes, at: int, size: int, depth: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(size):
        item, at = _read(data, at, depth + 1)
        items.append(item)
    return items, at


def _read_rare(major: int, value: int) -> int | bool | None:
    if major == 1:
        if value >= MAX_INT:
            raise Malformed("integer below -(2**53-1)")
        return -1 - value
    if major == 6:
        raise Malformed(f"tag {value}")
    if 20 <= value <= 22:
        return (False, True, None)[value - 20]
    raise Malformed(f"simple value or float {value}")


def _argument(data: bytes, at: int, code: int) -> tuple[int, int]:
    if code == 24:
        value = data[at]
        if value < 24:
            raise Malformed("head longer than needed")
        return value, at + 1
    if code > 27:
        raise Malformed("indefinite length or reserved head")
    size = 1 << (code - 24)
    end = at + size
    if end > len(data):
        raise _cut_short(data, at, size)
    value = int.from_bytes(data[at:end], "big")
    if value >> (size * 4) == 0:
        raise Malformed("head longer than needed")
    return value, end


def _cut_short(data: bytes, at: int, size: int) -> Malformed:
    return Malformed(f"cut short: {size} B announced, {len(data) - at} B left")


def _text(data: bytes, at: int, size: int) -> str:
    end = at + size
    if end > len(data):
        raise _cut_short(data, at, size)
    try:
        return data[at:end].decode()
    except UnicodeDecodeError:
        raise Malformed("text is not UTF-8") from None


@lru_cache(maxsize=4096)
def _short_text(encoded: bytes) -> str:
    return _text(encoded, 1, encoded[0] - 0x60)


def _read_map(data: bytes, at: int, size: int, depth: int) -> tuple[dict[Any, Any], int]:
    result: dict[Any, Any] = {}
    previous = b""
    for _ in range(size):
        start, first = at, data[at]
        if 0x60 < first < 0x78:  # text of 1 to 23 bytes, as nearly every key is
            at += first - 0x5F
            encoded = data[start:at]
            key: Any = _short_text(encoded)
        else:
            key, at = _read(data, at, depth + 1)
            if type(key) is not str and not (type(key) is int and 0 <= key < 24):
                raise Malformed("map key is neither text nor an integer 0..23")
            encoded = data[start:at]
        if encoded <= previous:
            raise Malformed("map keys repeat or are out of order")
        previous = encoded
        result[key], at = _read(data, at, depth + 1)
    return result, at
