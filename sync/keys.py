"""X-Wing receiving keys and HPKE grants (docs/spec.md §7.3).  Vectors: shared_schema/vectors/grant/.

HPKE (RFC 9180, base mode; KEM 0x647A X-Wing, HKDF-SHA256, AES-256-GCM). A key is kept as its 32-byte seed, expanded by
SHAKE256 to 64 bytes of ML-KEM seed and 32 of X25519 (draft-connolly-cfrg-xwing-kem).
"""

import hashlib
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared_schema import ids
from shared_schema.errors import BadGrant, Refused, WeakKey
from sync.signing import SigningKey, check_receive_key

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_GRANT: Final = ids.label("grant")
_ADDRESS: Final = ids.label("address")
_INTAKE: Final = ids.label("intake")
_ML_KEM_PUBLIC: Final = 1184
NONCE_BYTES: Final = 12


NO_SECRET: Final = bytes(32)  # in a grant: an older epoch whose secret the granter does not have


class ReceivingKey:
    """A device's or a side's recovery X-Wing key."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        expanded = hashlib.shake_256(seed).digest(96)
        kem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        dh = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._key = MLKEM768X25519PrivateKey(kem, dh)
        self.public: bytes = kem.public_key().public_bytes_raw() + dh.public_key().public_bytes_raw()

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """The plaintext of an HPKE message. Raises BadGrant."""
        try:
            return _SUITE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError) as error:
            raise BadGrant("the grant does not open") from error


class RecoverySecret:
    """What the shares of a recovery key come to, 32 bytes: the key that opens its grants, and the one that shows that the shares were together."""

    __slots__ = ("id", "receive_key", "sign_key")

    def __init__(self, seed: bytes) -> None:
        self.receive_key = ReceivingKey(seed)
        self.sign_key = SigningKey(HKDF(algorithm=SHA256(), length=32, salt=b"", info=ids.label("recovery-sign")).derive(seed))
        self.id = ids.recovery_id(self.receive_key.public)


@lru_cache(maxsize=1024)
def _public(key: bytes) -> MLKEM768X25519PublicKey:
    check_receive_key(key)
    try:
        kem = MLKEM768PublicKey.from_public_bytes(key[:_ML_KEM_PUBLIC])
    except ValueError as error:
        raise WeakKey("the ML-KEM half of a receiving key is not valid") from error
    return MLKEM768X25519PublicKey(kem, X25519PublicKey.from_public_bytes(key[_ML_KEM_PUBLIC:]))


def context(svc: bytes, log: bytes, epoch: int) -> bytes:
    """Ctx = svc ‖ log ‖ u32be(epoch)."""
    return svc + log + epoch.to_bytes(4, "big")


def grant_info(svc: bytes, log: bytes, newest_epoch: int, granter: bytes, recipient: bytes) -> bytes:
    """HPKE info of a grant."""
    return _GRANT + context(svc, log, newest_epoch) + granter + recipient


def address_seed(secret: bytes, ctx: bytes) -> bytes:
    """The Ed25519 seed of a file's address key, 32 bytes (docs/spec.md §15.1)."""
    return HKDF(algorithm=SHA256(), length=32, salt=b"", info=_ADDRESS + ctx).derive(secret)


def intake_seed(secret: bytes, ctx: bytes, week: int) -> bytes:
    """The X-Wing seed of a file's intake key of one week, 32 bytes (docs/spec.md §15.1)."""
    return HKDF(algorithm=SHA256(), length=32, salt=b"", info=_INTAKE + ctx + week.to_bytes(4, "big")).derive(secret)


def seal(public: bytes, info: bytes, plain: bytes) -> bytes:
    """KEM output ‖ ciphertext. Randomness is the library's own."""
    return _SUITE.encrypt(plain, _public(public), info=info)


def seal_secrets(public: bytes, info: bytes, secrets: list[bytes]) -> bytes:
    """KEM output ‖ ciphertext of the concatenated 32-byte secrets."""
    return seal(public, info, b"".join(secrets))


def open_secrets(key: ReceivingKey, info: bytes, sealed: bytes, count: int) -> list[bytes | None]:
    """The secrets of a grant, in order; None for zeros, which stand for an older epoch that the granter could not open itself. Raises BadGrant."""
    plain = key.open(sealed, info)
    if len(plain) != 32 * count:
        raise BadGrant(f"the grant holds {len(plain)} B, want {32 * count}")
    secrets = [plain[i : i + 32] for i in range(0, len(plain), 32)]
    if secrets[-1] == NO_SECRET:
        raise BadGrant("the newest secret is all zeros")
    return [None if secret == NO_SECRET else secret for secret in secrets]


def passphrase_key(passphrase: str, salt: bytes, memory_kib: int, passes: int) -> bytes:
    """32-byte key from a passphrase: Argon2id (RFC 9106), one lane."""
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=1, memory_cost=memory_kib).derive(passphrase.encode())


def wrap(key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    """Nonce (12 bytes) ‖ AES-256-GCM of `plain` under a passphrase's key, `bound` to what it is about (docs/spec.md §13.1)."""
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def unwrap(key: bytes, wrapped: bytes, bound: bytes) -> bytes:
    """What was wrapped. Raises Refused `bad-passphrase` for another key, and for bytes that were changed."""
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise Refused("bad-passphrase") from None
