"""What a worker paid with their own money: a task in the fund says that it is to be paid back (docs/spec.md §8)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared_schema import ids
from sync.device.recording import records
from sync.device.session import Session
from sync.fold import Record, show
from sync.ledger import HOLDER, Spend, pounds

REPAY_DAYS: Final = 14


def ask_back(session: Session, log: bytes, line: bytes, spend_id: str, amount: int) -> bytes:
    """Put a task into the fund: pay back what somebody paid with their own money. It names no person, for everybody who spends reads it."""
    day = datetime.fromtimestamp(session.now_ms() / 1000, UTC).date() + timedelta(days=REPAY_DAYS)
    values: dict[str, Any] = {
        "what": f"Pay back {pounds(amount)} of own money: spend {spend_id[:8]}", "due": day.isoformat(), "from": ids.show(line), "task_state": "open",
    }  # fmt: skip
    holders = sorted(user for user, role in session.require_file(log).members.items() if role == HOLDER and user != session.identity.user)
    return records.add(session, log, "task", values | ({"owner": ids.show(holders[0])} if holders else {}))


def waiting(session: Session, log: bytes, line: bytes) -> list[Record]:
    """The open tasks that came from one line of a fund."""
    found = [session.record(log, record) for record, _ in session.store.records(log, "task")]
    return [
        record
        for record in found
        if not record.hidden and _says(session, record, "from") == ids.show(line) and _says(session, record, "task_state") == "open"
    ]


def drop(session: Session, log: bytes, spend: Spend) -> None:
    """Nothing is to be paid back to whoever spent it any more: the task is dropped."""
    for task in waiting(session, log, spend.line):
        records.edit(session, log, task.id, {"task_state": "dropped"})


def _says(session: Session, record: Record, name: str) -> Any:
    found = show(record, session.types).get(name)
    return None if found is None else records.said_of(found.value)
