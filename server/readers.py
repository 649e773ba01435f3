"""Who reads what on a side, kept in memory: heads, kinds, members, what is held. The database says the same; the writer keeps it so."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import Connection

from server import store
from server.append import unborn
from server.append.commit import Commit
from server.gone import Gone
from shared_schema.entry import Head
from shared_schema.ids import Side
from shared_schema.roles import may_sign
from sync.registry import Registry


class Readers:
    """`heads`, `kinds` and `held` by log; `logs_of` by person, with the last place that somebody who left may read; `roles` of members."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.incarnation = b""
        self.heads: dict[bytes, Head] = {}
        self.kinds: dict[bytes, str] = {}
        self.roles: dict[tuple[bytes, bytes], str] = {}
        self.held: dict[bytes, int] = {}
        self.unborn: unborn.Files = MappingProxyType({})
        self._logs_of: dict[bytes, dict[bytes, int | None]] = {}

    def load(self, tx: Connection, known: Registry, gone: Gone) -> None:
        """From the database: at the start, and when the side has been declared."""
        self.incarnation = known.incarnation if known.root is not None else b""
        self.heads, self.kinds, self.roles, self._logs_of = {}, {}, {}, {}
        for log, seq, chain, kind in store.all_heads(tx):
            self.heads[log], self.kinds[log] = Head(self.incarnation, seq, chain), kind
        for log, user, _, to_seq, role in store.memberships(tx):
            self._note(log, user, to_seq)
            if to_seq is None and gone.erased(log) is None:
                self.roles[log, user] = role
        self.held = store.held_counts(tx)
        self.unborn = unborn.load(tx, self.heads, known)

    def _note(self, log: bytes, user: bytes, to_seq: int | None) -> None:
        logs = self._logs_of.setdefault(user, {})
        if log not in logs or to_seq is None or (logs[log] is not None and to_seq > (logs[log] or 0)):
            logs[log] = to_seq

    def committed(self, commit: Commit) -> None:
        """After a commit. Members before heads: what comes after somebody's removal is nothing of theirs, at no moment."""
        for joins, row in commit.batch.moves:
            if joins:
                self._logs_of.setdefault(row["user_id"], {})[row["log_id"]] = None
                self.roles[row["log_id"], row["user_id"]] = row["role"]
            else:
                self.roles.pop((row["log"], row["user"]), None)
                self._logs_of[row["user"]][row["log"]] = row["left"]
        self.incarnation = commit.incarnation
        for log, row in commit.batch.heads.items():
            self.heads[log], self.kinds[log] = Head(self.incarnation, row["seq"], row["chain"]), row["kind"]
        changes = [(row["log_id"], 1) for row in commit.batch.held] + [(row["log"], -1) for row in commit.batch.settled]
        for log, change in changes:
            self.held[log] = self.held.get(log, 0) + change
            if not self.held[log]:
                del self.held[log]
        self.unborn = unborn.after(self.unborn, commit.unborn, commit.batch.new_heads)
        for row in commit.batch.gone:
            if not row["entry_id"]:
                self._erased(row["log_id"])

    def _erased(self, log: bytes) -> None:
        self.held.pop(log, None)
        for key in [key for key in self.roles if key[0] == log]:
            del self.roles[key]

    def logs_of(self, user: bytes) -> Mapping[bytes, int | None]:
        """The logs that name a person: to the end (None), or up to a place."""
        return self._logs_of.get(user, {})

    def reads(self, log: bytes, user: bytes) -> bool:
        """True for a member of a file, and for who was one when it was erased."""
        return self.logs_of(user).get(log, 0) is None

    def may_decide(self, log: bytes, user: bytes) -> bool:
        """True for a member whose role admits and refuses what is held in this file."""
        if log in self.unborn:
            return unborn.role_to_decide(self.unborn[log].file, user)
        role = self.roles.get((log, user))
        return role is not None and may_sign("admit", self.kinds[log], self.side, role)

    def has_news(self, user: bytes, logs: Iterable[bytes]) -> bool:
        """True for a member of one of `logs`, and for whom its newest entry removes."""
        mine = self.logs_of(user)
        return any(mine[log] is None or self.heads[log].seq <= (mine[log] or 0) for log in mine.keys() & set(logs))
