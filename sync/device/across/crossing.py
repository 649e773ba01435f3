"""What a sync does about parcels: keys on the board, letters out, letters in (docs/spec.md §15). Nothing of it makes a sync fail."""

from collections.abc import Callable

from shared_schema.errors import ProtocolError
from shared_schema.roles import has_content
from sync.device.across import agreeing, board, cases, instructions, notices, posting, receiving
from sync.device.across.board import Signed
from sync.device.session import Session
from sync.parcel import OTHER


def before(session: Session, transport: Signed) -> None:
    """What cannot wait goes first, ahead of everything that a sync does; then the letters that unsent records make are written."""
    if any(row.urgent for row in session.store.parcels()):
        _carefully(session, lambda: posting.send(session, transport, urgent=True))
    _carefully(session, lambda: notices.make(session))


def cross(session: Session, transport: Signed) -> bool:
    """Exchange keys and letters. True when there is something to send now that the sync has not sent."""
    certificate = session.registry.devices.get(session.identity.device)
    if session.identity.side not in OTHER or certificate is None or not any(has_content(role) for role in certificate.subject.roles):
        return False
    _carefully(session, lambda: cases.tell_new_keys(session))
    _carefully(session, lambda: instructions.fill(session))
    _carefully(session, lambda: agreeing.drop_stale(session))
    waits = bool(session.store.parcels())
    board.tend_board(session, transport, wanted=waits)
    if waits:
        _carefully(session, lambda: posting.send(session, transport))
    _carefully(session, lambda: receiving.receive(session, transport))
    return bool(session.store.logs_with_unsealed())


def _carefully(session: Session, work: Callable[[], object]) -> None:
    try:
        work()
    except ProtocolError as error:
        if error.code != "offline":
            session.alarm(None, None, error.code, f"letters between the sides could not be exchanged: {error}")
