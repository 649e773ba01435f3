"""Names and claims of a signed request (docs/spec.md §9.1), shared by the device that signs and the server that checks."""

import base64
from typing import Any, Final

from shared_schema import ids

TYP: Final = "fieldkeep-request"
ALGORITHM: Final = "EdDSA"
SCHEME: Final = "Fieldkeep"
NONCE_HEADER: Final = "fieldkeep-nonce"
CBOR_TYPE: Final = "application/cbor"
CLAIMS: Final = ("iss", "aud", "htm", "htu", "bh", "nonce")


def audience(svc: bytes, side: str) -> str:
    """Whom a request is for: service and side."""
    return f"{ids.show(svc)}/{side}"


def body_hash(body: bytes) -> str:
    """base64url, without padding, of H(body)."""
    return base64.urlsafe_b64encode(ids.sha256(body)).rstrip(b"=").decode()


def claims(*, device: bytes, svc: bytes, side: str, method: str, path: str, body: bytes, nonce: str) -> dict[str, Any]:
    """The claims of one request; `path` includes the query."""
    return {
        "iss": ids.show(device), "aud": audience(svc, side), "htm": method, "htu": path, "bh": body_hash(body), "nonce": nonce,
    }  # fmt: skip
