"""Chunks of attachments on the wire: their sizes, and what a device claims for the parts that name them (docs/spec.md §18).

Vectors: shared_schema/vectors/attachment/. What a chunk holds is sync/attachment.py's; a server needs this alone. Refuses a chunk of another size than
the four there are, and a claim of no chunk, of one twice, or of a part twice.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from shared_schema import cbor, limits
from shared_schema.errors import Malformed, TooLarge
from shared_schema.shape import as_hash, as_list, as_tuple, versioned

THUMBNAIL: Final = 32_768
SIZES: Final = (THUMBNAIL, 65_536, 262_144, limits.CHUNK_BYTES)
_MOST: Final = limits.ATTACHMENT_CHUNKS + 1


class Claim(NamedTuple):
    """A part, by its hash, and the ids of the chunks that the record in it names."""

    part: bytes
    chunks: tuple[bytes, ...]


def check_chunk(data: bytes) -> None:
    """Raises TooLarge or Malformed for what cannot be a sealed chunk."""
    if len(data) > limits.CHUNK_BYTES:
        raise TooLarge(f"a chunk of {len(data)} B, want at most {limits.CHUNK_BYTES}")
    if len(data) not in SIZES:
        raise Malformed(f"a chunk of {len(data)} B, want one of {', '.join(map(str, SIZES))}")


def encode_claims(claims: Iterable[Claim]) -> bytes:
    """The body of `POST /v1/chunks/{log}`."""
    return cbor.encode({"v": 1, "claims": [[claim.part, list(claim.chunks)] for claim in claims]})


def decode_claims(data: bytes) -> tuple[Claim, ...]:
    """Parse claims. Raises Malformed or TooLarge."""
    listed = as_list(versioned(cbor.decode(data), "claims", "claims")["claims"], "claims")
    if len(listed) > limits.CLAIMS_PER_REQUEST:
        raise TooLarge(f"{len(listed)} claims, want at most {limits.CLAIMS_PER_REQUEST}")
    claims = tuple(_claim(item) for item in listed)
    if not claims or len({claim.part for claim in claims}) != len(claims):
        raise Malformed("want one claim at least, and one of each part")
    return claims


def _claim(value: object) -> Claim:
    items = as_tuple(value, "claim", 2)
    part, listed = as_hash(items[0], "part"), as_list(items[1], "chunks")
    if len(listed) > _MOST:
        raise TooLarge(f"{len(listed)} chunks in one claim, want at most {_MOST}")
    chunks = tuple(as_hash(item, "chunk") for item in listed)
    if not chunks or len(set(chunks)) != len(chunks):
        raise Malformed("a claim names one chunk at least, and none twice")
    return Claim(part, chunks)


def encode_claimed(missing: Sequence[bytes]) -> bytes:
    """The answer: which of the chunks are not there."""
    return cbor.encode({"v": 1, "missing": list(missing)})


def decode_claimed(data: bytes) -> tuple[bytes, ...]:
    """Parse the answer. Raises Malformed."""
    map_ = versioned(cbor.decode(data), "claimed", "missing")
    return tuple(as_hash(item, "chunk") for item in as_list(map_["missing"], "missing", limits.CLAIMS_PER_REQUEST * _MOST))


def encode_kept() -> bytes:
    """The answer to a chunk that is durable."""
    return cbor.encode({"v": 1})
