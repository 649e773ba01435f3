"""A further administrator of a side, certified by the authority: for the day when none is left who could invite one (docs/spec.md §6.2).

Two public codes are carried by people: what to certify, made beside a device of the side, and the statement, signed where the authority is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared_schema import cbor, ids
from shared_schema.certificate import Certify, Keys, Subject, encode_registry_statement
from shared_schema.entry import EMPTY_ROOT, Entry, Head, Witness, decode_entry
from shared_schema.errors import Refused
from shared_schema.ids import Side
from shared_schema.shape import as_blob, as_bytes, as_id, as_map, as_text, as_uint, keys
from sync import registry as rules
from sync.device.entering.codes import decode_code_bytes, encode_code
from sync.device.session import Identity, Session
from sync.device.storage.store import Store
from sync.entry import Author, sign_statement
from sync.keys import ReceivingKey
from sync.signing import SigningKey

REQUEST_PREFIX: Final = "fieldkeep-office1:"
CERTIFIED_PREFIX: Final = "fieldkeep-certified1:"
_PENDING: Final = "becoming"
_REQUEST: Final = keys("svc", "side", "incarnation", "sq", "pv", "subject", "keys")
_SUBJECT: Final = keys("user", "name", "org", "until")
_KEYS: Final = keys("device", "label", "sign", "receive")


@dataclass(frozen=True, slots=True)
class OfficeRequest:
    """Whom to certify, and after which entry of the authority's own in that registry: its `sq` and id."""

    svc: bytes
    side: Side
    incarnation: bytes
    sq: int
    pv: bytes
    subject: Subject
    keys: Keys

    def text(self) -> str:
        """`fieldkeep-office1:` and base64url."""
        subject, own = self.subject, self.keys
        map_ = {
            "svc": self.svc, "side": self.side, "incarnation": self.incarnation, "sq": self.sq, "pv": self.pv,
            "subject": {"user": subject.user, "name": subject.name, "org": subject.org, "until": subject.until},
            "keys": {"device": own.device, "label": own.label, "sign": own.sign, "receive": own.receive},
        }  # fmt: skip
        return encode_code(REQUEST_PREFIX, cbor.encode(map_))

    @property
    def check(self) -> str:
        """Twelve hex digits that two people read to each other: the same keys are meant on both sides."""
        told = ids.sha256(self.keys.device + self.keys.sign + self.keys.receive).hex()
        return f"{told[:4]} {told[4:8]} {told[8:12]}"


def decode_office_request(text: str) -> OfficeRequest:
    """Parse a request; blanks and line breaks are left out. Raises Malformed."""
    raw = decode_code_bytes(REQUEST_PREFIX, text, "an administrator's request", "copy it again")
    map_ = as_map(cbor.decode(raw), "administrator's request", _REQUEST)
    who, own = as_map(map_["subject"], "subject", _SUBJECT), as_map(map_["keys"], "keys", _KEYS)
    subject = Subject(
        as_id(who["user"], "user"), as_text(who["name"], "name"), as_text(who["org"], "org"), ("administrator",), as_uint(who["until"], "until")
    )
    made = Keys(
        as_id(own["device"], "device"), as_text(own["label"], "label"), as_bytes(own["sign"], 32, "sign"), as_bytes(own["receive"], 1216, "receive")
    )
    incarnation, pv = as_id(map_["incarnation"], "incarnation"), as_bytes(map_["pv"], 32, "pv")
    return OfficeRequest(as_id(map_["svc"], "svc"), ids.side(map_["side"]), incarnation, as_uint(map_["sq"], "sq"), pv, subject, made)


def request(beside: Session, store: Store, subject: Subject, label: str, entropy: Callable[[int], bytes]) -> OfficeRequest:
    """Keys for a new administrator's device, kept in `store`, and what the authority has to certify. Asked again, it is the same device."""
    me, known = beside.identity, beside.registry
    pending = store.fact(_PENDING)
    if pending is None and store.fact("identity") is not None:
        raise Refused("not-permitted", "there is a device in that folder already: give another one")
    if pending is not None:
        identity = Identity(**cbor.decode(pending))
    else:
        identity = Identity(
            me.svc, me.side, subject.user, subject.name, entropy(16), entropy(32), entropy(32), me.authority, known.incarnation, me.server, me.ca
        )
        with store.transaction():
            store.set_fact(_PENDING, identity.encode())
    own = Keys(identity.device, label, SigningKey(identity.sign_seed).public, ReceivingKey(identity.receive_seed).public)
    authority = ids.authority_id(known.require_root().authority)
    [(sq, pv)] = [(sq, entry_id) for author, sq, entry_id in beside.store.authors(known.log) if author == authority]
    subject = Subject(identity.user, identity.name, subject.org, subject.roles, subject.until)
    return OfficeRequest(me.svc, me.side, known.incarnation, sq, pv, subject, own)


def certify(authority: SigningKey, wanted: OfficeRequest) -> str:
    """The code of the authority's statement. Needs no connection."""
    log, kid = ids.registry_log(wanted.svc, wanted.side), ids.authority_id(authority.public)
    start = Head(wanted.incarnation, 0, ids.chain_start(log))
    author = Author(wanted.svc, log, kid, wanted.sq, wanted.pv, start, Witness(wanted.incarnation, 0, EMPTY_ROOT))
    entry = sign_statement(author, authority, encode_registry_statement(Certify(wanted.subject, wanted.keys)))
    return encode_code(CERTIFIED_PREFIX, entry.cose)


def decode_certified(text: str) -> Entry:
    """The authority's statement. Raises Malformed."""
    return decode_entry(as_blob(decode_code_bytes(CERTIFIED_PREFIX, text, "a certified code", "copy it again"), "certified code"))


def check_certified(beside: Session, store: Store, entry: Entry) -> Identity:
    """The new device's identity. Raises Refused unless the statement is about the keys in `store`, and this side's."""
    pending = store.fact(_PENDING)
    if pending is None:
        raise Refused("not-found", "nobody in that folder has asked to become administrator")
    identity = Identity(**cbor.decode(pending))
    statement = rules.statement_of(entry)
    if entry.log != beside.registry.log or not isinstance(statement, Certify) or statement.keys.device != identity.device:
        raise Refused("bad-value", "that code certifies another device, or on another side")
    return identity


def become(store: Store, identity: Identity) -> None:
    """The folder is a device from now on."""
    with store.transaction():
        Session.establish(store, identity)
        store.drop_fact(_PENDING)
