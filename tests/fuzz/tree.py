"""CBOR as a tree that may be wrong: read leniently from good bytes, damaged in its parts, and written again with what was left alone put right.

A byte string that holds one item, or a signed object, is a branch of the tree: so a change deep inside of one has right lengths around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from shared_schema import cbor
from shared_schema.errors import Malformed

TAG = b"\xd2"
_MOST_INNER = 200_000  # bytes of a string that is looked into


@dataclass(slots=True)
class Node:
    """One item. `raw` are bytes that stand in its place; `says` is what its head declares where that is a lie, `wide` a head longer than needed."""

    major: int
    argument: int = 0
    data: bytes = b""
    kids: list["Node"] = field(default_factory=list)
    inner: "Node | None" = None
    before: bytes = b""
    raw: bytes | None = None
    says: int | None = None
    wide: int = 0

    def walk(self) -> Iterator["Node"]:
        """Itself, and all that is in it."""
        stack = [self]
        while stack:
            one = stack.pop()
            yield one
            stack += one.kids
            if one.inner is not None:
                stack.append(one.inner)

    def copy(self) -> "Node":
        """The same once more, sharing nothing that changes."""
        inner = None if self.inner is None else self.inner.copy()
        return Node(self.major, self.argument, self.data, [kid.copy() for kid in self.kids], inner, self.before, self.raw, self.says, self.wide)

    def encode(self) -> bytes:
        """Its bytes, as right or wrong as it is."""
        if self.raw is not None:
            return self.raw
        if self.major in (2, 3):
            data = self.data if self.inner is None else self.before + self.inner.encode()
            return self._head(len(data)) + data
        if self.major in (4, 5):
            return self._head(len(self.kids) // (self.major - 3)) + b"".join([kid.encode() for kid in self.kids])
        return self._head(self.argument)

    def _head(self, true: int) -> bytes:
        value = (true if self.says is None else self.says) % (1 << 64)
        if not self.wide:
            return cbor.head(self.major, value)
        size = 1 << self.wide - 24
        return bytes([self.major << 5 | self.wide]) + (value & (1 << 8 * size) - 1).to_bytes(size, "big")


def parse(data: bytes) -> Node | None:
    """The tree of one whole item, signed object or not; None for what is neither."""
    before = TAG if data[:1] == TAG else b""
    try:
        value = cbor.decode(data[len(before) :])
    except (Malformed, RecursionError):
        return None
    node = of(value)
    return node if not before else Node(2, inner=node, before=before, raw=None)


def of(value: object) -> Node:
    """The tree of a value."""
    if isinstance(value, bool) or value is None:
        return Node(7, {False: 20, True: 21, None: 22}[value])
    if isinstance(value, int):
        return Node(0, value) if value >= 0 else Node(1, -1 - value)
    if isinstance(value, str):
        return Node(3, data=value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, dict):
        return Node(5, kids=[of(one) for pair in value.items() for one in pair])
    assert isinstance(value, list | tuple), type(value)
    return Node(4, kids=[of(one) for one in value])


def _bytes(value: bytes) -> Node:
    if 2 <= len(value) <= _MOST_INNER and len(value) not in (16, 32, 64):
        inner = parse(value)
        if inner is not None:
            return inner if inner.major == 2 and inner.before else Node(2, inner=inner)
    return Node(2, data=value)


def whole(node: Node) -> bytes:
    """The bytes of a tree from `parse`: of a signed object without the head that it would have as a byte string."""
    if node.major == 2 and node.before and node.inner is not None and node.raw is None:
        return node.before + node.inner.encode()
    return node.encode()


def nested(depth: int, leaf: bytes, draw: Random) -> bytes:
    """`leaf`, `depth` lists or maps deep."""
    opened = b"\x81" if draw.random() < 0.6 else b"\xa1\x61a"
    return opened * depth + leaf
