"""Files whose genesis is held, for its author had lost its place when it came (docs/spec.md §7.5): who is in them, should anybody let them begin."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import Connection

from server import store
from shared_schema import cbor
from shared_schema.entry import decode_entry
from shared_schema.roles import may_sign
from sync import membership
from sync.membership import FileState
from sync.registry import Registry


class Unborn(NamedTuple):
    """A file that has not begun, and the device that would begin it."""

    file: FileState
    by: bytes


Files = Mapping[bytes, Unborn]


def load(tx: Connection, begun: Iterable[bytes], known: Registry) -> Files:
    """Those of a side, from its database."""
    found = {}
    for log in store.held_counts(tx).keys() - set(begun):
        first = store.held_after(tx, log, 0, 1)[0]
        entry = decode_entry(first.cose, cbor.decode(first.parts))
        found[log] = Unborn(membership.take(None, entry, known, first.held_ms), entry.author)
    return MappingProxyType(found)


def after(files: Files, held: Files, begun: Iterable[bytes]) -> Files:
    """After a commit that held these, and in which those began. Replaced whole, so that other threads may read it."""
    gone = files.keys() & set(begun)
    if not held and not gone:
        return files
    return MappingProxyType({log: file for log, file in {**files, **held}.items() if log not in gone})


def role_to_decide(file: FileState, user: bytes) -> bool:
    """True for somebody whom the genesis names in a role that lets held work in."""
    role = file.members.get(user)
    return role is not None and may_sign("admit", file.file, file.side, role)


def can_begin(file: FileState, author: bytes) -> bool:
    """True when anybody but its author could let it begin."""
    return any(role_to_decide(file, user) for user in file.members if user != author)
