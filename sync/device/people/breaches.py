"""What went wrong, on the desk's record: a lost phone, a spill. Seventy-two hours in which to decide whether the regulator is told (UK GDPR, article 33)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared_schema import ids
from shared_schema.certificate import Revoke, Suspend
from shared_schema.entry import decode_entry
from shared_schema.errors import Refused
from sync import registry
from sync.change import Op
from sync.device.across.cases import plain
from sync.device.across.urgent import now
from sync.device.people import standing
from sync.device.recording import finding, records
from sync.device.recording.fitting import own_rows
from sync.device.recording.values import check_row
from sync.device.session import Session

HOURS: Final = 72
_TYPE: Final = "breach"
_KINDS: Final = {"lost": "lost_device", "stolen": "stolen_device"}


@dataclass(frozen=True, slots=True)
class Breach:
    """One breach on record."""

    log: bytes
    record: bytes
    values: Mapping[str, Any]

    @property
    def decided(self) -> bool:
        """True when somebody has said whether the regulator was told."""
        return bool(self.values.get("regulator"))

    def hours_left(self, now_ms: int) -> int:
        """Of the 72 from when it was found; below 0 when they are over."""
        at = str(self.values.get("found_at", {}).get("at", ""))
        if len(at) < len("2026-11-23"):  # nobody can say that there is time left
            return 0
        return HOURS - int((now_ms / 1000 - datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) // 3600)


def desk(session: Session) -> bytes:
    """The side's desk file that this device is in. Raises Refused for none or several."""
    found = _desks(session)
    if len(found) != 1:
        text = (
            "you are in no desk file: a coordinator begins one, with `fieldkeep file create desk`"
            if not found
            else "you are in several desk files: name one with --file"
        )
        raise Refused("not-found", text)
    return found[0]


def _desks(session: Session) -> list[bytes]:
    logs = ((log, session.file(log)) for log in session.file_logs())
    return [log for log, state in logs if state is not None and state.file == "desk" and session.identity.user in state.members]


def breaches(session: Session) -> list[Breach]:
    """All on this device."""
    return [Breach(log, record_id, _values(session, log, record_id)) for log in _desks(session) for record_id, _ in session.store.records(log, _TYPE)]


def _values(session: Session, log: bytes, record_id: bytes) -> dict[str, Any]:
    """Effective values; of steps and decisions those that are by whom they name."""
    record, found = session.record(log, record_id), plain(records.values(session, log, record_id))
    return found | {name: [row for _, row in own_rows(record, name)] for name in ("steps", "regulator") if name in found}


def begin(session: Session, log: bytes, kind: str, what: str, device: bytes | None) -> bytes:
    """Put a breach on record; of a device with the files whose keys were on it, as far as they are on this one. Returns the record's id."""
    values: dict[str, Any] = {"breach_kind": kind, "found_at": now(session), "what": what}
    if device is not None:
        values["device"] = ids.show(device)
        rows = [{"file": ids.show(one), "about": finding.label(session, one)[:200]} for one in standing.files_on(session, device)]
        values |= {"files": rows} if rows else {}
    return records.add(session, log, _TYPE, values)


def step(session: Session, one: Breach, text: str) -> None:
    """Put on record what was done."""
    _row(session, one, "steps", {"step": text, "by": ids.show(session.identity.user), "at": now(session)})


def decide(session: Session, one: Breach, *, reported: bool, why: str) -> None:
    """Say whether the regulator was told, and why, or why not."""
    row = {"report": "yes" if reported else "no", "by": ids.show(session.identity.user), "at": now(session), **({"why": why} if why else {})}
    _row(session, one, "regulator", row)


def told(session: Session, one: Breach) -> None:
    """The other side has been told."""
    records.edit(session, one.log, one.record, {"other_side_told_at": now(session)})


def unrecorded(session: Session) -> Iterator[tuple[bytes, str]]:
    """(device, kind of breach) of phones that were reported lost or stolen, and of which no desk of this device has a breach."""
    known = {one.values.get("device") for one in breaches(session)}
    if not _desks(session):
        return
    lost: dict[bytes, str] = {}
    for row in session.store.entries(session.registry.log):
        statement = None if row.void else registry.statement_of(decode_entry(row.cose))
        if isinstance(statement, Suspend | Revoke) and statement.reason in _KINDS:
            lost[statement.device] = _KINDS[statement.reason]
    for device, kind in lost.items():
        if ids.show(device) not in known and not session.registry.devices[device].acts:
            yield device, kind


def _row(session: Session, one: Breach, name: str, row: dict[str, Any]) -> None:
    check_row(_TYPE, name, row)
    records.write(session, one.log, one.record, _TYPE, [Op(name, "add", row, ())])
