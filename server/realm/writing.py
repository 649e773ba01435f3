"""The single writer of a side: jobs in one transaction, the audit tree, and what is left to do of a removal. One thread calls it (server/writer.py)."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from server import changes, parcel_store, past_events, store
from server.append import unborn
from server.append.commit import Commit
from server.audit_log import AuditLog
from server.changes import Change
from server.gone import Removed
from server.realm.following import Following
from server.realm.state import MARKED
from server.recoverable import Recoverable
from shared_schema import ids
from shared_schema.errors import ProtocolError, Refused
from sync.membership import FileState

_CALENDAR_PAUSE_MS: Final = 900_000
_OTHERS_SEQUENCE_S: Final = 1.0

Job = Callable[[Commit], Any]


class Writing(Following):
    """Whatever changes a side."""

    def create(self, svc: bytes, pinned: bytes) -> None:
        """Bind this realm to a service, once. Doing it again with the same facts changes nothing: it is not even waited for."""
        with self.engine.connect() as tx, tx.begin():
            facts = store.meta(tx)
        if not facts:
            facts = self._bind(svc, pinned)
        if (facts["svc"], facts["pinned"]) != (svc, pinned):
            raise Refused("service-exists")

    def _bind(self, svc: bytes, pinned: bytes) -> dict[str, bytes]:
        """The facts as they stand then: another process may have been first."""
        with ExitStack() as stack, self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            stack.enter_context(self._following)  # after the database's own lock, as everywhere
            if facts := store.meta(connection):
                return facts
            store.set_meta(connection, "svc", svc)
            store.set_meta(connection, "pinned", pinned)
            if self.marks is not None:
                self.marks.begin(self._first_incarnation, bytes(ids.chain_start(ids.registry_log(svc, self.side))))
                store.set_meta(connection, MARKED, b"")
            self._seen = self._tell(connection, Change(again=frozenset({changes.TURN})))
            self._begin(connection, svc, pinned)
            return {"svc": svc, "pinned": pinned}

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
                    commit.batch.statuses |= self.hearing.take()
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
                self.hearing.again()
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

    def keep_heard(self, waited_ms: int = 0) -> None:
        """Write what was heard, where some of it has waited that long for a transaction."""
        if self.hearing.waits_since(self.clock() - waited_ms):
            raised(self.transact([lambda _commit: None])[0])


def raised(result: Any) -> Any:
    """What a job returned; raises what it raised."""
    if isinstance(result, Exception):
        raise result
    return result
