"""What the server answered to what was pushed: verdicts and receipts, and when an entry may leave the outbox (docs/decisions/0007)."""

from typing import Final

from shared_schema import cbor, limits
from shared_schema.certificate import Revoke, Suspend
from shared_schema.deposit import Deposited
from shared_schema.entry import Entry, decode_entry, decode_pair
from shared_schema.errors import ProtocolError, catalogue
from shared_schema.membership import FileStatement, Genesis, Members, file_statement
from shared_schema.receipt import Receipt, decode_receipt
from shared_schema.wire import Answer, SyncResponse
from sync import exchange, registry
from sync.device.exchanging.outcome import Outcome, Received, Refusal
from sync.device.session import Session
from sync.device.storage.store import Store
from sync.device.storage.tables import DEAD, LET_OUT, SAID_ERASED, OutboxRow
from sync.signing import verify_bytes

REFUSED: Final = "refused:"  # with an entry's id in hex: the fact that holds the server's signed refusal of it
MOOT: Final = "moot:"  # with the id of an own suspension, or reinstatement, that somebody else's came before
_RESEAL: Final = frozenset({"stale-epoch", "rotate-first", "old-incarnation"})
_FOREVER: Final = frozenset({"malformed", "too-large"})
_FINAL: Final = {
    False: _RESEAL | _FOREVER | {"held", "erased"},
    True: _FOREVER | {"stale-statement", "stale-registry", "old-incarnation", "person-full", "erased", "not-approved"},
}  # by whether it is a statement


def promised(store: Store, log: bytes, after: int) -> dict[int, bytes]:
    """The entries that receipts of this device promise beyond a place, by place."""
    return {seq: entry_id for data in store.receipts_after(log, after) for entry_id, seq, _ in decode_receipt(data).items if seq > after}


class Settling:
    """The answers and receipts of one response."""

    def __init__(self, session: Session, outcome: Outcome) -> None:
        self.session, self.store, self.outcome = session, session.store, outcome

    def take(self, response: SyncResponse, pushed: list[OutboxRow]) -> None:
        """Take the verdicts on what was pushed, then the receipts; drop what is settled."""
        self._answers(response, pushed)
        if not response.more:
            self._check_held(response, pushed)
        self._receipts(response.receipts)
        self._settle(still_coming=response.more and self.outcome.received > 0)

    def _check_held(self, response: SyncResponse, pushed: list[OutboxRow]) -> None:
        """A server that holds what a device in good standing sends withholds it: its person is told, not a colleague who is never asked."""
        me = self.session.identity
        certificate = self.session.registry.devices.get(me.device)
        stands = certificate is not None and certificate.acts and certificate.subject.until >= response.time_ms
        for item, answer in zip(pushed, response.answers, strict=False):
            state = self.session.file(item.log) if answer.code == "held" and stands else None
            if state is not None and me.user in state.members and not self._was_out(item.log):
                text = "the server keeps aside what you sent, and nothing in the logs says why: tell your administrator"
                self.session.alarm(item.log, None, "withheld", text, answer.signed)

    def _was_out(self, log: bytes) -> bool:
        """True when file or registry show that this device ever lost its place there: a verdict is repeated for ever, also when it is in again."""
        me, known = self.session.identity, self.session.registry
        for row in self.store.statements(log):
            try:
                statement = None if row.void else file_statement(decode_entry(row.cose, cbor.decode(row.parts)))
            except ProtocolError:
                continue
            if isinstance(statement, Members) and me.user in statement.remove:
                return True
        orders = (registry.statement_of(decode_entry(row.cose)) for row in self.store.entries(known.log) if not row.void)
        return any(isinstance(order, Suspend | Revoke) and order.device == me.device for order in orders)

    def take_deposited(self, deposited: Deposited, pushed: list[OutboxRow]) -> None:
        """Take the verdicts on what was handed in, and the receipts of what had been accepted before."""
        self._answers(deposited, pushed)
        self._receipts(deposited.receipts)

    def _answers(self, response: SyncResponse | Deposited, pushed: list[OutboxRow]) -> None:
        unsealed: set[bytes] = set()
        held = {answer.id for answer in response.answers if answer.code == "held"}
        for item, answer in zip(pushed, response.answers, strict=False):
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
                self.store.set_fact(REFUSED + item.id.hex(), answer.signed or b"")
                self._take_final(item, answer.code, answer.signed or b"", held)
                unsealed.add(item.log)
            elif answer.code == "after-predecessor" and self._follows_nothing(item):
                self.store.set_fact(REFUSED + item.id.hex(), b"follows what never was")
                self.store.unseal_from(item.n)
                self.store.drop_outbox(item.n)
            elif item.log not in unsealed:
                self.store.answer_outbox(item.n, answer.code, answer.message)

    def _follows_nothing(self, item: OutboxRow) -> bool:
        """True for an envelope whose predecessor will never be in the log: it was refused for good or held, expunged meanwhile, or came in by an
        admission.
        """
        before = decode_entry(item.cose, cbor.decode(item.parts)).pv
        if item.statement or before is None:
            return False
        return self.store.fact(REFUSED + before.hex()) is not None or any(one.id == before and one.dead for one in self.store.waiting(item.log))

    def _is_final(self, item: OutboxRow, answer: Answer) -> bool:
        """True when the refusal is signed, final and about this very entry."""
        try:
            verdict = exchange.check_verdict(answer.signed or b"", self.session.registry)
        except ProtocolError as error:
            self.session.alarm(item.log, None, "bad-verdict", str(error))
            return False
        may_be = _FINAL[bool(item.statement)] | ({"held"} if item.statement and item.sq == 1 else set())  # of statements a genesis is held
        if item.log == self.session.registry.log or answer.code not in may_be:
            self.session.alarm(item.log, None, "bad-verdict", f"{answer.code} is no final refusal of such an entry", answer.signed)
            return False
        return (verdict.id, verdict.log, verdict.code) == (item.id, item.log, answer.code)

    def _take_final(self, item: OutboxRow, code: str, signed: bytes, held: set[bytes]) -> None:
        """Changes of a refused envelope and of its successors are sealed again, but for those that are `held` too; a refused statement is dropped.

        What can never be taken (`malformed`, `too-large`) stays for a person to see.
        """
        if code == "held" and any(now.code == LET_OUT for now in self.store.waiting(item.log) if now.n == item.n):
            return  # the decision came first
        for later in self.store.waiting(item.log) if code != "held" else ():  # of what follows something held each is asked for: it may be held too
            if later.n > item.n and not later.dead and not later.receipted and later.id not in held:
                self.store.set_fact(REFUSED + later.id.hex(), signed)  # it follows an entry that will never be taken
                self.store.unseal_from(later.n)
                self.store.drop_outbox(later.n)
        statement = file_statement(decode_entry(item.cose, cbor.decode(item.parts))) if item.statement else None
        if statement is not None and not isinstance(statement, Genesis):
            self._say_dropped(item.log, statement, code)
            self.store.drop_outbox(item.n)
        elif code in _RESEAL and statement is None:
            self.store.unseal_from(item.n)
            self.store.drop_outbox(item.n)
        else:
            self.store.answer_outbox(item.n, SAID_ERASED if code == "erased" else DEAD + code, str(catalogue()[code]["means"]))

    def _say_dropped(self, log: bytes, statement: FileStatement, code: str) -> None:
        """A change of members that a person made and that came too late; rotations and grants are made again by themselves."""
        if isinstance(statement, Members):
            what = [f"add {self.session.name_of(user)}" for user, _ in statement.add] + [
                f"remove {self.session.name_of(user)}" for user in statement.remove
            ]
            why = str(catalogue()[code]["means"]) if code == "person-full" else "It was overtaken: make it again."
            text = f"your request to {' and '.join(what)} was NOT done. {why}"
            self.session.alarm(log, self.session.author(log)[1].seq, "overtaken", text)

    def _clone(self, item: OutboxRow, answer: Answer) -> None:
        try:
            other = decode_pair(answer.stored)
        except ProtocolError:
            other = None
        if other is None or not self._is_own(other) or other.id == item.id or (other.log, other.sq) != (item.log, item.sq):
            self.session.alarm(item.log, None, "clone-detected", "the server claims a clone and cannot show one")
        elif self.store.fact(MOOT + other.id.hex()):
            self.session.alarm(item.log, other.sq, "overtaken", "an older request of this device arrived late: make the newer one again")
            self.store.drop_outbox(item.n)
        elif self.store.fact(REFUSED + other.id.hex()):
            self.session.alarm(item.log, other.sq, "contradiction", "the server took an entry that it had refused for good", other.cose)
            self.session.stop_log(item.log, "contradiction")
            self.outcome.contradictions.append((item.log, "the server took an entry that it had refused for good"))
        else:
            self.store.set_fact("frozen", b"clone-detected")
            self.session.alarm(item.log, other.sq, "clone-detected", "another copy of this device has written: enrol this phone anew", other.cose)

    def _is_own(self, entry: Entry) -> bool:
        sign1 = entry.sign1
        return entry.author == self.session.identity.device and verify_bytes(self.session.sign_key.public, sign1.signature, sign1.to_sign)

    def _receipts(self, receipts: tuple[bytes, ...]) -> None:
        waiting = {item.id: item for item in self.store.waiting()}
        for data in receipts:
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
        expected = promised(self.store, log, head.seq)
        if other is not None and decode_receipt(other).items[-1] != receipt.items[-1]:  # after a restore it is said again in other bytes
            self._disagree(log, last, "two receipts name the same place", cbor.encode([other, data]))
            return False
        for entry_id, seq, _ in receipt.items:
            if seq <= head.seq and not self._stands(log, entry_id, seq):
                self._disagree(log, seq, "a receipt and the log disagree", data)
                return False
            if expected.get(seq, entry_id) != entry_id:
                self._disagree(log, seq, "two receipts name the same place", data)
                return False
        return True

    def _settle(self, *, still_coming: bool) -> None:
        """What has its receipt leaves the outbox when its log shows it, and not before: a receipt alone may be a lie."""
        for item in self.store.waiting():
            if item.promised is None or item.receipted_ms is None:
                continue
            if self._stands(item.log, item.id, item.promised):
                self.store.drop_outbox(item.n)
                self.outcome.accepted += 1
                self.outcome.receipts.append(Received(item.log, item.id, item.promised, self.store.received_ms(item.log, item.promised)))
            elif not still_coming and self.session.now_ms() - item.receipted_ms > limits.INCLUSION_MS:
                self.session.alarm(
                    item.log, item.promised, "withheld", "24 hours after its receipt the server does not show the entry; it is kept and sent again"
                )

    def _disagree(self, log: bytes, seq: int, what: str, evidence: bytes) -> None:
        self.session.alarm(log, seq, "contradiction", what, evidence)
        self.session.stop_log(log, "contradiction")
        self.outcome.contradictions.append((log, what))

    def _stands(self, log: bytes, entry_id: bytes, seq: int) -> bool:
        return self.store.entry_id(log, seq) == entry_id
