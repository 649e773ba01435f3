"""What devices say of themselves when they sync: kept in memory until the next transaction, for a sync that brings nothing new writes nothing."""

from collections.abc import Iterable
from typing import Any

from shared_schema import cbor
from shared_schema.devices import Heard
from shared_schema.wire import Status, decode_status, status_map

Rows = Iterable[tuple[bytes, int, bytes]]
"""(device, when, what it said), as the database has them."""


class Hearing:
    """One side's. `heard` has the newest of each device that this process knows of."""

    def __init__(self, rows: Rows = ()) -> None:
        self.heard = _by_device(rows)
        self._unwritten: set[bytes] = set()

    def hear(self, device: bytes, now_ms: int, status: Status) -> None:
        """Keep it for the next transaction."""
        self.heard[device] = Heard(device, now_ms, status)
        self._unwritten.add(device)

    def waits_since(self, ms: int) -> bool:
        """Whether something was heard that long ago and is not written yet."""
        return any(self.heard[device].heard_ms <= ms for device in self._unwritten.copy())

    def take(self) -> dict[bytes, dict[str, Any]]:
        """The rows of what was heard since the last transaction."""
        noted = self._unwritten.copy()
        self._unwritten -= noted  # before it is read: what comes meanwhile is written with the next one
        return {device: _row(self.heard[device]) for device in noted}

    def again(self) -> None:
        """The transaction failed: all of it is written with the next."""
        self._unwritten |= self.heard.keys()

    def newest(self, rows: Rows) -> list[Heard]:
        """The newest of each device, of what is here and what other processes wrote."""
        found = _by_device(rows)
        for device, one in list(self.heard.items()):
            if device not in found or found[device].heard_ms < one.heard_ms:
                found[device] = one
        return list(found.values())


def _by_device(rows: Rows) -> dict[bytes, Heard]:
    return {device: Heard(device, seen_ms, decode_status(cbor.decode(said))) for device, seen_ms, said in rows}


def _row(one: Heard) -> dict[str, Any]:
    return {"device_id": one.device, "seen_ms": one.heard_ms, "status": cbor.encode(status_map(one.status))}
