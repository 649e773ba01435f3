"""Who keeps a place on a side: suspension, which anybody may and a coordinator lifts; revocation, which is an administrator's and final (docs/spec.md §6)."""

from shared_schema import ids
from shared_schema.certificate import Reinstate, Revoke, Suspend, encode_registry_statement
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import Refused
from shared_schema.membership import file_statement
from shared_schema.roles import may_reinstate
from sync import registry
from sync.device.exchanging.outbox import author, put_signed
from sync.device.session import Session
from sync.entry import sign_statement
from sync.registry import Certificate


def revoke(session: Session, device: bytes, reason: str) -> Entry:
    """Revoke a device of this side. Sent at the next sync; its files then have to be rotated by their members."""
    target = _target(session, device)
    if "administrator" not in _my_roles(session):
        raise Refused("not-permitted", "only an administrator of this side revokes")
    if device == session.identity.device:
        raise Refused("not-permitted", "another administrator revokes this device: else a side could be left with none")
    if target.revoked is not None:
        raise Refused("not-permitted", "that device is revoked already")
    return _put(session, Revoke(device, reason))


def suspend(session: Session, device: bytes, reason: str) -> Entry:
    """Keep a device of this side out until a coordinator lifts that. Anybody may. Sent at the next sync."""
    target = _target(session, device)
    if device == session.identity.device:
        raise Refused("not-permitted", "a colleague suspends this device, or you do from another: it could send nothing any more")
    if not target.acts:
        raise Refused("not-permitted", f"that device is {'revoked' if target.revoked is not None else 'suspended'} already")
    return _put(session, Suspend(device, reason))


def reinstate(session: Session, device: bytes) -> Entry:
    """Lift a suspension. Sent at the next sync."""
    target = _target(session, device)
    if not may_reinstate(session.identity.side, _my_roles(session)):
        who = "an administrator" if session.identity.side == "oversight" else "a coordinator"
        raise Refused("not-permitted", f"only {who} lifts a suspension")
    if target.revoked is not None or target.suspended is None:
        raise Refused("not-permitted", "that device is not suspended")
    return _put(session, Reinstate(device))


def _put(session: Session, statement: Revoke | Suspend | Reinstate) -> Entry:
    """Judged as every reader will judge it, before it is kept: what is refused would wait in front of everything else of this device's."""
    log = session.registry.log
    entry = sign_statement(author(session, log), session.sign_key, encode_registry_statement(statement))
    registry.take(session.registry, entry, bytes(32))
    return put_signed(session, log, entry)


def files_on(session: Session, device: bytes) -> list[bytes]:
    """The files, of those on this device, for which the other device was ever given keys: what it may have kept, whatever was rotated since."""
    return [log for log in session.file_logs() if _holds(session, log, device) or _was_given(session, log, device)]


def _holds(session: Session, log: bytes, device: bytes) -> bool:
    state = session.file(log)
    return state is not None and device in state.holders


def _was_given(session: Session, log: bytes, device: bytes) -> bool:
    statements = (file_statement(decode_entry_alone(row.cose)) for row in session.store.statements(log) if not row.void and row.cose)
    return any(grant.to == device for statement in statements for grant in getattr(statement, "grants", ()))


def to_ring(session: Session, device: bytes) -> list[tuple[str, str]]:
    """(name, role) of everybody who has to hear that the device is lost: its person, coordinators, administrators; each once."""
    target = _target(session, device)
    found = {target.subject.user: (target.subject.name, "whose device it is")}
    for role in ("coordinator", "administrator"):
        for certificate in session.registry.devices.values():
            subject = certificate.subject
            if certificate.acts and role in subject.roles and subject.user != session.identity.user:
                found.setdefault(subject.user, (subject.name, role))
    return list(found.values())


def _my_roles(session: Session) -> tuple[str, ...]:
    me = session.registry.devices.get(session.identity.device)
    return me.subject.roles if me else ()


def _target(session: Session, device: bytes) -> Certificate:
    if not session.certified:
        raise Refused("no-standing", "this device does not stand in its registry yet, as far as it has come: sync first")
    target = session.registry.devices.get(device)
    if target is None:
        raise Refused("not-found", f"no device of this side has the id {ids.show(device)[:8]}; sync first, if it is new")
    return target
