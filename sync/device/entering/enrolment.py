"""Becoming a device: the first administrators of a new service, invitations, enrolment (docs/spec.md §6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared_schema import cbor, cose, ids, limits
from shared_schema.certificate import (
    INVITATION,
    SUITE,
    Certify,
    Enrol,
    Keys,
    Root,
    Subject,
    countersigned,
    decode_invitation,
    encode_registry_statement,
    invitation_payload,
)
from shared_schema.entry import EMPTY_ROOT, Head, Witness, decode_head, encode_pair
from shared_schema.errors import Malformed, Refused
from shared_schema.ids import SIDES, Side
from shared_schema.roles import roles_allowed
from shared_schema.shape import as_blob, as_bytes, as_map, as_text, keys
from shared_schema.wire import SyncRequest, SyncResponse, decode_response, encode_request
from sync import log as log_rules
from sync import registry
from sync.device.entering.codes import decode_code_bytes, encode_code
from sync.device.exchanging.taking import FLOOR, take_response
from sync.device.session import Entropy, Identity, Session
from sync.device.storage.store import Store
from sync.entry import Author, sign_statement
from sync.exchange import History, Reader, take_registry_page
from sync.keys import ReceivingKey, RecoverySecret
from sync.signing import SigningKey, sign_object

CODE_PREFIX: Final = "fieldkeep1:"
_CODE_KEYS: Final = keys("server", "authority", "head", "seed", "invitation", "ca")
YEAR_MS: Final = 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A device that stands in the registry and has not read it yet: enough to sign its first request."""

    identity: Identity
    sign_key: SigningKey


class EnrolTransport(Protocol):
    """How an enrolment, and the new device's first sync, reach the server."""

    def enrol(self, side: Side, body: bytes) -> bytes:
        """POST /v1/enrol."""
        ...

    def sync(self, session: Newcomer, body: bytes) -> bytes:
        """POST /v1/sync."""
        ...


@dataclass(frozen=True, slots=True)
class Code:
    """What a QR code holds: where, whom to trust, how far the registry was, and the right to enrol once."""

    server: str
    authority: bytes
    head: Head
    seed: bytes
    invitation: bytes
    ca: str

    def text(self) -> str:
        """`fieldkeep1:` and base64url."""
        map_ = {
            "server": self.server, "authority": self.authority, "head": list(self.head), "seed": self.seed,
            "invitation": self.invitation, "ca": self.ca,
        }  # fmt: skip
        return encode_code(CODE_PREFIX, cbor.encode(map_))


def decode_code(text: str) -> Code:
    """Parse an invitation code, line breaks and blanks in it left out. Raises Malformed: one wrong character, and nothing is sent."""
    raw = decode_code_bytes(CODE_PREFIX, text, "an invitation code", "nothing was sent, and it is still good: copy it again")
    map_ = as_map(cbor.decode(raw), "invitation code", _CODE_KEYS)
    if type(map_["ca"]) is not str:
        raise Malformed("ca is not text")
    return Code(
        as_text(map_["server"], "server"),
        as_bytes(map_["authority"], 32, "authority"),
        decode_head(map_["head"]),
        as_bytes(map_["seed"], 32, "seed"),
        as_blob(map_["invitation"], "invitation"),
        map_["ca"],
    )


def invite(session: Session, subject: Subject, enrol_until: int) -> Code:
    """The right to enrol one device for `subject`. Raises Refused unless this device is an administrator and the roles fit."""
    me = session.identity
    certificate = session.registry.devices.get(me.device)
    if certificate is None or "administrator" not in certificate.subject.roles:
        raise Refused("not-permitted", "only an administrator invites")
    if not roles_allowed(me.side, subject.roles):
        raise Refused("not-permitted", _not_allowed(me.side, subject.roles))
    if not 0 < enrol_until - session.now_ms() <= limits.INVITATION_MS:
        raise Refused("bad-value", "an invitation is open for at most 72 hours")
    seed = session.entropy(32)
    payload = invitation_payload(me.side, subject, SigningKey(seed).public, enrol_until)
    signed = sign_object(session.sign_key, cose.protected_header(INVITATION, me.device, me.svc), payload)
    return Code(me.server, me.authority, session.registry.head, seed, signed, me.ca)


def _not_allowed(side: Side, roles: tuple[str, ...]) -> str:
    strange = [role for role in roles if not roles_allowed(side, (role,))]
    if strange:
        return f"there is no {' or '.join(strange)} on the {side} side"
    return f"one device may not be {' and '.join(roles)} together"


def enrol(store: Store, code: Code, label: str, transport: EnrolTransport, now_ms: Callable[[], int], entropy: Entropy) -> Session:
    """Make this profile a device. Sealed keys are on disk before the request, so that a lost reply can be asked for again.

    Raises Refused with the server's code, `offline`, or Contradiction when the registry does not lead to the code's authority
    and head.
    """
    invitation = decode_invitation(code.invitation)
    identity, label = _prepare(store, code, label, entropy)
    sign_key, receive_key = SigningKey(identity.sign_seed), ReceivingKey(identity.receive_seed)
    own = Keys(identity.device, label, sign_key.public, receive_key.public)
    log = ids.registry_log(identity.svc, identity.side)
    by = SigningKey(code.seed).sign(countersigned(identity.svc, log, invitation.id, own))
    payload = encode_registry_statement(Enrol(invitation, own, by), code.invitation)
    start = Head(identity.incarnation, 0, ids.chain_start(log))
    author = Author(identity.svc, log, identity.device, 0, None, start, Witness(identity.incarnation, 0, EMPTY_ROOT))
    entry = sign_statement(author, sign_key, payload)
    transport.enrol(identity.side, cbor.encode({"entry": cbor.Raw(encode_pair(entry.cose, ()))}))
    response = decode_response(transport.sync(Newcomer(identity, sign_key), encode_request(SyncRequest())))
    _check(response, identity, code)
    with store.transaction():  # all or nothing: a profile that is half a device could neither sync nor enrol again
        Session.establish(store, identity)
        store.set_fact(FLOOR, cbor.encode(list(code.head)))
        session = Session(store, now_ms, entropy)
        take_response(session, response, [])
        if not session.certified and not response.pages[0].more:
            raise Refused("invitation-spent", "the registry does not hold this device: the code was used before")
    return session


def _prepare(store: Store, code: Code, label: str, entropy: Entropy) -> tuple[Identity, str]:
    """This profile's keys and label, made once: a second try after a lost reply sends the very same enrolment."""
    invitation = decode_invitation(code.invitation)
    raw = store.fact("enrolling")
    if raw is not None:
        held = cbor.decode(raw)
        if held["key"] == invitation.key:
            return Identity(**held["identity"]), held["label"]
    identity = Identity(
        svc=invitation.sign1.svc,
        side=invitation.side,
        user=invitation.subject.user,
        name=invitation.subject.name,
        device=entropy(16),
        sign_seed=entropy(32),
        receive_seed=entropy(32),
        authority=code.authority,
        incarnation=code.head.incarnation,
        server=code.server,
        ca=code.ca,
    )
    with store.transaction():
        store.set_fact("enrolling", cbor.encode({"key": invitation.key, "label": label, "identity": cbor.Raw(identity.encode())}))
    return identity, label


def _check(response: SyncResponse, identity: Identity, code: Code) -> None:
    """The registry that came must be the pinned authority's and lead to the head that the inviter saw.

    A registry of several pages may come to that head later: until it has, no sync takes its last page (taking.py).
    """
    known = registry.empty_registry(identity.svc, identity.side, identity.authority)
    if not response.pages or response.pages[0].log != known.log:
        raise Malformed("a first sync begins with the registry")
    reader = Reader(log_rules.empty_log(known.log, identity.incarnation))
    history = History(lambda seq: known.chains[seq] if seq < len(known.chains) else None, lambda _size: None, {})
    _, known, _ = take_registry_page(reader, response.pages[0], known, history)
    reached = known.reaches(code.head)
    if reached is False or (reached is None and not response.pages[0].more):
        raise Refused("contradiction", "the registry is not the one that the inviter saw: do not use this server")


@dataclass(frozen=True, slots=True)
class NewService:
    """What creating a service makes. `recovery` holds each side's recovery seed: split it, print it, forget it."""

    svc: bytes
    authority_seed: bytes
    recovery: dict[Side, bytes]
    administrators: dict[Side, Identity]
    body: bytes

    def encode(self) -> bytes:
        """For the authority's own sealed store, until the server has answered."""
        administrators = {side: cbor.Raw(identity.encode()) for side, identity in self.administrators.items()}
        made = {"svc": self.svc, "seed": self.authority_seed, "recovery": self.recovery, "administrators": administrators, "body": self.body}
        return cbor.encode(made)


def decode_new_service(data: bytes) -> NewService:
    """What `encode` made."""
    made = cbor.decode(data)
    administrators: dict[Side, Identity] = {side: Identity(**identity) for side, identity in made["administrators"].items()}
    return NewService(made["svc"], made["seed"], made["recovery"], administrators, made["body"])


def new_service(
    name: str, server: str, ca: str, setup: str, server_sides: dict[str, Any], people: dict[Side, Subject], entropy: Entropy
) -> NewService:
    """Sign the beginnings of the three registries. `server_sides` is what GET /v1/service answered under `sides`."""
    svc, seed = entropy(16), entropy(32)
    authority = SigningKey(seed)
    recovery = {side: entropy(32) for side in SIDES}
    administrators: dict[Side, Identity] = {}
    sides: dict[str, Any] = {}
    for side in SIDES:
        server_keys = as_map(server_sides[side], "side", keys("incarnation", "receipt", "checkpoint"))
        incarnation = as_bytes(server_keys["incarnation"], 16, "incarnation")
        kept = RecoverySecret(recovery[side])
        root = Root(
            side, name, authority.public, as_bytes(server_keys["receipt"], 32, "receipt"),
            as_bytes(server_keys["checkpoint"], 32, "checkpoint"), kept.receive_key.public, kept.sign_key.public, incarnation, SUITE,
        )  # fmt: skip
        admin = Identity(
            svc, side, people[side].user, people[side].name, entropy(16), entropy(32), entropy(32),
            ids.fingerprint(authority.public), incarnation, server, ca,
        )  # fmt: skip
        administrators[side] = admin
        own = Keys(admin.device, f"{name}: first administrator", SigningKey(admin.sign_seed).public, ReceivingKey(admin.receive_seed).public)
        sides[side] = _beginning(svc, side, authority, incarnation, root, Certify(people[side], own))
    body = cbor.encode({"setup": setup, "svc": svc, "authority": authority.public, "sides": sides})
    return NewService(svc, seed, recovery, administrators, body)


def _beginning(svc: bytes, side: Side, authority: SigningKey, incarnation: bytes, root: Root, first: Certify) -> list[Any]:
    log = ids.registry_log(svc, side)
    start = Head(incarnation, 0, ids.chain_start(log))
    witness = Witness(incarnation, 0, EMPTY_ROOT)
    kid = ids.authority_id(authority.public)
    one = sign_statement(Author(svc, log, kid, 0, None, start, witness), authority, encode_registry_statement(root))
    two = sign_statement(Author(svc, log, kid, 1, one.id, start, witness), authority, encode_registry_statement(first))
    return [cbor.Raw(encode_pair(entry.cose, ())) for entry in (one, two)]
