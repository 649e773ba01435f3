"""Writing to the other side: a letter is kept until the server's pass, then forgotten; what stays is a record of its kind, time and hash
(docs/spec.md §15.3).
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.approval import decode_approval
from shared_schema.errors import Malformed, ProtocolError, Refused
from shared_schema.parcel import READER_FIELDS, Contents, Parcel, decode_parcel, decode_pass, encode_contents, encode_parcels, parcel_map
from shared_schema.roles import LETTERS, may_send, takes_two
from shared_schema.shape import as_blob, as_list, versioned
from shared_schema.wire import Answer, decode_answer
from sync.device.across import board
from sync.device.across.board import Signed
from sync.device.recording import records
from sync.device.recording.values import check_value
from sync.device.session import Session
from sync.device.storage.tables import ParcelOut
from sync.letters import room, seal_parcel, sign_letter
from sync.parcel import chain_to
from sync.signing import verify_object

URGENT: Final = frozenset({"urgent_alert"})  # what goes before everything else
_BYTES: Final = limits.REQUEST_BYTES // 4


def letter_kinds(side: str) -> list[str]:
    """The kinds of letter that this side sends."""
    return sorted(kind for kind, by in LETTERS.items() if side in by)


def check_body(session: Session, kind: str, body: Mapping[str, Any]) -> None:
    """Raises Refused or BadValue unless these are fields of a record of that kind and this device may send it."""
    me = session.identity
    certificate = session.registry.devices.get(me.device)
    roles = certificate.subject.roles if certificate else ()
    if kind not in LETTERS or me.side not in LETTERS[kind]:
        raise Refused("bad-value", f"the {me.side} side sends no {kind}; known: {', '.join(letter_kinds(me.side))}")
    if not may_send(kind, me.side, LETTERS[kind][me.side]["to"], roles):
        raise Refused("not-permitted", f"as {' and '.join(roles) or 'nobody'} you may not send a {kind}")
    for name, value in body.items():
        if name not in session.types[kind].fields:
            raise Refused("bad-value", f"{kind} has no field {name!r}")
        if name in READER_FIELDS:
            raise Refused("bad-value", f"whoever reads a {kind} writes its {name}: nothing was kept")
        check_value(kind, name, value)


def post(
    session: Session,
    log: bytes,
    kind: str,
    body: Mapping[str, Any],
    *,
    to: bytes | None = None,
    about: Mapping[str, Any] | None = None,
    fixed: bool = False,
    letter_id: bytes | None = None,
    second: bytes | None = None,
) -> bytes:
    """Keep a letter to the other side, durably; returns its id. It goes to the desk, or to the address `to`; `log` is the file it is sent from.

    `about` is what the record of it in `log` says besides its kind and time. With `fixed` it is sealed at once and cannot be read back here.
    `second` is the COSE bytes of a colleague's approval, for what takes two people.
    """
    check_body(session, kind, body)
    if takes_two(kind, session.identity.side, body) != (second is not None):
        raise Refused("not-approved", f"a {kind} with these fields takes {'one person' if second else 'two people'}")
    letter_id = letter_id or session.entropy(16)
    row = ParcelOut(letter_id, log, b"", kind, to or b"", int(kind in URGENT), session.now_ms(), _words(session, body, second), None, "", "")
    _sign(session, row, to or bytes(16))  # what does not go in is refused before it is kept
    if fixed:
        where = board.desk(session)
        if where is None:
            raise Refused(
                "no-such-file", "this device has not heard of the other side's desk yet: sync first. Until then ring them; nothing was kept"
            )
        parcel = _seal(session, row, where.address, where.week, where.key, fixed=True)
        row = row._replace(letter=None, sealed=cbor.encode(parcel_map(parcel)))
    with session.store.transaction():
        record = records.add(session, log, "parcel_sent", {"category": kind, "sent_at": _minute(session), **(about or {})})
        session.store.put_parcel(row._replace(record=record))
    return letter_id


def _words(session: Session, body: Mapping[str, Any], second: bytes | None) -> bytes:
    """What a letter will say, until it is signed and sealed."""
    approved = {} if second is None else {"second": second}
    return cbor.encode({"at": max(0, session.now_ms()), "body": dict(body), **approved})


def _minute(session: Session) -> dict[str, str]:
    at = datetime.fromtimestamp((session.now_ms() + session.clock_offset()) / 1000, UTC)
    return {"at": at.strftime("%Y-%m-%dT%H:%M"), "precision": "minute"}


def _sign(session: Session, row: ParcelOut, address: bytes) -> Contents:
    """The letter, signed for an address, and what certifies this device. Raises Refused `bad-value` for one that is too long."""
    me, known, said = session.identity, session.registry, cbor.decode(row.letter or b"")
    letter = sign_letter(session.sign_key, me.device, me.svc, me.side, address, row.id, row.kind, said["at"], said["body"])
    places = chain_to(known, me.device)
    contents = Contents(letter, _entries(session, places))
    if (approval := said.get("second")) is not None:
        more = [place for place in chain_to(known, decode_approval(approval).by) if place not in places]
        contents = contents._replace(second=(approval, _entries(session, more)))
    room(me.side, len(encode_contents(contents)) + 4)
    return contents


def _entries(session: Session, places: list[int]) -> tuple[bytes, ...]:
    """Entries of the registry, as COSE bytes."""
    return tuple(entry.cose for place in places for entry in session.store.entries(session.registry.log, place - 1, place))


def _seal(session: Session, row: ParcelOut, address: bytes, week: int, key: bytes, *, fixed: bool = False) -> Parcel:
    me, root = session.identity, session.registry.root_id
    contents = _sign(session, row, address)
    return seal_parcel(contents, svc=me.svc, side=me.side, address=address, week=week, key=key, letter_id=row.id, root=root, fixed=fixed)


def send(session: Session, transport: Signed, *, urgent: bool = False) -> int:
    """Send what waits, urgent things first (or nothing else); returns how many were taken. What the server does not take stays, with what it said."""
    taken, sealed_again = 0, False
    tried = {row.id for row in session.store.parcels() if urgent and not row.urgent}
    while batch := _batch(session, transport, tried):
        tried |= {parcel.id for parcel in batch}
        answers, passes = _ask(session, transport, batch)
        with session.store.transaction():
            for parcel, answer in zip(batch, answers, strict=True):
                if answer.code == "accepted":
                    taken += _passed(session, parcel, passes)
                elif answer.code == "stale-key" and not parcel.fixed and not sealed_again:
                    session.store.seal_parcel(parcel.id, None)
                    tried.discard(parcel.id)
                elif answer.code == "parcel-spent" and _sent_by_another(session, parcel):
                    session.store.drop_parcel(parcel.id)  # by a colleague's device
                else:
                    session.store.answer_parcel(parcel.id, answer.code, answer.message)
        sealed_again = True
    return taken


def _batch(session: Session, transport: Signed, tried: set[bytes]) -> list[Parcel]:
    """The next parcels to send, sealed; those whose key cannot be had now are left out."""
    found: list[Parcel] = []
    size = 0
    keys: dict[bytes, tuple[bytes, int, bytes] | None] = {}
    for row in session.store.parcels():
        if row.id in tried or len(found) == limits.PARCELS_PER_REQUEST or size > _BYTES:
            continue
        if row.sealed is None:
            if row.address not in keys:
                keys[row.address] = _key(session, transport, row)
            key = keys[row.address]
            if key is None:
                tried.add(row.id)
                continue
            parcel = _seal(session, row, *key)
            session.store.seal_parcel(row.id, cbor.encode(parcel_map(parcel)))  # the same bytes however often they are sent
        else:
            parcel = decode_parcel(cbor.decode(row.sealed))
        found.append(parcel)
        size += len(parcel.sealed)
    return found


def _key(session: Session, transport: Signed, row: ParcelOut) -> tuple[bytes, int, bytes] | None:
    """(address, week, key) to seal to, of the desk or of the letter's own address; None where it cannot be had, with the reason kept."""
    try:
        if row.address:
            return row.address, *board.fetch_key(session, transport, row.address, address_keys(session, row.address))
        where = board.desk(session)
        if where is None:
            raise Refused("no-such-file", "the other side has no desk yet, or this device has not heard of it; it is sent when there is one")
        return where
    except ProtocolError as error:
        if error.code == "offline":
            raise
        session.store.answer_parcel(row.id, error.code, str(error))
        return None


def address_keys(session: Session, address: bytes) -> list[bytes]:
    """The address keys of a case of the other side that letters named: the newest two, then the newest of each other sender.

    Whoever works on that side can name a key for any case whose address they know; it puts no colleague's word out of force.
    """
    found: list[tuple[str, bytes]] = []
    for log in sorted(session.file_logs(), key=lambda log: (state := session.file(log)) is not None and state.file == "intake"):  # copies come later
        for kind in ("case_opened", "liaison_key"):
            for record, _ in session.store.records(log, kind):
                values = {name: one.value for name, one in records.values(session, log, record).items()}
                if values.get("case") == ids.show(address) and isinstance(values.get("key"), str):
                    found.append((str(values.get("sender")), bytes.fromhex(values["key"])))
    newest = list(dict.fromkeys(key for _, key in reversed(found)))[:2]
    return list(dict.fromkeys([*newest, *dict(found).values()]))


def _ask(session: Session, transport: Signed, batch: list[Parcel]) -> tuple[list[Answer], list[bytes]]:
    map_ = versioned(cbor.decode(transport.signed(session, "POST", "/v1/parcels", encode_parcels(batch))), "taken", "answers", "passes")
    answers = [decode_answer(item, 16) for item in as_list(map_["answers"], "answers")]
    if len(answers) != len(batch):
        raise Malformed(f"{len(answers)} answers to {len(batch)} parcels")
    return answers, [as_blob(item, "pass") for item in as_list(map_["passes"], "passes")]


def _sent_by_another(session: Session, parcel: Parcel) -> bool:
    """True for a filler, which any device sends, and for words that two people agreed to, when a colleague's device says in the file that it has
    the pass. Anything else stays whatever the server says of it: nothing but a pass ends it.
    """
    row = next(one for one in session.store.parcels() if one.id == parcel.id)
    if row.letter is None or cbor.decode(row.letter)["body"].get("word") == "filler":
        return row.letter is not None
    said = [(record, records.values(session, row.log, record)) for record, _ in session.store.records(row.log, "parcel_sent")]
    asked = next((values["request"].value for record, values in said if record == row.record and "request" in values), None)
    return asked is not None and any(
        record != row.record and "hash" in values and "request" in values and values["request"].value == asked for record, values in said
    )


def _passed(session: Session, parcel: Parcel, passes: list[bytes]) -> int:
    """With its verified pass the letter goes, and the file's record of it gets the hash. 0, and an alarm, where there is no such pass."""
    wanted = (parcel.address, parcel.week, parcel.id, ids.sha256(parcel.sealed))
    for data in passes:
        stamp = decode_pass(data)
        if (stamp.address, stamp.week, stamp.id, stamp.hash) != wanted:
            continue
        root = session.registry.require_root()
        try:
            if (stamp.sign1.svc, stamp.sign1.kid) != (session.identity.svc, ids.server_key_id(root.receipt)):
                raise Malformed("the pass is of another service or key")
            verify_object(stamp.sign1, root.receipt)
        except Malformed:
            break
        row = next(one for one in session.store.parcels() if one.id == parcel.id)
        session.store.drop_parcel(parcel.id)
        with suppress(ProtocolError):  # who has left the file meanwhile writes nothing there
            records.edit(session, row.log, row.record, {"hash": wanted[3].hex()})
        return 1
    session.alarm(None, None, "bad-pass", "the server says that it took a parcel and shows no pass for it; it is kept and sent again")
    return 0
