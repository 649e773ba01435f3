"""What stands in a PDF: every stream unpacked, and its text as a person reads it, whatever codes its fonts give to letters."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.canaries import contents

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_TOKEN = re.compile(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def swept(folder: Path) -> list[tuple[str, bytes]]:
    """All files of a folder as they are and unpacked, documents also stream by stream and as they are read."""
    found = list(contents(folder))
    for path in folder.rglob("*.pdf"):
        data = path.read_bytes()
        found += [(f"{path} stream", one) for one in streams(data)]
        text = "\n".join(pages(data))
        found += [(f"{path} text", text.encode()), (f"{path} text, lines joined", text.replace("\n", "").encode())]
    return found


def streams(document: bytes) -> Iterator[bytes]:
    """Every stream, unpacked where it was packed."""
    yield from (_unpacked(packed) for packed in _STREAM.findall(document))


def pages(document: bytes) -> list[str]:
    """The text of every page, a line for each piece that was drawn."""
    objects = {int(number): body for number, body in _OBJECT.findall(document)}
    fonts = {name: _letters(objects, int(at)) for body in objects.values() for name, at in re.findall(rb"/(F\d+) (\d+) 0 R", body)}
    drawn = [_unpacked(match[1]) for body in objects.values() if (match := _STREAM.search(body))]
    return [_text(one, fonts) for one in drawn if b" Tj" in one]


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return packed


def _letters(objects: dict[int, bytes], at: int) -> dict[int, str]:
    """A font's codes, by its own table."""
    named = re.search(rb"/ToUnicode (\d+) 0 R", objects[at])
    assert named, "a font without a table of its letters"
    packed = _STREAM.search(objects[int(named[1])])
    assert packed
    found: dict[int, str] = {}
    for code, letter in re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4,})>\n", _unpacked(packed[1])):
        found[int(code, 16)] = bytes.fromhex(letter.decode()).decode("utf-16-be")
    return found


def _text(drawn: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    lines, letters = [], {}
    for font, said in _TOKEN.findall(drawn):
        if font:
            letters = fonts[font]
            continue
        codes = re.sub(rb"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), said, flags=re.DOTALL)
        lines.append("".join(letters.get(int.from_bytes(codes[i : i + 2], "big"), "?") for i in range(0, len(codes), 2)))
    return "\n".join(lines)
