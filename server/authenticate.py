"""Who is asking: one signed JWT per request (docs/spec.md §9.1; RFC 8725). No bearer tokens exist."""

import base64
import json
from functools import lru_cache
from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from server.append import Sender
from server.nonces import Nonces
from server.realm import Realm
from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from shared_schema.request import ALGORITHM, CLAIMS, SCHEME, TYP, audience, body_hash

_REFUSED = "request-refused"


class Asked(NamedTuple):
    """What a request says of itself, before anything is verified. `side` only picks the realm that will judge it."""

    token: str
    issuer: str
    side: str


def parse(header: str) -> Asked:
    """Take the Authorization header apart. Raises Refused `request-refused`."""
    scheme, _, token = header.partition(" ")
    if scheme != SCHEME or len(token) > 4096:
        raise Refused(_REFUSED, "want one Authorization header of the scheme Fieldkeep")
    try:
        payload = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Asked(token, str(said["iss"]), str(said["aud"]).rpartition("/")[2])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Refused(_REFUSED) from None


@lru_cache(maxsize=4096)
def _key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


class Token(NamedTuple):
    """A verified token: whose it is, and what it says of the body and the nonce."""

    device: bytes
    body_hash: str
    nonce: str


def check_token(realm: Realm, asked: Asked, *, method: str, path: str) -> Token:
    """The token, verified, of a request whose body is still to be read. Raises Refused `request-refused`."""
    known = realm.known()
    try:
        certificate = known.devices[ids.parse(asked.issuer)]
        whole = jwt.decode_complete(
            asked.token,
            _key(certificate.keys.sign),
            algorithms=[ALGORITHM],
            audience=audience(known.svc, realm.side),
            options={"require": list(CLAIMS)},
        )
    except (jwt.PyJWTError, KeyError, Malformed, RecursionError):
        raise Refused(_REFUSED) from None
    claims: dict[str, Any] = whole["payload"]
    if whole["header"] != {"alg": ALGORITHM, "typ": TYP} or claims.keys() != set(CLAIMS) or not all(type(said) is str for said in claims.values()):
        raise Refused(_REFUSED)
    if claims["htm"] != method or claims["htu"] != path:
        raise Refused(_REFUSED)
    return Token(certificate.keys.device, claims["bh"], claims["nonce"])


def authenticate(realm: Realm, token: Token, nonces: Nonces, body: bytes, now_ms: int) -> Sender:
    """The device that signed this very request. Raises Refused: request-refused, nonce-spent, revoked, certificate-ended."""
    if token.body_hash != body_hash(body):
        raise Refused(_REFUSED)
    nonces.spend(token.nonce, now_ms)
    certificate = realm.known().devices[token.device]  # as it is now, not as it was before the body came
    if certificate.revoked is not None:
        raise Refused("revoked")
    if certificate.subject.until < now_ms:
        raise Refused("certificate-ended")
    return Sender(certificate.keys.device, certificate.subject.user)
