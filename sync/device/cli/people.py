"""invite, device, registry."""

import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import segno
import typer

from shared_schema import ids, limits
from shared_schema.certificate import REVOKE_REASONS, Subject
from shared_schema.errors import Refused
from shared_schema.roles import ROLES
from sync.device import enrolment
from sync.device.cli import frame, terminal
from sync.device.cli.frame import Json, Yes, command
from sync.device.cli.terminal import emit, emit_json, short, table, warn
from sync.device.profile import new_profile, now_ms
from sync.device.session import Session
from sync.device.syncing import sync
from sync.device.transport import HttpTransport

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

device = typer.Typer(help="Devices of your side.", no_args_is_help=True)
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
        fresh = _try_sync(opened)
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


def called(option: str, text: str) -> str:
    """A name as everybody will see it, without blanks at its ends or doubled. Raises Refused for one that is empty or cannot be seen."""
    name = " ".join(text.split())
    if not name:
        raise Refused("bad-value", f"{option} is empty: want a name that people know")
    if not name.isprintable() or len(name) > limits.TEXT_CHARS:
        raise Refused("bad-value", f"{option} holds what cannot be seen, or more than {limits.TEXT_CHARS} characters")
    return name


def _try_sync(opened: Session) -> bool:
    """Hear first who has enrolled meanwhile, where the server can be reached: a second person of that name would be made else."""
    try:
        with frame.online(opened) as transport:
            sync(opened, transport)
    except Refused as error:
        if error.code != "offline":
            raise
        return False
    return True


def _user(opened: Session, name: str, *, second_device: bool) -> bytes:
    users = {cert.subject.user for cert in opened.registry.devices.values() if cert.subject.name.lower() == name.lower()}
    if second_device:
        return frame.person(opened, name)
    if users:
        raise Refused(
            "not-permitted", f"{name} has a device on this side, or had one that was revoked: add --second-device, or for somebody else another name"
        )
    return secrets.token_bytes(16)


@device.command("enrol")
@command
def device_enrol(
    code: Annotated[str, typer.Argument(help="The invitation code, or - to read it from standard input.")],
    label: Annotated[str, typer.Option(help="What this device is called, for the registry.")] = "phone",
    as_json: Json = False,
) -> None:
    """Make this profile a device: makes its keys, asks for a passphrase, enrols with the code.

    Example: fieldkeep --profile sam device enrol fieldkeep1:pWF… --label "Sam's phone"
    """
    label = called("--label", label)
    text = sys.stdin.read() if code == "-" else code
    decoded = enrolment.decode_code(text)
    folder = terminal.context().profile
    secret = frame.passphrase(confirm=not (folder / "profile.json").exists())
    with HttpTransport(decoded.server, decoded.ca) as transport, new_profile(folder, secret) as store:
        if store.fact("identity") is not None:
            text = "is a device already, and nothing was sent: go on with `fieldkeep sync`, or give --profile another folder"
            raise Refused("not-permitted", f"{folder} {text}")
        opened = enrolment.enrol(store, decoded, label, transport, now_ms, secrets.token_bytes)
        sync(opened, transport)
        me, certificate = opened.identity, opened.registry.devices[opened.identity.device]
    found = {"device": ids.show(me.device), "user": ids.show(me.user), "name": me.name, "side": me.side, "roles": list(certificate.subject.roles)}
    emit(
        found, f"This is now {me.name}'s device {short(me.device)} on the {me.side} side, as {', '.join(certificate.subject.roles)}.", as_json=as_json
    )


def _device_row(opened: Session, cert: Any) -> dict[str, Any]:
    revoked = cert.revoked is not None
    return {
        "device": ids.show(cert.keys.device), "name": cert.subject.name, "user": ids.show(cert.subject.user), "roles": list(cert.subject.roles),
        "label": cert.keys.label, "revoked": revoked, "this": cert.keys.device == opened.identity.device, "until_ms": cert.subject.until,
    }  # fmt: skip


@device.command("list")
@command
def device_list(as_json: Json = False) -> None:
    """List the devices of your side, as your registry has them.

    Example: fieldkeep device list
    """
    with frame.session() as opened:
        rows = [_device_row(opened, cert) for cert in opened.registry.devices.values()]
    if as_json:
        emit_json({"devices": rows})
        return
    cells = [
        [row["device"][:8], row["name"], ", ".join(row["roles"]), row["label"], "revoked" if row["revoked"] else "this one" if row["this"] else ""]
        for row in rows
    ]
    table("Devices", ["id", "person", "roles", "called", ""], cells)


@device.command("revoke")
@command
def device_revoke(
    which: Annotated[str, typer.Argument(help="Device id, or the first characters of it.")],
    reason: Annotated[str, typer.Option(help=f"One of: {', '.join(REVOKE_REASONS)}.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Revoke a device: its requests end at once, and the files it could read are rotated by their members.

    Example: fieldkeep --profile office/perpetrator-administrator device revoke 3fa8 --reason lost
    """
    if reason not in REVOKE_REASONS:
        raise typer.BadParameter(f"reason is one of {', '.join(REVOKE_REASONS)}")
    with frame.session() as opened, frame.online(opened) as transport:
        _try_sync(opened)  # a phone that has enrolled meanwhile is known then
        target = frame.device_id(opened, which)
        certificate = opened.registry.devices[target]
        terminal.confirm(f"Revoke {certificate.subject.name}'s {certificate.keys.label} ({short(target)}) for good?", yes=yes)
        entry = enrolment.revoke(opened, target, reason)
        try:
            report = sync(opened, transport)
        except Refused as error:
            if error.code != "offline":
                raise
            raise Refused(
                "offline", "the server could not be reached: the revocation is kept on this device and goes out with its next sync"
            ) from None
        require_taken(opened, entry, report)
        name = opened.registry.devices[target].subject.name
    emit(
        {"revoked": ids.show(target), "reason": reason},
        f"{name}'s device {short(target)} is revoked. Its files are rotated when their members next sync.",
        as_json=as_json,
    )


def require_taken(opened: Session, entry: Any, report: Any) -> None:
    """Raises the refusal when a statement that was just sent was not taken."""
    for refusal in report.refused:
        if refusal.id == entry.id:
            raise Refused(refusal.code, refusal.message)
    if any(item.id == entry.id for item in opened.store.outbox()):
        raise Refused("offline", "the server has not answered for it yet: it stays in the outbox")


@registry.command("show")
@command
def registry_show(as_json: Json = False) -> None:
    """Show the registry of your side: service, authority, keys, people.

    Example: fieldkeep registry show --json
    """
    with frame.session() as opened:
        known = opened.registry
        root = known.require_root()
        found = {
            "svc": ids.show(known.svc), "side": known.side, "name": root.name, "authority": known.pinned.hex(), "entries": known.seq,
            "receipt_key": root.receipt.hex(), "checkpoint_key": root.checkpoint.hex(), "incarnation": ids.show(root.incarnation),
            "devices": [_device_row(opened, cert) for cert in known.devices.values()],
        }  # fmt: skip
    lines = [f"{name:15} {value}" for name, value in found.items() if name != "devices"]
    emit(found, *lines, f"{'devices':15} {len(known.devices)}", as_json=as_json)
