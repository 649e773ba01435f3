"""Typed ids, labels and the few hashes that name things (docs/spec.md §1-§3, §5).

Ids are 16 bytes, entry ids and chains 32. Text form of an id is a lower-case UUID. Pure.
"""

import hashlib
import uuid
from functools import lru_cache
from typing import Final, Literal, NewType

from shared_schema.errors import Malformed

ServiceId = NewType("ServiceId", bytes)
LogId = NewType("LogId", bytes)
DeviceId = NewType("DeviceId", bytes)
UserId = NewType("UserId", bytes)
KeyId = NewType("KeyId", bytes)
RecordId = NewType("RecordId", bytes)
IncarnationId = NewType("IncarnationId", bytes)
EntryId = NewType("EntryId", bytes)
Chain = NewType("Chain", bytes)
Seq = NewType("Seq", int)
Epoch = NewType("Epoch", int)
Millis = NewType("Millis", int)

Side = Literal["perpetrator", "victim", "oversight"]
SIDES: Final[tuple[Side, ...]] = ("perpetrator", "victim", "oversight")


def label(name: str) -> bytes:
    """L(name): the domain-separation prefix."""
    return b"fieldkeep/v1/" + name.encode() + b"\0"


def sha256(data: bytes) -> bytes:
    """H(data), 32 bytes."""
    return hashlib.sha256(data).digest()


_LOG, _CHAIN, _RECORD = label("log"), label("chain"), label("record")


def chain_start(log: bytes) -> Chain:
    """chain[0] of a log."""
    return Chain(sha256(_LOG + log))


def chain_next(previous: bytes, seq: int, received_ms: int, entry_id: bytes) -> Chain:
    """chain[n] from chain[n-1], the place, the time of receipt and the entry id."""
    return Chain(sha256(_CHAIN + previous + seq.to_bytes(8, "big") + received_ms.to_bytes(8, "big") + entry_id))


@lru_cache(maxsize=64)
def registry_log(svc: bytes, side: str) -> LogId:
    """The id of a side's registry."""
    return LogId(sha256(label("registry") + svc + side.encode())[:16])


def file_log(svc: bytes, creator: bytes, nonce: bytes) -> LogId:
    """The id of a file, fixed by its genesis."""
    return LogId(sha256(label("file") + svc + creator + nonce)[:16])


def record_id(log: bytes, device: bytes, counter: int) -> RecordId:
    """The id of the record that change `counter` of `device` creates in `log`."""
    return RecordId(sha256(_RECORD + log + device + counter.to_bytes(8, "big"))[:16])


def fingerprint(authority_key: bytes) -> bytes:
    """What a device pins: 32 bytes over the authority's public key."""
    return sha256(label("authority") + authority_key)


def authority_id(key: bytes) -> KeyId:
    """`kid` of what the authority signs."""
    return KeyId(fingerprint(key)[:16])


def server_key_id(key: bytes) -> KeyId:
    """`kid` of receipts, heads and verdicts."""
    return KeyId(sha256(label("server-key") + key)[:16])


def recovery_id(key: bytes) -> KeyId:
    """The recipient id of a side's recovery key in grants."""
    return KeyId(sha256(label("recovery") + key)[:16])


@lru_cache(maxsize=4096)
def show(identifier: bytes) -> str:
    """UUID text of a 16-byte id."""
    return str(uuid.UUID(bytes=bytes(identifier)))


@lru_cache(maxsize=4096)
def parse(text: str) -> bytes:
    """16 bytes from UUID text in its canonical form only. Raises Malformed."""
    try:
        value = uuid.UUID(text)
    except ValueError:
        raise Malformed("not a UUID") from None
    if str(value) != text:
        raise Malformed("UUID not in lower-case canonical form")
    return value.bytes


def side(text: object) -> Side:
    """One of the three sides. Raises Malformed."""
    if text not in SIDES:
        raise Malformed("side is none of perpetrator, victim, oversight")
    return text
