"""From pending changes and new statements to sealed entries whose bytes never change again (docs/spec.md §3.1, §4).

What is in the outbox is on disk before it is sent, and leaves it only on a verified final verdict.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Final

from shared_schema import cbor, limits
from shared_schema.entry import ENVELOPE, Entry, decode_entry, envelope_payload
from shared_schema.errors import ProtocolError, Refused, TooLarge
from sync import keys, membership, sealing
from sync.change import Change, Op, encode_part
from sync.device.exchanging import covering
from sync.device.session import Session
from sync.device.storage.tables import HELD, ChangeRow
from sync.entry import Author, sign_admission, sign_statement
from sync.signing import sign_object

_ENTRY_ROOM: Final = limits.ENTRY_BYTES - 65_536  # for the header, the hashes and the framing of parts
_LARGEST: Final = limits.ENTRY_BYTES - 1_024  # of one part alone
_ANY: Final = 2**53 - 1
_PAGE: Final = 1_024  # changes


def author(session: Session, log: bytes) -> Author:
    """This device as the author of its next entry in `log`."""
    last, head = session.author(log)
    me = session.identity
    return Author(me.svc, log, me.device, last.sq, last.id or None, head, session.witness())


def put_statement(session: Session, log: bytes, payload: bytes) -> Entry:
    """Sign a statement and put it in the outbox. Raises Refused when something of this log still waits there.

    Nothing is sealed behind it before its verdict; only a genesis may have unsent successors.
    """
    return put_signed(session, log, sign_statement(author(session, log), session.sign_key, payload))


def put_signed(session: Session, log: bytes, entry: Entry) -> Entry:
    """The same for a statement that is signed already."""
    _require_nothing_waits(session, log)
    return _put(session, log, entry)


def put_admission(session: Session, log: bytes, payload: bytes, parts: Sequence[bytes]) -> Entry:
    """The same for an `admit`, which carries the parts of what it admits."""
    return put_signed(session, log, sign_admission(author(session, log), session.sign_key, payload, parts))


def _put(session: Session, log: bytes, entry: Entry) -> Entry:
    with session.store.transaction():
        session.store.put_outbox(log, entry.sq, entry.id, 1, entry.cose, cbor.encode(list(entry.parts)), session.now_ms())
    return entry


def _require_nothing_waits(session: Session, log: bytes) -> None:
    if any(not item.dead for item in session.store.waiting(log)):
        raise Refused("after-predecessor", "something of this file is still unsent: sync first")


def check_size(type_: str, ops: list[Op]) -> None:
    """Raises TooLarge for a change that no entry can hold, whatever its numbers will be: it could never be sent."""
    body = encode_part([Change(bytes(16), type_, _ANY, _ANY, _ANY, _ANY, tuple(ops), unsure=True)])
    size = sealing.SALT_BYTES + sealing.padded_size(len(body) + 4) + 16
    if size > _LARGEST:
        raise TooLarge(f"sealed, this change has {size} bytes; want at most {_LARGEST}: save it as several changes. Nothing was kept")


def seal_pending(session: Session, *, out: bool = False, at_once: bool = False, room: int = _ANY, but: Container[bytes] = ()) -> int:
    """Seal the pending changes that may be sealed now, and no more of them when entries of `room` bytes are made, of all logs `but` these; returns how many.
    Each envelope is durable when this returns. Who is `out`, or was removed from a file, seals under the newest key that it has: its work will be held,
    and members have that key too.

    A log whose changes cannot be sealed raises an alarm and holds up no other.
    """
    sealed = made = 0
    for log in dict.fromkeys([*session.store.logs_with_unsealed(), *covering.logs(session)]):
        if made >= room:
            break
        if log in but:
            continue
        try:
            for changes, size in _seal_log(session, log, out=out, at_once=at_once, room=room - made):
                sealed, made = sealed + changes, made + size
        except ProtocolError as error:
            session.alarm(log, None, error.code, f"what waits in this file cannot be sealed, and stays on this device: {error}")
    return sealed


def _may_seal(session: Session, log: bytes, state: membership.FileState | None, *, lost: bool) -> bool:
    if (
        state is None
        or session.stopped(log)
        or session.store.fact("frozen")
        or any(item.dead and item.statement and not (lost and item.code == HELD) for item in session.store.waiting(log))
    ):
        return False
    if lost and session.identity.user not in state.members:
        return True
    if state.blocked or membership.rotation_needed(state, session.registry):  # I5: also of a device that is kept out
        return False
    if lost:
        return True
    waiting = [item for item in session.store.waiting(log) if item.statement and item.sq > 1 and not item.dead]
    return not waiting and session.identity.device in state.holders and session.identity.user in state.members


def _seal_log(session: Session, log: bytes, *, out: bool, at_once: bool, room: int) -> Iterator[tuple[int, int]]:
    """For each entry: how many changes it holds, and its bytes."""
    state = session.file(log)
    lost = out or (state is not None and session.identity.user in state.ever and session.identity.user not in state.members)
    if not _may_seal(session, log, state, lost=lost) or state is None:
        return
    secrets = session.store.secrets(log)
    epoch = max((one for one in secrets if one in state.commits), default=0) if lost else state.epoch
    secret = secrets.get(epoch)
    if secret is None:
        return
    if covering.hour(session) is not None and not lost:
        yield _seal_covered(session, log, epoch, secret, session.store.unsealed(log), at_once=at_once), 0
        return
    groups = _by_record(session.store.unsealed(log, lost=True)) if lost else _pages(session, log)
    made = 0
    for group in groups:
        sealed = 0
        while sealed < len(group):
            if made >= room:
                return
            taken, parts = _batch(group[sealed:])
            if sealed and len(group) == _PAGE == sealed + len(taken):
                break  # an entry of what is left of a page may have room for more
            with session.store.transaction():
                size = _put_sealed(session, log, taken, _seal(session, log, epoch, secret, parts))
            sealed, made = sealed + len(taken), made + size
            yield len(taken), size


def _pages(session: Session, log: bytes) -> Iterator[list[ChangeRow]]:
    """What is to be sealed, some at a time: whoever was away for long has thousands. Each page is sealed, but for its end, before the next is asked for."""
    rows = session.store.unsealed(log, most=_PAGE)
    while rows:
        yield rows
        rows = session.store.unsealed(log, most=_PAGE) if len(rows) == _PAGE else []


def _put_sealed(session: Session, log: bytes, taken: list[ChangeRow], entry: Entry) -> int:
    parts = cbor.encode(list(entry.parts))
    n = session.store.put_outbox(log, entry.sq, entry.id, 0, entry.cose, parts, session.now_ms())
    session.store.mark_sealed(log, session.identity.device, [row.c for row in taken], n)
    return len(entry.cose) + len(parts)


def _seal_covered(session: Session, log: bytes, epoch: int, secret: bytes, rows: list[ChangeRow], *, at_once: bool) -> int:
    """The day's envelope, if it is not sealed yet, and whatever of what waits may not wait for it (docs/spec.md §9.7)."""
    due = covering.is_due(session, log)
    if not due and not (rows and (at_once or covering.at_once(rows))):
        return 0
    sealed = 0
    while due or sealed < len(rows):
        taken, parts = covering.batch(rows[sealed:])
        with session.store.transaction():
            _put_sealed(session, log, taken, _seal(session, log, epoch, secret, parts))
            if due:
                covering.done(session, log)
        sealed, due = sealed + len(taken), False
    return max(1, sealed)


def _by_record(rows: list[ChangeRow]) -> list[list[ChangeRow]]:
    """What will be held is decided on by entry: each record is one of its own."""
    grouped: dict[bytes, list[ChangeRow]] = {}
    for row in rows:
        grouped.setdefault(row.record, []).append(row)
    return list(grouped.values())


def _batch(rows: list[ChangeRow]) -> tuple[list[ChangeRow], list[bytes]]:
    """As many changes as fit in one entry, and its parts: one per record, each the list of that record's changes."""
    grouped: dict[bytes, list[bytes]] = {}
    taken: list[ChangeRow] = []
    size = 0
    for row in rows:
        cost = sealing.padded_size(len(row.body) + 16) + 128
        full = row.record not in grouped and len(grouped) >= limits.PARTS_PER_ENTRY
        if taken and (size + cost > _ENTRY_ROOM or full):
            break
        grouped.setdefault(row.record, []).append(row.body)
        taken.append(row)
        size += cost
    return taken, [cbor.encode([cbor.Raw(body) for body in bodies]) for bodies in grouped.values()]


def _seal(session: Session, log: bytes, epoch: int, secret: bytes, plaintexts: list[bytes]) -> Entry:
    who = author(session, log)
    protected = who.header(ENVELOPE, epoch)
    ctx = keys.context(who.svc, log, epoch)
    parts = sealing.seal_parts(secret, ctx, who.device, who.sq + 1, protected, plaintexts, session.entropy)
    return decode_entry(sign_object(session.sign_key, protected, envelope_payload(parts)), parts)
