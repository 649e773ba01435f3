"""What the measurements say of each other: which ratio became worse, which went, and why a peer has no figures. No clock is looked at."""

from typing import Any

import pytest

from bench.comparing import NotComparable, compare, report
from bench.figures import Figures
from bench.load import slope
from bench.peers.table import OURS, Row, own_keys, table
from bench.peers.varint import read_varint, varint
from bench.peers.workload import WORKLOADS, key
from bench.scale import FULL, QUICK

PEER = Row("A peer", "1.0", "no", "no")


def run(*, rate: float = 100.0, ms: float = 10.0, peer: bool = True) -> dict[str, Any]:
    """A run in which Fieldkeep makes `rate` and takes `ms`, and everything else stays as it is."""
    return report(figures(rate, ms, peer=peer), [PEER], QUICK, {})


def figures(rate: float, ms: float, *, peer: bool) -> Figures:
    made = Figures()
    made.add("floor", "rows", "1/s", 1000.0)
    made.add("floor", "pull", "ms", 5.0)
    made.add("W1", "pushed", "1/s", rate, floor="floor rows")
    made.add("W3", "pulled", "ms", ms, floor="floor pull")
    for workload, own in own_keys(QUICK.team).items():
        more = workload in ("W1", "W2")
        made.add(workload, own.partition(" ")[2], "1/s" if more else "ms", rate if more else ms)
        if peer:
            made.add("peers", key(PEER.name, workload).removeprefix("peers "), "1/s" if more else "ms", 50.0)
    return made


def test_the_same_is_not_worse() -> None:
    assert list(compare(run(), run())) == []
    assert list(compare(run(), run(rate=80.0, ms=12.0))) == [], "within the tolerance of a quarter"
    assert list(compare(run(), run(rate=1000.0, ms=1.0))) == [], "better is not worse"


def test_a_rate_that_fell_and_a_time_that_grew() -> None:
    slow = list(compare(run(), run(rate=50.0)))
    assert [line.split(": ")[:2] for line in slow] == [["worse", "W1 pushed"], ["worse", "peer W1 A peer"], ["worse", "peer W2 A peer"]]
    late = list(compare(run(), run(ms=20.0)))
    assert [line.split(": ")[1] for line in late] == ["W3 pulled", "peer W3 A peer", "peer W4 A peer", "peer W5 A peer"]
    assert list(compare(run(), run(ms=20.0), tolerance=0.6)) == []


def test_seconds_are_not_compared() -> None:
    """On a machine that is half as fast, everything is: nothing became worse."""
    before, after = figures(100.0, 10.0, peer=True), figures(100.0, 10.0, peer=True)
    for line in after.lines.values():
        line.values = [value * (0.5 if line.unit == "1/s" else 2.0) for value in line.values]
    assert list(compare(report(before, [PEER], QUICK, {}), report(after, [PEER], QUICK, {}))) == []


def test_what_went_is_said() -> None:
    gone = list(compare(run(), run(peer=False)))
    assert [line.partition(",")[0] for line in gone] == [f"gone: peer {workload} A peer" for workload in WORKLOADS]


def test_loads_of_two_sizes() -> None:
    with pytest.raises(NotComparable):
        list(compare(run(), report(figures(100.0, 10.0, peer=True), [PEER], FULL, {})))


def test_a_peer_that_was_not_measured_says_why() -> None:
    rows = [PEER, Row("Another", why_not="npm ci ended with 1: no network")]
    lines = list(table(figures(100.0, 10.0, peer=True), rows, QUICK.team))
    assert lines[4].startswith(f"| {OURS.name} |")
    assert "50.0 (2.00 x)" in lines[5]
    assert "50.0 (5.00 x)" in lines[5], "10 ms beside 50"
    assert "not measured: npm ci ended with 1: no network" in lines[6]


def test_growth() -> None:
    assert slope([(at, 100 + at / 3600) for at in range(60)]) == pytest.approx(1.0)
    assert slope([(0.0, 5.0)]) == 0


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**32])
def test_numbers_of_seven_bits(number: int) -> None:
    data = b"x" + varint(number) + b"y"
    assert read_varint(data, 1) == (number, len(data) - 1)
