"""Danger now: the telephone first, then the record, then both sides' desks, ahead of every queue (docs/spec.md §15.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema import cbor, ids
from shared_schema.errors import Refused
from shared_schema.limits import UNACKNOWLEDGED_MS
from sync.change import Op
from sync.device.across import cases, instructions, posting
from sync.device.recording import records
from sync.device.recording.fitting import own_rows
from sync.device.recording.values import check_row
from sync.device.session import Session

NUMBERS: Final = ("emergency_999", "duty_desk", "coordinator", "offender_manager", "mental_health_crisis", "childrens_duty")
_NUMBERS: Final = "urgent-numbers"  # the fact that holds whom to ring: kept here, so that it works without a signal for data
_TYPE: Final = "urgent_alert"


@dataclass(frozen=True, slots=True)
class Alert:
    """One urgent alert, as its file has it."""

    log: bytes
    record: bytes
    by: bytes
    at_ms: int
    values: Mapping[str, Any]

    @property
    def acknowledged(self) -> bool:
        """Somebody at a desk has it."""
        return bool(self.values.get("acknowledged"))

    @property
    def open(self) -> bool:
        """Nobody has stood it down."""
        return not self.values.get("stood_down")

    def overdue(self, now_ms: int) -> bool:
        """Ten minutes without an acknowledgement: ring the next number."""
        return self.open and not self.acknowledged and now_ms - self.at_ms > UNACKNOWLEDGED_MS


def numbers(session: Session) -> dict[str, str]:
    """Whom to ring, in order; 999 always."""
    raw = session.store.fact(_NUMBERS)
    known: dict[str, str] = {} if raw is None else cbor.decode(raw)
    return {name: known.get(name, "999" if name == "emergency_999" else "") for name in NUMBERS if name in known or name == "emergency_999"}


def set_number(session: Session, name: str, number: str) -> None:
    """Keep a number on this device. Raises Refused for a name that is none."""
    if name not in NUMBERS:
        raise Refused("bad-value", f"known: {', '.join(NUMBERS)}")
    session.store.set_fact(_NUMBERS, cbor.encode({**{one: text for one, text in numbers(session).items() if text}, name: number}))


def raise_alert(session: Session, log: bytes, values: Mapping[str, Any]) -> bytes:
    """Record an alert in a file and write to the other side's desk, in one step; works without a connection. Returns the record's id."""
    found = cases.liaison_of(session, log)
    with session.store.transaction():
        record = records.add(session, log, _TYPE, values)
        posting.post(session, log, _TYPE, {**values, **({"case": ids.show(found[1])} if found else {})})  # it waits for a desk that is not known yet
    return record


def now(session: Session) -> dict[str, str]:
    """The minute, by the server's clock as this device last heard it."""
    at = datetime.fromtimestamp((session.now_ms() + session.clock_offset()) / 1000, UTC)
    return {"at": at.strftime("%Y-%m-%dT%H:%M"), "precision": "minute"}


def alerts(session: Session) -> list[Alert]:
    """All alerts on this device, in order of file and time; of several records of one parcel the first."""
    found: list[Alert] = []
    seen: set[str] = set()
    for log in session.file_logs():
        for record, _ in session.store.records(log, _TYPE):
            made = session.record(log, record)
            values = _values(session, log, record)
            parcel = str(values.get("parcel", ids.show(record)))
            if parcel not in seen:
                seen.add(parcel)
                change = session.occurrence(session.store.changes_of(log, record)[0])
                found.append(Alert(log, record, made.creator_user, change.change.at, values))
    return found


def _values(session: Session, log: bytes, record_id: bytes) -> dict[str, Any]:
    """Effective values; of what people did those rows that are by whom they name, and nobody stands down what they raised themselves."""
    record, found = session.record(log, record_id), cases.values_of(session, log, record_id)
    rows = {name: own_rows(record, name) for name in ("acknowledged", "stood_down")}
    filed = session.require_file(log).file == "intake" and "parcel" in record.registers  # also when the letter's words are gone
    if not filed:
        rows["stood_down"] = [(user, row) for user, row in rows["stood_down"] if user != record.creator_user]
    return found | {name: [row for _, row in kept] for name, kept in rows.items() if name in found}


def call(session: Session, alert: Alert, row: Mapping[str, Any]) -> None:
    """Add a call that was made."""
    _add(session, alert, "calls", row)


def acknowledge(session: Session, alert: Alert, how: str) -> None:
    """Say that a desk has it. On the victim side the case hears so, in constant words."""
    row = {"by": ids.show(session.identity.user), "at": now(session), "how": how}
    with session.store.transaction():
        _add(session, alert, "acknowledged", row)
        case = alert.values.get("case")
        if isinstance(case, str) and session.identity.side == "victim" and posting.address_keys(session, ids.parse(case)):
            instructions.acknowledge(session, alert.log, case)


def stand_down(session: Session, alert: Alert, why: str) -> None:
    """End an alert. Raises Refused for whoever raised it: another person has to."""
    if alert.by == session.identity.user and "parcel" not in alert.values:
        raise Refused("not-permitted", "whoever raised an alert does not stand it down: a colleague does")
    if not alert.open:
        raise Refused("not-permitted", "it is stood down already")
    _add(session, alert, "stood_down", {"by": ids.show(session.identity.user), "at": now(session), "why": why})


def _add(session: Session, alert: Alert, name: str, row: Mapping[str, Any]) -> None:
    check_row(_TYPE, name, dict(row))
    records.write(session, alert.log, alert.record, _TYPE, [Op(name, "add", dict(row), ())])
