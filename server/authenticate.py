"""Who is asking: one signed JWT per request (docs/spec.md §9.1; RFC 8725). No bearer tokens exist."""

import base64
import json
from functools import lru_cache
from typing import Any, Final, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from server.append.commit import Sender
from server.nonces import Nonces
from server.realm import Realm
from shared_schema import ids
from shared_schema.errors import Malformed, Refused
from shared_schema.request import ALGORITHM, CLAIMS, SCHEME, TYP, audience, body_hash

_REFUSED: Final = "request-refused"
_CLAIMS: Final = frozenset(CLAIMS)
_JWS: Final = jwt.PyJWS()
_NOBODY: Final = Ed25519PrivateKey.generate().public_key().public_bytes_raw()  # an unknown device costs what a known one does


class Asked(NamedTuple):
    """What a request says of itself, before anything is verified. `side` only picks the realm that will judge it."""

    token: str
    payload: bytes
    claims: dict[str, Any]
    side: str


def parse(header: str) -> Asked:
    """Take the Authorization header apart. Raises Refused `request-refused`."""
    scheme, _, token = header.partition(" ")
    if scheme != SCHEME or len(token) > 4096:
        raise Refused(_REFUSED, "want one Authorization header of the scheme Fieldkeep")
    try:
        segment = token.split(".")[1]
        payload = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        claims = json.loads(payload, object_pairs_hook=_once)
        return Asked(token, payload, claims, str(claims["aud"]).rpartition("/")[2])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Refused(_REFUSED) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object each of whose names stands once. Raises ValueError."""
    if len(named := dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return named


@lru_cache(maxsize=4096)
def _key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


class Token(NamedTuple):
    """A verified token: whose it is, and what it says of the body and the nonce."""

    device: bytes
    body_hash: str
    nonce: str


def check_token(realm: Realm, asked: Asked, *, method: str, path: str) -> Token:
    """The token, verified, of a request whose body is still to be read. Raises Refused `request-refused`.

    The claims are exactly the known six and each is compared here, so of PyJWT only the signature is asked for.
    """
    known = realm.known()
    claims = asked.claims
    if type(claims) is not dict or claims.keys() != _CLAIMS or not all(type(said) is str for said in claims.values()):
        raise Refused(_REFUSED)
    try:
        certificate = known.devices.get(ids.parse(claims["iss"]))
        whole = _JWS.decode_complete(asked.token, _key(certificate.keys.sign if certificate else _NOBODY), algorithms=[ALGORITHM])
    except (jwt.PyJWTError, Malformed, RecursionError):
        raise Refused(_REFUSED) from None
    if certificate is None or whole["payload"] != asked.payload or whole["header"] != {"alg": ALGORITHM, "typ": TYP}:
        raise Refused(_REFUSED)
    if (claims["aud"], claims["htm"], claims["htu"]) != (audience(known.svc, realm.side), method, path):
        raise Refused(_REFUSED)
    return Token(certificate.keys.device, claims["bh"], claims["nonce"])


def admit(realm: Realm, token: Token, nonces: Nonces, now_ms: int, *, for_all: bool = False) -> Sender:
    """Whose request this is, before its body is read; its nonce is used up. Raises Refused: nonce-spent, revoked, suspended, certificate-ended."""
    nonces.spend(token.nonce)
    return standing(realm, token.device, now_ms, for_all=for_all)


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
