"""What becomes of a pushed entry: the rules of docs/spec.md §3.1, in their order, on states held in memory.

`Commit` is one transaction's worth of decisions. Nothing that it decides is true before `store.flush` and the database's commit.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

from sqlalchemy import Connection

from server import store
from server import unborn as unborn_files
from server.audit_log import AuditLog
from server.gone import Gone
from server.parcel_store import ParcelBatch
from server.removing import Removing
from server.unborn import Unborn
from shared_schema import cbor, ids, limits
from shared_schema.certificate import Enrol, Wiped
from shared_schema.entry import Entry, Head, decode_entry_alone, decode_pair
from shared_schema.errors import Contradiction, Malformed, ProtocolError, Refused, catalogue
from shared_schema.membership import Admit, Genesis, Recover, Refuse, file_statement
from shared_schema.receipt import RECEIPT, VERDICT, Item, decode_verdict, receipt_payload, verdict_payload
from shared_schema.recovery import Custody, Permit
from shared_schema.removal import decode_purge
from shared_schema.roles import may_sign
from shared_schema.wire import Answer, Opening
from sync import log as log_rules
from sync import membership, registry
from sync.log import LogHead
from sync.membership import FileState
from sync.registry import Certificate, Registry
from sync.signing import verify_bytes, verify_object

UNKNOWN_ID: Final = bytes(32)
_RECENT: Final = 256


@dataclass(slots=True)
class OpenLog:
    """A log's state in memory. `recent` maps places to chains, for checking what authors saw: all that are not in the database yet, and some more."""

    head: LogHead
    file: FileState | None = None
    recent: dict[int, bytes] = field(default_factory=dict)

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


class Commit:
    """Decisions of one transaction over a realm. `load` reads a log's state; `sign` makes a server-signed object; `may_begin` and `may_state`
    raise Refused `quota` for a device that has begun enough files, or sent enough statements; `files_of` are the logs that name a person.
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
        files_of: Callable[[bytes], Collection[bytes]],
        may_begin: Callable[[bytes], None] = lambda _device: None,
        may_state: Callable[[bytes], None] = lambda _device: None,
        gone: Gone | None = None,
    ) -> None:
        self.tx, self.registry, self.incarnation, self.audit, self.now_ms = tx, known, incarnation, audit, now_ms
        self._load, self.sign, self._has_refusals, self._files_of = load, sign, has_refusals, files_of
        self._may_begin, self._may_state = may_begin, may_state
        self.unborn: dict[bytes, Unborn] = {}
        self._unborn = unborn
        self._named: dict[bytes, set[bytes]] = {}
        self._stored_room = 0
        self.batch = store.Batch()
        self.parcels = ParcelBatch()
        self.removing = Removing(tx, self.batch, self.parcels, gone or Gone(), now_ms)
        self.logs: dict[bytes, OpenLog] = {}
        self.refused_logs: set[bytes] = set()

    def push(self, pairs: tuple[Any, ...], sender: Sender | None, *, deposit: bool = False) -> Pushed:
        """Decide on each entry in order. After the first of an author that is not taken, its later ones wait. A deposit is of the sender's own
        entries of files.
        """
        answers: list[Answer] = []
        receipts: dict[bytes, None] = {}
        placed: dict[bytes, list[log_rules.Placed]] = {}
        leaves: dict[bytes, tuple[int, bytes]] = {}
        openings: list[Opening] = []
        stopped: set[tuple[bytes, bytes]] = set()
        self._stored_room = limits.PAGE_BYTES
        for pair in pairs:
            entry: Entry | None = None
            try:
                entry = decode_pair(pair)
                if None in entry.parts:
                    raise Malformed("a part is missing")
                if (entry.log, entry.author) in stopped:
                    raise Refused("after-predecessor", "an earlier entry of this author was not taken")
                if deposit and (sender is None or entry.author != sender.device or not self._may_hand_in(entry)):
                    raise Refused("no-such-file")
                known = self._known(entry)
                if known is not None and not (known[0].code == "held" and self._may_begin_held(entry, sender)):
                    answer, receipt, leaf = known
                    if leaf is not None:
                        openings.append(Opening(entry.id, leaf, self.audit.salt(leaf)))
                    receipts |= {receipt: None} if receipt else {}
                else:
                    place, leaf = self._append(entry, sender)
                    answer = Answer(entry.id, "accepted")
                    placed.setdefault(entry.log, []).append(place)
                    leaves[entry.id] = leaf, self.audit.salt(leaf)
                    openings.append(Opening(entry.id, *leaves[entry.id]))
            except ProtocolError as error:
                answer = self._refuse(entry, error)
            if entry is not None and answer.code not in ("accepted", "held"):
                stopped.add((entry.log, entry.author))
            answers.append(answer)
        receipts |= {self._receipt(log, places): None for log, places in placed.items()}
        return Pushed(tuple(answers), tuple(receipts), tuple(openings), placed, leaves)

    def _may_hand_in(self, entry: Entry) -> bool:
        """§9.5: anything of a file; of the registry the word of a device that it has wiped itself."""
        return entry.log != self.registry.log or isinstance(registry.statement_of(entry), Wiped)

    def _open(self, log: bytes) -> OpenLog | None:
        opened = self.logs.get(log)
        if opened is None:
            opened = self._load(self.tx, log)
            if opened is not None:
                opened = self.logs[log] = replace(opened)
        return opened

    def _known(self, entry: Entry) -> tuple[Answer, bytes | None, int | None] | None:
        """§3.1 rule 3: the earlier final verdict of this very entry. A genesis that was held may have been accepted since."""
        opened = self._open(entry.log)
        last = opened.head.authors.get(entry.author) if opened else None
        if last is not None and entry.sq <= last.sq:
            stored = self._stored(entry.log, entry.author, entry.sq)
            if stored is not None and stored[0] == entry.id:
                return Answer(entry.id, "accepted"), self._receipt_of(entry.log, stored[1]), stored[2]
        if entry.log in self.refused_logs or self._has_refusals(entry.log):
            row = next((row for row in self.batch.verdicts if row["entry_id"] == entry.id), None)
            signed = row["verdict"] if row else store.verdict(self.tx, entry.log, entry.id)
            if signed is not None:
                code = _signed_code(signed)
                return Answer(entry.id, code, str(catalogue()[code]["means"]), signed), None, None
        return None

    def _stored(self, log: bytes, author: bytes, sq: int) -> tuple[bytes, int, int, Any] | None:
        """(entry id, seq, leaf, travelling pair) of the entry that took `sq`, in this transaction or before."""
        for row in self.batch.entries:
            if row["log_id"] == log and row["author"] == author and row["sq"] == sq:
                return row["entry_id"], row["seq"], row["leaf"], [row["cose"], cbor.Raw(row["parts"])]
        found = store.entry_by_author(self.tx, log, author, sq)
        return None if found is None else (found.entry_id, found.seq, found.leaf, [found.cose, cbor.Raw(found.parts)])

    def _receipt_of(self, log: bytes, seq: int) -> bytes | None:
        for row in self.batch.receipts:
            if row["log_id"] == log and row["first_seq"] <= seq <= row["last_seq"]:
                receipt: bytes = row["receipt"]
                return receipt
        return store.receipt_for(self.tx, log, seq)

    def _append(self, entry: Entry, sender: Sender | None) -> tuple[log_rules.Placed, int]:
        """Rules 4 to 9; puts the entry at its place. Raises ProtocolError when it is not taken."""
        if entry.svc != self.registry.svc:
            raise Malformed("the entry was signed for another service")
        if entry.log == self.registry.log:
            return self._append_registry(entry)
        if sender is None:
            raise Refused("no-such-file")
        return self._append_file(entry, sender)

    def _append_registry(self, entry: Entry) -> tuple[log_rules.Placed, int]:
        registry.check_newcomer(entry)
        opened = self._open(entry.log) or OpenLog(log_rules.empty_log(entry.log, self.incarnation))
        signer = registry.signer(self.registry, entry)
        if signer is None:
            raise Refused("not-permitted", "nobody whom this registry knows can have signed this")
        verify_object(entry.sign1, signer)
        self._check_order(opened, entry)
        self._check_seen(opened, entry)
        head, place = log_rules.place(opened.head, entry, self.now_ms)
        void = False
        try:
            grown = registry.take(self.registry, entry, place.chain)
            self._check_time(entry)
        except Refused as error:
            if error.code != "invitation-spent" or not self._first_reuse(entry):
                raise
            grown, void = registry.skip(self.registry, place.chain, entry), True  # appended so that every device raises the alarm
        self.registry = grown
        return self._put(opened, head, place, None, void=void)

    def _check_time(self, entry: Entry) -> None:
        statement = registry.statement_of(entry)
        if isinstance(statement, Custody) and registry.is_of_older_key(self.registry, entry):
            raise Refused("not-permitted", "a fresh recovery key came in force first: whom this names hold shares of the one before")
        if isinstance(statement, Permit) and not self.now_ms < statement.until <= self.now_ms + limits.PERMIT_MS:
            raise Refused("not-permitted", "a permit to recover may be open for 14 days at most")
        if isinstance(statement, Enrol):
            until = statement.invitation.enrol_until
            if self.now_ms > until:
                raise Refused("invitation-ended")
            if until > self.now_ms + limits.INVITATION_MS:
                raise Refused("invitation-invalid", "an invitation may be open for 72 hours at most")

    def _first_reuse(self, entry: Entry) -> bool:
        statement = registry.statement_of(entry)
        return isinstance(statement, Enrol) and statement.invitation.key not in self.registry.reused

    def _append_file(self, entry: Entry, sender: Sender) -> tuple[log_rules.Placed, int]:
        opened = self._open(entry.log)
        author = self.registry.devices.get(entry.author)
        if not entry.is_envelope:
            self._may_state(sender.device)
        statement = None if entry.is_envelope else file_statement(entry)
        genesis = isinstance(statement, Genesis)
        if author is not None and opened is None and not genesis:
            self._hold_for_unborn(entry, author, sender)
        if author is None or (opened is None) != genesis:
            raise Refused("no-such-file")
        recovers = isinstance(statement, Recover) and sender.user == author.subject.user and self._may_recover(opened, entry.author)
        if opened is not None and not recovers and not self._may_deliver(opened, author.subject.user, sender):
            raise Refused("no-such-file")
        if genesis:
            self._may_begin(sender.device)
        self._check_not_gone(opened, entry, author)
        opened = opened or OpenLog(log_rules.empty_log(entry.log, self.incarnation))
        adopts = genesis and self._may_begin_held(entry, sender)
        if genesis and not adopts and self._is_out(author):
            self._hold_genesis(entry, author, sender)
        if not adopts:
            self._check_standing(opened, entry, author, recovers=recovers)
        self._check_order(opened, entry)
        verify_object(entry.sign1, author.keys.sign)
        try:
            self._check_seen(opened, entry)
            file = self._take_file(opened, entry, statement)
            if isinstance(statement, Recover) and not recovers:
                raise Refused("not-permitted", "the permit to recover this file has ended")
            joins, leaves = _moved(opened.file, file) if file.erased is None else ({}, [])  # who is in a file to its end is served its end
            self._check_room(entry.log, joins)
            self._settle(entry, statement)
            self.removing.take(entry, statement, max(self.now_ms, opened.head.received_ms))
        except ProtocolError as error:
            if adopts:
                raise  # its verdict stays what it was: held
            if (
                isinstance(statement, Admit | Refuse) and error.code == "not-permitted"
            ):  # a final code: it would wait in front of all that its author writes
                error = Refused("stale-statement", str(error))
            raise _Signed(error) from error  # the signature held: a final code is signed and remembered
        if adopts:
            self.batch.settled.append({"log": entry.log, "held_id": entry.id, "to_outcome": "admitted"})
        head, place = log_rules.place(opened.head, entry, self.now_ms)
        opened.file = file
        self._record_members(place.seq, joins, leaves, entry.log)
        return self._put(opened, head, place, file)

    def _may_recover(self, opened: OpenLog | None, device: bytes) -> bool:
        """§7.6: the device is permitted, now, to bring this file back. Whether that is due is judged by the file."""
        permitted = self.registry.recovery.permits_at(device, self.registry.seq)
        return opened is not None and permitted is not None and permitted.permit.until >= self.now_ms and permitted.covers(opened.head.log)

    def _check_not_gone(self, opened: OpenLog | None, entry: Entry, author: Certificate) -> None:
        """§3.1 rule 5. Nothing is taken of a file that was erased, and no envelope of which a part was expunged. Raises `erased`."""
        erased = self.removing.gone.erased(entry.log) or (opened is not None and opened.file is not None and opened.file.erased)
        if erased or self.removing.is_gone(entry):
            verify_object(entry.sign1, author.keys.sign)
            raise _Signed(Refused("erased"))

    def _check_standing(self, opened: OpenLog, entry: Entry, author: Certificate, *, recovers: bool) -> None:
        """§3.1 rule 6. What an author writes who has lost its place is held; raises `held`, or Refused `no-standing` for its statements."""
        out = self._is_out(author)
        if not out and (recovers or opened.file is None or author.subject.user in opened.file.members):
            return
        verify_object(entry.sign1, author.keys.sign)
        if not entry.is_envelope:
            if out:
                raise Refused("no-standing")
            raise _Signed(Refused("stale-statement", "the author is no member of this file any more"))  # what was typed behind it can be held
        members = opened.file.members.values() if opened.file else ()
        if not any(may_sign("admit", opened.file.file, opened.file.side, role) for role in members if opened.file):
            raise Refused("no-standing", "nobody in this file may let held work in: it stays on its device")
        self._hold(entry)

    def _is_out(self, author: Certificate) -> bool:
        return not author.acts or author.subject.until < self.now_ms

    def _hold(self, entry: Entry) -> NoReturn:
        """Keep an entry aside. Raises `held`, signed; Refused `quota` when too much of its author is held in this file."""
        count, size = store.held_of_author(self.tx, entry.log, entry.author)
        mine = [row for row in self.batch.held if (row["log_id"], row["author"]) == (entry.log, entry.author)]
        count, size = count + len(mine), size + sum(len(row["cose"]) + len(row["parts"]) for row in mine)
        if count >= limits.HELD_ENTRIES or size >= limits.HELD_BYTES:
            raise Refused("quota", f"{count} entries of this device have been held in this file, want no more")
        n = store.next_held(self.tx, entry.log) + sum(row["log_id"] == entry.log for row in self.batch.held)
        self.batch.held.append(
            {
                "log_id": entry.log, "n": n, "entry_id": entry.id, "author": entry.author, "held_ms": self.now_ms, "outcome": "",
                "cose": entry.cose, "parts": cbor.encode(list(entry.parts)),
            }
        )  # fmt: skip
        raise _Signed(Refused("held"))

    def _unborn_file(self, log: bytes) -> Unborn | None:
        return self.unborn.get(log) or self._unborn.get(log)

    def _hold_genesis(self, entry: Entry, author: Certificate, sender: Sender) -> NoReturn:
        """§7.5: a file begun by a device that has lost its place. Raises `held`, signed, where somebody else whom it names could let it begin."""
        if sender.user != author.subject.user:
            raise Refused("no-such-file")
        verify_object(entry.sign1, author.keys.sign)
        file = membership.take(None, entry, self.registry, self.now_ms)
        if not unborn_files.can_begin(file, author.subject.user):
            raise Refused("no-standing", "nobody else in this file could let it begin: it stays on its device")
        if sum(one.by == entry.author for one in (*self._unborn.values(), *self.unborn.values())) >= limits.HELD_FILES:
            raise Refused("quota", f"{limits.HELD_FILES} files of this device wait to begin, want no more")
        self.unborn[entry.log] = Unborn(file, entry.author)
        self._hold(entry)

    def _hold_for_unborn(self, entry: Entry, author: Certificate, sender: Sender) -> None:
        """The same for what its author wrote in it."""
        unborn = self._unborn_file(entry.log)
        if unborn is None or unborn.by != entry.author or sender.device != entry.author or not entry.is_envelope or not self._is_out(author):
            return
        verify_object(entry.sign1, author.keys.sign)
        self._hold(entry)

    def _may_begin_held(self, entry: Entry, sender: Sender | None) -> bool:
        """A held genesis is taken from whom it names and who decides on held work, and from its author who is in standing again."""
        unborn = None if entry.is_envelope or self._open(entry.log) is not None else self._unborn_file(entry.log)
        if sender is None or unborn is None or unborn.by != entry.author:
            return False
        back = sender.device == entry.author and not self._is_out(self.registry.devices[entry.author])
        return back or (sender.device != entry.author and unborn_files.role_to_decide(unborn.file, sender.user))

    def _settle(self, entry: Entry, statement: Any) -> None:
        """An admission or refusal is of something that is held here. Raises Refused `not-permitted` for anything else."""
        if not isinstance(statement, Admit | Refuse):
            return
        held_id = decode_entry_alone(statement.held).id if isinstance(statement, Admit) else statement.id
        if isinstance(statement, Admit):
            sealed = decode_entry_alone(statement.held)
            stands = self._stored(entry.log, sealed.author, sealed.sq)
            if stands is not None and stands[0] == held_id:
                raise Refused("not-permitted", "that entry is in the log")
        fresh = any((row["log_id"], row["entry_id"]) == (entry.log, held_id) for row in self.batch.held)
        if not fresh and store.held_outcome(self.tx, entry.log, held_id) != "":
            raise Refused("not-permitted", "that entry is not held here, or somebody has decided on it")
        self.batch.settled.append({"log": entry.log, "held_id": held_id, "to_outcome": "admitted" if isinstance(statement, Admit) else "refused"})

    def _may_deliver(self, opened: OpenLog, author_user: bytes, sender: Sender) -> bool:
        file = opened.file
        if file is None or author_user not in file.ever:
            return False
        return sender.user == author_user or sender.user in file.members

    def _check_order(self, opened: OpenLog, entry: Entry) -> None:
        try:
            log_rules.check_author(opened.head, entry)
        except Refused as error:
            if error.code == "clone-detected":
                stored = self._stored(entry.log, entry.author, entry.sq)
                raise _Clone(str(error), None if stored is None else stored[3]) from None
            raise

    def _check_seen(self, opened: OpenLog, entry: Entry) -> None:
        if entry.sn.incarnation != self.incarnation or entry.ck.incarnation != self.incarnation:
            raise Refused("old-incarnation")

        def chain_at(seq: int) -> bytes | None:
            return opened.recent.get(seq) or store.chain_at(self.tx, entry.log, seq) if seq else ids.chain_start(entry.log)  # recent: all not flushed

        log_rules.check_seen(opened.head, entry, chain_at)
        if entry.held is not None and entry.sealed is not None:
            log_rules.check_carried(opened.head, entry.sealed, chain_at)
        if self.audit.root_at(self.tx, entry.ck.size) != entry.ck.root:  # else one author could stop every reader who knows the true root
            raise Contradiction(f"the author was shown another audit tree of size {entry.ck.size}")

    def _take_file(self, opened: OpenLog, entry: Entry, statement: Any) -> FileState:
        if statement is None:
            membership.check_envelope(opened.file, entry)
            if membership.rotation_needed(opened.file, self.registry):  # type: ignore[arg-type]  # check_envelope refused None
                raise Refused("rotate-first")
            return opened.file  # type: ignore[return-value]
        file = membership.take(opened.file, entry, self.registry, max(self.now_ms, opened.head.received_ms))
        self._check_approver(statement)
        if not isinstance(statement, Genesis):
            touched = set(file.members) | (set(opened.file.members) if opened.file else set())
            membership.check_fresh(touched, statement.rg.seq, self.registry)
        return file

    def _check_approver(self, statement: Any) -> None:
        """Whoever approved has not lost their place meanwhile: folds of files do not look at suspensions."""
        approval = getattr(statement, "approval", None)
        approver = self.registry.devices.get(approval.by) if approval is not None else None
        if approver is not None and (not approver.acts or approver.subject.until < self.now_ms):
            raise Refused("not-approved", "the device that approved is suspended, revoked, or its certificate has ended")

    def _check_room(self, log: bytes, joins: Mapping[bytes, str]) -> None:
        """Nobody is named in more files than a device has cursors for, the registry's aside: their phone could not sync again."""
        for user in joins:
            before, named = self._files_of(user), self._named.get(user, set())
            if log not in before and log not in named and len(before) + len(named) >= limits.FILES_PER_DEVICE - 1:
                raise Refused("person-full", f"somebody is in {limits.FILES_PER_DEVICE - 1} files, want no more")

    def _record_members(self, seq: int, joins: Mapping[bytes, str], leaves: Collection[bytes], log: bytes) -> None:
        self.batch.moves += [(False, {"log": log, "user": user, "left": seq}) for user in leaves]
        for user, role in joins.items():
            self._named.setdefault(user, set()).add(log)
            self.batch.moves.append((True, {"log_id": log, "user_id": user, "from_seq": seq, "to_seq": None, "role": role}))

    def _put(
        self, opened: OpenLog, head: LogHead, place: log_rules.Placed, file: FileState | None, *, void: bool = False
    ) -> tuple[log_rules.Placed, int]:
        entry = place.entry
        leaf = self.audit.write(
            self.batch,
            {
                "e": "accepted", "log": entry.log, "id": entry.id, "seq": place.seq, "ms": place.received_ms,
                "author": entry.author, "chain": place.chain, "void": void,
            },
        )  # fmt: skip
        if place.seq == 1:
            self.batch.new_heads.add(entry.log)
        opened.head = log_rules.advance_author(head, entry)
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
        self.batch.authors[(entry.log, entry.author)] = {
            "log_id": entry.log, "device_id": entry.author, "sq": entry.sq, "entry_id": entry.id,
        }  # fmt: skip
        return place, leaf

    def _receipt(self, log: bytes, places: list[log_rules.Placed]) -> bytes:
        items = [Item(place.entry.id, place.seq, place.received_ms) for place in places]
        last = places[-1]
        receipt = self.sign(RECEIPT, receipt_payload(log, self.incarnation, items, last.seq, last.chain))
        self.batch.receipts.append({"log_id": log, "first_seq": places[0].seq, "last_seq": last.seq, "receipt": receipt})
        return receipt

    def _refuse(self, entry: Entry | None, error: ProtocolError) -> Answer:
        signed_ok = isinstance(error, _Signed)
        cause = error.cause if isinstance(error, _Signed) else error
        if entry is None:
            return Answer(UNKNOWN_ID, cause.code, str(cause))
        if signed_ok or self._authored(entry):
            log = None if self._open(entry.log) is None else entry.log
            self.audit.write(self.batch, {"e": "refused", "log": log, "id": entry.id, "author": entry.author, "code": cause.code})
        stored = self._shown(cause.stored) if isinstance(cause, _Clone) else None
        signed = None
        if signed_ok and catalogue()[cause.code]["final"]:
            payload = verdict_payload(entry.log, self.incarnation, entry.id, entry.author, entry.sq, cause.code)
            signed = self.sign(VERDICT, payload)
            self.batch.verdicts.append({"log_id": entry.log, "entry_id": entry.id, "verdict": signed})
            self.refused_logs.add(entry.log)
        return Answer(entry.id, cause.code, str(cause), signed, stored)

    def _shown(self, stored: Any) -> Any:
        """The entry that has the number, while one answer has room for it; a later request is shown what this one is not."""
        if stored is None:
            return None
        size = len(stored[0]) + len(stored[1])
        if size > self._stored_room:
            return None
        self._stored_room -= size
        return stored

    def _authored(self, entry: Entry) -> bool:
        """True when somebody whom this side knows signed it: what anybody else says of itself is no event."""
        key = registry.key_of(self.registry, entry.author)
        return key is not None and verify_bytes(key, entry.sign1.signature, entry.sign1.to_sign)

    def file_of(self, log: bytes) -> FileState | None:
        """A file's state in this transaction; None for what is no file here."""
        opened = self._open(log)
        return opened.file if opened else None

    def take_purged(self, words: Iterable[bytes], sender: Sender, reads: Callable[[bytes], bool]) -> None:
        """Keep what the sender says that it has purged, of logs that it reads. Whatever else is said is passed over: it tells of no file."""
        for data in words:
            try:
                word = decode_purge(data)
                verify_object(word.sign1, self.registry.devices[sender.device].keys.sign)
            except Malformed:
                continue
            if reads(word.log) and self.removing.purged(word, sender.device, self.registry, self.now_ms):
                event = {"e": "purged", "device": sender.device, "log": word.log, "id": word.id, "ms": self.now_ms}
                self.audit.write(self.batch, event)

    def head_of(self, log: bytes) -> Head | None:
        """Where a log stands in this transaction."""
        opened = self._open(log)
        return opened.head.head if opened else None


class _Signed(ProtocolError):
    """A refusal of an entry whose signature verified."""

    def __init__(self, cause: ProtocolError) -> None:
        self.cause = cause
        self.code = cause.code  # type: ignore[misc]
        super().__init__(str(cause))


class _Clone(Refused):
    """clone-detected, with the entry that has the number."""

    def __init__(self, message: str, stored: Any) -> None:
        self.stored = stored
        super().__init__("clone-detected", message)


def _moved(before: FileState | None, after: FileState) -> tuple[dict[bytes, str], list[bytes]]:
    """Who is in a file from now on, and as what; and who is in it no more, or no more as what they were."""
    old = before.members if before else {}
    if old is after.members:
        return {}, []
    joins = {user: role for user, role in after.members.items() if old.get(user) != role}
    return joins, [user for user, role in old.items() if after.members.get(user) != role]


def _signed_code(signed: bytes) -> str:
    return decode_verdict(signed).code
