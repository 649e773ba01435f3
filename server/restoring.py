"""A side whose database is not all that it was: its registry is brought back, and an administrator declares it (docs/spec.md §19.1, §19.2).

The jobs, in the side's writer. What is brought of files is taken in server/append/healing.py.
"""

from server.append.commit import Commit, OpenLog, Turn
from server.marks import Marks
from shared_schema import ids
from shared_schema.entry import Entry, decode_pair
from shared_schema.errors import Contradiction, Malformed, Refused
from shared_schema.receipt import decode_signed_head
from shared_schema.restoring import Declaration, Offer, Restore
from sync import exchange, registry
from sync import log as log_rules
from sync.exchange import History, Reader, Taken
from sync.registry import Registry
from sync.signing import verify_object


def offer(known: Registry, following: bytes, marks: Marks) -> Offer:
    """What the side says of itself while it is not served."""
    return Offer(known.incarnation, following, known.chains[-1], marks.kept)


def declare(commit: Commit, declaration: Declaration, following: bytes, marks: Marks) -> tuple[bytes, ...]:
    """Take what is brought of the registry, and the `restore` if there is one; returns receipts. Raises ProtocolError, and then nothing is put.

    Refused `restoring` says that somebody has more of the registry.
    """
    bringing = _Bringing(commit)
    if declaration.head is not None:
        bringing.entries(declaration)
    if declaration.restore is not None:
        bringing.restore(decode_pair(declaration.restore), following, marks)
    return bringing.put()


class _Bringing:
    """The registry as it grows in one request. Nothing is put before all of it was judged."""

    def __init__(self, commit: Commit) -> None:
        self.commit, self.known = commit, commit.registry
        self.opened = commit.open(self.known.log) or OpenLog(log_rules.empty_log(self.known.log, commit.incarnation))
        self.reader = Reader(self.opened.head)
        self.taken: list[tuple[Taken, log_rules.LogHead]] = []
        self._fresh: list[Taken] = []
        self.turn: Turn | None = None

        def chain_at(seq: int) -> bytes | None:
            return self.known.chains[seq] if seq < len(self.known.chains) else None

        self._history = History(chain_at, lambda _size: None, {}).growing(self._fresh)

    def entries(self, declaration: Declaration) -> None:
        """What is missing, up to a head that this server signed. What is there already is passed over."""
        known, root = self.known, self.known.require_root()
        signed = decode_signed_head(declaration.head or b"")
        verify_object(signed.sign1, root.receipt)
        if (signed.sign1.svc, signed.sign1.kid, signed.log) != (known.svc, ids.server_key_id(root.receipt), known.log):
            raise Malformed("the head is of another service, log or key")
        after = signed.head.seq - len(declaration.entries)
        if after < 0:
            raise Malformed("there are more entries than the head says")
        if after > known.seq:
            raise Refused("restoring", "entries before these are missing here")
        for pair, received_ms in declaration.entries[known.seq - after :]:
            self._take(decode_pair(pair), received_ms)
        if self.known.chains[signed.head.seq] != signed.head.chain or self.known.incarnation_at(signed.head.seq) != signed.head.incarnation:
            raise Contradiction("the entries do not lead from this registry to the head that was signed")

    def restore(self, entry: Entry, following: bytes, marks: Marks) -> None:
        """The administrator's statement, at the registry's end."""
        if not marks.reached_by(self.known):
            raise Refused("restoring", "the registry was longer than this: a device that has more of it has to bring that first")
        if entry.log != self.known.log:
            raise Malformed("a restore is of the registry")
        statement = registry.statement_of(entry)
        if not isinstance(statement, Restore) or statement.incarnation != following or statement.marked != marks.kept:
            raise Refused("not-permitted", "that is not what this side asked for")
        if entry.sn.incarnation != self.known.incarnation:
            raise Refused("old-incarnation")
        self.turn = Turn(self.commit.incarnation, statement.before)
        self._take(entry, max(self.commit.now_ms, self.reader.log.received_ms), own=True)

    def _take(self, entry: Entry, received_ms: int, *, own: bool = False) -> None:
        """The next entry, as a reader takes it."""
        self.reader, self.known, taken = exchange.take_registry_entry(self.reader, entry, received_ms, (0, b""), self.known, self._history)
        if own and taken.void is not None:
            raise Refused(taken.void, "the declaration counts for nothing: want an administrator's, made at the end of this registry")
        self._fresh.append(taken)
        self.taken.append((taken, self.reader.log))

    def put(self) -> tuple[bytes, ...]:
        """Put what was judged; returns receipts, of the `restore` one of its own, in the new incarnation."""
        commit, places = self.commit, list[log_rules.Placed]()
        for taken, after in self.taken:
            entry = taken.place.entry
            counts = after.authors.get(entry.author) == log_rules.AuthorHead(entry.sq, entry.id)
            commit.put(self.opened, after, taken.place, None, void=taken.void is not None, counts=counts)
            places.append(taken.place)
        commit.registry = self.known
        declared = places[-1:] if self.turn is not None else []
        brought = places[: len(places) - len(declared)]
        receipts = [commit.receipt(self.known.log, brought)] if brought else []
        if declared:
            commit.turn, commit.incarnation = self.turn, self.known.incarnation
            receipts.append(commit.receipt(self.known.log, declared))
        return tuple(receipts)
