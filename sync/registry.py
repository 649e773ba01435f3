"""The registry of a side: who is certified, invited, suspended, revoked, and who may recover (docs/spec.md §6).  Vectors: shared_schema/vectors/registry/.

Pure. `take` is the one rule for server and reader; what it refuses is void for a reader.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from shared_schema import ids, limits
from shared_schema.certificate import (
    Certify,
    CoverTraffic,
    Enrol,
    Invitation,
    Keys,
    RegistryStatement,
    Reinstate,
    Revoke,
    Root,
    Subject,
    Suspend,
    Wiped,
    countersigned,
    decode_registry_statement,
)
from shared_schema.entry import Entry, Head
from shared_schema.errors import Malformed, Refused
from shared_schema.ids import Side
from shared_schema.recovery import Close, Custody, Drill, Permit, Renew
from shared_schema.restoring import Healed, Restore
from shared_schema.roles import has_content, may_reinstate, roles_allowed
from sync import recovery as recovery_rules
from sync import restoring
from sync.recovery import Recovery, recovery_key
from sync.restoring import Restoration
from sync.signing import check_receive_key, check_sign_key, verify_bytes, verify_object

_WAY_BACK: Final = frozenset({"administrator", "coordinator"})  # who invites, and who lifts a suspension


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certified device. `id` is the registry entry that certifies it, `seq` its place; `revoked` and `suspended` the places of its
    revocation and of the suspension that nobody has lifted, `suspended_by` the person who asked for that; `wiped` that of its word that it has wiped
    itself.
    """

    id: bytes
    seq: int
    subject: Subject
    keys: Keys
    issuer: bytes
    revoked: int | None = None
    suspended: int | None = None
    suspended_by: bytes | None = None
    wiped: int | None = None

    @property
    def acts(self) -> bool:
        """Neither revoked nor suspended as far as this registry goes. Expiry is not looked at."""
        return self.revoked is None and self.suspended is None

    def stands_at(self, seq: int) -> bool:
        """Certified and not revoked in the registry's first `seq` entries. Expiry and suspension are not looked at."""
        return self.seq <= seq and (self.revoked is None or self.revoked > seq)


@dataclass(frozen=True, slots=True)
class Registry:
    """A fold over a registry log. `chains[n]` is chain[n]; `spent` maps invitation key to the device it enrolled; `recovery` has no key before the root.
    `cover_hour` is the hour (UTC) at which a day of cover traffic begins, None where there is none. `restorations` are the times when the side came
    back from an older copy.
    """

    svc: bytes
    side: Side
    pinned: bytes
    chains: tuple[bytes, ...]
    root: Root | None = None
    root_id: bytes = b""
    devices: Mapping[bytes, Certificate] = field(default_factory=lambda: MappingProxyType({}))
    spent: Mapping[bytes, bytes] = field(default_factory=lambda: MappingProxyType({}))
    reused: frozenset[bytes] = frozenset()
    recovery: Recovery = field(default_factory=lambda: Recovery(()))
    cover_hour: int | None = None
    restorations: tuple[Restoration, ...] = ()

    @property
    def log(self) -> bytes:
        """This registry's log id."""
        return ids.registry_log(self.svc, self.side)

    @property
    def seq(self) -> int:
        """How many entries it holds."""
        return len(self.chains) - 1

    @property
    def head(self) -> Head:
        """`[incarnation, seq, chain]` to be named as `rg`."""
        return Head(self.incarnation, self.seq, self.chains[-1])

    @property
    def incarnation(self) -> bytes:
        """The one in force. Raises Refused `no-service` before there is a root."""
        return self.incarnation_at(self.seq)

    @property
    def incarnations(self) -> tuple[bytes, ...]:
        """All that this side has had, the one in force last; none before there is a root."""
        first = () if self.root is None else (self.root.incarnation,)
        return (*first, *(one.incarnation for one in self.restorations))

    def incarnation_at(self, seq: int) -> bytes:
        """The one in force after the first `seq` entries."""
        return next((one.incarnation for one in reversed(self.restorations) if one.seq <= seq), self.require_root().incarnation)

    @property
    def healing(self) -> bool:
        """True while what was lost may still come back: after a `restore`, until a `healed`."""
        return bool(self.restorations) and self.restorations[-1].healed is None

    def require_root(self) -> Root:
        """The root statement. Raises Refused `no-service` before there is one."""
        if self.root is None:
            raise Refused("no-service")
        return self.root

    @property
    def recovery_id(self) -> bytes:
        """The recipient id of the side's recovery key in force."""
        self.require_root()
        return self.recovery.key.id

    def reaches(self, rg: Head) -> bool | None:
        """True when `rg` is in this registry, False when another entry stands there, None when it is not that far yet."""
        if rg.seq > self.seq:
            return None
        return self.chains[rg.seq] == rg.chain and self.root is not None and rg.incarnation in self.incarnations

    def devices_of(self, user: bytes, seq: int) -> Iterator[Certificate]:
        """The user's unrevoked devices in the first `seq` entries."""
        return (cert for cert in self.devices.values() if cert.subject.user == user and cert.stands_at(seq))

    def last_revocation(self, users: frozenset[bytes]) -> int:
        """The place of the newest revocation of a device of any of `users`; 0 if none."""
        return max((cert.revoked or 0 for cert in self.devices.values() if cert.subject.user in users), default=0)


def empty_registry(svc: bytes, side: Side, pinned: bytes) -> Registry:
    """A registry with nothing in it, whose authority has the fingerprint `pinned`."""
    return Registry(svc, side, pinned, (ids.chain_start(ids.registry_log(svc, side)),))


def skip(registry: Registry, chain: bytes, entry: Entry, code: str) -> Registry:
    """The registry after an entry that is void for `code`: its place counts, its content does not. A reused invitation is remembered: one that was
    used once more by whoever has its key, which nothing that is wrong besides can show.
    """
    reused = registry.reused
    if code == "invitation-spent":
        statement = decode_registry_statement(entry.sign1.payload)
        reused |= {statement.invitation.key} if isinstance(statement, Enrol) else set()
    return replace(registry, chains=(*registry.chains, chain), reused=reused)


def take(registry: Registry, entry: Entry, chain: bytes) -> Registry:
    """The registry with `entry` at its next place, whose chain is `chain`. Raises ProtocolError when it may not stand there."""
    if entry.is_envelope:
        raise Malformed("a registry holds statements only")
    statement = decode_registry_statement(entry.sign1.payload)
    if isinstance(statement, Root) != (registry.seq == 0) or (registry.root is None and registry.seq > 0):
        raise Refused("not-permitted", "a registry begins with its one root statement")
    match statement:
        case Root():
            grown = _take_root(registry, entry, statement)
        case Certify():
            grown = _take_certify(registry, entry, statement)
        case Enrol():
            grown = _take_enrol(registry, entry, statement)
        case Revoke():
            grown = _take_revoke(registry, entry, statement)
        case Suspend():
            grown = _take_suspend(registry, entry, statement)
        case Reinstate():
            grown = _take_reinstate(registry, entry, statement)
        case Wiped():
            grown = _take_wiped(registry, entry)
        case CoverTraffic():
            grown = _take_cover_traffic(registry, entry, statement)
        case Renew() | Custody() | Permit() | Close() | Drill():
            grown = replace(registry, recovery=_take_recovery(registry, entry, statement))
        case Restore() | Healed():
            grown = replace(registry, restorations=_take_restoring(registry, entry, statement))
    return replace(grown, chains=(*registry.chains, chain))


def _take_root(registry: Registry, entry: Entry, root: Root) -> Registry:
    if ids.fingerprint(root.authority) != registry.pinned or root.side != registry.side:
        raise Refused("not-permitted", "the root is of another authority or side")
    for key in (root.authority, root.receipt, root.checkpoint):
        check_sign_key(key)
    first = recovery_key(root.recovery, root.recovery_sign, entry.id, 1)
    _check_authority(entry, root)
    return replace(registry, root=root, root_id=entry.id, recovery=Recovery((first,)))


def _check_authority(entry: Entry, root: Root) -> None:
    if entry.author != ids.authority_id(root.authority):
        raise Refused("not-permitted", "only the authority signs this")
    verify_object(entry.sign1, root.authority)


def _take_certify(registry: Registry, entry: Entry, statement: Certify) -> Registry:
    _check_authority(entry, registry.require_root())
    if statement.subject.roles != ("administrator",):
        raise Refused("not-permitted", "the authority certifies administrators only")
    return _certified(registry, entry, statement.subject, statement.keys)


def _take_enrol(registry: Registry, entry: Entry, statement: Enrol) -> Registry:
    invitation = statement.invitation
    if entry.author != statement.keys.device or entry.sq != 1:
        raise Refused("invitation-invalid", "an enrolment is the new device's own first entry")
    check_invitation(registry, invitation)
    verify_object(entry.sign1, statement.keys.sign)
    bound = countersigned(registry.svc, registry.log, invitation.id, statement.keys)
    if not verify_bytes(invitation.key, statement.by, bound):
        raise Refused("invitation-invalid", "the invitation key did not sign for this device")
    grown = _certified(registry, entry, invitation.subject, statement.keys, invitation.issuer)
    if invitation.key in registry.spent:  # last: a reuse that the server appends takes no number of a device that is certified
        raise Refused("invitation-spent")
    return replace(grown, spent=MappingProxyType({**registry.spent, invitation.key: statement.keys.device}))


def check_invitation(registry: Registry, invitation: Invitation) -> None:
    """Raises Refused `invitation-invalid` unless an administrator of this side signed it and may invite whom it names."""
    issuer = registry.devices.get(invitation.issuer)
    if invitation.side != registry.side or invitation.sign1.svc != registry.svc:
        raise Refused("invitation-invalid", "the invitation is for another service or side")
    if issuer is None or "administrator" not in issuer.subject.roles or not issuer.acts:
        raise Refused("invitation-invalid", "the invitation is not by an administrator of this side")
    verify_object(invitation.sign1, issuer.keys.sign)
    check_sign_key(invitation.key)


def _certified(registry: Registry, entry: Entry, subject: Subject, keys: Keys, issuer: bytes | None = None) -> Registry:
    if not roles_allowed(registry.side, subject.roles):
        raise Refused("not-permitted", "one device may not hold these roles together on this side")
    check_sign_key(keys.sign)
    check_receive_key(keys.receive)
    if keys.device in registry.devices or registry.recovery.find(keys.device) or {keys.sign, keys.receive} & _known_keys(registry):
        raise Refused("not-permitted", "the device id or a key is already certified")
    return _with(registry, Certificate(entry.id, registry.seq + 1, subject, keys, issuer or entry.author))


def _known_keys(registry: Registry) -> set[bytes]:
    """Every key that this registry has named for a device, for the server or for recovery."""
    root = registry.require_root()
    devices = {key for cert in registry.devices.values() for key in (cert.keys.sign, cert.keys.receive)}
    return (
        devices | {root.authority, root.receipt, root.checkpoint} | {public for key in registry.recovery.keys for public in (key.receive, key.sign)}
    )


def _take_revoke(registry: Registry, entry: Entry, statement: Revoke) -> Registry:
    author, target = _signed_by(registry, entry), registry.devices.get(statement.device)
    if "administrator" not in author.subject.roles:
        raise Refused("not-permitted", "only an administrator of this side revokes")
    if target is None or target.revoked is not None:
        raise Refused("not-permitted", "the device is not certified or already revoked")
    return _with(registry, replace(target, revoked=registry.seq + 1))


def _take_suspend(registry: Registry, entry: Entry, statement: Suspend) -> Registry:
    by = _signed_by(registry, entry).subject.user
    target = registry.devices.get(statement.device)
    if target is None or not target.acts:
        raise Refused("not-permitted", "the device is not certified, or revoked or suspended already")
    if sum(cert.suspended_by == by and cert.revoked is None for cert in registry.devices.values()) >= limits.SUSPENSIONS_PER_PERSON:
        raise Refused("not-permitted", f"{limits.SUSPENSIONS_PER_PERSON} devices are kept out by this person already: a colleague suspends the next")
    if not any(cert.acts and cert is not target and not _WAY_BACK.isdisjoint(cert.subject.roles) for cert in registry.devices.values()):
        raise Refused("not-permitted", "nobody would be left who can let anybody in again: an administrator or a coordinator")
    return _with(registry, replace(target, suspended=registry.seq + 1, suspended_by=by))


def _take_reinstate(registry: Registry, entry: Entry, statement: Reinstate) -> Registry:
    author, target = _signed_by(registry, entry), registry.devices.get(statement.device)
    if not may_reinstate(registry.side, author.subject.roles):
        raise Refused("not-permitted", "the author's role may not reinstate a device on this side")
    if target is None or target.revoked is not None or target.suspended is None:
        raise Refused("not-permitted", "the device is not suspended")
    return _with(registry, replace(target, suspended=None, suspended_by=None))


def _take_wiped(registry: Registry, entry: Entry) -> Registry:
    author = registry.devices.get(entry.author)
    if author is None or author.revoked is None or author.wiped is not None:
        raise Refused("not-permitted", "only a revoked device says that it has wiped itself, and once")
    verify_object(entry.sign1, author.keys.sign)
    return _with(registry, replace(author, wiped=registry.seq + 1))


def _take_cover_traffic(registry: Registry, entry: Entry, statement: CoverTraffic) -> Registry:
    if "administrator" not in _signed_by(registry, entry).subject.roles:
        raise Refused("not-permitted", "only an administrator of this side turns cover traffic on or off")
    if statement.hour == registry.cover_hour:
        raise Refused("not-permitted", "it is so already")
    return replace(registry, cover_hour=statement.hour)


def _take_recovery(registry: Registry, entry: Entry, statement: Renew | Custody | Permit | Close | Drill) -> Recovery:
    author, seq, before = _signed_by(registry, entry), registry.seq + 1, registry.recovery
    own = isinstance(statement, Close) and statement.device == entry.author
    if not (own or isinstance(statement, Drill) or "administrator" in author.subject.roles):
        raise Refused("not-permitted", "only an administrator of this side decides on recovery")
    match statement:
        case Renew():
            key = recovery_key(statement.recovery, statement.recovery_sign, entry.id, seq)
            if {key.receive, key.sign} & (_known_keys(registry) | registry.spent.keys()) or key.id in registry.devices:
                raise Refused("not-permitted", "a fresh recovery key was never any key before")
            return recovery_rules.renewed(before, key)
        case Custody():
            return replace(before, custody=statement)
        case Permit():
            device = registry.devices.get(statement.device)
            if device is None or not device.acts or not any(has_content(role) for role in device.subject.roles):
                raise Refused("not-permitted", "only a device in standing, in a role with content, may recover")
            return recovery_rules.permitted(before, statement, seq, entry.author)
        case Close():
            return recovery_rules.closed(before, statement.device, seq)
        case Drill():
            return recovery_rules.drilled(before, statement, seq, entry.author, (registry.svc, registry.log, entry.sq))


def _take_restoring(registry: Registry, entry: Entry, statement: Restore | Healed) -> tuple[Restoration, ...]:
    author, seq, before = _signed_by(registry, entry), registry.seq + 1, registry.restorations
    if "administrator" not in author.subject.roles:
        raise Refused("not-permitted", "only an administrator of this side says that it was restored")
    if isinstance(statement, Healed):
        return restoring.healed(before, seq)
    return restoring.restored(before, registry.incarnations, statement, entry.sn, seq, entry.author)


def is_moot(registry: Registry, entry: Entry, now_ms: int) -> bool:
    """True for an entry about something that is no longer as it was, at `now_ms`: it can never be taken, or not for as long as that is so."""
    statement = statement_of(entry)
    target = registry.devices.get(statement.device) if isinstance(statement, Revoke | Suspend | Reinstate | Permit | Close) else None
    match statement:
        case Revoke():
            return target is not None and target.revoked is not None
        case Permit():
            return statement.until <= now_ms or (target is not None and not target.acts)
        case Custody():
            return is_of_older_key(registry, entry)
        case CoverTraffic():
            return statement.hour == registry.cover_hour
        case Suspend():
            return target is not None and not target.acts
        case Reinstate():
            return target is not None and (target.revoked is not None or target.suspended is None)
        case Close():
            return target is not None and registry.recovery.permits_at(statement.device, registry.seq) is None
        case Drill():
            return statement.key != registry.recovery.key.id
        case Healed():
            return not registry.healing
    return False


def is_of_older_key(registry: Registry, entry: Entry) -> bool:
    """True for an entry whose author had not seen the recovery key in force: whom it names hold shares of the one before."""
    return entry.sn.seq < registry.recovery.key.seq


def _signed_by(registry: Registry, entry: Entry) -> Certificate:
    """The certified device, neither revoked nor suspended, that signed `entry`."""
    author = registry.devices.get(entry.author)
    if author is None or not author.acts:
        raise Refused("not-permitted", "the author is no certified device of this side, or revoked or suspended")
    verify_object(entry.sign1, author.keys.sign)
    return author


def _with(registry: Registry, certificate: Certificate) -> Registry:
    return replace(registry, devices=MappingProxyType({**registry.devices, certificate.keys.device: certificate}))


def key_of(registry: Registry, author: bytes) -> bytes | None:
    """The key of an author whom this registry knows: the authority's or a certified device's."""
    if registry.root is not None and author == ids.authority_id(registry.root.authority):
        return registry.root.authority
    certificate = registry.devices.get(author)
    return certificate.keys.sign if certificate else None


def signer(registry: Registry, entry: Entry) -> bytes | None:
    """The key that must have signed a registry entry: its author's, or the one that a root or a newcomer brings. None for a stranger's."""
    known = key_of(registry, entry.author)
    if known is not None:
        return known
    try:
        statement = decode_registry_statement(entry.sign1.payload)
    except Malformed:
        return None
    if isinstance(statement, Root):
        return statement.authority if entry.author == ids.authority_id(statement.authority) else None
    return statement.keys.sign if isinstance(statement, Enrol) and entry.author == statement.keys.device else None


def check_newcomer(entry: Entry) -> None:
    """For the server. Raises Malformed for a statement that does not decode, and for an enrolment that claims to have seen anything: it is compared with nothing."""
    if isinstance(decode_registry_statement(entry.sign1.payload), Enrol) and (entry.sn.seq or entry.ck.size):
        raise Malformed("an enrolment has seen nothing of the registry")


def statement_of(entry: Entry) -> RegistryStatement:
    """The registry statement inside `entry`. Raises Malformed."""
    return decode_registry_statement(entry.sign1.payload)
