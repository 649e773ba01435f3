"""Manifest: a device's word for the files of an export (docs/spec.md §16.5).

Spec: docs/spec.md §2, §16.5. Shape only: what the files are, and whose device it was, is judged where they lie.
"""

from dataclasses import dataclass
from typing import Final

from shared_schema import cbor, cose, limits
from shared_schema.errors import Malformed
from shared_schema.shape import as_hash, as_map, keys

MANIFEST: Final = "fieldkeep-manifest"
_KEYS: Final = keys("number", "hash")
_NUMBER: Final = 12


@dataclass(frozen=True, slots=True)
class Manifest:
    """Device `by` wrote export `number` out, and `hash` is that of its manifest.json."""

    sign1: cose.Sign1
    by: bytes
    svc: bytes
    number: str
    hash: bytes


def manifest_payload(number: str, hash_: bytes) -> bytes:
    """The payload of a manifest."""
    return cbor.encode({"number": number, "hash": hash_})


def decode_manifest(data: bytes) -> Manifest:
    """A manifest from its COSE bytes. Raises Malformed."""
    sign1 = cose.decode(data, MANIFEST)
    map_ = as_map(cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT), "manifest", _KEYS)
    number = map_["number"]
    if type(number) is not str or len(number) != _NUMBER or set(number) - set("0123456789abcdef"):
        raise Malformed("a manifest's number is twelve hexadecimal digits")
    return Manifest(sign1, sign1.kid, sign1.svc, number, as_hash(map_["hash"], "hash"))
