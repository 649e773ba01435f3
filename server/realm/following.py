"""What other processes commit to a side's database is taken into memory (docs/decisions/0022-several-workers.md)."""

from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from server import changes, removal_rows, sharding
from server.append import unborn
from server.changes import Change
from server.gone import Removed
from server.realm.state import State
from server.recoverable import Recoverable
from server.sharding import Unsettled
from sync.registry import Registry

_ALL: Final = 2**63


class Following(State):
    """Memory is as the journal says: `_seen` is the number of the last row that it has."""

    def follow(self) -> None:
        """Know what other processes have committed until now; of a database that only this one writes there is nothing to know."""
        if self.shared:
            unsettled = self._follow(0 if self.shared_out else _ALL)
            if unsettled:
                sharding.settle(self.engine)
                self._follow(unsettled)

    def _follow(self, settled: int) -> int:
        if self._has_newest():
            return 0
        with self.engine.connect() as tx, tx.begin():
            return self._catch_up(tx, settled)

    def _has_newest(self) -> bool:
        """Asked with one statement and no transaction: before most requests nothing is new. A journal that is shorter than it was is read."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return changes.newest(connection) == self._seen

    def _catch_up(self, tx: Connection, settled: int = _ALL) -> int:
        """Within a writing transaction nothing more comes until it ends. What a row after `settled` names is not read anew: another node may not show it yet.
        Returns the number of the first row that waits for that; 0 where none does.
        """
        if not self.shared:
            return 0
        grown: set[bytes] = set()
        unsettled = 0
        with self._following:
            known = self._seen == 0  # whether the journal has the row that we read last
            for n, said in changes.since(tx, self._seen):
                if n == self._seen:
                    known = True
                    continue
                change = changes.decode(said) if known and n == self._seen + 1 else None
                if n > settled and (change is None or self._reads(change)):
                    unsettled, known = n, True
                    break
                if change is None:
                    self._reopen(tx)
                    known = True
                    break
                self._apply(tx, change)
                self._seen = n
                grown |= change.grown
            if not known:
                self._regress()
        if grown:
            self.on_commit(grown)
        return unsettled

    def _reads(self, change: Change) -> bool:
        """Whether what a change names is read from tables that may lie on other nodes."""
        return self.registry is None or self.registry.log in change.heads or bool(change.claimed or change.again - {changes.TREE, changes.BOARD})

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
            self.registry = self._registry_to(tx, self.registry, change.heads[self.registry.log][1])
        for log in change.heads.keys() | set(change.erased):
            self._logs.pop(log, None)
        self._refused_logs |= change.refused
        here = unborn.load(tx, self.readers.heads.keys() | change.begun, self.registry) if changes.UNBORN in change.again else self.readers.unborn
        self.readers.committed(change, self.incarnation, here)
        if changes.GONE in change.again:
            with suppress(OSError):  # tried again by `sequence`; whoever removed it overwrites it
                self.gone.add(Removed(*row) for row in removal_rows.gone(tx))
                self.gone.clean()
        if change.claimed:
            self.keeper.load_of(tx, change.claimed)
        if changes.BOARD in change.again:
            self.board.read_again(tx)
        self.board.newest |= change.came
        if changes.TREE in change.again:
            self.audit.load(tx)
        self._mark(change, ended=healing and not self.registry.healing)
        self.recoverable = Recoverable()
        self.recoverable.follow(self.registry, {}, lambda: self._all_files(tx))

    def _registry_to(self, tx: Connection, known: Registry, seq: int) -> Registry:
        """The registry as far as a change says, at least. Raises Unsettled where the database does not show it: nobody is answered by less."""
        found = self._registry_from(tx, known)
        if found.seq < seq:
            raise Unsettled(f"the registry has {found.seq} entries here, want {seq}")
        return found

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

    def _mark(self, change: Change, *, ended: bool) -> None:
        """How far the logs are now, outside the database: of the registry before anybody is answered."""
        if self.marks is None or self.regressed or not change.heads:
            return
        with suppress(OSError):  # tried again by `sequence`
            if ended:
                self.marks.follow(self.known(), self.readers.heads, self.audit.published.size)
            else:
                self.marks.note(self.known(), {log: seq for log, (_, seq, _) in change.heads.items()})
