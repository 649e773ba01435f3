"""An office with people and a case, as several stories begin."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shell import new_service


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Any]:
    """Ruth coordinates, Sam and Priya visit; Sam has a case that all three are in."""
    with new_service(tmp_path) as made:
        shell: Any = made
        for name, role in (("Ruth", "coordinator"), ("Sam", "navigator"), ("Priya", "navigator")):
            shell.enrol(name, role)
        shell.sync("sam", "priya")
        shell.case = shell.run("sam", "file", "create", "case", "--member", "Priya=navigator", "--member", "Ruth=coordinator")["file"]
        shell.sync("sam", "ruth", "priya")
        yield shell
