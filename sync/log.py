"""The log: chain, author order, forks (docs/spec.md §3). The same rules for the server that appends and the reader that checks.

Pure. What an entry means is decided by sync/registry.py and sync/membership.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shared_schema import ids
from shared_schema.entry import Entry, Head
from shared_schema.errors import Contradiction, Malformed, Refused

ChainAt = Callable[[int], bytes | None]


class AuthorHead(NamedTuple):
    """An author's last entry in a log."""

    sq: int
    id: bytes


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where a log stands. `authors` maps device (or authority) id to its last entry."""

    log: bytes
    head: Head
    received_ms: int = 0
    authors: Mapping[bytes, AuthorHead] = field(default_factory=dict)


class Placed(NamedTuple):
    """An entry at its place."""

    seq: int
    received_ms: int
    chain: bytes
    entry: Entry


def empty_log(log: bytes, incarnation: bytes) -> LogHead:
    """A log with nothing in it."""
    return LogHead(log, Head(incarnation, 0, ids.chain_start(log)))


def place(state: LogHead, entry: Entry, now_ms: int) -> tuple[LogHead, Placed]:
    """Put `entry` at the next place. Time never runs backwards within a log, whatever the clock says."""
    received_ms = max(now_ms, state.received_ms)
    seq = state.head.seq + 1
    chain = ids.chain_next(state.head.chain, seq, received_ms, entry.id)
    head = Head(state.head.incarnation, seq, chain)
    return LogHead(state.log, head, received_ms, state.authors), Placed(seq, received_ms, chain, entry)


def follow_id(state: LogHead, entry_id: bytes, received_ms: int) -> LogHead:
    """The log after an entry of which the server serves nothing but its id. Raises Contradiction when time runs backwards."""
    _check_time(state, received_ms)
    seq = state.head.seq + 1
    head = Head(state.head.incarnation, seq, ids.chain_next(state.head.chain, seq, received_ms, entry_id))
    return LogHead(state.log, head, received_ms, state.authors)


def _check_time(state: LogHead, received_ms: int) -> None:
    if received_ms < state.received_ms:
        raise Contradiction(f"entry {state.head.seq + 1} was received before entry {state.head.seq}")


def follow(state: LogHead, entry: Entry, received_ms: int) -> tuple[LogHead, Placed]:
    """Take the next entry that the server serves. Raises Contradiction when time runs backwards."""
    _check_time(state, received_ms)
    return place(state, entry, received_ms)


def follows_author(state: LogHead, entry: Entry) -> bool:
    """True when `entry` is its author's next one in this log."""
    last = state.authors.get(entry.author)
    return entry.sq == 1 if last is None else (entry.sq, entry.pv) == (last.sq + 1, last.id)


def check_follows(state: LogHead, entry: Entry) -> None:
    """For readers. Raises Refused `clone-detected` unless `entry` is its author's next one in this log."""
    if not follows_author(state, entry):
        raise Refused("clone-detected", f"number {entry.sq} is not its author's next")


def check_author(state: LogHead, entry: Entry) -> None:
    """§3.1 rule 4. Raises Refused: clone-detected for a number that is taken, after-predecessor for a gap."""
    last = state.authors.get(entry.author, AuthorHead(0, b""))
    if entry.sq <= last.sq:
        raise Refused("clone-detected", f"number {entry.sq} is taken by another entry")
    if entry.sq > last.sq + 1:
        raise Refused("after-predecessor", f"number {entry.sq} follows {last.sq}")
    if last.sq and entry.pv != last.id:
        raise Refused("clone-detected", f"number {entry.sq} follows another entry than the log's {last.sq}")


def restored(state: LogHead, incarnation: bytes) -> LogHead:
    """The same log under another incarnation."""
    return LogHead(state.log, state.head._replace(incarnation=incarnation), state.received_ms, state.authors)


def advance_author(state: LogHead, entry: Entry) -> LogHead:
    """`state` with `entry` as its author's last."""
    authors = {**state.authors, entry.author: AuthorHead(entry.sq, entry.id)}
    return LogHead(state.log, state.head, state.received_ms, authors)


def check_address(entry: Entry, svc: bytes, log: bytes) -> None:
    """Raises Malformed unless the entry was signed for this service and log."""
    if entry.svc != svc or entry.log != log:
        raise Malformed("the entry was signed for another service or log")


def check_carried(state: LogHead, sealed: Entry, chain_at: ChainAt) -> None:
    """Raises Refused `not-permitted` when the author of what is admitted claims to have seen another history of this log: its changes could
    claim to have seen anything.
    """
    try:
        check_seen(state, sealed, chain_at)
    except Contradiction as error:
        raise Refused("not-permitted", f"of what is admitted: {error}") from error


def check_seen(state: LogHead, entry: Entry, chain_at: ChainAt) -> None:
    """Raises Contradiction when the head that the author saw is not on this log's chain, whatever incarnation it names: a chain says the same in all.
    `chain_at` knows every place up to the head.
    """
    seen = entry.sn
    if seen.seq > state.head.seq:
        raise Contradiction("the author saw an entry that this log does not have")
    chain = state.head.chain if seen.seq == state.head.seq else chain_at(seen.seq)
    if chain != seen.chain:
        raise Contradiction(f"the author saw another entry {seen.seq}")
