"""An unlocked device: its identity, its registry and logs as it has them, and the making of changes (docs/spec.md §13).

Holds state between the pure rules and the store. One session at a time per profile.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.certificate import Keys
from shared_schema.entry import EMPTY_ROOT, Entry, Head, Witness, decode_entry, decode_entry_alone
from shared_schema.errors import Refused
from shared_schema.ids import Side
from shared_schema.records import record_types
from sync import log as log_rules
from sync import membership, registry
from sync.change import Change, Op, decode_change, decode_part, encode_part
from sync.device.storage.store import Store
from sync.device.storage.tables import ChangeRow, EntryRow
from sync.exchange import Reader
from sync.fold import PENDING, Occurrence, Record, fold_log, fold_record
from sync.keys import ReceivingKey
from sync.log import AuthorHead, LogHead
from sync.registry import Registry
from sync.signing import SigningKey

Entropy = Callable[[int], bytes]
Clock = Callable[[], int]
IDENTITY: Final = "identity"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this device is. Seeds are 32 bytes. `authority` is the pinned fingerprint, `floor` the registry head it was invited at."""

    svc: bytes
    side: Side
    user: bytes
    name: str
    device: bytes
    sign_seed: bytes
    receive_seed: bytes
    authority: bytes
    incarnation: bytes
    server: str
    ca: str

    def encode(self) -> bytes:
        """For the store."""
        return cbor.encode({name: getattr(self, name) for name in self.__slots__})


class Session:
    """An unlocked device. `now_ms` and `entropy` come from the rim."""

    def __init__(self, store: Store, now_ms: Clock, entropy: Entropy) -> None:
        raw = store.fact(IDENTITY)
        if raw is None:
            raise Refused("no-profile")
        self.store, self.now_ms, self.entropy = store, now_ms, entropy
        self.identity = Identity(**cbor.decode(raw))
        self.sign_key = SigningKey(self.identity.sign_seed)
        self.receive_key = ReceivingKey(self.identity.receive_seed)
        self.types = record_types()
        self._readers: dict[bytes, Reader] = {}
        self.in_order: dict[bytes, tuple[bytes, int]] = {}
        """By log: the newest statement and the registry's length at which nothing was missing (syncing.py)."""
        self._stopped = {log: why for log, _, _, _, _, why in store.logs() if why}
        self.registry = self._fold_registry()
        self.registry_reader = Reader(self._log_head(self.registry.log))

    # --- identity and registry -------------------------------------------------------------------------------------------

    @staticmethod
    def establish(store: Store, identity: Identity) -> None:
        """Write a new device's identity into an empty store."""
        with store.transaction():
            if store.fact(IDENTITY) is not None:
                raise Refused("not-permitted", "this profile already is a device")
            store.set_fact(IDENTITY, identity.encode())

    @property
    def keys(self) -> Keys:
        """This device's public keys."""
        return Keys(self.identity.device, self.identity.name, self.sign_key.public, self.receive_key.public)

    def _fold_registry(self) -> Registry:
        known = registry.empty_registry(self.identity.svc, self.identity.side, self.identity.authority)
        for row in self.store.entries(known.log):
            entry = decode_entry(row.cose)
            known = registry.skip(known, row.chain, entry, row.void) if row.void else registry.take(known, entry, row.chain)
        return known

    @property
    def incarnation(self) -> bytes:
        """The one in force on this side, as far as its registry is here."""
        return self.registry.incarnation if self.registry.root is not None else self.identity.incarnation

    @property
    def certified(self) -> bool:
        """True once this device stands in its registry, while it is neither revoked nor suspended."""
        certificate = self.registry.devices.get(self.identity.device)
        return certificate is not None and certificate.acts

    @property
    def revoked(self) -> bool:
        """True once this device's own registry shows that it is revoked."""
        certificate = self.registry.devices.get(self.identity.device)
        return certificate is not None and certificate.revoked is not None

    def name_of(self, user: bytes) -> str:
        """A worker's display name, or their id when the registry has none."""
        for certificate in self.registry.devices.values():
            if certificate.subject.user == user:
                return certificate.subject.name
        return ids.show(user) if len(user) == 16 else "unknown"

    # --- logs ------------------------------------------------------------------------------------------------------------

    def _log_head(self, log: bytes) -> LogHead:
        row = self.store.log(log)
        if row is None:
            return log_rules.empty_log(log, self.incarnation)
        seq, chain, received_ms = row
        authors = {device: AuthorHead(sq, entry) for device, sq, entry in self.store.authors(log)}
        return LogHead(log, Head(self.incarnation, seq, chain), received_ms, authors)

    def reader(self, log: bytes) -> Reader:
        """A file log as this device has it, without what waits in its outbox."""
        reader = self._readers.get(log)
        if reader is None:
            file: membership.FileState | None = None
            for row in self.store.statements(log):
                entry = decode_entry_alone(row.cose)
                file = membership.skip(file, entry) if row.void else membership.take_kept(file, entry, self.registry, row.received_ms)
            reader = self._readers[log] = Reader(self._log_head(log), file, self.store.is_whole(log))
        return reader

    def holders_ever(self, log: bytes, since: int = 1, upto: int = 2**53) -> set[bytes]:
        """The devices that held a file's keys at some time from place `since` up to place `upto`, as far as this device has read it."""
        file: membership.FileState | None = None
        found: set[bytes] = set()
        for row in self.store.statements(log):
            if row.seq > upto:
                break
            entry = decode_entry_alone(row.cose)
            file = membership.skip(file, entry) if row.void else membership.take_kept(file, entry, self.registry, row.received_ms)
            holders = file.holders if file is not None else frozenset()
            found = set(holders) if row.seq <= since else found | holders
        return found

    def keep_reader(self, log: bytes, reader: Reader) -> None:
        """Remember where a log stands now."""
        self._readers[log] = reader

    def forget_reader(self, log: bytes) -> None:
        """Read a file from the store again: some of it was put aside."""
        self._readers.pop(log, None)
        self.in_order.pop(log, None)

    def forget_files(self) -> None:
        """Read all files from the store again: their incarnation is another."""
        self._readers.clear()

    def forget_readers(self) -> None:
        """Read logs from the store again: after a transaction that failed."""
        self._readers.clear()
        self._stopped = {log: why for log, _, _, _, _, why in self.store.logs() if why}
        self.registry = self._fold_registry()
        self.registry_reader = Reader(self._log_head(self.registry.log))

    def file(self, log: bytes) -> membership.FileState | None:
        """The file's state; of a file begun offline, from its genesis in the outbox."""
        state = self.reader(log).file
        if state is None:
            for item in self.store.outbox(log):
                if item.statement:
                    return membership.take(None, decode_entry(item.cose), self.registry, self.now_ms())
        return state

    def file_logs(self) -> list[bytes]:
        """Every file that this device knows, its own unsent ones included."""
        known = {log: None for log, *_ in self.store.logs()} | {item.log: None for item in self.store.waiting() if item.sq == 1}
        return [log for log in known if log != self.registry.log]

    def require_file(self, log: bytes) -> membership.FileState:
        """The file's state. Raises Refused `no-such-file`."""
        state = self.file(log)
        if state is None:
            raise Refused("no-such-file")
        return state

    def stopped(self, log: bytes) -> str:
        """Why nothing may be written to this log now; empty when it may."""
        return self._stopped.get(log, "")

    def stop_log(self, log: bytes, why: str) -> None:
        """Stop or, with '', resume writing to a log."""
        if self._stopped.get(log, "") != why:
            self.store.stop_log(log, why)
            self._stopped[log] = why

    def chain_at(self, log: bytes) -> log_rules.ChainAt:
        """Looks up chain[n] of a log in this device's history."""
        return lambda seq: ids.chain_start(log) if seq == 0 else self.store.chain_at(log, seq)

    def author(self, log: bytes) -> tuple[AuthorHead, Head]:
        """This device's last entry in a log, sent and waiting ones included, and the head that it has applied."""
        head = self.reader(log).log if log != self.registry.log else self.registry_reader.log
        last = head.authors.get(self.identity.device, AuthorHead(0, b""))
        for item in self.store.waiting(log):
            last = AuthorHead(item.sq, item.id) if item.sq > last.sq and not item.dead else last
        return last, head.head

    def witness(self) -> Witness:
        """The newest audit checkpoint that this device has verified."""
        newest = self.store.newest_checkpoint()
        if newest is None:
            return Witness(self.incarnation, 0, EMPTY_ROOT)
        return Witness(self.incarnation, newest[0], newest[1])

    # --- time ------------------------------------------------------------------------------------------------------------

    def clock_offset(self) -> int:
        """Server time minus this device's clock, in ms, as of the last sync; 0 before the first."""
        raw = self.store.fact("clock_offset")
        return int(raw) if raw else 0

    @property
    def clock_unsure(self) -> bool:
        """True when this device's clock was more than two minutes off at its last sync."""
        return abs(self.clock_offset()) > limits.CLOCK_WARNING_MS

    # --- records ---------------------------------------------------------------------------------------------------------

    def occurrence(self, row: ChangeRow) -> Occurrence:
        """A stored change at its place, for the fold."""
        change = decode_change(row.body)
        seq = PENDING if row.seq is None else row.seq
        return Occurrence(seq, row.received_ms or 0, row.device, row.user, row.role, change, bool(row.late), row.expunged is not None)

    def record(self, log: bytes, record: bytes) -> Record:
        """A record with this device's pending changes laid over it. Raises Refused `not-found`."""
        rows = self.store.changes_of(log, record)
        if not rows:
            raise Refused("not-found")
        return fold_record(log, record, [self.occurrence(row) for row in rows], self.types)

    def occurrences(self, log: bytes, *, pending: bool = True) -> Iterable[Occurrence]:
        """All changes of a log, for folding it whole."""
        return (self.occurrence(row) for row in self.store.all_changes(log) if pending or row.seq is not None)

    def records(self, log: bytes, *, pending: bool = True) -> dict[bytes, Record]:
        """All records of a log."""
        return fold_log(log, self.occurrences(log, pending=pending), self.types)

    def write(self, log: bytes, record: bytes | None, type_: str, ops: list[Op]) -> bytes:
        """Keep one change, durably, as pending; returns the record's id. With `record` None it begins a new one.

        Raises Refused when this device may not write to the file. It never waits for the network.
        """
        return self.write_many(log, [(record, type_, ops)])[0]

    def write_many(self, log: bytes, edits: list[tuple[bytes | None, str, list[Op]]]) -> list[bytes]:
        """Keep several changes in one transaction."""
        state = self.require_file(log)
        me = self.identity
        if self.revoked:
            raise Refused("revoked", "an administrator revoked this device: nothing more is written on it; nothing was changed")
        if me.user not in state.members:
            raise Refused("no-standing", "you are no longer a member of this file; nothing was changed")
        if self.certified and any(record is not None and self.store.waits_for_others(log, record) for record, _, _ in edits):
            raise Refused(
                "held", "this record is not in the file: a colleague decides on it, or did not let it in; write a new one. Nothing was changed"
            )
        head, at, unsure = self.reader(log).log.head, self.now_ms(), self.clock_unsure
        made = []
        with self.store.transaction():
            c = self.store.next_counter(log, me.device)
            rows: list[tuple[Any, ...]] = []
            for record, type_, ops in edits:
                target = record or ids.record_id(log, me.device, c)
                version = self.types[type_].version if type_ in self.types else 1
                change = Change(target, type_, version, c, head.seq, at, tuple(ops), unsure)
                body = encode_part([change])[1:]
                decode_part(b"\x81" + body)  # what cannot be read back is not written
                role = state.members[me.user]
                rows.append((log, me.device, c, target, type_, int(record is None), None, None, me.user, role, 0, None, body))
                made.append(target)
                c += 1
            self.store.put_changes(rows)
        return made

    # --- alarms ----------------------------------------------------------------------------------------------------------

    def alarm(self, log: bytes | None, seq: int | None, code: str, text: str, evidence: bytes | None = None) -> None:
        """Keep something that a person has to know."""
        self.store.raise_alarm(self.now_ms(), log, seq, code, text, evidence)


def entry_of(row: EntryRow) -> Entry:
    """A stored entry, decoded, with its parts."""
    return decode_entry(row.cose, cbor.decode(row.parts))
