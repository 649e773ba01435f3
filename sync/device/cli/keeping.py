"""recovery split, holders, allow, close: what an administrator decides about recovery."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from shared_schema import ids
from shared_schema.errors import Refused
from shared_schema.recovery import PERMIT_REASONS, SHARES, Custody
from shared_schema.roles import has_content
from sync.device.cli import frame, terminal
from sync.device.cli.devices import WhichDevice, which_device
from sync.device.cli.frame import Json, Yes, called, command
from sync.device.cli.sending import send
from sync.device.cli.terminal import emit, short, warn, when
from sync.device.entering.profile import now_ms
from sync.device.exchanging.syncing import sync
from sync.device.exchanging.transport import HttpTransport
from sync.device.people import recovery as rules
from sync.device.people import shares, sheets
from sync.device.people.sheets import Sheet
from sync.device.session import Session
from sync.keys import RecoverySecret

DAY_MS: Final = 86_400_000
Holders = Annotated[
    list[str] | None,
    typer.Option("--holder", help="Who gets the share: a name or a post, one for each share, in order. Seen by everybody of this side."),
]


def share_numbers(text: str) -> tuple[int, int]:
    """K-of-N. Raises typer.BadParameter."""
    threshold, _, total = text.partition("-of-")
    least, most = SHARES
    if not (threshold.isdecimal() and total.isdecimal() and least <= int(threshold) <= int(total) <= most):
        raise typer.BadParameter(f"want K-of-N with {least} ≤ K ≤ N ≤ {most}, for example 2-of-3")
    return int(threshold), int(total)


@command
def recovery_split(
    out: Annotated[Path, typer.Option(help="New folder for the sheets.")],
    share_count: Annotated[str, typer.Option("--shares", help="How many shares are needed, of how many: K-of-N.")] = "2-of-3",
    holder: Holders = None,
    html: Annotated[bool, typer.Option("--html", help="Also write each sheet as HTML, to print.")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put a fresh recovery key in force for your side, and write its shares as sheets to print. For administrators.

    The sheets are written and read back first; only then is the key changed. Cut short, the same command goes on where it stopped. From then
    on every file of the side is granted to the fresh key when its members sync, with a new key of its own.

    Example: fieldkeep --profile office/perpetrator-administrator recovery split --shares 2-of-3 --out sheets --holder Ada --holder Bo --holder Cy
    """
    threshold, total = share_numbers(share_count)
    names = tuple(called("--holder", one) for one in holder or ())
    if names and len(names) != total:
        raise typer.BadParameter(f"want one --holder for each of the {total} shares, or none")
    with frame.session() as opened, frame.online(opened) as transport:
        rules.require_administrator(opened, "puts a fresh recovery key in force")
        sync(opened, transport)
        if not out.exists():
            terminal.confirm("Put a fresh recovery key in force? Every file of this side is rotated for it.", yes=yes)
        secret, written = _sheets(opened, out, threshold, total, names, with_html=html)
        renewed = opened.registry.recovery_id != secret.id
        if renewed:
            send(opened, transport, rules.renew(opened, secret), "the fresh recovery key")
        if names and opened.registry.recovery.custody != Custody(threshold, names):
            send(opened, transport, rules.record_custody(opened, threshold, names), "who holds the shares")
        side = opened.identity.side
        since = opened.store.received_ms(opened.registry.log, opened.registry.recovery.key.seq)
    found = {
        "key": secret.id.hex(),
        "side": side,
        "out": str(out),
        "sheets": written,
        "shares": [threshold, total],
        "holders": list(names),
        "since_ms": since,
    }
    head = f"A fresh recovery key is in force on the {side} side: {short(secret.id)}."
    if not renewed:
        head = f"The key of the sheets in {out} is in force on the {side} side since {when(since)}: {short(secret.id)}. For yet another one give a new folder."
    emit(
        found,
        head,
        f"  {total} sheets in {out}; any {threshold} of them open it.",
        "Now: print each sheet, hand it to its holder, check with fieldkeep recovery drill, and destroy the files.",
        "Keep the old shares until every file has been granted to the fresh key: registry show on members' devices says how many have.",
        as_json=as_json,
    )
    if not names:
        warn("Nobody is on record as holding these shares: fieldkeep recovery holders NAME NAME …")


def _sheets(opened: Session, out: Path, threshold: int, total: int, names: tuple[str, ...], *, with_html: bool) -> tuple[RecoverySecret, list[str]]:
    """The set in `out`, new or of an attempt that was cut short; what its shares come to, and its files."""
    if out.exists():
        return _resumed(opened, out, threshold, total)
    made, seed = opened.identity, secrets.token_bytes(32)
    secret = RecoverySecret(seed)
    date = datetime.fromtimestamp(now_ms() / 1000, UTC).strftime("%d %b %Y")
    name = opened.registry.require_root().name
    parts = shares.split(seed, threshold, total)
    pages = [
        Sheet(name, made.svc, made.side, secret.id, number, total, threshold, words, date, names[number - 1] if names else "")
        for number, words in enumerate(parts, 1)
    ]
    written = sheets.write(out, pages, with_html=with_html)
    if _come_to(out, threshold).id != secret.id:
        raise Refused("storage", f"the sheets in {out} do not come to their key: check the disk. The recovery key was not changed")
    return secret, written


def _come_to(out: Path, threshold: int) -> RecoverySecret:
    """What the sheets on disk come to, each of them in some set of as many as are needed. Raises Refused `storage` where they differ."""
    read = [one.words for one in sheets.set_in(out)]
    found = {shares.combine([read[(start + n) % len(read)] for n in range(threshold)]) for start in range(len(read))}
    if len(found) != 1:
        raise Refused("storage", f"the sheets in {out} do not come to one key: check the disk. The recovery key was not changed")
    return RecoverySecret(found.pop())


def _resumed(opened: Session, out: Path, threshold: int, total: int) -> tuple[RecoverySecret, list[str]]:
    found = sheets.set_in(out)
    if not found:
        raise Refused("not-permitted", f"{out} is there already, and holds no sheets: give a new folder")
    if (shares.needed(found[0].words), len(found)) != (threshold, total):
        there = f"{shares.needed(found[0].words)}-of-{len(found)}"
        raise Refused("not-permitted", f"{out} holds sheets of {there}, want {threshold}-of-{total}: give a new folder, or the same --shares")
    secret = _come_to(out, threshold)
    me = opened.identity
    if any((one.svc, one.side, one.key) != (me.svc, me.side, secret.id) for one in found):
        raise Refused("other-shares", f"the sheets in {out} are of another service, side or key: give a new folder")
    known = opened.registry.recovery.find(secret.id)
    if known is not None and known != opened.registry.recovery.key:
        raise Refused("not-permitted", f"the sheets in {out} are of an older key: give a new folder")
    return secret, sorted(path.name for path in out.glob("recovery-*"))


@command
def recovery_holders(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Who holds each share, in order: a name or a post. Seen by everybody of this side.")
    ],
    needed: Annotated[int | None, typer.Option(min=SHARES[0], max=SHARES[1], help="How many shares are needed, where that is not on record.")] = None,
    as_json: Json = False,
) -> None:
    """Put on record who holds the shares of the recovery key in force, one name for each share. For administrators.

    Example: fieldkeep --profile office/perpetrator-administrator recovery holders Ada Bo "Chair of trustees" --needed 2
    """
    holders = tuple(called("NAME", name) for name in names)
    with frame.session() as opened, frame.online(opened) as transport:
        sync(opened, transport)
        before = opened.registry.recovery.custody
        threshold = needed or (before.threshold if before else 0)
        if not threshold:
            raise typer.BadParameter("say with --needed how many of the shares are needed: the sheets say it")
        if not SHARES[0] <= threshold <= len(holders) <= SHARES[1]:
            raise typer.BadParameter(f"want one NAME for each share: {threshold} to {SHARES[1]} of them")
        send(opened, transport, rules.record_custody(opened, threshold, holders), "who holds the shares")
        missing = rules.shortfalls(opened)
    emit(
        {"holders": list(holders), "needed": threshold, "shortfalls": missing},
        f"On record: {', '.join(holders)}; any {threshold} are needed.",
        *missing,
        as_json=as_json,
    )


@command
def recovery_allow(
    which: WhichDevice,
    reason: Annotated[str, typer.Option(help=f"One of: {', '.join(PERMIT_REASONS)}. Seen by everybody of this side.")],
    file: Annotated[list[str] | None, typer.Option("--file", help="Only this file, by its whole id; repeat.")] = None,
    days: Annotated[int, typer.Option(min=1, max=14, help="For how long.")] = 3,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let a clean machine bring back the files that nobody can open any more. For administrators; everybody of the side is told.

    First: revoke every lost device, put a fresh key in force (recovery split), invite a person and enrol the clean machine. The machine can do
    nothing without the shares of the key before.

    Example: fieldkeep --profile office/perpetrator-administrator recovery allow "clean machine" --reason devices_lost
    """
    if reason not in PERMIT_REASONS:
        raise typer.BadParameter(f"reason is one of {', '.join(PERMIT_REASONS)}")
    files = tuple(ids.parse(one) for one in file or ()) or None
    with frame.session() as opened, frame.online(opened) as transport:
        rules.require_administrator(opened, "lets a device recover")
        sync(opened, transport)
        target = which_device(opened, which)
        certificate = opened.registry.devices[target]
        name = f"{certificate.subject.name}'s {certificate.keys.label} ({short(target)})"
        terminal.confirm(f"Let {name} bring back {f'{len(files)} file(s)' if files else 'every file'} that nobody holds any more?", yes=yes)
        until = opened.now_ms() + opened.clock_offset() + days * DAY_MS
        send(opened, transport, rules.permit(opened, target, reason, files, until), "the permit")
        others = [
            f"{one.subject.name}: {one.keys.label} ({short(one.keys.device)})"
            for one in opened.registry.devices.values()
            if one.revoked is None and one.keys.device != target and any(has_content(role) for role in one.subject.roles)
        ]
    found = {"device": ids.show(target), "reason": reason, "files": [ids.show(log) for log in files or ()], "until_ms": until, "not_revoked": others}
    lines = [f"{name} may recover for {days} day(s). There: fieldkeep recovery use"]
    lines += ["What these devices hold is not brought back, for they are not revoked:", *(f"  {one}" for one in others)] if others else []
    emit(found, *lines, as_json=as_json)


@command
def recovery_close(
    which: Annotated[
        str | None,
        typer.Argument(metavar="DEVICE", help="Its id or the first characters of it, what it is called, or whose it is; this one without."),
    ] = None,
    as_json: Json = False,
) -> None:
    """End a permit to recover: an administrator's to take back, or this device's own when it is done.

    Example: fieldkeep recovery close "clean machine"
    """
    with frame.session() as opened, frame.online(opened) as transport:
        sync(opened, transport)
        target = which_device(opened, which) if which else opened.identity.device
        close_permit(opened, transport, target)
    emit({"closed": ids.show(target)}, f"Device {short(target)} may not recover any more.", as_json=as_json)


def close_permit(opened: Session, transport: HttpTransport, device: bytes) -> None:
    """End a device's permit, on the server too."""
    send(opened, transport, rules.close(opened, device), "the end of the permit")
