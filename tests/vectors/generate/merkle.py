"""Vectors of the audit tree: leaves, roots, inclusion and consistency (docs/spec.md §10.2; RFC 6962)."""

import hashlib
from typing import Any, Final

from shared_schema import cbor
from tests.vectors.generate import event
from tests.vectors.generate.world import C1, T0, FileLog, fill, head_of, perpetrator, travelling
from tests.vectors.notation import Book

_SIZES: Final = (0, 1, 2, 3, 4, 5, 7, 8, 13)


def _leaf(number: int) -> bytes:
    return hashlib.sha256(b"\0" + fill(f"merkle/leaf/{number}", 32)).digest()


def _root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, straight from its definition."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + _root(leaves[:k]) + _root(leaves[k:])).digest()


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962."""
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*_path(index, leaves[:k]), _root(leaves[k:])]
    return [*_path(index - k, leaves[k:]), _root(leaves[:k])]


def _proof(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962."""
    if old == len(leaves):
        return [] if whole else [_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if old <= k:
        return [*_proof(old, leaves[:k], whole=whole), _root(leaves[k:])]
    return [*_proof(old - k, leaves[k:], whole=False), _root(leaves[:k])]


_LEAVES: Final = [_leaf(number) for number in range(13)]


def _leaves(book: Book) -> None:
    data = fill("merkle/leaf/0", 32)
    book.add("leaf_hash", "A leaf is hashed under a zero byte.", op="leaf_hash", given={"data": data}, out=_LEAVES[0])
    book.add("leaf_hash_empty", "An empty leaf.", op="leaf_hash", given={"data": b""}, out=hashlib.sha256(b"\0").digest())
    salt, event = fill("merkle/salt", 32), cbor.encode({"e": "accepted"})
    out = hashlib.sha256(b"fieldkeep/v1/event\0" + salt + event).digest()
    book.add("event_commitment", "An event is committed to under a salt.", op="event_commitment", given={"salt": salt, "event": event}, out=out)
    log = FileLog(perpetrator(8), C1)
    one = log.append(log.envelope(C1, 1, [fill("merkle/part", 304)]))
    chain = head_of(log, 1).chain
    for void in (False, True):
        event = cbor.encode({"e": "accepted", "log": log.id, "id": one.id, "seq": 1, "ms": T0, "author": C1.id, "chain": chain, "void": void})
        out = hashlib.sha256(b"\0" + hashlib.sha256(b"fieldkeep/v1/event\0" + salt + event).digest()).digest()
        given = {"log": log.id, "entry": travelling(one), "seq": 1, "received_ms": T0, "chain": chain, "salt": salt, "void": void}
        book.add(
            f"accepted_leaf_{'void' if void else 'valid'}",
            "The leaf of an accepted entry is rebuilt from the entry, not believed.",
            op="accepted_leaf",
            given=given,
            out=out,
        )


def _roots(book: Book) -> None:
    for size in _SIZES:
        book.add(f"root_{size}", "The root of the first leaves.", op="root", given={"leaves": _LEAVES[:size]}, out=_root(_LEAVES[:size]))
    for size, index in ((1, 0), (2, 1), (3, 2), (5, 0), (7, 6), (8, 3), (13, 4), (13, 12)):
        given: dict[str, Any] = {"leaves": _LEAVES[:size], "index": index}
        path = _path(index, _LEAVES[:size])
        book.add(f"inclusion_{index}_of_{size}", "The audit path of one leaf.", op="inclusion", given=given, out=path)
        given = {"leaf": _LEAVES[index], "index": index, "size": size, "path": path, "root": _root(_LEAVES[:size])}
        book.add(f"included_{index}_of_{size}", "The path leads to the root.", op="check_inclusion", given=given, out=None)
    for old, new in ((0, 5), (1, 2), (2, 3), (3, 4), (4, 8), (6, 8), (7, 13), (8, 13), (12, 13), (13, 13)):
        path = _proof(old, _LEAVES[:new]) if old else []
        book.add(
            f"consistency_{old}_{new}",
            "The proof that the older tree is a prefix of the newer.",
            op="consistency",
            given={"leaves": _LEAVES[:new], "old": old},
            out=path,
        )
        given = {"old": old, "old_root": _root(_LEAVES[:old]), "new": new, "new_root": _root(_LEAVES[:new]), "path": path}
        book.add(f"consistent_{old}_{new}", "The proof holds.", op="check_consistency", given=given, out=None)


def _refused(book: Book) -> None:
    whole = _LEAVES[:13]
    good: dict[str, Any] = {"leaf": whole[4], "index": 4, "size": 13, "path": _path(4, whole), "root": _root(whole)}
    path: list[bytes] = good["path"]

    def included(name: str, why: str, **over: Any) -> None:
        book.refuse(f"inclusion_{name}", why, "contradiction", op="check_inclusion", given=good | over)

    included("other_leaf", "Another leaf.", leaf=whole[5])
    included("other_index", "The leaf stands at another place.", index=5)
    included("other_root", "Another root.", root=_root(whole[:12]))
    included("other_size", "A tree of another size.", size=8)
    included("index_at_size", "A place beyond the tree.", index=13)
    included("index_negative", "A negative place.", index=-1)
    included("empty_tree", "An empty tree holds no leaf.", index=0, size=0, path=[])
    included("path_short", "The last hash of the path is missing.", path=path[:-1])
    included("path_without_first", "The first hash of the path is missing.", path=path[1:])
    included("path_long", "A hash after the path.", path=[*path, bytes(32)])
    included("path_swapped", "Two hashes of the path are swapped.", path=[path[1], path[0], *path[2:]])
    included("path_changed", "One bit of the path was changed.", path=[path[0], bytes((path[1][0] ^ 1,)) + path[1][1:], *path[2:]])
    inner = hashlib.sha256(b"\1" + whole[4] + whole[5]).digest()
    included("node_as_leaf", "An inner node shown as a leaf.", leaf=inner, index=2, path=path[1:])
    base: dict[str, Any] = {"old": 6, "old_root": _root(whole[:6]), "new": 13, "new_root": _root(whole), "path": _proof(6, whole)}
    proof: list[bytes] = base["path"]

    def consistent(name: str, why: str, **over: Any) -> None:
        book.refuse(f"consistency_{name}", why, "contradiction", op="check_consistency", given=base | over)

    consistent("other_old_root", "Another older root.", old_root=_root(whole[1:7]))
    consistent("other_new_root", "Another newer root.", new_root=_root([*whole[:12], whole[0]]))
    consistent("shrunk", "The newer tree is smaller.", old=13, old_root=_root(whole), new=6, new_root=_root(whole[:6]))
    consistent("same_size", "Two roots for one size.", old=13, old_root=_root([*whole[:12], whole[0]]), path=[])
    consistent("same_size_with_path", "A proof between a tree and itself is empty.", old=13, old_root=_root(whole))
    consistent("from_nothing_with_path", "A proof from the empty tree is empty.", old=0, old_root=_root([]))
    consistent("from_nothing_other_root", "The empty tree has one root.", old=0, old_root=bytes(32), path=[])
    consistent("empty", "No proof.", path=[])
    consistent("empty_power_of_two", "No proof from a tree whose size is a power of two.", old=8, old_root=_root(whole[:8]), path=[])
    consistent("short", "The last hash of the proof is missing.", path=proof[:-1])
    consistent("without_first", "The first hash of the proof is missing.", path=proof[1:])
    consistent("long", "A hash after the proof.", path=[*proof, bytes(32)])
    consistent("changed", "One bit of the proof was changed.", path=[bytes((proof[0][0] ^ 1,)) + proof[0][1:], *proof[1:]])
    consistent("other_size", "The proof is for another older size.", old=5, old_root=_root(whole[:5]))


def books() -> list[Book]:
    """Two files: `tree`, `event`."""
    book = Book("merkle", "tree", "The audit tree of RFC 6962: what it holds, and that it only grows.", "10.2")
    for number, leaf in enumerate(_LEAVES):
        book.share(f"leaf {number}", leaf)
    _leaves(book)
    _roots(book)
    _refused(book)
    return [book, event.book()]
