"""Chunks of attachments on one side (docs/spec.md §18.3 to §18.6): kept while a part in the log, or among what is held, names them.

The server cannot read which record names which chunk, so a device claims them for the part that does, by the part's hash, before it pushes it. What a removal
takes goes in its transaction, and its bytes before anybody is answered; what nothing claims goes when its grace is over.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from server import chunk_rows
from server.bodies import Bodies
from server.chunk_rows import GONE, STANDS, WAITS
from shared_schema import limits
from shared_schema.chunk import Claim
from shared_schema.errors import Refused

COLLECT_EVERY_MS: Final = 3_600_000
_COLLECTED: Final = 1024  # chunks in one transaction
Waiting = Mapping[bytes, frozenset[bytes]]


class Chunks:
    """What one transaction does to chunks. `waiting` are the parts, by log, that were claimed for and have not come; `came_back` is true of a side of which an
    older copy was put in place: there a part may be in the log without its claim.
    """

    def __init__(self, tx: Connection, waiting: Waiting, now_ms: int, *, came_back: bool = False) -> None:
        self._tx, self._now_ms, self._came_back = tx, now_ms, came_back
        self._before, self.waiting = waiting, dict(waiting)
        self._touched: set[bytes] = set()
        self.gone = False

    @property
    def claimed(self) -> frozenset[bytes]:
        """The logs of which other parts wait than before."""
        return frozenset(log for log in self._touched if self.waiting.get(log) != self._before.get(log))

    def claim(self, log: bytes, claims: Iterable[Claim], absent: frozenset[str]) -> list[bytes]:
        """Keep these chunks for the parts that name them; which are not there. Raises Refused `erased` where a part was removed."""
        claimed = [(claim, chunk_rows.claim_state(self._tx, log, claim.part)) for claim in claims]
        if any(state == GONE for _, state in claimed):
            raise Refused("erased")
        missing: list[bytes] = []
        for claim, known in claimed:
            state = STANDS if known is None and self._came_back and chunk_rows.has_part(self._tx, log, claim.part) else known
            chunk_rows.put_claim(self._tx, log, claim.part, claim.chunks, WAITS if state is None else state, self._now_ms)
            chunk_rows.renew(self._tx, log, claim.chunks, self._now_ms)
            here = chunk_rows.places(self._tx, log, claim.chunks)
            missing += [chunk for chunk in claim.chunks if chunk not in here or here[chunk] in absent]
            if state is None:
                self._waits(log, self.waiting.get(log, frozenset()) | {claim.part})
        return missing

    def came(self, log: bytes, parts: Iterable[bytes]) -> None:
        """An envelope with these parts is in the log, or held: what is claimed for them stands."""
        waits = self.waiting.get(log)
        if waits:
            here = waits.intersection(parts)
            for part in here:
                chunk_rows.set_state(self._tx, log, part, STANDS)
            self._came(log, here)

    def _came(self, log: bytes, parts: Iterable[bytes]) -> None:
        self._waits(log, self.waiting.get(log, frozenset()).difference(parts))

    def _waits(self, log: bytes, parts: frozenset[bytes]) -> None:
        self._touched.add(log)
        self.waiting.pop(log, None)
        if parts:
            self.waiting[log] = parts

    def keep(self, log: bytes, chunk: bytes, size: int, place: str, most: int, absent: frozenset[str]) -> None:
        """The bytes of a chunk lie, durably, at `place`: from this transaction's commit on it is kept. Raises Refused: erased, quota."""
        check_room(self._tx, log, chunk, size, most, absent)
        before = chunk_rows.place_of(self._tx, log, chunk)
        if before is not None:
            chunk_rows.put_going(self._tx, [before], 0)
            self.gone = True
        chunk_rows.put_chunk(self._tx, log, chunk, size, self._now_ms, place)

    def renew(self, log: bytes, chunk: bytes) -> bool:
        """The same of a chunk that is there already; False where it has gone meanwhile."""
        chunk_rows.renew(self._tx, log, [chunk], self._now_ms)
        return chunk_rows.place_of(self._tx, log, chunk) is not None

    def surplus(self, place: str) -> None:
        """Bytes that were put and are not wanted."""
        chunk_rows.put_going(self._tx, [place], 0)
        self.gone = True

    def expunge(self, log: bytes, part: bytes) -> None:
        """What a part named goes with it."""
        chunk_rows.drop_claimed(self._tx, log, part)
        self._came(log, [part])
        self.gone = True

    def erase(self, log: bytes) -> None:
        """A file goes."""
        chunk_rows.drop_log(self._tx, log)
        self._waits(log, frozenset())
        self.gone = True

    def collect(self) -> None:
        """What nothing claims, and has not for the time of grace."""
        for log, part in chunk_rows.collect(self._tx, self._now_ms - limits.CHUNK_GRACE_MS, _COLLECTED):
            self._came(log, [part])
        self.gone = True


def check_room(tx: Connection, log: bytes, chunk: bytes, size: int, most: int, absent: frozenset[str]) -> None:
    """Raises Refused `erased` for a chunk that went with a part, `quota` where the file has no room for it."""
    if chunk_rows.was_removed(tx, log, chunk):
        raise Refused("erased")
    place = chunk_rows.place_of(tx, log, chunk)
    if (place is None or place in absent) and chunk_rows.bytes_of(tx, log) + size > most:
        raise Refused("quota", f"this file's attachments have no more room, want at most {most} B")


class Keeper:
    """A side's chunks between transactions: where their bytes lie, what waits, and what is to go."""

    def __init__(self, engine: Engine, bodies: Bodies) -> None:
        self.engine, self.bodies = engine, bodies
        self.waiting: Waiting = MappingProxyType({})
        self.absent: frozenset[str] = frozenset()
        """Places at which no bytes are: they count as missing. So it is where an older copy of them was put back."""
        self.overwritten = True
        """False while bytes that had to go may still lie somewhere."""
        self.collect_at_ms = 0

    def load(self, tx: Connection) -> None:
        """From the database, once."""
        self.waiting = chunk_rows.waiting(tx)

    def load_of(self, tx: Connection, logs: Iterable[bytes]) -> None:
        """The same of some logs, of which another process took or got something."""
        found = {log: chunk_rows.waiting_in(tx, log) for log in logs}
        self.waiting = MappingProxyType({log: parts for log, parts in {**self.waiting, **found}.items() if parts})

    def begin(self, now_ms: int) -> None:
        """At the start, before anything is served: compare the two stores. What only the bytes' store has, of a process that ended in between or of a newer
        copy, goes when the grace is over; what only the database has is missing.
        """
        with suppress(OSError, DatabaseError):
            there = {place for place, _ in self.bodies.places()}
            with self.engine.connect().execution_options(writes=True) as tx, tx.begin():
                named = chunk_rows.all_places(tx)
                chunk_rows.put_going(tx, there - named - chunk_rows.all_going(tx), now_ms + limits.CHUNK_GRACE_MS)
            self.absent = frozenset(named - there)
        self.collect_at_ms = now_ms + COLLECT_EVERY_MS
        self.overwrite(now_ms)

    def is_due(self, now_ms: int) -> bool:
        """True once an hour, where there is anything that could be collected."""
        if now_ms < self.collect_at_ms:
            return False
        self.collect_at_ms = now_ms + COLLECT_EVERY_MS
        with self.engine.connect() as tx, tx.begin():
            return chunk_rows.has_any(tx)

    def committed(self, chunks: Chunks, now_ms: int) -> None:
        """After a commit; what went is overwritten before anybody is answered."""
        self.waiting = MappingProxyType(chunks.waiting)
        if chunks.gone:
            self.overwrite(now_ms)

    def overwrite(self, now_ms: int) -> None:
        """Overwrite what had to go. After a failure it is tried again (`overwritten` says so); the database knows what is left."""
        self.overwritten = False
        with suppress(OSError, DatabaseError):
            with self.engine.connect() as tx, tx.begin():
                places = chunk_rows.going(tx, now_ms)
            if places:
                self.bodies.remove(places)
                with self.engine.connect().execution_options(writes=True) as tx, tx.begin():
                    chunk_rows.went(tx, places)
            self.overwritten = True
