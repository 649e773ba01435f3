"""How much of this process's work one device may ask for: what it took is owed, and who owes too much waits (a token bucket).

Sides share one interpreter. Without this, one device that asks for all it may would slow every other device down, those of other sides too. What people do
stays far below: pushing or fetching ten thousand notes takes a fraction of a second of work.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

_BYTE_S: Final = 3e-9  # to take a body from the network and put it together; measured on loopback
_LONGEST_S: Final = 20.0  # that one request waits, below what clients wait for an answer
_MANY: Final = 10_000


class _Debt(NamedTuple):
    seconds: float
    at: float


class _Charging:
    """A block whose time is owed."""

    __slots__ = ("_before", "_charge", "_device", "_spent")

    def __init__(self, charge: Callable[[bytes, float], None], device: bytes, spent: Callable[[], float]) -> None:
        self._charge, self._device, self._spent = charge, device, spent

    def __enter__(self) -> None:
        self._before = self._spent()

    def __exit__(self, *_: object) -> None:
        self._charge(self._device, self._spent() - self._before)


class Pace:
    """The debts of one side's devices. Any thread may charge."""

    def __init__(
        self, burst_s: float, share: float, now: Callable[[], float] = time.monotonic, spent: Callable[[], float] = time.thread_time
    ) -> None:
        """Up to `burst_s` is owed before anybody waits; `share` of each second is forgiven. `now` and `spent` are seconds: of a clock that never goes back,
        and of the calling thread's processor time.
        """
        self._burst_s, self._share, self._now, self._spent = burst_s, share, now, spent
        self._debts: dict[bytes, _Debt] = {}

    def charging(self, device: bytes) -> AbstractContextManager[None]:
        """The device owes the processor time that the block takes in this thread. The block must not give way to another."""
        return _Charging(self.charge, device, self._spent)

    def charge_body(self, device: bytes, size: int) -> None:
        """The device owes what a body of so many bytes took."""
        self.charge(device, size * _BYTE_S)

    def wait_s(self, device: bytes) -> float:
        """For how long the device's next request has to wait: until no more than the burst is owed, or the longest that any waits."""
        return max(0.0, min((self._owed(device) - self._burst_s) / self._share, _LONGEST_S))

    async def wait(self, device: bytes) -> None:
        """Wait for that long."""
        if (seconds := self.wait_s(device)) > 0:
            await asyncio.sleep(seconds)

    def _owed(self, device: bytes) -> float:
        debt = self._debts.get(device)
        return 0.0 if debt is None else max(0.0, debt.seconds - self._share * (self._now() - debt.at))

    def charge(self, device: bytes, seconds: float) -> None:
        """The device owes so much more."""
        if len(self._debts) >= _MANY:
            self._debts = {one: debt for one, debt in list(self._debts.items()) if self._owed(one) > 0}
        self._debts[device] = _Debt(self._owed(device) + seconds, self._now())
