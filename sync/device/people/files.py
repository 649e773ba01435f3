"""Beginning files, adding and removing people (docs/spec.md §7)."""

from collections.abc import Mapping

from shared_schema import cbor, ids
from shared_schema.entry import Entry, Head
from shared_schema.errors import Refused
from shared_schema.membership import encode_file_statement
from shared_schema.roles import FILES, file_sides, may_be_member, may_sign
from sync.device.exchanging.outbox import put_statement
from sync.device.session import Session
from sync.entry import Author, sign_statement
from sync.granting import Granter
from sync.membership import FileState


def create_file(session: Session, kind: str, members: Mapping[bytes, str] | None = None) -> bytes:
    """Begin a file, also offline; returns its log id. The caller is a member in the first role that may begin it."""
    me = session.identity
    own = session.registry.devices.get(me.device)
    if own is not None and not own.stands_at(session.registry.seq):
        code = "revoked" if own.revoked is not None else "suspended"
        raise Refused(code, f"this device is {code}: a file that it begins would count for nobody")
    if kind not in FILES or me.side not in file_sides(kind):
        raise Refused("bad-value", f"there is no {kind} file on the {me.side} side; known: {', '.join(sorted(_kinds(me.side)))}")
    people = {me.user: own_role(session, "genesis", kind)} | dict(members or {})
    for user, role in people.items():
        check_person(session, kind, user, role)
    nonce, secret = session.entropy(16), session.entropy(32)
    log = ids.file_log(me.svc, me.device, nonce)
    granter = Granter(me.svc, log, me.device, session.registry)
    statement = granter.genesis(nonce, kind, people, secret)
    head = Head(session.incarnation, 0, ids.chain_start(log))
    who = Author(me.svc, log, me.device, 0, None, head, session.witness())
    entry = sign_statement(who, session.sign_key, encode_file_statement(statement))
    with session.store.transaction():
        session.store.put_secret(log, 1, secret)
        session.store.put_outbox(log, 1, entry.id, 1, entry.cose, cbor.encode([]), session.now_ms())
    return log


def _kinds(side: str) -> list[str]:
    return [kind for kind in FILES if side in file_sides(kind)]


def own_role(session: Session, statement: str, kind: str) -> str:
    """The first of this device's roles that may sign `statement` in such a file. Raises Refused `not-permitted`."""
    certificate = session.registry.devices.get(session.identity.device)
    roles = certificate.subject.roles if certificate else ()
    for role in roles:
        if may_sign(statement, kind, session.identity.side, role) and may_be_member(kind, session.identity.side, role):
            return role
    raise Refused("not-permitted", f"as {' and '.join(roles) or 'nobody'} you may not sign {statement} for a {kind} file")


def check_person(session: Session, kind: str, user: bytes, role: str) -> None:
    """Raises Refused unless the registry of this side knows the person in that role and such a file takes it."""
    held = {held for cert in session.registry.devices_of(user, session.registry.seq) for held in cert.subject.roles}
    if not held:
        raise Refused("wall", "that person has no certified device on this side")
    if role not in held or not may_be_member(kind, session.identity.side, role):
        why = f"a {kind} file takes no {role}" if role in held else f"that person is no {role} ({', '.join(sorted(held))})"
        raise Refused("not-permitted", why)


def add_member(session: Session, log: bytes, user: bytes, role: str) -> Entry:
    """Add a person, with a new epoch whose grants give them all earlier epochs. Sent at the next sync."""
    state = _changeable(session, log)
    if user in state.members:
        raise Refused("not-permitted", "that person already is a member")
    check_person(session, state.file, user, role)
    return _change(session, log, state, add={user: role})


def remove_member(session: Session, log: bytes, user: bytes) -> Entry:
    """Remove a person and rotate, in one statement. Sent at the next sync."""
    state = _changeable(session, log)
    if user not in state.members:
        raise Refused("not-found", "that person is not a member")
    if user == session.identity.user:
        raise Refused("not-permitted", "nobody removes themselves: ask a coordinator")
    return _change(session, log, state, remove=user)


def may_change(session: Session, log: bytes) -> bool:
    """True when this device may add people to a file, and take them out."""
    state = session.reader(log).file
    if state is None or session.identity.device not in state.holders:
        return False
    return may_sign("members", state.file, state.side, state.members.get(session.identity.user, ""))


def grant_again(session: Session, log: bytes, user: bytes) -> Entry:
    """Grant a member's devices all epochs once more: what they were granted before did not open (`bad-grant`). Sent at the next sync."""
    state = session.require_file(log)
    if user not in state.members:
        raise Refused("not-found", "that person is not a member")
    _check_holds(session, state, "grant")
    devices = [cert.keys.device for cert in session.registry.devices_of(user, session.registry.seq)]
    granter = Granter(session.identity.svc, log, session.identity.device, session.registry)
    statement = granter.more_grants(state, session.store.secrets(log), devices)
    if statement is None:
        raise Refused("not-found", "that person has no device in standing")
    return put_statement(session, log, encode_file_statement(statement))


def _changeable(session: Session, log: bytes) -> FileState:
    state = session.reader(log).file
    if state is None:
        raise Refused("no-such-file", "the file is not on the server yet, or is not yours: sync first")
    _check_holds(session, state, "members")
    return state


def _check_holds(session: Session, state: FileState, kind: str) -> None:
    """Raises Refused unless this device's person may sign such a statement and the device holds the file; to give keys, it has to have the current one."""
    role, log = state.members.get(session.identity.user, ""), state.log
    if not may_sign(kind, state.file, state.side, role):
        what = "change who is in" if kind == "members" else "give keys of"
        may = FILES[state.file][state.side]["members_by" if kind == "members" else kind]
        raise Refused("not-permitted", f"as {role or 'nobody'} you may not {what} a {state.file} file; a member who is {' or '.join(may)} may")
    if session.identity.device not in state.holders or (kind == "grant" and state.epoch not in session.store.secrets(log)):
        raise Refused("no-standing", "this device has not been given the file's keys yet: any other device that has them does so when it syncs")


def _change(session: Session, log: bytes, state: FileState, add: Mapping[bytes, str] | None = None, remove: bytes | None = None) -> Entry:
    granter = Granter(session.identity.svc, log, session.identity.device, session.registry)
    secrets = session.store.secrets(log)
    statement = granter.new_epoch(state, secrets, session.entropy(32), add, () if remove is None else (remove,))
    return put_statement(session, log, encode_file_statement(statement))


def drop_refused(session: Session, entry: Entry) -> bool:
    """True when the statement is no longer waiting and is not in the log: it lost its race or was refused."""
    waiting = any(item.id == entry.id for item in session.store.outbox(entry.log))
    placed = any(row.id == entry.id for row in session.store.statements(entry.log))
    return not waiting and not placed
