"""A service with an office, and phones of the field app that are enrolled there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.field_app.phone import Phone
from tests.shell import Shell, new_service

Enrol = Callable[..., Phone]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Shell]:
    """Ruth, a coordinator, and the administrators."""
    with new_service(tmp_path) as made:
        made.enrol("Ruth", "coordinator")
        yield made


@pytest.fixture
def enrolled(office: Shell) -> Iterator[Enrol]:
    """Enrols a phone for somebody."""
    with ExitStack() as stack:

        def enrol(name: str, *roles: str, side: str = "perpetrator", shell: Shell = office) -> Phone:
            phone = stack.enter_context(Phone(shell.address))
            words = [word for role in roles for word in ("--role", role)]
            code = shell.run(f"office/{side}-administrator", "invite", "--name", name, *words)["code"]
            phone.do("enrol", code=code, label=f"{name}'s phone")
            return phone

        yield enrol


@pytest.fixture
def phone(enrolled: Enrol) -> Phone:
    """Sam's, a navigator's."""
    return enrolled("Sam", "navigator")
