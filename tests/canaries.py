"""Canary words: in how many ways one may stand in a file, and the search for them."""

import base64
import gzip
import json
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path


def encodings(word: str) -> list[bytes]:
    """Twelve ways in which a word may stand in a file."""
    raw = word.encode()
    whole = [raw[skip : skip + (len(raw) - skip) // 3 * 3] for skip in (0, 1, 2)]
    found = [raw, raw.hex().encode(), raw.hex().upper().encode(), word.encode("utf-16-le"), word.encode("utf-16-be"), word.encode("utf-32-le")]
    found += [base64.b64encode(piece) for piece in whole] + [base64.urlsafe_b64encode(piece) for piece in whole]
    found += [base64.b32encode(raw)[:-8], json.dumps(word).encode()[1:-1], raw[::-1], "".join(f"%{byte:02X}" for byte in raw).encode()]
    return found


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, as it is and unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield str(path), data
            for unpack in (gzip.decompress, zlib.decompress):
                try:
                    yield f"{path} unpacked", unpack(data)
                except (OSError, zlib.error, EOFError):
                    continue


def hits(things: list[tuple[str, bytes]], words: list[str]) -> list[tuple[str, str]]:
    needles = [(word, needle) for word in words for needle in encodings(word)]
    return [(name, word) for name, data in things for word, needle in needles if needle in data]


def canary() -> str:
    return "canary-" + secrets.token_hex(12)


def plain() -> str:
    """A canary of small letters alone: it has no form by which it could be found by accident."""
    return "zq" + "".join("abcdefghijklmnop"[int(one, 16)] for one in canary().removeprefix("canary-"))


def word() -> str:
    """The same, written as a name is."""
    return plain().capitalize()
