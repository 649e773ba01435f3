"""Who works on a case: the one record that says so."""

from collections.abc import Mapping
from typing import Any

from sync.device.across.cases import plain
from sync.device.recording import records
from sync.device.session import Session


def allocation(session: Session, log: bytes) -> tuple[bytes, dict[str, Any]] | None:
    """The record that says who works on a case, and its values: the first in the log, if there is one."""
    found = session.store.records(log, "allocation")
    return (found[0][0], plain(records.values(session, log, found[0][0]))) if found else None


def allocate(session: Session, log: bytes, values: Mapping[str, Any]) -> None:
    """Change the record that says who works on a case, or begin it."""
    found = allocation(session, log)
    if found is None:
        records.add(session, log, "allocation", values)
    elif changed := {name: value for name, value in values.items() if found[1].get(name) != value}:
        records.edit(session, log, found[0], changed)
