"""Statements that a person makes on line: what is new first, then the statement, then what became of it."""

from shared_schema.entry import Entry
from shared_schema.errors import Refused
from sync.device.cli import frame
from sync.device.exchanging.syncing import Report, sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.session import Session


def try_sync(opened: Session) -> bool:
    """Hear first who has enrolled meanwhile, where the server can be reached: a second person of that name would be made else."""
    try:
        with frame.online(opened) as transport:
            sync(opened, transport)
    except Refused as error:
        if error.code != "offline":
            raise
        return False
    return True


def send(opened: Session, transport: HttpTransport, entry: Entry, what: str) -> None:
    """Send a statement that was just signed. Raises the refusal when it was not taken, Refused `offline` when it waits; `what` is its name."""
    try:
        report = sync(opened, transport)
    except Refused as error:
        if error.code != "offline":
            raise
        raise Refused("offline", f"the server could not be reached: {what} is kept on this device and goes out with its next sync") from None
    require_taken(opened, entry, report)


def require_taken(opened: Session, entry: Entry, report: Report) -> None:
    """Raises the refusal when a statement that was just sent was not taken."""
    for refusal in report.refused:
        if refusal.id == entry.id:
            raise Refused(refusal.code, refusal.message)
    if any(item.id == entry.id for item in opened.store.outbox()):
        raise Refused("offline", "the server has not answered for it yet: it stays in the outbox")
