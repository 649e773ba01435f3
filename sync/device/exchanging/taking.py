"""Taking a sync response into the store: pages, grants, parts, receipts, refusals, proofs (docs/spec.md §9.3).

Every response is taken in one transaction. What contradicts a signed history is kept as evidence, and the log stops.
"""

from typing import Any, Final

from shared_schema import cbor
from shared_schema.certificate import CoverTraffic, Enrol, Reinstate, Suspend
from shared_schema.entry import Entry, decode_entry, decode_entry_alone, decode_head
from shared_schema.errors import Contradiction, Malformed, ProtocolError
from shared_schema.receipt import decode_signed_head
from shared_schema.recovery import Custody, Permit
from shared_schema.wire import Page, SyncResponse
from sync import exchange, registry
from sync.device.exchanging import restoring, traffic
from sync.device.exchanging.opening import Opening
from sync.device.exchanging.outcome import Outcome, Refusal
from sync.device.exchanging.proving import take_proofs
from sync.device.exchanging.settling import MOOT, REFUSED, Settling, promised
from sync.device.exports import exports
from sync.device.people import recovery
from sync.device.session import Session
from sync.device.storage.tables import HELD, EntryRow, OutboxRow
from sync.exchange import History, Reader, Taken

FLOOR: Final = "floor"  # the fact that holds the registry head of this device's invitation
HELD_FILES: Final = "held"  # the fact that says in which files how much waits for this device's person to decide on
PARCELS: Final = "parcels"  # the fact that says how many parcels have come to which file
_WHOLE: Final = "whole-ms"  # the fact that says when, by the server's clock, nothing more waited for this device
_EARLY_MS: Final = 600_000  # clocks are set right, by minutes
_BEHIND: Final = "behind:"  # with a log's id in hex: the fact that holds the place at which its registry was missing


def take_response(session: Session, response: SyncResponse, pushed: list[OutboxRow]) -> Outcome:
    """Take `response`, the answer to a request that pushed `pushed`, in one transaction."""
    outcome = Outcome()
    try:
        with session.store.transaction():
            _Taking(session, outcome, response.time_ms, pushed, more=response.more).run(response)
    except BaseException:
        session.forget_readers()
        raise
    session.store.scrub()
    return outcome


def take_registry(session: Session, page: Page) -> None:
    """Take a page of the registry that came by itself, in one transaction."""
    try:
        with session.store.transaction():
            taking = _Taking(session, Outcome(), session.now_ms() + session.clock_offset(), [], more=page.more)
            if page.log == session.registry.log:
                taking.guarded(page, taking.registry_page)
    except BaseException:
        session.forget_readers()
        raise


class _Taking:
    def __init__(self, session: Session, outcome: Outcome, time_ms: int, pushed: list[OutboxRow], *, more: bool) -> None:
        self.session, self.store, self.outcome, self.time_ms, self.pushed, self.more = session, session.store, outcome, time_ms, pushed, more
        self.behind = more
        self.sent = {item.id: decode_entry(item.cose, cbor.decode(item.parts)) for item in pushed}
        self.opening = Opening(session, outcome)

    def run(self, response: SyncResponse) -> None:
        own = self.session.registry.log
        pages = sorted(response.pages, key=lambda page: page.log != own)
        for page in pages:
            self.guarded(page, self.registry_page if page.log == own else self._file_page)
        coming = next((page.more for page in pages if page.log == own), self.more)
        if not coming and not self.session.stopped(own):  # what comes may be the own one
            self._drop_moot(own)
        Settling(self.session, self.outcome).take(response, self.pushed)
        take_proofs(self.session, response, self.outcome)
        for log in sorted(self.outcome.exported):
            exports.watch(self.session, log)
        self.outcome.more = self.behind and self.outcome.received > 0  # a server that only says that there is more is not asked for ever
        self.store.set_fact(HELD_FILES, cbor.encode([list(one) for one in response.held]))
        self.store.set_fact(PARCELS, cbor.encode([list(one) for one in response.parcels]))
        self.store.set_fact("clock_offset", str(self.time_ms - self.session.now_ms()).encode())
        self.store.set_fact("synced_ms", str(self.session.now_ms()).encode())
        if not response.more and not self.behind and not self.session.registry.healing:  # what comes back was received before
            self.store.set_fact(_WHOLE, str(self.time_ms).encode())

    def guarded(self, page: Page, take: Any) -> None:
        """A page that contradicts stops its own log only, and is kept."""
        self.outcome.shown.add(page.log)
        try:
            try:
                take(page)
            except exchange.Behind:
                self._wait(page.log)
                return
            except exchange.Lost:
                self.outcome.lost[page.log] = decode_signed_head(page.head).head.seq
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
        if self.store.fact(_BEHIND + log.hex()) == place and not self.more:
            raise Contradiction("a statement relies on a registry that the server does not show")
        self.store.set_fact(_BEHIND + log.hex(), place)

    def _history(self, log: bytes) -> History:
        return History(self.session.chain_at(log), self.store.root_at, self.sent, lambda seq: self._entry_at(log, seq))

    def _entry_at(self, log: bytes, seq: int) -> tuple[Entry, int] | None:
        row = self.store.entry(log, seq)
        return (decode_entry_alone(row.cose), row.received_ms) if row is not None and row.cose else None

    # --- registry --------------------------------------------------------------------------------------------------------

    def registry_page(self, page: Page) -> None:
        """The next page of this side's registry."""
        session = self.session
        reader, known, taken = exchange.take_registry_page(session.registry_reader, page, session.registry, self._history(page.log))
        self._check_floor(known, last=not page.more)
        served = {one.place.seq: one.place.entry for one in taken}
        turned, leaves = len(known.restorations) > len(session.registry.restorations), {one.opening[0] for one in taken}
        if not turned:  # else what was promised, and the leaves that are still to be shown, were the older incarnation's
            self._check_promises(page, session.registry_reader.log.head.seq, served, leaves)
        session.registry_reader, session.registry = reader, known
        if turned:
            restoring.turned(session)
        self._keep(page, reader, taken)
        for one in taken:
            if one.void:
                session.alarm(page.log, one.place.seq, f"void:{one.void}", self._void_text(one))
            elif self._was_here(one):
                told = recovery.news(session, one.place.entry), traffic.news(session, one.place.entry), restoring.news(session, one.place.entry)
                for code, text in zip(("recovery", "cover-traffic", "restored"), told, strict=True):
                    if text:
                        session.alarm(page.log, one.place.seq, code, text)

    def _was_here(self, one: Taken) -> bool:
        """False for what happened before this device was certified: it is history, and no news."""
        me = self.session.registry.devices.get(self.session.identity.device)
        return me is not None and one.place.seq > me.seq

    def _drop_moot(self, log: bytes) -> None:
        """A revocation of a device that somebody else has revoked meanwhile, say, would be refused for ever, and hold up every later one."""
        waiting, known = self.store.outbox(log), self.session.registry
        here = {row.id for row in self.store.entries(log) if row.author == self.session.identity.device} if waiting else set()
        for item in waiting:
            entry = decode_entry(item.cose)
            if item.id in here or not registry.is_moot(known, entry, self.time_ms):
                continue
            statement = registry.statement_of(entry)
            revoked = isinstance(statement, Permit) and known.devices[statement.device].revoked is not None
            # a suspension can be lifted, and an old request arrive after that; so with a clock that is set
            final = revoked or not isinstance(statement, Suspend | Reinstate | Permit | Custody | CoverTraffic)
            self.store.set_fact((REFUSED if final else MOOT) + item.id.hex(), b"moot")
            self.store.drop_outbox(item.n)
            if isinstance(statement, Permit | Custody) and not final:
                self.session.alarm(log, None, "overtaken", recovery.overtaken(self.session, statement))

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
            return f"the invitation for {statement.invitation.subject.name} was used a second time: by a slip, or somebody else has its code"
        return "an entry of the registry counts for nothing"

    # --- files -----------------------------------------------------------------------------------------------------------

    def _file_page(self, page: Page) -> None:
        session = self.session
        if session.registry.root is None:
            raise exchange.Behind
        before, history = session.reader(page.log), self._history(page.log)
        if exchange.is_erased_page(page, history) or self.store.has_ghosts(page.log):
            self._erased_page(page, before, history)
            return
        reader, taken = exchange.take_page(before, page, session.registry, history)
        self._check_promises(page, before.log.head.seq, {one.place.seq: one.place.entry for one in taken}, {one.opening[0] for one in taken})
        absent = self._take_absent(page, reader, taken)
        if not taken and not self._knows(page.log):
            return
        session.keep_reader(page.log, reader)
        self._keep(page, reader, taken)
        self.store.set_absent(page.log, absent)
        self._check_times(before, taken)
        for one in taken:
            if one.void:
                session.alarm(page.log, one.place.seq, f"void:{one.void}", "an entry that should have been refused counts for nothing")
                self._seal_again(page.log, one)
        if reader.file is None or reader.file.erased is None:
            self.opening.take(page.log, taken)
        for one in taken:
            if reader.file is not None and reader.file.erased == one.place.entry.id:
                self.opening.purging.erase(page.log, one.place.seq, one.place.entry, before.file)

    def _check_times(self, before: Reader, taken: list[Taken]) -> None:
        """What came since this device had everything did not come earlier: an act that takes two ends with its approval, by the server's clock."""
        whole = int(self.store.fact(_WHOLE) or 0)
        there = before.file is not None and self.session.identity.user in before.file.members and not self.session.stopped(before.log.log)
        early = next((one for one in taken if one.place.received_ms < whole - _EARLY_MS), None)
        if there and early is not None:
            text = "the server says that it received this long before it last said that there was nothing new: its time is not to be believed"
            self.session.alarm(before.log.log, early.place.seq, "early", text)

    def _erased_page(self, page: Page, before: Reader, history: History) -> None:
        """A file that was erased before this device read all of it."""
        reader, ghosts, erasure = exchange.take_erased_page(before, page, self.session.registry, history)
        served = {ghost.seq: ghost.id for ghost in ghosts} | ({erasure.place.seq: erasure.place.entry.id} if erasure else {})
        leaves = {ghost.opening[0] for ghost in ghosts} | ({erasure.opening[0]} if erasure else set())
        self._check_promised(page, before.log.head.seq, served, leaves)
        self.session.keep_reader(page.log, reader)
        rows = [EntryRow(ghost.seq, ghost.id, b"", 0, ghost.received_ms, ghost.chain, None, "", ghost.opening[0], b"", b"") for ghost in ghosts]
        self.store.put_entries(page.log, rows)
        self.outcome.received += len(rows)
        self._keep(page, reader, [erasure] if erasure else [])
        if erasure:
            self.opening.purging.erase(page.log, erasure.place.seq, erasure.place.entry, before.file)

    def _take_absent(self, page: Page, reader: Reader, taken: list[Taken]) -> set[tuple[int, int]]:
        member = reader.file is not None and self.session.identity.user in reader.file.members
        for seq, by in exchange.kept_parts(taken, self.sent):
            self.session.alarm(page.log, seq, "kept", f"the server still had a part that entry {by} removed; it is dropped here")
        return exchange.still_absent(self.store.absent(page.log), taken, more=page.more, member=member)

    def _seal_again(self, log: bytes, one: Taken) -> None:
        """What an own envelope said that counts for nothing is sealed anew, under the same numbers: no reader has folded them."""
        entry = one.place.entry
        n = self.opening.numbers.get(entry.id)
        if n is not None and entry.is_envelope:
            self.store.unseal_from(n)
            self.outcome.refused.append(Refusal(log, entry.id, one.void or "", "the log shows it as void", final=True))

    def _check_promises(self, page: Page, after: int, served: dict[int, Entry], leaves: set[int]) -> None:
        """What an earlier receipt promised stands at its place, and what was refused for good stands nowhere."""
        self._check_promised(page, after, {seq: entry.id for seq, entry in served.items()}, leaves)
        held = {item.id for item in self.store.waiting(page.log) if item.statement and item.code == HELD}
        for seq, entry in served.items():
            if entry.id in held:  # a genesis that was held, and that somebody let begin
                self.store.drop_fact(REFUSED + entry.id.hex())
            elif entry.author == self.session.identity.device and self.store.fact(REFUSED + entry.id.hex()):
                raise Contradiction(f"entry {seq} is one that the server refused for good")

    def _check_promised(self, page: Page, after: int, served: dict[int, bytes], leaves: set[int]) -> None:
        end = after + len(served)
        for seq, entry_id in promised(self.store, page.log, after).items():
            if served.get(seq, entry_id) != entry_id:
                raise Contradiction(f"the server's receipt for entry {seq} and its log disagree")
            if seq > end and not page.more:
                raise Contradiction(f"the server signed a receipt for entry {seq} and a head that ends at {end}")
        if served and (len(leaves) < len(served) or leaves & self.store.due_leaves(min(leaves), max(leaves))):
            raise Contradiction("two entries are said to have one audit leaf")

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
            due.append((leaf, hash_, page.log, place.seq, self.time_ms, self.session.now_ms()))
        self.store.put_entries(page.log, rows)
        self.store.put_due_proofs(due)
        head = reader.log
        if reader.whole:
            self.store.set_whole(page.log)
        self.store.put_log(page.log, head.head.seq, head.head.chain, head.received_ms, page.head)
        self.store.put_authors(page.log, [(device, last.sq, last.id) for device, last in head.authors.items()])
        self.outcome.received += len(taken)
