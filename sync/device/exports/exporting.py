"""Writing a file out takes two people: one asks and approves, another does it, and it is on record before anything is written (docs/spec.md §16.2)."""

import base64
from dataclasses import dataclass
from typing import Final

from shared_schema import limits
from shared_schema.approval import Approval, export_act
from shared_schema.errors import Malformed, Refused
from shared_schema.records import code_list
from shared_schema.roles import is_lead, may_sign
from sync.approval import sign_approval
from sync.device.exports.exports import Exported, approval_of, exported
from sync.device.recording import records
from sync.device.recording.reading import EXPORTED, Read, minute, reads
from sync.device.session import Session
from sync.device.storage.tables import READ
from sync.fold import is_void, show
from sync.membership import FileState

REQUEST: Final = "export_request"
ABOUT_ONE: Final = frozenset({"case", "shared_care", "therapy"})
"""The kinds of file that are about one person, who may ask for what is said of them."""
SUBJECT: Final = "subject_access"
_MADE: Final = "exported:"  # with an approval's id in hex: the fact that says that this device has written the export
_DAY_MS: Final = 86_400_000
_OPEN_MS: Final = limits.APPROVAL_MS // 2  # half of what is allowed, for devices whose clocks differ


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands, by user `by`. `state`: open, done, ended or withdrawn."""

    log: bytes
    record: bytes
    by: bytes
    purpose: str
    to: str
    why: str
    upto: int
    approval: Approval
    state: str

    @property
    def number(self) -> str:
        """What the export is known by: on every page of it, and in the file by its approval."""
        return self.approval.id.hex()[:12]


# --- asking --------------------------------------------------------------------------------------------------------------------------------


def ask(session: Session, log: bytes, purpose: str, to: str, why: str = "") -> bytes:
    """Ask that a file is written out as it is in the log now, and approve it. Returns the request's record; it goes out with the next sync."""
    state = _may(session, log)
    if purpose not in code_list("export_purpose").codes:
        raise Refused("bad-value", f"a purpose is one of {', '.join(code_list('export_purpose').codes)}")
    if purpose == SUBJECT and state.file not in ABOUT_ONE:
        raise Refused(
            "bad-value", f"a {state.file} file is about several people: a subject access request reaches {', '.join(sorted(ABOUT_ONE))} files"
        )
    others = [role for user, role in state.members.items() if user != session.identity.user and may_sign("export", state.file, state.side, role)]
    own = state.members[session.identity.user]
    if not others or not any(is_lead(state.file, state.side, role) for role in (own, *others)):
        raise Refused("not-permitted", "this takes two people, one of whom leads the file, and there is no second one in it: add somebody first")
    upto = session.reader(log).log.head.seq
    if not upto:
        raise Refused("not-found", "nothing of this file is in the log yet: sync first")
    me = session.identity
    until = session.now_ms() + session.clock_offset() + _OPEN_MS
    approval = sign_approval(session.sign_key, me.device, me.svc, me.side, log, "export", export_act(purpose, to, upto), until)
    values = {"purpose": purpose, "to": to, "upto": upto, "approval": base64.b64encode(approval.cose).decode()}
    return records.add(session, log, REQUEST, values | ({"why": why} if why else {}))


def withdraw(session: Session, request: Request, why: str) -> None:
    """Take a request of one's own back: colleagues' devices do nothing with it."""
    if request.by != session.identity.user:
        raise Refused("not-permitted", "only who asked takes a request back; if you do not agree, do nothing: it ends by itself")
    if request.state != "open":
        raise Refused("not-permitted", f"that request is {request.state} already")
    records.make_void(session, request.log, request.record, why)


def _may(session: Session, log: bytes) -> FileState:
    """The file's state. Raises Refused for whoever may not export it."""
    state = session.require_file(log)
    if state.erased is not None:
        raise Refused("erased", "this file was erased: nothing of it is left")
    role = state.members.get(session.identity.user, "")
    if not may_sign("export", state.file, state.side, role):
        raise Refused("not-permitted", f"as {role or 'nobody'} you may not export a {state.file} file")
    return state


# --- what was asked ------------------------------------------------------------------------------------------------------------------------


def list_requests(session: Session, log: bytes | None = None) -> list[Request]:
    """All requests, of one file or of all, oldest first."""
    found = []
    for one in [log] if log else session.file_logs():
        asked = session.store.records(one, REQUEST)
        done = {other.approval for other in exported(session, one) if not other.wrong} if asked else set()
        found += [request for record, _ in asked if (request := _request(session, one, record, done)) is not None]
    return found


def waiting_for(session: Session) -> list[Request]:
    """Open requests of colleagues that this person may carry out."""
    return [one for one in list_requests(session) if one.state == "open" and one.by != session.identity.user and _is_allowed(session, one.log)]


def _is_allowed(session: Session, log: bytes) -> bool:
    state = session.require_file(log)
    return may_sign("export", state.file, state.side, state.members.get(session.identity.user, ""))


def _request(session: Session, log: bytes, record: bytes, done: set[bytes]) -> Request | None:
    """A request from its record; None for one that no app of ours wrote so."""
    found = session.record(log, record)
    values = {name: one.value for name, one in show(found, session.types).items()}
    purpose, to, why = (str(values.get(name) or "") for name in ("purpose", "to", "why"))
    upto = values.get("upto")
    try:
        approval = approval_of(values.get("approval"))
    except Malformed:
        return None
    if type(upto) is not int or approval.act != export_act(purpose, to, upto):
        return None
    ended = approval.until < session.now_ms() + session.clock_offset()
    state = "withdrawn" if is_void(found) else "done" if approval.id in done else "ended" if ended else "open"
    return Request(log, record, found.creator_user, purpose, to, why, upto, approval, state)


# --- doing it ------------------------------------------------------------------------------------------------------------------------------


def put_on_record(session: Session, request: Request) -> None:
    """Say in the file that it is written out now, with the colleague's approval: pending, until a sync. Does nothing where an earlier attempt of this
    device has said so. Raises Refused when it may not be done.
    """
    if session.store.fact(_MADE + request.approval.id.hex()):
        raise Refused("not-permitted", f"export {request.number} was written by this device: ask for another")
    if _own(session, request) is not None and request.state in ("open", "done"):
        return
    if request.state != "open":
        raise Refused("not-permitted", f"that request is {request.state}")
    if request.by == session.identity.user:
        raise Refused("not-approved", "this takes two people: a colleague exports what you asked for")
    _may(session, request.log)
    if request.upto > session.reader(request.log).log.head.seq:
        raise Refused("not-found", "this device does not have all that was asked for: sync first")
    if made_today(session) >= limits.EXPORTS_PER_DAY:
        raise Refused("quota", f"you have exported {limits.EXPORTS_PER_DAY} files within a day: nobody exports more; ask a colleague, or wait")
    at = minute(session.now_ms() + session.clock_offset())
    row = {"how": EXPORTED, "at": at, "upto": request.upto, "purpose": request.purpose, "to": request.to, "approval": _text(request.approval)}
    records.add(session, request.log, READ, {"looks": [row]})


def _text(approval: Approval) -> str:
    return base64.b64encode(approval.cose).decode()


def _own(session: Session, request: Request) -> Read | None:
    """What this device has said of this export."""
    mine = (one for one in reads(session, request.log) if one.device == session.identity.device and one.cells.get("how") == EXPORTED)
    return next((one for one in mine if one.cells.get("approval") == _text(request.approval)), None)


def made_today(session: Session) -> int:
    """How often this person exported anything within a day, as far as this device's files say."""
    since = session.now_ms() + session.clock_offset() - _DAY_MS
    found = (one for log in session.file_logs() for one in reads(session, log) if one.user == session.identity.user)
    return sum(one.cells.get("how") == EXPORTED and (one.received_ms is None or one.received_ms > since) for one in found)


def on_record(session: Session, request: Request) -> Exported:
    """The export as the log has it, with its receipt. Raises Refused while it is not there, or when no reader would take it for approved."""
    found = next((one for one in exported(session, request.log) if one.approval == request.approval.id and not one.wrong), None)
    wrong = [one for one in exported(session, request.log) if one.approval == request.approval.id and one.device == session.identity.device]
    if found is None or found.device != session.identity.device:
        if wrong:
            raise Refused("not-approved", f"nothing was written: {wrong[0].wrong}")
        raise Refused("offline", "nothing was written: that you export it is not on record yet. Run this again when the server can be reached")
    if not session.store.receipts_after(request.log, found.seq - 1):
        raise Refused("offline", "nothing was written: there is no receipt yet for the record that you export it. Run this again")
    return found


def set_made(session: Session, request: Request) -> None:
    """The export is on disk: it is not written again."""
    with session.store.transaction():
        session.store.set_fact(_MADE + request.approval.id.hex(), b"1")
