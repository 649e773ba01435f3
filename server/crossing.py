"""The one place that sees two sides: what a side may know of the other's board, and the carrying of parcels (docs/spec.md §15).

Nothing here is written in one transaction for both, and no side's answer depends on what the other does with a parcel.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from server import parcel_store, parcels
from server.realm import Job, Realm
from server.store import read
from shared_schema.errors import Refused
from shared_schema.ids import Side
from shared_schema.parcel import week_of
from sync.parcel import OTHER

_AT_ONCE: Final = 64
_AGAIN_SECONDS: Final = 30.0


class Crossing:
    """The two working sides of one server."""

    def __init__(self, realms: Mapping[Side, Realm]) -> None:
        self._realms = realms

    def other(self, side: Side) -> Realm:
        """The other working side's realm. Raises Refused `no-such-file` for a side that has none."""
        if side not in OTHER:
            raise Refused("no-such-file")
        return self._realms[OTHER[side]]

    def has(self, side: Side, address: bytes) -> bool:
        """True when a device of `side` may send to this address."""
        return address in self.other(side).board.logs

    def intake_key(self, side: Side, address: bytes, now_ms: int) -> bytes:
        """The present week's key of an address of the other side. Raises Refused `no-such-file`."""
        realm = self.other(side)
        log = realm.board.logs.get(address, address)  # of an address that there is not the same is asked: no file is called as an address is
        found = read(realm.engine, lambda tx: parcel_store.intake_key(tx, log, week_of(now_ms)))
        if found is None:
            raise Refused("no-such-file")
        return found

    def desk(self, side: Side, now_ms: int) -> tuple[bytes, bytes]:
        """(gate, present week's key) of the other side's desk. Raises Refused `no-such-file`."""
        gate = self.other(side).board.gate(week_of(now_ms))
        if gate is None:
            raise Refused("no-such-file")
        return gate[1], self.intake_key(side, gate[0].address, now_ms)

    def waits(self, side: Side) -> bool:
        """True while one of the two sides is not served: what is taken waits, and whoever sent it sees nothing of that."""
        return self._realms[side].regressed or self.other(side).regressed

    def waiting(self, side: Side) -> list[parcel_store.Waiting]:
        """What this side has taken and the other does not have yet."""
        return read(self._realms[side].engine, lambda tx: parcel_store.waiting(tx, _AT_ONCE))

    def into(self, side: Side, waiting: parcel_store.Waiting) -> Job:
        """The job, in the other side's writer, that takes a parcel in."""
        other = self.other(side)
        return lambda commit: parcels.receive(commit, other.board, waiting)  # the board as it is then

    @staticmethod
    def done(waiting: parcel_store.Waiting) -> Job:
        """The job, in the sender's side's writer, that lets a parcel's bytes go."""
        return lambda commit: parcels.carried(commit, waiting)

    def carry(self, side: Side) -> int:
        """Carry what waits, in the calling thread: for tests and simulation. Returns how many."""
        found = self.waiting(side)
        for waiting in found:
            self.other(side).transact([self.into(side, waiting)])
            self._realms[side].transact([self.done(waiting)])
        return len(found)


class Carrier:
    """Carries what one side has taken to the other side: at once, and every half minute what could not be carried before."""

    def __init__(self, crossing: Crossing, side: Side, do: Callable[[Side, Job], Awaitable[object]]) -> None:
        self._crossing, self._side, self._do = crossing, side, do
        self._wake = asyncio.Event()
        self.failing = ""
        """What the newest attempt ended with; empty while all is well."""

    def wake(self) -> None:
        """Something waits."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._carry()
                self.failing = ""
            except Exception as error:  # what could not be carried stays where it is, and is tried again
                self.failing = type(error).__name__
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _AGAIN_SECONDS)
            self._wake.clear()

    async def _carry(self) -> None:
        """Each parcel into the other side first, then out of this one: a crash between the two does the first again, which changes nothing."""
        while not self._crossing.waits(self._side) and (found := await asyncio.to_thread(self._crossing.waiting, self._side)):
            for waiting in found:
                await self._do(OTHER[self._side], self._crossing.into(self._side, waiting))
                await self._do(self._side, self._crossing.done(waiting))
