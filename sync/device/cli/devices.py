"""device."""

import secrets
import sys
from typing import Annotated, Any

import typer

from shared_schema import ids
from shared_schema.certificate import REVOKE_REASONS, SUSPEND_REASONS
from shared_schema.errors import Refused
from sync.device.cli import forgetting, frame, terminal
from sync.device.cli.frame import Json, Yes, called, command
from sync.device.cli.sending import send, try_sync
from sync.device.cli.terminal import emit, emit_json, short, table
from sync.device.entering import enrolment
from sync.device.entering.profile import new_profile, now_ms
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import holding, standing, wiping
from sync.device.recording import finding
from sync.device.session import Session
from sync.registry import Certificate

device = typer.Typer(help="Devices of your side.", no_args_is_help=True)
device.command("passphrase")(forgetting.device_passphrase)
device.command("forgotten")(forgetting.device_forgotten)
device.command("help")(forgetting.device_help)
WhichDevice = Annotated[str, typer.Argument(metavar="DEVICE", help="Its id or the first characters of it, what it is called, or whose it is.")]


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


def device_row(opened: Session, cert: Any) -> dict[str, Any]:
    """A device as it is listed."""
    return {
        "device": ids.show(cert.keys.device), "name": cert.subject.name, "user": ids.show(cert.subject.user), "org": cert.subject.org, "roles": list(cert.subject.roles),
        "label": cert.keys.label, "revoked": cert.revoked is not None, "suspended": cert.suspended is not None, "wiped": cert.wiped is not None, "this": cert.keys.device == opened.identity.device, "until_ms": cert.subject.until,
    }  # fmt: skip


def _standing(row: dict[str, Any]) -> str:
    if row["revoked"]:
        return "revoked, has wiped itself" if row["wiped"] else "revoked"
    if row["suspended"]:
        return "suspended"
    return "this one" if row["this"] else ""


@device.command("list")
@command
def device_list(as_json: Json = False) -> None:
    """List the devices of your side, as your registry has them.

    Example: fieldkeep device list
    """
    with frame.session() as opened:
        rows = [device_row(opened, cert) for cert in opened.registry.devices.values()]
    if as_json:
        emit_json({"devices": rows})
        return
    cells = [[row["device"][:8], row["name"], ", ".join(row["roles"]), row["label"], _standing(row)] for row in rows]
    table("Devices", ["id", "person", "roles", "called", ""], cells)


@device.command("revoke")
@command
def device_revoke(
    which: WhichDevice,
    reason: Annotated[str, typer.Option(help=f"One of: {', '.join(REVOKE_REASONS)}.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Revoke a device: its requests end at once, and the files it could read are rotated by their members.

    Example: fieldkeep --profile office/perpetrator-administrator device revoke 3fa8 --reason lost
    """
    _one_of("reason", reason, REVOKE_REASONS)
    with frame.session() as opened, frame.online(opened) as transport:
        certificate = _as_it_stands(opened, which)
        target, name = certificate.keys.device, certificate.subject.name
        terminal.confirm(f"Revoke {name}'s {certificate.keys.label} ({short(target)}) for good?", yes=yes)
        send(opened, transport, standing.revoke(opened, target, reason), "the revocation")
    emit(
        {"revoked": ids.show(target), "reason": reason},
        f"{name}'s device {short(target)} is revoked. Its files are rotated when their members next sync.",
        as_json=as_json,
    )


@device.command("suspend")
@command
def device_suspend(
    which: WhichDevice,
    reason: Annotated[str, typer.Option(help=f"One of: {', '.join(SUSPEND_REASONS)}.")],
    as_json: Json = False,
) -> None:
    """Keep a lost or stolen device out, at once. Anybody may do it for anybody of their side; a coordinator can lift it.

    Says what was on the device and whom to ring.

    Example: fieldkeep device suspend "Sam's phone" --reason stolen
    """
    _one_of("reason", reason, SUSPEND_REASONS)
    with frame.session() as opened, frame.online(opened) as transport:
        certificate = _as_it_stands(opened, which)
        target, name = certificate.keys.device, certificate.subject.name
        on_it, to_ring = standing.files_on(opened, target), standing.to_ring(opened, target)
        labels = [finding.label(opened, log) for log in on_it]
        already = not certificate.acts
        if not already:
            send(opened, transport, standing.suspend(opened, target, reason), "the suspension")
    found = {
        "suspended": ids.show(target), "reason": reason, "already": already, "files": [ids.show(log) for log in on_it],
        "ring": [{"name": who, "role": role} for who, role in to_ring],
    }  # fmt: skip
    lines = [f"{name}'s device {short(target)} is kept out {'already' if already else 'from now on'}."]
    lines += ["On it, of the files that you can see:", *(f"  {label}" for label in labels)] if on_it else ["On it is no file that you can see."]
    lines += ["Ring now:", *(f"  {who}, {role}" for who, role in to_ring)]
    lines.append("What it had not sent can still be handed in. For good: an administrator runs fieldkeep device revoke.")
    emit(found, *lines, as_json=as_json)


@device.command("reinstate")
@command
def device_reinstate(which: WhichDevice, as_json: Json = False) -> None:
    """Lift a suspension: the phone was found. For coordinators.

    Example: fieldkeep device reinstate "Sam's phone"
    """
    with frame.session() as opened, frame.online(opened) as transport:
        certificate = _as_it_stands(opened, which)
        target, name = certificate.keys.device, certificate.subject.name
        send(opened, transport, standing.reinstate(opened, target), "lifting the suspension")
        held = {ids.show(log): count for log, count in holding.waiting(opened).items()}
    lines = [f"{name}'s device {short(target)} is in again."]
    if held:
        lines.append(f"{sum(held.values())} held: what was handed in meanwhile waits for you to let it in or not: fieldkeep held list")
    emit({"reinstated": ids.show(target), "held": held}, *lines, as_json=as_json)


@device.command("wipe")
@command
def device_wipe(
    discard: Annotated[bool, typer.Option("--discard", help="Throw away what could not be handed in. It cannot be brought back.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """On a device that was revoked: what is still on it, and why; with --discard, the end of it.

    A revoked device wipes itself when it next reaches the server, after handing in what it could not send. This is for what it could not hand in.

    Example: fieldkeep device wipe        or, when you have copied it by hand: fieldkeep device wipe --discard
    """
    with frame.session(ending=True) as opened, frame.online(opened) as transport:
        if not opened.revoked:
            raise Refused(
                "not-permitted", "this device is not revoked, as far as its registry goes: an administrator revokes it, then it wipes itself"
            )
        left = opened.store.left()
        if discard and left:
            terminal.confirm(f"Throw away {sum(left.values())} change(s) that nobody else has?", yes=yes)
        done = wiping.wipe(opened, transport, discard=discard)
        found = {"wiped": done, "left": {ids.show(log): count for log, count in left.items()} if not done else {}, **wiping.tally(opened)._asdict()}
        lines = [wiping.said(wiping.tally(opened), wiping.why(opened))]
        if not done:
            lines += [
                f"  {finding.label(opened, log)}: {count} change(s) that could not be handed in. Read them here, and write them down"
                for log, count in left.items()
            ]
    emit(found, *lines, as_json=as_json)


def _as_it_stands(opened: Session, which: str) -> Certificate:
    """A device's certificate, after a sync where that can be had: a phone that has enrolled meanwhile is known then."""
    try_sync(opened)
    return opened.registry.devices[which_device(opened, which)]


def which_device(opened: Session, which: str) -> bytes:
    """A device by its id, by what it is called, or by the name of a person who has one. Raises Refused `not-found`, naming those of a person with several."""
    theirs = [cert for cert in opened.registry.devices.values() if cert.subject.name.lower() == which.lower()]
    left = [cert for cert in theirs if cert.revoked is None] or theirs
    if len(left) == 1:
        return left[0].keys.device
    if left and all(cert.keys.label.lower() != which.lower() for cert in opened.registry.devices.values()):
        several = ", ".join(f"{cert.keys.label} ({short(cert.keys.device)})" for cert in left)
        raise Refused("not-found", f"{left[0].subject.name} has {len(left)} devices, say which: {several}")
    return frame.device_id(opened, which)


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise typer.BadParameter(f"{option} is one of {', '.join(known)}")
