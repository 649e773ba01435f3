"""service create, invite, device, registry, member, file."""

import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import segno
import shamir_mnemonic
import typer

from shared_schema import cbor, ids
from shared_schema.certificate import REVOKE_REASONS, Subject
from shared_schema.errors import Refused
from shared_schema.ids import SIDES, Side
from shared_schema.roles import FILES, ROLES, file_sides
from sync.device import enrolment, files, finding
from sync.device.cli import frame
from sync.device.cli.frame import FileArg, Json, Yes, command, emit, emit_json, short, table, warn
from sync.device.profile import new_profile, now_ms, open_store, write_private
from sync.device.session import Session
from sync.device.syncing import sync
from sync.device.transport import HttpTransport
from sync.fold import state_hash

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

service = typer.Typer(help="Begin a service.", no_args_is_help=True)
device = typer.Typer(help="Devices of your side.", no_args_is_help=True)
registry = typer.Typer(help="The registry of your side.", no_args_is_help=True)
member = typer.Typer(help="Who is in a file.", no_args_is_help=True)
file = typer.Typer(help="Files: begin one, list yours.", no_args_is_help=True)


@service.command("create")
@command
def service_create(
    server: Annotated[str, typer.Option(help="Address of a running `fieldkeep serve`.")],
    setup: Annotated[str, typer.Option(help="The setup code that the server printed.")],
    name: Annotated[str, typer.Option(help="Name of the service.")],
    out: Annotated[Path, typer.Option(help="Folder for the three administrators' profiles, the authority and the recovery shares.")],
    administrator: Annotated[str, typer.Option(help="Name of the first administrator.")] = "Programme office",
    shares: Annotated[str, typer.Option(help="Recovery shares per side, as K-of-N.")] = "2-of-3",
    ca: Annotated[Path | None, typer.Option(help="PEM file of the server's own authority, for --dev-tls.")] = None,
    as_json: Json = False,
) -> None:
    """Create a service: authority key, three sides, first administrators, recovery shares.

    Example: fieldkeep service create --server http://127.0.0.1:8747 --setup CODE --name "Tees pilot" --out office
    """
    threshold, total = _shares(shares)
    pem = ca.read_text(encoding="ascii") if ca else ""
    secret = frame.passphrase(confirm=True)
    if out.exists() and any(out.iterdir()) and not (out / "authority").exists():
        raise Refused("not-permitted", f"{out} is not empty: nothing is overwritten")
    with HttpTransport(server, pem) as transport, frame.progress("creating the service", quiet=as_json) as advance:
        made = _begin(out / "authority", secret, lambda: _new_service(name, server, pem, setup, administrator, transport))
        transport.create_service(cbor.encode({**cbor.decode(made.body), "setup": setup}))
        for done, side in enumerate(SIDES, 1):
            advance(done, len(SIDES))
            folder = out / f"{side}-administrator"
            with open_store(folder, secret, new=True) as store:
                if store.fact("identity") is None:
                    Session.establish(store, made.administrators[side])
                sync(Session(store, now_ms, secrets.token_bytes), transport)
    written = _write_shares(out, made.recovery, threshold, total)
    _finish(out / "authority", secret)
    found = {"svc": ids.show(made.svc), "authority": made.administrators["oversight"].authority.hex(), "out": str(out), "shares": written}
    emit(
        found,
        f"Service {name} exists.",
        f"  authority fingerprint {found['authority']}",
        f"  administrators' profiles: {out}/perpetrator-administrator, {out}/victim-administrator, {out}/oversight-administrator",
        f"  {len(written)} recovery shares: print {out}/recovery-*.txt, give each to another person, and destroy the files.",
        f"Next: fieldkeep --profile {out}/perpetrator-administrator invite --name Sam --role navigator",
        as_json=as_json,
    )


def _shares(text: str) -> tuple[int, int]:
    threshold, _, total = text.partition("-of-")
    if not (threshold.isdecimal() and total.isdecimal() and 1 < int(threshold) <= int(total) <= 16):
        raise typer.BadParameter("want K-of-N with 2 ≤ K ≤ N ≤ 16, for example 2-of-3")
    return int(threshold), int(total)


def _new_service(name: str, server: str, pem: str, setup: str, administrator: str, transport: HttpTransport) -> enrolment.NewService:
    until = now_ms() + 3 * 365 * DAY_MS
    people: dict[Side, Subject] = {side: Subject(secrets.token_bytes(16), administrator, name, ("administrator",), until) for side in SIDES}
    return enrolment.new_service(name, server, pem, setup, transport.service_keys()["sides"], people, secrets.token_bytes)


def _begin(folder: Path, secret: str, make: Callable[[], enrolment.NewService]) -> enrolment.NewService:
    """What was made is sealed on disk before it is sent: after a lost reply the same command goes on where it stopped."""
    with open_store(folder, secret, new=True) as store, store.transaction():
        held = store.fact("creating")
        if held == b"":
            raise Refused("not-permitted", "this service has been created already")
        made = enrolment.decode_new_service(held) if held else make()
        store.set_fact("authority_seed", made.authority_seed)
        store.set_fact("svc", made.svc)
        store.set_fact("creating", held or made.encode())
    return made


def _finish(folder: Path, secret: str) -> None:
    """Forget everything but the authority's own seed: recovery seeds exist on their shares only."""
    with open_store(folder, secret) as store, store.transaction():
        store.set_fact("creating", b"")


def _write_shares(out: Path, recovery: dict[Side, bytes], threshold: int, total: int) -> list[str]:
    """SLIP-39 shares, one text file each, without a passphrase."""
    written = []
    for side, seed in recovery.items():
        [mnemonics] = shamir_mnemonic.generate_mnemonics(1, [(threshold, total)], seed)
        for number, words in enumerate(mnemonics, 1):
            path = out / f"recovery-{side}-{number}.txt"
            write_private(path, f"Fieldkeep recovery share {number} of {total} ({threshold} needed), {side} side (SLIP-39):\n\n{words}\n")
            written.append(path.name)
    return written


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
    if not name.strip():
        raise Refused("bad-value", "--name is empty: want the display name of the person")
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
        raise Refused("not-permitted", f"{name} already has a device on this side: add --second-device, or use another display name")
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
    text = sys.stdin.read() if code == "-" else code
    decoded = enrolment.decode_code(text)
    folder = frame.context().profile
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
        target = frame.device_id(opened, which)
        certificate = opened.registry.devices[target]
        frame.confirm(f"Revoke {certificate.subject.name}'s {certificate.keys.label} ({short(target)}) for good?", yes=yes)
        entry = enrolment.revoke(opened, target, reason)
        report = sync(opened, transport)
        _require_taken(opened, entry, report)
        name = opened.registry.devices[target].subject.name
    emit(
        {"revoked": ids.show(target), "reason": reason},
        f"{name}'s device {short(target)} is revoked. Its files are rotated when their members next sync.",
        as_json=as_json,
    )


def _require_taken(opened: Session, entry: Any, report: Any) -> None:
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


@member.command("add")
@command
def member_add(
    which: FileArg,
    who: Annotated[str, typer.Argument(help="Display name or user id.")],
    role: Annotated[str, typer.Option(help="Role in this file.")],
    as_json: Json = False,
) -> None:
    """Add a person to a file: they receive all of it, its past included.

    Example: fieldkeep member add 3fa8 Priya --role navigator
    """
    _change_members(which, who, role, as_json=as_json)


@member.command("remove")
@command
def member_remove(
    which: FileArg, who: Annotated[str, typer.Argument(help="Display name or user id.")], yes: Yes = False, as_json: Json = False
) -> None:
    """Remove a person from a file and change its key, in one step.

    Example: fieldkeep member remove 3fa8 Priya
    """
    frame.confirm(f"Remove {who} from file {which}? What they have received stays with them.", yes=yes)
    _change_members(which, who, None, as_json=as_json)


@member.command("grant")
@command
def member_grant(which: FileArg, who: Annotated[str, typer.Argument(help="Display name or user id.")], as_json: Json = False) -> None:
    """Give a member's devices the file's keys once more: when what they got before did not open (alarm bad-grant).

    Example: fieldkeep member grant 3fa8 Priya
    """
    with frame.session() as opened, frame.online(opened) as transport:
        _sync_first(opened, transport, f"{who} is NOT given the keys")
        log, user = finding.find_file(opened, which), frame.person(opened, who)
        entry = files.grant_again(opened, log, user)
        _require_taken(opened, entry, sync(opened, transport))
        name = opened.name_of(user)
    emit({"file": ids.show(log), "user": ids.show(user)}, f"{name}'s devices have been given the file's keys again.", as_json=as_json)


def _sync_first(opened: Session, transport: HttpTransport, not_done: str) -> None:
    """A change of members is made on line. Raises Refused `offline`, saying that nothing was done."""
    try:
        sync(opened, transport)
    except Refused as error:
        if error.code != "offline":
            raise
        raise Refused("offline", f"{not_done}: who is in a file is changed on line, and the server could not be reached. Run this again") from None


def _change_members(which: str, who: str, role: str | None, *, as_json: bool) -> None:
    with frame.session() as opened, frame.online(opened) as transport:
        _sync_first(opened, transport, f"{who} is NOT {'added' if role else 'removed'}")
        log, user = finding.find_file(opened, which), frame.person(opened, who)
        for attempt in (1, 2, 3):
            entry = files.add_member(opened, log, user, role) if role else files.remove_member(opened, log, user)
            report = sync(opened, transport)
            raced = any(refusal.id == entry.id and refusal.code in ("stale-statement", "stale-registry") for refusal in report.refused)
            if not raced or attempt == 3:
                _require_taken(opened, entry, report)
                break
        state = opened.require_file(log)
        name = opened.name_of(user)
    found = {"file": ids.show(log), "user": ids.show(user), "role": role, "members": len(state.members), "epoch": state.epoch}
    text = f"{name} is in the file as {role}." if role else f"{name} is out of the file, and its key has changed (epoch {state.epoch})."
    emit(found, text, as_json=as_json)


@file.command("create")
@command
def file_create(
    kind: Annotated[str, typer.Argument(help="case, fund, liaison, shared_care, therapy, desk, intake.")],
    member_: Annotated[list[str] | None, typer.Option("--member", help="NAME=ROLE of a further member; repeat for several.")] = None,
    as_json: Json = False,
) -> None:
    """Begin a file; works offline, and is sent at the next sync.

    Example: fieldkeep file create case --member Ruth=coordinator --member Priya=navigator
    """
    with frame.session() as opened:
        people: dict[bytes, str] = {}
        for text in member_ or []:
            name, sign, role = text.rpartition("=")
            if not sign or role not in ROLES:
                raise Refused("bad-value", f"want NAME=ROLE with a known role, for example Priya=navigator; known: {', '.join(sorted(ROLES))}")
            people[frame.person(opened, name)] = role
        _check_may_begin(opened, kind)
        log = files.create_file(opened, kind, people)
        state = opened.require_file(log)
    found = {"file": ids.show(log), "kind": kind, "side": state.side, "members": {ids.show(user): role for user, role in state.members.items()}}
    lines = [f"A {kind} file with {len(state.members)} member(s); it is sent at the next sync."]
    may = FILES[kind][state.side]["members_by"]
    if not set(state.members.values()) & set(may):
        lines.append(
            f"Nobody in it may add or remove people; name a {' or a '.join(may)} with --member when you begin a file, if others are to join."
        )
    emit(found, ids.show(log), *lines, as_json=as_json)


def _check_may_begin(opened: Session, kind: str) -> None:
    side = opened.identity.side
    certificate = opened.registry.devices.get(opened.identity.device)
    roles = certificate.subject.roles if certificate else ()
    may = FILES[kind][side]["genesis"] if side in file_sides(kind) else []
    if may and not set(roles) & set(may):
        raise Refused("not-permitted", f"as {' and '.join(roles) or 'nobody'} you may not begin a {kind} file; a {' or a '.join(may)} may")


@file.command("list")
@command
def file_list(
    hashes: Annotated[bool, typer.Option("--hash", help="Also fold each file and print its state hash, to compare two devices.")] = False,
    as_json: Json = False,
) -> None:
    """List your files: kind, members, how far they are synced.

    Example: fieldkeep file list --hash
    """
    with frame.session() as opened:
        rows = [_file_row(opened, log) for log in opened.file_logs()]
        for row in rows if hashes else []:
            row["state_hash"] = state_hash(opened.records(ids.parse(row["file"]), pending=False)).hex()
    if as_json:
        emit_json({"files": rows})
        return
    cells = [
        [
            row["file"][:8],
            row["kind"],
            row["about"],
            ", ".join(f"{one['name']} ({one['role']})" for one in row["members"]),
            str(row["seq"]),
            str(row["epoch"]),
            row.get("state_hash", "")[:16],
            row["note"],
        ]
        for row in rows
    ]
    table("Files", ["id", "kind", "about", "members", "entries", "epoch", "state" if hashes else "", ""], cells)


def _file_row(opened: Session, log: bytes) -> dict[str, Any]:
    state = opened.file(log)
    seq = opened.reader(log).log.head.seq
    gone = state is not None and opened.identity.user not in state.members
    note = opened.stopped(log) or ("not sent yet" if seq == 0 else "you are no longer a member" if gone else "")
    members = [{"user": ids.show(user), "name": opened.name_of(user), "role": role} for user, role in (state.members if state else {}).items()]
    return {
        "file": ids.show(log), "kind": state.file if state else "unknown", "side": state.side if state else opened.identity.side,
        "about": finding.about(opened, log), "members": members, "seq": seq, "epoch": state.epoch if state else 0, "note": note,
    }  # fmt: skip
