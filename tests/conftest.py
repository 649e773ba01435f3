"""Fixtures that several folders share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Live

os.environ["FIELDKEEP_APP"] = "none"  # whether the field app was built beside is nothing to these tests


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A real server on real sockets with a service, and nobody enrolled but the administrators."""
    world = Live(tmp_path)
    try:
        yield world
    finally:
        world.close()
