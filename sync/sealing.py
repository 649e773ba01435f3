"""Sealing of envelope parts under an epoch secret (docs/spec.md §4), and of an attachment's chunks under its key (§18.1).  Vectors:
shared_schema/vectors/sealing/, attachment/.

part   = salt 32 ‖ AES-256-GCM(key, iv, padded, aad = protected header ‖ u32be(i) ‖ u32be(parts))
padded = u32be(length) ‖ plaintext ‖ zeros up to 256, 512, 1024, 2048, 4096, then PADMÉ
"""

from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared_schema import ids
from shared_schema.errors import Malformed

SALT_BYTES: Final = 32
STEPS: Final = (256, 512, 1024, 2048, 4096)
_COMMIT: Final = ids.label("commit")
_PART: Final = ids.label("part")
_CHUNK: Final = ids.label("chunk")
_HASH: Final = SHA256()


def padded_size(size: int) -> int:
    """The padded size for `size` bytes, the length prefix included (PADMÉ beyond 4,096: Nikitin et al., PETS 2019)."""
    for step in STEPS:
        if size <= step:
            return step
    exponent = size.bit_length() - 1
    spare = exponent - exponent.bit_length()
    return (size + (1 << spare) - 1) >> spare << spare


def commitment(secret: bytes, ctx: bytes) -> bytes:
    """kc: what an epoch statement says of its secret, 32 bytes."""
    return HKDF(algorithm=_HASH, length=32, salt=b"", info=_COMMIT + ctx).derive(secret)


def _key_and_iv(secret: bytes, salt: bytes, info: bytes) -> tuple[bytes, bytes]:
    okm = HKDF(algorithm=_HASH, length=44, salt=salt, info=info).derive(secret)
    return okm[:32], okm[32:]


def part_info(ctx: bytes, author: bytes, sq: int) -> bytes:
    """HKDF info of an envelope's parts, without the part index."""
    return _PART + ctx + author + sq.to_bytes(8, "big")


def seal_parts(
    secret: bytes, ctx: bytes, author: bytes, sq: int, protected: bytes, plaintexts: list[bytes], entropy: Callable[[int], bytes]
) -> list[bytes]:
    """Seal each plaintext as one part of the envelope whose protected header is `protected`."""
    info, total = part_info(ctx, author, sq), len(plaintexts).to_bytes(4, "big")
    parts = []
    for i, plaintext in enumerate(plaintexts):
        index = i.to_bytes(4, "big")
        salt = entropy(SALT_BYTES)
        key, iv = _key_and_iv(secret, salt, info + index)
        size = len(plaintext) + 4
        padded = len(plaintext).to_bytes(4, "big") + plaintext + bytes(padded_size(size) - size)
        parts.append(salt + AESGCM(key).encrypt(iv, padded, protected + index + total))
    return parts


def part_key(secret: bytes, ctx: bytes, author: bytes, sq: int, part: bytes, i: int) -> bytes:
    """The 44 bytes of key and iv of part `i`: they open this part, and nothing else follows from them."""
    return b"".join(_key_and_iv(secret, part[:SALT_BYTES], part_info(ctx, author, sq) + i.to_bytes(4, "big")))


def open_part(secret: bytes, ctx: bytes, author: bytes, sq: int, protected: bytes, part: bytes, i: int, total: int) -> bytes:
    """The plaintext of part `i` of `total`. Raises Malformed, with one message whatever is wrong."""
    return open_with(part_key(secret, ctx, author, sq, part, i), protected, part, i, total)


def open_with(key: bytes, protected: bytes, part: bytes, i: int, total: int) -> bytes:
    """The same with the part's own key and iv, 44 bytes."""
    aad = protected + i.to_bytes(4, "big") + total.to_bytes(4, "big")
    try:
        padded = AESGCM(key[:32]).decrypt(key[32:], part[SALT_BYTES:], aad)
    except (InvalidTag, ValueError):
        raise Malformed("the part does not open") from None
    size = int.from_bytes(padded[:4], "big")
    end = 4 + size
    if len(padded) < 4 or len(padded) != padded_size(end) or padded.count(0, end) != len(padded) - end:
        raise Malformed("the part does not open")
    return padded[4:end]


def _chunk_info(svc: bytes, log: bytes, i: int, count: int) -> bytes:
    return _CHUNK + svc + log + i.to_bytes(4, "big") + count.to_bytes(4, "big")


def seal_chunk(key: bytes, svc: bytes, log: bytes, i: int, count: int, padded: bytes) -> bytes:
    """Chunk `i` of `count` of an attachment. Its key and iv follow from its place: the attachment's key must be of this content alone."""
    info = _chunk_info(svc, log, i, count)
    sealing_key, iv = _key_and_iv(key, b"", info)
    return AESGCM(sealing_key).encrypt(iv, padded, info)


def open_chunk(key: bytes, svc: bytes, log: bytes, i: int, count: int, chunk: bytes) -> bytes:
    """What a chunk holds, its padding included. Raises Malformed."""
    info = _chunk_info(svc, log, i, count)
    sealing_key, iv = _key_and_iv(key, b"", info)
    try:
        return AESGCM(sealing_key).decrypt(iv, chunk, info)
    except (InvalidTag, ValueError):
        raise Malformed("the attachment does not open") from None
