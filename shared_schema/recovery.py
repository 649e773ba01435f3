"""Registry statements about recovery: renew, custody, permit, close, drill; and what a recovery key signs.

Spec: docs/spec.md §6.3.  Vectors: shared_schema/vectors/registry/.  Shape only; standing is judged in sync/registry.py.
"""

from dataclasses import dataclass
from typing import Any, Final

from shared_schema import ids
from shared_schema.errors import Malformed
from shared_schema.shape import as_bytes, as_id, as_list, as_map, as_text, as_uint, keys

RECEIVE_BYTES: Final = 1216  # X-Wing public key: ML-KEM-768 1,184 then X25519 32
PERMIT_REASONS: Final = ("died", "left", "devices_lost", "locked_out", "other")
SHARES: Final = (2, 16)  # the fewest that open, the most that there are


@dataclass(frozen=True, slots=True)
class Renew:
    """A fresh recovery key: X-Wing (1,216 bytes) and Ed25519 (32)."""

    recovery: bytes
    recovery_sign: bytes


@dataclass(frozen=True, slots=True)
class Custody:
    """Who holds the shares of the recovery key in force, one name a share; `threshold` of them open it."""

    threshold: int
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Permit:
    """A device may recover files until `until` (ms): those of `files`, or with None all that nobody holds any more."""

    device: bytes
    files: tuple[bytes, ...] | None
    reason: str
    until: int


@dataclass(frozen=True, slots=True)
class Close:
    """A device's permit is over."""

    device: bytes


@dataclass(frozen=True, slots=True)
class Drill:
    """The shares of recovery key `key` (its id) were put together, and opened `opened` of `files` files. `by` is its signature."""

    key: bytes
    files: int
    opened: int
    by: bytes


RecoveryStatement = Renew | Custody | Permit | Close | Drill


def drill_bound(svc: bytes, log: bytes, device: bytes, sq: int) -> bytes:
    """What a recovery key signs in a drill: entry number `sq` of a device in its registry."""
    return ids.label("drill") + svc + log + device + sq.to_bytes(8, "big")


def recover_bound(svc: bytes, log: bytes, device: bytes, previous: bytes) -> bytes:
    """What a recovery key signs for a device that brings back a file, after its statement `previous`."""
    return ids.label("recover") + svc + log + device + previous


def recovery_map(statement: RecoveryStatement) -> dict[str, Any]:
    """The payload's map."""
    match statement:
        case Renew():
            return {"kind": "renew", "recovery": statement.recovery, "recovery_sign": statement.recovery_sign}
        case Custody():
            return {"kind": "custody", "threshold": statement.threshold, "holders": list(statement.holders)}
        case Permit():
            files = None if statement.files is None else list(statement.files)
            return {"kind": "permit", "device": statement.device, "files": files, "reason": statement.reason, "until": statement.until}
        case Close():
            return {"kind": "close", "device": statement.device}
        case Drill():
            return {"kind": "drill", "key": statement.key, "files": statement.files, "opened": statement.opened, "by": statement.by}


def renew(value: dict[str, Any]) -> Renew:
    """Raises Malformed."""
    map_ = as_map(value, "renew", keys("kind", "recovery", "recovery_sign"))
    return Renew(as_bytes(map_["recovery"], RECEIVE_BYTES, "recovery"), as_bytes(map_["recovery_sign"], 32, "recovery_sign"))


def custody(value: dict[str, Any]) -> Custody:
    """Raises Malformed."""
    map_ = as_map(value, "custody", keys("kind", "threshold", "holders"))
    holders = tuple(as_text(name, "holder") for name in as_list(map_["holders"], "holders", SHARES[1]))
    if len(holders) < SHARES[0]:
        raise Malformed(f"a recovery key has at least {SHARES[0]} shares")
    return Custody(as_uint(map_["threshold"], "threshold", SHARES[0], len(holders)), holders)


def permit(value: dict[str, Any]) -> Permit:
    """Raises Malformed."""
    map_ = as_map(value, "permit", keys("kind", "device", "files", "reason", "until"))
    files = None if map_["files"] is None else tuple(as_id(log, "file") for log in as_list(map_["files"], "files"))
    if files is not None and (not files or list(files) != sorted(set(files))):
        raise Malformed("files are not a rising list of at least one")
    if map_["reason"] not in PERMIT_REASONS:
        raise Malformed("reason is none of the known ones")
    return Permit(as_id(map_["device"], "device"), files, map_["reason"], as_uint(map_["until"], "until"))


def close(value: dict[str, Any]) -> Close:
    """Raises Malformed."""
    return Close(as_id(as_map(value, "close", keys("kind", "device"))["device"], "device"))


def drill(value: dict[str, Any]) -> Drill:
    """Raises Malformed."""
    map_ = as_map(value, "drill", keys("kind", "key", "files", "opened", "by"))
    files = as_uint(map_["files"], "files")
    return Drill(as_id(map_["key"], "key"), files, as_uint(map_["opened"], "opened", 0, files), as_bytes(map_["by"], 64, "by"))
