"""A case of the perpetrator side, the liaison file that comes with every one of them, and what the victim side is told of both
(docs/spec.md §15.5).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.entry import decode_entry
from shared_schema.errors import Refused
from shared_schema.membership import file_statement
from shared_schema.parcel import address_of
from shared_schema.roles import may_be_member
from sync.device.across import board, posting
from sync.device.people import files
from sync.device.recording import records
from sync.device.session import Session

_DAY_MS: Final = 86_400_000
ADDRESS_KEY = "address-key:"  # with a log's id in hex: the fact that holds the address key that was last told of


def open_case(session: Session, members: Mapping[bytes, str], referral: str | None = None) -> bytes:
    """Begin a case, from the parcel `referral` if one; also offline. On the perpetrator side its liaison file is begun with it, and the other side is told that there is a case."""
    case = files.create_file(session, "case", members)
    if session.identity.side != "perpetrator":
        return case
    side = session.identity.side
    liaison = files.create_file(session, "liaison", {user: role for user, role in members.items() if may_be_member("liaison", side, role)})
    keys = board.file_keys(session, liaison)[0]
    with session.store.transaction():
        records.add(session, case, "liaison_file", {"file": ids.show(liaison), "address": ids.show(keys.address)})
        body = {"case": ids.show(keys.address), "key": keys.address_key.public.hex(), "opened_on": today(session)}
        posting.post(session, case, "case_opened", body | ({"referral": referral} if referral else {}))
        session.store.set_fact(ADDRESS_KEY + liaison.hex(), keys.address_key.public)
    return case


def today(session: Session) -> str:
    """The day, by the server's clock as this device last heard it, in UTC."""
    return datetime.fromtimestamp((session.now_ms() + session.clock_offset()) / 1000, UTC).date().isoformat()


def liaison_of(session: Session, case: bytes) -> tuple[bytes, bytes] | None:
    """(liaison file, its address) of a case; None for a case that has none. A record that names another file, or another address, is passed over."""
    me = session.identity
    for record, _ in session.store.records(case, "liaison_file"):
        found = records.values(session, case, record)
        file, address = (found[name].value if name in found else None for name in ("file", "address"))
        if isinstance(file, str) and isinstance(address, str) and me.side == "perpetrator":
            log = ids.parse(file)
            if ids.show(address_of(me.svc, me.side, log)) == address and _begun_together(session, case, log):
                return log, ids.parse(address)
    return None


def _begun_together(session: Session, case: bytes, liaison: bytes) -> bool:
    """True for a liaison file that the device began which began the case; also for one that is not on this device.

    Who changes the people of a case changes those of its liaison file too: else a record in one file could open, or end, any other.
    """
    state = session.file(liaison)
    return state is None or state.erased is not None or (state.file == "liaison" and _begun_by(session, liaison) == _begun_by(session, case))


def _begun_by(session: Session, log: bytes) -> bytes:
    row = session.store.entry(log, 1)
    return session.identity.device if row is None else row.author  # what is not in its log yet waits in this device's outbox


def case_address(session: Session, log: bytes) -> bytes | None:
    """The address under which the other side knows the case that a file is, or belongs to; None where the file does not say."""
    found = liaison_of(session, log)
    if found is not None:
        return found[1]
    said = (values_of(session, log, record).get("address") for record, _ in session.store.records(log, "case_address"))
    return next((ids.parse(address) for address in said if isinstance(address, str)), None)


def with_liaison(session: Session, log: bytes) -> list[bytes]:
    """A file, and the liaison file that has the same people in it, where it is a case that has one on this device."""
    found = liaison_of(session, log)
    state = session.file(found[0]) if found is not None else None
    return [log] if found is None or state is None or state.erased is not None else [log, found[0]]


def case_of(session: Session, liaison: bytes) -> bytes | None:
    """The case that a liaison file belongs to, of those on this device."""
    for log in session.file_logs():
        state = session.file(log)
        if state is not None and state.file == "case" and (found := liaison_of(session, log)) is not None and found[0] == liaison:
            return log
    return None


def tell_new_keys(session: Session) -> None:
    """After a change of keys in a liaison file the other side hears of its new address key, so that who has left can make none."""
    for liaison in board.receiving_files(session):
        state = session.require_file(liaison)
        keys = board.file_keys(session, liaison)
        if state.file != "liaison" or not keys or keys[0].epoch != state.epoch:
            continue
        key, told = keys[0].address_key.public, session.store.fact(ADDRESS_KEY + liaison.hex())
        case = None if told == key else case_of(session, liaison)
        if (
            case is None
            or session.identity.user not in session.require_file(case).members
            or not _is_mine_to_tell(session, liaison, case, state.epoch)
        ):
            continue
        with session.store.transaction():
            if told is not None or state.epoch > 1:  # the first was told with the case
                posting.post(session, case, "liaison_key", {"case": ids.show(keys[0].address), "key": key.hex()})
            session.store.set_fact(ADDRESS_KEY + liaison.hex(), key)


def _is_mine_to_tell(session: Session, liaison: bytes, case: bytes, epoch: int) -> bool:
    """True for the device that changed the keys; for any other after a day in which nobody did. One letter a change, and not one from every phone."""
    author, since_ms = b"", 0
    for row in session.store.statements(liaison):
        statement = None if row.void else file_statement(decode_entry(row.cose, cbor.decode(row.parts)))
        if statement is not None and getattr(statement, "epoch", 0) == epoch:
            author, since_ms = row.author, row.received_ms
    if author in (b"", session.identity.device):
        return True
    since = datetime.fromtimestamp(since_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    sent = (values_of(session, case, record) for record, _ in session.store.records(case, "parcel_sent"))
    if any(one.get("category") == "liaison_key" and one.get("sent_at", {}).get("at", "") >= since for one in sent):
        return False
    return session.now_ms() + session.clock_offset() - since_ms > _DAY_MS


def require_case(session: Session, log: bytes) -> bytes:
    """The address of a case's liaison file. Raises Refused for a file that has none."""
    found = liaison_of(session, log)
    if found is None:
        raise Refused("bad-value", "that is no case with a liaison file")
    return found[1]


def values_of(session: Session, log: bytes, record: bytes) -> dict[str, Any]:
    """A record's effective values alone."""
    return plain(records.values(session, log, record))


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Effective values alone."""
    return {name: one.value for name, one in values.items() if one.value is not None}
