"""What a codec of the vectors is, and how any signed object stands in the notation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared_schema import cose
from sync.signing import SigningKey, sign_object

Value = dict[str, Any]


@dataclass(frozen=True)
class Codec:
    """`decode` takes bytes, or text where `is_text`. `encode` takes a value and, for what is signed, the signer's seed."""

    decode: Callable[[Any], Any]
    encode: Callable[[Any, bytes], Any]
    is_text: bool = False
    is_signed: bool = False


def signed_value(sign1: cose.Sign1, payload: Any) -> Value:
    """A signed object with its payload taken apart."""
    header = {"typ": sign1.header[16], "kid": sign1.kid, "svc": sign1.svc}
    header |= {name: item for name, item in sign1.header.items() if name not in (1, 4, 16, "v", "svc")}
    return {"header": header, "payload": payload, "signature": sign1.signature, "id": sign1.id}


def sign(value: Value, payload: bytes, seed: bytes) -> bytes:
    """The COSE bytes of a signed object from its header and its encoded payload."""
    header = dict(value["header"])
    protected = cose.protected_header(header.pop("typ"), header.pop("kid"), header.pop("svc"), header)
    return sign_object(SigningKey(seed), protected, payload)
