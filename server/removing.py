"""What two people remove goes in the transaction that takes their statement: a part, or a whole file (docs/spec.md §7.8 to §7.10, §9.6)."""

from typing import Any

from sqlalchemy import Connection

from server import chunk_rows, parcel_store, removal_rows, store
from server.chunks import Chunks
from server.gone import WHOLE_FILE, Gone
from shared_schema import cbor
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import Refused
from shared_schema.parcel import week_of
from shared_schema.removal import EXPIRED, Erase, Expunge, Purge
from sync import removal
from sync.registry import Registry


class Removing:
    """The removals of one transaction, put among the rows of its batch."""

    def __init__(self, tx: Connection, batch: store.Batch, parcels: parcel_store.ParcelBatch, chunks: Chunks, gone: Gone, now_ms: int) -> None:
        self.tx, self.batch, self.parcels, self.chunks, self.gone, self.now_ms = tx, batch, parcels, chunks, gone, now_ms

    def is_gone(self, entry: Entry) -> bool:
        """True when a part of this envelope, or of the one that this admission carries, was removed, whatever the database knows of that."""
        envelope = decode_entry_alone(entry.held).id if entry.held is not None else entry.id
        return self.gone.names(entry.log, envelope)

    def take(self, entry: Entry, statement: Any, received_ms: int) -> None:
        """What a statement that stands, and is received then, removes. Raises Refused `not-permitted` for a part that is not where it says."""
        if isinstance(statement, Expunge):
            removal.check_entry(entry, received_ms, lambda seq: self._entry_at(entry.log, seq))
            if statement.at:
                self._expunge_placed(entry.log, statement)
            else:
                self._expunge_held(entry.log, statement)
            self.chunks.expunge(entry.log, statement.hash)
            if statement.parcel is not None:
                self.parcels.dropped.append({"log": entry.log, "id": statement.parcel})
            self._note(entry, statement.id, statement.part, statement.at, statement.parcel or b"")
            self.batch.asked = self.batch.asked or statement.reason != EXPIRED
        if isinstance(statement, Erase):
            self.chunks.erase(entry.log)
            self.parcels.ended.append({"log": entry.log, "week": week_of(self.now_ms)})
            self._note(entry, b"", WHOLE_FILE, 0)
            self.batch.asked = True

    def _note(self, entry: Entry, envelope: bytes, part: int, at: int, parcel: bytes = b"") -> None:
        self.batch.gone.append({"log_id": entry.log, "entry_id": envelope, "part": part, "at": at, "parcel_id": parcel, "by_id": entry.id})

    def _entry_at(self, log: bytes, seq: int) -> tuple[Entry, int] | None:
        row = store.entry_at(self.tx, log, seq)
        return None if row is None else (decode_entry_alone(row.cose), row.received_ms)

    def _expunge_placed(self, log: bytes, statement: Expunge) -> None:
        row = store.entry_at(self.tx, log, statement.at)
        if row is None:  # check_entry found it there a moment ago; said again for the type checker
            raise Refused("not-permitted")
        before = self.batch.left.get((log, statement.at), row.parts)
        self.batch.left[log, statement.at] = without(before, statement.part)
        if (held := store.held_parts(self.tx, log, statement.id)) is not None:  # it was held before it was admitted
            self._drop_held(log, statement, held[2])

    def _expunge_held(self, log: bytes, statement: Expunge) -> None:
        held = store.held_parts(self.tx, log, statement.id)
        if held is None or held[0] not in ("", "refused", "expunged"):
            raise Refused("not-permitted", "what is to go is not held here")
        hashes = decode_entry_alone(held[1]).hashes
        if statement.part >= len(hashes) or hashes[statement.part] != statement.hash:
            raise Refused("not-permitted", "the part that is to go is another than the statement names")
        self._drop_held(log, statement, held[2])
        if held[0] == "" and not any(row["held_id"] == statement.id for row in self.batch.settled):
            self.batch.settled.append({"log": log, "held_id": statement.id, "to_outcome": "expunged"})

    def _drop_held(self, log: bytes, statement: Expunge, parts: bytes) -> None:
        before = self.batch.held_left.get((log, statement.id), parts)
        self.batch.held_left[log, statement.id] = without(before, statement.part)

    def purged(self, word: Purge, device: bytes, known: Registry, now_ms: int) -> bool:
        """Keep a device's word that it has purged what a statement removed; False where there is nothing to keep."""
        if (word.svc, word.by) != (known.svc, device) or not removal_rows.removes(self.tx, word.log, word.id):
            return False
        here = [row for row in self.batch.purges if row["log_id"] == word.log]
        if removal_rows.has_purged(self.tx, word.log, word.id, device) or any((row["by_id"], row["device_id"]) == (word.id, device) for row in here):
            return False
        n = removal_rows.next_purge(self.tx, word.log) + len(here)
        self.batch.purges.append({"log_id": word.log, "n": n, "by_id": word.id, "device_id": device, "ms": now_ms, "cose": word.cose})
        return True


def without(parts: bytes, part: int) -> bytes:
    """The parts of an entry, of which this one has gone."""
    return cbor.encode([None if i == part else one for i, one in enumerate(cbor.decode(parts))])


def apply_list(tx: Connection, gone: Gone, now_ms: int) -> bool:
    """Before anything is served: what is listed as removed is not in the database, whichever copy of it this is. True when something had to go."""
    found = False
    for one in gone:
        if one.part == WHOLE_FILE:
            found |= _apply_erasure(tx, one.log, one.by, now_ms)
        else:
            found |= bool(one.parcel) and parcel_store.drop(tx, one.log, one.parcel)
            found |= _apply_part(tx, one.log, one.id, one.part, one.at)
    return found


def _apply_erasure(tx: Connection, log: bytes, statement: bytes, now_ms: int) -> bool:
    rows = store.entries_after(tx, log, 0, 2**53, 1)
    chunk_rows.drop_log(tx, log)
    whole = bool(rows) and rows[0].cose != b"" and rows[0].entry_id != statement
    if whole or log in store.held_counts(tx):  # of a copy in which the file had not begun, what was held for it
        removal_rows.erase_log(tx, log, statement)
        parcel_store.end(tx, log, week_of(now_ms))
        return True
    return False


def _apply_part(tx: Connection, log: bytes, envelope: bytes, part: int, at: int) -> bool:
    found = False
    row = store.entry_at(tx, log, at) if at else None
    if row is not None and row.cose:
        entry = decode_entry_alone(row.cose)
        sealed = entry.sealed
        if sealed is not None and sealed.id == envelope:
            chunk_rows.drop_claimed(tx, log, sealed.hashes[part])
        if sealed is not None and sealed.id == envelope and cbor.decode(row.parts)[part] is not None:
            removal_rows.set_parts(tx, log, at, without(row.parts, part))
            found = True
    held = store.held_parts(tx, log, envelope)
    if held is not None:
        chunk_rows.drop_claimed(tx, log, decode_entry_alone(held[1]).hashes[part])
    if held is not None and cbor.decode(held[2])[part] is not None:
        removal_rows.set_held_parts(tx, log, envelope, without(held[2], part))
        found = True
    return found
