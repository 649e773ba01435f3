"""The sealed file that a copy of a server's data is.

file = magic line ‖ salt 16 B ‖ chunk ‖ chunk …        chunk = AES-256-GCM of up to 1 MiB of a tar file
key of the chunks = HKDF-SHA256(key file, salt, L("backup"))           nonce = u64be(number) ‖ 00 00 00 ‖ 01 for the last chunk, else 00
"""

import os
import secrets
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.cannot import CannotServe
from server.data_folder import write_private
from shared_schema import ids

MAGIC: Final = b"fieldkeep-backup/1\n"
CHUNK: Final = 1 << 20
_SALT: Final = 16
_TAG: Final = 16


class BadBackup(CannotServe):
    """A copy that is none, is damaged, or may not be put where it was asked for. Says what was seen and what was wanted."""


def make_key(path: Path) -> bytes:
    """A new key, in a file that only its owner may read."""
    key = secrets.token_bytes(32)
    write_private(path, key.hex() + "\n")
    return key


def read_key(path: Path) -> bytes:
    """The key in a file. Raises BadBackup, OSError."""
    text = path.read_text("ascii", errors="replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadBackup(f"{path.name} is no key of a backup: want 64 hexadecimal digits")
    return key


class Sealing:
    """A stream that seals what is written to it in chunks."""

    def __init__(self, stream: IO[bytes], key: bytes) -> None:
        salt = secrets.token_bytes(_SALT)
        stream.write(MAGIC + salt)
        self._stream, self._cipher, self._n, self._held = stream, _cipher(key, salt), 0, bytearray()

    def write(self, data: bytes) -> int:
        """Seal what is whole."""
        self._held += data
        while len(self._held) > CHUNK:
            self._put(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Seal the last chunk: a copy that was cut short has none."""
        self._put(bytes(self._held), last=True)

    def _put(self, plain: bytes, *, last: bool) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._n, last=last), plain, MAGIC))
        self._n += 1


class Opening:
    """A stream of what was sealed. Raises BadBackup where a chunk does not open, or the last is missing."""

    def __init__(self, stream: IO[bytes], key: bytes) -> None:
        if stream.read(len(MAGIC)) != MAGIC:
            raise BadBackup("this is no backup of a Fieldkeep server")
        self._stream, self._cipher, self._n, self._held, self._over = stream, _cipher(key, stream.read(_SALT)), 0, bytearray(), False

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        while not self._over and (size < 0 or len(self._held) < size):
            self._held += self._next()
        end = len(self._held) if size < 0 else size
        taken = bytes(self._held[:end])
        del self._held[:end]
        return taken

    def _next(self) -> bytes:
        sealed = self._stream.read(CHUNK + _TAG)
        last = len(sealed) < CHUNK + _TAG or not self._stream.read(1)
        if not last:
            self._stream.seek(-1, os.SEEK_CUR)
        self._over = last
        try:
            plain = self._cipher.decrypt(_nonce(self._n, last=last), sealed, MAGIC)
        except (InvalidTag, ValueError):
            raise BadBackup("the backup does not open: it has another key, or was changed or cut short") from None
        self._n += 1
        return plain


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, ids.label("backup")).derive(key))


def _nonce(n: int, *, last: bool) -> bytes:
    return n.to_bytes(8, "big") + bytes(3) + bytes([last])
