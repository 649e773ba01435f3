"""What takes two people to send: one asks for words of their own, a second person reads exactly these, agrees, and so sends them
(docs/spec.md §15.3, §15.5).

What was asked for is a record in the file of this side that it is about, with the first person's approval of the very letter. It never leaves that file.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.approval import Approval, decode_approval
from shared_schema.errors import Malformed, Refused
from shared_schema.roles import LETTERS, may_send
from sync.approval import check_approval
from sync.device.across import cases, instructions, posting
from sync.device.recording import records
from sync.device.session import Session
from sync.fold import is_void, show
from sync.letters import approve_letter, check_pair, letter_act
from sync.registry import Certificate
from sync.wording import Seen, look

REQUEST: Final = "letter_request"
SOLE: Final = frozenset({"victim", "child"})
"""Where nobody else is known to know it, free words would tell who said so."""
_KIND: Final = "instruction"
_OPEN_MS: Final = limits.APPROVAL_MS // 2  # half of what is allowed, for devices whose clocks differ
_BODY: Final = ("free_text", "from", "until", "ring_first")


@dataclass(frozen=True, slots=True)
class Asked:
    """Words that somebody asks to send. `state`: open, agreed (it waits for the server), sent, ended or withdrawn."""

    log: bytes
    record: bytes
    by: bytes
    case: bytes
    letter: bytes
    body: Mapping[str, Any]
    about: Mapping[str, Any]
    approval: Approval
    state: str

    @property
    def seen(self) -> tuple[Seen, ...]:
        """What in the words a second person should look at."""
        return look(self.body["free_text"])


def ask(
    session: Session,
    log: bytes,
    case: str,
    text: str,
    *,
    weeks: int,
    based_on: Iterable[str],
    say: Iterable[str] = (),
    ring_first: str = "duty_desk",
    about: Mapping[str, Any] | None = None,
) -> bytes:
    """Ask that a case is told something in these words, and approve exactly that; returns the request's record. `about` (why, her view) stays here.

    Raises Refused for words that name a place, a number or a day, and for what nobody but she or a child is known to know.
    """
    _check_words(text)
    _check_known(based_on)
    me, to = session.identity, ids.parse(case)
    roles = _certificate(session, me.device).subject.roles
    if not may_send(_KIND, me.side, LETTERS[_KIND][me.side]["to"], roles):
        raise Refused("not-permitted", f"as {' and '.join(roles)} you may not send a word to a case")
    first, last = instructions.period(session, log, weeks)
    body: dict[str, Any] = {"word": "instruction", "free_text": text, "from": first, "until": last, "ring_first": ring_first}
    body |= {"say": sorted(set(say))} if list(say) else {}
    posting.check_body(session, _KIND, body)
    letter, until = session.entropy(16), session.now_ms() + session.clock_offset() + _OPEN_MS
    approval = approve_letter(session.sign_key, me.device, me.svc, me.side, to, letter, _KIND, body, until)
    values = {name: value for name, value in body.items() if name != "word"}
    values |= {"to_case": case, "letter": ids.show(letter), "approval": base64.b64encode(approval.cose).decode(), "based_on": list(based_on)}
    return records.add(session, log, REQUEST, {**values, **(about or {})})


def _check_words(text: str) -> None:
    stops = [str(one) for one in look(text) if one.stops]
    if stops:
        raise Refused("bad-value", f"say what to do, and no fact: these words have {', '.join(stops)}")


def _check_known(based_on: Iterable[str]) -> None:
    if set(based_on) <= SOLE:
        raise Refused("not-permitted", "nobody but she or a child is named as knowing it: free words would tell who said so. Use the closed list")


def _certificate(session: Session, device: bytes) -> Certificate:
    found = session.registry.devices.get(device)
    if found is None or not found.stands_at(session.registry.seq) or found.suspended is not None:
        raise Refused("not-approved", "the device of one of the two was revoked, or is suspended")
    return found


def list_asked(session: Session, log: bytes | None = None) -> list[Asked]:
    """All that was asked for, in one file or in all, oldest first."""
    found = []
    for one in [log] if log else session.file_logs():
        went = _went(session, one)
        found += [_asked(session, one, record, went) for record, _ in session.store.records(one, REQUEST)]
    return [one for one in found if one is not None]


def waiting_for(session: Session) -> list[Asked]:
    """What colleagues ask this person to agree to."""
    return [one for one in list_asked(session) if one.state == "open" and one.by != session.identity.user]


def _went(session: Session, log: bytes) -> dict[str, bool]:
    """Request -> True when the server has taken its letter, False while that waits."""
    found: dict[str, bool] = {}
    for record, _ in session.store.records(log, "parcel_sent"):
        values = cases.values_of(session, log, record)
        if "request" in values:
            found[values["request"]] = found.get(values["request"], False) or "hash" in values
    return found


def _asked(session: Session, log: bytes, record: bytes, went: Mapping[str, bool]) -> Asked | None:
    """A request from its record; None for one that says something else than its approval, or that no app of ours wrote so."""
    made = session.record(log, record)
    values = cases.plain(show(made, session.types))
    try:
        approval = decode_approval(base64.b64decode(values["approval"], validate=True))
        case, letter = ids.parse(values["to_case"]), ids.parse(values["letter"])
        body = {"word": "instruction", **{name: values[name] for name in _BODY}}
        body |= {"say": sorted(values["say"])} if values.get("say") else {}
        if (approval.log, approval.act) != (case, letter_act(case, letter, _KIND, body)):
            return None
    except (Malformed, KeyError, TypeError, ValueError, binascii.Error):
        return None
    now = session.now_ms() + session.clock_offset()
    over = approval.until < now or body["until"] < cases.today(session)
    has = went.get(ids.show(record))
    state = "sent" if has else "withdrawn" if is_void(made) else "agreed" if has is False else "ended" if over else "open"
    about: dict[str, Any] = {name: values[name] for name in ("why", "based_on", "her_view") if name in values}
    return Asked(log, record, made.creator_user, case, letter, body, about, approval, state)


def agree(session: Session, asked: Asked) -> bytes:
    """Send what a colleague asked for, in exactly these words; returns the letter's id. Raises Refused when it may not go."""
    if asked.state != "open":
        raise Refused("not-permitted", f"that request is {asked.state}")
    if asked.by == session.identity.user:
        raise Refused("not-permitted", "this takes two people: a colleague agrees to what you asked for")
    me, known, now = session.identity, session.registry, session.now_ms() + session.clock_offset()
    _check_words(asked.body["free_text"])
    _check_known(asked.about.get("based_on", ()))
    instructions.check_end(session, asked.log, asked.body["until"])
    approver = check_approval(asked.approval, asked.case, "letter", asked.approval.act, known, known.seq, now)
    _certificate(session, approver.keys.device)
    check_pair(_KIND, me.side, LETTERS[_KIND][me.side]["to"], _certificate(session, me.device), approver)
    kept = {name: asked.body[name] for name in ("word", "say", "from", "until") if name in asked.body}
    about = {
        "to_case": ids.show(asked.case), **kept, **asked.about, "decided_by": ids.show(asked.by), "co_signer": ids.show(me.user),
        "request": ids.show(asked.record),
    }  # fmt: skip
    return posting.post(session, asked.log, _KIND, asked.body, to=asked.case, about=about, letter_id=asked.letter, second=asked.approval.cose)


def withdraw(session: Session, asked: Asked, why: str) -> None:
    """Take one's own request back while it has not gone: devices of colleagues send it no more."""
    if asked.by != session.identity.user:
        raise Refused("not-permitted", "only who asked takes it back; if you do not agree, do nothing: it ends by itself")
    if asked.state not in ("open", "agreed"):
        raise Refused("not-permitted", f"that request is {asked.state} already")
    records.make_void(session, asked.log, asked.record, why)


def drop_stale(session: Session) -> int:
    """Forget letters that wait and that nobody would take any more: the request was taken back, its approval has ended, or who gave it has lost their
    place. What may have gone already is left alone until its approval has ended.
    """
    now, dropped = session.now_ms() + session.clock_offset(), 0
    for row in session.store.parcels():
        if row.letter is None or "second" not in cbor.decode(row.letter):
            continue
        one = next((one for one in list_asked(session, row.log) if one.letter == row.id), None)
        approval = decode_approval(cbor.decode(row.letter)["second"])
        if approval.until >= now and (row.sealed is not None or (one is not None and one.state == "agreed" and _stands(session, approval))):
            continue
        session.store.drop_parcel(row.id)
        text = "words that you agreed to are not sent: whoever asked took them back, has lost their place, or it is too long ago. Ask again"
        session.alarm(row.log, None, "letter-dropped", text)
        dropped += 1
    return dropped


def _stands(session: Session, approval: Approval) -> bool:
    try:
        return _certificate(session, approval.by) is not None
    except Refused:
        return False
