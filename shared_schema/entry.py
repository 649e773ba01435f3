"""Entry: one signed object in a log, an envelope (sealed parts), a statement (plain control fact), an admission (a statement that
carries a held envelope, whose parts are its own), or an expunction (a statement with one sealed part, the stub of what it removes).

Spec: docs/spec.md §2, §3.  Vectors: shared_schema/vectors/entry/.  Checks shape only; whether it may stand in a log is
decided by sync/log.py, sync/registry.py and sync/membership.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from shared_schema import cbor, cose, ids, limits
from shared_schema.errors import Malformed, TooLarge
from shared_schema.shape import as_blob, as_hash, as_id, as_list, as_tuple, as_uint, keys

ENVELOPE: Final = "fieldkeep-envelope"
STATEMENT: Final = "fieldkeep-statement"
ADMISSION: Final = "fieldkeep-admission"
EXPUNCTION: Final = "fieldkeep-expunction"
_LOG_KEYS: Final = keys("log", "sq", "pv", "sn", "ck")
_TYPES: Final = {ENVELOPE: _LOG_KEYS | {"ep"}, STATEMENT: _LOG_KEYS, ADMISSION: _LOG_KEYS, EXPUNCTION: _LOG_KEYS | {"ep"}}
_MOST_BYTES: Final = {
    ENVELOPE: limits.ENTRY_BYTES,
    STATEMENT: limits.ENTRY_BYTES,
    ADMISSION: limits.ENTRY_BYTES + limits.ADMISSION_BYTES,
    EXPUNCTION: limits.EXPUNCTION_BYTES,
}


class Head(NamedTuple):
    """`[incarnation, seq, chain]`: a place in a log."""

    incarnation: bytes
    seq: int
    chain: bytes


class Witness(NamedTuple):
    """`[incarnation, size, root]`: an audit checkpoint."""

    incarnation: bytes
    size: int
    root: bytes


EMPTY_ROOT: Final = ids.sha256(b"")


@dataclass(frozen=True, slots=True)
class Entry:
    """A decoded entry. `epoch` is None for all but an envelope and an expunction; `hashes` are the part hashes of an envelope, of the one that
    an admission carries, whose COSE bytes are `held`, or of an expunction's stub.
    """

    typ: str
    id: bytes
    sign1: cose.Sign1
    cose: bytes
    author: bytes
    svc: bytes
    log: bytes
    sq: int
    pv: bytes | None
    sn: Head
    ck: Witness
    epoch: int | None
    hashes: tuple[bytes, ...]
    parts: tuple[bytes | None, ...]
    held: bytes | None = None

    @property
    def is_envelope(self) -> bool:
        """True for an envelope, False for a statement, an admission or an expunction."""
        return self.typ == ENVELOPE

    @property
    def sealed(self) -> "Entry | None":
        """The envelope whose parts this entry has: itself, or the one that an admission carries; None for a statement."""
        return decode_entry(self.held, self.parts) if self.held is not None else self if self.is_envelope else None


def decode_head(value: object, name: str = "head") -> Head:
    """`[incarnation, seq, chain]`. Raises Malformed."""
    items = as_tuple(value, name, 3)
    return Head(as_id(items[0], name), as_uint(items[1], name), as_hash(items[2], name))


def decode_witness(value: object, name: str = "ck") -> Witness:
    """`[incarnation, size, root]`. Raises Malformed."""
    items = as_tuple(value, name, 3)
    return Witness(as_id(items[0], name), as_uint(items[1], name), as_hash(items[2], name))


def entry_header(
    typ: str, *, author: bytes, svc: bytes, log: bytes, sq: int, pv: bytes | None, sn: Head, ck: Witness, epoch: int | None = None
) -> bytes:
    """The protected header bytes of an entry, ready to be signed and used as additional data when sealing."""
    more: dict[Any, Any] = {"log": log, "sq": sq, "pv": pv, "sn": list(sn), "ck": list(ck)}
    if epoch is not None:
        more["ep"] = epoch
    return cose.protected_header(typ, author, svc, more)


def envelope_payload(parts: Sequence[bytes]) -> bytes:
    """CBOR list of H(part)."""
    return cbor.encode([ids.sha256(part) for part in parts])


def decode_entry(data: bytes, parts: Sequence[bytes | None] = ()) -> Entry:
    """One entry from its COSE bytes and its parts; an absent part (expunged, or not asked for) is None.

    Raises Malformed, or TooLarge beyond 1 MiB or 1,024 parts.
    """
    _check_size(data, parts, max(_MOST_BYTES.values()))
    sign1 = cose.decode_one_of(data, _TYPES, lambda typ: _check_size(data, parts, _MOST_BYTES[typ]))
    header, typ = sign1.header, sign1.header[16]
    pv = header["pv"]
    sq = as_uint(header["sq"], "sq", 1)
    if (pv is None) != (sq == 1):
        raise Malformed("pv is null for sq 1 and for no other")
    held = _held(sign1) if typ == ADMISSION else None
    return Entry(
        typ=typ,
        id=sign1.id,
        sign1=sign1,
        cose=data,
        author=sign1.kid,
        svc=sign1.svc,
        log=as_id(header["log"], "log"),
        sq=sq,
        pv=None if pv is None else as_hash(pv, "pv"),
        sn=decode_head(header["sn"], "sn"),
        ck=decode_witness(header["ck"]),
        epoch=as_uint(header["ep"], "ep", 1, 2**32 - 1) if "ep" in header else None,
        hashes=_check_parts(_listed_hashes(sign1, held), parts),
        parts=tuple(parts),
        held=held,
    )


def _check_size(data: bytes, parts: Sequence[bytes | None], most: int) -> None:
    size = len(data) + sum(len(part) for part in parts if part is not None)
    if size > most or len(parts) > limits.PARTS_PER_ENTRY:
        raise TooLarge(f"entry of {size} B in {len(parts)} parts, want at most {most} B in {limits.PARTS_PER_ENTRY}")


def _held(sign1: cose.Sign1) -> bytes:
    """The COSE bytes inside an admission. What else is in it is judged with the statements (shared_schema/membership.py)."""
    return as_blob(_statement_map(sign1).get("held"), "held")


def _statement_map(sign1: cose.Sign1) -> dict[str, Any]:
    map_ = cbor.decode(sign1.payload, limits.ITEMS_PER_OBJECT)
    if type(map_) is not dict:
        raise Malformed("a statement is a map")
    return map_


def _listed_hashes(sign1: cose.Sign1, held: bytes | None) -> tuple[bytes, ...]:
    """The hashes of the parts that an entry has."""
    if sign1.header[16] == STATEMENT:
        return ()
    if sign1.header[16] == EXPUNCTION:
        return (as_hash(_statement_map(sign1).get("stub"), "stub"),)
    sealed = sign1 if held is None else cose.decode(held, ENVELOPE, _TYPES[ENVELOPE])
    listed = as_list(cbor.decode(sealed.payload, limits.ITEMS_PER_OBJECT), "payload", limits.PARTS_PER_ENTRY)
    if not listed:
        raise Malformed("an envelope lists the hash of each of its parts, at least one")
    return tuple(as_hash(one, "part hash") for one in listed)


def _check_parts(hashes: tuple[bytes, ...], parts: Sequence[bytes | None]) -> tuple[bytes, ...]:
    if len(hashes) != len(parts):
        raise Malformed(f"{len(parts)} parts, want {len(hashes)}")
    for index, (want, part) in enumerate(zip(hashes, parts, strict=True)):
        if part is not None and ids.sha256(part) != want:
            raise Malformed(f"part {index} does not match its hash")
    return hashes


def encode_pair(data: bytes, parts: Sequence[bytes | None]) -> bytes:
    """How an entry travels: CBOR `[COSE bytes, [part or null, ...]]`."""
    return cbor.encode([data, list(parts)])


def decode_pair(value: object) -> Entry:
    """An entry from a decoded `[COSE bytes, [part or null, ...]]`. Raises Malformed or TooLarge."""
    pair = as_tuple(value, "entry", 2)
    listed = as_list(pair[1], "parts")
    if len(listed) > limits.PARTS_PER_ENTRY:
        raise TooLarge(f"entry of {len(listed)} parts, want at most {limits.PARTS_PER_ENTRY}")
    return decode_entry(as_blob(pair[0], "entry"), [None if part is None else as_blob(part, "part") for part in listed])


def decode_entry_alone(data: bytes) -> Entry:
    """An entry from its COSE bytes only, as an auditor has it: parts are taken as absent. Raises Malformed."""
    sign1 = cose.decode_one_of(data, _TYPES)
    held = _held(sign1) if sign1.header[16] == ADMISSION else None
    return decode_entry(data, [None] * len(_listed_hashes(sign1, held)))


def entry_id_of(data: bytes) -> bytes:
    """The entry id of COSE bytes. Raises Malformed."""
    return decode_entry_alone(data).id
