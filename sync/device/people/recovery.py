"""Recovery on a device: a fresh key, a permit, bringing files back, a drill; and what a side lacks (docs/spec.md §6.3, §7.6).

What the shares come to is an argument and is kept nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared_schema import ids, limits
from shared_schema.certificate import decode_registry_statement, encode_registry_statement
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import BadGrant, Refused
from shared_schema.membership import FileStatement, Recover, encode_file_statement, file_statement
from shared_schema.recovery import Close, Custody, Drill, Permit, RecoveryStatement, Renew, drill_bound, recover_bound
from shared_schema.roles import has_content, may_be_member, may_sign
from sync import membership
from sync.device.exchanging import outbox
from sync.device.exchanging.outbox import put_statement
from sync.device.exchanging.settling import REFUSED
from sync.device.recording import finding
from sync.device.session import Session
from sync.granting import Granter, check_secret, open_grants
from sync.keys import RecoverySecret
from sync.membership import FileState
from sync.recovery import Permitted

ENOUGH: Final = 2  # people who read each file, and people who hold shares


# --- what an administrator decides -----------------------------------------------------------------------------------------


def renew(session: Session, secret: RecoverySecret) -> Entry:
    """Put a fresh recovery key in force. Its shares are on paper, and were read back, before this is called."""
    require_administrator(session, "puts a fresh recovery key in force")
    return _put(session, Renew(secret.receive_key.public, secret.sign_key.public))


def record_custody(session: Session, threshold: int, holders: tuple[str, ...]) -> Entry:
    """Say who holds the shares of the key in force, one name a share."""
    require_administrator(session, "says who holds the shares")
    return _put(session, Custody(threshold, holders))


def permit(session: Session, device: bytes, reason: str, files: tuple[bytes, ...] | None, until: int) -> Entry:
    """Let a device recover `files`, or all that nobody holds any more, until `until`. Raises Refused."""
    require_administrator(session, "lets a device recover")
    target = session.registry.devices.get(device)
    if target is None or not target.acts:
        raise Refused("not-permitted", "that device is not certified, or revoked or suspended: invite and enrol a clean machine first")
    if not any(has_content(role) for role in target.subject.roles):
        raise Refused(
            "not-permitted", f"{target.subject.name}'s device reads no files, as {', '.join(target.subject.roles)}: want a coordinator's, say"
        )
    if not 0 < until - session.now_ms() - session.clock_offset() <= limits.PERMIT_MS:
        raise Refused("bad-value", f"a permit is open for at most {limits.PERMIT_MS // 86_400_000} days")
    return _put(session, Permit(device, tuple(sorted(set(files))) if files else None, reason, until))


def close(session: Session, device: bytes) -> Entry:
    """End a device's permit: an administrator's, or its own when it is done."""
    if device != session.identity.device:
        require_administrator(session, "takes back a permit")
    if session.registry.recovery.permits_at(device, session.registry.seq) is None:
        raise Refused("not-found", "that device has no permit to recover")
    return _put(session, Close(device))


def require_administrator(session: Session, what: str) -> None:
    """Raises Refused `not-permitted`; `what` is what only an administrator does."""
    me = session.registry.devices.get(session.identity.device)
    if me is None or "administrator" not in me.subject.roles:
        raise Refused("not-permitted", f"only an administrator of this side {what}")


def _put(session: Session, statement: RecoveryStatement) -> Entry:
    payload = encode_registry_statement(statement)
    decode_registry_statement(payload)  # what no server can read would wait for ever, in front of every later revocation
    return put_statement(session, session.registry.log, payload)


# --- bringing files back -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A file on this device, as recovery sees it.

    `state` is `ready` to be brought back with the key `key`; `held` by a device that is not revoked; `same-key`: the key that holds it is still in
    force, so a fresh one has to come first; `no-role`: this device may not be in it in a role that could.
    """

    log: bytes
    state: str
    key: bytes


def own_permit(session: Session) -> Permitted:
    """This device's permit. Raises Refused `not-permitted` when it has none, or its time is over."""
    found = session.registry.recovery.permits_at(session.identity.device, session.registry.seq)
    if found is None:
        raise Refused("not-permitted", "this device has no permit to recover, or it has ended: an administrator runs `fieldkeep recovery allow`")
    if found.permit.until < session.now_ms() + session.clock_offset():
        raise Refused("not-permitted", "the time in which this device might recover is over: an administrator allows it again")
    return found


def survey(session: Session) -> list[Found]:
    """Every file that this device has and that its permit is about."""
    permitted = own_permit(session)
    return [Found(log, _judge(session, state), state.recovery) for log, state in _files(session) if permitted.covers(log)]


def has_recovered(session: Session) -> bool:
    """True when this device has brought a file back under the permit that it has."""
    me = session.identity.device
    permitted = session.registry.recovery.permits_at(me, session.registry.seq)
    mine = (row for log, _ in _files(session) for row in session.store.statements(log) if row.author == me and not row.void)
    made = (file_statement(decode_entry_alone(row.cose)) for row in mine)
    return permitted is not None and any(isinstance(one, Recover) and one.rg.seq >= permitted.seq for one in made)


def _files(session: Session) -> Iterator[tuple[bytes, FileState]]:
    for log in session.file_logs():
        state = session.reader(log).file
        if state is not None and not session.stopped(log):
            yield log, state


def _judge(session: Session, state: FileState) -> str:
    known = session.registry
    if not membership.abandoned(state, known, known.seq):
        return "held"
    if state.recovery == known.recovery_id:
        return "same-key"
    return "ready" if own_role(session, state) else "no-role"


def own_role(session: Session, state: FileState) -> str:
    """The role in which this device's person may bring a file back: the one that they have in it, or the first that may; "" for none."""
    certificate = session.registry.devices[session.identity.device]
    now = state.members.get(session.identity.user)
    roles = sorted(certificate.subject.roles, key=lambda role: role != now)
    may = (role for role in roles if may_sign("recover", state.file, state.side, role) and may_be_member(state.file, state.side, role))
    return next(may, "")


def open_grants_to(session: Session, log: bytes, secret: RecoverySecret) -> dict[int, bytes]:
    """The epochs of a file whose secrets the recovery key opens, each held against its commitment."""
    state = session.require_file(log)
    rows = (decode_entry_alone(row.cose) for row in session.store.statements(log) if not row.void)
    return open_epochs(state, [(entry.author, file_statement(entry)) for entry in rows], secret, session.identity.svc)


def open_epochs(state: FileState, statements: list[tuple[bytes, FileStatement]], secret: RecoverySecret, svc: bytes) -> dict[int, bytes]:
    """The same, of the statements (granter, statement) that stand in a file's log. What does not open, or is not what was committed to, is left out."""
    found: dict[int, bytes] = {}
    for granter, statement in statements:
        try:
            granted = open_grants(statement, granter, secret.receive_key, secret.id, (svc, state.log))
        except BadGrant:
            continue
        for epoch, one in granted.items():
            try:
                check_secret(state, svc, epoch, one, found)
            except BadGrant:
                continue
            found[epoch] = one
    return found


def recover(session: Session, log: bytes, secret: RecoverySecret) -> tuple[Entry, list[int]]:
    """Bring a file back that is `ready`: its person is in it, with a new epoch. Returns the statement, and the epochs that did not open.

    Sent at the next sync. Raises Refused `other-shares` for a key that does not hold the file.
    """
    state, me = session.require_file(log), session.identity
    if state.recovery != secret.id:
        raise Refused("other-shares", "these shares are of another recovery key than the one that holds the file")
    role = own_role(session, state)
    if not role:
        raise Refused("not-permitted", f"this device's person may not bring back a {state.file} file")
    opened = open_grants_to(session, log, secret)
    by = secret.sign_key.sign(recover_bound(me.svc, log, me.device, state.previous))
    statement = Granter(me.svc, log, me.device, session.registry).recover(state, opened, session.entropy(32), (me.user, role), by)
    entry = put_statement(session, log, encode_file_statement(statement))
    return entry, [epoch for epoch in state.commits if epoch not in opened]


def drop_moot(session: Session) -> None:
    """A recovery that waits to be sent, and can never be taken because the permit that it relied on has ended, or the file is held again."""
    known, mine = session.registry, session.registry.recovery.permits_at(session.identity.device, session.registry.seq)
    for log, state in _files(session):
        for item in session.store.outbox(log):
            if not item.statement or item.receipted or not isinstance(file_statement(decode_entry_alone(item.cose)), Recover):
                continue
            if mine is None or not mine.covers(log) or not membership.abandoned(state, known, known.seq):
                with session.store.transaction():
                    session.store.set_fact(
                        REFUSED + item.id.hex(), b"moot"
                    )  # its number goes to another entry: shown later, it is the server's fault
                    session.store.drop_outbox(item.n)


# --- drills --------------------------------------------------------------------------------------------------------------------


def drill(session: Session, secret: RecoverySecret, files: int, opened: int) -> Entry:
    """Leave on record that the shares were together, and what they opened. Sent at the next sync."""
    if secret.id != session.registry.recovery_id:
        raise Refused("other-shares", "these shares are of a recovery key that is no longer in force")
    me, log = session.identity, session.registry.log
    by = secret.sign_key.sign(drill_bound(me.svc, log, me.device, outbox.author(session, log).sq + 1))
    return _put(session, Drill(secret.id, files, opened, by))


def regrant(session: Session, log: bytes) -> Entry:
    """Grant the recovery key all epochs of a file once more, as far as this device has them: a drill found some closed. Sent at the next sync."""
    state, me = session.require_file(log), session.identity
    role = state.members.get(me.user, "")
    if me.device not in state.holders or not may_sign("grant", state.file, state.side, role) or state.epoch not in session.store.secrets(log):
        raise Refused("no-standing", "this device does not hold the file's keys, or its person may not give them")
    known = session.registry
    if state.recovery != known.recovery_id:
        raise Refused("not-permitted", "the file has not been granted to the fresh recovery key yet: sync, which does that")
    statement = Granter(me.svc, log, me.device, known).more_grants(state, session.store.secrets(log), [known.recovery_id])
    if statement is None:
        raise Refused("not-found", "there is nothing to grant")
    return put_statement(session, log, encode_file_statement(statement))


# --- how a side stands -----------------------------------------------------------------------------------------------------------


def progress(session: Session) -> tuple[int, int]:
    """Of the files that this device's person is in: how many are granted to the recovery key in force, and how many there are."""
    mine = [state for _, state in _files(session) if session.identity.user in state.members]
    return sum(state.recovery == session.registry.recovery_id for state in mine), len(mine)


def unrotated(session: Session) -> list[bytes]:
    """Of the files that this device's person is in: those that wait for a new key, since a revoked device or an old recovery key holds them."""
    mine = (state for _, state in _files(session) if session.identity.user in state.members)
    return [state.log for state in mine if state.blocked or membership.rotation_needed(state, session.registry)]


def shortfalls(session: Session) -> list[str]:
    """What the side lacks to get through the loss of one person, in words: two people who work here and who read each file of this device, two who
    hold shares.
    """
    known = session.registry
    found = []
    if known.side != "oversight":
        people = {cert.subject.user for cert in known.devices.values() if cert.acts and any(has_content(role) for role in cert.subject.roles)}
        if len(people) < ENOUGH:
            found.append(f"{'only one person' if people else 'nobody'} of this side has a device that reads files: want two people")
    custody = known.recovery.custody
    if custody is None:
        found.append("nobody is on record as holding the recovery shares: an administrator runs fieldkeep recovery holders")
    elif len({name.casefold() for name in custody.holders}) < ENOUGH:
        found.append(f"{custody.holders[0]} alone holds the recovery shares: want two people")
    return found + [f"{finding.label(session, log)}: {who} can read it: want two people" for log, who in _single_readers(session)]


def _single_readers(session: Session) -> Iterator[tuple[bytes, str]]:
    for log, state in _files(session):
        if session.identity.user in state.members:
            certificates = (session.registry.devices[device] for device in state.holders)
            people = {cert.subject.user: cert.subject.name for cert in certificates if cert.revoked is None}
            if len(people) < ENOUGH:
                yield log, f"{next(iter(people.values()))} alone" if people else "nobody"


def describe(session: Session, permit: Permit) -> str:
    """A permit in words: whose device, what for."""
    device = session.registry.devices[permit.device]
    what = "all files that nobody holds" if permit.files is None else f"{len(permit.files)} file(s)"
    return f"{device.subject.name}'s {device.keys.label} ({ids.show(permit.device)[:8]}) may recover {what}: {permit.reason.replace('_', ' ')}"


def overtaken(session: Session, statement: Permit | Custody) -> str:
    """What an administrator is told of a decision that waited, and came too late."""
    if isinstance(statement, Custody):
        return "your word on who holds the recovery shares was NOT put on record: a fresh recovery key came in force first. Say it again of that one"
    return f"your permit was NOT given, that {describe(session, statement)}: its time was over, or the device is kept out. Allow it again"


def news(session: Session, entry: Entry) -> str:
    """What a registry entry of somebody else's says about recovery, for everybody of the side to see; "" for any other."""
    statement = decode_registry_statement(entry.sign1.payload)
    author = session.registry.devices.get(entry.author)
    if author is None or entry.author == session.identity.device:
        return ""
    match statement:
        case Renew():
            return f"{author.subject.name} put a fresh recovery key in force: if nobody told you of that, ring your coordinator"
        case Permit():
            return f"{author.subject.name} allowed that {describe(session, statement)}. If nobody told you of that, ring your coordinator at once"
        case Drill():
            said = f"put the recovery shares together on their {author.keys.label}, for a drill"
            return f"{author.subject.name} {said}: {statement.opened} of {statement.files} files opened"
    return ""
