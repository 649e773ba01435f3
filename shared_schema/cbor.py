"""Strict deterministic CBOR (RFC 8949 §4.2.1), narrowed as docs/spec.md §1 says.

Vectors: shared_schema/vectors/cbor/.  Refuses, with Malformed and nothing else: floats, tags, simple values, indefinite lengths,
longer-than-needed heads, integers beyond 2**53-1, text that is not UTF-8, map keys that are not text or 0..23, duplicate or
unordered keys, nesting beyond 16, and any byte after the one item.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared_schema.errors import Malformed

MAX_INT: Final = 2**53 - 1
MAX_DEPTH: Final = 16

Value = Any  # int, bytes, str, bool, None, and sequences and mappings of these


class Raw(bytes):
    """Bytes that already are one encoded item and are spliced in as they stand, on encoding only."""

    __slots__ = ()


def head(major: int, value: int) -> bytes:
    """One CBOR head: major type 0..7 and its argument in shortest form."""
    if value < 24:
        return bytes((major << 5 | value,))
    if value < 0x100:
        return bytes((major << 5 | 24, value))
    if value < 0x1_0000:
        return bytes((major << 5 | 25, value >> 8, value & 255))
    if value < 0x1_0000_0000:
        return bytes((major << 5 | 26,)) + value.to_bytes(4, "big")
    return bytes((major << 5 | 27,)) + value.to_bytes(8, "big")


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Raises Malformed for a value this profile cannot carry."""
    out = bytearray()
    _write(value, out, 0)
    return bytes(out)


def _write(value: Any, out: bytearray, depth: int) -> None:
    kind = type(value)
    if kind is bytes:
        out += head(2, len(value))
        out += value
    elif kind is str:
        try:
            data = value.encode()
        except UnicodeEncodeError as error:
            raise Malformed("text holds a lone surrogate, want valid Unicode") from error
        out += head(3, len(data))
        out += data
    elif kind is int:
        if not -MAX_INT <= value <= MAX_INT:
            raise Malformed(f"integer of {value.bit_length()} bits, want at most 53")
        out += head(0, value) if value >= 0 else head(1, -1 - value)
    elif kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH}")
        out += head(4, len(value))
        for item in value:
            _write(item, out, depth + 1)
    elif value is None:
        out.append(0xF6)
    elif kind is bool:
        out.append(0xF5 if value else 0xF4)
    elif kind is Raw:
        out += value
    elif isinstance(value, Mapping):
        _write_map(value, out, depth)
    else:
        raise Malformed(f"a {kind.__name__} has no place in this encoding")


def _write_map(value: Mapping[Any, Any], out: bytearray, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH}")
    pairs = sorted((_key(key), key) for key in value)
    out += head(5, len(pairs))
    for encoded, key in pairs:
        out += encoded
        _write(value[key], out, depth + 1)


def _key(key: Any) -> bytes:
    if type(key) is str:
        data = key.encode()
        return head(3, len(data)) + data
    if type(key) is int and 0 <= key < 24:
        return bytes((key,))
    raise Malformed("map key is neither text nor an integer 0..23")


def decode(data: bytes) -> Any:
    """Parse exactly one item. Raises Malformed, and nothing else, on any other bytes."""
    try:
        value, end = _read(data, 0, 0)
    except IndexError:
        raise Malformed(f"cut short at {len(data)} B") from None
    if end != len(data):
        raise Malformed(f"{len(data) - end} B after the item")
    return value


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
    if major == 7:
        if 20 <= value <= 22:
            return (False, True, None)[value - 20], at
        raise Malformed(f"simple value or float {value}")
    if value >= 24:
        value, at = _argument(data, at, value)
    if major == 2:
        return _slice(data, at, value), at + value
    if major == 3:
        return _text(data, at, value), at + value
    if major == 0:
        if value > MAX_INT:
            raise Malformed("integer beyond 2**53-1")
        return value, at
    if major == 1:
        if value >= MAX_INT:
            raise Malformed("integer below -(2**53-1)")
        return -1 - value, at
    if major == 6:
        raise Malformed(f"tag {value}")
    if depth >= MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH}")
    if value > len(data) - at:
        raise Malformed("more items announced than bytes left")
    if major == 4:
        items = []
        for _ in range(value):
            item, at = _read(data, at, depth + 1)
            items.append(item)
        return items, at
    return _read_map(data, at, value, depth)


def _argument(data: bytes, at: int, code: int) -> tuple[int, int]:
    if code == 24:
        value = data[at]
        if value < 24:
            raise Malformed("head longer than needed")
        return value, at + 1
    if code > 27:
        raise Malformed("indefinite length or reserved head")
    size = 1 << (code - 24)
    raw = _slice(data, at, size)
    value = int.from_bytes(raw, "big")
    if value >> (size * 4) == 0:
        raise Malformed("head longer than needed")
    return value, at + size


def _slice(data: bytes, at: int, size: int) -> bytes:
    end = at + size
    if end > len(data):
        raise Malformed(f"cut short: {size} B announced, {len(data) - at} B left")
    return bytes(data[at:end])


def _text(data: bytes, at: int, size: int) -> str:
    try:
        return _slice(data, at, size).decode()
    except UnicodeDecodeError:
        raise Malformed("text is not UTF-8") from None


def _read_map(data: bytes, at: int, size: int, depth: int) -> tuple[dict[Any, Any], int]:
    result: dict[Any, Any] = {}
    previous = b""
    for _ in range(size):
        start = at
        key, at = _read(data, at, depth + 1)
        if type(key) is not str and not (type(key) is int and 0 <= key < 24):
            raise Malformed("map key is neither text nor an integer 0..23")
        encoded = data[start:at]
        if encoded <= previous:
            raise Malformed("map keys repeat or are out of order")
        previous = encoded
        result[key], at = _read(data, at, depth + 1)
    return result, at
