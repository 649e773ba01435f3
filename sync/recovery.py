"""A side's recovery keys, who holds their shares, and which device may bring files back (docs/spec.md §6.3): the part of a registry that is about recovery.

Pure. Who may sign what is judged in sync/registry.py; when a file is brought back, in sync/membership.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.recovery import Custody, Drill, Permit, drill_bound
from sync.signing import check_receive_key, check_sign_key, verify_bytes


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """A recovery key from its place `seq` on. `cert` is the id of the registry entry that names it."""

    id: bytes
    cert: bytes
    seq: int
    receive: bytes
    sign: bytes


@dataclass(frozen=True, slots=True)
class Permitted:
    """A permit at its place. `by` is the administrator's device; `ended` the place from which on it counts no more."""

    permit: Permit
    seq: int
    by: bytes
    ended: int | None = None

    def holds_at(self, seq: int) -> bool:
        """True in the registry's first `seq` entries; `until` is not looked at."""
        return self.seq <= seq and (self.ended is None or self.ended > seq)

    def covers(self, log: bytes) -> bool:
        """True for a file that it is about."""
        return self.permit.files is None or log in self.permit.files


class Drilled(NamedTuple):
    """A drill at its place, and the device that held it."""

    drill: Drill
    seq: int
    by: bytes


@dataclass(frozen=True, slots=True)
class Recovery:
    """`keys` in order of place, the last is in force. `custody` is about that one."""

    keys: tuple[RecoveryKey, ...]
    custody: Custody | None = None
    permits: tuple[Permitted, ...] = ()
    drills: tuple[Drilled, ...] = ()

    @property
    def key(self) -> RecoveryKey:
        """The one in force."""
        return self.keys[-1]

    def key_at(self, seq: int) -> RecoveryKey:
        """The one in force in the registry's first `seq` entries."""
        return next(key for key in reversed(self.keys) if key.seq <= max(seq, 1))

    def find(self, key_id: bytes) -> RecoveryKey | None:
        """The key of this id, whenever it was in force."""
        return next((key for key in self.keys if key.id == key_id), None)

    def permits_at(self, device: bytes, seq: int) -> Permitted | None:
        """The device's permit that counts at a place."""
        return next((one for one in self.permits if one.permit.device == device and one.holds_at(seq)), None)

    def open_permits(self) -> Iterator[Permitted]:
        """Those that nobody has ended; `until` is not looked at."""
        return (one for one in self.permits if one.ended is None)

    def was_permitted(self, device: bytes, log: bytes) -> bool:
        """True when the device was permitted to bring this file back at some time."""
        return any(one.permit.device == device and one.covers(log) for one in self.permits)

    def without(self, device: bytes, seq: int) -> "Recovery":
        """The device's permit, if it has one, ends at `seq`."""
        permits = tuple(replace(one, ended=seq) if one.permit.device == device and one.ended is None else one for one in self.permits)
        return replace(self, permits=permits)


def recovery_key(receive: bytes, sign: bytes, cert: bytes, seq: int) -> RecoveryKey:
    """A key as it is named at a place. Raises WeakKey."""
    check_receive_key(receive)
    check_sign_key(sign)
    return RecoveryKey(ids.recovery_id(receive), cert, seq, receive, sign)


def renewed(recovery: Recovery, key: RecoveryKey) -> Recovery:
    """`key` is in force; nobody is recorded as holding its shares yet."""
    return replace(recovery, keys=(*recovery.keys, key), custody=None)


def permitted(recovery: Recovery, permit: Permit, seq: int, by: bytes) -> Recovery:
    """With a permit, in the place of an earlier one of that device."""
    ended = recovery.without(permit.device, seq)
    return replace(ended, permits=(*ended.permits, Permitted(permit, seq, by)))


def closed(recovery: Recovery, device: bytes, seq: int) -> Recovery:
    """Without the device's permit. Raises Refused `not-permitted` where it has none."""
    if recovery.permits_at(device, seq - 1) is None:
        raise Refused("not-permitted", "the device has no permit to recover")
    return recovery.without(device, seq)


def drilled(recovery: Recovery, drill: Drill, seq: int, by: bytes, bound: tuple[bytes, bytes, int]) -> Recovery:
    """With a drill of the key in force. `bound` is (svc, registry log, number of the entry). Raises Refused `not-permitted`."""
    svc, log, sq = bound
    if drill.key != recovery.key.id:
        raise Refused("not-permitted", "the drill is of a recovery key that is not in force")
    if not proves(recovery.key, drill.by, drill_bound(svc, log, by, sq)):
        raise Refused("not-permitted", "the recovery key did not sign the drill")
    return replace(recovery, drills=(*recovery.drills, Drilled(drill, seq, by)))


def proves(key: RecoveryKey, by: bytes, bound: bytes) -> bool:
    """True when whoever signed had put together the shares of this key."""
    return verify_bytes(key.sign, by, bound)
