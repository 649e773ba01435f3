"""A little of each kind of fuzzing, by count and seed; `make fuzz` does much. What it finds is in docs/faults.md."""

from collections.abc import Iterator

import pytest

from shared_schema.errors import catalogue
from tests.fuzz.decoders import Decoders
from tests.fuzz.differential import Differential
from tests.fuzz.routes import Routes
from tests.fuzz.running import Kind, Summary, run
from tests.vectors.codecs import CODECS
from tests.vectors.operations import OPERATIONS

SEED = 20_261_123


@pytest.fixture(scope="module")
def asked() -> Iterator[Routes]:
    made = Routes()
    yield made
    made.close()


@pytest.fixture(scope="module")
def both() -> Iterator[Differential]:
    made = Differential()
    yield made
    made.close()


def fuzz(kind: Kind, each: int, capsys: pytest.CaptureFixture[str]) -> Summary:
    summary = run(kind, SEED, each=each)
    with capsys.disabled():
        print("\n" + "\n".join(summary.lines()[:3]))
    assert [f"{one.target}: {one.why}" for one in summary.broken] == []
    assert summary.inputs.keys() == set(kind.targets())
    return summary


def test_decoders(capsys: pytest.CaptureFixture[str]) -> None:
    """Each gives a value that is written as the same bytes, or its typed error; in little time and memory."""
    summary = fuzz(Decoders(), 5, capsys)
    assert summary.reached["malformed"] > 100


def test_differential(both: Differential, capsys: pytest.CaptureFixture[str]) -> None:
    """Python and TypeScript take the same bytes for the same value, and refuse all others with the same code."""
    assert set(both.second.knows["codecs"]) == CODECS.keys()
    assert set(both.second.knows["ops"]) == OPERATIONS.keys()
    summary = fuzz(both, 5, capsys)
    assert summary.reached.keys() - {""} <= catalogue().keys()
    assert summary.reached[""] > 20


def test_routes(asked: Routes, capsys: pytest.CaptureFixture[str]) -> None:
    """Every answer is typed, nothing that is refused changes anything, and nothing of it is in a log."""
    summary = fuzz(asked, 16, capsys)
    assert {"malformed", "no-such-route", "request-refused", "no-such-method"} <= summary.reached.keys()
    assert summary.reached[""] > 20
