"""One transaction's worth of decisions over a realm, and what it has seen and put so far.

Nothing that is decided is true before `store.flush` and the database's commit.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from server import store
from server.append import unborn as unborn_files
from server.append.unborn import Unborn
from server.audit_log import AuditLog
from server.chunks import Chunks, Waiting
from server.gone import Gone
from server.marks import heals
from server.parcel_store import ParcelBatch
from server.removing import Removing
from shared_schema import cbor, ids
from shared_schema.entry import Head, Witness
from shared_schema.receipt import RECEIPT, Item, receipt_payload
from shared_schema.wire import Answer, Opening
from sync import log as log_rules
from sync.log import LogHead
from sync.membership import FileState
from sync.registry import Registry

_RECENT: Final = 256


@dataclass(slots=True)
class OpenLog:
    """A log's state in memory. `recent` maps places to chains, for checking what authors saw: all that are not in the database yet, and some more.
    A place keeps its chain for as long as this is in memory.
    """

    head: LogHead
    file: FileState | None = None
    recent: dict[int, bytes] = field(default_factory=dict)

    def chain_at(self, tx: Connection, seq: int) -> bytes | None:
        """chain[seq], None past the head. What the database said is kept: whoever was away brings many entries that saw one place."""
        if seq == 0:
            return ids.chain_start(self.head.log)
        chain = self.recent.get(seq) or store.chain_at(tx, self.head.log, seq)
        if chain is not None:
            self.recent[seq] = chain
        return chain

    def trim(self) -> None:
        """Forget old places: after a commit the database has them."""
        if len(self.recent) > 2 * _RECENT:
            self.recent = dict(list(self.recent.items())[-_RECENT:])


class Delivery(NamedTuple):
    """Entries (from, to] of a log went to a device."""

    log: bytes
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one request's entries: answers in their order, receipts, openings, each log's accepted places, and
    what opens each of their leaves.

    `delivered` are the pages, made of nothing but these places, whose delivery the audit log holds already.
    """

    answers: tuple[Answer, ...]
    receipts: tuple[bytes, ...]
    openings: tuple[Opening, ...]
    placed: Mapping[bytes, list[log_rules.Placed]]
    leaves: Mapping[bytes, tuple[int, bytes]]
    delivered: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Sender:
    """The authenticated device of a request, or None for an enrolment."""

    device: bytes
    user: bytes


class Turn(NamedTuple):
    """A `restore` that was taken: the incarnation that it ends, and the newest checkpoint that its author had verified."""

    incarnation: bytes
    before: Witness | None


class Commit:
    """Decisions of one transaction over a realm. `load` reads a log's state; `sign` makes a server-signed object; `may_begin` and `may_state`
    raise Refused `quota` for a device that has begun enough files, or sent enough statements; `files_of` are the logs that name a person, or did;
    `knows` says whether there is a log.
    """

    def __init__(
        self,
        tx: Connection,
        *,
        known: Registry,
        unborn: unborn_files.Files = MappingProxyType({}),
        incarnation: bytes,
        audit: AuditLog,
        now_ms: int,
        load: Callable[[Connection, bytes], OpenLog | None],
        sign: Callable[[str, bytes], bytes],
        has_refusals: Callable[[bytes], bool],
        files_of: Callable[[bytes], Mapping[bytes, int | None]],
        knows: Callable[[bytes], bool],
        may_begin: Callable[[bytes], None] = lambda _device: None,
        may_state: Callable[[bytes], None] = lambda _device: None,
        gone: Gone | None = None,
        chunks_waiting: Waiting = MappingProxyType({}),
        wanted: Mapping[bytes, int] = MappingProxyType({}),
    ) -> None:
        self.tx, self.registry, self.incarnation, self.audit, self.now_ms = tx, known, incarnation, audit, now_ms
        self.load, self.sign, self.has_refusals, self.files_of, self.knows = load, sign, has_refusals, files_of, knows
        self.may_begin, self.may_state = may_begin, may_state
        self.wanted = wanted
        self.turn: Turn | None = None
        self.unborn: dict[bytes, Unborn] = {}
        self.unborn_before = unborn
        self.named: dict[bytes, set[bytes]] = {}
        self.stored_room = 0
        self.batch = store.Batch()
        self.parcels = ParcelBatch()
        self.chunks = Chunks(tx, chunks_waiting, now_ms, came_back=bool(known.restorations))
        self.removing = Removing(tx, self.batch, self.parcels, self.chunks, gone or Gone(), now_ms)
        self.logs: dict[bytes, OpenLog] = {}
        self.refused_logs: set[bytes] = set()

    def open(self, log: bytes) -> OpenLog | None:
        """A log as it stands in this transaction; None for one that is not there."""
        opened = self.logs.get(log)
        if opened is None:
            opened = self.load(self.tx, log)
            if opened is not None:
                opened = self.logs[log] = replace(opened)
        return opened

    def stored(self, log: bytes, author: bytes, sq: int) -> tuple[bytes, int, int, Any] | None:
        """(entry id, seq, leaf, travelling pair) of the entry that took `sq`, in this transaction or before."""
        for row in self.batch.entries:
            if row["log_id"] == log and row["author"] == author and row["sq"] == sq:
                return row["entry_id"], row["seq"], row["leaf"], [row["cose"], cbor.Raw(row["parts"])]
        found = store.entry_by_author(self.tx, log, author, sq)
        return None if found is None else (found.entry_id, found.seq, found.leaf, [found.cose, cbor.Raw(found.parts)])

    def receipt_of(self, log: bytes, seq: int) -> bytes | None:
        """The receipt that names the entry at this place, in this transaction or before."""
        for row in self.batch.receipts:
            if row["log_id"] == log and row["first_seq"] <= seq <= row["last_seq"]:
                receipt: bytes = row["receipt"]
                return receipt
        return store.receipt_for(self.tx, log, seq)

    def receipt(self, log: bytes, places: list[log_rules.Placed]) -> bytes:
        """A receipt for entries that were just put, and its row."""
        items = [Item(place.entry.id, place.seq, place.received_ms) for place in places]
        last = places[-1]
        receipt = self.sign(RECEIPT, receipt_payload(log, self.incarnation, items, last.seq, last.chain))
        self.batch.receipts.append({"log_id": log, "first_seq": places[0].seq, "last_seq": last.seq, "receipt": receipt})
        return receipt

    def put(
        self, opened: OpenLog, head: LogHead, place: log_rules.Placed, file: FileState | None, *, void: bool = False, counts: bool = True
    ) -> tuple[log_rules.Placed, int]:
        """Put an entry at its place: its row, its audit event, its log's head. Returns the place and the audit leaf. One that is void may not count in
        its author's order.
        """
        entry = place.entry
        leaf = self.audit.write(
            self.batch,
            {
                "e": "accepted", "log": entry.log, "id": entry.id, "seq": place.seq, "ms": place.received_ms,
                "author": entry.author, "chain": place.chain, "void": void,
            },
        )  # fmt: skip
        self.chunks.came(entry.log, entry.hashes)
        if place.seq == 1:
            self.batch.new_heads.add(entry.log)
        opened.head = log_rules.advance_author(head, entry) if counts else head
        opened.recent[place.seq] = place.chain
        self.logs[entry.log] = opened
        self.batch.entries.append(
            {
                "log_id": entry.log, "seq": place.seq, "entry_id": entry.id, "author": entry.author, "sq": entry.sq,
                "statement": 0 if entry.is_envelope else 1, "received_ms": place.received_ms, "chain": place.chain,
                "leaf": leaf, "cose": entry.cose, "parts": cbor.encode(list(entry.parts)),
            }
        )  # fmt: skip
        kind = "registry" if entry.log == self.registry.log else file.file if file else ""
        self.batch.heads[entry.log] = {
            "log_id": entry.log, "kind": kind, "seq": place.seq, "chain": place.chain, "received_ms": place.received_ms,
        }  # fmt: skip
        if counts:
            self.batch.authors[(entry.log, entry.author)] = {
                "log_id": entry.log, "device_id": entry.author, "sq": entry.sq, "entry_id": entry.id,
            }  # fmt: skip
        return place, leaf

    def put_ghost(self, opened: OpenLog, head: Head, received_ms: int, entry_id: bytes) -> None:
        """Put what is left of an entry of an erased file at its place."""
        log, nobody = opened.head.log, bytes(16)
        told = {"e": "accepted", "log": log, "id": entry_id, "seq": head.seq, "ms": received_ms, "author": nobody, "chain": head.chain, "void": False}
        leaf = self.audit.write(self.batch, told)
        opened.head = LogHead(log, head, received_ms, opened.head.authors)
        opened.recent[head.seq] = head.chain
        self.logs[log] = opened
        self.batch.entries.append(
            {
                "log_id": log, "seq": head.seq, "entry_id": entry_id, "author": b"", "sq": head.seq, "statement": 0, "received_ms": received_ms,
                "chain": head.chain, "leaf": leaf, "cose": b"", "parts": b"",
            }
        )  # fmt: skip
        kind = opened.file.file if opened.file else ""
        self.batch.heads[log] = {"log_id": log, "kind": kind, "seq": head.seq, "chain": head.chain, "received_ms": received_ms}

    def record_members(self, seq: int, joins: Mapping[bytes, str], leaves: Collection[bytes], log: bytes) -> None:
        """Who is named in a file from place `seq` on, and who is no more."""
        self.batch.moves += [(False, {"log": log, "user": user, "left": seq}) for user in leaves]
        for user, role in joins.items():
            self.named.setdefault(user, set()).add(log)
            self.batch.moves.append((True, {"log_id": log, "user_id": user, "from_seq": seq, "to_seq": None, "role": role}))

    def heals(self, log: bytes) -> bool:
        """True for a file that waits for what was lost of it: nothing else is taken of it."""
        opened = self.open(log)
        return heals(self.registry, log, opened.head.head.seq if opened else 0, self.wanted)

    def unborn_file(self, log: bytes) -> Unborn | None:
        """A file whose genesis is held, in this transaction or before (§7.5)."""
        return self.unborn.get(log) or self.unborn_before.get(log)

    def file_of(self, log: bytes) -> FileState | None:
        """A file's state in this transaction; None for what is no file here."""
        opened = self.open(log)
        return opened.file if opened else None

    def head_of(self, log: bytes) -> Head | None:
        """Where a log stands in this transaction."""
        opened = self.open(log)
        return opened.head.head if opened else None
