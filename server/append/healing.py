"""What a file gets back that its side had lost (docs/spec.md §19.3): entries at their old places, proved by the server's own earlier signature."""

from typing import Any

from server import removal_rows, store
from server.append.commit import Commit, OpenLog, Sender
from server.append.file_rules import moved
from server.gone import WHOLE_FILE
from server.removing import without
from shared_schema import ids
from shared_schema.entry import Entry, Head, decode_entry_alone, decode_pair
from shared_schema.errors import Contradiction, Malformed, ProtocolError, Refused
from shared_schema.membership import Admit, Genesis, Members, Refuse, file_statement
from shared_schema.parcel import week_of
from shared_schema.receipt import SignedHead, decode_signed_head
from shared_schema.removal import Erase, Expunge
from shared_schema.restoring import HealedTo, Healing
from sync import exchange, membership, removal
from sync import log as log_rules
from sync.exchange import Reader, Taken
from sync.registry import Registry
from sync.signing import verify_object


def healed_to(commit: Commit, log: bytes, sender: Sender, below: int) -> HealedTo:
    """The newest place, at or before `below`, where what one incarnation wrote ends, or the file itself. Raises Refused `no-such-file`."""
    if log not in commit.files_of(sender.user):
        raise Refused("no-such-file")
    opened = commit.open(log)
    if opened is None:
        return HealedTo(0, ids.chain_start(log), open=_waits(commit, log, None))
    end = opened.head.head.seq
    place = upto = min(below, end, _left(commit, log, sender))
    after = _written_in(commit, log, upto + 1) if upto < end else None
    while place:
        mine = _written_in(commit, log, place)
        if (place == end) if after is None else (mine is not None and mine != after):
            break
        place, after = place - 1, mine or after
    return HealedTo(place, _chain_at(commit, opened)(place) or b"", open=place == end and _waits(commit, log, opened))


def heal(commit: Commit, log: bytes, sender: Sender, healing: Healing) -> HealedTo:
    """Put what a device brings at its old places; what is there is passed over. Raises Malformed for what this server never signed, Refused
    `no-such-file` for a file that is not the sender's, Contradiction for what does not lead to the head.
    """
    head = _checked_head(commit.registry, log, healing)
    if log not in commit.files_of(sender.user) and not _names(healing, log, sender.user):
        raise Refused("no-such-file")
    opened = commit.open(log) or OpenLog(log_rules.empty_log(log, commit.incarnation))
    end = opened.head.head.seq
    if healing.after <= end < head.head.seq and _waits(commit, log, opened):
        _check_links(healing, head, _chain_at(commit, opened)(healing.after) or b"")
        links = healing.links[end - healing.after :]
        found = _Healing(commit, log, opened).take(links, healing.entries[end - healing.after :])
        if found:
            commit.receipt(log, found)  # for whoever never got theirs
    end = min(opened.head.head.seq, _left(commit, log, sender))
    return HealedTo(end, _chain_at(commit, opened)(end) or b"", open=end == opened.head.head.seq and _waits(commit, log, opened))


def _checked_head(known: Registry, log: bytes, healing: Healing) -> SignedHead:
    """The head that the links lead to: this server signed it, for this log, in some incarnation."""
    signed, root = decode_signed_head(healing.head), known.require_root()
    verify_object(signed.sign1, root.receipt)
    if (signed.sign1.svc, signed.sign1.kid, signed.log) != (known.svc, ids.server_key_id(root.receipt), log):
        raise Malformed("the head is of another service, log or key")
    if signed.head.incarnation not in known.incarnations or signed.head.seq != healing.after + len(healing.links):
        raise Malformed("the head is of another incarnation or place")
    return signed


def _check_links(healing: Healing, signed: SignedHead, chain: bytes) -> None:
    for seq, (entry_id, received_ms) in enumerate(healing.links, healing.after + 1):
        chain = ids.chain_next(chain, seq, received_ms, entry_id)
    if chain != signed.head.chain:
        raise Contradiction("the entries do not lead from this log to the head that was signed")


def _names(healing: Healing, log: bytes, user: bytes) -> bool:
    """True when what is brought makes this person a member: the file may have lost the very statement that did. Said by the request alone, which costs
    the same whether or not there is such a file.
    """
    for pair in healing.entries:
        try:
            entry = decode_pair(pair) if type(pair) is not bytes else None
            statement = None if entry is None or entry.is_envelope or entry.log != log else file_statement(entry)
        except ProtocolError:
            continue
        people = statement.members if isinstance(statement, Genesis) else statement.add if isinstance(statement, Members) else ()
        if any(user == named for named, _ in people):
            return True
    return False


def _left(commit: Commit, log: bytes, sender: Sender) -> int:
    """How far somebody may know a file: who left it, up to there."""
    upto = commit.files_of(sender.user).get(log)
    return 2**53 if upto is None else upto


def _waits(commit: Commit, log: bytes, opened: OpenLog | None) -> bool:
    """True while more of a file may come back: nothing was written in the incarnation in force."""
    if not commit.registry.healing:
        return False
    return opened is None or _written_in(commit, log, opened.head.head.seq) != commit.incarnation


def _written_in(commit: Commit, log: bytes, seq: int) -> bytes | None:
    """The incarnation in which the entry at a place was written; None for one of which only the id is left, and where there is none."""
    cose = _row_at(commit, log, seq)[0]
    return decode_entry_alone(cose).sn.incarnation if cose else None


def _row_at(commit: Commit, log: bytes, seq: int) -> tuple[bytes, int]:
    """(COSE, received_ms) of an entry, in this transaction or before; empty where there is none."""
    for row in commit.batch.entries:
        if row["log_id"] == log and row["seq"] == seq:
            return row["cose"], row["received_ms"]
    found = store.entry_at(commit.tx, log, seq) if seq else None
    return (b"", 0) if found is None else (found.cose, found.received_ms)


def _chain_at(commit: Commit, opened: OpenLog) -> log_rules.ChainAt:

    def chain_at(seq: int) -> bytes | None:
        if seq == opened.head.head.seq:
            return opened.head.head.chain
        return opened.chain_at(commit.tx, seq)

    return chain_at


class _Healing:
    """One file that gets entries back. Each is judged as a reader judges it, and nothing is put unless all of them stand where they stood."""

    def __init__(self, commit: Commit, log: bytes, opened: OpenLog) -> None:
        self.commit, self.log, self.opened = commit, log, opened
        self.gone = commit.removing.gone
        self.erased = self.gone.erased(log)
        self.taken: list[Taken] = []
        self.history = exchange.History(_chain_at(commit, opened), lambda _size: None, {}, self._entry_at).growing(self.taken)

    def take(self, links: tuple[tuple[bytes, int], ...], entries: tuple[Any, ...]) -> list[log_rules.Placed]:
        """Put the entries, the first of `links`, at their places."""
        reader = Reader(self.opened.head, self.opened.file)
        judged: list[tuple[Taken, Reader, Reader]] = []
        ghosts: list[tuple[int, int, bytes, bytes]] = []
        for (entry_id, received_ms), pair in zip(links, entries, strict=False):
            if self.erased is not None and pair == entry_id != self.erased:
                reader = Reader(log_rules.follow_id(reader.log, entry_id, received_ms), reader.file)
                ghosts.append((reader.log.head.seq, received_ms, reader.log.head.chain, entry_id))
                continue
            entry = self._entry(pair, entry_id)
            before = reader
            reader, taken = self._judge(reader, entry, received_ms)
            self.taken.append(taken)
            judged.append((taken, before, reader))
        for seq, received_ms, chain, entry_id in ghosts:
            self.commit.put_ghost(self.opened, Head(self.commit.incarnation, seq, chain), received_ms, entry_id)
        for taken, before, after in judged:
            self._put(taken, before, after)
        return [taken.place for taken in self.taken]

    def _entry(self, pair: Any, entry_id: bytes) -> Entry:
        """An entry as it may stand here: without the parts that were removed, and with all others. Raises Malformed."""
        entry = decode_pair(pair)
        if entry.id != entry_id:
            raise Malformed("an entry is another than its link says")
        envelope = entry.sealed.id if entry.sealed is not None else entry.id
        parts = [None if self.gone.names_part(self.log, envelope, i) else part for i, part in enumerate(entry.parts)]
        if any(part is None and not self.gone.names_part(self.log, envelope, i) for i, part in enumerate(entry.parts)):
            raise Malformed("a part is missing that nobody removed")
        return decode_pair([entry.cose, parts])

    def _judge(self, reader: Reader, entry: Entry, received_ms: int) -> tuple[Reader, Taken]:
        if self.erased == entry.id:
            return self._judge_erasure(reader, entry, received_ms)
        try:
            return exchange.take_entry(reader, entry, received_ms, (0, b""), self.commit.registry, self.history)
        except exchange.Behind:
            raise Refused("stale-registry", "an entry relies on a registry that this side does not have") from None

    def _judge_erasure(self, reader: Reader, entry: Entry, received_ms: int) -> tuple[Reader, Taken]:
        """The statement that erased the file, of which nothing else is left."""
        known, statement, certificate = self.commit.registry, file_statement(entry), self.commit.registry.devices.get(entry.author)
        head, place = log_rules.follow(reader.log, entry, received_ms)
        if certificate is None or not isinstance(statement, Erase):
            raise Refused("stale-registry", "an entry relies on a registry that this side does not have")
        exchange.check_signature(place, certificate.keys.sign)
        removal.check_erased(statement, entry, known, received_ms)
        file = membership.erased(self.log, statement, entry, known.side, reader.file.ever if reader.file else {})
        return Reader(log_rules.advance_author(head, entry), file), Taken(place, (0, b""), None, certificate.subject.user, "")

    def _entry_at(self, seq: int) -> tuple[Entry, int] | None:
        cose, received_ms = _row_at(self.commit, self.log, seq)
        return (decode_entry_alone(cose), received_ms) if cose else None

    # --- what is put -----------------------------------------------------------------------------------------------------

    def _put(self, taken: Taken, before: Reader, after: Reader) -> None:
        commit, entry, place = self.commit, taken.place.entry, taken.place
        counts = after.log.authors.get(entry.author) == log_rules.AuthorHead(entry.sq, entry.id)
        self.opened.file = after.file
        commit.put(self.opened, after.log, place, after.file, void=taken.void is not None, counts=counts)
        if taken.void is not None or entry.is_envelope or after.file is None:
            return
        statement = file_statement(entry)
        joins, leaves = moved(before.file, after.file) if after.file.erased is None else ({}, [])
        commit.record_members(place.seq, joins, leaves, self.log)
        self._settle(entry, statement)
        if isinstance(statement, Expunge):
            self._expunge(entry, statement)
        if isinstance(statement, Erase):
            commit.parcels.ended.append({"log": self.log, "week": week_of(commit.now_ms)})
            self._note(entry, b"", WHOLE_FILE, 0, b"")

    def _settle(self, entry: Entry, statement: Any) -> None:
        """What was decided on is held no more, where this copy still holds it."""
        held_id = statement.id if isinstance(statement, Refuse | Expunge) else entry.id
        if isinstance(statement, Admit):
            held_id = decode_entry_alone(statement.held).id
        if isinstance(statement, Admit | Refuse | Genesis | Expunge) and store.held_outcome(self.commit.tx, self.log, held_id) == "":
            outcome = {Refuse: "refused", Expunge: "expunged"}.get(type(statement), "admitted")
            self.commit.batch.settled.append({"log": self.log, "held_id": held_id, "to_outcome": outcome})

    def _expunge(self, entry: Entry, statement: Expunge) -> None:
        """What the statement removes is not here, whatever was listed of it."""
        commit = self.commit
        for row in commit.batch.entries:
            if row["log_id"] == self.log and row["seq"] == statement.at:
                row["parts"] = without(row["parts"], statement.part)
                break
        else:
            stored = store.entry_at(commit.tx, self.log, statement.at) if statement.at else None
            if stored is not None:
                commit.batch.left[self.log, statement.at] = without(commit.batch.left.get((self.log, statement.at), stored.parts), statement.part)
        held = store.held_parts(commit.tx, self.log, statement.id)
        if held is not None:
            key = self.log, statement.id
            commit.batch.held_left[key] = without(commit.batch.held_left.get(key, held[2]), statement.part)
        if statement.parcel is not None:
            commit.parcels.dropped.append({"log": self.log, "id": statement.parcel})
        self._note(entry, statement.id, statement.part, statement.at, statement.parcel or b"")

    def _note(self, entry: Entry, envelope: bytes, part: int, at: int, parcel: bytes) -> None:
        row = {"log_id": self.log, "entry_id": envelope, "part": part, "at": at, "parcel_id": parcel, "by_id": entry.id}
        if not removal_rows.has_gone(self.commit.tx, self.log, envelope, part):
            self.commit.batch.gone.append(row)
            self.commit.batch.asked = True
