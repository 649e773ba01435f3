"""RFC 6962 Merkle tree: hashes, roots, inclusion and consistency proofs (docs/spec.md §10.2).  Vectors: shared_schema/vectors/merkle/.

Pure: a tree is read through `Nodes`, a function (level, index) -> hash of a complete subtree of 2**level leaves.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from shared_schema import ids
from shared_schema.errors import Contradiction

Nodes = Callable[[int, int], bytes]
EMPTY: Final = ids.sha256(b"")
_EVENT: Final = ids.label("event")


def event_commitment(salt: bytes, event: bytes) -> bytes:
    """The salted commitment of an audit event: the leaf's data, 32 bytes."""
    return ids.sha256(_EVENT + salt + event)


def leaf_hash(data: bytes) -> bytes:
    """H(0x00 ‖ data)."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """H(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def range_hash(nodes: Nodes, low: int, high: int) -> bytes:
    """MTH of leaves [low, high); `low` is a multiple of the range's power of two."""
    size = high - low
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, low >> level)
    middle = low + _split(size)
    return node_hash(range_hash(nodes, low, middle), range_hash(nodes, middle, high))


def root(nodes: Nodes, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return EMPTY if size == 0 else range_hash(nodes, 0, size)


def inclusion_path(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """RFC 6962 §2.1.1: the audit path of leaf `index` in the tree of `size` leaves."""
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_hash(nodes, middle, high))
            high = middle
        else:
            path.append(range_hash(nodes, low, middle))
            low = middle
    return path[::-1]


def consistency_path(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """RFC 6962 §2.1.2: the proof that the tree of `old` leaves is a prefix of the tree of `new`. Empty for 0 or equal sizes."""
    if old in (0, new):
        return []
    low, high, whole, path = 0, new, True, []
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(range_hash(nodes, middle, high))
            high = middle
        else:
            path.append(range_hash(nodes, low, middle))
            low, whole = middle, False
    if not whole:
        path.append(range_hash(nodes, low, high))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """RFC 9162 §2.1.3.2: the root that `path` leads to. Raises Contradiction when the path cannot fit."""
    if not 0 <= index < size:
        raise Contradiction(f"leaf {index} is not in a tree of {size}")
    fn, sn, value = index, size - 1, leaf
    for node in path:
        if sn == 0:
            raise Contradiction("the audit path is too long")
        if fn & 1 or fn == sn:
            value = node_hash(node, value)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = node_hash(value, node)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise Contradiction("the audit path is too short")
    return value


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """RFC 9162 §2.1.4.2. Raises Contradiction unless `path` proves that the old tree is a prefix of the new."""
    if old > new:
        raise Contradiction(f"the tree shrank from {old} to {new}")
    if old == new or old == 0:
        if path or (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY):
            raise Contradiction("two roots for one tree size")
        return
    proof = list(path) if old & (old - 1) else [old_root, *path]
    if not proof:
        raise Contradiction("the consistency proof is empty")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = proof[0]
    for node in proof[1:]:
        if sn == 0:
            raise Contradiction("the consistency proof is too long")
        if fn & 1 or fn == sn:
            first, second = node_hash(node, first), node_hash(node, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, node)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or first != old_root or second != new_root:
        raise Contradiction("the newer tree does not contain the older one")


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes held in memory."""
    if not leaves:
        return EMPTY
    row = list(leaves)
    while len(row) > 1:
        paired = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = paired + row[len(paired) * 2 :]
    return row[0]


def prefix_roots(leaves: Sequence[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """The root of the first n leaf hashes, for every n of `sizes` that the tree has."""
    wanted = set(sizes)
    roots = {0: EMPTY} if 0 in wanted else {}
    whole: list[tuple[int, bytes]] = []  # complete subtrees from the left: level and hash
    for n, leaf in enumerate(leaves, 1):
        level, value = 0, leaf
        while whole and whole[-1][0] == level:
            level, value = level + 1, node_hash(whole.pop()[1], value)
        whole.append((level, value))
        if n in wanted:
            root = whole[-1][1]
            for _, left in reversed(whole[:-1]):
                root = node_hash(left, root)
            roots[n] = root
    return roots
