"""Who is in a file, which epoch is current, and who holds it (docs/spec.md §7).  Vectors: shared_schema/vectors/membership/.

Pure. `take` is the one rule for server and reader; what it refuses is void for a reader. The wall's rule W1 is `_check_grants`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from shared_schema import ids
from shared_schema.entry import Entry, decode_entry_alone
from shared_schema.errors import Malformed, Refused
from shared_schema.ids import Side
from shared_schema.membership import KIND, Admit, FileStatement, Genesis, Grant, Members, MoreGrants, NewEpoch, Recover, Refuse, file_statement
from shared_schema.recovery import recover_bound
from shared_schema.removal import EXPIRED, Erase, Expunge, Hold
from shared_schema.roles import file_sides, may_be_member, may_sign
from sync import removal
from sync.recovery import RecoveryKey, proves
from sync.registry import Certificate, Registry
from sync.signing import verify_object


@dataclass(frozen=True, slots=True)
class FileState:
    """A fold over a file's statements.

    `epoch` is the current one, `commits` maps each valid epoch to its kc, `voided` are the numbers of void epochs, never to be used
    again, `holders` are the devices with a grant of every valid epoch, `recovery` is the id of the recovery key that has one. `blocked` after
    a void epoch until a valid one. `ever` maps everybody who was a member to their last role, `settled` are the held entries that were
    admitted or refused.
    """

    log: bytes
    file: str
    side: Side
    members: Mapping[bytes, str]
    epoch: int
    commits: Mapping[int, bytes]
    holders: frozenset[bytes]
    previous: bytes
    recovery: bytes
    ever: Mapping[bytes, str] = field(default_factory=lambda: MappingProxyType({}))
    settled: frozenset[bytes] = frozenset()
    admitted: frozenset[bytes] = frozenset()
    expunged: Mapping[tuple[bytes, int], int] = field(default_factory=lambda: MappingProxyType({}))
    holds: frozenset[bytes] = frozenset()
    approvals: frozenset[bytes] = frozenset()
    erased: bytes | None = None
    voided: frozenset[int] = frozenset()
    blocked: bool = False

    @property
    def next_epoch(self) -> int:
        """The number of the next epoch: the lowest above the current one that no void epoch has used."""
        number = self.epoch + 1
        while number in self.voided:
            number += 1
        return number

    @property
    def complete(self) -> frozenset[bytes]:
        """Whoever has a grant of every valid epoch: the holders and a recovery key."""
        return self.holders | {self.recovery}


def take(state: FileState | None, entry: Entry, registry: Registry, received_ms: int) -> FileState:
    """The file with statement `entry` folded in, which was received at `received_ms`. The registry must have reached the statement's `rg`.

    Raises Malformed or Refused when it may not stand there.
    """
    if state is not None and state.erased is not None:
        raise Refused("erased")
    statement = file_statement(entry)
    if registry.reaches(statement.rg) is not True:
        raise Refused("stale-registry", "the registry head that the statement names is not in this registry")
    author = registry.devices.get(entry.author)
    if author is None or not author.stands_at(statement.rg.seq):
        raise Refused("not-permitted", "the author was not certified at the registry head it names")
    if isinstance(statement, Genesis) != (state is None):
        raise Refused("not-permitted", "a file begins with its one genesis")
    if isinstance(statement, Genesis):
        return _take_genesis(entry, statement, registry, author)
    if state is None:  # the comparison above refuses this; said again for the type checker
        raise Refused("not-permitted")
    return _take_later(state, entry, statement, registry, author, received_ms)


def genesis_of(entry: Entry) -> Genesis:
    """The genesis that an entry is. Raises Malformed for any other."""
    statement = file_statement(entry)
    if not isinstance(statement, Genesis):
        raise Malformed("a file begins with its genesis")
    return statement


def take_kept(state: FileState | None, entry: Entry, registry: Registry, received_ms: int) -> FileState:
    """The same, for whoever keeps logs: of a file that was erased it has the erasure alone, which was judged when it came."""
    statement = file_statement(entry)
    if state is None and isinstance(statement, Erase):
        return erased(entry.log, statement, entry, registry.side, {})
    return take(state, entry, registry, received_ms)


def check_id(entry: Entry, statement: Genesis) -> None:
    """Raises Malformed unless a genesis is of the log whose id follows from its author and nonce."""
    if entry.log != ids.file_log(entry.svc, entry.author, statement.nonce):
        raise Malformed("the log id does not follow from creator and nonce")


def _take_genesis(entry: Entry, statement: Genesis, registry: Registry, author: Certificate) -> FileState:
    check_id(entry, statement)
    if statement.side != registry.side:
        raise Refused("wall", "the file lies on another side than its registry")
    if statement.side not in file_sides(statement.file):
        raise Refused("not-permitted", f"a {statement.file} file does not exist on this side")
    members = dict(statement.members)
    role = members.get(author.subject.user)
    if role is None or role not in author.subject.roles or not may_sign("genesis", statement.file, statement.side, role):
        raise Refused("not-permitted", "the author may not begin such a file")
    _check_people(statement.members, statement.file, registry, statement.rg.seq)
    holders = _check_grants(statement.grants, members, (1,), frozenset(), registry, statement.rg.seq)
    return FileState(
        log=entry.log,
        file=statement.file,
        side=statement.side,
        members=MappingProxyType(members),
        epoch=1,
        commits=MappingProxyType({1: statement.commit}),
        holders=holders,
        previous=entry.id,
        recovery=registry.recovery.key_at(statement.rg.seq).id,
        ever=MappingProxyType(members),
    )


_Later = Members | NewEpoch | Recover | MoreGrants | Admit | Refuse | Expunge | Hold | Erase


def _take_later(state: FileState, entry: Entry, statement: _Later, registry: Registry, author: Certificate, received_ms: int) -> FileState:
    if statement.previous != state.previous:
        raise Refused("stale-statement")
    if isinstance(statement, Recover):
        _check_recovers(state, entry, statement, registry, author)
        _check_number(state, statement)
        return _take_epoch(state, entry, statement, {**state.members, author.subject.user: statement.role}, registry)
    role = state.members.get(author.subject.user)
    kind = KIND[type(statement)]
    if role is None or entry.author not in state.holders or not may_sign(kind, state.file, state.side, role):
        raise Refused("not-permitted", f"the author may not sign {kind} in this file")
    seq = statement.rg.seq
    if isinstance(statement, Expunge | Hold | Erase):
        return _take_removal(state, entry, statement, registry, author, received_ms)
    if isinstance(statement, Admit | Refuse):
        held = _check_held(state, entry, statement.held, registry, seq) if isinstance(statement, Admit) else statement.id
        if held in state.settled or any(entry_id == held for entry_id, _ in state.expunged):
            raise Refused("not-permitted", "that held entry was admitted, refused or expunged before")
        admitted = state.admitted | ({held} if isinstance(statement, Admit) else set())
        return replace(state, settled=state.settled | {held}, admitted=admitted, previous=entry.id)
    if isinstance(statement, MoreGrants):
        holders = _check_more_grants(state, statement, registry)
        return replace(state, holders=state.holders | holders, previous=entry.id)
    _check_number(state, statement)
    members = dict(state.members)
    if isinstance(statement, Members):
        members = _changed_members(state, statement, author.subject.user)
        _check_people(statement.add, state.file, registry, seq)
    return _take_epoch(state, entry, statement, members, registry)


def _check_number(state: FileState, statement: Members | NewEpoch | Recover) -> None:
    if statement.epoch != state.next_epoch:
        raise Refused("stale-statement", f"epoch {statement.epoch}, want {state.next_epoch}")


def _take_epoch(state: FileState, entry: Entry, statement: Members | NewEpoch | Recover, members: dict[bytes, str], registry: Registry) -> FileState:
    seq = statement.rg.seq
    epochs = (*state.commits, statement.epoch)
    recovery = registry.recovery.key_at(seq)
    if recovery.seq < _recovery_key(state, registry).seq:
        raise Refused("not-permitted", "the recovery key at the registry head that the statement names is older than the one that holds the file")
    holders = _check_grants(statement.grants, members, epochs, state.complete, registry, seq)
    return replace(
        state,
        members=MappingProxyType(members),
        epoch=statement.epoch,
        commits=MappingProxyType({**state.commits, statement.epoch: statement.commit}),
        holders=holders,
        previous=entry.id,
        recovery=recovery.id,
        ever=MappingProxyType({**state.ever, **members}),
        blocked=False,
    )


def _check_recovers(state: FileState, entry: Entry, statement: Recover, registry: Registry, author: Certificate) -> None:
    """§7.6: a device that is permitted to brings back a file that nobody holds any more, with the shares of the key that holds it."""
    seq = statement.rg.seq
    permitted = registry.recovery.permits_at(entry.author, seq)
    if permitted is None or not permitted.covers(state.log):
        raise Refused("not-permitted", "the author's device is not permitted to recover this file")
    if statement.role not in author.subject.roles or not may_sign("recover", state.file, state.side, statement.role):
        raise Refused("not-permitted", f"the author may not recover a {state.file} file as {statement.role}")
    if not abandoned(state, registry, seq):
        raise Refused("not-permitted", "a device that is not revoked still holds the file")
    held = _recovery_key(state, registry)
    if held.seq >= registry.recovery.key_at(seq).seq:
        raise Refused("not-permitted", "the recovery key that holds the file is in force: a fresh one has to come first")
    if not proves(held, statement.by, recover_bound(entry.svc, entry.log, entry.author, statement.previous)):
        raise Refused("not-permitted", "the recovery key that holds the file did not sign")


def abandoned(state: FileState, registry: Registry, seq: int) -> bool:
    """True when every device that holds the file was revoked at or before registry place `seq`, and the file was not erased."""
    places = (registry.devices[device].revoked for device in state.holders)
    return state.erased is None and all(place is not None and place <= seq for place in places)


def _recovery_key(state: FileState, registry: Registry) -> RecoveryKey:
    """The recovery key that holds the file: whoever took its newest epoch found it in this registry."""
    held = registry.recovery.find(state.recovery)
    if held is None:
        raise Refused("not-permitted", "the registry does not know the recovery key that holds the file")
    return held


def _check_held(state: FileState, entry: Entry, data: bytes, registry: Registry, seq: int) -> bytes:
    """The id of the envelope that an admission carries: of this log, rightly signed, by somebody who at some time was a member, in an epoch of this file."""
    held = decode_entry_alone(data)
    if not held.is_envelope or (held.svc, held.log) != (entry.svc, entry.log):
        raise Malformed("what is admitted was not sealed for this log")
    author = registry.devices.get(held.author)
    if author is None or author.seq > seq or author.subject.user not in state.ever or held.epoch not in state.commits:
        raise Refused("not-permitted", "the author of what is admitted was never a member, or its epoch is none of this file")
    verify_object(held.sign1, author.keys.sign)
    if any(entry_id == held.id for entry_id, _ in state.expunged):
        raise Refused("erased", "a part of what is admitted was expunged")
    return held.id


def _take_removal(
    state: FileState, entry: Entry, statement: Expunge | Hold | Erase, registry: Registry, author: Certificate, received_ms: int
) -> FileState:
    """§7.8 to §7.10. Where the part that is to go stands is checked by sync/removal.py `check_target`."""
    state = replace(state, previous=entry.id)
    if isinstance(statement, Hold) and statement.release is None:
        return replace(state, holds=state.holds | {entry.id})
    if state.holds and (isinstance(statement, Erase) or (isinstance(statement, Expunge) and statement.reason in ("retention", EXPIRED))):
        raise Refused("not-permitted", "a hold is on this file")
    if isinstance(statement, Hold) and statement.release not in state.holds:
        raise Refused("not-permitted", "there is no such hold on this file")
    if isinstance(statement, Expunge):
        _check_part(state, entry, statement)
    if isinstance(statement, Erase):
        removal.check_named(statement, state.log, entry.svc)
        if statement.file != state.file:
            raise Refused("not-permitted", "the file is of another kind than the erasure says")
    if isinstance(statement, Expunge) and statement.reason == EXPIRED:
        removal.check_calendar(statement, state.file)
        return replace(state, expunged=_gone(state, statement))
    spent = removal.check_two(statement, KIND[type(statement)], state.log, state.file, state.members, author, registry, received_ms)
    if spent in state.approvals:
        raise Refused("not-approved", "that approval was used before")
    state = replace(state, approvals=state.approvals | {spent})
    match statement:
        case Hold():
            return replace(state, holds=state.holds - {statement.release})
        case Expunge():
            held = {statement.id} if statement.at == 0 else set()
            return replace(state, expunged=_gone(state, statement), settled=state.settled | held)
        case Erase():
            return erased(state.log, statement, entry, registry.side, state.ever)


def _gone(state: FileState, statement: Expunge) -> Mapping[tuple[bytes, int], int]:
    return MappingProxyType({**state.expunged, (statement.id, statement.part): statement.at})


def _check_part(state: FileState, entry: Entry, statement: Expunge) -> None:
    if (statement.id, statement.part) in state.expunged:
        raise Refused("not-permitted", "that part was expunged before")
    if statement.at == 0 and statement.id in state.admitted:
        raise Refused("not-permitted", "what was admitted is expunged at its place in the log")
    if entry.epoch != state.epoch or state.blocked:
        raise Refused("not-permitted", f"the stub is sealed under epoch {entry.epoch}, want {state.epoch}, and none that is void after it")


def erased(log: bytes, statement: Erase, entry: Entry, side: Side, ever: Mapping[bytes, str]) -> FileState:
    """The file after its erasure; `ever` as far as it is known."""
    return nothing_left(log, statement.file, side, entry.id, ever)


def nothing_left(log: bytes, file: str, side: Side, by: bytes, ever: Mapping[bytes, str]) -> FileState:
    """A file of which there are ids and times alone: nobody is a member, and nobody holds it."""
    return FileState(log, file, side, MappingProxyType({}), 0, MappingProxyType({}), frozenset(), by, b"", ever, erased=by)


def _changed_members(state: FileState, statement: Members, author: bytes) -> dict[bytes, str]:
    if author in statement.remove:
        raise Refused("not-permitted", "nobody removes themselves")
    if not set(statement.remove) <= state.members.keys() or any(user in state.members for user, _ in statement.add):
        raise Refused("not-permitted", "only members are removed and only others are added")
    kept = {user: role for user, role in state.members.items() if user not in statement.remove}
    return kept | dict(statement.add)


def _check_people(people: Iterable[tuple[bytes, str]], file: str, registry: Registry, seq: int) -> None:
    for user, role in people:
        held = {held for cert in registry.devices_of(user, seq) for held in cert.subject.roles}
        if not held:
            raise Refused("wall", "a member has no certified device on this side")
        if role not in held or not may_be_member(file, registry.side, role):
            raise Refused("not-permitted", f"a member may not be in a {file} file as {role}")


def recipients(registry: Registry, members: Iterable[bytes], seq: int) -> dict[bytes, tuple[bytes, bytes]]:
    """Whom an epoch of a file with these members is granted to: id -> (id of the certifying entry, X-Wing public key)."""
    found = {cert.keys.device: (cert.id, cert.keys.receive) for user in members for cert in registry.devices_of(user, seq)}
    recovery = registry.recovery.key_at(seq)
    return found | {recovery.id: (recovery.cert, recovery.receive)}


def epochs_for(recipient: bytes, epochs: tuple[int, ...], complete: frozenset[bytes]) -> tuple[int, ...]:
    """Which epochs a grant holds: the new one for whoever has all earlier ones, else all. A fresh recovery key has none yet."""
    return epochs[-1:] if recipient in complete else epochs


def _check_grants(
    grants: tuple[Grant, ...],
    members: Iterable[bytes],
    epochs: tuple[int, ...],
    complete: frozenset[bytes],
    registry: Registry,
    seq: int,
) -> frozenset[bytes]:
    """W1 and §7.3: exactly one grant per unrevoked device of each member, plus the recovery key. Returns the new holders."""
    wanted = recipients(registry, members, seq)
    for grant in grants:
        _check_grant(grant, wanted, epochs_for(grant.to, epochs, complete), registry, seq)
    if len(grants) != len(wanted):
        raise Refused("not-permitted", f"{len(grants)} grants, want {len(wanted)}: one per device of each member and the recovery key")
    return frozenset(wanted) - {registry.recovery.key_at(seq).id}


def _check_grant(grant: Grant, wanted: Mapping[bytes, tuple[bytes, bytes]], epochs: tuple[int, ...], registry: Registry, seq: int) -> None:
    if grant.to not in wanted:
        recovery = registry.recovery.find(grant.to)
        known = (grant.to in registry.devices and registry.devices[grant.to].seq <= seq) or (recovery is not None and recovery.seq <= seq)
        raise Refused("not-permitted" if known else "wall", "a grant's recipient is no device of a member on this side")
    if grant.cert != wanted[grant.to][0]:
        raise Refused("wall", "a grant names another certificate than its recipient's")
    if grant.epochs != epochs:
        raise Refused("not-permitted", "a grant holds other epochs than its recipient needs")


def _check_more_grants(state: FileState, statement: MoreGrants, registry: Registry) -> frozenset[bytes]:
    wanted = recipients(registry, state.members, statement.rg.seq)
    epochs = tuple(state.commits)
    recovery = registry.recovery.key_at(statement.rg.seq).id
    for grant in statement.grants:
        if grant.to == recovery != state.recovery:
            raise Refused("not-permitted", "a fresh recovery key is granted with an epoch")
        _check_grant(grant, wanted, epochs, registry, statement.rg.seq)
    return frozenset(grant.to for grant in statement.grants) - {recovery}


def skip(state: FileState | None, entry: Entry) -> FileState | None:
    """The file after a void statement: it counts as previous, and a void epoch blocks writing until a valid one."""
    if state is None or state.erased is not None:
        return state
    try:
        statement: FileStatement | None = file_statement(entry)
    except Malformed:
        statement = None
    if isinstance(statement, Members | NewEpoch | Recover):
        return replace(state, previous=entry.id, voided=state.voided | ({statement.epoch} if statement.epoch > state.epoch else set()), blocked=True)
    return replace(state, previous=entry.id)


def check_envelope(state: FileState | None, entry: Entry) -> None:
    """§7.4, from the log alone. Raises Refused when the author may not write an envelope of this epoch here and now."""
    if state is None:
        raise Refused("no-such-file")
    if state.erased is not None:
        raise Refused("erased")
    if entry.author not in state.holders:
        raise Refused("no-standing", "the author holds no grant of the current epoch")
    if entry.epoch != state.epoch:
        raise Refused("stale-epoch", f"epoch {entry.epoch}, want {state.epoch}")
    if state.blocked:
        raise Refused("rotate-first", "the newest epoch is void: a valid one has to be signed first")


def rotation_needed(state: FileState, registry: Registry) -> bool:
    """True when a device that holds the current epoch has been revoked, or a recovery key holds it that is no longer in force."""
    if state.erased is not None:
        return False
    return state.recovery != registry.recovery_id or any(
        device in registry.devices and registry.devices[device].revoked is not None for device in state.holders
    )


def missing_grants(state: FileState, registry: Registry) -> list[bytes]:
    """Unrevoked devices of members that hold no grant yet."""
    wanted = recipients(registry, state.members, registry.seq)
    return sorted(device for device in wanted if device not in state.holders and device != registry.recovery_id)


def check_fresh(state_members: Iterable[bytes], rg_seq: int, registry: Registry) -> None:
    """Server and authors only: `rg` is at or after every revocation that touches a member, and the recovery key in force. Raises Refused
    `stale-registry`.
    """
    if rg_seq < registry.last_revocation(frozenset(state_members)):
        raise Refused("stale-registry", "a device of a member was revoked after the registry head that the statement names")
    if rg_seq < registry.recovery.key.seq:
        raise Refused("stale-registry", "a fresh recovery key came in force after the registry head that the statement names")
