"""What takes two people, on the command line: a request as it is shown, carried out by a second person, and which devices have done their part."""

from collections.abc import Iterator
from typing import Any

from shared_schema import ids
from shared_schema.entry import Entry
from shared_schema.errors import Refused
from sync.device.cli.sending import require_taken
from sync.device.cli.terminal import say, when
from sync.device.exchanging.syncing import Report, sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import holding
from sync.device.recording import finding
from sync.device.removal import removed, removing
from sync.device.removal.removed import Gone
from sync.device.removal.removing import Asked, Request
from sync.device.session import Session

NOT_REACHED = "Not reached: paper, screenshots and exports; copies of the server's database and of devices that were made before; devices that never sync again."


def request_json(opened: Session, one: Request) -> dict[str, Any]:
    """A request as plain values."""
    return {
        "request": ids.show(one.record), "file": ids.show(one.log), "file_label": finding.label(opened, one.log), "act": one.act, "reason": one.reason or None,
        "why": one.why or None, "by": opened.name_of(one.by), "about": ids.show(one.about) if one.about else None, "state": one.state,
        "until_ms": one.until, "parts": [_asked_json(asked) for asked in one.asked], "left": len(one.left),
    }  # fmt: skip


def _asked_json(one: Asked) -> dict[str, Any]:
    if one.part is not None:
        at, entry, part, _, parcel = one.part
        return {"entry": at or None, "id": entry.hex(), "part": part, "parcel": ids.show(parcel) if parcel else None}
    return {"hold": one.hold.hex() if one.hold else None}


def request_row(row: dict[str, Any]) -> list[str]:
    """The same as a line of a table."""
    state = f"waits for a second person until {when(row['until_ms'])}" if row["state"] == "open" else row["state"]
    return [row["request"][:8], row["file_label"], row["by"], row["reason"] or "–", state, row["why"] or ""]


def find_request(opened: Session, acts: tuple[str, ...], prefix: str) -> Request:
    """The one request of these acts whose id begins like that. Raises Refused `not-found`."""
    known = [(one.record, one) for one in removing.list_requests(opened) if one.act in acts]
    return finding.only(known, prefix, "request", lambda one: f"{one.act}, {finding.label(opened, one.log)}")


def carry_out(opened: Session, transport: HttpTransport, request: Request) -> list[Entry]:
    """Do all that a request asks for, one act after the other. Raises the refusal of the first that is not taken."""
    done = []
    for asked in request.left:
        held = _held(opened, transport, request, asked)
        for attempt in (1, 2, 3):
            entry = removing.carry_out(opened, request, asked, held)
            report = sync(opened, transport)
            if attempt == 3 or not overtaken(report, entry):
                require_taken(opened, entry, report)
                break
        done.append(entry)
    return done


def overtaken(report: Report, entry: Entry) -> bool:
    """True when a colleague changed the file meanwhile: it is made once more."""
    return any(refusal.id == entry.id and refusal.code in ("stale-statement", "stale-registry") for refusal in report.refused)


def _held(opened: Session, transport: HttpTransport, request: Request, asked: Asked) -> Entry | None:
    """The held entry of which a part is to go; whoever may not look at what is held cannot carry that out."""
    if asked.part is None or asked.part[0] != 0:
        return None
    found = next((one.entry for one in holding.fetch(opened, transport, [request.log]) if one.entry.id == asked.part[1]), None)
    if found is None:
        raise Refused("not-found", "what is to go is not held any more")
    return found


def devices_json(opened: Session, transport: HttpTransport | None, one: Gone) -> dict[str, Any]:
    """Which devices may have had something, and which of them have said that they have it no more; without a connection nobody was asked."""
    said = removed.purged(opened, transport, one.log).get(one.id, {}) if transport else None
    names = {device: _device_name(opened, device) for device in one.devices | (said.keys() if said else set())}
    return {
        "devices": sorted(names[device] for device in one.devices),
        "purged": None if said is None else sorted(names[device] for device in said),
        "not_yet": None if said is None else sorted(names[device] for device in one.devices - said.keys()),
    }


def devices_line(found: dict[str, Any]) -> str:
    """The same in one line."""
    if found["purged"] is None:
        return f"It was on up to {len(found['devices'])} device(s); the server could not be asked which of them have purged it."
    done = len(found["devices"]) - len(found["not_yet"])
    return f"Purged on {done} of {len(found['devices'])} device(s)" + (f"; not yet: {', '.join(found['not_yet'])}." if found["not_yet"] else ".")


def _device_name(opened: Session, device: bytes) -> str:
    """Whose device it is, what it is called, and why it may never say anything."""
    certificate = opened.registry.devices.get(device)
    if certificate is None:
        return ids.show(device)
    out = " (revoked)" if certificate.revoked is not None else " (suspended)" if certificate.suspended is not None else ""
    return f"{certificate.subject.name}: {certificate.keys.label}{out}"


def online_if_possible(opened: Session, transport: HttpTransport) -> bool:
    """Sync where the server can be reached."""
    try:
        sync(opened, transport)
    except Refused as error:
        if error.code != "offline":
            raise
        return False
    return True


def said(lines: Iterator[str] | list[str], *, as_json: bool) -> None:
    """What a person reads before they are asked."""
    if not as_json:
        say(*lines)
