"""Whoever has taken more of the process than their share waits, and nobody else does, of the same side or another."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import server.pace
from server.pace import Pace
from shared_schema import limits
from shared_schema.wire import SyncRequest, encode_request
from tests.wall.cast import Cast, new_cast

DEVICE, OTHER = b"a", b"b"
SYNC = encode_request(SyncRequest())


class Clocks:
    """Time, and what each look at the thread's own time adds to it."""

    def __init__(self) -> None:
        self.now = self.spent = 0.0
        self.each = 0.0

    def look(self) -> float:
        self.spent += self.each
        return self.spent

    def pace(self) -> Pace:
        return Pace(2.0, 0.1, lambda: self.now, self.look)


def test_a_burst_is_free_and_what_is_more_is_waited_for() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    clocks.each = 1.5
    with pace.charging(DEVICE):
        pass
    assert pace.wait_s(DEVICE) == 0
    with pytest.raises(ValueError, match="no"), pace.charging(DEVICE):
        raise ValueError("no")
    assert pace.wait_s(DEVICE) == pytest.approx((3.0 - 2.0) / 0.1)
    assert pace.wait_s(OTHER) == 0
    clocks.now += 4.0
    assert pace.wait_s(DEVICE) == pytest.approx(6.0), "it is forgiven a tenth of each second"
    clocks.now += 1000.0
    assert pace.wait_s(DEVICE) == 0
    with pace.charging(DEVICE):
        pass
    assert pace.wait_s(DEVICE) == 0, "what was long ago is owed no more, and nothing is saved up"


def test_nobody_waits_without_end() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    clocks.each = 1e6
    with pace.charging(DEVICE):
        pass
    assert pace.wait_s(DEVICE) == 20


def test_a_body_costs_by_its_size() -> None:
    pace = Clocks().pace()
    for _ in range(200):
        pace.charge_body(DEVICE, limits.REQUEST_BYTES)
    assert pace.wait_s(DEVICE) > 0


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.pace, "_MANY", 10)
    clocks = Clocks()
    pace = clocks.pace()
    for n in range(100):
        pace.charge_body(bytes([n]), 1000)
        clocks.now += 1.0
    assert len(pace._debts) <= 10


@pytest.fixture
def cast(tmp_path: Path) -> Iterator[Cast]:
    with new_cast(tmp_path) as found:
        yield found


def test_only_whoever_owes_waits(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def wait(seconds: float, *more: Any) -> None:
        waited.append(seconds)
        await sleep(0, *more)

    monkeypatch.setattr(server.pace, "asyncio", type("Asyncio", (), {"sleep": staticmethod(wait)}))
    sides = cast.run.service.sides
    for running in sides.values():
        running.pace = Pace(1.0, 0.1)
    nav = cast.people["nav"].session.identity.device
    assert cast.ask("nav", "POST", "/v1/sync", SYNC).status_code == 200
    assert waited == []
    assert sides["perpetrator"].pace._owed(nav) > 0, "its request was counted"
    sides["perpetrator"].pace.charge_body(nav, 10**9)
    for who in ("coo", "jo", "lin"):
        assert cast.ask(who, "POST", "/v1/sync", SYNC).status_code == 200
    assert waited == []
    assert cast.ask("nav", "POST", "/v1/sync", SYNC).status_code == 200
    assert [seconds > 15 for seconds in waited] == [True]


def test_what_is_refused_is_counted_too(cast: Cast) -> None:
    pace = cast.run.service.sides["perpetrator"].pace = Pace(1.0, 1e-6)
    nav = cast.people["nav"].session.identity.device
    assert cast.ask("nav", "POST", "/v1/sync", b"\x81" * 100_000).status_code == 400
    assert pace._owed(nav) > 100_000 * 3e-9
