"""Registry statements: root, certify, enrol, revoke, suspend, reinstate, wiped; and the certificate and invitation inside them. Those about recovery
are in recovery.py, those about a service that came back from an older copy in restoring.py.

Spec: docs/spec.md §6.  Vectors: shared_schema/vectors/registry/.  Shape only; standing is judged in sync/registry.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import cbor, cose, ids, limits, recovery, restoring
from shared_schema.errors import Malformed
from shared_schema.ids import Side
from shared_schema.recovery import RECEIVE_BYTES, Close, Custody, Drill, Permit, RecoveryStatement, Renew, recovery_map
from shared_schema.restoring import Healed, Restore, RestoringStatement, restoring_map
from shared_schema.roles import ROLES
from shared_schema.shape import as_blob, as_bytes, as_id, as_list, as_map, as_text, as_uint, keys

INVITATION: Final = "fieldkeep-invitation"
SUITE: Final = 1  # Ed25519, X-Wing HPKE, AES-256-GCM, HKDF-SHA256, SHA-256
REVOKE_REASONS: Final = ("lost", "stolen", "left", "replaced", "misuse", "clone")
SUSPEND_REASONS: Final = ("lost", "stolen", "unsure", "misuse", "clone")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate or an invitation is about. `until` is when the certificate ends, in ms."""

    user: bytes
    name: str
    org: str
    roles: tuple[str, ...]
    until: int


@dataclass(frozen=True, slots=True)
class Keys:
    """A device: its id, what it calls itself, and its two public keys (32 and 1,216 bytes)."""

    device: bytes
    label: str
    sign: bytes
    receive: bytes


@dataclass(frozen=True, slots=True)
class Root:
    """The first entry of a registry, signed by the authority."""

    side: Side
    name: str
    authority: bytes
    receipt: bytes
    checkpoint: bytes
    recovery: bytes
    recovery_sign: bytes
    incarnation: bytes
    floor: int


@dataclass(frozen=True, slots=True)
class Certify:
    """An administrator's device, certified by the authority."""

    subject: Subject
    keys: Keys


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an administrator signs: the holder of `key` may enrol one device for `subject` until `enrol_until`."""

    side: Side
    subject: Subject
    key: bytes
    enrol_until: int
    id: bytes
    issuer: bytes
    sign1: cose.Sign1


@dataclass(frozen=True, slots=True)
class Enrol:
    """A new device's own first registry entry, countersigned by the invitation key."""

    invitation: Invitation
    keys: Keys
    by: bytes


@dataclass(frozen=True, slots=True)
class Revoke:
    """A device loses its standing; `reason` is one of REVOKE_REASONS."""

    device: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Suspend:
    """A device is kept out until it is reinstated; `reason` is one of SUSPEND_REASONS."""

    device: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Reinstate:
    """A suspended device has its place again."""

    device: bytes


@dataclass(frozen=True, slots=True)
class Wiped:
    """A revoked device says that it has wiped itself: of how many files and entries; how many entries it had handed in are held, how many it threw
    away unsent, and how many letters.
    """

    files: int
    entries: int
    held: int
    unsent: int
    letters: int


@dataclass(frozen=True, slots=True)
class CoverTraffic:
    """From now on a side's devices seal one envelope a day in each file, at `hour` UTC; None: they seal when they sync (docs/spec.md §9.7)."""

    hour: int | None


RegistryStatement = Root | Certify | Enrol | Revoke | Suspend | Reinstate | Wiped | CoverTraffic | RecoveryStatement | RestoringStatement

_SUBJECT: Final = keys("user", "name", "org", "roles", "until")
_KEYS: Final = keys("device", "label", "sign", "receive")
_WIPED: Final = ("files", "entries", "held", "unsent", "letters")


def _subject_map(subject: Subject) -> dict[str, Any]:
    return {"user": subject.user, "name": subject.name, "org": subject.org, "roles": list(subject.roles), "until": subject.until}


def _subject(value: object) -> Subject:
    map_ = as_map(value, "subject", _SUBJECT)
    roles = tuple(as_text(role, "role") for role in as_list(map_["roles"], "roles", len(ROLES)))
    if not roles or list(roles) != sorted(set(roles)) or not set(roles) <= ROLES.keys():
        raise Malformed("roles are not a sorted list of known roles")
    return Subject(as_id(map_["user"], "user"), as_text(map_["name"], "name"), as_text(map_["org"], "org"), roles, as_uint(map_["until"], "until"))


def _keys_map(device: Keys) -> dict[str, Any]:
    return {"device": device.device, "label": device.label, "sign": device.sign, "receive": device.receive}


def _keys(value: object) -> Keys:
    map_ = as_map(value, "keys", _KEYS)
    return Keys(
        as_id(map_["device"], "device"),
        as_text(map_["label"], "label"),
        as_bytes(map_["sign"], 32, "sign"),
        as_bytes(map_["receive"], RECEIVE_BYTES, "receive"),
    )


def countersigned(svc: bytes, log: bytes, invitation_id: bytes, device: Keys) -> bytes:
    """The bytes that the invitation key signs in an enrolment (not COSE: a bare Ed25519 signature)."""
    return ids.label("enrol") + svc + log + invitation_id + device.device + device.sign + device.receive


def invitation_payload(side: Side, subject: Subject, key: bytes, enrol_until: int) -> bytes:
    """The payload of a `fieldkeep-invitation`."""
    return cbor.encode({"side": side, "subject": _subject_map(subject), "key": key, "enrol_until": enrol_until})


def decode_invitation(data: bytes) -> Invitation:
    """An invitation from its COSE bytes; its signature is not checked here. Raises Malformed."""
    sign1 = cose.decode(data, INVITATION)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "invitation", keys("side", "subject", "key", "enrol_until"))
    return Invitation(
        side=ids.side(map_["side"]),
        subject=_subject(map_["subject"]),
        key=as_bytes(map_["key"], 32, "key"),
        enrol_until=as_uint(map_["enrol_until"], "enrol_until"),
        id=sign1.id,
        issuer=sign1.kid,
        sign1=sign1,
    )


def encode_registry_statement(statement: RegistryStatement, invitation: bytes = b"") -> bytes:
    """The payload of a registry statement. An Enrol needs the invitation's COSE bytes."""
    match statement:
        case Root():
            map_: dict[str, Any] = {
                "kind": "root", "side": statement.side, "name": statement.name, "authority": statement.authority,
                "receipt": statement.receipt, "checkpoint": statement.checkpoint, "recovery": statement.recovery,
                "recovery_sign": statement.recovery_sign, "incarnation": statement.incarnation, "floor": statement.floor,
            }  # fmt: skip
        case Certify():
            map_ = {"kind": "certify", "subject": _subject_map(statement.subject), "keys": _keys_map(statement.keys)}
        case Enrol():
            map_ = {"kind": "enrol", "invitation": invitation, "keys": _keys_map(statement.keys), "by": statement.by}
        case Revoke():
            map_ = {"kind": "revoke", "device": statement.device, "reason": statement.reason}
        case Suspend():
            map_ = {"kind": "suspend", "device": statement.device, "reason": statement.reason}
        case Reinstate():
            map_ = {"kind": "reinstate", "device": statement.device}
        case Wiped():
            map_ = {"kind": "wiped", **{name: getattr(statement, name) for name in _WIPED}}
        case CoverTraffic():
            map_ = {"kind": "cover_traffic", "hour": statement.hour}
        case Renew() | Custody() | Permit() | Close() | Drill():
            map_ = recovery_map(statement)
        case Restore() | Healed():
            map_ = restoring_map(statement)
    return cbor.encode(map_)


def decode_registry_statement(payload: bytes) -> RegistryStatement:
    """A registry statement from its payload. Raises Malformed."""
    value = cbor.decode(payload, limits.ITEMS_PER_OBJECT)
    kind = value.get("kind") if type(value) is dict else None
    decoder = _DECODERS.get(kind) if type(kind) is str else None
    if decoder is None:
        raise Malformed("not a registry statement of a known kind")
    return decoder(value)


def _root(value: dict[str, Any]) -> Root:
    names = keys("kind", "side", "name", "authority", "receipt", "checkpoint", "recovery", "recovery_sign", "incarnation", "floor")
    map_ = as_map(value, "root", names)
    return Root(
        side=ids.side(map_["side"]),
        name=as_text(map_["name"], "name"),
        authority=as_bytes(map_["authority"], 32, "authority"),
        receipt=as_bytes(map_["receipt"], 32, "receipt"),
        checkpoint=as_bytes(map_["checkpoint"], 32, "checkpoint"),
        recovery=as_bytes(map_["recovery"], RECEIVE_BYTES, "recovery"),
        recovery_sign=as_bytes(map_["recovery_sign"], 32, "recovery_sign"),
        incarnation=as_id(map_["incarnation"], "incarnation"),
        floor=as_uint(map_["floor"], "floor", SUITE, SUITE),
    )


def _certify(value: dict[str, Any]) -> Certify:
    map_ = as_map(value, "certify", keys("kind", "subject", "keys"))
    return Certify(_subject(map_["subject"]), _keys(map_["keys"]))


def _enrol(value: dict[str, Any]) -> Enrol:
    map_ = as_map(value, "enrol", keys("kind", "invitation", "keys", "by"))
    return Enrol(decode_invitation(as_blob(map_["invitation"], "invitation")), _keys(map_["keys"]), as_bytes(map_["by"], 64, "by"))


def _revoke(value: dict[str, Any]) -> Revoke:
    return Revoke(*_device_and_reason(value, "revoke", REVOKE_REASONS))


def _suspend(value: dict[str, Any]) -> Suspend:
    return Suspend(*_device_and_reason(value, "suspend", SUSPEND_REASONS))


def _reinstate(value: dict[str, Any]) -> Reinstate:
    return Reinstate(as_id(as_map(value, "reinstate", keys("kind", "device"))["device"], "device"))


def _wiped(value: dict[str, Any]) -> Wiped:
    map_ = as_map(value, "wiped", keys("kind", *_WIPED))
    return Wiped(*(as_uint(map_[name], name) for name in _WIPED))


def _cover_traffic(value: dict[str, Any]) -> CoverTraffic:
    hour = as_map(value, "cover_traffic", keys("kind", "hour"))["hour"]
    return CoverTraffic(None if hour is None else as_uint(hour, "hour", 0, 23))


def _device_and_reason(value: dict[str, Any], name: str, reasons: tuple[str, ...]) -> tuple[bytes, str]:
    map_ = as_map(value, name, keys("kind", "device", "reason"))
    if map_["reason"] not in reasons:
        raise Malformed("reason is none of the known ones")
    return as_id(map_["device"], "device"), map_["reason"]


_DECODERS: Final[dict[str, Callable[[dict[str, Any]], RegistryStatement]]] = {
    "root": _root,
    "certify": _certify,
    "enrol": _enrol,
    "revoke": _revoke,
    "suspend": _suspend,
    "reinstate": _reinstate,
    "wiped": _wiped,
    "renew": recovery.renew,
    "custody": recovery.custody,
    "permit": recovery.permit,
    "close": recovery.close,
    "drill": recovery.drill,
    "cover_traffic": _cover_traffic,
    "restore": restoring.restore,
    "healed": restoring.healed,
}
