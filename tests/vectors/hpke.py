"""HPKE (RFC 9180, base mode) with X-Wing, HKDF-SHA256 and AES-256-GCM, by the book and receiving only: an oracle for grants and parcels.

Only ML-KEM, X25519 and AES-GCM themselves are the library's.
"""

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SUITE_ID: Final = b"HPKE" + bytes.fromhex("647a") + bytes.fromhex("0001") + bytes.fromhex("0002")
_XWING_LABEL: Final = b"\\.//^\\"


def extract(salt: bytes, ikm: bytes) -> bytes:
    """HKDF-Extract."""
    return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()


def expand(prk: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand."""
    block, okm = b"", b""
    for number in range(1, 256):
        if len(okm) >= size:
            break
        block = hmac.new(prk, block + info + bytes((number,)), hashlib.sha256).digest()
        okm += block
    return okm[:size]


def hkdf(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """HKDF-SHA256."""
    return expand(extract(salt, secret), info, size)


def _labeled_extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + _SUITE_ID + label + ikm)


def _labeled_expand(prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    return expand(prk, size.to_bytes(2, "big") + b"HPKE-v1" + _SUITE_ID + label + info, size)


def public(seed: bytes) -> bytes:
    """The X-Wing public key of a seed."""
    expanded = hashlib.shake_256(seed).digest(96)
    kem, dh = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    return kem.public_key().public_bytes_raw() + dh.public_key().public_bytes_raw()


def decapsulate(seed: bytes, encapsulated: bytes) -> bytes:
    """The X-Wing shared secret."""
    expanded = hashlib.shake_256(seed).digest(96)
    ct_m, ct_x = encapsulated[:1088], encapsulated[1088:]
    ss_m = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(ct_m)
    dh = X25519PrivateKey.from_private_bytes(expanded[64:])
    ss_x = dh.exchange(X25519PublicKey.from_public_bytes(ct_x))
    return hashlib.sha3_256(ss_m + ss_x + ct_x + dh.public_key().public_bytes_raw() + _XWING_LABEL).digest()


def open_base(seed: bytes, info: bytes, sealed: bytes) -> bytes:
    """The plaintext of an HPKE message."""
    shared = decapsulate(seed, sealed[:1120])
    context = b"\0" + _labeled_extract(b"", b"psk_id_hash", b"") + _labeled_extract(b"", b"info_hash", info)
    secret = _labeled_extract(shared, b"secret", b"")
    key = _labeled_expand(secret, b"key", context, 32)
    nonce = _labeled_expand(secret, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, sealed[1120:], b"")
