"""Letters from the other side become records of the file that they came to (docs/spec.md §15.4). Links to one's own files exist here only."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.errors import Malformed, ProtocolError
from shared_schema.parcel import READER_FIELDS, Come, decode_come, decode_parcel
from shared_schema.roles import LETTERS
from sync.change import Change, decode_change
from sync.device.across import board, instructions
from sync.device.across.board import Signed
from sync.device.exchanging.parts import parcel_in
from sync.device.exchanging.taking import PARCELS
from sync.device.recording import records
from sync.device.recording.values import check_shape
from sync.device.session import Session
from sync.device.storage.tables import ChangeRow
from sync.letters import Opened, open_parcel

_SEEN: Final = "parcels:"  # with a log's id in hex: the fact that holds the number of the newest parcel that was taken
_SCANNED: Final = "parcels-filed:"  # with a log's id in hex: up to which place its records were looked at
_EVIDENCE: Final = 65_536  # bytes of a parcel that an alarm keeps: what is longer is on the server for twelve weeks
_FILLED: Final = 3_400  # bytes of a record from the victim side, so that its part has one size whatever it says: the longest has some 2,500
_OP: Final = 40  # bytes of an op and its signature, besides its value
_COPIED: Final = ("case_opened", "liaison_key", "notice")


def _counts(session: Session) -> Mapping[bytes, int]:
    raw = session.store.fact(PARCELS)
    return {} if raw is None else dict(cbor.decode(raw))


def receive(session: Session, transport: Signed) -> int:
    """Fetch, judge and keep what came to this device's files; returns how many records were written. One bad parcel holds up no other."""
    written = 0
    counts = _counts(session)
    for log in board.receiving_files(session):
        seen = int(session.store.fact(_SEEN + log.hex()) or 0)
        _scan(session, log)
        if counts.get(log, 0) <= seen or session.stopped(log) or session.require_file(log).epoch not in session.store.secrets(log):
            continue  # a parcel to a key that this device has not been given yet is not a forged one
        begun = _begun(session, log)
        for one in _fetch(session, transport, log, seen):
            with session.store.transaction():
                written += _take(session, log, one, begun)
                session.store.set_fact(_SEEN + log.hex(), str(one.n).encode())
    return written + file_copies(session)


def _fetch(session: Session, transport: Signed, log: bytes, after: int) -> Iterator[Come]:
    more = True
    while more:
        found, more = decode_come(transport.signed(session, "GET", f"/v1/parcels/{ids.show(log)}?after={after}"))
        more = more and bool(found)
        for one in found:
            if one.n <= after:
                raise Malformed("parcels do not come in order")
            after = one.n
            yield one


def _take(session: Session, log: bytes, one: Come, begun: Mapping[bytes, list[ChangeRow]]) -> int:
    """One parcel: a record, or an alarm with the evidence. Of what a colleague's device made a record of, it is seen that this says what came."""
    me, state = session.identity, session.require_file(log)
    try:
        parcel = decode_parcel(one.parcel)
        there = begun.get(parcel.id)
        if not there and parcel.id in session.store.filed(log):
            return 0  # two people have removed it
        opened = open_parcel(parcel, one.passed, board.file_keys(session, log), state.file, me.authority)
        values = _values(session, opened)
        if there:
            _check_says(session, log, there[0], opened.letter.kind, _would_say(session, opened.letter.kind, values))
            return 0
        records.add(session, log, opened.letter.kind, _filled(values) if state.file == "liaison" else values, by_hand=False)
        session.store.put_filed(log, {parcel.id})
    except ProtocolError as error:
        kept = cbor.encode([one.passed, one.parcel])
        text = f"something from the other side was not taken: {error}"
        session.alarm(log, one.n, "bad-parcel", text, kept if len(kept) <= _EVIDENCE else None)
        return 0
    return 1


def _check_says(session: Session, log: bytes, there: ChangeRow, kind: str, said: set[tuple[str, bytes]]) -> None:
    """An alarm unless a record was begun with what the letter says: one device vouches for it in the file, and every other looks again."""
    change = decode_change(there.body)
    if there.expunged is None and (change.t, _said(change)) != (kind, said):
        text = f"{session.name_of(there.user)}'s device wrote something else into this file than what came from the other side: ring who sent it"
        session.alarm(log, there.seq, "bad-parcel", text)


def _said(change: Change) -> set[tuple[str, bytes]]:
    """What a change sets, but for what every reader adds by itself."""
    return {(str(op.field), cbor.encode(op.value)) for op in change.ops if op.action in ("set", "add") and op.field not in ("filling", "state")}


def _would_say(session: Session, kind: str, values: Mapping[str, Any]) -> set[tuple[str, bytes]]:
    fields = session.types[kind].fields
    rows = ((name, value if fields[name].merge in ("set", "append") else [value]) for name, value in values.items())
    return {(name, cbor.encode(member)) for name, members in rows for member in members}


def _begun(session: Session, log: bytes) -> dict[bytes, list[ChangeRow]]:
    """Parcel -> the changes that begin a record of it in a file, in log order, pending ones last."""
    found: dict[bytes, list[ChangeRow]] = {}
    for row in session.store.all_changes(log):
        parcel = _begins(log, row)
        if parcel is not None:
            found.setdefault(parcel, []).append(row)
    return found


def _begins(log: bytes, row: ChangeRow) -> bytes | None:
    """The letter that a change begins a record of; None for any other change, whatever it says of a letter."""
    if row.record != ids.record_id(log, row.device, row.c):
        return None
    change = decode_change(row.body)
    return parcel_in([change]) if change.t in LETTERS else None


def _values(session: Session, opened: Opened) -> dict[str, Any]:
    """The letter's fields, checked, and where they came from. Raises Malformed or BadValue."""
    letter = opened.letter
    fields = session.types[letter.kind].fields
    for name, value in letter.body.items():
        if name not in fields or name in READER_FIELDS:
            raise Malformed(f"the letter has a field that a {letter.kind} has not, or that its reader writes")
        check_shape(letter.kind, name, value)
    if letter.kind == "instruction" and letter.body.get("until", "") > instructions.latest_end(opened.passed_ms):
        raise Malformed("it would be in force for longer than anything is kept in a liaison file")
    second = {} if opened.second is None else {"second": opened.second.id.hex()}
    return {**letter.body, "parcel": ids.show(letter.id), "sender": opened.sender.id.hex(), **second}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What came from the victim side makes records of one size, so that a busy week looks like a quiet one."""
    ops = sum(len(value) if isinstance(value, list) else 1 for value in values.values())
    size = len(cbor.encode(dict(values))) + _OP * ops
    return {**values, "filling": "-" * max(1, _FILLED - size)}


def _scan(session: Session, log: bytes) -> None:
    """Which parcels colleagues' devices have made records of, as far as this device has the file. Where both did, both say the same."""
    upto, me = int(session.store.fact(_SCANNED + log.hex()) or 0), session.identity.device
    head, found, filed = session.author(log)[1].seq, set(), session.store.filed(log)
    for row in session.store.all_changes(log) if head > upto else ():
        parcel = _begins(log, row) if row.seq is not None and row.seq > upto else None
        if parcel is None:
            continue
        found.add(parcel)
        both = _begun(session, log)[parcel] if row.device != me and parcel in filed else []
        for mine in both:
            if mine.device == me and mine.expunged is None:
                said = decode_change(mine.body)
                _check_says(session, log, row, said.t, _said(said))
    session.store.put_filed(log, found)
    session.store.set_fact(_SCANNED + log.hex(), str(head).encode())


def file_copies(session: Session) -> int:
    """What came to the desk about a case goes into the files that links name, where this device has both; returns how many records were written."""
    written = 0
    for desk in board.receiving_files(session):
        if session.require_file(desk).file != "intake" or session.identity.side != "victim":
            continue
        links = _links(session, desk)
        if not links:
            continue
        for kind in _COPIED:
            for record, _ in session.store.records(desk, kind):
                values = {name: one.value for name, one in records.values(session, desk, record).items() if one.value is not None}
                for log in links.get(values.get("case", ""), ()):
                    written += _copy(session, log, kind, values)
    return written


def _copy(session: Session, log: bytes, kind: str, values: Mapping[str, Any]) -> int:
    _scan(session, log)
    parcel = values.get("parcel")
    if not isinstance(parcel, str) or ids.parse(parcel) in session.store.filed(log):
        return 0
    kept = {name: value for name, value in values.items() if name in session.types[kind].fields and name not in ("state", "addenda")}
    with session.store.transaction():
        records.add(session, log, kind, kept, by_hand=False)
        session.store.put_filed(log, {ids.parse(parcel)})
    return 1


def _links(session: Session, desk: bytes) -> dict[str, list[bytes]]:
    """Case -> this side's files, as the desk's `link` records say, of those that this device may write."""
    found: dict[str, list[bytes]] = {}
    for record, _ in session.store.records(desk, "link"):
        values = records.values(session, desk, record)
        case, file = (values[name].value if name in values else None for name in ("case", "file"))
        if isinstance(case, str) and isinstance(file, str):
            log = ids.parse(file)
            state = session.file(log)
            if state is not None and session.identity.user in state.members and state.side == "victim":
                found.setdefault(case, []).append(log)
    return found


def kinds_for(file: str, side: str) -> list[str]:
    """The letters that may come to such a file of `side`."""
    return sorted(kind for kind, by in LETTERS.items() for sender, row in by.items() if sender != side and row["to"] == file)
