"""audit devices: how the phones of a side are doing, by their own word (docs/spec.md §10.3)."""

from typing import Annotated, Any, Final

import typer

from shared_schema import ids
from shared_schema.devices import Heard
from shared_schema.errors import Refused
from sync import audit as rules
from sync.device.cli import auditing, frame
from sync.device.cli.frame import Json, command
from sync.device.cli.terminal import emit_json, say, table, when
from sync.device.exports import audit_files
from sync.registry import Certificate, Registry

_MINUTE_MS: Final = 60_000
_FIGURES: Final = ("unsent", "held", "conflicts", "oldest_conflict_days", "app", "claimed_ms", "free_mb")


@command
def audit_devices(
    side: Annotated[str | None, typer.Option(help="The side to look at; default the one that you supervise.", callback=auditing.is_side)] = None,
    as_json: Json = False,
) -> None:
    """For supervisors: what each device of a side said of itself when it synced last. The longest silent is on top.

    It is the devices' own word, relayed by the server, and proves nothing: for that there is `audit verify`. Whose a device is comes from the side's
    registry, whose signatures are verified here.

    Example: fieldkeep audit devices --side perpetrator
    """
    with frame.session() as opened:
        wanted = side or auditing.supervised(opened)
        auditing.check_may_audit(opened, wanted)
        with frame.online(opened) as transport:

            def get(path: str) -> bytes:
                return transport.signed(opened, "GET", path)

            heard, time_ms = audit_files.heard_from_server(get, wanted)
            fetched = audit_files.registry_from_server(get, wanted, opened.identity.svc)
        known, findings = rules.verify_registry_alone(fetched, opened.identity.authority)
    if findings:
        raise Refused("contradiction", f"the registry of the {wanted} side does not verify: entry {findings[0].seq}: {findings[0].text}")
    rows = _rows({one.device: one for one in heard}, known, time_ms)
    if as_json:
        emit_json({"side": wanted, "time_ms": time_ms, "devices": rows})
        return
    table(f"Devices of the {wanted} side", ["Person", "Device", "Standing", "Last sync", "Not sent", "Held", "Conflicts", "Clock", "App"], [
        [row["name"], row["label"], row["standing"], when(row["heard_ms"]), *_said(row)] for row in rows
    ])  # fmt: skip
    say("These are the devices' own words. The server may repeat them wrongly, and nothing here is proved.")


def _rows(heard: dict[bytes, Heard], known: Registry, time_ms: int) -> list[dict[str, Any]]:
    """A row for each certified device; figures are null for one that was never heard."""
    rows = []
    for device, certificate in known.devices.items():
        one = heard.get(device)
        status = one.status if one else None
        claimed = status.claimed_ms if status else 0
        rows.append({
            "device": ids.show(device), "name": certificate.subject.name, "label": certificate.keys.label, "roles": list(certificate.subject.roles),
            "standing": _standing(certificate, time_ms), "heard_ms": one.heard_ms if one else None,
            **{name: getattr(status, name) if status else None for name in _FIGURES},
            "clock_offset_ms": claimed - one.heard_ms if one and claimed else None,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["standing"] in ("revoked", "wiped"), row["heard_ms"] or 0, row["name"]))


def _standing(certificate: Certificate, now_ms: int) -> str:
    if certificate.revoked is not None:
        return "wiped" if certificate.wiped is not None else "revoked"
    if certificate.suspended is not None:
        return "suspended"
    return "in use" if now_ms < certificate.subject.until else "ended"


def _said(row: dict[str, Any]) -> list[str]:
    if row["heard_ms"] is None:
        return ["–"] * 5
    days = f", oldest {row['oldest_conflict_days']} d" if row["conflicts"] and row["oldest_conflict_days"] else ""
    return [str(row["unsent"]), str(row["held"]), f"{row['conflicts']}{days}", _clock(row["clock_offset_ms"]), row["app"]]


def _clock(offset_ms: int | None) -> str:
    """To the minute: what is less may be the way."""
    if offset_ms is None:
        return "not said"
    minutes = round(abs(offset_ms) / _MINUTE_MS)
    return "right" if minutes == 0 else f"{minutes} min {'ahead' if offset_ms > 0 else 'behind'}"
