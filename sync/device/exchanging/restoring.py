"""A server that came back from an older copy, as a device meets it: its registry is brought back, an administrator declares it, and the older
incarnation ends here (docs/spec.md §19). What becomes of files is in healing.py.
"""

from typing import Final, Protocol

from shared_schema import cbor, ids
from shared_schema.certificate import decode_registry_statement, encode_registry_statement
from shared_schema.deposit import decode_deposited
from shared_schema.entry import Entry, decode_entry
from shared_schema.errors import Contradiction, ProtocolError, Refused
from shared_schema.restoring import Declaration, Healed, Offer, Restore, decode_offer, encode_declaration
from sync.device.exchanging import taking
from sync.device.exchanging.outbox import put_statement
from sync.device.people.recovery import require_administrator
from sync.device.session import Session

_AGAIN: Final = "sign-again"  # the fact that holds a statement of the registry that was signed in an earlier incarnation, and is signed again


class Restored(Protocol):
    """How a device reaches a server that does not serve its side."""

    def unsigned(self, method: str, path: str, body: bytes = b"") -> bytes:
        """An unsigned request."""
        ...

    def signed(self, session: Session, method: str, path: str, body: bytes = b"") -> bytes:
        """A signed one."""
        ...


def offer(session: Session, transport: Restored) -> Offer:
    """What the server says of the side. Raises Refused `no-such-route` where it is served."""
    return decode_offer(transport.unsigned("GET", _path(session)))


def bring_registry(session: Session, transport: Restored) -> bool:
    """Give the server what it lacks of the registry; True when it took something. Raises Refused, and Malformed for an answer that is none."""
    found = _missing(session, offer(session, transport))
    if found is None or not found.entries:
        return False
    transport.unsigned("POST", _path(session), encode_declaration(found))
    return True


def _path(session: Session) -> str:
    return f"/v1/restored?side={session.identity.side}"


def _missing(session: Session, offered: Offer) -> Declaration | None:
    """What this device has of the registry beyond the server's end; None where that is not on its chain."""
    known = session.registry
    if offered.registry not in known.chains:
        return None
    after = known.chains.index(offered.registry)
    entries = tuple(([row.cose, cbor.Raw(row.parts)], row.received_ms) for row in session.store.entries(known.log, after))
    return Declaration(entries, session.store.signed_head(known.log) if entries else None, None)


def declare(session: Session, transport: Restored) -> Entry:
    """Say, as an administrator, that this side came back from an older copy: from then on it is served. Raises Contradiction when the server has another
    registry than this device, Refused.
    """
    require_administrator(session, "declares that a side came back from an older copy")
    offered = offer(session, transport)
    if offered.registry not in session.registry.chains:
        _fetch_registry(session, transport)
        offered = offer(session, transport)
    found = _missing(session, offered)
    if found is None or offered.incarnation not in session.registry.incarnations:
        raise Contradiction("the server's registry is not the one that this device knows: do not go on, and ask whoever runs the server")
    entry = _signed(session, offered)
    body = encode_declaration(Declaration(found.entries, found.head, [entry.cose, cbor.Raw(cbor.encode(list(entry.parts)))]))
    try:
        transport.unsigned("POST", _path(session), body)
    except ProtocolError as error:
        if error.code != "offline":  # it was not taken, and says something of this moment alone
            _drop_waiting(session)
        raise
    return entry


def _fetch_registry(session: Session, transport: Restored) -> None:
    """What others have brought back that this device never got."""
    before = -1
    while before < session.registry.seq:
        before = session.registry.seq
        answer = decode_deposited(transport.signed(session, "GET", f"/v1/restored/registry?after={before}"))
        for page in answer.pages:
            taking.take_registry(session, page)


def _signed(session: Session, offered: Offer) -> Entry:
    """The `restore`, on disk before it is sent: the same one again where an earlier attempt had no answer."""
    witness = session.witness()
    wanted = Restore(offered.next, witness if witness.size else None, offered.marks)
    log = session.registry.log
    for item in session.store.outbox(log):
        entry = decode_entry(item.cose)
        if decode_registry_statement(entry.sign1.payload) == wanted and entry.sn == session.registry.head:
            return entry
    _set_aside(session)
    return put_statement(session, log, encode_registry_statement(wanted))


def _set_aside(session: Session) -> None:
    """What waits in the registry was signed in the incarnation that ends: it is signed again in the next, by itself."""
    log = session.registry.log
    with session.store.transaction():
        for item in session.store.outbox(log):
            payload = decode_entry(item.cose).sign1.payload
            if not isinstance(decode_registry_statement(payload), Restore | Healed):
                session.store.set_fact(_AGAIN, payload)
            session.store.drop_outbox(item.n)


def _drop_waiting(session: Session) -> None:
    with session.store.transaction():
        for item in session.store.outbox(session.registry.log):
            session.store.drop_outbox(item.n)


def sign_again(session: Session) -> None:
    """What waited in the registry when the incarnation changed goes out in the new one."""
    payload = session.store.fact(_AGAIN)
    if payload and session.certified and not session.store.waiting(session.registry.log):
        with session.store.transaction():
            put_statement(session, session.registry.log, payload)
            session.store.drop_fact(_AGAIN)


def end_healing(session: Session) -> Entry:
    """Say, as an administrator, that what has not come back by now is not waited for. Raises Refused."""
    require_administrator(session, "ends the waiting for what was lost")
    if not session.registry.healing:
        raise Refused("not-permitted", "nothing is waited for on this side")
    return put_statement(session, session.registry.log, encode_registry_statement(Healed()))


def turned(session: Session) -> None:
    """The registry shows that the side came back from an older copy: in the transaction that takes it. What the older incarnation promised is over, and
    every file has to be shown again.
    """
    log, last = session.registry.log, session.registry_reader.log.authors.get(session.identity.device)
    if any(last is None or item.sq > last.sq for item in session.store.waiting(log)):  # what is in the registry goes when its receipt comes
        _set_aside(session)
    session.store.end_incarnation(log)
    session.forget_files()


def news(session: Session, entry: Entry) -> str:
    """What a registry entry says about that, for everybody of the side to see; "" for any other."""
    statement = decode_registry_statement(entry.sign1.payload)
    author = session.registry.devices.get(entry.author)
    who = author.subject.name if author is not None else ids.show(entry.author)
    if isinstance(statement, Restore):
        said = "the service came back from an older copy. This device gives back what it has of what was lost; what waits here waits until then"
        return f"{who} declared that {said}. If nobody told you of that, ring your coordinator"
    if isinstance(statement, Healed):
        return f"{who} ended the waiting for what the service had lost: what has not come back by now stays on the devices that have it"
    return ""
