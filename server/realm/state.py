"""What one side has in memory, and how it comes from the database."""

import hmac
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from server import changes, engines, removal_rows, sharding, store
from server.append.commit import OpenLog
from server.audit_log import AuditLog
from server.bodies import Bodies, in_memory
from server.chunks import Keeper
from server.gone import Gone, Removed
from server.hearing import Hearing
from server.marks import Marks, heals
from server.pages import Pages
from server.parcels import Board
from server.readers import Readers
from server.recoverable import Recoverable
from server.removing import apply_list
from shared_schema import cose, ids
from shared_schema.checkpoint import origin
from shared_schema.entry import Entry, Head, decode_entry, decode_entry_alone
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import Side
from sync import membership, registry
from sync.log import AuthorHead, LogHead
from sync.membership import FileState
from sync.registry import Registry
from sync.signing import SigningKey, sign_object

MARKED: Final = "marked"
NEXT: Final = "next-"
_OPEN_LOGS: Final = 4096
_SCRUB_PAUSE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class RealmKeys:
    """A side's server keys, as 32-byte seeds, and its incarnation."""

    receipt: bytes
    checkpoint: bytes
    salt: bytes
    incarnation: bytes


class State:
    """One side of one service, as it is known here. Nothing in this class writes a log."""

    def __init__(
        self, side: Side, engine: Engine, keys: RealmKeys, clock: Callable[[], int], gone: Gone | None = None, bodies: Bodies | None = None,
        marks: Marks | None = None,
    ) -> None:  # fmt: skip
        """`marks` None is a side of which nobody keeps how far its logs have been."""
        self.side, self.engine, self.clock = side, engine, clock
        self.gone = Gone() if gone is None else gone
        self.marks = marks
        self.regressed = False
        """True while this side is not served, for its database is not all that it was."""
        self.next_incarnation = b""
        """The one that a `restore` has to name, while the side is not served."""
        self._scrub_again_ms = 0
        self.shared = engines.is_shared(engine)
        """Whether other processes write this side's database too (docs/decisions/0022-several-workers.md)."""
        self.shared_out = sharding.is_shared_out(engine)
        """Whether its tables lie on several nodes (docs/decisions/0023-shared-out-by-log.md)."""
        self._seen = 0
        self._following = threading.Lock()  # held from just before a commit until memory is as the database
        self._sequenced_s = 0.0
        self.keeper = Keeper(engine, in_memory() if bodies is None else bodies)
        self._first_incarnation = keys.incarnation
        self.receipt_key, self.checkpoint_key = SigningKey(keys.receipt), SigningKey(keys.checkpoint)
        self._salt = keys.salt
        self._headers: dict[str, bytes] = {}
        self.registry: Registry | None = None
        self.readers = Readers(side)
        self.board = Board()
        self.hearing = Hearing()
        self.recoverable = Recoverable()
        self._logs: dict[bytes, OpenLog] = {}
        self._refused_logs: set[bytes] = set()
        self._audit: AuditLog | None = None
        self.pages = Pages(
            self.readers,
            self.gone,
            known=self.known,
            recoverable=lambda: self.recoverable,
            salt=self._salt_of,
            sign=self.sign,
            clock=clock,
        )
        self.on_commit: Callable[[Iterable[bytes]], None] = lambda _logs: None
        self.on_regress: Callable[[], None] = lambda: None
        self.may_begin: Callable[[bytes], None] = lambda _device: None
        self.may_state: Callable[[bytes], None] = lambda _device: None
        self._apply_list()
        with engine.connect() as connection, connection.begin():
            self._open(connection)
        self._check_marks()
        self.keeper.begin(clock())

    def _apply_list(self) -> None:
        """Before anything is served: what was removed is not in this database, whichever copy of it this is; and what it knows of that is listed."""
        again = False
        if any(True for _ in self.gone):
            with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                again = apply_list(connection, self.gone, self.clock())
        with self.engine.connect() as connection, connection.begin():
            rows = removal_rows.gone(connection)
        with suppress(OSError, DatabaseError):  # tried again by `sequence`
            self.gone.add(Removed(*row) for row in rows)
            if again or not self.gone.overwritten:
                self._scrub()

    def _scrub(self) -> None:
        """Overwrite what was removed. After a failure it is not tried again for a minute: it may take long."""
        self._scrub_again_ms = self.clock() + _SCRUB_PAUSE_MS
        engines.scrub(self.engine)
        self.gone.clean()

    def _open(self, tx: Connection) -> None:
        facts = store.meta(tx)
        self._seen = changes.newest(tx)
        if "svc" in facts:
            self._begin(tx, facts["svc"], facts["pinned"])

    def _begin(self, tx: Connection, svc: bytes, pinned: bytes) -> None:
        self.svc = svc
        self.registry = known = self._registry_from(tx, registry.empty_registry(svc, self.side, pinned))
        self._audit = AuditLog(tx, origin(svc, self.side, self.incarnation), self.checkpoint_key, self._salt_key())
        self.readers.load(tx, known, self.gone)
        self.board = Board.load(tx)
        self.keeper.load(tx)
        self._refused_logs = store.refused_logs(tx)
        self.hearing = Hearing(store.statuses(tx))
        self.recoverable.follow(known, {}, lambda: self._all_files(tx))

    @staticmethod
    def _registry_from(tx: Connection, known: Registry) -> Registry:
        for stored in store.entries_after(tx, known.log, known.seq, 2**53, 1 << 30):
            entry = decode_entry(stored.cose)
            try:
                known = registry.take(known, entry, stored.chain)
            except ProtocolError as error:
                known = registry.skip(known, stored.chain, entry, error.code)
        return known

    def _salt_key(self) -> bytes:
        """A leaf of a new tree has another salt than the old tree's at its place: whoever was told that one could try what the new one says."""
        return self._salt if self.incarnation == self._first_incarnation else hmac.digest(self._salt, self.incarnation, "sha256")

    @property
    def incarnation(self) -> bytes:
        """The one in force."""
        return self._first_incarnation if self.registry is None or self.registry.root is None else self.registry.incarnation

    def _check_marks(self) -> None:
        """Before anything is served: is this all that the database was?"""
        known = self.registry
        if self.marks is None:
            return
        if known is None or known.root is None:
            self.regressed = self.marks.seq > 0
            return
        with self.engine.connect() as tx, tx.begin():
            marked = MARKED in store.meta(tx)
        tree = self.audit.published.size
        self.regressed = self.marks.ahead_of(known, self.readers.heads, tree) or (marked and not self.marks.kept)
        if self.regressed:
            self.marks.stand()
        else:
            self.marks.follow(known, self.readers.heads, tree)
            if not marked:
                with self.engine.connect().execution_options(writes=True) as tx, tx.begin():
                    store.set_meta(tx, MARKED, b"")

    def draw_next(self, drawn: bytes) -> None:
        """What the next incarnation will be called, of a side that is not served: `drawn`, where no other process has named it."""
        self.next_incarnation = drawn
        if self.shared:
            with self.engine.connect().execution_options(writes=True) as tx, tx.begin():
                self.next_incarnation = store.agree_meta(tx, f"{NEXT}{self.incarnation.hex()}", drawn)

    def heals(self, log: bytes) -> bool:
        """True for a log that waits for what was lost of it."""
        known = self.known()
        head = self.readers.heads.get(log)
        return heals(known, log, head.seq if head else 0, self.marks.wanted if self.marks else {})

    def _all_files(self, tx: Connection) -> dict[bytes, FileState]:
        """Every file of the side, folded: for the rare day on which somebody recovers."""
        found: dict[bytes, FileState] = {}
        for log in self.readers.heads:
            file: FileState | None = None
            for stored in store.statements(tx, log) if log != self.known().log else ():
                file = self._refold(file, decode_entry_alone(stored.cose), stored.received_ms)
            found |= {log: file} if file else {}
        return found

    @property
    def audit(self) -> AuditLog:
        """The side's audit log. Raises Refused `no-service` before there is a service."""
        if self._audit is None:
            raise Refused("no-service")
        return self._audit

    @property
    def waiting(self) -> int:
        """How many events wait for the audit tree; 0 before there is a service."""
        return self._audit.waiting if self._audit is not None else 0

    def _salt_of(self, leaf: int) -> bytes:
        return self.audit.salt(leaf)

    def known(self) -> Registry:
        """The side's registry. Raises Refused `no-service` before there is a service."""
        if self.registry is None:
            raise Refused("no-service")
        return self.registry

    def load(self, tx: Connection, log: bytes) -> OpenLog | None:
        """A log's state from the database, or from memory."""
        opened = self._logs.get(log)
        if opened is None:
            row = store.log_head(tx, log)
            if row is None:
                return None
            kind, seq, chain, received_ms = row
            authors = {device: AuthorHead(sq, entry) for device, sq, entry in store.authors(tx, log)}
            opened = OpenLog(LogHead(log, Head(self.incarnation, seq, chain), received_ms, authors))
            if kind != "registry":
                for stored in store.statements(tx, log):
                    opened.file = self._refold(opened.file, decode_entry_alone(stored.cose), stored.received_ms)
                by = opened.file.erased if opened.file is not None else self.gone.erased(log)
                if by is not None:
                    opened.file = membership.nothing_left(log, kind, self.side, by, removal_rows.members_of(tx, log))
            if len(self._logs) >= _OPEN_LOGS:
                self._logs.pop(next(iter(self._logs)))
            self._logs[log] = opened
        return opened

    def _refold(self, file: FileState | None, entry: Entry, received_ms: int) -> FileState | None:
        try:
            return membership.take_kept(file, entry, self.known(), received_ms)
        except ProtocolError:
            return membership.skip(file, entry)

    def sign(self, typ: str, payload: bytes) -> bytes:
        """A server-signed object."""
        header = self._headers.get(typ)
        if header is None:
            header = self._headers[typ] = cose.protected_header(typ, ids.server_key_id(self.receipt_key.public), self.svc)
        return sign_object(self.receipt_key, header, payload)
