"""A realm: one side's registry, logs, audit tree and keys, and the single writer that changes them (docs/spec.md §11).

Everything here is synchronous. `transact` runs jobs in one transaction; server/writer.py calls it from one thread per side.
"""

import hmac
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from server import changes, engines, parcel_store, past_events, removal_rows, store
from server.append import purging, unborn
from server.append.commit import Commit, Delivery, OpenLog, Pushed, Sender
from server.append.push import push
from server.audit_log import AuditLog, Published
from server.bodies import Bodies, in_memory
from server.changes import Change
from server.chunks import Keeper
from server.gone import Gone, Removed
from server.marks import Marks, heals
from server.pages import Pages
from server.parcels import Board
from server.readers import Readers
from server.recoverable import Recoverable
from server.removing import apply_list
from shared_schema import cbor, cose, ids, limits
from shared_schema.checkpoint import origin
from shared_schema.devices import Heard
from shared_schema.entry import Entry, Head, decode_entry, decode_entry_alone
from shared_schema.errors import ProtocolError, Refused
from shared_schema.ids import Side
from shared_schema.wire import InclusionProof, Page, SyncRequest, SyncResponse, decode_status, status_map
from sync import membership, registry
from sync.log import AuthorHead, LogHead
from sync.membership import FileState
from sync.registry import Registry
from sync.signing import SigningKey, sign_object

MARKED: Final = "marked"
NEXT: Final = "next-"
_OPEN_LOGS: Final = 4096
_PAGE_ROWS: Final = 2048
_RESPONSE_BYTES: Final = limits.PAGE_BYTES
_SCRUB_PAUSE_MS: Final = 60_000
_CALENDAR_PAUSE_MS: Final = 900_000
_OTHERS_SEQUENCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class RealmKeys:
    """A side's server keys, as 32-byte seeds, and its incarnation."""

    receipt: bytes
    checkpoint: bytes
    salt: bytes
    incarnation: bytes


Job = Callable[[Commit], Any]


class Realm:
    """One side of one service."""

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
        self.heard: dict[bytes, Heard] = {}
        self._unwritten: set[bytes] = set()
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

    # --- state -----------------------------------------------------------------------------------------------------------

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
        self.heard = {device: Heard(device, seen, decode_status(cbor.decode(said))) for device, seen, said in store.statuses(tx)}
        self.recoverable.follow(known, {}, lambda: self._all_files(tx))

    @staticmethod
    def _registry_from(tx: Connection, known: Registry) -> Registry:
        for stored in store.entries_after(tx, known.log, known.seq, 2**53, 1 << 30):
            entry = decode_entry(stored.cose)
            try:
                known = registry.take(known, entry, stored.chain)
            except ProtocolError:
                known = registry.skip(known, stored.chain, entry)
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

    def _salt_of(self, leaf: int) -> bytes:
        return self.audit.salt(leaf)

    def known(self) -> Registry:
        """The side's registry. Raises Refused `no-service` before there is a service."""
        if self.registry is None:
            raise Refused("no-service")
        return self.registry

    def create(self, svc: bytes, pinned: bytes) -> None:
        """Bind this realm to a service, once. Doing it again with the same facts changes nothing."""
        with self._following, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            facts = store.meta(connection)
            if not facts:
                store.set_meta(connection, "svc", svc)
                store.set_meta(connection, "pinned", pinned)
                if self.marks is not None:
                    self.marks.begin(self._first_incarnation, bytes(ids.chain_start(ids.registry_log(svc, self.side))))
                    store.set_meta(connection, MARKED, b"")
                self._seen = self._tell(connection, Change(again=frozenset({changes.TURN})))
                self._begin(connection, svc, pinned)
            elif (facts["svc"], facts["pinned"]) != (svc, pinned):
                raise Refused("service-exists")

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

    # --- writing ---------------------------------------------------------------------------------------------------------

    def transact(self, jobs: list[Job]) -> list[Any]:
        """Run jobs in one durable transaction; each result is a value or the exception that its job raised.

        A job that fails in an unforeseen way takes its transaction with it: the others are run again without it.
        """
        try:
            return self._transact(jobs)
        except ProtocolError:
            raise
        except Exception as error:
            self._logs.clear()
            if len(jobs) == 1:
                return [error]
            return [self.transact([job])[0] for job in jobs]

    def _transact(self, jobs: list[Job]) -> list[Any]:
        audit = self.audit
        before = audit.next
        with ExitStack() as stack:
            try:
                with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                    self._catch_up(connection)
                    before = self._count_events(connection)
                    commit = self._commit_on(connection)
                    results = [self._run(job, commit) for job in jobs]
                    self._note(commit)
                    store.flush(connection, commit.batch)
                    parcel_store.flush(connection, commit.parcels)
                    if commit.turn is not None:
                        past_events.turn(connection, commit.registry.log, commit.turn, commit.now_ms)
                    change = changes.of(commit)
                    seen = self._tell(connection, change)
                    stack.enter_context(self._following)
                # From here on the entries are durable: a crash loses no receipt that is about to be sent.
            except BaseException:
                audit.next = before
                self._unwritten |= self.heard.keys()
                for log in list(self._logs):
                    self._logs.pop(log)
                raise
            self._committed(commit, change)
            self._seen = seen
        return results

    def _commit_on(self, connection: Connection) -> Commit:
        return Commit(
            connection,
            known=self.known(),
            unborn=self.readers.unborn,
            incarnation=self.incarnation,
            audit=self.audit,
            now_ms=self.clock(),
            load=self.load,
            sign=self.sign,
            has_refusals=self._refused_logs.__contains__,
            files_of=self.readers.logs_of,
            knows=self.readers.heads.__contains__,
            may_begin=self.may_begin,
            may_state=self.may_state,
            gone=self.gone,
            chunks_waiting=self.keeper.waiting,
            wanted=self.marks.wanted if self.marks else {},
        )

    @staticmethod
    def _run(job: Job, commit: Commit) -> Any:
        try:
            return job(commit)
        except ProtocolError as error:
            return error

    def _committed(self, commit: Commit, change: Change) -> None:
        if commit.turn is not None:
            self._turned()
            return
        healing = self.registry is not None and self.registry.healing
        self.registry = commit.registry
        self.audit.committed(commit.batch.events)
        self._refused_logs |= commit.refused_logs
        for log, opened in commit.logs.items():
            opened.trim()
            self._logs[log] = opened
        self.readers.committed(change, commit.incarnation, unborn.after(self.readers.unborn, commit.unborn, commit.batch.new_heads))
        if commit.batch.gone:
            self._forget(commit.batch.gone, at_once=commit.batch.asked)
        self.keeper.committed(commit.chunks, commit.now_ms)
        self._mark(change, ended=healing and not commit.registry.healing)
        self._follow_recovery(commit)
        self.board.committed(commit.parcels)
        if change.grown:
            self.on_commit(change.grown)

    def _mark(self, change: Change, *, ended: bool) -> None:
        """How far the logs are now, outside the database: of the registry before anybody is answered."""
        if self.marks is None or self.regressed or not change.heads:
            return
        with suppress(OSError):  # tried again by `sequence`
            if ended:
                self.marks.follow(self.known(), self.readers.heads, self.audit.published.size)
            else:
                self.marks.note(self.known(), {log: seq for log, (_, seq, _) in change.heads.items()})

    # --- what other processes write --------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Know what other processes have committed until now; of a database that only this one writes there is nothing to know."""
        if self.shared:
            with self.engine.connect() as tx, tx.begin():
                self._catch_up(tx)

    def _catch_up(self, tx: Connection) -> None:
        """Within a writing transaction nothing more comes until it ends."""
        if not self.shared:
            return
        grown: set[bytes] = set()
        with self._following:
            known = self._seen == 0  # whether the journal has the row that we read last
            for n, said in changes.since(tx, self._seen):
                if n == self._seen:
                    known = True
                elif known and n == self._seen + 1:
                    change = changes.decode(said)
                    self._apply(tx, change)
                    self._seen = n
                    grown |= change.grown
                else:
                    self._reopen(tx)
                    known = True
                    break
            if not known:
                self._regress()
        if grown:
            self.on_commit(grown)

    def _count_events(self, tx: Connection) -> int:
        """In a writing transaction only: no other thread may count while a job writes events."""
        if self.shared:
            self.audit.count(tx)
        return self.audit.next

    def _tell(self, tx: Connection, change: Change) -> int:
        """Put a change into the journal, where anybody reads it. Returns how far the journal goes then."""
        if not self.shared or change == Change():
            return self._seen
        changes.put(tx, self._seen + 1, change)
        return self._seen + 1

    def _apply(self, tx: Connection, change: Change) -> None:
        """What another process has committed."""
        if changes.TURN in change.again or self.registry is None:
            self._reopen(tx)
            return
        healing = self.registry.healing
        if self.registry.log in change.heads:
            self.registry = self._registry_from(tx, self.registry)
        for log in change.heads.keys() | set(change.erased):
            self._logs.pop(log, None)
        self._refused_logs |= change.refused
        here = unborn.load(tx, self.readers.heads.keys() | change.begun, self.registry) if changes.UNBORN in change.again else self.readers.unborn
        self.readers.committed(change, self.incarnation, here)
        if changes.GONE in change.again:
            with suppress(OSError):  # tried again by `sequence`; whoever removed it overwrites it
                self.gone.add(Removed(*row) for row in removal_rows.gone(tx))
                self.gone.clean()
        if changes.CHUNKS in change.again:
            self.keeper.load(tx)
        if changes.BOARD in change.again:
            self.board = Board.load(tx)
        self.board.newest |= change.came
        if changes.TREE in change.again:
            self.audit.load(tx)
        self._mark(change, ended=healing and not self.registry.healing)
        self.recoverable = Recoverable()
        self.recoverable.follow(self.registry, {}, lambda: self._all_files(tx))

    def _reopen(self, tx: Connection) -> None:
        """More has changed than can be told, or the side was declared."""
        self._logs.clear()
        self._refused_logs, self._headers = set(), {}
        before = self.incarnation
        self._open(tx)
        if self.marks is not None and self.registry is not None and (not self.regressed or self.incarnation != before):
            self.marks.follow(self.known(), self.readers.heads, self.audit.published.size)
            self.regressed, self.next_incarnation = False, b""

    def _regress(self) -> None:
        """The journal does not go as far as it did: an older copy of the database was put in its place."""
        if not self.regressed:
            self.regressed = True
            if self.marks is not None:
                self.marks.stand()
            self.on_regress()

    def _turned(self) -> None:
        """The side was declared: from here on it is served in its new incarnation. A crash before this does it at the next start."""
        with self.engine.connect() as tx, tx.begin():
            self._reopen(tx)

    def _follow_recovery(self, commit: Commit) -> None:
        def everything() -> dict[bytes, FileState]:
            with self.engine.connect() as tx, tx.begin():
                return self._all_files(tx)

        changed = {log: opened.file for log, opened in commit.logs.items() if opened.file}
        try:
            self.recoverable.follow(commit.registry, changed, everything)
        except (OSError, DatabaseError):  # what was committed stands, and is answered; the files are read after the next commit
            self.recoverable = Recoverable()

    def _forget(self, rows: list[store.Row], *, at_once: bool) -> None:
        """What has just been removed is listed outside the database too, before anybody is answered, and overwritten on disk: `at_once`, or where it went
        by the calendar with all that goes in the same quarter of an hour.
        """
        clean = self.gone.overwritten
        with suppress(
            OSError, DatabaseError
        ):  # tried again by `sequence`; /readyz says that it is not listed, the metrics that it is not overwritten
            self.gone.add(Removed(*(row[name] for name in ("log_id", "entry_id", "part", "at", "parcel_id", "by_id"))) for row in rows)
            if at_once:
                self._scrub()
            elif clean:
                self._scrub_again_ms = self.clock() + _CALENDAR_PAUSE_MS

    def _scrub(self) -> None:
        """Overwrite what was removed. After a failure it is not tried again for a minute: it may take long."""
        self._scrub_again_ms = self.clock() + _SCRUB_PAUSE_MS
        engines.scrub(self.engine)
        self.gone.clean()

    def sequence(self) -> None:
        """Put waiting events into the audit tree and sign its head; then what was left to do of a removal."""
        audit = self.audit
        if self.regressed:
            return  # its tree went on where this copy does not know of it
        if audit.unsequenced if self._others_sequence() else audit.waiting or self.shared:
            self._extend(audit)
        self.gone.flush()
        if self.marks is not None:
            self.marks.flush()
        if not self.gone.overwritten and self.clock() >= self._scrub_again_ms:
            self._scrub()
        self._collect()

    def _others_sequence(self) -> bool:
        """Whoever wrote an event puts it into the tree; what a process that ended has left, any other does after a while."""
        return self.shared and time.monotonic() - self._sequenced_s < _OTHERS_SEQUENCE_S

    def _extend(self, audit: AuditLog) -> None:
        self._sequenced_s = time.monotonic()
        with ExitStack() as stack:
            with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
                self._catch_up(connection)
                self._count_events(connection)
                published = audit.sequence(connection)
                grew = published is not audit.published
                seen = self._tell(connection, Change(again=frozenset({changes.TREE}))) if grew else self._seen
                stack.enter_context(self._following)
            audit.published, self._seen = published, seen  # durable now: only from here on may anybody see it
        if self.marks is not None and grew:
            self.marks.note_tree(published.size)

    def _collect(self) -> None:
        """Once an hour: chunks that nothing claims, and bytes whose time has come. What failed before is tried again then, and at each start."""
        if self.keeper.is_due(self.clock()):
            self.transact([lambda commit: commit.chunks.collect()])

    # --- one sync, in three steps ----------------------------------------------------------------------------------------

    def push(self, commit: Commit, request: SyncRequest, sender: Sender) -> Pushed:
        """Step 1, in the writer: what became of the pushed entries. Where the answer's page will show nothing else, its delivery is
        written here, so that most pushes need one commit.
        """
        purging.take_purged(commit, request.purged, sender, lambda log: self.readers.reads(log, sender.user))
        pushed = push(commit, request.push, sender)
        had = {cursor.log: cursor.seq for cursor in request.cursors}
        ends = ((log, had.get(log, 0), places) for log, places in pushed.placed.items())
        own = tuple(Delivery(log, after, places[-1].seq) for log, after, places in ends if places[0].seq == after + 1)
        self.deliver(commit, sender.device, own)
        return replace(pushed, delivered=own)

    def hear(self, request: SyncRequest, sender: Sender) -> None:
        """Keep what a device says of itself: in memory, for a sync that brings nothing new writes nothing, until the next transaction."""
        self.heard[sender.device] = Heard(sender.device, self.clock(), request.status)
        self._unwritten.add(sender.device)

    def all_heard(self) -> list[Heard]:
        """What each device said last, to whichever process."""
        if not self.shared:
            return list(self.heard.values())
        with self.engine.connect() as tx, tx.begin():
            written = {device: Heard(device, seen, decode_status(cbor.decode(said))) for device, seen, said in store.statuses(tx)}
        for device, one in list(self.heard.items()):
            if device not in written or written[device].heard_ms < one.heard_ms:
                written[device] = one
        return list(written.values())

    def keep_heard(self, waited_ms: int = 0) -> None:
        """In the writer: write what was heard, where some of it has waited that long for a transaction."""
        before = self.clock() - waited_ms
        if any(self.heard[device].heard_ms <= before for device in self._unwritten.copy()):
            _raised(self.transact([lambda _commit: None])[0])

    def _note(self, commit: Commit) -> None:
        """In the writer: what was heard since the last transaction, with this one."""
        noted = self._unwritten.copy()
        self._unwritten -= noted  # before it is read: what comes meanwhile is written with the next one
        for device in noted:
            one = self.heard[device]
            commit.batch.statuses[device] = {"device_id": device, "seen_ms": one.heard_ms, "status": cbor.encode(status_map(one.status))}

    def deliver(self, commit: Commit, device: bytes, delivered: Iterable[Delivery]) -> None:
        """In the writer: events that say what goes to whom, before it goes."""
        for log, from_seq, to_seq in delivered:
            event = {"e": "delivered", "device": device, "log": log, "from": from_seq, "to": to_seq, "ms": commit.now_ms}
            self.audit.write(commit.batch, event)

    @staticmethod
    def untold(delivered: list[Delivery], pushed: Pushed | None) -> list[Delivery]:
        """The deliveries that the audit log does not hold yet."""
        return [one for one in delivered if one not in pushed.delivered] if pushed else delivered

    def review(self, commit: Commit, sender: Sender, log: bytes, first: int, last: int) -> None:
        """In the writer: an event that says which held entries go to a device."""
        event = {
            "e": "reviewed",
            "device": sender.device,
            "log": None if log in self.readers.unborn else log,
            "from": first - 1,
            "to": last,
            "ms": commit.now_ms,
        }
        self.audit.write(commit.batch, event)

    def fetched(self, commit: Commit, sender: Sender, log: bytes, chunk: bytes) -> None:
        """In the writer: an event that says which chunk goes to a device."""
        self.audit.write(commit.batch, {"e": "fetched", "device": sender.device, "log": log, "id": chunk, "ms": commit.now_ms})

    def answer(self, request: SyncRequest, sender: Sender, pushed: Pushed | None, pages: list[Page], *, more: bool) -> SyncResponse:
        """The response, with the newest checkpoint and the proofs that were asked for."""
        published = self.audit.published  # once: the writer may publish a larger tree while this thread proves
        consistency, proofs = self._proofs(request, published)
        return SyncResponse(
            answers=pushed.answers if pushed else (),
            receipts=pushed.receipts if pushed else (),
            openings=pushed.openings if pushed else (),
            pages=tuple(pages),
            more=more,
            time_ms=self.clock(),
            checkpoint=published.note,
            consistency=consistency,
            inclusion=proofs,
            held=tuple(sorted((log, count) for log, count in self.readers.held.items() if self.readers.may_decide(log, sender.user))),
            parcels=tuple(sorted((log, n) for log, n in self.board.newest.items() if (log, sender.user) in self.readers.roles)),
        )

    def _proofs(self, request: SyncRequest, published: Published) -> tuple[tuple[bytes, ...], tuple[InclusionProof, ...]]:
        audit, seen = self.audit, request.checkpoint
        size = published.size
        grown = seen is not None and seen.incarnation == self.incarnation and 0 < seen.size < size
        leaves = [leaf for leaf in request.prove if leaf < size]
        if not grown and not leaves:
            return (), ()
        with self.engine.connect() as connection, connection.begin():
            path = audit.consistency(connection, seen.size, published) if grown and seen else []
            paths = audit.inclusion(connection, leaves, published)
            return tuple(path), tuple(InclusionProof(leaf, tuple(hashes)) for leaf, hashes in zip(leaves, paths, strict=True))

    def sync(self, request: SyncRequest, sender: Sender) -> SyncResponse:
        """All steps at once, in the calling thread: for tests, simulation and anything without an event loop."""
        self.hear(request, sender)
        pushed: Pushed | None = None
        if request.push or request.purged:
            pushed = _raised(self.transact([lambda commit: self.push(commit, request, sender)])[0])
        self.sequence()
        with self.engine.connect() as tx, tx.begin():
            pages, delivered, more = self.pages.pull(tx, request, sender, pushed)
        untold = self.untold(delivered, pushed)
        if untold:
            _raised(self.transact([lambda commit: self.deliver(commit, sender.device, untold)])[0])
        return self.answer(request, sender, pushed, pages, more=more)

    def readers_of(self, logs: Iterable[bytes]) -> set[bytes]:
        """The devices that may read any of `logs`; all of the side for its registry, those too that have just lost their place."""
        known, wanted = self.known(), set(logs)
        if known.log in wanted:
            return set(known.devices)
        now = self.clock()
        return {
            device
            for device, cert in known.devices.items()
            if cert.acts and (self.readers.has_news(cert.subject.user, wanted) or wanted & self.recoverable.of(device, known, now))
        }


def _raised(result: Any) -> Any:
    if isinstance(result, Exception):
        raise result
    return result
