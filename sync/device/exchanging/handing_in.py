"""What a device does when the server turns it away: it hands in what it could not send, and learns whether it was revoked (docs/spec.md §9.5)."""

from typing import Final, Protocol

from shared_schema import cbor, limits
from shared_schema.certificate import Reinstate, Suspend
from shared_schema.deposit import Deposit, Deposited, decode_deposited, encode_deposit
from shared_schema.entry import decode_entry
from sync import registry
from sync.device.exchanging.outbox import seal_pending
from sync.device.exchanging.outcome import Outcome
from sync.device.exchanging.settling import Settling
from sync.device.exchanging.taking import take_registry
from sync.device.recording import reading
from sync.device.session import Session
from sync.device.storage.tables import Waiting

_BYTES: Final = limits.REQUEST_BYTES * 3 // 4


class Shelf(Protocol):
    """How work is handed in. Raises Refused `offline` when it cannot be."""

    def deposit(self, session: Session, body: bytes) -> bytes:
        """POST /v1/deposit."""
        ...


def hand_in(session: Session, shelf: Shelf) -> None:
    """What a device that lost its place could not send: the server holds it until a member decides on it. Then the registry, up to this device's own
    revocation if there is one.

    Of statements only a genesis is handed in; what the server does not take stays on this device.
    """
    _drop_own_orders(session)
    reading.put_due(session, everything=True)
    seal_pending(session, out=True)  # before the registry comes: after it, nothing more could be sealed under keys that this device itself holds
    asked: set[int] = set()
    more = True
    while (chosen := _choose(session, asked)) or more:
        asked |= {item.n for item in chosen}
        handed = session.store.outbox_items([item.n for item in chosen])
        push = tuple([item.cose, cbor.Raw(item.parts)] for item in handed)
        answer = decode_deposited(shelf.deposit(session, encode_deposit(Deposit(push, session.registry.seq))))
        with session.store.transaction():
            Settling(session, Outcome()).take_deposited(answer, handed)
        more = _grows(session, answer)


def _grows(session: Session, answer: Deposited) -> bool:
    """Take the registry's page; True when more of it is to come, and something came."""
    before = session.registry.seq
    if answer.pages:
        take_registry(session, answer.pages[0])
    return bool(answer.pages) and answer.pages[0].more and session.registry.seq > before


def _choose(session: Session, asked: set[int]) -> list[Waiting]:
    chosen: list[Waiting] = []
    size = 0
    for item in session.store.waiting():
        if (
            item.n in asked
            or item.dead
            or item.receipted
            or session.stopped(item.log)
            or (item.statement and item.sq > 1)
            or item.log == session.registry.log
        ):
            continue
        size += item.size
        if chosen and (size > _BYTES or len(chosen) >= limits.ENTRIES_PER_PUSH):
            break
        chosen.append(item)
    return [] if session.store.fact("frozen") else chosen


def _drop_own_orders(session: Session) -> None:
    """Whom somebody wanted kept out, or let in, before they were kept out themselves: it does not go out by itself weeks later."""
    for item in session.store.outbox(session.registry.log):
        statement = registry.statement_of(decode_entry(item.cose))
        if isinstance(statement, Suspend | Reinstate):
            with session.store.transaction():
                session.store.drop_outbox(item.n)
                what = "kept out" if isinstance(statement, Suspend) else "let in again"
                session.alarm(None, None, "overtaken", f"your request that a device be {what} was NOT sent: make it again, if it is still right")
