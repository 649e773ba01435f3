"""The audit log of one side: events, RFC 6962 tree in C2SP tiles, signed checkpoints (docs/spec.md §10).

    event  = CBOR map with `e`          commitment = H(L("event") ‖ salt ‖ event)          leaf hash = H(0x00 ‖ commitment)

An event is written in the transaction that causes it. `sequence` puts waiting events into the tree and signs the new head; only
what is `published`, after that transaction's commit, is ever shown. One thread writes; any thread may read what is published.
"""

import hmac
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from server import store
from shared_schema import cbor
from shared_schema.checkpoint import encode_checkpoint
from sync import merkle
from sync.signing import SigningKey, sign_checkpoint

TILE: Final = 256
HASH: Final = 32


class Published(NamedTuple):
    """A signed tree head. `edge` maps each tile level to its unfinished last tile."""

    size: int
    root: bytes
    note: str
    edge: dict[int, bytes]


class AuditLog:
    """One side's tree. `next` counts the events written; salts come from `salt_key`."""

    def __init__(self, tx: Connection, origin: str, key: SigningKey, salt_key: bytes) -> None:
        self.origin, self._key, self._salt_key = origin, key, salt_key
        self.next = store.event_count(tx)
        self._committed: list[tuple[int, bytes]] = []
        self._full: dict[tuple[int, int], bytes] = {}
        self._roots: dict[int, bytes] = {}
        self.load(tx)

    def load(self, tx: Connection) -> None:
        """The newest tree, from the database: at the start, and when another process has signed it."""
        size, note = store.newest_checkpoint(tx) or (0, "")
        edge = {level: store.tile(tx, level, (size >> 8 * level) // TILE) or b"" for level in range(8) if size >> 8 * level}
        edge = {level: hashes for level, hashes in edge.items() if len(hashes) < TILE * HASH}
        self.published = Published(size, merkle.EMPTY, note, edge)
        root = merkle.root(self.reader(tx), size)
        self.published = Published(size, root, note or self._sign(0, root), edge)

    def salt(self, n: int) -> bytes:
        """The salt of event `n`, which opens its leaf."""
        return hmac.digest(self._salt_key, n.to_bytes(8, "big"), "sha256")

    def write(self, batch: store.Batch, event: dict[str, Any]) -> int:
        """Put an event among the rows of `batch`; returns its leaf's index."""
        n = self.next
        self.next += 1
        batch.events.append({"n": n, "event": cbor.encode(event)})
        return n

    def committed(self, events: Iterable[store.Row]) -> None:
        """These rows are durable now: kept at hand for `sequence`, which need not read them back."""
        self._committed += [(row["n"], row["event"]) for row in events]

    def count(self, tx: Connection) -> None:
        """Look how many events there are, where other processes write some too."""
        count = store.event_count(tx)
        if count != self.next:
            self.next = count
            self._committed = []  # not all of them any more

    @property
    def unsequenced(self) -> bool:
        """Whether this process itself wrote events that are not in the tree yet."""
        return bool(self._committed)

    @property
    def waiting(self) -> int:
        """How many events are not in the published tree yet."""
        return self.next - self.published.size

    def sequence(self, tx: Connection) -> Published:
        """Append all waiting events to the tree and sign it. The caller commits and then sets `published` to the result."""
        size, edge = self.published.size, dict(self.published.edge)
        dirty: dict[tuple[int, int], bytes] = {}
        while size < self.next and (events := self._waiting(tx, size)):
            for n, event in events:
                _append(edge, dirty, size, merkle.leaf_hash(merkle.event_commitment(self.salt(n), event)))
                size += 1
        if size == self.published.size:
            return self.published
        store.put_tiles(tx, dirty)
        root = merkle.root(self._reader(tx, size, edge), size)
        note = self._sign(size, root)
        store.put_checkpoint(tx, size, note)
        return Published(size, root, note, edge)

    def _waiting(self, tx: Connection, size: int) -> list[tuple[int, bytes]]:
        """Events from number `size` on: from memory, or after a start or a failure from the database."""
        events, self._committed = self._committed, []
        return events if events and events[0][0] == size else store.events_from(tx, size, 4096)

    def _sign(self, size: int, root: bytes) -> str:
        return encode_checkpoint(sign_checkpoint(self._key, self.origin, size, root))

    def reader(self, tx: Connection) -> Callable[[int, int], bytes]:
        """Reads the hash of any complete subtree of the published tree."""
        return self._reader(tx, self.published.size, self.published.edge)

    def _reader(self, tx: Connection, size: int, edge: dict[int, bytes]) -> Callable[[int, int], bytes]:
        @cache  # the paths of one answer share most of their nodes
        def rows(tile_level: int, n: int) -> list[list[bytes]]:
            last = n == (size >> 8 * tile_level) // TILE
            return _rows(edge.get(tile_level, b"") if last else self._full_tile(tx, tile_level, n))

        def node(level: int, index: int) -> bytes:
            tile_level, inner = divmod(level, 8)
            n, at = divmod(index, TILE >> inner)
            return rows(tile_level, n)[inner][at]

        return node

    def _full_tile(self, tx: Connection, level: int, n: int) -> bytes:
        hashes = self._full.get((level, n))
        if hashes is None:
            hashes = store.tile(tx, level, n) or b""
            if len(self._full) > 512:
                self._full = {}
            self._full[(level, n)] = hashes
        return hashes

    def tile(self, tx: Connection, level: int, n: int) -> bytes | None:
        """The published hashes of a tile; None when there is no such tile."""
        size, _, _, edge = self.published
        last = (size >> 8 * level) // TILE
        if n > last or level > 7:
            return None
        return (edge.get(level) or None) if n == last else self._full_tile(tx, level, n)

    def leaf_data(self, tx: Connection, start: int, end: int) -> list[bytes] | None:
        """The data of leaves [start, end): each event's salted commitment. None when the published tree has not all of them."""
        if end > self.published.size:
            return None
        return [merkle.event_commitment(self.salt(n), event) for n, event in store.events_from(tx, start, end - start)]

    def root_at(self, tx: Connection, size: int) -> bytes | None:
        """The root of the first `size` leaves; None for a tree that was never published."""
        if size > self.published.size:
            return None
        root = self._roots.get(size)
        if root is None:
            root = merkle.root(self.reader(tx), size)
            if len(self._roots) > 4096:
                self._roots = {}
            self._roots[size] = root
        return root

    def consistency(self, tx: Connection, old: int, published: Published) -> list[bytes]:
        """Proof from a tree of `old` leaves to the `published` one; empty when `old` is no size of this tree."""
        return merkle.consistency_path(self._reader(tx, published.size, published.edge), old, published.size) if old <= published.size else []

    def inclusion(self, tx: Connection, leaves: list[int], published: Published) -> list[list[bytes]]:
        """Audit paths of `leaves` in the `published` tree."""
        nodes = self._reader(tx, published.size, published.edge)
        return [merkle.inclusion_path(nodes, leaf, published.size) for leaf in leaves]


def _append(edge: dict[int, bytes], dirty: dict[tuple[int, int], bytes], index: int, leaf: bytes) -> None:
    value, level = leaf, 0
    while True:
        hashes = edge.get(level, b"") + value
        dirty[(level, index // TILE)] = hashes
        edge[level] = hashes
        if len(hashes) < TILE * HASH:
            return
        edge[level] = b""
        value, level, index = _rows(hashes)[8][0], level + 1, index // TILE


def _rows(hashes: bytes) -> list[list[bytes]]:
    """A tile's own hashes, and the complete subtrees above them, level by level."""
    rows = [[hashes[i : i + HASH] for i in range(0, len(hashes), HASH)]]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([merkle.node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return rows
