"""Codes that people copy by hand or scan: a prefix, and base64url of a checksum and the bytes (docs/spec.md §6.2, §15.1)."""

import base64
import binascii
from typing import Final

from shared_schema import ids
from shared_schema.errors import Malformed

_CHECKSUM: Final = 4  # bytes


def encode_code(prefix: str, raw: bytes) -> str:
    """The code of some bytes."""
    return prefix + base64.urlsafe_b64encode(_checksum(raw) + raw).rstrip(b"=").decode()


def decode_code_bytes(prefix: str, text: str, what: str, advice: str) -> bytes:
    """The bytes of a code, line breaks and blanks in it left out. Raises Malformed for one wrong character: `what` it is, and `advice`."""
    whole = "".join(text.split())
    body = whole.removeprefix(prefix)
    if body == whole:
        raise Malformed(f"{what} begins with {prefix}")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    raw = data[_CHECKSUM:]
    if data[:_CHECKSUM] != _checksum(raw):
        raise Malformed(f"{what.replace('an ', 'the ', 1).replace('a ', 'the ', 1)} was not copied right, or not whole; {advice}")
    return raw


def _checksum(raw: bytes) -> bytes:
    return ids.sha256(ids.label("code") + raw)[:_CHECKSUM]
