"""Who reads what on a side, kept in memory: heads, kinds, members, what is held. The database says the same; the writer keeps it so."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import Connection

from server import store
from server.append import unborn
from server.changes import Change
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
        """From the database: at the start, and when more has changed than can be told. Members before heads, as in `committed`."""
        incarnation = known.incarnation if known.root is not None else b""
        logs_of: dict[bytes, dict[bytes, int | None]] = {}
        roles: dict[tuple[bytes, bytes], str] = {}
        for log, user, _, to_seq, role in store.memberships(tx):
            logs = logs_of.setdefault(user, {})
            if log not in logs or to_seq is None or (logs[log] is not None and to_seq > (logs[log] or 0)):
                logs[log] = to_seq
            if to_seq is None and gone.erased(log) is None:
                roles[log, user] = role
        heads = store.all_heads(tx)
        self._logs_of, self.roles = logs_of, roles
        self.incarnation, self.kinds = incarnation, {log: kind for log, _, _, kind in heads}
        self.heads = {log: Head(incarnation, seq, chain) for log, seq, chain, _ in heads}
        self.held = store.held_counts(tx)
        self.unborn = unborn.load(tx, self.heads, known)

    def committed(self, change: Change, incarnation: bytes, unborn_now: unborn.Files) -> None:
        """After a commit, of this process or another. Members before heads: what comes after somebody's removal is nothing of theirs, at no moment."""
        for log, user, role, upto in change.moves:
            if role:
                self._logs_of.setdefault(user, {})[log] = None
                self.roles[log, user] = role
            else:
                self.roles.pop((log, user), None)
                self._logs_of[user][log] = upto
        self.incarnation = incarnation
        for log, (kind, seq, chain) in change.heads.items():
            self.heads[log], self.kinds[log] = Head(incarnation, seq, chain), kind
        for log, more in change.held:
            self.held[log] = self.held.get(log, 0) + more
            if not self.held[log]:
                del self.held[log]
        self.unborn = unborn_now
        for log in change.erased:
            self._erased(log)

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
