"""invite, registry."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import segno
import typer

from shared_schema import ids
from shared_schema.certificate import Subject
from shared_schema.errors import Refused
from shared_schema.roles import ROLES
from sync.device.cli import frame
from sync.device.cli.devices import device_row
from sync.device.cli.frame import Json, called, command
from sync.device.cli.sending import send, try_sync
from sync.device.cli.terminal import emit, warn, when
from sync.device.entering import enrolment
from sync.device.entering.profile import now_ms
from sync.device.exchanging import covering, traffic
from sync.device.exchanging.syncing import sync
from sync.device.people import recovery
from sync.device.session import Session

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

registry = typer.Typer(help="The registry of your side.", no_args_is_help=True)


@command
def invite(
    name: Annotated[str, typer.Option(help="Display name of the person.")],
    role: Annotated[list[str], typer.Option(help="Role; repeat for several.")],
    org: Annotated[str, typer.Option(help="Organisation.")] = "",
    second_device: Annotated[bool, typer.Option("--second-device", help="For a person who already has a device.")] = False,
    hours: Annotated[int, typer.Option(min=1, max=72, help="How long the code may be used.")] = 72,
    valid_days: Annotated[int, typer.Option(min=1, max=1825, help="How long the device's certificate lasts.")] = 365,
    server: Annotated[str | None, typer.Option(help="Address to put in the code, where devices reach the server by another one.")] = None,
    qr: Annotated[Path | None, typer.Option(help="Write the code as a QR picture (.svg or .png).")] = None,
    as_json: Json = False,
) -> None:
    """Invite one device: prints a code that enrols it once.

    Example: fieldkeep --profile office/perpetrator-administrator invite --name Sam --role navigator --qr sam.svg
    """
    name, org = called("--name", name), called("--org", org) if org else ""
    unknown = [one for one in role if one not in ROLES]
    if unknown:
        raise Refused("bad-value", f"no role {unknown[0]!r}; known: {', '.join(sorted(ROLES))}")
    with frame.session() as opened:
        fresh = try_sync(opened)
        user = _user(opened, name, second_device=second_device)
        certificate = opened.registry.devices.get(opened.identity.device)
        organisation = org or (certificate.subject.org if certificate else "unknown")
        subject = Subject(user, name, organisation, tuple(sorted(set(role))), now_ms() + valid_days * DAY_MS)
        code = enrolment.invite(opened, subject, now_ms() + hours * HOUR_MS)
        text = (replace(code, server=server) if server else code).text()
    if qr is not None:
        segno.make(text, error="l", micro=False).save(str(qr), scale=4)
    found = {"code": text, "user": ids.show(user), "name": name, "roles": sorted(set(role)), "hours": hours, "registry_fresh": fresh}
    emit(found, text, as_json=as_json)
    if not fresh:
        warn("The server could not be reached: this side's registry is as this device last saw it, and somebody new may be missing from it.")
    if not as_json:
        warn("", f"Show this to {name} only. It enrols one device within {hours} hours: fieldkeep device enrol CODE")


def _user(opened: Session, name: str, *, second_device: bool) -> bytes:
    users = {cert.subject.user for cert in opened.registry.devices.values() if cert.subject.name.lower() == name.lower()}
    if second_device:
        return frame.person(opened, name)
    if users:
        raise Refused(
            "not-permitted", f"{name} has a device on this side, or had one that was revoked: add --second-device, or for somebody else another name"
        )
    return secrets.token_bytes(16)


@registry.command("show")
@command
def registry_show(as_json: Json = False) -> None:
    """Show the registry of your side: service, authority, keys, people.

    Example: fieldkeep registry show --json
    """
    with frame.session() as opened:
        known = opened.registry
        root = known.require_root()
        found: dict[str, Any] = {
            "svc": ids.show(known.svc), "side": known.side, "name": root.name, "authority": known.pinned.hex(), "entries": known.seq,
            "receipt_key": root.receipt.hex(), "checkpoint_key": root.checkpoint.hex(), "incarnation": ids.show(root.incarnation),
            "devices": [device_row(opened, cert) for cert in known.devices.values()], "recovery": _recovery(opened),
            "shortfalls": recovery.shortfalls(opened),
        }  # fmt: skip
    lines = [f"{name:15} {value}" for name, value in found.items() if name not in ("devices", "recovery", "shortfalls")]
    lines += [f"{'devices':15} {len(known.devices)}", *_recovery_lines(found["recovery"]), *(f"! {text}" for text in found["shortfalls"])]
    emit(found, *lines, as_json=as_json)


@registry.command("cover-traffic")
@command
def registry_cover_traffic(
    hour: Annotated[int | None, typer.Option(min=0, max=23, help="Turn it on: a day begins at this hour, UTC.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Turn it off.")] = False,
    as_json: Json = False,
) -> None:
    """Show, or as an administrator turn on or off, cover traffic: each device then sends one envelope of the same size a day for each of its files,
    whether there is something to say or not. What people write waits for it, up to a day; urgent alerts do not. It costs some 16 KiB a file and day.

    Example: fieldkeep --profile office/victim-administrator registry cover-traffic --hour 18
    """
    if off and hour is not None:
        raise typer.BadParameter("want --hour or --off, not both")
    with frame.session() as opened:
        if off or hour is not None:
            with frame.online(opened) as transport:
                sync(opened, transport)
                send(opened, transport, traffic.turn(opened, hour), "cover traffic")
        found = {"hour": covering.hour(opened), "waits": covering.waits(opened), "next_ms": covering.next_ms(opened)}
    on = f"Cover traffic is on: a day begins at {hour_text(found['hour'])}; {found['waits']} wait until {when(found['next_ms'])}."
    emit(found, "Cover traffic is off." if found["hour"] is None else on, as_json=as_json)


def hour_text(hour: int | None) -> str:
    """Such as 18:00 UTC."""
    return "never" if hour is None else f"{hour:02}:00 UTC"


def _recovery(opened: Session) -> dict[str, Any]:
    """How recovery stands on this side."""
    known = opened.registry.recovery
    granted, files = recovery.progress(opened)

    def at(seq: int) -> int:
        return opened.store.received_ms(opened.registry.log, seq)

    permits = [
        {
            "device": ids.show(one.permit.device), "reason": one.permit.reason, "since_ms": at(one.seq), "until_ms": one.permit.until, "ended": one.ended is not None,
            "files": None if one.permit.files is None else [ids.show(log) for log in one.permit.files], "text": recovery.describe(opened, one.permit),
        }
        for one in known.permits
    ]  # fmt: skip
    return {
        "key": known.key.id.hex(), "since_ms": at(known.key.seq), "keys": len(known.keys), "granted": granted, "files": files,
        "needed": known.custody.threshold if known.custody else None, "holders": list(known.custody.holders) if known.custody else [],
        "permits": permits, "drills": [{"device": ids.show(one.by), "ms": at(one.seq), "opened": one.drill.opened, "files": one.drill.files} for one in known.drills],
    }  # fmt: skip


def _recovery_lines(found: dict[str, Any]) -> list[str]:
    holders = f"; any {found['needed']} of: {', '.join(found['holders'])}" if found["holders"] else ""
    lines = [f"{'recovery key':15} {found['key']}, since {when(found['since_ms'])}{holders}"]
    if found["files"]:
        lines.append(f"{'recovery':15} {found['granted']} of {found['files']} files re-granted, of those on this device")
    lines += [f"{'may recover':15} {one['text']}, until {when(one['until_ms'])}" for one in found["permits"] if not one["ended"]]
    lines += [f"{'last drill':15} {when(one['ms'])}: {one['opened']} of {one['files']} files opened" for one in found["drills"][-1:]]
    return lines
