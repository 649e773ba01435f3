"""Fixtures that several folders share."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import database
from tests.live import Live

os.environ["FIELDKEEP_APP"] = "none"  # whether the field app was built beside is nothing to these tests


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database postgresql`: the same tests, on the other engine."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite", help="what servers keep their data in")


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL server for the whole run, also where it has several workers."""
    if config.getoption("--database") == "postgresql" and not database.is_postgresql():
        running = ExitStack()
        running.enter_context(database.postgresql(database.new_folder()))
        config.add_cleanup(running.close)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A real server on real sockets with a service, and nobody enrolled but the administrators."""
    world = Live(tmp_path)
    try:
        yield world
    finally:
        world.close()
