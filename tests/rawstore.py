"""Every byte of a device's store as whoever has its key can read it: all pages decrypted, free ones and those of the write-ahead log too.

SQLCipher 4: AES-256-CBC with a page's IV in its last 80 bytes, and a raw key, which needs no derivation. Content that was deleted and not
overwritten shows here and nowhere else.
"""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE = 16_384
RESERVED = 80
_SALT = 16
_WAL_HEADER = 32
_FRAME_HEADER = 24


def decrypted(path: Path, key: bytes) -> bytes:
    """The store at `path` and its write-ahead log, in the clear."""
    data = path.read_bytes()
    assert data and len(data) % PAGE == 0
    pages = [_page(data[at : at + PAGE], key, first=at == 0) for at in range(0, len(data), PAGE)]
    wal = path.with_name(path.name + "-wal")
    frames = wal.read_bytes()[_WAL_HEADER:] if wal.exists() else b""
    for at in range(0, len(frames) - PAGE, PAGE + _FRAME_HEADER):
        number = int.from_bytes(frames[at : at + 4], "big")
        pages.append(_page(frames[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE], key, first=number == 1))
    assert pages[0][:2] == PAGE.to_bytes(2, "big"), "the key does not open this store"
    return b"".join(pages)


def _page(page: bytes, key: bytes, *, first: bool) -> bytes:
    iv = page[PAGE - RESERVED : PAGE - RESERVED + 16]
    sealed = page[_SALT if first else 0 : PAGE - RESERVED]
    opener = Cipher(algorithms.AES256(key), modes.CBC(iv)).decryptor()
    return opener.update(sealed) + opener.finalize()
