"""Taking a sync response into the store: pages, grants, parts, receipts, refusals, proofs (docs/spec.md §9.3).

Every response is taken in one transaction. What contradicts a signed history is kept as evidence, and the log stops.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from shared_schema import cbor, ids, limits
from shared_schema.certificate import Enrol, Revoke
from shared_schema.entry import Entry, decode_entry, decode_head, decode_pair
from shared_schema.errors import BadGrant, Contradiction, Malformed, ProtocolError, Refused, catalogue
from shared_schema.membership import FileStatement, Genesis, Members, decode_file_statement
from shared_schema.receipt import Receipt, decode_receipt
from shared_schema.wire import Answer, Page, SyncResponse
from sync import exchange, keys, merkle, registry, sealing
from sync.change import Change, decode_part, encode_part
from sync.device.session import Session
from sync.device.store import DEAD, EntryRow, OutboxRow
from sync.exchange import History, Reader, Taken
from sync.granting import check_secret, open_grants
from sync.log import Placed
from sync.signing import verify_bytes

FLOOR: Final = "floor"  # the fact that holds the registry head of this device's invitation
_BEHIND: Final = "behind:"  # with a log's id in hex: the fact that holds the place at which its registry was missing
_REFUSED: Final = "refused:"  # with an entry's id in hex: the fact that holds the server's signed refusal of it
_RESEAL: Final = frozenset({"stale-epoch", "rotate-first", "old-incarnation"})
_FOREVER: Final = frozenset({"malformed", "too-large"})
_FINAL: Final = {False: _RESEAL | _FOREVER, True: _FOREVER | {"stale-statement", "stale-registry", "old-incarnation"}}  # by whether it is a statement


class Refusal(NamedTuple):
    """An entry that was not taken. `final` when the refusal is signed and was verified, or the log shows the entry as void."""

    log: bytes
    id: bytes
    code: str
    message: str
    final: bool
    statement: bool = False


class Received(NamedTuple):
    """An entry of this device that a verified receipt covers."""

    log: bytes
    id: bytes
    seq: int
    received_ms: int


@dataclass(slots=True)
class Outcome:
    """What one response brought."""

    received: int = 0
    changes: int = 0
    accepted: int = 0
    refused: list[Refusal] = field(default_factory=list)
    contradictions: list[tuple[bytes, str]] = field(default_factory=list)
    holes: int = 0
    receipts: list[Received] = field(default_factory=list)
    more: bool = False


def take_response(session: Session, response: SyncResponse, pushed: list[OutboxRow]) -> Outcome:
    """Take `response`, the answer to a request that pushed `pushed`, in one transaction."""
    outcome = Outcome()
    try:
        with session.store.transaction():
            _Taking(session, response, pushed, outcome).run()
    except BaseException:
        session.forget_readers()
        raise
    return outcome


class _Taking:
    def __init__(self, session: Session, response: SyncResponse, pushed: list[OutboxRow], outcome: Outcome) -> None:
        self.session, self.store, self.response, self.pushed, self.outcome = session, session.store, response, pushed, outcome
        self.behind = response.more
        self.counted: dict[tuple[bytes, bytes], int] = {}
        self.sent = {item.id: decode_entry(item.cose, cbor.decode(item.parts)) for item in pushed}
        self.numbers = {item.id: item.n for item in self.store.waiting()}

    def run(self) -> None:
        own = self.session.registry.log
        pages = sorted(self.response.pages, key=lambda page: page.log != own)
        for page in pages:
            self._guarded(page, self._registry_page if page.log == own else self._file_page)
        self._answers()
        self._receipts()
        self._settle()
        self._checkpoint()
        self.outcome.more = self.behind and self.outcome.received > 0  # a server that only says that there is more is not asked for ever
        self.store.set_fact("clock_offset", str(self.response.time_ms - self.session.now_ms()).encode())
        self.store.set_fact("synced_ms", str(self.session.now_ms()).encode())

    def _guarded(self, page: Page, take: Any) -> None:
        """A page that contradicts stops its own log only, and is kept."""
        try:
            try:
                take(page)
            except exchange.Behind:
                self._wait(page.log)
                return
            self.session.stop_log(page.log, "")
        except ProtocolError as error:
            evidence = cbor.encode([page.head, [[entry.pair, entry.received_ms] for entry in page.entries]])
            self.session.alarm(page.log, self.session.author(page.log)[1].seq, "contradiction", str(error), evidence)
            if self._knows(page.log):
                self.session.stop_log(page.log, "contradiction")
            self.outcome.contradictions.append((page.log, str(error)))

    def _knows(self, log: bytes) -> bool:
        """False for a log that this device has nothing of and nothing for: a server cannot fill the phone with logs that do not exist."""
        return self.store.log(log) is not None or bool(self.store.waiting(log))

    def _wait(self, log: bytes) -> None:
        """A statement relies on a registry that has not come yet: asked for again. Raises Contradiction when it did not come then either."""
        self.behind = True
        place = str(self.session.author(log)[1].seq).encode()
        if self.store.fact(_BEHIND + log.hex()) == place and not self.response.more:
            raise Contradiction("a statement relies on a registry that the server does not show")
        self.store.set_fact(_BEHIND + log.hex(), place)

    def _history(self, log: bytes) -> History:
        return History(self.session.chain_at(log), self.store.root_at, self.sent)

    # --- registry --------------------------------------------------------------------------------------------------------

    def _registry_page(self, page: Page) -> None:
        session = self.session
        reader, known, taken = exchange.take_registry_page(session.registry_reader, page, session.registry, self._history(page.log))
        self._check_floor(known, last=not page.more)
        self._check_promises(page, session.registry_reader.log.head.seq, taken)
        session.registry_reader, session.registry = reader, known
        self._keep(page, reader, taken)
        for one in taken:
            if one.void:
                session.alarm(page.log, one.place.seq, f"void:{one.void}", self._void_text(one))
        self._drop_moot(page.log)

    def _drop_moot(self, log: bytes) -> None:
        """A revocation of a device that somebody else has revoked meanwhile would be refused for ever, and hold up every later one."""
        for item in self.store.outbox(log):
            statement = registry.statement_of(decode_entry(item.cose))
            target = self.session.registry.devices.get(statement.device) if isinstance(statement, Revoke) else None
            if target is not None and target.revoked is not None and self.store.entry_id(log, target.revoked) != item.id:
                self.store.set_fact(_REFUSED + item.id.hex(), b"moot")  # its number goes to another entry: shown later, it is the server's fault
                self.store.drop_outbox(item.n)

    def _check_floor(self, known: registry.Registry, *, last: bool) -> None:
        """The registry leads to the head that the inviter saw: a server cannot hide what was revoked before the invitation."""
        raw = self.store.fact(FLOOR)
        reached = True if raw is None else known.reaches(decode_head(cbor.decode(raw)))
        if reached is False or (reached is None and last):
            raise Contradiction("the registry is not the one that the inviter saw")

    def _void_text(self, one: Taken) -> str:
        try:
            statement = registry.statement_of(one.place.entry)
        except Malformed:
            return "an entry of the registry counts for nothing"
        if one.void == "invitation-spent" and isinstance(statement, Enrol):
            return f"the invitation for {statement.invitation.subject.name} was used a second time: somebody else has its code"
        return "an entry of the registry counts for nothing"

    # --- files -----------------------------------------------------------------------------------------------------------

    def _file_page(self, page: Page) -> None:
        session = self.session
        if session.registry.root is None:
            raise exchange.Behind
        before = session.reader(page.log)
        reader, taken = exchange.take_page(before, page, session.registry, self._history(page.log))
        self._check_promises(page, before.log.head.seq, taken)
        if not taken and not self._knows(page.log):
            return
        session.keep_reader(page.log, reader)
        self._keep(page, reader, taken)
        older = False
        for one in taken:
            if one.void:
                session.alarm(page.log, one.place.seq, f"void:{one.void}", "an entry that should have been refused counts for nothing")
                self._seal_again(page.log, one)
            elif not one.place.entry.is_envelope:
                older |= self._statement(page.log, one.place.entry, one.place.seq)
        if older:
            self._reopen(page.log)
        else:
            self._open_parts(page.log, [one for one in taken if not one.void and one.place.entry.is_envelope])

    def _seal_again(self, log: bytes, one: Taken) -> None:
        """What an own envelope said that counts for nothing is sealed anew, under the same numbers: no reader has folded them."""
        entry = one.place.entry
        n = self.numbers.get(entry.id)
        if n is not None and entry.is_envelope:
            self.store.unseal_from(n)
            self.outcome.refused.append(Refusal(log, entry.id, one.void or "", "the log shows it as void", final=True))

    def _check_promises(self, page: Page, after: int, taken: list[Taken]) -> None:
        """What an earlier receipt promised stands at its place, and what was refused for good stands nowhere."""
        served = {one.place.seq: one.place.entry.id for one in taken}
        end = after + len(taken)
        for seq, entry_id in self._promised(page.log, after).items():
            if served.get(seq, entry_id) != entry_id:
                raise Contradiction(f"the server's receipt for entry {seq} and its log disagree")
            if seq > end and not page.more:
                raise Contradiction(f"the server signed a receipt for entry {seq} and a head that ends at {end}")
        for one in taken:
            if one.place.entry.author == self.session.identity.device and self.store.fact(_REFUSED + one.place.entry.id.hex()):
                raise Contradiction(f"entry {one.place.seq} is one that the server refused for good")
        leaves = {one.opening[0] for one in taken}
        if taken and (len(leaves) < len(taken) or leaves & self.store.due_leaves(min(leaves), max(leaves))):
            raise Contradiction("two entries are said to have one audit leaf")

    def _promised(self, log: bytes, after: int) -> dict[int, bytes]:
        """The entries that receipts of this device promise beyond a place, by place."""
        return {seq: entry_id for data in self.store.receipts_after(log, after) for entry_id, seq, _ in decode_receipt(data).items if seq > after}

    def _keep(self, page: Page, reader: Reader, taken: list[Taken]) -> None:
        rows, due = [], []
        for one in taken:
            place, entry = one.place, one.place.entry
            leaf, salt = one.opening
            rows.append(
                EntryRow(
                    place.seq, entry.id, entry.author, 0 if entry.is_envelope else 1, place.received_ms, place.chain, one.void, one.role, leaf,
                    entry.cose, cbor.encode(list(entry.parts)),
                )
            )  # fmt: skip
            hash_ = exchange.accepted_leaf(page.log, place, salt, void=one.void is not None)
            due.append((leaf, hash_, page.log, place.seq, self.response.time_ms, self.session.now_ms()))
        self.store.put_entries(page.log, rows)
        self.store.put_due_proofs(due)
        head = reader.log
        self.store.put_log(page.log, head.head.seq, head.head.chain, head.received_ms, page.head)
        self.store.put_authors(page.log, [(device, last.sq, last.id) for device, last in head.authors.items()])
        self.outcome.received += len(taken)

    def _statement(self, log: bytes, entry: Entry, seq: int) -> bool:
        """Keep what a statement grants to this device; True when it opens earlier entries too."""
        statement = decode_file_statement(entry.sign1.payload)
        me, session = self.session.identity, self.session
        state = session.reader(log).file
        held = self.store.secrets(log)
        good: set[int] = set()
        try:
            secrets = open_grants(statement, entry.author, session.receive_key, me.device, (me.svc, log))
        except BadGrant as error:
            session.alarm(log, seq, "bad-grant", str(error))
            secrets = {}
        for epoch, secret in sorted(secrets.items()):
            try:
                check_secret(state, me.svc, epoch, secret, held)
            except BadGrant as error:
                session.alarm(log, seq, "bad-grant", str(error))
                continue
            for later in [later for later, other in held.items() if other == secret and later > epoch]:
                session.alarm(log, seq, "bad-grant", f"the secret of epoch {later} is that of epoch {epoch}: what it opened is closed again")
                self._close(log, later)
                del held[later]
            self.store.put_secret(log, epoch, secret)
            held[epoch] = secret
            good.add(epoch)
        if isinstance(statement, Members) and me.user in statement.remove:
            session.alarm(log, seq, "removed", "you were removed from this file; what you had not sent stays on this device")
        return bool(good - {getattr(statement, "epoch", None)})

    def _close(self, log: bytes, epoch: int) -> None:
        """Forget a secret that no honest granter made, and what it opened, as everybody does who holds the earlier one."""
        self.store.drop_secret(log, epoch)
        for row in self.store.entries(log):
            if not row.void and not row.statement and decode_entry(row.cose, cbor.decode(row.parts)).epoch == epoch:
                self.store.unplace(log, row.seq, self.session.identity.device)

    def _reopen(self, log: bytes) -> None:
        """Open all entries taken so far: a newcomer's first grant may follow the pages that it opens."""
        opened = []
        for row in self.store.entries(log):
            if not row.void and not row.statement:
                entry = decode_entry(row.cose, cbor.decode(row.parts))
                certificate = self.session.registry.devices.get(entry.author)
                user = certificate.subject.user if certificate else b""
                place = Placed(row.seq, row.received_ms, row.chain, entry)
                opened.append(Taken(place, (row.leaf, b""), None, user, row.role))
        self._open_parts(log, opened)

    def _open_parts(self, log: bytes, taken: list[Taken]) -> None:
        secrets = self.store.secrets(log)
        rows: list[tuple[Any, ...]] = []
        for one in taken:
            place, secret = one.place, secrets.get(one.place.entry.epoch or 0)
            sent = self.numbers.get(place.entry.id)
            if sent is not None:  # what this device sealed itself needs no opening
                self.outcome.changes += self.store.place_sealed(log, sent, place.seq, place.received_ms, one.role)
            elif secret is not None:
                found = [self._row(log, one, change, body) for change, body in self._changes(log, one, secret)]
                self._check_repeats(log, found)
                rows += found
        self.store.put_changes(rows)
        self.outcome.changes += len(rows)

    def _changes(self, log: bytes, one: Taken, secret: bytes) -> Iterator[tuple[Change, bytes]]:
        """The changes of an entry's parts, each with its bytes, by counter."""
        entry = one.place.entry
        ctx = keys.context(entry.svc, log, entry.epoch or 0)
        found: list[tuple[Change, bytes]] = []
        for i, part in enumerate(entry.parts):
            try:
                if part is None:
                    raise Malformed("the part is missing and no statement expunged it")
                plain = sealing.open_part(secret, ctx, entry.author, entry.sq, entry.sign1.protected, part, i, len(entry.parts))
                changes = decode_part(plain)
                if any(change.b > entry.sn.seq or change.b >= one.place.seq for change in changes):
                    raise Malformed("a change claims to have seen more than its entry")
                found += [(change, plain[1:] if len(changes) == 1 else encode_part([change])[1:]) for change in changes]
            except Malformed as error:
                self.outcome.holes += 1
                self.session.alarm(log, one.place.seq, "hole", f"part {i}: {error}")
        yield from sorted(found, key=lambda pair: pair[0].c)

    @staticmethod
    def _row(log: bytes, one: Taken, change: Change, body: bytes) -> tuple[Any, ...]:
        entry = one.place.entry
        creates = ids.record_id(log, entry.author, change.c) == change.r
        return (
            log, entry.author, change.c, change.r, change.t, int(creates), one.place.seq, one.place.received_ms, one.user, one.role, 0, None, body,
        )  # fmt: skip

    def _check_repeats(self, log: bytes, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            stored = self.store.change(log, row[1], row[2]) if row[2] <= self._counted(log, row[1]) else None
            if stored is None or stored.body == row[12]:
                continue
            if stored.seq is None:
                text = "a copy of this device used this change number first; what was typed here is kept with this alarm"
                self.session.alarm(log, row[6], "repeated", text, stored.body)
                self.store.drop_pending(log, stored.device, stored.c)
            else:
                self.session.alarm(log, row[6], "repeated", "a change number was used twice with other content; the first stands")

    def _counted(self, log: bytes, device: bytes) -> int:
        """The device's highest change counter before this response."""
        if (log, device) not in self.counted:
            self.counted[log, device] = self.store.highest(log, device)
        return self.counted[log, device]

    # --- answers and receipts --------------------------------------------------------------------------------------------

    def _answers(self) -> None:
        unsealed: set[bytes] = set()
        for item, answer in zip(self.pushed, self.response.answers, strict=False):
            if answer.code == "accepted":
                continue
            final = answer.signed is not None and self._is_final(item, answer)
            self.outcome.refused.append(Refusal(item.log, item.id, answer.code, answer.message, final, bool(item.statement)))
            if item.receipted:
                self._disagree(item.log, 0, f"the server answers {answer.code} for what it has signed a receipt for", answer.signed or b"")
                continue
            if answer.code == "clone-detected":
                self._clone(item, answer)
            if final:
                self.store.set_fact(_REFUSED + item.id.hex(), answer.signed or b"")
                self._take_final(item, answer.code, answer.signed or b"")
                unsealed.add(item.log)
            elif item.log not in unsealed:
                self.store.answer_outbox(item.n, answer.code, answer.message)

    def _is_final(self, item: OutboxRow, answer: Answer) -> bool:
        """True when the refusal is signed, final and about this very entry."""
        try:
            verdict = exchange.check_verdict(answer.signed or b"", self.session.registry)
        except ProtocolError as error:
            self.session.alarm(item.log, None, "bad-verdict", str(error))
            return False
        if item.log == self.session.registry.log or answer.code not in _FINAL[bool(item.statement)]:
            self.session.alarm(item.log, None, "bad-verdict", f"{answer.code} is no final refusal of such an entry", answer.signed)
            return False
        return (verdict.id, verdict.log, verdict.code) == (item.id, item.log, answer.code)

    def _take_final(self, item: OutboxRow, code: str, signed: bytes) -> None:
        """Changes of a refused envelope and of its successors are sealed again; a refused statement is dropped.

        What can never be taken (`malformed`, `too-large`) stays for a person to see.
        """
        for later in self.store.waiting(item.log):
            if later.n > item.n and not later.dead and not later.receipted:
                self.store.set_fact(_REFUSED + later.id.hex(), signed)  # it follows an entry that will never be taken
                self.store.unseal_from(later.n)
                self.store.drop_outbox(later.n)
        statement = decode_file_statement(decode_entry(item.cose).sign1.payload) if item.statement else None
        if statement is not None and not isinstance(statement, Genesis):
            self._say_dropped(item.log, statement)
            self.store.drop_outbox(item.n)
        elif code in _RESEAL and statement is None:
            self.store.unseal_from(item.n)
            self.store.drop_outbox(item.n)
        else:
            self.store.answer_outbox(item.n, DEAD + code, str(catalogue()[code]["means"]))

    def _say_dropped(self, log: bytes, statement: FileStatement) -> None:
        """A change of members that a person made and that came too late; rotations and grants are made again by themselves."""
        if isinstance(statement, Members):
            what = [f"add {self.session.name_of(user)}" for user, _ in statement.add] + [
                f"remove {self.session.name_of(user)}" for user in statement.remove
            ]
            text = f"your request to {' and '.join(what)} was overtaken and NOT done: make it again"
            self.session.alarm(log, self.session.author(log)[1].seq, "overtaken", text)

    def _clone(self, item: OutboxRow, answer: Answer) -> None:
        try:
            other = decode_pair(answer.stored)
        except ProtocolError:
            other = None
        if other is None or not self._is_own(other) or other.id == item.id or (other.log, other.sq) != (item.log, item.sq):
            self.session.alarm(item.log, None, "clone-detected", "the server claims a clone and cannot show one")
        elif self.store.fact(_REFUSED + other.id.hex()):
            self.session.alarm(item.log, other.sq, "contradiction", "the server took an entry that it had refused for good", other.cose)
            self.session.stop_log(item.log, "contradiction")
            self.outcome.contradictions.append((item.log, "the server took an entry that it had refused for good"))
        else:
            self.store.set_fact("frozen", b"clone-detected")
            self.session.alarm(item.log, other.sq, "clone-detected", "another copy of this device has written: enrol this phone anew", other.cose)

    def _is_own(self, entry: Entry) -> bool:
        sign1 = entry.sign1
        return entry.author == self.session.identity.device and verify_bytes(self.session.sign_key.public, sign1.signature, sign1.to_sign)

    def _receipts(self) -> None:
        waiting = {item.id: item for item in self.store.waiting()}
        for data in self.response.receipts:
            try:
                receipt = exchange.check_receipt(data, self.session.registry)
            except ProtocolError as error:
                self.session.alarm(None, None, "bad-receipt", str(error), data)
                continue
            if self._believes(receipt, data):
                for entry_id, seq, _ in receipt.items:
                    if entry_id in waiting and waiting[entry_id].log == receipt.log:
                        self.store.receipt_outbox(waiting[entry_id].n, seq, self.session.now_ms())
                self.store.put_receipt(receipt.log, receipt.items[-1].seq, data)

    def _believes(self, receipt: Receipt, data: bytes) -> bool:
        """False, with the evidence kept, where the log or an earlier receipt has another entry at one of its places."""
        log, last = receipt.log, receipt.items[-1].seq
        other = self.store.receipt(log, last)
        head = self.session.author(log)[1]
        promised = self._promised(log, head.seq)
        if other is not None and other != data:
            self._disagree(log, last, "two receipts name the same place", cbor.encode([other, data]))
            return False
        for entry_id, seq, _ in receipt.items:
            if seq <= head.seq and not self._stands(log, entry_id, seq):
                self._disagree(log, seq, "a receipt and the log disagree", data)
                return False
            if promised.get(seq, entry_id) != entry_id:
                self._disagree(log, seq, "two receipts name the same place", data)
                return False
        return True

    def _settle(self) -> None:
        """What has its receipt leaves the outbox when its log shows it, and not before: a receipt alone may be a lie."""
        for item, seq, since_ms in self.store.receipted():
            if self._stands(item.log, item.id, seq):
                self.store.drop_outbox(item.n)
                self.outcome.accepted += 1
                self.outcome.receipts.append(Received(item.log, item.id, seq, self.store.received_ms(item.log, seq)))
            elif self.session.now_ms() - since_ms > limits.INCLUSION_MS:
                self.session.alarm(
                    item.log, seq, "withheld", "24 hours after its receipt the server does not show the entry; it is kept and sent again"
                )

    def _disagree(self, log: bytes, seq: int, what: str, evidence: bytes) -> None:
        self.session.alarm(log, seq, "contradiction", what, evidence)
        self.session.stop_log(log, "contradiction")
        self.outcome.contradictions.append((log, what))

    def _stands(self, log: bytes, entry_id: bytes, seq: int) -> bool:
        return self.store.entry_id(log, seq) == entry_id

    # --- audit -----------------------------------------------------------------------------------------------------------

    def _checkpoint(self) -> None:
        session, response = self.session, self.response
        newest = self.store.newest_checkpoint()
        seen = session.witness() if newest else None
        try:
            witness = exchange.take_checkpoint(seen, response.checkpoint, response.consistency, session.registry)
        except (Contradiction, Malformed, Refused) as error:
            session.alarm(session.registry.log, None, "audit-contradiction", str(error), response.checkpoint.encode())
            self.outcome.contradictions.append((session.registry.log, str(error)))
            return
        if witness.size:
            self.store.put_checkpoint(witness.size, witness.root, response.checkpoint)
        self._inclusion(witness.size, witness.root)

    def _inclusion(self, size: int, root: bytes) -> None:
        due = {row[0]: row for row in self.store.due_proofs(limits.PROOFS_PER_SYNC)}
        shown = []
        for proof in self.response.inclusion:
            row = due.get(proof.leaf)
            if row is None:
                continue
            try:
                fits = merkle.root_from_inclusion(row[1], proof.leaf, size, proof.path) == root
            except Contradiction:
                fits = False
            if fits:
                shown.append(proof.leaf)
            else:
                self.session.alarm(row[2], row[3], "not-in-audit-log", "the audit log does not hold what the receipt promised")
        self.store.drop_due_proofs(shown)
        for leaf, _, log, seq, since, since_here in due.values():  # by either clock: the server's may stand still, the phone's may be wrong
            waited = max(self.response.time_ms - since, self.session.now_ms() - since_here)
            if leaf not in shown and waited > limits.INCLUSION_MS:
                self.session.alarm(log, seq, "not-in-audit-log", "24 hours after its receipt an entry is not in the audit log")
