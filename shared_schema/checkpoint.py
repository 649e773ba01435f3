r"""Audit checkpoint: a C2SP signed note holding a C2SP tlog-checkpoint (docs/spec.md §10.2).

    <origin>\n<tree size, decimal>\n<base64 of root hash>\n\n— <origin> <base64 of key hash (4 B) ‖ Ed25519 signature (64 B)>\n

Vectors: shared_schema/vectors/checkpoint/.  The signature itself is checked in sync/signing.py.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from shared_schema import ids
from shared_schema.cbor import MAX_INT
from shared_schema.errors import Malformed

_DASH: Final = "— "
MAX_NOTE: Final = 1000


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head. `text` is what was signed."""

    origin: str
    size: int
    root: bytes
    key_hash: bytes
    signature: bytes

    @property
    def text(self) -> bytes:
        """The note's text: what the signature covers."""
        return checkpoint_text(self.origin, self.size, self.root)


def origin(svc: bytes, side: str, incarnation: bytes) -> str:
    """The log's name: one per service, side and incarnation."""
    return f"fieldkeep/v1/{ids.show(svc)}/{side}/{ids.show(incarnation)}"


def key_hash(name: str, key: bytes) -> bytes:
    """C2SP signed-note key id of an Ed25519 key: 4 bytes."""
    return ids.sha256(name.encode() + b"\n\x01" + key)[:4]


def checkpoint_text(name: str, size: int, root: bytes) -> bytes:
    """The bytes to sign."""
    return f"{name}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def encode_checkpoint(checkpoint: Checkpoint) -> str:
    """The whole note as text."""
    signature = base64.b64encode(checkpoint.key_hash + checkpoint.signature).decode()
    return f"{checkpoint.text.decode()}\n{_DASH}{checkpoint.origin} {signature}\n"


def decode_checkpoint(note: object) -> Checkpoint:
    """Parse a note with exactly one signature line. Raises Malformed."""
    if type(note) is not str or len(note) > MAX_NOTE:
        raise Malformed("a checkpoint is a text of at most 1,000 characters")
    lines = note.split("\n")
    if len(lines) != 6 or lines[3] or lines[5] or not lines[4].startswith(_DASH):
        raise Malformed("a checkpoint has three lines, an empty one and one signature line")
    name, _, blob = lines[4].removeprefix(_DASH).partition(" ")
    signature = _base64(blob, 68)
    if not lines[0] or name != lines[0]:
        raise Malformed("the signature line names another origin")
    return Checkpoint(lines[0], _size(lines[1]), _base64(lines[2], 32), signature[:4], signature[4:])


def _size(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or (text[0] == "0" and text != "0") or int(text) > MAX_INT:
        raise Malformed("tree size is not a plain decimal")
    return int(text)


def _base64(text: str, size: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not base64") from None
    if len(data) != size or base64.b64encode(data).decode() != text:
        raise Malformed(f"not the base64 of {size} bytes")
    return data
