"""Asking that something goes for good, and carrying out what a colleague asked for: expunge, erase, release of a hold (docs/spec.md §7.7 to §7.10).

The first person's request is a record in the file itself, and holds their approval of each exact act. The second person's device embeds that
approval in the statement that carries the act out.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.approval import Approval, decode_approval
from shared_schema.entry import EXPUNCTION, Entry, Head, decode_entry
from shared_schema.errors import Malformed, Refused
from shared_schema.membership import encode_file_statement
from shared_schema.removal import EXPIRED, REASONS, Erase, Expunge, Hold, Removal, erase_act, expunge_act, release_act
from shared_schema.roles import is_lead, may_sign
from sync import keys, membership, sealing
from sync.approval import sign_approval
from sync.change import Change, decode_change, encode_part
from sync.device.exchanging.outbox import author, put_signed
from sync.device.exchanging.parts import changes_of, parcel_in, texts_in
from sync.device.recording import records
from sync.device.session import Session
from sync.entry import sign_expunction, sign_statement
from sync.fold import Record, is_void, show
from sync.membership import FileState
from sync.stub import make_last_stub, make_stub, same_as, says_of

REQUEST: Final = "removal_request"
Named = tuple[int, bytes, int, bytes, bytes | None]
_KIND: Final = {"expunge": "expunge", "erase": "erase", "release": "hold"}
_OPEN_MS: Final = limits.APPROVAL_MS // 2  # half of what is allowed, for devices whose clocks differ


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an entry: part `index` of envelope `id`, with its hash, where that stands (`at`; 0 while it is held), by whom, and what is in it."""

    at: int
    id: bytes
    index: int
    hash: bytes
    author: bytes
    changes: tuple[Change, ...]

    @property
    def parcel(self) -> bytes | None:
        """The parcel from the other side that a record in it was made from."""
        return parcel_in(self.changes)


@dataclass(frozen=True, slots=True)
class Asked:
    """One act of a request, approved: `part` is what is to be expunged as (at, envelope, part, hash, parcel), `hold` what is to be released."""

    approval: Approval
    part: Named | None = None
    hold: bytes | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands. `state`: open, done, ended or withdrawn. `left` are the acts that nobody has carried out."""

    log: bytes
    record: bytes
    by: bytes
    act: str
    reason: str
    why: str
    about: bytes | None
    asked: tuple[Asked, ...]
    left: tuple[Asked, ...]
    until: int
    state: str


# --- what there is to go -------------------------------------------------------------------------------------------------------------------


def parts_of(session: Session, log: bytes, record: bytes) -> list[Part]:
    """The parts, in log order, that hold what a record says, and have not gone. What is not in the log yet has none."""
    places = sorted({row.seq for row in session.store.changes_of(log, record) if row.seq is not None and row.expunged is None})
    return [part for seq in places for part in parts_at(session, log, seq) if part.changes and part.changes[0].r == record]


def parts_at(session: Session, log: bytes, seq: int) -> list[Part]:
    """The parts of the entry at a place that have not gone."""
    row = session.store.entry(log, seq)
    entry = decode_entry(row.cose, cbor.decode(row.parts)) if row is not None and row.cose else None
    sealed = entry.sealed if entry is not None else None
    return [] if sealed is None else parts_in(session, log, sealed, seq)


def parts_in(session: Session, log: bytes, sealed: Entry, at: int) -> list[Part]:
    """The parts of an envelope, which may be held (`at` 0)."""
    return [
        Part(at, sealed.id, i, hash_, sealed.author, tuple(changes_of(session, log, sealed, i)))
        for i, hash_ in enumerate(sealed.hashes)
        if sealed.parts[i] is not None
    ]


def also_said(session: Session, log: bytes, going: list[Part]) -> list[tuple[int, bytes]]:
    """(entry, record) where a longer text of what is to go is said as well, in this file: it would stay."""
    gone = {(part.author, change.c) for part in going for change in part.changes}
    texts = [text.encode() for part in going for text in texts_in(part.changes) if len(text) >= 6]
    rows = [row for row in session.store.all_changes(log) if (row.device, row.c) not in gone]
    return [(row.seq, row.record) for row in rows if row.seq is not None and any(text in row.body for text in texts)]


def copies(session: Session, log: bytes, going: list[Part]) -> list[tuple[bytes, bytes]]:
    """(file, record) of what other files on this device have from the same letters: it would stay."""
    parcels = {part.parcel for part in going} - {None}
    found = []
    for other in session.file_logs() if parcels else ():
        rows = session.store.all_changes(other) if other != log else []
        found += [(other, row.record) for row in rows if row.seq is not None and parcel_in([decode_change(row.body)]) in parcels]
    return found


# --- asking --------------------------------------------------------------------------------------------------------------------------------


def ask_expunge(session: Session, log: bytes, parts: list[Part], reason: str, why: str = "", about: bytes | None = None) -> bytes:
    """Ask that these parts go. Returns the request's record. It is kept on this device, and goes out with the next sync."""
    _check_reason(reason)
    state = _may_ask(session, log, "expunge")
    if not parts:
        raise Refused("not-found", "nothing of it is in the log, or all of it has gone")
    if state.holds and reason == "retention":
        raise Refused("not-permitted", "a legal hold is on this file: nothing in it goes by age")
    rows = []
    for part in parts:
        if (part.id, part.index) in state.expunged:
            raise Refused("not-permitted", "that part has gone already")
        says = says_of(make_stub(part.changes, part.author, state.file))
        approval = _approve(session, log, "expunge", expunge_act(part.at, part.id, part.index, part.hash, reason, part.parcel, says))
        row = {"approval": approval, "entry": part.id.hex(), "at": part.at, "part": part.index, "hash": part.hash.hex()}
        rows.append(row | ({"parcel": ids.show(part.parcel)} if part.parcel else {}))
    return _ask(session, log, "expunge", rows, reason, why, about)


def ask_erase(session: Session, log: bytes, reason: str, why: str = "") -> bytes:
    """Ask that the whole file goes."""
    _check_reason(reason)
    if _may_ask(session, log, "erase").holds:
        raise Refused("not-permitted", "a legal hold is on this file: it is not erased")
    return _ask(session, log, "erase", [{"approval": _approve(session, log, "erase", erase_act(reason))}], reason, why, None)


def ask_release(session: Session, log: bytes, hold: bytes, why: str = "") -> bytes:
    """Ask that a hold ends."""
    if hold not in _may_ask(session, log, "hold").holds:
        raise Refused("not-found", "there is no such hold on this file")
    return _ask(session, log, "release", [{"approval": _approve(session, log, "hold", release_act(hold)), "entry": hold.hex()}], "", why, None)


def withdraw(session: Session, request: Request, why: str) -> None:
    """Take a request of one's own back: colleagues' devices carry it out no more."""
    if request.by != session.identity.user:
        raise Refused("not-permitted", "only who asked takes a request back; if you do not agree, do nothing: it ends by itself")
    if request.state != "open":
        raise Refused("not-permitted", f"that request is {request.state} already")
    records.make_void(session, request.log, request.record, why)


def _check_reason(reason: str) -> None:
    if reason not in REASONS:
        raise Refused("bad-value", f"a reason is one of {', '.join(REASONS)}")


def _may_ask(session: Session, log: bytes, kind: str) -> FileState:
    state = session.require_file(log)
    if state.erased is not None:
        raise Refused("erased", "this file was erased: nothing of it is left")
    role = state.members.get(session.identity.user, "")
    if not may_sign(kind, state.file, state.side, role):
        raise Refused("not-permitted", f"as {role or 'nobody'} you may not do that in a {state.file} file")
    others = [other for user, other in state.members.items() if user != session.identity.user and may_sign(kind, state.file, state.side, other)]
    if not any(is_lead(state.file, state.side, one) for one in (role, *others)) or not others:
        raise Refused("not-permitted", "this takes two people, one of whom leads the file, and there is no second one in it: add somebody first")
    return state


def _approve(session: Session, log: bytes, kind: str, act: bytes) -> str:
    me = session.identity
    until = session.now_ms() + session.clock_offset() + _OPEN_MS
    approval = sign_approval(session.sign_key, me.device, me.svc, me.side, log, kind, act, until)
    return base64.b64encode(approval.cose).decode()


def _ask(session: Session, log: bytes, act: str, rows: list[dict[str, Any]], reason: str, why: str, about: bytes | None) -> bytes:
    values: dict[str, Any] = {"act": act, "approvals": rows}
    values |= {"reason": reason} if reason else {}
    values |= {"why": why} if why else {}
    values |= {"about": ids.show(about)} if about else {}
    return records.add(session, log, REQUEST, values)


# --- what was asked ------------------------------------------------------------------------------------------------------------------------


def list_requests(session: Session, log: bytes | None = None) -> list[Request]:
    """All requests, of one file or of all, oldest first."""
    found = []
    for one in [log] if log else session.file_logs():
        state = session.file(one)
        for record, _ in session.store.records(one, REQUEST) if state is not None and state.erased is None else ():
            found.append(_request(session, one, session.record(one, record), state))
    return [one for one in found if one is not None]


def waiting_for(session: Session) -> list[Request]:
    """Open requests of colleagues that this person may carry out."""
    return [one for one in list_requests(session) if one.state == "open" and one.by != session.identity.user and _may(session, one)]


def _may(session: Session, request: Request) -> bool:
    state = session.require_file(request.log)
    return may_sign(_KIND[request.act], state.file, state.side, state.members.get(session.identity.user, ""))


def _request(session: Session, log: bytes, record: Record, state: FileState | None) -> Request | None:
    """A request from its record; None for one that no app of ours wrote so."""
    values = {name: one.value for name, one in show(record, session.types).items()}
    rows = values.get("approvals")
    try:
        asked = tuple(_asked(row) for row in rows) if isinstance(rows, list) else ()
    except (Malformed, KeyError, TypeError, ValueError, binascii.Error):
        return None
    act = values.get("act")
    if state is None or not asked or act not in _KIND:
        return None
    until = min(one.approval.until for one in asked)
    left = tuple(one for one in asked if not _is_done(one, str(act), state))
    now = session.now_ms() + session.clock_offset()
    how = "withdrawn" if is_void(record) else "done" if not left else "ended" if until < now else "open"
    about = values.get("about")
    reason, why = (str(values[name]) if isinstance(values.get(name), str) else "" for name in ("reason", "why"))
    return Request(
        log, record.id, record.creator_user, str(act), reason, why, ids.parse(about) if isinstance(about, str) else None, asked, left, until, how
    )


def _asked(row: dict[str, Any]) -> Asked:
    approval = decode_approval(base64.b64decode(row["approval"], validate=True))
    if "hash" in row:
        parcel = ids.parse(row["parcel"]) if "parcel" in row else None
        return Asked(approval, part=(int(row["at"]), bytes.fromhex(row["entry"]), int(row["part"]), bytes.fromhex(row["hash"]), parcel))
    return Asked(approval, hold=bytes.fromhex(row["entry"]) if "entry" in row else None)


def _is_done(one: Asked, act: str, state: FileState) -> bool:
    if act == "expunge":
        return one.part is None or (one.part[1], one.part[2]) in state.expunged
    return act == "release" and one.hold not in state.holds


# --- carrying out ----------------------------------------------------------------------------------------------------------------------------


def set_hold(session: Session, log: bytes) -> Entry:
    """Keep a file whatever its age. One person does that. Sent at the next sync."""
    state = session.require_file(log)
    role = state.members.get(session.identity.user, "")
    if not may_sign("hold", state.file, state.side, role):
        raise Refused("not-permitted", f"as {role or 'nobody'} you may not do that in a {state.file} file")
    return _sign(session, log, Hold(None, None, session.registry.head, state.previous))


def carry_out(session: Session, request: Request, one: Asked, held: Entry | None = None) -> Entry:
    """Do one act that a colleague asked for. Sent at the next sync. What is held has to be given: it is not on this device.

    Raises Refused when it may not be done, before anything is signed for.
    """
    if request.state != "open":
        raise Refused("not-permitted", f"that request is {request.state}")
    if request.by == session.identity.user:
        raise Refused("not-permitted", "this takes two people: a colleague carries out what you asked for")
    rg, previous = session.registry.head, session.require_file(request.log).previous
    if request.act == "release":
        return _sign(session, request.log, Hold(one.hold, one.approval, rg, previous))
    if request.act == "erase":
        return _sign(session, request.log, _erase(session, request, one, rg, previous))
    if one.part is None:
        raise Refused("not-found", "the request names no part")
    return _expunge(session, request, one, one.part, held)


def _erase(session: Session, request: Request, one: Asked, rg: Head, previous: bytes) -> Erase:
    first = session.store.entry(request.log, 1)
    if first is None:
        raise Refused("no-such-file")
    genesis = membership.genesis_of(decode_entry(first.cose))
    return Erase(genesis.file, first.author, genesis.nonce, request.reason, one.approval, rg, previous)


def _expunge(session: Session, request: Request, one: Asked, named: Named, held: Entry | None) -> Entry:
    log = request.log
    at, entry_id, index, hash_, parcel = named
    found = parts_in(session, log, held, 0) if held is not None and at == 0 else parts_at(session, log, at)
    part = next((part for part in found if (part.id, part.index, part.hash) == (entry_id, index, hash_)), None)
    if part is None or part.parcel != parcel:
        raise Refused("not-found", "the part that the request names is not where it says, or was made from another letter")
    return expunge_part(session, log, part, request.reason, one.approval)


def expunge_part(session: Session, log: bytes, part: Part, reason: str, approval: Approval | None) -> Entry:
    """Sign an expunction of one part, with its stub. Sent at the next sync."""
    state = session.require_file(log)
    secret = session.store.secrets(log).get(state.epoch)
    if secret is None:
        raise Refused("no-standing", "this device lacks the file's current key: sync first")
    who = author(session, log)
    protected = who.header(EXPUNCTION, state.epoch)
    ctx = keys.context(who.svc, log, state.epoch)

    whole = reason != EXPIRED
    stands = make_stub(part.changes, part.author, state.file, _same(session, log, part)) if whole else make_last_stub(part.changes)
    (stub,) = sealing.seal_parts(secret, ctx, who.device, who.sq + 1, protected, [encode_part(stands)], session.entropy)
    goes = (part.at, part.id, part.index, part.hash, reason, part.parcel, ids.sha256(stub), says_of(stands))
    made = Expunge(*goes, approval, session.registry.head, state.previous)
    return _put(session, log, sign_expunction(session.sign_key, protected, encode_file_statement(made), stub))


def _same(session: Session, log: bytes, part: Part) -> dict[Any, Any]:
    if not part.changes or part.at == 0:
        return {}
    rows = session.store.changes_of(log, part.changes[0].r)
    occurrences = [session.occurrence(row) for row in rows if row.seq is not None]
    return same_as(occurrences, {(part.author, change.c) for change in part.changes})


def _sign(session: Session, log: bytes, statement: Removal) -> Entry:
    return _put(session, log, sign_statement(author(session, log), session.sign_key, encode_file_statement(statement)))


def _put(session: Session, log: bytes, entry: Entry) -> Entry:
    """Judged as every reader will judge it, before it is kept: a refusal is said now, and not after a round trip."""
    membership.take(session.require_file(log), entry, session.registry, session.now_ms() + session.clock_offset())
    return put_signed(session, log, entry)
