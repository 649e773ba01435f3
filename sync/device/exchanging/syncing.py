"""Reconciling with the server: seal, push, pull, until nothing is new; then what a holder owes the file: rotations and grants.

The loop ends whatever the server says: what it did not take in this call is not sent again in this call, a log is sealed again a
few times at most, and more is asked for only while something comes.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

from shared_schema import cbor, limits
from shared_schema.entry import Entry
from shared_schema.errors import ProtocolError, Refused
from shared_schema.membership import FileStatement, encode_file_statement
from shared_schema.roles import may_sign
from shared_schema.wire import Cursor, Status, SyncRequest, SyncResponse, decode_response, encode_request
from sync import membership
from sync.device import VERSION
from sync.device.across import crossing, expiring
from sync.device.attaching import attachments
from sync.device.entering import helping
from sync.device.exchanging import healing, restoring
from sync.device.exchanging.outbox import put_statement, seal_pending
from sync.device.exchanging.outcome import Outcome, Received, Refusal
from sync.device.exchanging.taking import take_response
from sync.device.people import cover, wiping
from sync.device.recording import reading
from sync.device.recording.conflicts import last_count
from sync.device.session import Session
from sync.device.storage.tables import HELD, OutboxRow, Waiting
from sync.granting import Granter

_PUSH_BYTES: Final = limits.REQUEST_BYTES * 3 // 4
_FIRST_PUSH_BYTES: Final = 262_144  # then twice as much each time: what a slow link cannot carry whole gets through in pieces
_ROUNDS: Final = 10_000
_EXPIRIES: Final = 32  # in one sync; what is left goes with the next
_SHOW_HEAD: Final = bytes(32)  # no log's chain: the server answers with its signed head, and a log that was stopped can go on
_RESEALS: Final = 5
_LOOK_FIRST_MS: Final = 900_000
_OUT: Final = frozenset({"revoked", "suspended", "certificate-ended"})
TURNED_AWAY: Final = "turned-away"  # the fact that says why the server took nothing of this device at the last sync


class Transport(Protocol):
    """How a sync reaches the server. Raises Refused `offline` when it does not."""

    def sync(self, session: Session, body: bytes) -> bytes:
        """POST /v1/sync."""
        ...

    def deposit(self, session: Session, body: bytes) -> bytes:
        """POST /v1/deposit."""
        ...

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        """Any other signed request."""
        ...

    def unsigned(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Any other unsigned request."""
        ...


@runtime_checkable
class Patient(Protocol):
    """A transport that leaves the device time of its own until the answer comes."""

    def sync_while(self, session: Session, body: bytes, work: Callable[[], None]) -> bytes:
        """POST /v1/sync, while `work` is done."""
        ...


@dataclass(slots=True)
class Report:
    """What one call of `sync` did."""

    rounds: int = 0
    sent: int = 0
    accepted: int = 0
    received: int = 0
    changes: int = 0
    holes: int = 0
    refused: list[Refusal] = field(default_factory=list)
    contradictions: list[tuple[bytes, str]] = field(default_factory=list)
    receipts: list[Received] = field(default_factory=list)
    rotated: int = 0
    granted: int = 0
    attached: attachments.Sent = field(default_factory=attachments.Sent)

    def add(self, outcome: Outcome) -> None:
        """Count one response in."""
        self.accepted += outcome.accepted
        self.received += outcome.received
        self.changes += outcome.changes
        self.holes += outcome.holes
        self.refused += outcome.refused
        self.receipts += outcome.receipts
        self.contradictions += [one for one in outcome.contradictions if one not in self.contradictions]


def sync(
    session: Session,
    transport: Transport,
    progress: Callable[[Report], None] = lambda _report: None,
    *,
    at_once: bool = False,
    sending: attachments.Advance = lambda _done, _total: None,
) -> Report:
    """Reconcile with the server, then bring it chunks of attachments: a line that is too slow for a photograph has carried the notes. Raises Refused `offline`
    (everything stays), or the server's refusal of the whole request. With `at_once` nothing waits for the hour of cover traffic.
    """
    report = Report()
    crossing.before(session, transport)
    reading.put_due(session)
    _reconcile(session, transport, report, progress, at_once=at_once)
    ended = cover.take_out(session)
    if crossing.cross(session, transport) or ended:
        _reconcile(session, transport, report, progress)
    for _ in range(_EXPIRIES):
        if not expiring.expire(session):
            break
        _reconcile(session, transport, report, progress)
    if session.registry.restorations:
        attachments.give_back(session, transport)
    _send_attachments(session, transport, report, progress, sending, at_once=at_once)
    helping.tend(session)
    return report


def _send_attachments(
    session: Session, transport: Transport, report: Report, progress: Callable[[Report], None], sending: attachments.Advance, *, at_once: bool
) -> None:
    """Chunks, then the records that name them. Twice: the first push may hear that some are missing."""
    for _ in range(2):
        if not session.store.outgoing():
            return
        try:
            report.attached.add(attachments.send(session, transport, sending))
        except Refused as error:  # only for whoever has lost their place: the next request says so to whom it concerns
            report.attached.add(attachments.Sent(left=len(session.store.outgoing()), why=str(error), code=error.code))
            return
        if not any(one.complete for one in session.store.outgoing()):
            return
        _reconcile(session, transport, report, progress, at_once=at_once)
        attachments.settle(session)
        report.attached.left = len(session.store.outgoing())


def _reconcile(session: Session, transport: Transport, report: Report, progress: Callable[[Report], None], *, at_once: bool = False) -> None:
    stuck: set[bytes] = set()
    tended: set[bytes] = set()
    resealed: Counter[bytes] = Counter()
    look_first = _long_ago(session)
    asked: set[bytes] = set()
    while True:
        restoring.sign_again(session)
        room, may_seal = _room(report.rounds), not look_first or report.rounds > 0
        if may_seal:
            _seal_ahead(session, stuck, room, at_once=at_once)
        pushed = session.store.outbox_items([item.n for item in _choose(session, stuck, room, again=report.rounds == 0)])
        try:
            short = attachments.claim(session, transport, pushed)
            stuck |= short
            pushed = [item for item in pushed if item.log not in short]
            told = session.store.purges(limits.PURGES_PER_SYNC)
            work = _sealing(session, stuck, _room(report.rounds + 1), pushed, at_once=at_once) if may_seal else None
            response = _exchange(session, transport, pushed, told, work)
        except Refused as error:
            if error.code == "restoring":
                with suppress(ProtocolError):  # who sent this is told that the side is not served, whatever comes of it
                    restoring.bring_registry(session, transport)
            if error.code in _OUT:
                session.store.set_fact(TURNED_AWAY, error.code.encode())
                raise wiping.turned_away(session, transport, error) from error
            raise
        if session.store.fact(TURNED_AWAY):
            session.store.set_fact(TURNED_AWAY, b"")
        outcome = take_response(session, response, pushed)
        if told:
            with session.store.transaction():
                session.store.drop_purges(told)
        healed = _heal(session, transport, outcome, asked)
        report.rounds += 1
        report.sent += len(pushed)
        report.add(outcome)
        progress(report)
        resealed.update(refusal.log for refusal in outcome.refused if refusal.final)
        kept = {item.n for item in session.store.waiting() if not item.receipted}
        stuck |= {item.log for item in pushed if item.n in kept} | {log for log, times in resealed.items() if times > _RESEALS}
        if report.rounds > _ROUNDS:
            break
        tended_now = not outcome.more and _tend(session, stuck, tended, report)  # on the whole log only: a part may lack the very rotation
        sealed = _seal_ahead(session, stuck, _room(report.rounds), at_once=at_once)
        if not (healed or tended_now or _choose(session, stuck) or (outcome.received and (outcome.more or sealed)) or session.store.purges(1)):
            break


def _heal(session: Session, transport: Transport, outcome: Outcome, asked: set[bytes]) -> bool:
    """Give back what the server lost: of the files that it shows less of, and once in a sync of those that it does not show at all."""
    lost = dict(outcome.lost)
    if not outcome.more and session.registry.restorations:
        hidden = [log for log in session.store.not_whole() if log not in outcome.shown and log not in asked]
        asked.update(hidden)
        lost |= dict.fromkeys(hidden, 0)
    return bool(lost) and healing.heal(session, transport, lost)


def _long_ago(session: Session) -> bool:
    """True when much may have changed since this device last heard: it asks before it seals, for it may have lost its place, or its key."""
    last = session.store.fact("synced_ms")
    return last is None or not 0 <= session.now_ms() - int(last) < _LOOK_FIRST_MS


def _choose(session: Session, stuck: set[bytes], room: int = _PUSH_BYTES, *, again: bool = False) -> list[Waiting]:
    """What to push now: in order, up to `room` bytes, nothing of a log that is stuck or stopped; `again` also what has a receipt."""
    if session.store.fact("frozen"):
        return []
    chosen: list[Waiting] = []
    size = 0
    for item in session.store.waiting():
        if item.log in stuck or _settled(session, item) or (item.receipted and not again) or session.stopped(item.log):
            continue
        size += item.size
        if chosen and (size > room or len(chosen) >= limits.ENTRIES_PER_PUSH):
            break
        chosen.append(item)
    return chosen


def _room(rounds: int) -> int:
    return min(_FIRST_PUSH_BYTES << min(rounds, 8), _PUSH_BYTES)


def _seal_ahead(session: Session, stuck: set[bytes], room: int, going: Sequence[OutboxRow] = (), *, at_once: bool) -> int:
    """Seal until there is enough for a push of `room` bytes, beside what is `going` out; returns how many changes. What is left may be sealed by a newer key."""
    numbers, size = {item.n for item in going}, sum(len(item.cose) + len(item.parts) for item in going)
    ready = sum(item.size for item in _choose(session, stuck, size + room + limits.ENTRY_BYTES) if item.n not in numbers)
    return seal_pending(session, at_once=at_once, room=room - ready, but=stuck) if ready < room else 0


def _sealing(session: Session, stuck: set[bytes], room: int, going: list[OutboxRow], *, at_once: bool) -> Callable[[], None] | None:
    """What to do while the server is at work: seal what goes with the next push. None where nothing waits for that."""
    if not going or not session.store.logs_with_unsealed():
        return None

    def seal() -> None:
        _seal_ahead(session, stuck, room, going, at_once=at_once)

    return seal


def _settled(session: Session, item: Waiting) -> bool:
    """True for what was refused for good. A genesis that was held is offered again once this device is in again: then it begins its file."""
    return item.dead and not (item.code == HELD and item.statement and session.certified)


def deliver(session: Session, transport: Transport, entry: Entry) -> Report:
    """Send a colleague's signed entry, as it is. The report says whether it was taken."""
    row = OutboxRow(0, entry.log, entry.sq, entry.id, 1, "", 0, None, None, "", 0, entry.cose, cbor.encode(list(entry.parts)))
    report = Report()
    report.add(take_response(session, _exchange(session, transport, [row], []), [row]))
    return report


def _exchange(
    session: Session, transport: Transport, pushed: list[OutboxRow], told: list[tuple[bytes, bytes, bytes]], work: Callable[[], None] | None = None
) -> SyncResponse:
    store = session.store
    unseen = set(store.not_whole())  # after a restore the server shows each file's head anew
    cursors = tuple(Cursor(log, seq, _SHOW_HEAD if session.stopped(log) or log in unseen else chain) for log, seq, chain, *_ in store.logs())
    newest = store.newest_checkpoint()
    request = SyncRequest(
        cursors=cursors,
        push=tuple([item.cose, cbor.Raw(item.parts)] for item in pushed),
        status=_status(session, pushed),
        checkpoint=session.witness() if newest else None,
        prove=tuple(row[0] for row in store.due_proofs(limits.PROOFS_PER_SYNC)),
        purged=tuple(cose for _, _, cose in told),
    )
    body = encode_request(request)
    answer = transport.sync_while(session, body, work) if work and isinstance(transport, Patient) else transport.sync(session, body)
    return decode_response(answer)


def _status(session: Session, pushed: Sequence[OutboxRow]) -> Status:
    return Status(
        unsent=max(0, unsent(session) - session.store.going(item.n for item in pushed)),
        held=session.store.held(),
        conflicts=last_count(session),
        app=f"fieldkeep-py/{VERSION}",
        claimed_ms=max(0, session.now_ms()),
    )


def unsent(session: Session) -> int:
    """How many changes and statements of this device have no receipt yet."""
    return session.store.unsent()


def _tend(session: Session, stuck: set[bytes], tended: set[bytes], report: Report) -> bool:
    """Sign the rotations and grants that this device owes its files; True when something was put in the outbox."""
    done = False
    if session.store.fact("frozen"):
        return False
    for log in session.file_logs():
        state = session.reader(log).file
        if state is None or log in tended or session.stopped(log) or not _lacks(session, state) or not _owes(session, state):
            continue
        try:
            signed = _tend_file(session, log, state, report)
        except ProtocolError as error:  # of this file alone
            session.alarm(log, None, error.code, f"this file's keys could not be changed or granted: {error}")
            continue
        if signed:
            stuck.discard(log)
            tended.add(log)
            done = True
    return done


def _lacks(session: Session, state: membership.FileState) -> bool:
    """True when a file needs a rotation or grants. What was found in order stays so until the file's statements or the registry grow."""
    known, mark = session.registry, (state.previous, session.registry.seq)
    if session.in_order.get(state.log) == mark:
        return False
    if state.blocked or membership.rotation_needed(state, known) or membership.missing_grants(state, known) or not _reads(session, state):
        return True
    session.in_order[state.log] = mark
    return False


def _owes(session: Session, state: membership.FileState) -> bool:
    me = session.identity
    return me.device in state.holders and me.user in state.members and session.certified


def _reads(session: Session, state: membership.FileState) -> bool:
    """False for a holder whose grant of the current epoch did not open: it rotates, or one bad `epoch` would end the file for everybody."""
    return session.identity.device not in state.holders or state.epoch in session.store.secrets(state.log)


def _tend_file(session: Session, log: bytes, state: membership.FileState, report: Report) -> bool:
    if any(not item.dead for item in session.store.waiting(log)):
        return False
    granter = Granter(session.identity.svc, log, session.identity.device, session.registry)
    role = state.members[session.identity.user]
    secrets = session.store.secrets(log)
    statement: FileStatement | None = None
    reads = _reads(session, state)
    if state.blocked or membership.rotation_needed(state, session.registry) or not reads:
        if may_sign("epoch", state.file, state.side, role):
            statement = granter.new_epoch(state, secrets, session.entropy(32))
            report.rotated += 1
    elif membership.missing_grants(state, session.registry) and may_sign("grant", state.file, state.side, role):
        statement = granter.more_grants(state, secrets)
        report.granted += 1
    if statement is None:
        return False
    put_statement(session, log, encode_file_statement(statement))
    return True
