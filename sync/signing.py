"""Ed25519 over COSE Sig_structure and over notes; strictness of public keys (docs/spec.md §2).

One of the three modules that may import `cryptography`, and the only one that the server loads.
"""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared_schema import cose
from shared_schema.checkpoint import Checkpoint, checkpoint_text, key_hash
from shared_schema.errors import Malformed, WeakKey

P: Final = 2**255 - 19
_KEM_Q: Final = 3329
_KEM_VECTOR: Final = 1152  # bytes of an ML-KEM-768 key's vector; its 32-byte seed follows
# y coordinates of the eight points of small order on edwards25519: orders 1, 2, 4 (twice) and 8 (four).
_Y8: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER_Y: Final = frozenset({1, P - 1, 0, _Y8, P - _Y8})
# u coordinates of small order on Curve25519 (RFC 7748): 0, 1, p-1 and the two of order 8.
_U8A: Final = 325606250916557431795983626356110631294008115727848805560023387167927233504
_U8B: Final = 39382357235489614581723060781553021112529911719440698176882885853963445705823
SMALL_ORDER_U: Final = frozenset({0, 1, P - 1, _U8A, _U8B})


class SigningKey:
    """A device's, server's or authority's Ed25519 key, kept as its 32-byte seed."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def private(self) -> Ed25519PrivateKey:
        """The key object itself, for signing requests with PyJWT."""
        return self._key

    def sign(self, data: bytes) -> bytes:
        """64-byte signature over `data`."""
        return self._key.sign(data)


@lru_cache(maxsize=4096)
def _public(key: bytes) -> Ed25519PublicKey:
    check_sign_key(key)
    return Ed25519PublicKey.from_public_bytes(key)


def check_sign_key(key: bytes) -> None:
    """Raises WeakKey unless `key` is a canonical Ed25519 public key that is not of small order."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if len(key) != 32 or y >= P or y in SMALL_ORDER_Y:
        raise WeakKey("signing key is not canonical or of small order")


def check_receive_key(key: bytes) -> None:
    """Raises WeakKey unless nobody's grant to this X-Wing key can fail: its ML-KEM half passes the modulus check (FIPS 203 §7.2), and its
    X25519 half is canonical and not of small order.
    """
    u = int.from_bytes(key[-32:], "little")
    if len(key) != 1216 or u >= P or u in SMALL_ORDER_U or not _is_reduced(key[:_KEM_VECTOR]):
        raise WeakKey("receiving key is not canonical or of small order")


def _is_reduced(vector: bytes) -> bool:
    """True when each of the 12-bit coefficients is below 3,329 (FIPS 203, ByteDecode12)."""
    return all(
        (low | (middle & 15) << 8) < _KEM_Q and (middle >> 4 | high << 4) < _KEM_Q
        for low, middle, high in zip(vector[::3], vector[1::3], vector[2::3], strict=True)
    )


def verify_bytes(public: bytes, signature: bytes, data: bytes) -> bool:
    """True when `signature` over `data` is by `public`. False for a weak key too."""
    try:
        _public(public).verify(signature, data)
    except (InvalidSignature, WeakKey, ValueError):
        return False
    return True


def sign_object(key: SigningKey, protected: bytes, payload: bytes) -> bytes:
    """The COSE bytes of a signed object."""
    return cose.assemble(protected, payload, key.sign(cose.sig_structure(protected, payload)))


def verify_object(sign1: cose.Sign1, public: bytes) -> None:
    """Raises Malformed unless `public` signed the object."""
    if not verify_bytes(public, sign1.signature, sign1.to_sign):
        raise Malformed("the signature does not verify")


def sign_checkpoint(key: SigningKey, origin: str, size: int, root: bytes) -> Checkpoint:
    """A checkpoint note signed by the side's checkpoint key."""
    return Checkpoint(origin, size, root, key_hash(origin, key.public), key.sign(checkpoint_text(origin, size, root)))


def verify_checkpoint(checkpoint: Checkpoint, origin: str, public: bytes) -> None:
    """Raises Malformed unless the note is for `origin` and signed by `public`."""
    if checkpoint.origin != origin or checkpoint.key_hash != key_hash(origin, public):
        raise Malformed("the checkpoint is of another log or key")
    if not verify_bytes(public, checkpoint.signature, checkpoint.text):
        raise Malformed("the checkpoint's signature does not verify")
