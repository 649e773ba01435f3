"""Who is asking: one signed JWT per request (docs/spec.md §9.1; RFC 8725). No bearer tokens exist."""

import base64
import json
from functools import lru_cache
from typing import Any, Final, NamedTuple

from server.append.commit import Sender
from server.realm import Realm
from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from shared_schema.request import ALGORITHM, CLAIMS, SCHEME, TYP, audience, body_hash
from sync.signing import SigningKey, verify_bytes

_REFUSED: Final = "request-refused"
_CLAIMS: Final = frozenset(CLAIMS)
_HEADER: Final = {"alg": ALGORITHM, "typ": TYP}
_NOBODY: Final = SigningKey(bytes(32)).public  # an unknown device costs what a known one does


class Asked(NamedTuple):
    """What a request says of itself, before anything is verified: the bytes that are signed, their signature, and the claims. `side` only picks the
    realm that will judge it.
    """

    signed: bytes
    signature: bytes
    claims: dict[str, Any]
    side: str


def parse(header: str) -> Asked:
    """Take the Authorization header apart. Raises Refused `request-refused`.

    PyJWT, with which devices make these tokens and tests compare this, looks at each character by itself: 8 % of a push.
    """
    scheme, _, token = header.partition(" ")
    if scheme != SCHEME or len(token) > 4096:
        raise Refused(_REFUSED, "want one Authorization header of the scheme Fieldkeep")
    try:
        head, payload, signature = token.split(".")
        if not _is_ours(head):
            raise Refused(_REFUSED)
        claims = json.loads(_segment(payload), object_pairs_hook=_once)
        return Asked(f"{head}.{payload}".encode("ascii"), _segment(signature), claims, str(claims["aud"]).rpartition("/")[2])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Refused(_REFUSED) from None


def _segment(text: str) -> bytes:
    """The bytes of a segment, in their one unpadded base64url form. Raises ValueError."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode("ascii"):
        raise ValueError("not base64url")
    return data


@lru_cache(maxsize=16)
def _is_ours(segment: str) -> bool:
    """True for the one header there is. Raises ValueError, RecursionError."""
    return bool(json.loads(_segment(segment), object_pairs_hook=_once) == _HEADER)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object each of whose names stands once. Raises ValueError."""
    if len(named := dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return named


class Token(NamedTuple):
    """A verified token: whose it is, and what it says of the body and the nonce."""

    device: bytes
    body_hash: str
    nonce: str


def check_token(realm: Realm, asked: Asked, *, method: str, path: str) -> Token:
    """The token, verified, of a request whose body is still to be read. Raises Refused `request-refused`."""
    known = realm.known()
    claims = asked.claims
    if type(claims) is not dict or claims.keys() != _CLAIMS or not all(type(said) is str for said in claims.values()):
        raise Refused(_REFUSED)
    try:
        certificate = known.devices.get(ids.parse(claims["iss"]))
    except Malformed:
        raise Refused(_REFUSED) from None
    if not verify_bytes(certificate.keys.sign if certificate else _NOBODY, asked.signature, asked.signed) or certificate is None:
        raise Refused(_REFUSED)
    if (claims["aud"], claims["htm"], claims["htu"]) != (audience(known.svc, realm.side), method, path):
        raise Refused(_REFUSED)
    return Token(certificate.keys.device, claims["bh"], claims["nonce"])


def standing(realm: Realm, device: bytes, now_ms: int, *, for_all: bool = False) -> Sender:
    """A certified device, as it stands now. Raises Refused: revoked, suspended, certificate-ended; `for_all` lets those in."""
    certificate = realm.known().devices[device]
    if for_all:
        return Sender(certificate.keys.device, certificate.subject.user)
    if certificate.revoked is not None:
        raise Refused("revoked")
    if certificate.suspended is not None:
        raise Refused("suspended")
    if certificate.subject.until < now_ms:
        raise Refused("certificate-ended")
    return Sender(certificate.keys.device, certificate.subject.user)


def check_body(token: Token, body: bytes) -> None:
    """Raises Refused `request-refused` for another body than the signed one."""
    if token.body_hash != body_hash(body):
        raise Refused(_REFUSED)
