"""Attachments: a file's bytes cut into chunks, each sealed under a key of its own, and the manifest by which they are put together again.

Spec: docs/spec.md §18.1, §18.2. Vectors: shared_schema/vectors/attachment/. Pure: the 32 random bytes of the key are an argument. Refuses a chunk that is another one
than the manifest names, was cut, padded otherwise or put in another place, and content that is not what its author sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared_schema import ids, limits
from shared_schema.chunk import SIZES, THUMBNAIL
from shared_schema.errors import Malformed, TooLarge
from sync.sealing import open_chunk, seal_chunk

TAG: Final = 16
FORMS: Final = ("jpeg", "png", "pdf")
COUNTS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_LENGTH: Final = 8
_SMALL: Final = tuple(size for size in SIZES if size not in (THUMBNAIL, limits.CHUNK_BYTES))
_KEYS: Final = frozenset({"key", "hash", "size", "form", "chunks", "thumbnail"})
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a record says of its content: the key, H(content) and its length, its form, the ids of its chunks in order, and that of the thumbnail's."""

    key: bytes
    hash: bytes
    size: int
    form: str
    chunks: tuple[bytes, ...]
    thumbnail: bytes

    @property
    def ids(self) -> tuple[bytes, ...]:
        """All chunks, the thumbnail's last."""
        return (*self.chunks, self.thumbnail)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An attachment ready to be sent: `chunks` are the sealed bytes in the order of the manifest's ids."""

    manifest: Manifest
    chunks: tuple[bytes, ...]


def chunk_size(size: int) -> tuple[int, int]:
    """(how many chunks, the size of each) of content of so many bytes. Raises TooLarge beyond what 64 chunks hold."""
    need = size + _LENGTH
    for small in _SMALL:
        if need <= small - TAG:
            return 1, small
    for count in COUNTS:
        if need <= count * (limits.CHUNK_BYTES - TAG):
            return count, limits.CHUNK_BYTES
    raise TooLarge(f"{size} B, want at most {limits.ATTACHMENT_BYTES}")


def _padded(content: bytes, room: int) -> bytes:
    return len(content).to_bytes(_LENGTH, "big") + content + bytes(room - _LENGTH - len(content))


def seal(svc: bytes, log: bytes, key: bytes, form: str, content: bytes, thumbnail: bytes = b"") -> Sealed:
    """Cut and seal. `key` is fresh for this content alone. Raises TooLarge."""
    count, size = chunk_size(len(content))
    each = size - TAG
    padded = _padded(content, count * each)
    chunks = [seal_chunk(key, svc, log, i, count, padded[i * each : (i + 1) * each]) for i in range(count)]
    if len(thumbnail) > thumbnail_room():
        raise TooLarge(f"a thumbnail of {len(thumbnail)} B, want at most {thumbnail_room()}")
    small = seal_chunk(key, svc, log, 0, 0, _padded(thumbnail, THUMBNAIL - TAG))
    named = tuple(ids.sha256(chunk) for chunk in chunks)
    manifest = Manifest(key, ids.sha256(content), len(content), form, named, ids.sha256(small))
    return Sealed(manifest, (*chunks, small))


def thumbnail_room() -> int:
    """How many bytes a thumbnail may have."""
    return THUMBNAIL - TAG - _LENGTH


def check_chunk_of(chunk_id: bytes, data: bytes) -> None:
    """Raises Malformed when these bytes are not the chunk of this id."""
    if ids.sha256(data) != chunk_id:
        raise Malformed("the chunk is not the one that was asked for")


def open_content(svc: bytes, log: bytes, manifest: Manifest, chunks: Sequence[bytes]) -> bytes:
    """The content, put together from its chunks in order. Raises Malformed, with one message whatever is wrong."""
    count, size = chunk_size(manifest.size)
    if len(chunks) != count or any(len(chunk) != size for chunk in chunks):
        raise Malformed("the attachment does not open")
    for chunk_id, chunk in zip(manifest.chunks, chunks, strict=True):
        check_chunk_of(chunk_id, chunk)
    content = _unpadded(b"".join(open_chunk(manifest.key, svc, log, i, count, chunk) for i, chunk in enumerate(chunks)))
    if len(content) != manifest.size or ids.sha256(content) != manifest.hash:
        raise Malformed("the attachment does not open")
    return content


def open_thumbnail(svc: bytes, log: bytes, manifest: Manifest, chunk: bytes) -> bytes:
    """The thumbnail, empty where there is none. Raises Malformed."""
    check_chunk_of(manifest.thumbnail, chunk)
    if len(chunk) != THUMBNAIL:
        raise Malformed("the attachment does not open")
    return _unpadded(open_chunk(manifest.key, svc, log, 0, 0, chunk))


def _unpadded(padded: bytes) -> bytes:
    end = _LENGTH + int.from_bytes(padded[:_LENGTH], "big")
    if end > len(padded) or padded.count(0, end) != len(padded) - end:
        raise Malformed("the attachment does not open")
    return padded[_LENGTH:end]


def encode_manifest(manifest: Manifest) -> dict[str, Any]:
    """The manifest as a record holds it: JSON."""
    return {
        "key": manifest.key.hex(), "hash": manifest.hash.hex(), "size": manifest.size, "form": manifest.form,
        "chunks": [chunk.hex() for chunk in manifest.chunks], "thumbnail": manifest.thumbnail.hex(),
    }  # fmt: skip


def is_manifest(value: object) -> bool:
    """True for what a record says of its content, whether it is right or not: there is a key in it."""
    return isinstance(value, dict) and value.keys() == _KEYS


def without_key(value: Any) -> Any:
    """A record's value as it is shown and handed over: of a manifest without the key, and without the ids by which chunks are fetched."""
    return {name: value[name] for name in ("form", "size", "hash")} if is_manifest(value) else value


def decode_manifest(value: object) -> Manifest:
    """The manifest that a record holds. Raises Malformed, and TooLarge for a size that nothing has."""
    if type(value) is not dict or value.keys() != _KEYS:
        raise Malformed("a manifest has exactly its six members")
    size, form, listed = value["size"], value["form"], value["chunks"]
    if type(size) is not int or size < 0 or form not in FORMS or type(listed) is not list:
        raise Malformed("a manifest's size, form or list of chunks is not one")
    key, content, thumbnail = (_hash(value[name]) for name in ("key", "hash", "thumbnail"))
    if len(listed) != chunk_size(size)[0]:
        raise Malformed("a manifest lists other chunks than content of its size has")
    chunks = tuple(_hash(one) for one in listed)
    if len({*chunks, thumbnail}) != len(chunks) + 1:
        raise Malformed("a manifest names a chunk twice")
    return Manifest(key, content, size, form, chunks, thumbnail)


def _hash(value: object) -> bytes:
    if type(value) is not str or len(value) != 64 or not _HEX.issuperset(value):
        raise Malformed("a manifest holds a hash that is none")
    return bytes.fromhex(value)
