"""The operations of the topic attachment (docs/spec.md §18.1, §18.2). Sealed bytes are too many for a file: a case says what is sealed, and what is done to it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from shared_schema import ids
from sync import attachment
from sync.attachment import Manifest, Sealed, chunk_size, decode_manifest, encode_manifest
from sync.sealing import seal_chunk

In = dict[str, Any]


def _sealed(given: In) -> Sealed:
    return attachment.seal(given["svc"], given["log"], given["key"], given["form"], given["content"], given["thumbnail"])


def _seal(given: In) -> Any:
    made = _sealed(given)
    return {"manifest": encode_manifest(made.manifest), "sizes": [len(chunk) for chunk in made.chunks]}


def _edited(given: In) -> tuple[Manifest, list[bytes]]:
    """The manifest and the chunks, the thumbnail's last, after what is done to them; `named` says that the manifest names what came of it."""
    made = _sealed(given["sealed"])
    chunks = list(made.chunks)
    for what, *words in given["edits"]:
        if what == "flip":
            at, byte = words
            chunks[at] = chunks[at][:byte] + bytes([chunks[at][byte] ^ 1]) + chunks[at][byte + 1 :]
        elif what == "cut":
            at, size = words
            chunks[at] = chunks[at][:size]
        elif what == "grow":
            at, more = words
            chunks[at] += more
        elif what == "swap":
            at, other = words
            chunks[at], chunks[other] = chunks[other], chunks[at]
        elif what == "drop":
            del chunks[words[0]]
        elif what == "of":
            at, over = words
            chunks[at] = _sealed(given["sealed"] | over).chunks[at]
        elif what == "padded":
            at, count, piece = words
            one = given["sealed"]
            place = 0 if at == len(chunks) - 1 else at
            chunks[at] = seal_chunk(one["key"], one["svc"], one["log"], place, count, piece)
        else:
            raise AssertionError(what)
    manifest = replace(made.manifest, **given.get("manifest", {}))
    if given["named"]:
        named = [ids.sha256(chunk) for chunk in chunks]
        manifest = replace(manifest, chunks=tuple(named[:-1]), thumbnail=named[-1])
    return manifest, chunks


def _open(given: In) -> bytes:
    manifest, chunks = _edited(given)
    to = given["sealed"] | given.get("reader", {})
    return attachment.open_content(to["svc"], to["log"], manifest, chunks[:-1])


def _open_thumbnail(given: In) -> bytes:
    manifest, chunks = _edited(given)
    return attachment.open_thumbnail(given["sealed"]["svc"], given["sealed"]["log"], manifest, chunks[-1])


ATTACHMENT_OPERATIONS: Final[dict[str, Callable[[In], Any]]] = {
    "chunk_size": lambda given: list(chunk_size(given["size"])),
    "seal_attachment": _seal,
    "open_attachment": _open,
    "open_thumbnail": _open_thumbnail,
    "manifest": lambda given: encode_manifest(decode_manifest(given["content"])),
}
