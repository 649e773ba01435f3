"""The service that the vectors are about: keys, people, registries and logs, every byte of it drawn from a label.

Two sides. On the perpetrator side an administrator (device a1), a coordinator (c1), a navigator with two devices (n1, n2), a second
navigator (m1), a fund holder (f1) and a second administrator (a2); on the victim side an administrator (w1) and a link worker (v1).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from shared_schema import certificate, cose, entry, ids, recovery
from shared_schema import membership as shapes
from shared_schema.approval import Approval
from shared_schema.certificate import Subject
from shared_schema.entry import ENVELOPE, STATEMENT, Entry, Head, Witness
from shared_schema.errors import ProtocolError
from shared_schema.ids import Side
from shared_schema.removal import Erase, Expunge, Hold, erase_act, expunge_act, release_act
from sync import keys, log, membership, registry
from sync.approval import sign_approval
from sync.registry import Registry
from sync.signing import SigningKey, sign_object

T0: Final = 1_760_000_000_000
FAR: Final = T0 + 365 * 86_400_000


def fill(label: str, size: int) -> bytes:
    """`size` bytes drawn from a label."""
    return hashlib.shake_256(b"fieldkeep vectors/" + label.encode()).digest(size)


def seed(label: str) -> bytes:
    """A 32-byte seed."""
    return fill(f"seed/{label}", 32)


@cache
def signer(label: str) -> SigningKey:
    """An Ed25519 key."""
    return SigningKey(seed(label))


@cache
def receiver(label: str) -> keys.ReceivingKey:
    """An X-Wing key."""
    return keys.ReceivingKey(seed(f"receive/{label}"))


@cache
def recoverer(label: str) -> keys.RecoverySecret:
    """A recovery key: of a side, its first, or with a number after it a later one."""
    return keys.RecoverySecret(seed(f"receive/recovery/{label}"))


SVC: Final = fill("service", 16)
OTHER_SVC: Final = fill("another service", 16)
INC: Final = fill("incarnation", 16)
OTHER_INC: Final = fill("another incarnation", 16)
AUTHORITY: Final = signer("authority")
PINNED: Final = ids.fingerprint(AUTHORITY.public)
NO_CK: Final = Witness(INC, 0, entry.EMPTY_ROOT)


@dataclass(frozen=True)
class Device:
    """One device of one person."""

    name: str
    user_name: str
    roles: tuple[str, ...]

    @property
    def id(self) -> bytes:
        """Its id."""
        return fill(f"device/{self.name}", 16)

    @property
    def user(self) -> bytes:
        """The user's id."""
        return fill(f"user/{self.user_name}", 16)

    @property
    def key(self) -> SigningKey:
        """Its signing key."""
        return signer(f"device/{self.name}")

    @property
    def receive(self) -> keys.ReceivingKey:
        """Its receiving key."""
        return receiver(f"device/{self.name}")

    @property
    def subject(self) -> Subject:
        """Whom its certificate is about."""
        return Subject(self.user, self.user_name, "Example service", self.roles, FAR)

    @property
    def keys(self) -> certificate.Keys:
        """Its public part."""
        return certificate.Keys(self.id, f"phone {self.name}", self.key.public, self.receive.public)


A1: Final = Device("a1", "Ada", ("administrator",))
A2: Final = Device("a2", "Bo", ("administrator",))
C1: Final = Device("c1", "Cleo", ("coordinator",))
N1: Final = Device("n1", "Nour", ("navigator",))
N2: Final = Device("n2", "Nour", ("navigator",))
M1: Final = Device("m1", "Mika", ("navigator",))
F1: Final = Device("f1", "Fen", ("fund_holder",))
W1: Final = Device("w1", "Wren", ("administrator",))
V1: Final = Device("v1", "Vero", ("link_worker",))
V2: Final = Device("v2", "Val", ("coordinator",))


class Log:
    """A log that grows. What it is given it takes: whether an entry may stand is for the vectors to say."""

    def __init__(self, log_id: bytes, incarnation: bytes = INC) -> None:
        self.state = log.empty_log(log_id, incarnation)
        self.entries: list[tuple[Entry, int]] = []

    @property
    def id(self) -> bytes:
        """The log's id."""
        return self.state.log

    def header(self, kid: bytes, **over: Any) -> dict[str, Any]:
        """The keyword arguments of `entry_header` for the author's next entry, with anything in them replaced."""
        last = self.state.authors.get(kid)
        usual = {
            "author": kid,
            "svc": SVC,
            "log": self.id,
            "sq": last.sq + 1 if last else 1,
            "pv": last.id if last else None,
            "sn": self.state.head,
            "ck": NO_CK._replace(incarnation=self.state.head.incarnation),
        }
        return usual | over

    def statement(self, kid: bytes, key: SigningKey, payload: bytes, **over: Any) -> Entry:
        """A signed statement that follows its author's last."""
        return entry.decode_entry(sign_object(key, entry.entry_header(STATEMENT, **self.header(kid, **over)), payload))

    def envelope(self, device: Device, epoch: int, parts: list[bytes], key: SigningKey | None = None, **over: Any) -> Entry:
        """A signed envelope that follows its author's last."""
        protected = entry.entry_header(ENVELOPE, epoch=epoch, **self.header(device.id, **over))
        return entry.decode_entry(sign_object(key or device.key, protected, entry.envelope_payload(parts)), parts)

    def append(self, one: Entry, received_ms: int | None = None) -> Entry:
        """Put an entry at the next place."""
        at = received_ms if received_ms is not None else T0 + 1000 * len(self.entries)
        head, _ = log.place(self.state, one, at)
        self.state = log.advance_author(head, one)
        self.entries.append((one, at))
        return one

    def pairs(self, upto: int | None = None) -> list[list[Any]]:
        """The entries so far, as the operations take them."""
        return [[travelling(one), at] for one, at in self.entries[:upto]]

    @property
    def next_ms(self) -> int:
        """When the next entry comes."""
        return T0 + 1000 * len(self.entries)

    def copy(self) -> "Log":
        """Another log with the same entries."""
        other = Log(self.id)
        other.state, other.entries = self.state, list(self.entries)
        return other


def travelling(one: Entry) -> bytes:
    """The bytes of an entry's pair."""
    return entry.encode_pair(one.cose, one.parts)


# --- registries -------------------------------------------------------------------------------------------------------------


def invitation(side: Side, device: Device, issuer: Device, *, key: str = "", kid: bytes | None = None, svc: bytes = SVC, **over: Any) -> bytes:
    """An invitation for the person of `device`, signed by `issuer`."""
    inviting = signer(f"invitation/{key or device.name}").public
    payload = certificate.invitation_payload(
        over.get("for_side", side), over.get("subject", device.subject), over.get("key_bytes", inviting), over.get("enrol_until", T0 + 86_400_000)
    )
    return sign_object(over.get("signed_by", issuer.key), cose.protected_header(certificate.INVITATION, kid or issuer.id, svc), payload)


def enrolment(log_id: bytes, device: Device, invited: bytes, *, key: str = "", **over: Any) -> bytes:
    """The payload of `device`'s enrolment by an invitation."""
    decoded = certificate.decode_invitation(invited)
    public = over.get("keys", device.keys)
    bound = certificate.countersigned(over.get("svc", SVC), log_id, over.get("invitation_id", decoded.id), over.get("bound", public))
    by = over.get("by") or signer(f"invitation/{key or device.name}").sign(bound)
    return certificate.encode_registry_statement(certificate.Enrol(decoded, public, by), invited)


def root(side: Side, **over: Any) -> certificate.Root:
    """The root statement of a side."""
    usual = certificate.Root(
        side=side,
        name="Example programme",
        authority=AUTHORITY.public,
        receipt=signer(f"receipt/{side}").public,
        checkpoint=signer(f"checkpoint/{side}").public,
        recovery=recoverer(side).receive_key.public,
        recovery_sign=recoverer(side).sign_key.public,
        incarnation=INC,
        floor=1,
    )
    return replace(usual, **over)


class RegistryLog(Log):
    """A registry that grows."""

    def __init__(self, side: Side) -> None:
        super().__init__(ids.registry_log(SVC, side))
        self.side: Side = side

    def copy(self) -> "RegistryLog":
        """Another registry with the same entries."""
        other = RegistryLog(self.side)
        other.state, other.entries = self.state, list(self.entries)
        return other

    def by_authority(self, statement: certificate.RegistryStatement, **over: Any) -> Entry:
        """A statement of the authority."""
        return self.statement(ids.authority_id(AUTHORITY.public), AUTHORITY, certificate.encode_registry_statement(statement), **over)

    def enrol(self, device: Device, issuer: Device, **over: Any) -> Entry:
        """The enrolment of a device."""
        return self.statement(device.id, device.key, enrolment(self.id, device, invitation(self.side, device, issuer), **over))

    def revoke(self, author: Device, target: Device, reason: str = "lost") -> Entry:
        """A revocation."""
        return self.statement(author.id, author.key, certificate.encode_registry_statement(certificate.Revoke(target.id, reason)))

    def suspend(self, author: Device, target: Device, reason: str = "lost") -> Entry:
        """A suspension."""
        return self.statement(author.id, author.key, certificate.encode_registry_statement(certificate.Suspend(target.id, reason)))

    def reinstate(self, author: Device, target: Device) -> Entry:
        """The lifting of a suspension."""
        return self.statement(author.id, author.key, certificate.encode_registry_statement(certificate.Reinstate(target.id)))

    def wiped(self, author: Device, key: SigningKey | None = None) -> Entry:
        """A device's word that it has wiped itself."""
        return self.statement(author.id, key or author.key, certificate.encode_registry_statement(certificate.Wiped(3, 41, 2, 0, 1)))

    def renew(self, author: Device, label: str, **over: Any) -> Entry:
        """A fresh recovery key."""
        fresh = recoverer(label)
        made = replace(recovery.Renew(fresh.receive_key.public, fresh.sign_key.public), **over)
        return self.statement(author.id, author.key, certificate.encode_registry_statement(made))

    def permit(self, author: Device, device: Device, files: tuple[bytes, ...] | None = None) -> Entry:
        """A permit to recover."""
        made = recovery.Permit(device.id, files, "devices_lost", FAR)
        return self.statement(author.id, author.key, certificate.encode_registry_statement(made))

    def close(self, author: Device, device: Device) -> Entry:
        """The end of a permit."""
        return self.statement(author.id, author.key, certificate.encode_registry_statement(recovery.Close(device.id)))

    def custody(self, author: Device, *holders: str) -> Entry:
        """Who holds the shares."""
        return self.statement(author.id, author.key, certificate.encode_registry_statement(recovery.Custody(2, holders)))

    def drill(self, device: Device, label: str, **over: Any) -> Entry:
        """A drill; `sq`, `svc`, `log` and `signed_by` are what its signature is made for."""
        held, last = recoverer(label), self.state.authors.get(device.id)
        sq = over.get("sq", last.sq + 1 if last else 1)
        bound = recovery.drill_bound(over.get("svc", SVC), over.get("log", self.id), over.get("for_device", device.id), sq)
        made = recovery.Drill(over.get("key", held.id), 3, 2, over.get("signed_by", held).sign_key.sign(bound))
        return self.statement(device.id, device.key, certificate.encode_registry_statement(made))

    @property
    def given(self) -> dict[str, Any]:
        """The registry as the operations take it."""
        return {"svc": SVC, "side": self.side, "pinned": PINNED, "entries": self.pairs()}

    @property
    def known(self) -> Registry:
        """The registry, folded."""
        known = registry.empty_registry(SVC, self.side, PINNED)
        state = log.empty_log(self.id, INC)
        for one, at in self.entries:
            head, place = log.place(state, one, at)
            known, state = registry.take(known, one, place.chain), head
        return known


@cache
def _perpetrator(size: int) -> RegistryLog:
    made = RegistryLog("perpetrator")
    steps: list[Callable[[], Entry]] = [
        lambda: made.by_authority(root("perpetrator")),
        lambda: made.by_authority(certificate.Certify(A1.subject, A1.keys)),
        *((lambda device=device: made.enrol(device, A1)) for device in (C1, N1, N2, M1, F1, A2)),
        lambda: made.revoke(A1, M1),
    ]
    for step in steps[:size]:
        made.append(step())
    return made


def perpetrator(size: int = 8) -> RegistryLog:
    """The perpetrator side's registry: root, a1, c1, n1, n2, m1, f1, a2, and as its ninth entry the revocation of m1."""
    return _perpetrator(size).copy()


@cache
def _victim() -> RegistryLog:
    made = RegistryLog("victim")
    made.append(made.by_authority(root("victim")))
    made.append(made.by_authority(certificate.Certify(W1.subject, W1.keys)))
    for device in (V1, V2):
        made.append(made.enrol(device, W1))
    return made


def victim() -> RegistryLog:
    """The victim side's registry: root, w1, v1, v2."""
    return _victim().copy()


# --- files ------------------------------------------------------------------------------------------------------------------

NONCE: Final = fill("nonce", 16)


def secret(epoch: int) -> bytes:
    """The secret of an epoch of the vectors' file."""
    return fill(f"epoch secret/{epoch}", 32)


def dummy_grant(to: bytes, cert: bytes, epochs: tuple[int, ...]) -> shapes.Grant:
    """A grant of the right shape that opens for nobody: who judges a statement does not open its grants."""
    return shapes.Grant(to, cert, epochs, bytes(shapes.KEM_BYTES + 32 * len(epochs) + shapes.TAG_BYTES))


def grants(
    known: Registry, members: list[bytes], epochs: tuple[int, ...], complete: frozenset[bytes] = frozenset(), seq: int | None = None
) -> tuple[shapes.Grant, ...]:
    """One dummy grant per recipient that an epoch needs."""
    wanted = membership.recipients(known, members, known.seq if seq is None else seq)
    return tuple(dummy_grant(to, cert, membership.epochs_for(to, epochs, complete)) for to, (cert, _) in sorted(wanted.items()))


class FileLog(Log):
    """A file that grows."""

    def __init__(self, known: RegistryLog, creator: Device, nonce: bytes = NONCE) -> None:
        super().__init__(ids.file_log(SVC, creator.id, nonce))
        self.registry, self.creator = known, creator

    def copy(self) -> "FileLog":
        """Another file with the same entries."""
        other = FileLog(self.registry, self.creator)
        other.state, other.entries = self.state, list(self.entries)
        return other

    @property
    def folded(self) -> membership.FileState | None:
        """The file's state."""
        state: membership.FileState | None = None
        known = self.registry.known
        for one, at in self.entries:
            if not one.is_envelope:
                try:
                    state = membership.take(state, one, known, at)
                except ProtocolError:
                    state = membership.skip(state, one)
        return state

    @property
    def now(self) -> membership.FileState:
        """The file's state after its genesis."""
        state = self.folded
        assert state is not None
        return state

    def by(self, device: Device, statement: shapes.FileStatement, **over: Any) -> Entry:
        """A statement by a device."""
        return self.statement(device.id, over.pop("key", device.key), shapes.encode_file_statement(statement), **over)

    def genesis(self, members: dict[Device, str], **over: Any) -> shapes.Genesis:
        """A genesis with anything in it replaced."""
        known = self.registry.known
        people = tuple(sorted((device.user, role) for device, role in members.items()))
        usual = shapes.Genesis(
            nonce=NONCE,
            file="case",
            side=known.side,
            suite=1,
            members=people,
            epoch=1,
            commit=fill("kc/1", 32),
            grants=grants(known, [user for user, _ in people], (1,)),
            rg=known.head,
        )
        return replace(usual, **over)

    def admission(self, device: Device, held: Entry, parts: Sequence[bytes | None] | None = None, **over: Any) -> Entry:
        """An admission of `held` by a device."""
        known, state = self.registry.known, self.now
        made = shapes.Admit(over.pop("cose", held.cose), over.pop("rg", known.head), over.pop("previous", state.previous))
        protected = entry.entry_header(entry.ADMISSION, **self.header(device.id, **over))
        signed = sign_object(device.key, protected, shapes.encode_file_statement(made))
        return entry.decode_entry(signed, held.parts if parts is None else parts)

    def refusal(self, held: Entry, **over: Any) -> shapes.Refuse:
        """A refusal of `held`."""
        return replace(shapes.Refuse(held.id, "wrong_file", self.registry.known.head, self.now.previous), **over)

    def approval(self, device: Device, kind: str, act: bytes, **over: Any) -> Approval:
        """An approval by a device, for a week."""
        until = over.pop("until", self.next_ms + 7 * 86_400_000)
        usual = {"key": device.key, "device": device.id, "svc": SVC, "side": self.registry.known.side, "log": self.id}
        return sign_approval(**{**usual, **over}, kind=kind, act=act, until=until)

    def expunge(self, place: int, part: int = 0, reason: str = "spill", by: Device | None = None, **over: Any) -> Expunge:
        """What is said of removing one part of the envelope at (or admitted at) a place, approved by a device."""
        sealed = self.entries[place - 1][0].sealed
        assert sealed is not None
        known, state = self.registry.known, self.now
        named: dict[str, Any] = {
            "at": place,
            "id": sealed.id,
            "part": part,
            "hash": sealed.hashes[min(part, len(sealed.hashes) - 1)],
            "reason": reason,
            "parcel": None,
        } | over
        act = expunge_act(named["at"], named["id"], named["part"], named["hash"], named["reason"], named["parcel"], named.get("says", bytes(32)))
        approved = named.pop("approval", None) or (self.approval(by, "expunge", act) if by else None)
        usual: dict[str, Any] = {"stub": b"", "says": bytes(32), "approval": approved, "rg": known.head, "previous": state.previous}
        return Expunge(**{**usual, **named})

    def expunction(self, device: Device, statement: Expunge, stub: bytes, epoch: int | None = None, **over: Any) -> Entry:
        """The entry that says so, with its sealed stub."""
        protected = entry.entry_header(entry.EXPUNCTION, epoch=epoch or self.now.epoch, **self.header(device.id, **over))
        signed = sign_object(device.key, protected, shapes.encode_file_statement(replace(statement, stub=ids.sha256(stub))))
        return entry.decode_entry(signed, [stub])

    def hold(self, **over: Any) -> Hold:
        """A hold begins; with `release` and `by` one ends."""
        by, release = over.pop("by", None), over.get("release")
        approved = self.approval(by, "hold", release_act(release)) if by and release else None
        return replace(Hold(None, approved, self.registry.known.head, self.now.previous), **over)

    def erase(self, by: Device | None, reason: str = "retention", **over: Any) -> Erase:
        """The file ends."""
        approved = self.approval(by, "erase", erase_act(reason)) if by else None
        usual = Erase(self.now.file, self.creator.id, NONCE, reason, approved, self.registry.known.head, self.now.previous)
        return replace(usual, **over)

    def new_epoch(self, **over: Any) -> shapes.NewEpoch:
        """A rotation with anything in it replaced."""
        known, state = self.registry.known, self.now
        epoch = state.next_epoch
        made = grants(known, list(state.members), (*state.commits, epoch), state.complete)
        return replace(shapes.NewEpoch(epoch, fill(f"kc/{epoch}", 32), made, known.head, state.previous), **over)

    def members(self, add: dict[Device, str] | None = None, remove: tuple[Device, ...] = (), **over: Any) -> shapes.Members:
        """A change of people with anything in it replaced."""
        known, state = self.registry.known, self.now
        epoch = state.next_epoch
        added = tuple(sorted((device.user, role) for device, role in (add or {}).items()))
        gone = tuple(sorted(device.user for device in remove))
        left = [user for user in state.members if user not in gone] + [user for user, _ in added]
        made = grants(known, left, (*state.commits, epoch), state.complete)
        return replace(shapes.Members(added, gone, epoch, fill(f"kc/{epoch}", 32), made, known.head, state.previous), **over)

    def recover(self, device: Device, label: str, role: str = "coordinator", **over: Any) -> shapes.Recover:
        """A recovery of the file with the recovery key `label`, with anything in it replaced; `bound` is what its signature is made for."""
        known, state = self.registry.known, self.now
        epoch, members = state.next_epoch, {**state.members, device.user: role}
        bound = recovery.recover_bound(*over.pop("bound", (SVC, self.id, device.id, state.previous)))
        made = grants(known, list(members), (*state.commits, epoch), state.complete, over.pop("seq", None))
        usual = shapes.Recover(role, recoverer(label).sign_key.sign(bound), epoch, fill(f"kc/{epoch}", 32), made, known.head, state.previous)
        return replace(usual, **over)

    def more_grants(self, **over: Any) -> shapes.MoreGrants:
        """Grants for whoever has none, with anything in it replaced."""
        known, state = self.registry.known, self.now
        wanted = membership.recipients(known, state.members, known.seq)
        made = tuple(dummy_grant(to, wanted[to][0], tuple(state.commits)) for to in membership.missing_grants(state, known))
        return replace(shapes.MoreGrants(made, known.head, state.previous), **over)

    def given(self, upto: int | None = None) -> dict[str, Any]:
        """The file as the operations take it."""
        return {"registry": self.registry.given, "log": self.id, "entries": self.pairs(upto)}


def head_of(one: Log, upto: int) -> Head:
    """The head after the first `upto` entries."""
    chain: bytes = ids.chain_start(one.id)
    for seq, (placed, at) in enumerate(one.entries[:upto], 1):
        chain = ids.chain_next(chain, seq, at, placed.id)
    return Head(INC, upto, chain)
