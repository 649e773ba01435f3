"""COSE_Sign1 (RFC 9052) as docs/spec.md §2 narrows it. No cryptography: who signed is checked in sync/signing.py.

0xD2 | CBOR [protected bstr, {}, payload bstr, signature bstr 64]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from shared_schema import cbor, ids, limits
from shared_schema.errors import Malformed
from shared_schema.shape import as_blob, as_bytes, as_id, as_map, as_tuple, keys

ALG_ED25519: Final = -19  # RFC 9864
TAG: Final = b"\xd2"
_SIGNATURE1: Final = b"\x84" + cbor.encode("Signature1")  # then protected, h'', payload
_EMPTY_BSTR: Final = b"\x40"
_BASE_KEYS: Final = keys(1, 4, 16, "v", "svc")


@dataclass(frozen=True)
class Sign1:
    """One signed object: its bytes, taken apart. `header` is the decoded protected map."""

    protected: bytes
    payload: bytes
    signature: bytes
    header: dict[Any, Any]

    @cached_property
    def to_sign(self) -> bytes:
        """Sig_structure: exactly what the signature covers."""
        return sig_structure(self.protected, self.payload)

    @cached_property
    def id(self) -> bytes:
        """The object id, 32 bytes: for an entry, its entry id."""
        return ids.sha256(self.to_sign)

    @property
    def kid(self) -> bytes:
        """Who claims to have signed: a device, server key or authority id."""
        value: bytes = self.header[4]
        return value

    @property
    def svc(self) -> bytes:
        """The service it was signed for."""
        value: bytes = self.header["svc"]
        return value


def _bstr(data: bytes) -> bytes:
    return cbor.head(2, len(data)) + data


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """CBOR ["Signature1", protected, h'', payload]."""
    return b"".join((_SIGNATURE1, _bstr(protected), _EMPTY_BSTR, _bstr(payload)))


def protected_header(typ: str, kid: bytes, svc: bytes, more: dict[Any, Any] | None = None) -> bytes:
    """The encoded header map of an object of `typ`."""
    return cbor.encode({1: ALG_ED25519, 4: kid, 16: typ, "v": 1, "svc": svc, **(more or {})})


def assemble(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The travelling bytes of a signed object."""
    return b"".join((TAG, b"\x84", _bstr(protected), b"\xa0", _bstr(payload), _bstr(signature)))


def decode(data: bytes, typ: str, more: frozenset[Any] = frozenset()) -> Sign1:
    """Take one signed object of `typ` apart; `more` are its header labels beyond the common ones. Raises Malformed."""
    return decode_one_of(data, {typ: more})


def decode_one_of(data: bytes, types: Mapping[str, frozenset[Any]], check: Callable[[str], None] = lambda _typ: None) -> Sign1:
    """Take a signed object apart that is of one of `types`: typ -> its header labels beyond the common ones. `check` may refuse it when its type is
    known, before the rest of the header is looked at. Raises Malformed.
    """
    if data[:1] != TAG:
        raise Malformed("a signed object begins with 0xD2")
    outer = as_tuple(cbor.decode(data[1:], limits.ITEMS_PER_OBJECT), "signed object", 4)
    protected = as_blob(outer[0], "protected header")
    if outer[1] != {}:
        raise Malformed("the unprotected map is not empty")
    header = cbor.decode(protected, limits.ITEMS_PER_OBJECT)
    typ = header.get(16) if type(header) is dict else None
    if type(typ) is not str or typ not in types:
        raise Malformed(f"typ is not {' or '.join(types)}")
    check(typ)
    as_map(header, "protected header", _BASE_KEYS | types[typ])
    if header[1] != ALG_ED25519 or type(header["v"]) is not int or header["v"] != 1:
        raise Malformed("algorithm is not -19 or version not 1")
    as_id(header[4], "kid")
    as_id(header["svc"], "svc")
    return Sign1(protected, as_blob(outer[2], "payload"), as_bytes(outer[3], 64, "signature"), header)
