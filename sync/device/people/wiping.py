"""A revoked device wipes itself, once it has handed in what it could not send (docs/spec.md §9.5).

It believes nothing but an administrator's statement in its own registry. A file in which something typed here could not be handed in stays until it
is, or a person throws it away.
"""

import json
from typing import Final, NamedTuple

from shared_schema import cbor
from shared_schema.certificate import Revoke, Wiped, decode_registry_statement, encode_registry_statement
from shared_schema.deposit import Deposit, decode_deposited, encode_deposit
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Refused
from sync.device.exchanging.handing_in import Shelf, hand_in
from sync.device.exchanging.outbox import put_statement
from sync.device.exchanging.outcome import Outcome
from sync.device.exchanging.settling import Settling
from sync.device.exchanging.taking import FLOOR
from sync.device.session import IDENTITY, Session
from sync.device.storage.tables import HELD

_TALLY: Final = "wiping"  # the fact that holds what has gone so far: CBOR list of a Tally
DONE: Final = "wiped"  # the fact that says, as JSON, what went: the folder goes next
_KEPT: Final = (IDENTITY, FLOOR, _TALLY, DONE, "clock_offset", "synced_ms", "turned-away", "frozen")


class Tally(NamedTuple):
    """What has gone: files, their entries, entries that are held, letters to the other side that were never sent."""

    files: int
    entries: int
    held: int
    letters: int


def why(session: Session) -> str:
    """The reason for which an administrator revoked this device, by its own registry; "" while that shows no such thing."""
    if not session.revoked:
        return ""
    certificate = session.registry.devices[session.identity.device]
    rows = [row for row in session.store.statements(session.registry.log) if row.seq == certificate.revoked]
    statement = decode_registry_statement(decode_entry_alone(rows[0].cose).sign1.payload)
    return statement.reason if isinstance(statement, Revoke) else ""


def under_way(session: Session) -> bool:
    """True once anything has gone."""
    return session.store.fact(_TALLY) is not None


def tally(session: Session) -> Tally:
    """What has gone so far."""
    raw = session.store.fact(_TALLY)
    return Tally(0, 0, 0, 0) if raw is None else Tally(*cbor.decode(raw))


def turned_away(session: Session, shelf: Shelf, error: Refused) -> Refused:
    """After the server has said that this device lost its place: hand in, and wipe if that is for good. Returns what to tell its person."""
    try:
        hand_in(session, shelf)
        wiped = wipe(session, shelf)
    except Refused:
        wiped = False  # the next sync goes on
    lines = [str(error)]
    gone, held, left = tally(session), session.store.held(), session.store.left()
    if held:
        lines.append(f"{held} change(s) that it could not send are held until a colleague decides on them.")
    if under_way(session):
        lines.append(said(gone, why(session)))
    if left and why(session):
        lines.append(f"{sum(left.values())} change(s) in {len(left)} file(s) could not be handed in and stay here: fieldkeep device wipe says more.")
    if under_way(session) and not left and not wiped:
        lines.append("It could not tell your side so yet: sync again.")
    return Refused(error.code, " ".join(lines))


def said(gone: Tally, reason: str) -> str:
    """What has gone, in words."""
    held = f" {gone.held} sealed entries that it had handed in are held until a colleague decides on them." if gone.held else ""
    letters = (
        f" {gone.letters} letter(s) to the other side were never sent and are gone: tell your coordinator what was in them." if gone.letters else ""
    )
    return f"An administrator revoked it ({reason}), so it has wiped itself: {gone.files} file(s), {gone.entries} entries.{held}{letters}"


def wipe(session: Session, shelf: Shelf, *, discard: bool = False) -> bool:
    """Forget all that can be forgotten; True when that was all, and the side has been told. `discard` throws away what could not be handed in.

    Does nothing unless this device's registry shows that it is revoked. Cut short, it goes on with the next call.
    """
    if not session.revoked or session.store.fact(DONE) is not None:
        return session.revoked
    left = session.store.left()
    _forget(session, kept=set() if discard else set(left))
    if left and not discard:
        return False
    _say(session, sum(left.values()))
    return _told(session, shelf)


def _forget(session: Session, kept: set[bytes]) -> None:
    store, before = session.store, tally(session)
    logs = sorted({*session.file_logs(), *(item.log for item in store.waiting())} - {session.registry.log} - kept)
    with store.transaction():
        files = sum(store.has_contents(log) for log in logs)
        entries = sum(store.count_entries(log) for log in logs)
        held = sum(item.code == HELD for log in logs for item in store.waiting(log))
        letters = sum(store.forget(log) for log in logs)
        store.set_fact(_TALLY, cbor.encode(list(Tally(before.files + files, before.entries + entries, before.held + held, before.letters + letters))))
        if not kept:
            store.forget_rest(_KEPT)
        store.overwrite_soon()
    session.forget_readers()


def _say(session: Session, thrown: int) -> None:
    """The last statement of this device is in its outbox."""
    waiting = session.store.outbox(session.registry.log)
    if any(isinstance(decode_registry_statement(decode_entry_alone(item.cose).sign1.payload), Wiped) for item in waiting):
        return
    gone = tally(session)
    with session.store.transaction():
        for item in waiting:
            session.store.drop_outbox(item.n)  # it could never be taken
        said = Wiped(gone.files, gone.entries, gone.held, thrown, gone.letters)
        put_statement(session, session.registry.log, encode_registry_statement(said))


def _told(session: Session, shelf: Shelf) -> bool:
    items = session.store.outbox(session.registry.log)
    body = encode_deposit(Deposit(tuple([item.cose, cbor.Raw(item.parts)] for item in items), session.registry.seq))
    answer = decode_deposited(shelf.deposit(session, body))
    with session.store.transaction():
        Settling(session, Outcome()).take_deposited(answer, items)
        if any(item.receipted for item in session.store.waiting(session.registry.log)):
            said = decode_registry_statement(decode_entry_alone(items[-1].cose).sign1.payload)
            numbers = {name: getattr(said, name) for name in said.__slots__}
            session.store.set_fact(DONE, json.dumps({"at_ms": session.now_ms(), "reason": why(session), **numbers}).encode())
    return session.store.fact(DONE) is not None
