"""What people say that they wrote out of a file, and whether a colleague's approval holds for it (docs/spec.md §16.2)."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from shared_schema.approval import Approval, decode_approval, export_act
from shared_schema.entry import decode_entry_alone
from shared_schema.errors import Malformed, ProtocolError
from sync import membership
from sync.approval import check_approval, check_pair
from sync.device.recording.reading import EXPORTED, Read, reads
from sync.device.session import Session
from sync.membership import FileState


@dataclass(frozen=True, slots=True)
class Exported:
    """One export on record, at place `seq`, by `user` on `device`. `approver` is the second person, b"" where none is known; `wrong` says why no
    approval holds for it, "" when one does.
    """

    log: bytes
    seq: int
    received_ms: int
    user: bytes
    device: bytes
    purpose: str
    to: str
    upto: int
    approval: bytes
    approver: bytes
    wrong: str


def exported(session: Session, log: bytes) -> list[Exported]:
    """Every export of a file that is on record in its log, in order, judged as every reader judges it."""
    found: list[Exported] = []
    for one in reads(session, log):
        if one.cells.get("how") == EXPORTED and one.seq is not None and one.received_ms is not None:
            found.append(_judged(session, log, one, {other.approval for other in found if not other.wrong}))
    return found


def watch(session: Session, log: bytes) -> None:
    """Raise an alarm for each export for which no approval holds."""
    for one in exported(session, log):
        if one.wrong:
            text = f"{session.name_of(one.user)} has written this file out ({one.purpose or 'for no known purpose'}) without a second person: {one.wrong}"
            session.alarm(log, one.seq, "not-approved", text)


def _judged(session: Session, log: bytes, one: Read, used: set[bytes]) -> Exported:
    cells = one.cells
    purpose, to = (cells[name] if isinstance(cells.get(name), str) else "" for name in ("purpose", "to"))
    upto = cells["upto"] if type(cells.get("upto")) is int else 0
    approval, approver, wrong = b"", b"", ""
    try:
        approved = approval_of(cells.get("approval"))
        approval = approved.id
        approver = _approver(session, log, one, approved, export_act(purpose, to, upto))
        if approval in used:
            wrong = "the approval was used before"
        elif one.late:
            wrong = "it came late, when somebody had lost their place"
        elif upto >= (one.seq or 0):
            wrong = "it names entries that were not there"
    except ProtocolError as error:
        wrong = str(error)
    return Exported(log, one.seq or 0, one.received_ms or 0, one.user, one.device, purpose, to, upto, approval, approver, wrong)


def approval_of(value: Any) -> Approval:
    """An approval from base64. Raises Malformed."""
    try:
        return decode_approval(base64.b64decode(value, validate=True))
    except (TypeError, ValueError, binascii.Error):
        raise Malformed("it names no approval") from None


def _approver(session: Session, log: bytes, one: Read, approval: Approval, act: bytes) -> bytes:
    """Who approved. Raises ProtocolError unless that holds for this very export, where and when it was received."""
    seq, ms = one.seq or 0, one.received_ms or 0
    known = session.registry
    approver = check_approval(approval, log, "export", act, known, session.store.last_by(known.log, ms), ms)
    state = _state_at(session, log, seq)
    if state is None:
        raise Malformed("the file had not begun")
    check_pair("export", state.file, state.side, state.members, one.user, approver.subject.user)
    return approver.subject.user


def _state_at(session: Session, log: bytes, seq: int) -> FileState | None:
    """A file's people as they were before the entry at a place."""
    file: FileState | None = None
    for row in session.store.statements(log):
        if row.seq >= seq:
            break
        entry = decode_entry_alone(row.cose)
        file = membership.skip(file, entry) if row.void else membership.take_kept(file, entry, session.registry, row.received_ms)
    return file
